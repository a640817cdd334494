"""A test send goes to test phones and to nobody else: whatever the verb, SQL or a changed file says."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from audit.ledger import change_status
from audit.models import Entry
from audit.refusal import Refused
from campaigns import drafts, seal, transitions, trials
from campaigns.models import Campaign, TrialNumber
from campaigns.statuses import MOVES, TRIAL_MOVES, Status
from delivery import chunk_files, counters, due, results
from delivery import transitions as delivery_verbs
from delivery.models import Chunk, Message
from delivery.statuses import MessageState
from moderation import decisions
from recipients import chunks, suppressions, trial_phones
from recipients.models import RecipientList, TrialPhone
from reports import overview, reconciliation
from senders import transitions as senders
from tests import factories, owner
from tests.delivery import ground
from tests.racing import race

pytestmark = pytest.mark.django_db
NOT_OURS = 31_699_999_999


def status_of(campaign):
    return Campaign.objects.get(pk=campaign.pk).status


def by_sql(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def update(campaign, **fields):
    names = ", ".join(f"{name} = %s" for name in fields)
    by_sql(f"UPDATE campaigns_campaign SET {names} WHERE id = %s", *fields.values(), campaign.pk)


def sent_trial(workspace, count=2, **given):
    trial = factories.trial(workspace, count, **given)
    due.tick(now=timezone.now())
    trial.refresh_from_db()
    return trial, Chunk.objects.get(campaign=trial)


def numbers_in(chunk):
    return chunk_files.phones(chunk)


def with_list_of(trial, phones):
    """Its list's files and row say other numbers, as somebody with every access but the register could make them."""
    data = chunks.encode(np.array(phones, dtype=np.uint64))
    key = default_storage.save(f"lists/{trial.list_id}/x/00000", ContentFile(data))
    totals = chunks.Totals(rows=len(phones), accepted=len(phones), invalid=0, duplicate=0, suppressed=0)
    manifest = chunks.Manifest((chunks.entry_for(0, key, data),), totals)
    name = default_storage.save(f"lists/{trial.list_id}/x/manifest.json", ContentFile(manifest.to_bytes()))
    RecipientList.objects.filter(pk=trial.list_id).update(
        manifest_key=name, digest=manifest.digest, rows=len(phones), accepted=len(phones)
    )
    return manifest


# --- The way it should go ---------------------------------------------------------------------------------------------


def test_a_test_of_a_draft_starts_at_the_next_tick_with_the_drafts_text_and_sender(workspace):
    campaign = factories.draft(workspace)
    trial, chunk = sent_trial(workspace, 2, of=campaign)
    assert status_of(trial) == Status.SENDING
    assert (trial.text, trial.revision_id, trial.channel_id) == (
        campaign.text,
        campaign.revision_id,
        campaign.channel_id,
    )
    assert numbers_in(chunk).tolist() == list(
        TrialNumber.objects.filter(trial=trial).order_by("place").values_list("phone", flat=True)
    )
    assert status_of(campaign) == Status.DRAFT


def test_a_campaign_in_review_is_tested_and_stays_in_review(workspace):
    campaign = factories.in_review(workspace)
    trial, _ = sent_trial(workspace, of=campaign)
    assert (status_of(trial), status_of(campaign)) == (Status.SENDING, Status.IN_REVIEW)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.DRAFT, Status.IN_REVIEW}))
def test_nothing_else_is_tested(workspace, status):
    with pytest.raises(Refused) as refusal:
        factories.trial(workspace, of=factories.campaign(workspace, status))
    assert refusal.value.code == "wrong_status"


