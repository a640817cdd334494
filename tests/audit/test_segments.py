"""Old entries leave the table, and the chain does not break: sealed segments in the object storage."""

import gzip
import io
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from audit import heads, segments, verification
from audit.ledger import record
from audit.models import Entry, Segment
from objects.store import store
from objects.trouble import StorageTrouble
from reports import bundle, evidence
from tests import factories
from tests.owner import tamper
from tests.pages import signed_in, text_of
from tests.stores import away, used

pytestmark = pytest.mark.django_db
OLD = timedelta(days=400)


@pytest.fixture
def long_ago(monkeypatch):
    """Entries that are written in the block were written then."""

    def written(count, workspace, *, ago=OLD):
        with monkeypatch.context() as patch, transaction.atomic():
            then = timezone.now() - ago
            patch.setattr("audit.ledger.timezone", SimpleNamespace(now=lambda: then))
            for number in range(count):
                record("workspace.changed", workspace, by=None, note=f"Ünïcode {number}", after={"number": number})
        heads.keep()

    return written


@pytest.fixture
def chain(workspace, long_ago):
    """Ten old entries and three new ones, all with a witness but the newest."""
    long_ago(10, workspace)
    for _ in range(3):
        record("workspace.changed", workspace, by=None)
    return workspace.pk


def seal(chain, *options, days=365):
    said = io.StringIO()
    call_command("seal_ledger", "--older-than", days, "--chain", chain, *options, stdout=said)
    return said.getvalue()


def live(chain):
    return list(Entry.objects.filter(chain=chain).order_by("seq").values_list("seq", flat=True))


def holds(chain):
    verdict = verification.verify(chain)
    return verdict.broken is None and verdict.entries


def broken(chain):
    return verification.verify(chain).broken


def test_old_entries_leave_the_table_and_the_chain_holds_as_one(chain):
    before = list(Entry.objects.filter(chain=chain).order_by("seq").values_list("seq", "hash"))
    said = seal(chain)
    [segment] = Segment.objects.filter(chain=chain)
    assert (segment.first_seq, segment.last_seq) == (1, 10) and segment.key in said
    assert live(chain) == [11, 12, 13, 14]  # the last says that it was sealed
    assert holds(chain) == 14
    sealed = [(entry.seq, entry.hash) for entry in segments.read(segment)]
    assert [*sealed, *Entry.objects.filter(chain=chain).order_by("seq").values_list("seq", "hash")][:13] == before
    entry = Entry.objects.get(chain=chain, action="ledger.sealed")
    assert (entry.after["first"], entry.after["last"], entry.after["sha256"]) == (1, 10, segment.sha256)


def test_a_line_of_a_segment_says_all_of_an_entry(chain):
    entries = list(Entry.objects.filter(chain=chain, seq__lte=10).order_by("seq").values())
    seal(chain)
    [segment] = Segment.objects.filter(chain=chain)
    read = [{name: getattr(entry, name) for name in entries[0] if name != "id"} for entry in segments.read(segment)]
    assert read == [{name: value for name, value in entry.items() if name != "id"} for entry in entries]
    with default_storage.open(segment.key) as file:
        lines = gzip.decompress(file.read()).splitlines()
    assert json.loads(lines[3])["entry"]["note"] == "Ünïcode 3"


def test_a_dry_run_says_what_a_run_does_and_changes_nothing(chain):
    assert "10 entries, 1 to 10, would be sealed" in seal(chain, "--dry-run")
    assert (live(chain), Segment.objects.count()) == ([*range(1, 14)], 0)
    assert list(store.names(f"{segments.FOLDER}/{chain}")) == []


def test_one_segment_follows_the_other(chain, workspace, long_ago, monkeypatch):
    monkeypatch.setattr(segments, "MOST", 4)
    seal(chain)
    found = Segment.objects.filter(chain=chain).order_by("first_seq").values_list("first_seq", "last_seq")
    assert list(found) == [(1, 4), (5, 8), (9, 10)]
    assert live(chain) == [*range(11, 17)]
    assert holds(chain) == 16
    assert seal(chain) == ""  # nothing is left to seal


