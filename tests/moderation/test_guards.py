"""The last guard is the database: what the verbs refuse, raw SQL does not get through either."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from campaigns import seal, transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from moderation.models import Decision, Verdict
from tests import evidence, factories

APPENDED_TO = ["audit_entry", "moderation_decision", "delivery_intent"]
HISTORIES = [
    "accounts_historicalworkspace",
    "campaigns_historicalcampaign",
    "channels_historicalchannel",
    "senders_historicalrevision",
    "senders_historicalsender",
]


def refused(sql, *values):
    """The database says no, and nothing has changed."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for no check
        cursor.execute(sql, values)
    return str(caught.value)


def update(campaign, **fields):
    """By SQL, past every verb and every save()."""
    names = ", ".join(f"{name} = %s" for name in fields)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE campaigns_campaign SET {names} WHERE id = %s", [*fields.values(), campaign.pk])


def decision(campaign, by, **fields):
    content = seal.content(campaign)
    return Decision.objects.create(
        **{
            "campaign": campaign,
            "round": campaign.round,
            "verdict": Verdict.APPROVED,
            "by": by,
            "at": timezone.now(),
            "seal": seal.digest(content),
            "content": content,
            "four_eyes": True,
            **fields,
        }
    )


@pytest.mark.parametrize("was", [Status.DRAFT, Status.IN_REVIEW, Status.REJECTED, Status.CANCELLED])
@pytest.mark.parametrize("to", [Status.APPROVED, Status.SENDING])
def test_nothing_is_approved_or_sent_without_a_decision(workspace, was, to):
    campaign = factories.campaign(workspace, was)
    with pytest.raises(IntegrityError):
        update(campaign, status=to, seal=seal.of(campaign), started_at=timezone.now())
    assert Campaign.objects.get(pk=campaign.pk).status == was


def test_a_campaign_is_not_inserted_beyond_draft(workspace):
    campaign = factories.draft(workspace)
    columns = [field.column for field in Campaign._meta.concrete_fields if field.column not in {"id", "public_id"}]
    listed = ", ".join(f'"{column}"' for column in columns)
    picked = ", ".join("'sending'" if column == "status" else f'"{column}"' for column in columns)
    says = refused(
        f"INSERT INTO campaigns_campaign (public_id, {listed}) SELECT gen_random_uuid(), {picked} "
        "FROM campaigns_campaign WHERE id = %s",
        campaign.pk,
    )
    assert "a campaign begins as a draft" in says


def test_an_approval_of_other_content_approves_nothing(workspace, moderator):
    campaign = factories.in_review(workspace)
    decision(campaign, moderator, seal="0" * 64)
    with pytest.raises(IntegrityError, match="has no approval of this content"):
        update(campaign, status=Status.APPROVED, seal=seal.of(campaign))


def test_a_rejection_is_no_approval(workspace, moderator):
    campaign = factories.in_review(workspace)
    decision(campaign, moderator, verdict=Verdict.REJECTED, reason="No.")
    with pytest.raises(IntegrityError, match="has no approval of this content"):
        update(campaign, status=Status.APPROVED, seal=seal.of(campaign))


def test_whoever_does_not_know_the_version_of_a_content_does_not_approve_it(workspace, moderator):
    campaign = factories.in_review(workspace, parts_per_second=10)
    first = {**seal.content(campaign), "v": 1}
    with pytest.raises(IntegrityError, match="has version 2"), transaction.atomic():
        decision(campaign, moderator, content=first, seal=seal.digest(first))
    decision(campaign, moderator, content=first, seal=seal.digest(first), verdict=Verdict.REJECTED, reason="No.")


