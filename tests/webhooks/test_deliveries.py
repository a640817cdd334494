"""Whether and when a delivery is sent: retried under its id for a day, one at a time, and nobody waits for another."""

import runpy
import time
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from audit.boxes import Box
from audit.models import Entry
from audit.refusal import Refused
from notices import reading, telling
from notices.models import Notice
from stack import ROOT
from tests import factories
from tests.pages import signed_in, text_of
from tests.racing import race
from tests.webhooks.receiver import receiving
from webhooks import deliveries, endpoints
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.statuses import TEST, DeliveryState, Disabled

HOUR = timedelta(hours=1)


@pytest.fixture
def waiting(endpoint, admin):
    """A delivery that is due."""
    return endpoints.try_out(endpoint.pk, by=admin, now=timezone.now())


def through_a_day(passed, endpoint, *, hours=30):
    """Everything that is tried, each when it is due."""
    begun = at = Delivery.objects.get().since
    while at < begun + hours * HOUR:
        passed(at=at)
        left = Delivery.objects.pending().order_by("next_at").values_list("next_at", flat=True).first()
        rests = Endpoint.objects.get(pk=endpoint.pk).rests_until or at
        if left is None or Endpoint.objects.get(pk=endpoint.pk).disabled:
            break
        at = max(at + timedelta(seconds=1), left, rests)
    return at - begun


def test_what_is_not_taken_is_tried_for_a_day_under_the_same_id_then_the_endpoint_is_switched_off(
    endpoint, waiting, receiver, passed
):
    receiver.status, receiver.body = 500, b"no room for +31612345678"
    took = through_a_day(passed, endpoint)
    assert timedelta(hours=24) <= took < timedelta(hours=25)
    assert {headers["webhook-id"] for _, headers, _ in receiver.came} == {waiting.public_id}
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.came}) == len(receiver.came)
    endpoint.refresh_from_db()
    assert endpoint.disabled == Disabled.FAILING
    assert 10 <= Attempt.objects.filter(delivery=waiting, status=500, answer="no room for +3161•••5678").count() <= 15
    waits = [(after - before).total_seconds() for before, after in _pairs(waiting)]
    for wait, planned in zip(waits, deliveries.SCHEDULE, strict=False):
        assert 0.75 * planned.total_seconds() <= wait <= 1.25 * planned.total_seconds() + 2
    entry = Entry.objects.get(action="endpoint.disabled")
    assert (entry.actor, entry.after) == (None, {"why": "failing"})
    reading.look(now=timezone.now())
    telling.tell(Notice.objects.get(entry=entry).pk, now=timezone.now())
    [letter] = mail.outbox
    assert letter.subject == f"The webhook “{endpoint}” was switched off"
    assert letter.to == [endpoint.created_by.email] and f"/webhooks/{endpoint.pk}/" in letter.body


def _pairs(delivery):
    return pairwise(Attempt.objects.filter(delivery=delivery).order_by("at").values_list("at", flat=True))


def test_one_that_is_never_taken_holds_up_no_other_and_switches_nothing_off(endpoint, waiting, receiver, passed, admin):
    receiver.status = 422
    passed()
    receiver.status = 204
    other = endpoints.try_out(endpoint.pk, by=admin, now=timezone.now())
    passed()
    other.refresh_from_db()
    assert other.state == DeliveryState.DELIVERED
    assert Endpoint.objects.get().failing_since is None
    receiver.status = 422
    Delivery.objects.filter(pk=waiting.pk).update(since=timezone.now() - 24 * HOUR, next_at=timezone.now())
    passed()
    waiting.refresh_from_db()
    assert (waiting.state, Endpoint.objects.get().disabled) == (DeliveryState.FAILED, Disabled.NO)


def test_gone_switches_off_at_once_and_switched_on_what_waited_goes_on(endpoint, waiting, receiver, passed, admin):
    receiver.status = 410
    passed()
    assert Endpoint.objects.get().disabled == Disabled.GONE
    with pytest.raises(Refused, match="switch it on"):
        endpoints.try_out(endpoint.pk, by=admin, now=timezone.now())
    receiver.status = 200
    passed(hours=2)
    assert len(receiver.came) == 1
    factories.sending(endpoint.workspace)
    endpoints.enable(endpoint.pk, by=admin, now=timezone.now())
    passed()
    assert len(receiver.came) == 1 + 1 + 3  # what waited, and what happened meanwhile
    assert not Delivery.objects.pending().exists()