def test_it_is_through_once_its_phones_are_and_balances_and_is_no_part_of_its_campaign(workspace):
    campaign = factories.draft(workspace)
    trial, chunk = sent_trial(workspace, 2, of=campaign)
    mine = ground.claim(chunk)
    chosen = ground.intend_for(mine, numbers_in(chunk))
    assert (chosen.indexes, chosen.suppressed) == (range(2), frozenset())
    batch = ground.batch_of(mine, chosen.indexes, [(0, b"A"), (0, b"B")])
    batch.phones[:] = numbers_in(chunk)
    assert results.store(batch, mine, now=timezone.now())
    due.tick(now=timezone.now())
    trial = Campaign.objects.select_related("list").get(pk=trial.pk)
    totals = counters.totals(trial)
    assert trial.status == Status.DONE and totals.balanced and (totals.accepted, totals.pending) == (2, 2)
    assert reconciliation.differences(trial) == []
    assert counters.totals(Campaign.objects.select_related("list").get(pk=campaign.pk)).pending == 0
    seen = overview.overview(workspace, now=timezone.now())
    assert (seen.total, seen.active, seen.done) == (1, 0, 0)
    assert [row.campaign for row in seen.newest] == [campaign]


def test_the_ledger_has_each_test_with_its_numbers_masked(workspace):
    campaign = factories.draft(workspace)
    trial = factories.trial(workspace, of=campaign)
    phone = TrialNumber.objects.get(trial=trial).phone
    entry = Entry.objects.about(campaign).get(action="campaign.tested")
    assert entry.after["trial"] == trial.pk and entry.actor == campaign.created_by
    assert entry.after["phones"] == [{"to": f"+3162•••{phone % 10_000:04}", "hash": suppressions.fingerprint(phone)}]
    assert str(phone) not in str(list(Entry.objects.values_list("before", "after", "note", "subject_name")))


def test_the_first_rows_of_the_list_fill_the_text_and_what_is_typed_stands_before_them(workspace):
    listed = factories.ready_list(workspace, 2, columns=["name", "Code"], cells=[("Ann", "A1"), ("Bob", "B2")])
    campaign = factories.draft(workspace, text="Dear {name|friend}, {code}", list=listed)

    def texts(**given):
        trial = factories.trial(workspace, 3, of=campaign, **given)
        due.tick(now=timezone.now())
        chunk = Chunk.objects.get(campaign=trial)
        trial = Campaign.objects.select_related("list").get(pk=trial.pk)
        return trial.template.fill(chunk_files.others(chunk, len(trial.list.columns)), trial.list.columns)

    assert texts() == ["Dear Ann, A1", "Dear Bob, B2", "Dear Ann, A1"]
    assert texts(params={"NAME": "Eve\n\tX"}) == ["Dear Eve X, A1", "Dear Eve X, B2", "Dear Eve X, A1"]


def test_without_a_list_every_value_that_has_no_default_is_asked_for(workspace):
    content = factories.content(workspace, text="Dear {name|friend}, {code}")
    campaign = factories.draft(workspace, text="Dear {name|friend}, {code}", list=factories.uploading_list(workspace))
    assert content.text == campaign.text
    with pytest.raises(Refused, match="type a value for it") as refusal:
        factories.trial(workspace, of=campaign)
    assert refusal.value.code == "value_missing"
    with pytest.raises(Refused) as refusal:
        factories.trial(workspace, of=campaign, params={"code": "1", "town": "Delft"})
    assert refusal.value.code == "unknown_placeholder"
    trial = factories.trial(workspace, of=campaign, params={"code": "C3"})
    assert trial.list.columns == ["name", "code"]


# --- Whom it reaches --------------------------------------------------------------------------------------------------


def test_a_number_that_is_no_test_phone_is_refused(workspace, author):
    campaign = factories.draft(workspace)
    elsewhere = factories.trial_phone(factories.workspace())
    for number in (NOT_OURS, elsewhere):
        with pytest.raises(Refused) as refusal:
            trials.send(campaign.pk, to=[f"+{number}"], by=author, now=timezone.now())
        assert refusal.value.code == "not_a_test_phone"
    assert not TrialNumber.objects.exists()


def test_a_sixth_phone_is_refused(workspace):
    with pytest.raises(Refused) as refusal:
        factories.trial(workspace, 6)
    assert refusal.value.code == "too_many_phones"
    assert factories.trial(workspace, 5).list.accepted == 5


