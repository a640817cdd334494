"""A webhook is verified as the published library does, and says what came."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_type, get_args

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from message_center_client import (
    CampaignMoved,
    Event,
    ExportEnded,
    MessagesSettled,
    NotGenuine,
    SuppressionsChanged,
    Tried,
    Webhook,
    events,
    models,
)
from standardwebhooks import Webhook as Published
from standardwebhooks import WebhookVerificationError

from webhooks import description, shapes, signing
from webhooks.statuses import TEST
from webhooks.statuses import Event as Posted

SECRET = signing.new_secret()
OLD = signing.new_secret()


def posted(event: str, *, secret: str = SECRET, at: int | None = None) -> tuple[bytes, dict[str, str]]:
    """As the platform posts it."""
    body = json.dumps(description.example_of(event)).encode()
    timestamp = int(time.time()) if at is None else at
    return body, signing.headers([secret], webhook_id="msg_1", timestamp=timestamp, body=body)


@pytest.mark.parametrize("event", [*Posted.values, TEST])
def test_every_event_that_is_posted_has_a_class_of_its_own(event: str) -> None:
    found = Webhook(SECRET).verify(*posted(event))
    assert type(found) is not Event
    assert (found.id, found.type) == ("msg_1", event)
    assert (found.at.tzinfo, found.at.year) == (UTC, 2027)
    assert found.data == description.example_of(event)["data"]


def test_it_knows_the_events_of_the_description_of_the_api() -> None:
    assert set(events.KINDS) == set(shapes.OF)
    assert set(get_args(models.WebhookEvent)) == set(shapes.OF) - {TEST}


def test_what_an_event_is_says_what_is_in_it() -> None:
    """The types are held by mypy, which reads this file strictly."""
    match Webhook(SECRET).verify(*posted("messages.settled")):
        case MessagesSettled(data=data):
            assert_type(data, models.SettledMessages)
            assert [message["status"] for message in data["messages"]] == ["delivered", "failed"]
        case CampaignMoved() | ExportEnded() | SuppressionsChanged() | Tried() | Event():
            pytest.fail("It is one of messages.")
    match Webhook(SECRET).verify(*posted("suppressions.changed")):
        case SuppressionsChanged(data=changed):
            assert_type(changed, models.SuppressionsChanged)
            assert [change["change"] for change in changed["changes"]] == ["added", "removed"]
        case CampaignMoved() | ExportEnded() | MessagesSettled() | Tried() | Event():
            pytest.fail("It is one of suppressed numbers.")


def test_an_event_of_a_later_server_is_one_all_the_same() -> None:
    body = b'{"type": "campaign.cloned", "timestamp": "2027-03-01T09:00:00.000000Z", "data": {"of": 7}}'
    found = Webhook(SECRET).verify(body, Webhook(SECRET).sign(body, id="msg_1"))
    at = datetime(2027, 3, 1, 9, tzinfo=UTC)
    assert found == Event(id="msg_1", type="campaign.cloned", at=at, data={"of": 7})


@pytest.mark.parametrize("secrets", [(SECRET, OLD), (OLD, SECRET), (OLD, SECRET, None), ("", SECRET)])
def test_while_a_secret_is_changed_either_is_good(secrets: tuple[str | None, ...]) -> None:
    assert Webhook(*secrets).verify(*posted("webhook.test", secret=SECRET)).type == "webhook.test"
    body, _ = posted("webhook.test")
    headers = signing.headers([SECRET, OLD], webhook_id="msg_1", timestamp=int(time.time()), body=body)
    for secret in (SECRET, OLD):
        assert Webhook(secret).verify(body, headers).id == "msg_1"


def test_headers_are_read_however_a_framework_writes_them_and_so_is_a_body_that_is_text() -> None:
    body, headers = posted("webhook.test")
    shouted = {name.upper(): value for name, value in headers.items()}
    assert Webhook(SECRET).verify(body.decode(), {**shouted, "Host": "shop.example.com"}).id == "msg_1"


@pytest.mark.parametrize("away", [-301, 301])
@time_machine.travel(datetime(2027, 3, 1, 9, tzinfo=UTC), tick=False)
def test_what_is_too_old_or_of_the_future_is_not_genuine(away: int) -> None:
    sent = posted("webhook.test", at=int(time.time()) + away)
    with pytest.raises(NotGenuine, match=r"too far from ours"):
        Webhook(SECRET).verify(*sent)
    assert Webhook(SECRET, tolerance=400).verify(*sent)


def spoilt(**changes: str) -> tuple[bytes, dict[str, str]]:
    body, headers = posted("webhook.test")
    return body, headers | {f"webhook-{name}": value for name, value in changes.items()}


WRONG: list[tuple[bytes, Mapping[str, str]]] = [
    posted("webhook.test", secret=OLD),
    (posted("webhook.test")[0] + b" ", posted("webhook.test")[1]),
    spoilt(id="msg_2"),
    spoilt(timestamp=str(int(time.time()) - 1)),
    *(spoilt(timestamp=text) for text in ("", "soon", "-1", "1e9", "²", "9" * 5000)),
    *(spoilt(signature=text) for text in ("", "v1", "v1,", "v1,AAAA", "v1,!", "v1,ä", ", ,", "v2,AAAA")),
    spoilt(signature=posted("webhook.test")[1]["webhook-signature"].replace("v1,", "v1a,")),
    *((posted("webhook.test")[0], {name: "1"}) for name in ("webhook-id", "webhook-signature", "Host")),
]


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_what_is_not_signed_is_not_genuine(wrong: tuple[bytes, Mapping[str, str]]) -> None:
    with pytest.raises(NotGenuine):
        Webhook(SECRET).verify(*wrong)
    with pytest.raises((WebhookVerificationError, ValueError)):
        Published(SECRET).verify(wrong[0], dict(wrong[1]))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"type": 1}', b"\xff", b'{"type":"a","timestamp":"b"}'])
def test_what_is_signed_and_no_event_is_not_genuine(body: bytes) -> None:
    hook = Webhook(SECRET)
    with pytest.raises(NotGenuine, match=r"no event"):
        hook.verify(body, hook.sign(body, id="msg_1"))


@pytest.mark.parametrize("secret", ["whsec_!", "whsec_a"])
def test_a_secret_that_is_none_is_found_when_the_program_starts(secret: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_ and Base64"):
        Webhook(secret)


@pytest.mark.parametrize("given", [(), (None,), ("", None)])
def test_nothing_is_verified_without_a_secret(given: tuple[str | None, ...]) -> None:
    with pytest.raises(ValueError, match=r"Without a secret"):
        Webhook(*given)


# --- Both ways with the published library -----------------------------------------------------------------------------

KEYS = st.binary(min_size=24, max_size=64).map(lambda key: f"whsec_{base64.b64encode(key).decode()}")
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)
NOTES = st.text(st.characters(codec="utf-8"))


@given(KEYS, IDS, NOTES)
def test_what_the_published_library_signs_is_genuine(secret: str, webhook_id: str, note: str) -> None:
    body = json.dumps({"type": "a", "timestamp": "2027-03-01T09:00:00Z", "data": {"note": note}}, ensure_ascii=False)
    now = datetime.now(UTC)
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Published(secret).sign(webhook_id, now, body),
    }
    assert Webhook(OLD, secret).verify(body.encode(), headers).data == {"note": note}


@given(KEYS, IDS, NOTES)
def test_what_is_signed_here_is_good_for_the_published_library_and_for_nobody_elses_secret(
    secret: str, webhook_id: str, note: str
) -> None:
    body = json.dumps({"note": note}, ensure_ascii=False)
    headers = Webhook(OLD, secret).sign(body, id=webhook_id)
    assert Published(secret).verify(body, headers) == {"note": note}
    with pytest.raises(WebhookVerificationError):
        Published(f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}").verify(body, headers)


def test_a_signature_is_that_of_the_specification() -> None:
    """The vector of the specification's own libraries."""
    hook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")  # pragma: allowlist secret
    headers = hook.sign('{"test": 2432232314}', id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