def test_during_a_rotation_both_secrets_verify_and_after_it_the_old_one_does_not(made, receiver, passed, admin):
    endpoint, old = made
    new = endpoints.rotate(endpoint.pk, by=admin, now=timezone.now())[1]
    endpoints.try_out(endpoint.pk, by=admin, now=timezone.now())
    passed()
    assert receiver.verified(old) == receiver.verified(new)
    assert receiver.verified(new)[0]["type"] == TEST
    Endpoint.objects.update(old_secret_until=timezone.now() - HOUR)
    receiver.came.clear()
    endpoints.try_out(endpoint.pk, by=admin, now=timezone.now())
    passed()
    _, headers, body = receiver.came[0]
    assert Webhook(new).verify(body, dict(headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, dict(headers))


def test_sent_again_it_has_the_same_id_and_a_day_anew(endpoint, waiting, receiver, passed, admin):
    passed()
    again = endpoints.redeliver(waiting.pk, by=admin, now=timezone.now())
    assert again.state == DeliveryState.PENDING
    passed()
    assert [headers["webhook-id"] for _, headers, _ in receiver.came] == [waiting.public_id] * 2
    assert Attempt.objects.filter(delivery=waiting).count() == 2
    assert Entry.objects.get(action="endpoint.redelivered").after == {"webhook_id": waiting.public_id}


def test_where_nobody_answers_the_endpoint_rests_and_others_are_served(endpoint, waiting, receiver, passed, admin):
    endpoints.change(endpoint.pk, url="http://127.0.0.1:1/", by=admin)
    more = endpoints.try_out(endpoint.pk, by=admin, now=timezone.now())
    other = factories.endpoint(endpoint.workspace, receiver.url)
    endpoints.try_out(other.pk, by=admin, now=timezone.now())
    at = passed()
    assert len(receiver.came) == 1
    assert Attempt.objects.filter(delivery__endpoint=endpoint).count() == 1  # of two that wait
    endpoint.refresh_from_db()
    assert endpoint.rests_until > at
    endpoints.change(endpoint.pk, url=receiver.url, by=admin)
    passed(minutes=10)
    assert set(Delivery.objects.filter(pk__in=[waiting.pk, more.pk]).values_list("state", flat=True)) == {"delivered"}


@pytest.fixture
def slow(settings):
    """An endpoint whose receiver takes its time, and how many requests it had at once."""
    settings.WEBHOOKS_TO_LOOPBACK = True
    at_once, most = [], []

    def writes(handler):
        at_once.append(handler)
        most.append(len(at_once))
        time.sleep(0.05)
        at_once.remove(handler)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")

    with receiving() as receiver:
        receiver.writes = writes
        endpoint = factories.endpoint(factories.workspace(), receiver.url)
        by = endpoint.created_by
        for _ in range(4):
            endpoints.try_out(endpoint.pk, by=by, now=timezone.now())
        yield endpoint, receiver, most


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time_is_sent_to_an_endpoint_however_many_ring(slow):
    endpoint, receiver, most = slow
    race(*[lambda: deliveries.send(endpoint.pk, now=timezone.now())] * 4)
    deliveries.send(endpoint.pk, now=timezone.now())
    assert len(receiver.came) == len({headers["webhook-id"] for _, headers, _ in receiver.came}) == 4
    assert max(most) == 1


def test_a_worker_that_was_killed_holds_an_endpoint_for_its_lease_and_no_longer(endpoint, waiting, receiver, passed):
    assert Endpoint.objects.claim(endpoint.pk, now=timezone.now())
    passed()
    assert not receiver.came
    passed(seconds=21)
    assert len(receiver.came) == 1


def test_secrets_are_sealed_each_for_its_endpoint_and_sealed_anew_under_a_new_key(
    made, admin, settings, workspace, capsys
):
    endpoint, secret = made
    endpoints.rotate(endpoint.pk, by=admin, now=timezone.now())
    endpoint.refresh_from_db()
    other = factories.endpoint(workspace)
    other.secret_ciphertext = endpoint.old_secret_ciphertext
    with pytest.raises(Exception, match="changed, or is of another"):
        endpoints.secrets_of(other, now=timezone.now())
    secrets = endpoints.secrets_of(endpoint, now=timezone.now())
    assert secrets[1] == secret
    old, settings.WEBHOOK_KEY = settings.WEBHOOK_KEY, "another key"
    settings.WEBHOOK_KEY_FALLBACKS = []
    with pytest.raises(CommandError, match="WEBHOOK_KEY has changed"):
        call_command("rotate_webhook_key")  # nobody gave the old one
    settings.WEBHOOK_KEY_FALLBACKS = [old]
    call_command("rotate_webhook_key")
    settings.WEBHOOK_KEY_FALLBACKS, settings.CHANNEL_KEY = [], "one of which webhooks know nothing"
    endpoint.refresh_from_db()
    assert endpoints.secrets_of(endpoint, now=timezone.now()) == secrets
    call_command("rotate_webhook_key")
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing was to be done."
    with connection.cursor() as cursor:
        cursor.execute("SELECT w::text || e::text FROM webhooks_endpoint w, audit_entry e")
        assert not any(one.removeprefix("whsec_") in str(cursor.fetchall()) for one in secrets)


def test_a_secret_that_no_key_opens_is_told_and_put_right_by_another_one(waiting, admin, settings, receiver, passed):
    settings.WEBHOOK_KEY, settings.WEBHOOK_KEY_FALLBACKS = "nobody kept the old one", []
    settings.CHANNEL_KEY, settings.CHANNEL_KEY_FALLBACKS = "nor this", []
    passed()
    assert Attempt.objects.get().trouble == "Its secret does not decrypt: rotate it."
    rotated, secret = endpoints.rotate(waiting.endpoint_id, by=admin, now=timezone.now())
    assert endpoints.secrets_of(rotated, now=timezone.now()) == [secret]
    assert rotated.old_secret_until is None
    passed(seconds=60)
    assert len(receiver.came) == 1


@pytest.mark.parametrize("given", [{}, {"CHANNEL_KEY": "k"}, {"CHANNEL_KEY": "k", "WEBHOOK_KEY": "of their own"}])
def test_a_secret_of_a_release_that_had_one_key_for_all_is_read(made, settings, monkeypatch, given):
    endpoint, secret = made
    monkeypatch.delenv("SECRET_KEY_FALLBACKS", raising=False)
    for name, value in ({"SECRET_KEY": "s"} | given).items():
        monkeypatch.setenv(name, value)
    read = runpy.run_path(str(ROOT / "config" / "settings.py"))
    settings.CHANNEL_KEY, settings.CHANNEL_KEY_FALLBACKS = given.get("CHANNEL_KEY", "s"), []
    endpoint.secret_ciphertext = Box("CHANNEL_KEY").seal(secret, of=endpoint.place_of("secret"))
    for name in ("WEBHOOK_KEY", "WEBHOOK_KEY_FALLBACKS"):
        setattr(settings, name, read[name])
    assert endpoints.secrets_of(endpoint, now=timezone.now()) == [secret]


def test_what_was_sent_is_kept_for_a_month_with_its_attempts(endpoint, waiting, receiver, passed, settings):
    passed()
    settings.WEBHOOK_KEY, settings.WEBHOOK_KEY_FALLBACKS = "worker has none", []
    deliveries.forget(now=timezone.now() + timedelta(days=29))
    assert Attempt.objects.count() == 1
    deliveries.forget(now=timezone.now() + timedelta(days=31))
    assert not Delivery.objects.exists() and not Attempt.objects.exists()


def test_what_was_sent_is_listed_and_dropped_without_reading_what_it_said(endpoint, waiting, passed, as_admin):
    """A delivery may be of a thousand messages, and a month has any number of them."""
    passed()
    admin, other = endpoint.created_by, factories.endpoint(endpoint.workspace)
    endpoints.try_out(other.pk, by=admin, now=timezone.now())
    page = signed_in(admin, endpoint.workspace)
    with CaptureQueriesContext(connection) as asked:
        assert waiting.public_id in text_of(page.get(f"/webhooks/{endpoint.pk}/"))
        sent = as_admin.get(f"/api/v1/webhooks/{endpoint.pk}/deliveries/").json()
        endpoints.delete(other.pk, by=admin, now=timezone.now())
        deliveries.forget(now=timezone.now() + timedelta(days=31))
    assert sent["results"][0]["webhook_id"] == waiting.public_id
    assert not Delivery.objects.exists() and not Attempt.objects.exists()
    assert [one["sql"] for one in asked.captured_queries if '"payload"' in one["sql"]] == []


def test_deleted_it_has_no_secret_and_nothing_of_it_is_sent(endpoint, waiting, receiver, passed, admin):
    endpoints.delete(endpoint.pk, by=admin, now=timezone.now())
    passed()
    assert not receiver.came
    endpoint.refresh_from_db()
    assert endpoint.secret_ciphertext == endpoint.old_secret_ciphertext == ""


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"url": "http://10.0.0.1/"}, "address_refused"),
        ({"events": []}, "unknown_event"),
        ({"events": ["campaign.draft"]}, "unknown_event"),
    ],
)
def test_a_wrong_endpoint_is_refused_with_the_field(workspace, admin, given, code):
    with pytest.raises(Refused) as refused:
        factories.endpoint(workspace, **given)
    assert (refused.value.code, refused.value.field) == (code, next(iter(given)))
    assert not Endpoint.objects.exists()


def test_a_workspace_has_twenty(workspace):
    for _ in range(endpoints.MOST):
        factories.endpoint(workspace)
    with pytest.raises(Refused, match="20 webhooks"):
        factories.endpoint(workspace)