def test_a_suppressed_phone_is_refused_and_one_that_opts_out_meanwhile_is_passed_over(workspace, author):
    campaign, phone = factories.draft(workspace), factories.trial_phone(workspace)
    trial = trials.send(campaign.pk, to=[f"+{phone}"], by=author, now=timezone.now())
    due.tick(now=timezone.now())
    suppressions.opt_out(workspace, phone)
    chunk = Chunk.objects.get(campaign=trial)
    assert ground.intend_for(ground.claim(chunk), numbers_in(chunk)).suppressed == {phone}
    with pytest.raises(Refused) as refusal:
        trials.send(campaign.pk, to=[f"+{phone}"], by=author, now=timezone.now())
    assert refusal.value.code == "suppressed"


def test_a_phone_that_leaves_the_register_between_start_and_intent_is_passed_over(workspace, admin):
    _, chunk = sent_trial(workspace, 2)
    gone = TrialPhone.objects.of(workspace).order_by("pk").first()
    trial_phones.remove(gone.pk, by=admin)
    assert ground.intend_for(ground.claim(chunk), numbers_in(chunk)).suppressed == {gone.phone}


def test_a_retry_asks_again_whether_the_phone_is_a_test_phone(workspace, admin):
    trial, chunk = sent_trial(workspace, 1)
    mine = ground.claim(chunk)
    [phone] = numbers_in(chunk).tolist()
    chosen = ground.intend_for(mine, numbers_in(chunk))
    batch = ground.batch_of(mine, chosen.indexes, [(0x58, b"")])
    batch.phones[:] = phone
    assert results.store(batch, mine, now=timezone.now())
    trial_phones.remove(TrialPhone.objects.get(phone=phone).pk, by=admin)
    assert ground.choose_retries(mine, 10, now=timezone.now() + timedelta(minutes=50)) == []
    assert Message.objects.get(campaign=trial).state == MessageState.SUPPRESSED


def test_a_phone_that_leaves_the_register_before_the_start_fails_the_test_and_nothing_is_sent(workspace, admin):
    trial = factories.trial(workspace, 2)
    trial_phones.remove(TrialPhone.objects.of(workspace).first().pk, by=admin)
    due.tick(now=timezone.now())
    trial.refresh_from_db()
    assert (trial.status, trial.stopped_because) == (Status.FAILED, "A number of it is no test phone any more.")
    assert not Chunk.objects.filter(campaign=trial).exists()


def test_numbers_in_the_file_that_are_no_test_phones_are_never_handed_over(workspace):
    """The list's file, row and seal all say a customer's number: the intent asks the register for it."""
    trial = factories.trial(workspace, 1)
    with_list_of(trial, [NOT_OURS])
    due.tick(now=timezone.now())
    assert status_of(trial) == Status.FAILED  # the seal already says so
    _, chunk = sent_trial(workspace, 1)
    chosen = ground.intend_for(ground.claim(chunk), np.array([NOT_OURS], dtype=np.uint64))
    assert chosen.suppressed == {NOT_OURS}


def test_a_file_with_more_numbers_than_its_list_says_starts_nothing(workspace):
    trial = factories.trial(workspace, 1)
    phones = [factories.trial_phone(workspace) for _ in range(6)]
    manifest = with_list_of(trial, phones)
    RecipientList.objects.filter(pk=trial.list_id).update(rows=1, accepted=1)
    trial = Campaign.objects.select_related("list", "revision").get(pk=trial.pk)
    delivery_verbs.start(trial.pk, manifest, now=timezone.now())
    assert status_of(trial) == Status.FAILED
    assert not Chunk.objects.filter(campaign=trial).exists()


def test_an_ordinary_campaign_asks_for_no_test_phones(workspace):
    _, [chunk] = ground.under_way(workspace, 3)
    assert ground.choose(ground.claim(chunk), 3).suppressed == frozenset()


# --- Not by SQL -------------------------------------------------------------------------------------------------------


