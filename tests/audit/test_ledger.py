import time
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from accounts import members, registry
from accounts.roles import Role
from audit import heads, ledger, verification
from audit.ledger import FIRST, change_status, hash_of, hold, record
from audit.management.commands.verify_audit import BROKEN, UNWITNESSED
from audit.models import Check, Entry
from audit.tasks import keep_heads, keep_heads_of_decisions, verify_chain, verify_chains
from campaigns.models import Campaign
from campaigns.statuses import MOVES, Status
from config.celery import WITNESSED
from metrics import figures
from tests import factories
from tests.owner import tamper
from tests.racing import race


@pytest.fixture
def campaign(workspace):
    return factories.done(workspace)


def entries_of(workspace):
    return Entry.objects.of(workspace).order_by("seq")


def test_every_status_of_a_campaigns_life_is_on_the_ledger_in_order(workspace, campaign):
    actions = entries_of(workspace).filter(subject_type="campaign", subject_id=str(campaign.pk))
    assert list(actions.values_list("action", flat=True)) == [
        "campaign.created",
        "campaign.in_review",
        "campaign.approved",
        "campaign.sending",
        "campaign.done",
    ]


def test_each_entry_holds_the_hash_of_the_one_before_it(workspace, campaign):
    before = FIRST
    for number, entry in enumerate(entries_of(workspace), start=1):
        assert (entry.seq, entry.previous_hash) == (number, before)
        before = entry.hash
    verdict = verification.verify(workspace.pk)
    assert (verdict.broken, verdict.head, verdict.entries) == (None, before, number)


def test_an_entry_outside_the_transaction_of_its_change_is_a_bug(transactional_db):
    workspace = factories.workspace()
    with pytest.raises(RuntimeError):
        record("workspace.changed", workspace, by=None)


def test_a_change_that_rolls_back_leaves_no_entry(workspace):
    campaign = factories.draft(workspace)
    entries = Entry.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        change_status(Campaign.objects.lock(campaign.pk), Status.CANCELLED, moves=MOVES, by=None)
        raise ZeroDivisionError
    assert Entry.objects.count() == entries


def test_neither_numbers_nor_texts_enter_the_ledger(as_author, workspace):
    campaign = factories.draft(workspace, text="The secret word is marmalade.")
    as_author.patch(f"/api/v1/campaigns/{campaign.pk}/", {"text": "It was marmalade."})
    as_author.post(f"/api/v1/campaigns/{campaign.pk}/submit/")
    kept = str(list(Entry.objects.values()))
    assert "marmalade" not in kept
    assert str(factories.FIRST_NUMBER) not in kept


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE audit_entry SET note = 'nothing' WHERE chain = %s AND seq = 3", "entry 3 was changed"),
        ("UPDATE audit_entry SET actor_name = 'x' WHERE chain = %s AND seq = 2", "entry 2 was changed"),
        ("UPDATE audit_entry SET at = at + interval '1 s' WHERE chain = %s AND seq = 4", "entry 4 was changed"),
        ("UPDATE audit_entry SET after = '{}' WHERE chain = %s AND seq = 5", "entry 5 was changed"),
        ("DELETE FROM audit_entry WHERE chain = %s AND seq = 3", "entry 3 is missing"),
        ("DELETE FROM audit_entry WHERE chain = %s AND seq = 1", "entry 1 is missing"),
        (
            "UPDATE audit_entry SET hash = repeat('a', 64), note = 'x' WHERE chain = %s AND seq = 3",
            "entry 3 was changed",
        ),
        ("UPDATE audit_entry SET previous_hash = '0' WHERE chain = %s AND seq = 3", "entry 3 does not follow"),
    ],
)
def test_verify_audit_names_the_first_entry_that_does_not_hold(workspace, campaign, capsys, sql, says):
    call_command("verify_audit")
    tamper(sql, workspace.pk)
    with pytest.raises(CommandError):
        call_command("verify_audit")
    assert f"chain {workspace.pk}: {says}" in capsys.readouterr().err


def test_the_newest_entries_cut_off_are_missed(workspace, campaign, capsys):
    heads.keep()
    [seq] = heads.kept(workspace.pk)
    call_command("verify_audit")
    tamper("DELETE FROM audit_entry WHERE chain = %s AND seq > %s", workspace.pk, seq - 3)
    with pytest.raises(CommandError):
        call_command("verify_audit")
    assert f"chain {workspace.pk}: entry {seq - 2} is missing" in capsys.readouterr().err


def test_a_chain_that_is_gone_is_missed(workspace, campaign, capsys):
    heads.keep()
    tamper("DELETE FROM audit_entry WHERE chain = %s", workspace.pk)
    with pytest.raises(CommandError):
        call_command("verify_audit")
    assert f"chain {workspace.pk}: entry 1 is missing" in capsys.readouterr().err


