"""Who opted out is told of in batches, each once, and without keeping a number."""

import io
import json
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from campaigns import transitions
from recipients import forgetting, suppression_imports, suppressions
from recipients.models import Suppression
from tests import factories
from tests.racing import race
from webhooks import endpoints, happenings, suppressed
from webhooks.models import Attempt, Delivery
from webhooks.statuses import Disabled, Event

NUMBER = 31612345678


@pytest.fixture
def hearing(workspace, receiver, admin):
    """Makes an endpoint that asked for it; its secret, and what it was told."""

    def hearing(**fields):
        given = {"events": [Event.SUPPRESSIONS], "by": admin, "now": timezone.now(), **fields}
        return endpoints.create(workspace, url=receiver.url, **given)

    return hearing


def changes_of(received):
    return [change for event in received for change in event["data"]["changes"]]


def test_who_opts_out_and_who_is_taken_off_again_is_told_in_one_delivery(workspace, admin, hearing, receiver, passed):
    _endpoint, secret = hearing()
    row = suppressions.opt_out(workspace, NUMBER)
    other = suppressions.add(workspace, f"+{NUMBER + 1}", reason="She asked.", by=admin)
    suppressions.remove(other.pk, reason="A mistake.", by=admin)
    for _ in range(3):
        passed()
    [told] = receiver.verified(secret)
    at = [
        entry.at.isoformat().replace("+00:00", "Z")
        for entry in Entry.objects.filter(subject_type="suppression").order_by("seq")
    ]
    added = {"change": "added", "source": "opt_out", "reason": "The recipient asked for it."}
    assert told == {
        "type": "suppressions.changed",
        "timestamp": at[2],
        "data": {
            "changes": [
                {"id": row.pk, **added, "at": at[0]},
                {"id": other.pk, "change": "added", "source": "hand", "reason": "She asked.", "at": at[1]},
                {"id": other.pk, "change": "removed", "source": "hand", "reason": "A mistake.", "at": at[2]},
            ],
            "imports": [],
        },
    }


def test_the_id_is_that_of_the_list_of_the_api(workspace, admin, hearing, receiver, passed):
    _endpoint, secret = hearing()
    suppressions.opt_out(workspace, NUMBER)
    passed()
    [change] = changes_of(receiver.verified(secret))
    as_admin = factories.bearer(factories.token(workspace, admin))
    [row] = as_admin.get("/api/v1/suppressions/", {"source": "opt_out"}).json()["results"]
    assert (row["id"], row["to"], row["reason"]) == (change["id"], f"+{NUMBER}", change["reason"])
    assert as_admin.delete(f"/api/v1/suppressions/{change['id']}/", {"reason": "A mistake."}).status_code == 204
    passed()
    assert [(one["id"], one["change"]) for one in changes_of(receiver.verified(secret))] == [
        (change["id"], "added"),
        (change["id"], "removed"),
    ]


def test_who_did_not_ask_hears_nothing_and_who_asks_later_nothing_from_before(workspace, admin, hearing, passed):
    silent, _ = hearing(events=[Event.CAMPAIGN_DONE])
    late, _ = hearing(events=[Event.CAMPAIGN_DONE])
    suppressions.opt_out(workspace, NUMBER)
    passed()
    endpoints.change(late.pk, events=[Event.CAMPAIGN_DONE, Event.SUPPRESSIONS], by=admin)
    new = suppressions.opt_out(workspace, NUMBER + 1)
    passed()
    [told] = Delivery.objects.all()
    assert told.endpoint_id == late.pk != silent.pk
    assert [change["id"] for change in told.payload["data"]["changes"]] == [new.pk]


def test_choosing_it_again_among_other_things_forgets_nothing(workspace, admin, hearing, passed):
    endpoint, _ = hearing()
    row = suppressions.opt_out(workspace, NUMBER)
    endpoints.change(endpoint.pk, events=[Event.CAMPAIGN_DONE, Event.SUPPRESSIONS], by=admin)
    passed()
    assert [one["id"] for one in Delivery.objects.get().payload["data"]["changes"]] == [row.pk]