def test_what_has_no_witness_and_the_newest_entry_stay(workspace, long_ago):
    long_ago(5, workspace)
    with transaction.atomic():
        record("workspace.changed", workspace, by=None)
    seal(workspace.pk)
    assert live(workspace.pk)[0] == 6
    other = factories.workspace()
    long_ago(3, other)
    seal(other.pk)
    assert live(other.pk)[0] == 3  # and who was sealed says so behind it


def test_nothing_younger_than_a_month_is_sealed(chain, workspace, long_ago):
    with pytest.raises(CommandError, match="30 days at least"):
        seal(chain, days=29)
    other = factories.workspace()
    long_ago(3, other, ago=timedelta(days=40))
    assert seal(other.pk, days=60) == ""


def test_a_broken_chain_is_not_sealed(chain):
    tamper("UPDATE audit_entry SET note = 'x' WHERE chain = %s AND seq = 4", chain)
    with pytest.raises(CommandError, match=r"Entry 4 .* does not hold"):
        seal(chain)
    assert len(live(chain)) == 13 and not Segment.objects.exists()


# --- What is found ----------------------------------------------------------------------------------------------------


def rewritten(chain, change):
    [segment] = Segment.objects.filter(chain=chain)
    with default_storage.open(segment.key) as file:
        data = change(file.read())
    default_storage.delete(segment.key)
    if data is not None:
        store.put(segment.key, data)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: None, "is in a sealed segment that is missing"),
        (lambda data: data[:-1], "is in a sealed segment that was changed"),
        (lambda data: gzip.compress(gzip.decompress(data)[:-9]), "is in a sealed segment that was changed"),
    ],
)
def test_a_segment_that_is_gone_or_another_one_is_named(chain, change, says):
    seal(chain)
    rewritten(chain, change)
    assert broken(chain) == (1, says)
    said = io.StringIO()
    with pytest.raises(CommandError, match="does not hold"):
        call_command("verify_audit", "--chain", chain, stderr=said)
    assert f"chain {chain}: entry 1 {says}" in said.getvalue()
    call_command("verify_audit", "--chain", chain, "--live-only")


def test_a_segment_whose_row_is_gone_is_missed(chain):
    seal(chain)
    tamper("DELETE FROM audit_segment WHERE chain = %s", chain)
    assert broken(chain) == (1, "is missing")


def test_a_row_that_was_made_to_fit_another_object_differs_from_the_ledger(chain):
    seal(chain)
    [segment] = Segment.objects.filter(chain=chain)
    data = gzip.compress(b"")
    rewritten(chain, lambda _: data)
    tamper("UPDATE audit_segment SET sha256 = %s WHERE chain = %s", segments.hashlib.sha256(data).hexdigest(), chain)
    assert broken(chain) == (1, "is missing")
    rewritten(chain, lambda _: b"no gzip")
    tamper("UPDATE audit_segment SET sha256 = %s", segments.hashlib.sha256(b"no gzip").hexdigest())
    assert broken(chain) == (1, "is in a sealed segment that cannot be read")
    assert segment.sha256 != Segment.objects.get().sha256


def test_a_head_from_before_is_held_against_what_is_sealed(chain):
    seal(chain)
    store.put(f"{heads.FOLDER}/{chain}/{5:019}-{'a' * 64}", b"")
    assert broken(chain) == (5, "is not the one whose hash was kept")


# --- Killed, and raced ------------------------------------------------------------------------------------------------