def test_a_chain_that_was_written_anew_differs_from_the_heads_that_were_kept(workspace, campaign):
    heads.keep()
    [seq] = heads.kept(workspace.pk)
    entries = list(entries_of(workspace))
    before = entries[-2].hash
    entries[-1].note = "Nothing happened."
    tamper(
        "UPDATE audit_entry SET note = %s, hash = %s WHERE chain = %s AND seq = %s",
        entries[-1].note,
        hash_of(entries[-1]),
        workspace.pk,
        seq,
    )
    heads.keep()
    verdict = verification.verify(workspace.pk)
    assert (verdict.head, verdict.broken) == (before, (seq, "is not the one whose hash was kept"))


def test_a_head_is_kept_once_and_the_next_beside_it(workspace, campaign):
    for _ in range(2):
        heads.keep()
    [first] = heads.kept(workspace.pk)
    with transaction.atomic():
        record("workspace.changed", workspace, by=None)
    keep_heads()
    assert sorted(heads.kept(workspace.pk)) == [first, first + 1]
    assert verification.verify(workspace.pk).broken is None


def test_entries_that_come_after_the_last_witness_are_said_to_have_none(workspace, campaign, capsys):
    """Whoever owns the database may write them anew, hashes and all: until the next head is kept, nobody can tell."""
    heads.keep()
    [seq] = heads.kept(workspace.pk)
    for _ in range(2):
        with transaction.atomic():
            record("workspace.changed", workspace, by=None)
    rewrite(workspace, seq + 1, note="Nothing happened.")
    verdict = verification.verify(workspace.pk)
    assert (verdict.broken, verdict.witnessed, verdict.unwitnessed) == (None, seq, 2)
    call_command("verify_audit", "--chain", workspace.pk)
    assert "the last 2 have no witness yet" in capsys.readouterr().out


def test_the_exit_code_says_whether_it_holds_and_whether_it_has_a_witness(workspace, campaign):
    heads.keep()
    call_command("verify_audit", "--workspace", workspace.pk, "--witnessed")
    with transaction.atomic():
        record("workspace.changed", workspace, by=None)
    call_command("verify_audit", "--workspace", workspace.pk)
    with pytest.raises(CommandError, match="un-witnessed tail") as tail:
        call_command("verify_audit", "--workspace", workspace.pk, "--witnessed")
    tamper("DELETE FROM audit_entry WHERE chain = %s AND seq = 2", workspace.pk)
    with pytest.raises(CommandError) as broken:
        call_command("verify_audit", "--workspace", workspace.pk, "--witnessed")
    assert (tail.value.returncode, broken.value.returncode) == (UNWITNESSED, BROKEN) == (4, 3)


def rewrite(workspace, since, **changed):
    """A chain that is consistent again from there on."""
    before = None
    for entry in entries_of(workspace).filter(seq__gte=since):
        if before is None:
            for name, value in changed.items():
                setattr(entry, name, value)
        else:
            entry.previous_hash = before
        entry.hash = before = hash_of(entry)
        tamper(
            "UPDATE audit_entry SET note = %s, previous_hash = %s, hash = %s WHERE chain = %s AND seq = %s",
            *(entry.note, entry.previous_hash, entry.hash, workspace.pk, entry.seq),
        )


def test_a_chain_recomputed_from_some_entry_on_is_found_by_its_witness(workspace, campaign):
    heads.keep()
    [seq] = heads.kept(workspace.pk)
    rewrite(workspace, 3, note="Nothing happened.")
    assert verification.verify(workspace.pk).broken == (seq, "is not the one whose hash was kept")


def test_an_entry_put_in_between_is_found(workspace, campaign):
    for seq in range(entries_of(workspace).count(), 3, -1):
        tamper("UPDATE audit_entry SET seq = seq + 1 WHERE chain = %s AND seq = %s", workspace.pk, seq)
    third = entries_of(workspace).get(seq=3)
    third.pk, third.seq, third.previous_hash, third.note = None, 4, third.hash, "Approved."
    third.hash = hash_of(third)
    third.save(force_insert=True)
    assert verification.verify(workspace.pk).broken == (5, "does not follow the one before it")


def test_an_entry_given_to_another_workspace_is_missed_in_its_own(workspace, campaign):
    other = factories.workspace()
    seq = entries_of(workspace).count()
    last = entries_of(other).count()
    heads.keep()
    tamper(
        "UPDATE audit_entry SET chain = %s, seq = %s WHERE chain = %s AND seq = %s",
        other.pk,
        last + 1,
        workspace.pk,
        seq,
    )
    assert verification.verify(workspace.pk).broken == (seq, "is missing")
    assert verification.verify(other.pk).broken == (last + 1, "does not follow the one before it")


def test_a_false_witness_is_found(workspace, campaign):
    default_storage.save(f"{heads.FOLDER}/{workspace.pk}/{2:019}-{'a' * 64}", ContentFile(b""))
    assert verification.verify(workspace.pk).broken == (2, "is not the one whose hash was kept")


def test_what_says_the_same_in_another_order_is_the_same(workspace, campaign):
    tamper(
        """UPDATE audit_entry SET after = (SELECT jsonb_object_agg(key, value) FROM (
            SELECT key, value FROM jsonb_each(after) ORDER BY key DESC) turned)
           WHERE chain = %s AND after <> '{}'""",
        workspace.pk,
    )
    assert verification.verify(workspace.pk).broken is None