def test_what_is_of_another_workspace_or_of_nobody_is_not_told(hearing, passed):
    hearing()
    suppressions.opt_out(factories.workspace(), NUMBER)
    suppressions.opt_out(None, NUMBER)
    passed()
    assert not Delivery.objects.exists()


def test_numbers_go_to_whoever_was_made_for_them_and_are_kept_nowhere(workspace, admin, hearing, receiver, passed):
    _endpoint, secret = hearing(with_numbers=True)
    rows = [suppressions.opt_out(workspace, NUMBER + n) for n in range(3)]
    suppressions.remove(rows[1].pk, reason="A mistake.", by=admin)
    forgetting.suppress_for_ever(workspace, NUMBER + 2, reason="She asked to be erased.", by=admin)
    forgetting.drop_suppressed(workspace, NUMBER + 2)
    receiver.body = f"+{NUMBER}".encode()
    passed()
    [told] = receiver.verified(secret)
    assert [(one["id"], one["change"], one["to"]) for one in told["data"]["changes"]] == [
        (rows[0].pk, "added", f"+{NUMBER}"),
        (rows[1].pk, "added", None),
        (rows[2].pk, "added", None),
        (rows[1].pk, "removed", None),
    ]
    kept = [*Delivery.objects.values(), *Attempt.objects.values()]
    assert str(NUMBER)[2:] not in str(kept)


def test_a_mark_is_never_told_for_a_number(workspace, hearing):
    hearing(with_numbers=True)
    row = suppressions.opt_out(workspace, NUMBER)
    Suppression.objects.filter(pk=row.pk).update(phone=1 << 62)
    suppressed.look(now=timezone.now())
    delivery = Delivery.objects.select_related("endpoint").get()
    [change] = json.loads(suppressed.payloads.body(delivery))["data"]["changes"]
    assert change["to"] is None


def test_a_file_is_told_as_a_whole_and_a_number_of_it_when_it_is_taken_off(workspace, admin, hearing, receiver, passed):
    _endpoint, secret = hearing(with_numbers=True)
    made = factories.suppression_import(workspace, filename="stop.txt")
    suppression_imports.receive(made.pk, io.BytesIO(f"+{NUMBER}\n+{NUMBER + 1}\n".encode()), by=admin, length=26)
    suppression_imports.run(made.pk, now=timezone.now())
    row = Suppression.objects.earliest("pk")
    suppressions.remove(row.pk, reason="A mistake.", by=admin)
    passed()
    [told] = receiver.verified(secret)
    at = Entry.objects.get(action="suppressionimport.done").at.isoformat().replace("+00:00", "Z")
    assert told["data"]["imports"] == [{"id": made.pk, "added": 2, "at": at}]
    [change] = told["data"]["changes"]
    assert (change["id"], change["change"], change["source"]) == (row.pk, "removed", "import")


def test_many_make_few_deliveries_and_those_that_wait_have_a_bound(workspace, hearing, monkeypatch):
    """Whoever is slow hears later, by larger ones: each change once, in its order, whatever comes in between."""
    monkeypatch.setattr(suppressed, "MOST", 10)
    monkeypatch.setattr(suppressed, "BACKLOG", 2)
    hearing()
    rows = [suppressions.opt_out(workspace, NUMBER + n).pk for n in range(35)]
    told = []
    for look in range(6):
        suppressed.look(now=timezone.now())
        waiting = Delivery.objects.filter(state="pending").order_by("pk")
        assert len(waiting) <= 2
        if look == 0:
            suppressed.look(now=timezone.now())
            assert Delivery.objects.count() == 2
        told += [[one["id"] for one in delivery.payload["data"]["changes"]] for delivery in waiting]
        waiting.update(state="delivered")
        factories.done(workspace)
    assert [len(ids) for ids in told] == [10, 10, 10, 5]
    assert [pk for ids in told for pk in ids] == rows
    assert Counter(Delivery.objects.values_list("entry", flat=True)) == dict.fromkeys(
        Entry.objects.filter(subject_id__in=[str(ids[-1]) for ids in told], action="suppression.added").values_list(
            "pk", flat=True
        ),
        1,
    )


