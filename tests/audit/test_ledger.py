import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit import heads, verification
from audit.ledger import FIRST, change_status, hash_of, record
from audit.models import Entry
from audit.tasks import keep_heads
from campaigns.models import Campaign
from campaigns.statuses import MOVES, Status
from tests import factories
from tests.racing import race


@pytest.fixture
def campaign(workspace):
    return factories.done(workspace)


def tamper(sql, *values):
    """As somebody who owns the table and switches its triggers off."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


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