def test_a_head_that_is_kept_while_the_chain_is_walked_is_of_no_missing_entry(workspace, campaign, monkeypatch):
    """A store tells its names page by page, and the last page may be read minutes after the entries."""
    heads.keep()
    each = heads.each

    def page_by_page(chain, *, since=0):
        yield from each(chain, since=since)
        if since == 1:  # the walk's own
            factories.draft(workspace)
            heads.keep()
            yield from each(chain, since=entries_of(workspace).last().seq)

    monkeypatch.setattr(heads, "each", page_by_page)
    assert verification.verify(workspace.pk).broken is None


def test_a_decision_has_its_witness_without_waiting_for_the_other_chains(workspace):
    other = factories.workspace()
    factories.approved(workspace)
    keep_heads_of_decisions(WITNESSED)
    assert max(heads.kept(workspace.pk)) == entries_of(workspace).count()
    assert not heads.kept(other.pk)


def test_an_entry_moved_to_another_place_is_found(workspace, campaign, capsys):
    tamper("UPDATE audit_entry SET seq = 10000 WHERE chain = %s AND seq = 3", workspace.pk)
    tamper("UPDATE audit_entry SET seq = 3 WHERE chain = %s AND seq = 4", workspace.pk)
    tamper("UPDATE audit_entry SET seq = 4 WHERE chain = %s AND seq = 10000", workspace.pk)
    assert verification.verify(workspace.pk).broken == (3, "does not follow the one before it")


@pytest.mark.django_db(transaction=True)
def test_entries_written_at_the_same_moment_make_one_chain():
    workspace = factories.workspace()

    @transaction.atomic
    def write():
        return record("workspace.changed", workspace, by=None)

    entries = race(*[write] * 6)
    assert sorted(entry.seq for entry in entries) == [1, 2, 3, 4, 5, 6]
    assert verification.verify(workspace.pk).broken is None


# --- Into several chains ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_that_write_to_the_same_two_chains_in_other_orders_wait_and_do_not_lock_each_other():
    first, second = factories.workspace(), factories.workspace()

    def writing(*workspaces):
        @transaction.atomic
        def write():
            hold(*(workspace.pk for workspace in workspaces))
            for workspace in workspaces:
                record("workspace.changed", workspace, by=None)
                time.sleep(0.05)
            return "written"

        return write

    assert race(*[writing(first, second), writing(second, first)] * 3) == ["written"] * 6
    assert [verification.verify(workspace.pk).entries for workspace in (first, second)] == [6, 6]


@pytest.mark.django_db(transaction=True)
def test_a_change_of_a_member_and_of_a_person_do_not_lock_each_other(monkeypatch):
    """One writes to the workspace's chain and then to the installation's, the other the other way round."""
    workspace = factories.workspace()
    admin, member = factories.member(workspace, Role.ADMIN), factories.membership(workspace)
    leaving = factories.user(is_superuser=True)
    factories.membership(workspace, Role.ADMIN, user=leaving)
    factories.token(workspace, leaving)
    append = ledger._append

    def slowly(entries, chain):
        made = append(entries, chain)
        time.sleep(0.2)
        return made

    monkeypatch.setattr(ledger, "_append", slowly)
    now = timezone.now()
    done = race(
        lambda: members.change(member.pk, role="moderator", by=admin, now=now),
        lambda: registry.withdraw(leaving.pk, switch_off=True, now=now),
    )
    assert [type(one).__name__ for one in done] == ["Membership", "User"]
    actions = set(Entry.objects.values_list("action", flat=True))
    assert {"membership.changed", "user.changed", "apikey.revoked"} <= actions


def test_each_night_every_chain_is_verified_whole_once(workspace, campaign, rung):
    keep_heads()
    rung.clear()
    verify_chains()
    assert ("audit.tasks.verify_chain", (workspace.pk,)) in rung
    verify_chain(workspace.pk)
    check = Check.objects.get(chain=workspace.pk)
    assert (check.is_whole, check.broken_seq, check.entries) == (True, None, entries_of(workspace).count())
    verify_chain(workspace.pk)  # rung for twice
    assert Check.objects.get(chain=workspace.pk).at == check.at
    assert metrics_of_the_ledger()[1:] == (check.at.timestamp(), 0)


def test_what_was_changed_is_found_in_the_night_also_where_it_was_sound_before(workspace, campaign, caplog):
    keep_heads()
    verify_chain(workspace.pk)
    Check.objects.update(at=timezone.now() - timedelta(days=1))
    tamper("UPDATE audit_entry SET note = 'another' WHERE chain = %s AND seq = 2", workspace.pk)
    verify_chain(workspace.pk)
    check = Check.objects.get(chain=workspace.pk)
    assert (check.is_whole, check.broken_seq) == (True, 2)
    assert "ledger.broken" in caplog.text
    assert metrics_of_the_ledger()[2] == 1


def metrics_of_the_ledger():
    Check.objects.exclude(chain__in=Entry.objects.values("chain")).delete()
    return figures.ledger()
