from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.utils import timezone, translation

from accounts.roles import Role
from campaigns import transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode
from moderation.models import BlockedTerm, CannedReason, Decision, Note
from recipients.models import RecipientList
from senders import transitions as sender_transitions
from tests import factories
from tests.pages import signed_in, text_of

QUEUE = "/admin/moderation/campaigninreview/"


@pytest.fixture
def judge(workspace):
    return factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True, name="Anna"))


@pytest.fixture
def desk(judge):
    return signed_in(judge)


def page(campaign, path="change/"):
    return f"{QUEUE}{campaign.pk}/{path}"


def test_the_parts_are_those_that_the_carrier_is_handed(desk, workspace):
    campaign = factories.in_review(workspace, text="A" * 153 + "B" * 20)
    shown = text_of(desk.get(page(campaign)))
    assert f"{'A' * 153}</p>" in shown and f"{'B' * 20}</p>" in shown
    assert "Part 1: 153 of 153" in shown and "Part 2: 20 of 153" in shown


def test_the_text_is_compared_with_the_authors_last_approved_one(desk, workspace):
    factories.approved(workspace, text="Half price until Sunday.")
    shown = text_of(desk.get(page(factories.in_review(workspace, text="Half price until Monday."))))
    assert "Against this author&#x27;s last approved text" in shown
    assert "removed: </span>Sunday</del>" in shown and "added: </span>Monday</ins>" in shown


def test_a_text_that_was_rejected_is_compared_with_itself_before(desk, workspace):
    campaign = factories.rejected(workspace, text="Half price.")
    transitions.submit(campaign.pk, by=campaign.created_by, now=timezone.now())
    shown = text_of(desk.get(page(campaign)))
    assert "Changed since it was rejected" in shown and "Nothing: it is the same text." in shown


def test_what_is_unusual_is_said(desk, workspace):
    BlockedTerm.objects.create(term="casino", why="Not here.")
    BlockedTerm.objects.create(term="dice", workspace=factories.workspace())
    listed = factories.ready_list(workspace, 20)
    RecipientList.objects.filter(pk=listed.pk).update(
        rows=30, suppressed=10, ready_at=timezone.now() - timedelta(days=40)
    )
    campaign = factories.in_review(workspace, list=listed, text="C a s i n o — bit.ly/x dice " + "a" * 50)
    shown = text_of(desk.get(page(campaign)))
    for warning in (
        "A blocked term: “C a s i n o” (casino). Not here.",
        "bit.ly shortens links",
        "The first campaign of the sender",
        "2 parts each instead of 1, 20 parts more in all.",
        "The text does not say how to opt out.",
        "33 % of the file&#x27;s rows are suppressed",
        "The list is 40 days old.",
    ):
        assert warning in shown
    assert "(dice)" not in shown


def test_what_is_usual_is_not_warned_of(desk, workspace):
    sender = factories.sender(workspace)
    factories.done(workspace, sender=sender)
    send_at = (timezone.now() + timedelta(days=2)).replace(hour=12)
    campaign = factories.in_review(
        workspace, sender=sender, text="Sale. STOP to opt out.", mode=Mode.SCHEDULED, send_at=send_at
    )
    assert "Nothing to warn of." in text_of(desk.get(page(campaign)))


def test_what_goes_out_at_night_is_said(desk, workspace):
    send_at = (timezone.now() + timedelta(days=2)).replace(hour=23)
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    assert "Messages go out at night" in text_of(desk.get(page(campaign)))


def test_an_audience_far_above_the_usual_has_a_badge_and_the_rule_in_words(desk, workspace):
    sender = factories.sender(workspace)
    for _ in range(3):
        factories.done(workspace, sender=sender)
    campaign = factories.in_review(workspace, sender=sender, list=factories.ready_list(workspace, 7))
    shown = text_of(desk.get(QUEUE))
    assert "above-usual audience" in shown and "<h1>Campaigns to judge </h1>" in shown
    shown = text_of(desk.get(page(campaign)))
    assert "7 is more than 2 times 3, the median of the last 3 campaigns" in shown
    assert "first-time sender" not in text_of(desk.get(QUEUE))


def test_a_campaign_that_waits_beyond_the_target_says_so(desk, workspace, settings):
    settings.REVIEW_TARGET = timedelta(minutes=30)
    campaign = factories.in_review(workspace)
    assert "beyond the target" not in text_of(desk.get(QUEUE))
    Campaign.objects.filter(pk=campaign.pk).update(submitted_at=timezone.now() - timedelta(hours=2))
    assert "2 h 0 min, beyond the target" in text_of(desk.get(QUEUE))