def trial_in_draft(workspace, count=1, **fields):
    """As the verb makes it, one step before its approval."""
    campaign = factories.draft(workspace)
    listed = factories.ready_list(workspace, count)
    RecipientList.objects.filter(pk=listed.pk).update(is_trial=True)
    return Campaign.objects.create(
        **{
            **{name: getattr(campaign, name) for name in ("workspace", "text", "sender", "revision", "channel")},
            **{"mode": "on_approval", "list": listed, "trial_of": campaign, "not_after": timezone.now() + timedelta(1)},
            **{"created_by": campaign.created_by, "edited_by": campaign.created_by, "name": "A test"},
            **fields,
        }
    )


def number(trial, phone, place=0, most=50):
    by_sql(
        "INSERT INTO campaigns_trialnumber (workspace_id, trial_id, place, phone, most_a_day)"
        " VALUES (%s, %s, %s, %s, %s)",
        *(trial.workspace_id, trial.pk, place, phone, most),
    )


def approve(trial):
    update(trial, status="approved", seal=seal.of(trial), approved_at=timezone.now())


def test_sql_approves_no_test_without_its_numbers_in_the_register(workspace):
    trial = trial_in_draft(workspace)
    with pytest.raises(IntegrityError, match="no list of at most five test phones"):
        approve(trial)
    with pytest.raises(IntegrityError, match="is no test phone"):
        number(trial, factories.FIRST_NUMBER)
    factories.trial_phone(workspace, factories.FIRST_NUMBER)
    number(trial, factories.FIRST_NUMBER)
    approve(trial)
    assert status_of(trial) == Status.APPROVED


def test_sql_approves_no_test_of_six(workspace):
    trial = trial_in_draft(workspace, 6)
    for place in range(5):
        number(trial, factories.trial_phone(workspace), place)
    with pytest.raises(IntegrityError, match="trialnumber_of_five"):
        number(trial, factories.trial_phone(workspace), 5)
    with pytest.raises(IntegrityError, match="no list of at most five test phones"):
        approve(trial)


def test_sql_approves_no_test_on_the_list_of_a_campaign(workspace):
    trial = trial_in_draft(workspace)
    RecipientList.objects.filter(pk=trial.list_id).update(is_trial=False)
    number(trial, factories.trial_phone(workspace))
    with pytest.raises(IntegrityError, match="no list of at most five test phones"):
        approve(trial)


def test_sql_approves_no_test_of_another_text_or_with_a_sender_that_is_not_approved(workspace):
    other = trial_in_draft(workspace, text="Something else.")
    number(other, factories.trial_phone(workspace))
    with pytest.raises(IntegrityError, match="no test of a campaign that is being written"):
        approve(other)
    campaign = factories.draft(workspace)
    senders.archive(campaign.sender_id, by=factories.somebody(workspace, "admin"))
    with pytest.raises(Refused) as refusal:
        factories.trial(workspace, of=campaign)
    assert refusal.value.code == "sender_not_approved"


def test_sql_makes_no_campaign_a_test_and_no_test_a_campaign(workspace):
    campaign, trial = factories.in_review(workspace), trial_in_draft(workspace)
    with pytest.raises(DatabaseError):
        update(campaign, trial_of_id=trial.trial_of_id)
    with pytest.raises(IntegrityError, match="never change"):
        update(trial, trial_of_id=None)


def test_sql_makes_no_test_of_a_draft_without_approval_of_either_kind(workspace):
    with pytest.raises(IntegrityError):
        update(factories.draft(workspace), status="approved", seal="0" * 64)