def test_a_delivery_has_a_thousand_and_not_one_more(workspace, hearing, receiver, passed):
    _endpoint, secret = hearing(with_numbers=True)
    rows = [suppressions.opt_out(workspace, NUMBER + n).pk for n in range(1003)]
    passed()
    received = receiver.verified(secret)
    assert [len(event["data"]["changes"]) for event in received] == [1000, 3]
    assert [change["id"] for change in changes_of(received)] == rows
    assert [change["to"] for change in changes_of(received)] == [f"+{NUMBER + n}" for n in range(1003)]


def test_campaigns_are_told_in_their_order_while_many_opt_out(workspace, admin, hearing, receiver, passed):
    """Opt-outs that wait keep no campaign waiting, and its place in the ledger goes past them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suppressed, "MOST", 3)
        patch.setattr(suppressed, "BACKLOG", 1)
        patch.setattr(happenings, "STRETCH", 7)
        _endpoint, secret = hearing(events=[Event.CAMPAIGN_PAUSED, Event.CAMPAIGN_SENDING, Event.SUPPRESSIONS])
        campaign = factories.sending(workspace)
        rows = [suppressions.opt_out(workspace, NUMBER + n).pk for n in range(20)]
        transitions.pause(campaign.pk, by=admin, reason="")
        transitions.resume(campaign.pk, by=admin, now=timezone.now())
        for _ in range(10):
            happenings.look(now=timezone.now())
        assert not Delivery.objects.filter(event=Event.SUPPRESSIONS).exists()
        for _ in range(10):
            passed()
    received = receiver.verified(secret)
    told, moves = (
        [event for event in received if (event["type"] == Event.SUPPRESSIONS) == is_told] for is_told in (True, False)
    )
    assert [event["type"] for event in moves] == ["campaign.sending", "campaign.paused", "campaign.sending"]
    assert [change["id"] for change in changes_of(told)] == rows


def test_what_happens_while_it_is_off_is_told_when_it_is_on_again(workspace, admin, hearing, receiver, passed):
    endpoint, secret = hearing()
    endpoints.disable(endpoint.pk, why=Disabled.BY_HAND, by=admin)
    row = suppressions.opt_out(workspace, NUMBER)
    passed()
    assert receiver.came == []
    endpoints.enable(endpoint.pk, by=admin, now=timezone.now())
    passed()
    assert [change["id"] for change in changes_of(receiver.verified(secret))] == [row.pk]


def test_what_is_lost_between_the_entry_and_the_delivery_is_told_by_the_next_look(workspace, hearing, monkeypatch):
    hearing()
    suppressions.opt_out(workspace, NUMBER)
    with monkeypatch.context() as patch:
        patch.setattr(suppressed.payloads, "of_suppressions", lambda entries: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            suppressed.look(now=timezone.now())
    suppressed.look(now=timezone.now() + timedelta(seconds=1))
    suppressed.look(now=timezone.now() + timedelta(seconds=2))
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_looks_at_once_while_people_opt_out_tell_each_once_and_leave_out_nobody(monkeypatch):
    monkeypatch.setattr(suppressed, "MOST", 5)
    workspace = factories.workspace()
    factories.endpoint(workspace, by=factories.member(workspace, Role.ADMIN))
    factories.sending(workspace)

    def opt_out(first):
        for number in range(first, first + 10):
            suppressions.opt_out(workspace, NUMBER + number)

    def look():
        for _ in range(5):
            happenings.look(now=timezone.now())
            suppressed.look(now=timezone.now())

    assert race(look, look, look, lambda: opt_out(0), lambda: opt_out(10)) == [None] * 5
    look()
    told = Delivery.objects.filter(event=Event.SUPPRESSIONS)
    ids = [change["id"] for delivery in told for change in delivery.payload["data"]["changes"]]
    assert sorted(ids) == sorted(Suppression.objects.values_list("pk", flat=True)) and len(ids) == 20
    others = Counter(Delivery.objects.exclude(event=Event.SUPPRESSIONS).values_list("event", flat=True))
    assert others == dict.fromkeys(("campaign.in_review", "campaign.approved", "campaign.sending"), 1)