def test_the_evidence_is_downloaded_also_from_another_workspace_of_theirs(judge, workspace):
    second = factories.workspace()
    factories.membership(second, Role.MODERATOR, user=judge)
    sender = factories.sender(second, approved=False)
    evidence = SimpleUploadedFile("letter.pdf", b"%PDF-1.4")
    by = factories.member(second, Role.ADMIN)
    revision = sender_transitions.submit_revision(sender.pk, saddr="Acme", by=by, evidence=evidence)
    desk = signed_in(judge, workspace)
    response = desk.get(f"/admin/moderation/revisioninreview/{revision.pk}/evidence/")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert b"".join(response.streaming_content) == b"%PDF-1.4"
    stranger = signed_in(factories.member(factories.workspace(), Role.MODERATOR, user=factories.user(is_staff=True)))
    assert stranger.get(f"/admin/moderation/revisioninreview/{revision.pk}/evidence/").status_code == 404


def test_a_canned_reason_alone_or_before_ones_own_words_rejects(desk, workspace):
    canned = CannedReason.objects.create(language="en", text="Name the shop.")
    first, second = factories.in_review(workspace), factories.in_review(workspace)
    assert "Name the shop." in text_of(desk.get(page(first, "decide/reject/")))
    desk.post(page(first, "decide/reject/"), {"round": 1, "canned": canned.pk, "reason": ""})
    desk.post(page(second, "decide/reject/"), {"round": 1, "canned": canned.pk, "reason": "And the price."})
    reasons = Decision.objects.order_by("pk").values_list("reason", flat=True)
    assert list(reasons) == ["Name the shop.", "Name the shop.\nAnd the price."]


def test_reasons_are_offered_in_the_moderators_language_and_for_their_workspace(desk, workspace):
    CannedReason.objects.all().delete()
    CannedReason.objects.create(language="ru", text="Назовите магазин.")
    CannedReason.objects.create(language="en", text="Of others.", workspace=factories.workspace())
    CannedReason.objects.create(language="en", text="Ours.", workspace=workspace)
    shown = text_of(desk.get(page(factories.in_review(workspace), "decide/reject/")))
    assert "Ours." in shown and "Of others." not in shown and "Назовите" not in shown


def test_a_note_is_between_moderators_and_never_changes(desk, workspace, author):
    campaign = factories.in_review(workspace, by=author)
    desk.post(page(campaign, "note/"), {"text": "Asked them about the price."})
    assert "Asked them about the price." in text_of(desk.get(page(campaign)))
    assert desk.post(page(campaign, "note/"), {"text": " "}).status_code == 400
    assert "Asked them" not in text_of(signed_in(author).get(f"/campaigns/{campaign.pk}/"))
    assert "Asked them" not in text_of(signed_in(author).get(f"/campaigns/{campaign.pk}/decisions/"))
    with pytest.raises(DatabaseError, match="append-only"):
        Note.objects.update(text="Something else.")


def test_the_pages_ask_the_database_a_bounded_number_of_times(desk, workspace, django_assert_max_num_queries):
    sender = factories.sender(workspace)
    for _ in range(6):
        last = factories.in_review(workspace, sender=sender)
    with django_assert_max_num_queries(14):
        desk.get(QUEUE)
    with django_assert_max_num_queries(40):
        desk.get(page(last))


def test_a_number_is_never_in_full_on_the_page(desk, workspace):
    listed = factories.ready_list(workspace, numbers=[31612345678], columns=["name"], cells=[["Ann"]])
    shown = text_of(desk.get(page(factories.in_review(workspace, list=listed, text="Dear {name}"))))
    assert "Dear Ann" in shown and "31612345678" not in shown


def test_the_decisions_are_exported_as_filtered_and_no_cell_is_a_formula(desk, workspace):
    factories.approved(workspace, name="=1+1")
    factories.rejected(workspace, reason="@No", name="＝2+2")
    factories.approved(factories.workspace(), name="Foreign")
    body = b"".join(desk.get("/admin/moderation/decision/export/").streaming_content).decode()
    assert "'=1+1" in body and "'＝2+2" in body and "'@No" in body and "Foreign" not in body and body.count("\r\n") == 3
    filtered = desk.get("/admin/moderation/decision/export/?verdict__exact=rejected")
    assert b"".join(filtered.streaming_content).count(b"\r\n") == 2


def test_the_desk_speaks_no_language_but_the_one_that_is_chosen(desk, workspace):
    with translation.override("ru"):
        assert desk.get(QUEUE).status_code == 200


def test_the_first_page_says_what_waits_and_what_is_wrong(desk, workspace):
    factories.in_review(workspace)
    factories.missed(workspace)
    factories.in_review(factories.workspace())
    shown = text_of(desk.get("/admin/"))
    assert "<b>1</b><span>campaign to judge</span>" in shown and "<b>1</b><span>missed campaign to act on" in shown