def test_the_numbers_of_a_test_are_not_changed_and_none_is_added_once_it_is_approved(workspace):
    trial = factories.trial(workspace)
    phone = factories.trial_phone(workspace)
    for statement in (
        f"UPDATE campaigns_trialnumber SET phone = {phone}",
        "UPDATE campaigns_trialnumber SET at = at - interval '3 days'",
        "DELETE FROM campaigns_trialnumber",
        "TRUNCATE campaigns_trialnumber",
    ):
        with pytest.raises(DatabaseError):
            by_sql(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")
    with pytest.raises(IntegrityError, match="no test send that is being made"):
        number(trial, phone, 1)


@pytest.mark.parametrize("was", [Status.APPROVED, Status.SENDING, Status.PAUSED, Status.MISSED, Status.DONE])
def test_a_test_moves_as_its_table_says_and_no_other_way(workspace, was):
    trial = factories.trial(workspace)
    if was in (Status.SENDING, Status.PAUSED, Status.DONE):
        due.tick(now=timezone.now())
    path = {Status.PAUSED: "paused", Status.MISSED: "missed", Status.DONE: "done"}
    if was in path:
        with transaction.atomic():
            change_status(Campaign.objects.lock(trial.pk), path[was], moves=MOVES, by=None)
    assert status_of(trial) == was
    for to in set(Status) - TRIAL_MOVES[was] - {was}:
        with pytest.raises(IntegrityError):
            update(trial, status=to)


def test_no_verb_of_authors_or_moderators_moves_a_test_on(workspace, moderator):
    trial = factories.trial(workspace)
    for verb in (
        lambda: transitions.submit(trial.pk, by=trial.created_by, now=timezone.now()),
        lambda: drafts.amend(trial.pk, {"text": "Else."}, by=trial.created_by, now=timezone.now()),
        lambda: decisions.approve_campaign(trial.pk, by=moderator, now=timezone.now()),
        lambda: decisions.send_now(trial.pk, by=moderator, now=timezone.now()),
        lambda: trials.send(trial.pk, to=["+31612345678"], by=trial.created_by, now=timezone.now()),
    ):
        with pytest.raises(Refused):
            verb()


# --- How often --------------------------------------------------------------------------------------------------------


def test_a_day_has_its_limit_and_the_hours_before_count(workspace, settings):
    settings.TRIALS_PER_DAY = 3
    factories.trial(workspace, 2)
    with pytest.raises(Refused, match="1 are left") as refusal:
        factories.trial(workspace, 2)
    assert refusal.value.code == "trials_used_up"
    factories.trial(workspace, 1)
    assert trials.left(workspace.pk) == 0
    assert trials.left(factories.workspace().pk) == 3
    with owner.at_work() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE campaigns_trialnumber SET at = at - interval '25 hours'")
        cursor.execute("SET session_replication_role = origin")
    assert trials.left(workspace.pk) == 3


def test_sql_takes_no_more_numbers_in_a_day_than_the_row_says(workspace):
    trial = trial_in_draft(workspace)
    number(trial, factories.trial_phone(workspace), most=1)
    with pytest.raises(IntegrityError, match="has had its test sends of a day"):
        number(trial, factories.trial_phone(workspace), 1, most=1)


def test_whoever_sends_asks_its_own_settings_what_a_day_may_have(workspace, settings):
    """A row that claims a higher limit lets nothing out."""
    settings.TRIALS_PER_DAY = 1
    trial = trial_in_draft(workspace, 2)
    for place in range(2):
        number(trial, factories.trial_phone(workspace, factories.FIRST_NUMBER + place), place, most=1000)
    approve(trial)
    due.tick(now=timezone.now())
    trial.refresh_from_db()
    assert (trial.status, trial.stopped_because) == (Status.FAILED, "More than 1 messages of test sends in a day.")


def test_an_installation_switches_test_sends_off(workspace, settings):
    trial = factories.trial(workspace)
    settings.TRIALS_PER_DAY = 0
    with pytest.raises(Refused) as refusal:
        factories.trial(workspace)
    assert refusal.value.code == "trials_off"
    due.tick(now=timezone.now())
    trial.refresh_from_db()
    assert (trial.status, trial.stopped_because) == (Status.FAILED, "Test sends are switched off.")


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_no_more_go_out_than_a_day_may_have(workspace, settings):
    settings.TRIALS_PER_DAY = 5
    campaign, phones = factories.draft(workspace), [factories.trial_phone(workspace) for _ in range(2)]
    to, by = [f"+{phone}" for phone in phones], campaign.created_by
    outcomes = race(*[lambda: trials.send(campaign.pk, to=to, by=by, now=timezone.now())] * 5)
    made = [outcome for outcome in outcomes if isinstance(outcome, Campaign)]
    assert len(made) == 2 and TrialNumber.objects.count() == 4
    assert {outcome.code for outcome in outcomes if outcome not in made} == {"trials_used_up"}