def test_killed_between_object_and_row_it_is_done_again(chain, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(segments, "_note", lambda segment: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            seal(chain)
    assert holds(chain) == 13 and not Segment.objects.exists()
    seal(chain)
    assert len(list(store.names(f"{segments.FOLDER}/{chain}"))) == 1  # the same bytes under the same name
    assert holds(chain) == 14


def test_killed_between_row_and_removal_it_goes_on_from_there(chain, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(segments, "remove", lambda segment: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            seal(chain)
    assert len(live(chain)) == 14 and holds(chain) == 14
    seal(chain)
    assert live(chain) == [11, 12, 13, 14] and holds(chain) == 14
    assert Segment.objects.count() == 1


def test_what_cannot_be_read_back_is_not_removed(chain, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(segments, "remove", lambda segment: 0)
        seal(chain)
    rewritten(chain, lambda data: data[:-1])
    with pytest.raises(CommandError, match="was changed"):
        seal(chain)
    assert len(live(chain)) == 14
    assert broken(chain) == (1, "is in a sealed segment that was changed")


# --- What the processes cannot do -------------------------------------------------------------------------------------


def refused(sql, *values):
    with pytest.raises(ProgrammingError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(caught.value)


def test_nothing_is_removed_that_the_ledger_does_not_name(chain):
    assert "there is no segment" in refused("SELECT remove_sealed(0)")
    first, last = Entry.objects.get(chain=chain, seq=1), Entry.objects.get(chain=chain, seq=10)
    wanted = {"chain": chain, "last_at": last.at, "key": "x", "sha256": "a" * 64, "sealed_at": timezone.now()}
    made = Segment(**wanted, first_seq=1, last_seq=10, previous_hash=first.previous_hash, last_hash="b" * 64)
    made.save()
    assert "is not what the table has" in refused("SELECT remove_sealed(%s)", made.pk)
    other = Segment(**wanted, first_seq=2, last_seq=10, previous_hash=first.hash, last_hash=last.hash)
    other.save()
    assert "is not the oldest" in refused("SELECT remove_sealed(%s)", other.pk)
    tamper("UPDATE audit_segment SET last_hash = %s WHERE id = %s", last.hash, made.pk)
    assert "is not in the ledger" in refused("SELECT remove_sealed(%s)", made.pk)
    assert "append-only" in refused("DELETE FROM audit_entry WHERE chain = %s", chain)
    assert "append-only" in refused("DELETE FROM audit_segment")
    assert len(live(chain)) == 13


def test_nothing_young_is_removed_whatever_is_recorded(workspace):
    for _ in range(3):
        record("workspace.changed", workspace, by=None)
    heads.keep()
    stretch = segments.due(workspace.pk, before=timezone.now() + timedelta(days=1))
    segment = segments.seal(stretch)
    assert "is too young" in refused("SELECT remove_sealed(%s)", segment.pk)


# --- Who reads --------------------------------------------------------------------------------------------------------


def test_the_page_says_from_where_on_entries_are_elsewhere_and_when_it_had_a_witness(chain, author, workspace):
    page = signed_in(author, workspace)
    assert "sealed in the object storage:" not in text_of(page.get("/ledger/"))
    heads.keep()
    seal(chain)
    shown = text_of(page.get("/ledger/"))
    assert "Entries up to number 10" in shown
    assert "Its newest witness in the object storage: entry 13" in shown
    page.post("/ledger/verify/")
    assert "entries hold" in text_of(page.get("/ledger/"))


@pytest.mark.django_db(transaction=True)
def test_evidence_of_a_campaign_that_is_sealed_is_whole(monkeypatch):
    workspace = factories.workspace()
    then = timezone.now() - OLD
    with monkeypatch.context() as patch:
        patch.setattr("audit.ledger.timezone", SimpleNamespace(now=lambda: then))
        campaign = factories.done(workspace)
    type(campaign).objects.filter(pk=campaign.pk).update(created_at=then)
    heads.keep()
    before, _ = evidence.signed(campaign.pk, language="en", now=timezone.now())
    seal(workspace.pk)
    assert len(live(workspace.pk)) == 2
    after, _ = evidence.signed(campaign.pk, language="en", now=timezone.now())
    chains = [bundle.member(data, bundle.CHAIN) for data in (before, after)]
    assert chains[0] == chains[1] and len(chains[0]["links"]) > 4


def test_storage_that_is_away_is_no_broken_chain(chain):
    seal(chain)
    with used(away()), pytest.raises(StorageTrouble):
        verification.verify(chain)
