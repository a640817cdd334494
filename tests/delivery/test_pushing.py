"""Messages pushed into a trigger campaign: accepted once, sent once, in time, and on every page like any others."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from audit.refusal import Refused
from campaigns import transitions as authors
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import counters, dispatching, due, erasing, intents, pushes, pushing, tasks
from delivery.models import Chunk, Intent, Message, Push
from delivery.statuses import ChunkStatus, MessageState
from recipients import suppressions
from reports import lines as reports_lines
from reports import recipients_tab, reconciliation
from tests import factories
from tests.delivery.ground import claim
from tests.racing import race

S = MessageState
TEXT = "Your code is {code}. Shop {shop|Anna}."
pytestmark = pytest.mark.django_db


class Carrier:
    """The links, bound, and a carrier that takes everything at once."""

    is_stopping = False

    def __init__(self):
        self.batches = []

    def is_bound(self, channel_id):
        return True

    def now(self):
        return 0.0

    def send(self, batch):
        self.batches.append(batch)
        units = np.arange(batch.units)
        ids = np.array([b"%d-%d" % (len(self.batches), unit) for unit in units])
        batch.take(units, np.zeros(batch.units, np.int64), ids)
        batch.next_unit = batch.units
        batch.finished.set_result(None)

    @property
    def phones(self):
        return [int(phone) for batch in self.batches for phone in batch.phones]


@pytest.fixture
def carrier(monkeypatch):
    made = Carrier()
    monkeypatch.setattr(dispatching, "engine", made)
    return made


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr(tasks.dispatch, "delay", bells.append)
    return bells


@pytest.fixture
def trigger(workspace, rung):
    return factories.trigger(workspace, text=TEXT)


def push(client, campaign, body, **headers):
    return client.post(f"/api/v1/campaigns/{campaign.pk}/messages/", body, headers=headers)


def one(n=0, **given):
    return {"to": f"+3160000{n:04}", "params": {"code": f"{n}"}, **given}


def look(campaign):
    for chunk in Chunk.objects.filter(campaign=campaign, status=ChunkStatus.OPEN):
        dispatching.work_on(chunk.pk, clock=timezone.now)


def states(campaign):
    return dict(Message.objects.filter(campaign=campaign).values_list("recipient", "state"))


def totals(campaign):
    return counters.totals(Campaign.objects.get(pk=campaign.pk))


def code_of(response):
    return response.json()["error"]["code"]


# --- Accepting --------------------------------------------------------------------------------------------------------


def test_a_program_that_goes_on_pushing_has_two_questions_asked_for_each_call(
    as_author, trigger, django_assert_num_queries
):
    push(as_author, trigger, one(1))
    with django_assert_num_queries(2):  # who calls, and whether it is taken
        assert push(as_author, trigger, one(2)).status_code == 202
    authors.cancel(trigger.pk, by=trigger.created_by, now=timezone.now())
    refused = push(as_author, trigger, one(3))
    assert (refused.status_code, code_of(refused)) == (409, "wrong_status")


def test_a_stranger_finds_no_trigger_that_others_push_into(as_author, trigger):
    push(as_author, trigger, one(1))
    stranger = factories.bearer(factories.api_key(factories.workspace())[1])
    assert push(stranger, trigger, one(2)).status_code == 404


def test_a_pushed_message_is_accepted_and_handed_over_without_a_bell(as_author, trigger, carrier, rung):
    answer = push(as_author, trigger, one(7))
    assert (answer.status_code, answer.json()) == (202, {"id": 0, "status": "waiting"})
    due.tick(now=timezone.now())
    assert rung == []
    [chunk] = Chunk.objects.to_attend(timezone.now())
    assert chunk == Chunk.objects.get(campaign=trigger)
    assert totals(trigger).waiting == 1
    look(trigger)
    assert carrier.phones == [31600000007]
    told = as_author.get(f"/api/v1/campaigns/{trigger.pk}/messages/0/").json()
    assert (told["to"], told["status"], told["parts"]) == ("+31600000007", "pending", 1)
    assert totals(trigger).pending == totals(trigger).accepted == totals(trigger).rows == 1
    assert reconciliation.differences(Campaign.objects.get(pk=trigger.pk)) == []


def test_what_comes_after_a_look_is_handed_over_by_the_next_one_and_nothing_twice(as_author, trigger, carrier):
    for n in range(3):
        push(as_author, trigger, one(n))
        look(trigger)
    assert carrier.phones == [31600000000, 31600000001, 31600000002]
    assert Chunk.objects.get(campaign=trigger).status == ChunkStatus.DONE
    due.tick(now=timezone.now())
    assert Campaign.objects.get(pk=trigger.pk).status == Status.SENDING


def test_hundreds_are_intended_in_one_statement(as_author, trigger, carrier, settings):
    settings.DISPATCH_BATCH, settings.DISPATCH_THREADS = 6 * 300, 1
    answers = push(as_author, trigger, {"messages": [one(n) for n in range(300)]}).json()["messages"]
    assert [answer["id"] for answer in answers] == list(range(300))
    look(trigger)
    assert Intent.objects.get(chunk__campaign=trigger).count == 300


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        ({"to": "12"}, (400, "bad_number", ["to"])),
        ({"params": {}}, (422, "param_missing", ["params.code"])),
        ({"params": {"code": "1", "colour": "red"}}, (422, "unknown_param", ["params.colour"])),
        ({"text": "Buy gold now."}, (422, "text_differs", ["text"])),
        ({"params": {"code": "1"}, "text": "Your code is 2. Shop Anna."}, (422, "text_differs", ["text"])),
        ({"expires_at": "2020-01-01T00:00:00Z"}, (422, "expired", ["expires_at"])),
        ({"colour": "red"}, (400, "invalid", ["colour"])),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_nothing_is_kept(as_author, trigger, body, answered):
    params = {} if "text" in body else {"params": {"code": "1"}}
    answer = push(as_author, trigger, {"to": "+31600000000", **params, **body})
    assert (answer.status_code, code_of(answer), list(answer.json()["error"]["fields"])) == answered
    assert not Push.objects.exists()


@pytest.mark.parametrize("text", ["Your code is 12. Shop Anna.", "Your code is 12. Shop Bo. or so."])
def test_a_text_that_is_the_approved_one_with_its_placeholders_filled_is_taken(as_author, trigger, text):
    assert push(as_author, trigger, {"to": "+31600000000", "text": text}).status_code == 202


def test_the_country_of_the_workspace_reads_a_number(as_author, workspace, trigger):
    workspace.country = "NL"
    workspace.save()
    push(as_author, trigger, one() | {"to": "06 1234 5678"})
    assert Push.objects.get().phone == 31612345678


def test_each_of_a_batch_has_its_own_answer(as_author, trigger):
    answer = push(as_author, trigger, {"messages": [one(1), {"to": "1"}, one(2)]})
    first, bad, last = answer.json()["messages"]
    assert (answer.status_code, first["id"], last["id"]) == (202, 0, 1)
    assert (bad["error"]["code"], list(bad["error"]["fields"])) == ("bad_number", ["to"])


def test_a_thousand_at_once_and_not_one_more(as_author, trigger):
    assert push(as_author, trigger, {"messages": [one(n) for n in range(1001)]}).status_code == 400
    assert push(as_author, trigger, {"messages": []}).status_code == 400
    assert push(as_author, trigger, {"messages": [one(n) for n in range(1000)]}).status_code == 202
    assert push(as_author, trigger, one()).json()["id"] == 1000
    assert [chunk.count for chunk in Chunk.objects.order_by("number")] == [1000, 1]


def test_a_key_is_good_for_one_message_of_the_campaign(as_author, workspace, trigger):
    first = push(as_author, trigger, one(1, key="order-1"))
    again = push(as_author, trigger, one(1, key="order-1"))
    other = push(as_author, trigger, one(2, key="order-1"))
    assert (again.status_code, again.json()) == (202, first.json())
    assert (other.status_code, code_of(other)) == (422, "key_mismatch")
    assert Push.objects.count() == 1
    assert push(as_author, factories.trigger(workspace, text=TEXT), one(2, key="order-1")).status_code == 202
    kept = Push.objects.filter(campaign=trigger).get()
    kept.recipient = 9
    with pytest.raises(IntegrityError), transaction.atomic():
        Push.objects.bulk_create([kept])


@pytest.mark.django_db(transaction=True)
def test_of_the_same_key_at_the_same_moment_one_is_accepted(workspace, rung):
    campaign = factories.trigger(workspace, text=TEXT)
    ask = pushing.Ask(to="+31600000001", params={"code": "1"}, key="once")
    answers = race(*[lambda: pushing.push(campaign, [ask], by=None, now=timezone.now())] * 4)
    assert {answer[0].id for answer in answers} == {0}
    assert Push.objects.count() == Chunk.objects.get(campaign=campaign).count == 1


def log_until(place):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_current_wal_{place}_lsn() - '0/0'::pg_lsn")
        return cursor.fetchone()[0]


@transaction.atomic
def take_last_chunk(campaign):
    return Chunk.objects.select_for_update(nowait=True).filter(campaign=campaign).latest("number").count


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_who_pushes_waits_for_the_disk_when_the_next_may_push_already_and_is_answered_after_it(
    as_author, trigger, monkeypatch, headers
):
    keep, seen = pushing._keep, []

    def kept():
        written = log_until("insert")
        (count,) = race(lambda: take_last_chunk(trigger))
        keep()
        seen.append((count, log_until("flush") >= written))

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")  # as where nothing is thrown away
    monkeypatch.setattr(pushing, "_keep", kept)
    assert push(as_author, trigger, one(), **headers).status_code == 202
    assert seen == [(1, True)]


@pytest.mark.django_db(transaction=True)
def test_no_commit_but_that_of_what_is_pushed_leaves_the_disk_for_later(as_author, trigger):
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        assert push(as_author, trigger, one()).status_code == 202
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


@pytest.mark.django_db(transaction=True)
def test_a_message_that_may_not_last_is_not_answered_as_taken(as_author, trigger, monkeypatch):
    keep = pushing._keep

    def lose():
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(pushing, "_keep", lose)
    assert push(as_author, trigger, one(key="k")).status_code == 503
    monkeypatch.setattr(pushing, "_keep", keep)
    assert push(as_author, trigger, one(key="k")).json() == {"id": 0, "status": "waiting"}
    assert Push.objects.filter(campaign=trigger).count() == 1


def test_in_one_call_a_key_is_taken_once_and_its_repetition_answered_alike(as_author, trigger):
    push(as_author, trigger, one(1, key="a"))
    again = [one(1, key="a"), one(2, key="b"), one(2, key="b"), one(3, key="b"), one(4)]
    answers = push(as_author, trigger, {"messages": again}).json()["messages"]
    assert [answer.get("id", answer.get("error", {}).get("code")) for answer in answers] == [0, 1, 1, "key_mismatch", 2]
    assert list(Push.objects.order_by("recipient").values_list("phone", "key")) == [
        (31600000001, "a"),
        (31600000002, "b"),
        (31600000004, None),
    ]


def test_over_the_most_that_may_wait_none_of_a_call_is_taken_until_some_are_sent(as_author, trigger, carrier, settings):
    settings.PUSHES_WAITING = 3
    assert push(as_author, trigger, {"messages": [one(1, key="a"), one(2)]}).status_code == 202
    refused = push(as_author, trigger, {"messages": [one(3), one(4)]})
    assert (refused.status_code, code_of(refused), refused["Retry-After"]) == (429, "too_many_waiting", "5")
    assert Push.objects.count() == totals(trigger).waiting == 2
    assert push(as_author, trigger, one(5)).status_code == 202
    assert push(as_author, trigger, one(1, key="a")).json() == {"id": 0, "status": "waiting"}  # nothing more would wait
    look(trigger)
    assert push(as_author, trigger, {"messages": [one(3), one(4)]}).status_code == 202


# --- Who gets nothing -------------------------------------------------------------------------------------------------


def test_a_suppressed_number_is_told_so_and_counted_and_not_written_to(as_author, workspace, trigger, carrier):
    suppressions.opt_out(workspace, 31600000001)
    answers = push(as_author, trigger, {"messages": [one(1), one(2)]}).json()["messages"]
    assert [answer["status"] for answer in answers] == ["suppressed", "waiting"]
    look(trigger)
    assert carrier.phones == [31600000002]
    found = totals(trigger)
    assert (found.rows, found.suppressed, found.accepted, found.balanced) == (2, 1, 1, True)


def test_what_has_lost_its_point_is_expired_and_not_sent(as_author, trigger, carrier):
    soon = timezone.now() + timedelta(seconds=30)
    push(as_author, trigger, {"messages": [one(1, expires_at=soon.isoformat()), one(2)]})
    chunk = Chunk.objects.get(campaign=trigger)
    dispatching.work_on(chunk.pk, clock=lambda: soon + timedelta(seconds=1))
    assert carrier.phones == [31600000002]
    assert states(trigger) == {0: S.EXPIRED, 1: S.PENDING}
    assert totals(trigger).balanced


def test_two_long_messages_to_one_number_are_told_apart_by_their_references(as_author, workspace, rung, carrier):
    campaign = factories.trigger(workspace, text="{words}")
    words = "Long enough for two parts. " * 7
    push(as_author, campaign, {"messages": [one(1, params={"words": words}) | {"to": "+31600000001"}] * 2})
    look(campaign)
    [batch] = carrier.batches
    references = [batch.wire.encode(unit, 1, 1).split(b"\5\0\3")[1][0] for unit in range(batch.units)]
    assert len(batch.phones) == 2 and set(batch.phones) == {31600000001}
    assert references[0] == references[1] != references[2] == references[3]


def test_an_erased_number_gets_nothing_and_nobody_else_is_kept_from_theirs(as_author, workspace, trigger, carrier):
    push(as_author, trigger, {"messages": [one(1), one(2, params={"code": "for the other one"})]})
    erasing.messages(workspace, 31600000001)
    look(trigger)
    assert carrier.phones == [31600000002]
    assert states(trigger) == {0: S.SUPPRESSED, 1: S.PENDING}
    assert not Push.objects.filter(phone=31600000001).exists() and totals(trigger).balanced


def test_its_end_goes_out_as_the_validity_period(as_author, trigger, carrier):
    soon = timezone.now() + timedelta(hours=2)
    push(as_author, trigger, {"messages": [one(1, expires_at=soon.isoformat()), one(2)]})
    look(trigger)
    raw = carrier.batches[0].wire.encode(0, 2, 1)
    assert f"{soon:%y%m%d%H%M}".encode() in raw


# --- Its life ---------------------------------------------------------------------------------------------------------


def test_paused_it_takes_messages_and_sends_none_until_it_goes_on(as_author, trigger, carrier):
    authors.pause(trigger.pk, by=trigger.created_by)
    assert push(as_author, trigger, one()).status_code == 202
    look(trigger)
    assert carrier.phones == []
    authors.resume(trigger.pk, by=trigger.created_by, now=timezone.now())
    look(trigger)
    assert len(carrier.phones) == 1


@pytest.mark.parametrize("status", [Status.DRAFT, Status.IN_REVIEW, Status.APPROVED, Status.CANCELLED])
def test_what_is_not_let_go_or_over_takes_none(as_author, workspace, status):
    campaign = factories.campaign(workspace, status, mode=Mode.TRIGGER, text=TEXT)
    answer = push(as_author, campaign, one())
    assert (answer.status_code, code_of(answer)) == (409, "wrong_status")


def test_a_campaign_to_a_list_takes_none(as_author, workspace):
    answer = push(as_author, factories.sending(workspace), one())
    assert (answer.status_code, code_of(answer)) == (409, "not_a_trigger")


def test_at_its_end_it_is_done_and_expired_with_something_unsent(as_author, workspace, trigger, carrier):
    push(as_author, trigger, one())
    look(trigger)
    other = factories.trigger(workspace, text=TEXT)
    push(as_author, other, one())
    after = trigger.not_after + timedelta(minutes=1)
    due.tick(now=after)
    assert Campaign.objects.get(pk=trigger.pk).status == Status.DONE
    assert Campaign.objects.get(pk=other.pk).status == Status.EXPIRED
    assert totals(other).expired == 1
    with pytest.raises(Refused):
        pushing.push(trigger, [pushing.Ask(to="+31600000001", params={"code": "1"})], by=None, now=after)


def test_cancelled_what_waits_is_cancelled(as_author, trigger, carrier):
    push(as_author, trigger, one())
    authors.cancel(trigger.pk, by=trigger.created_by, now=timezone.now())
    due.tick(now=timezone.now())
    look(trigger)
    assert (carrier.phones, totals(trigger).cancelled, totals(trigger).balanced) == ([], 1, True)


def test_an_intent_whose_process_died_is_in_doubt_and_not_sent_again(as_author, trigger, carrier):
    push(as_author, trigger, one())
    chunk = claim(Chunk.objects.get(campaign=trigger))
    phones = pushes.of_chunk(chunk).phones
    seal, channel = trigger.seal, trigger.channel_id
    assert intents.intend(chunk, phones, seal=seal, channel_id=channel, now=timezone.now())
    Chunk.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    look(trigger)
    look(trigger)
    assert (carrier.phones, states(trigger)) == ([], {0: S.UNCERTAIN})


# --- On the pages -----------------------------------------------------------------------------------------------------


def test_recipients_and_lines_have_every_message_also_of_one_number(as_author, trigger, carrier):
    push(as_author, trigger, {"messages": [one(1), one(1), one(2)]})
    look(trigger)
    push(as_author, trigger, one(1))
    campaign = Campaign.objects.get(pk=trigger.pk)
    page = recipients_tab.page(campaign)
    assert [row.to for row in page.rows] == ["+31600000001", "+31600000001", "+31600000002", "+31600000001"]
    assert [row.term for row in page.rows] == ["pending"] * 3 + ["waiting"]
    assert len(recipients_tab.page(campaign, to=31600000001).rows) == 3
    [told] = reports_lines.of(campaign)
    assert [line.split(b",")[:2] for line in told.text.splitlines()] == [
        *([b"31600000001", b"pending"], [b"31600000001", b"pending"]),
        *([b"31600000002", b"pending"], [b"31600000001", b"waiting"]),
    ]