def test_the_approval_of_an_earlier_round_is_worth_nothing_later(workspace):
    campaign = factories.rejected(workspace)
    transitions.submit(campaign.pk, by=campaign.created_by, now=timezone.now())
    campaign.refresh_from_db()
    assert campaign.round == 2
    with pytest.raises(IntegrityError):
        update(campaign, status=Status.APPROVED, seal=seal.of(campaign))


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.DRAFT}))
def test_content_does_not_change_outside_draft(workspace, status):
    campaign = factories.campaign(workspace, status)
    others = {
        "text": "Something else.",
        "mode": Mode.ON_APPROVAL if campaign.mode == Mode.SCHEDULED else Mode.SCHEDULED,
        "list_id": factories.ready_list(workspace).pk,
        "channel_id": factories.channel("other", is_default=False).pk,
        "edited_by_id": factories.user().pk,
        "route_id": factories.route("both", {campaign.channel: 1}).pk,
        "daily_from": "09:00",
        "daily_to": "20:00",
        "daily_zone": "UTC",
        "parts_per_second": 10,
        "content_version": 3 - campaign.content_version,
    }
    times = dict.fromkeys(["send_at", "date_from", "date_to", "not_after"], "2099-01-01T00:00:00Z")
    if status != Status.MISSED:  # a moderator gives that one another time, sealed anew: see below
        others |= times
    for name, value in others.items():
        with pytest.raises(IntegrityError, match="immutable outside draft"):
            update(campaign, **{name: value})


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"daily_from": "09:00", "daily_zone": "UTC"}, "campaign_daily_window_is_whole"),
        ({"daily_from": "09:00", "daily_to": "20:00"}, "campaign_daily_window_is_whole"),
        ({"daily_from": "09:00", "daily_to": "09:00", "daily_zone": "UTC"}, "campaign_daily_window_is_whole"),
        ({"parts_per_second": 0}, "campaign_limit_from_one"),
        ({"content_version": 3}, "campaign_version_says_it_all"),
        ({"content_version": 1, "parts_per_second": 10}, "campaign_version_says_it_all"),
    ],
)
def test_half_a_window_and_a_version_that_hides_something_are_no_content(workspace, fields, name):
    draft = factories.draft(workspace)
    with pytest.raises(IntegrityError, match=name):
        update(draft, **({"content_version": 2} | fields))


def test_another_time_for_a_missed_campaign_needs_another_decision(workspace):
    campaign = factories.missed(workspace)
    with pytest.raises(IntegrityError, match="has no approval of this content"):
        update(campaign, status=Status.APPROVED, send_at="2099-01-01T00:00:00Z", seal="1" * 64)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.SENDING])
def test_a_campaign_keeps_its_workspace_and_author(workspace, status):
    campaign = factories.campaign(workspace, status)
    for fields in ({"workspace_id": factories.workspace().pk}, {"created_by_id": factories.user().pk}):
        with pytest.raises(IntegrityError, match="never change"):
            update(campaign, **fields)


def test_the_seal_is_put_on_by_an_approval_only(workspace):
    for status in (Status.DRAFT, Status.IN_REVIEW, Status.SENDING):
        with pytest.raises(IntegrityError, match="only an approval seals"):
            update(factories.campaign(workspace, status), seal="1" * 64)


def test_the_author_does_not_decide_by_sql_either(workspace, admin):
    campaign = factories.in_review(workspace, by=admin)
    with pytest.raises(IntegrityError, match="four eyes"), transaction.atomic():
        decision(campaign, admin)


def test_a_decision_does_not_forge_the_rule_of_its_workspace(workspace, admin):
    campaign = factories.in_review(workspace, by=admin)
    with pytest.raises(IntegrityError, match="notes the four-eyes rule"), transaction.atomic():
        decision(campaign, admin, four_eyes=False)


def test_only_a_moderator_of_the_workspace_decides(workspace, author):
    campaign = factories.in_review(workspace, by=factories.member(workspace))
    stranger = factories.somebody(factories.workspace(), "moderator")
    for by in (author, stranger):
        with pytest.raises(IntegrityError, match="is not a moderator"), transaction.atomic():
            decision(campaign, by)


def test_a_decision_is_about_the_round_that_is_up(workspace, moderator):
    campaign = factories.in_review(workspace)
    for round_ in (0, 2):
        with pytest.raises(IntegrityError, match="not up for a decision"), transaction.atomic():
            decision(campaign, moderator, round=round_)


@pytest.mark.parametrize("table", [*APPENDED_TO, *HISTORIES])
def test_what_is_appended_to_is_never_changed(workspace, moderator, table):
    evidence.dispatched(factories.sending(workspace))
    workspace.save()
    key = "history_id" if "historical" in table else "id"
    for sql in (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        assert ("permission denied" if "TRUNCATE" in sql else f"{table} is append-only") in refused(sql)
