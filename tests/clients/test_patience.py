"""What the client does with a server that misbehaves, and with one that needs time."""

import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from message_center_client import ApiError, Away, Client, Conflict, NotReady, TooMany, Unreachable

BUSY = {"error": {"code": "throttled", "message": "Too many calls."}}


def scripted(answer: Callable[[httpx.Request], httpx.Response], **given: Any) -> Client:
    return Client("http://elsewhere", key="mc_key", transport=httpx.MockTransport(answer), **given)


def saying(*answers: httpx.Response | Exception, **given: Any) -> tuple[Client, list[httpx.Request]]:
    """A client of a server that says one after the other; and what it was asked."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        said = answers[len(asked) - 1]
        if isinstance(said, Exception):
            raise said
        return said

    return scripted(answer, **given), asked


def refused(code: str, status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, json={"error": {"code": code, "message": "No."}})


def test_it_waits_as_long_as_it_is_told_and_a_little_and_sends_the_same_wish_again(naps: list[float]) -> None:
    no = httpx.Response(429, headers={"Retry-After": "7"}, json=BUSY)
    center, asked = saying(no, no, httpx.Response(200, json={"id": 1}))
    assert center.campaigns.pause(1)["id"] == 1
    assert all(7.0 < nap < 8.0 for nap in naps) and len(naps) == 2
    assert naps[0] != naps[1]
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1


def test_a_time_to_come_back_may_be_a_date(naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: datetime(2027, 3, 1, 9, tzinfo=UTC).timestamp())
    away = httpx.Response(503, headers={"Retry-After": "Mon, 01 Mar 2027 09:00:20 GMT"}, json=BUSY)
    center, _ = saying(away, httpx.Response(200, json={}))
    center.campaigns.get(1)
    assert 20.0 < naps[0] < 21.0


def test_whoever_is_told_to_wait_longer_than_its_patience_does_not_come_back_early(naps: list[float]) -> None:
    center, asked = saying(refused("throttled", 429, **{"Retry-After": "61"}))
    with pytest.raises(TooMany) as raised:
        center.campaigns.get(1)
    assert (raised.value.retry_after, naps, len(asked)) == (61.0, [], 1)


def test_pauses_grow_and_are_never_the_same_for_two(naps: list[float]) -> None:
    for _ in range(2):
        center, _ = saying(*[refused("database_unavailable", 503)] * 4)
        with pytest.raises(Away):
            center.campaigns.get(1)
    first, second = naps[:3], naps[3:]
    for nap, longest in zip(naps, [0.5, 1.0, 2.0] * 2, strict=True):
        assert longest / 2 <= nap <= longest
    assert first != second


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("No answer."), httpx.Response(502, text="<html>Bad gateway")])
def test_what_may_have_been_done_is_asked_for_again_under_the_same_key(
    naps: list[float], lost: httpx.Response | Exception
) -> None:
    center, asked = saying(lost, httpx.Response(200, json={"id": 1}))
    center.campaigns.cancel(1)
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert len(asked) == 2


def test_two_wishes_have_two_keys() -> None:
    center, asked = saying(*[httpx.Response(200, json={"id": 1})] * 2)
    for _ in range(2):
        center.campaigns.pause(1)
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 2


def test_the_answer_of_the_attempt_before_is_waited_for(naps: list[float]) -> None:
    """Whose line broke, and which is still being answered."""
    under_way = refused("idempotency_in_progress", 409)
    center, asked = saying(httpx.ReadTimeout("No answer."), under_way, httpx.Response(201, json={"id": 1}))
    assert center.campaigns.clone(1)["id"] == 1
    assert len(asked) == 3


def test_a_change_that_depends_on_what_was_read_is_not_made_again_when_its_answer_was_lost(naps: list[float]) -> None:
    center, asked = saying(httpx.ReadTimeout("No answer."))
    with pytest.raises(Unreachable) as raised:
        center.campaigns.change(1, name="Sale", if_match='"1-1"')
    assert (raised.value.is_unsent, len(asked), naps) == (False, 1, [])
    center, asked = saying(httpx.ConnectError("Refused."), httpx.Response(200, json={}))
    center.campaigns.change(1, name="Sale", if_match='"1-1"')
    assert len(asked) == 2


def test_a_refusal_is_not_asked_for_again(naps: list[float]) -> None:
    center, asked = saying(refused("wrong_status", 409, **{"X-Request-Id": "a1"}))
    with pytest.raises(Conflict) as raised:
        center.campaigns.pause(1)
    assert (raised.value.code, raised.value.request_id, str(raised.value)) == (
        "wrong_status",
        "a1",
        "No. (wrong_status, 409)",
    )
    assert len(asked) == 1


def test_an_error_goes_whole_through_a_pool_of_processes(naps: list[float]) -> None:
    center, _ = saying(refused("throttled", 429, **{"Retry-After": "61", "X-Request-Id": "a1"}))
    with pytest.raises(TooMany) as raised:
        center.campaigns.get(1)
    for error in (raised.value, Unreachable("elsewhere does not answer", is_unsent=True)):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_nobody_there_is_one_of_its_own_errors(naps: list[float]) -> None:
    with Client("http://127.0.0.1:1", key="mc_key", attempts=2) as center, pytest.raises(Unreachable) as raised:
        center.campaigns.get(1)
    assert raised.value.is_unsent
    assert str(raised.value).startswith("127.0.0.1 does not answer: ")


@pytest.mark.parametrize("status", [200, 302, 404, 502])
def test_an_answer_of_something_else_in_between_is_said_to_be_one(status: int) -> None:
    center, _ = saying(httpx.Response(status, text="<html>Sign in to this network"), attempts=1)
    with pytest.raises(ApiError, match=r"the answer has no words of the API") as raised:
        center.campaigns.get(1)
    assert (raised.value.status, raised.value.code) == (status, "unexpected")


def test_pages_are_asked_for_where_the_first_one_was_whatever_address_the_server_thinks_it_has() -> None:
    pages = [
        {"results": [{"id": 1}], "next": "http://internal:8000/api/v1/campaigns/?cursor=a%3D&page_size=1"},
        {"results": [{"id": 2}], "next": None},
    ]
    center, asked = saying(*(httpx.Response(200, json=page) for page in pages))
    assert [row["id"] for row in center.campaigns.all(page_size=1)] == [1, 2]
    assert str(asked[1].url) == "http://elsewhere/api/v1/campaigns/?cursor=a%3D&page_size=1"


def test_a_campaign_is_waited_for_until_no_receipt_is_awaited(naps: list[float]) -> None:
    def told(*answers: tuple[str, int]) -> Client:
        rows = [{"status": status, "totals": {"pending": left, "waiting": 0}} for status, left in answers]
        return saying(*(httpx.Response(200, json=row) for row in rows))[0]

    assert told(("sending", 2), ("done", 1), ("done", 0)).campaigns.wait(1)["totals"]["pending"] == 0
    assert len(naps) == 2
    with pytest.raises(NotReady, match=r"Not so after 0 s: it is sending\."):
        told(("sending", 2)).campaigns.wait(1, seconds=0)


def test_a_file_that_breaks_off_is_fetched_again_and_leaves_nothing_of_itself(
    naps: list[float], tmp_path: Path
) -> None:
    class Torn(httpx.SyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield b"to,sta"
            raise httpx.ReadError("Connection reset.")

    whole = httpx.Response(200, content=b"to,status\n")
    center, asked = saying(httpx.Response(200, stream=Torn()), whole)
    assert center.exports.download(1, tmp_path / "report.csv") == 10
    assert (tmp_path / "report.csv").read_bytes() == b"to,status\n"
    center, asked = saying(*(httpx.Response(200, stream=Torn()) for _ in range(2)), attempts=2)
    with pytest.raises(Unreachable):
        center.exports.download(1, tmp_path / "report.csv")
    assert len(asked) == 2
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("report.csv", b"to,status\n")]


def test_what_is_no_json_is_a_mistake_of_the_program_and_is_not_sent() -> None:
    center, asked = saying()
    with pytest.raises(TypeError, match=r"Path cannot be written as JSON"):
        center.messages.push(1, to=Path("+31612345678"))  # type: ignore[arg-type]
    assert asked == []


def test_days_and_times_are_written_as_the_api_wants_them() -> None:
    center, asked = saying(*[httpx.Response(200, json={})] * 2)
    center.campaigns.reschedule(1, datetime(2027, 3, 1, 9, tzinfo=UTC))
    center.calls.get(dict[str, Any], "audit/", **{"from": datetime(2027, 3, 1, 9, tzinfo=UTC), "to": None})
    assert json.loads(asked[0].content) == {"send_at": "2027-03-01T09:00:00+00:00"}
    assert dict(asked[1].url.params) == {"from": "2027-03-01T09:00:00+00:00"}
