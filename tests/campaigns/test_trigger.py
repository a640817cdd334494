"""A trigger campaign on the pages of marketers and on the desk: written, judged, followed; it has no list anywhere."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from tests import factories
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def given(workspace):
    factories.channel()
    return {
        "mode": Mode.TRIGGER,
        "list": None,
        "text": "Your code is {code}.",
        "not_after": timezone.now() + timedelta(days=30),
    }


def test_it_is_written_in_the_wizard_without_a_list(workspace, author):
    factories.channel()
    sender, page = factories.sender(workspace), signed_in(author)
    page.post("/campaigns/new/", {"name": "Codes", "mode": "trigger"})
    campaign = Campaign.objects.get()
    base = f"/campaigns/{campaign.pk}/edit"
    page.post(f"{base}/message/", {"sender": sender.pk, "text": "Your code is {code}.", "go": "next"})
    until = timezone.localtime(timezone.now() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")
    page.post(f"{base}/time/", {"not_after": until, "go": "next"})
    assert page.get(f"{base}/review/").status_code == 200
    page.post(f"{base}/submit/")
    campaign.refresh_from_db()
    assert (campaign.status, campaign.list) == (Status.IN_REVIEW, None)


@pytest.mark.parametrize(
    "status", [Status.DRAFT, Status.IN_REVIEW, Status.APPROVED, Status.SENDING, Status.PAUSED, Status.DONE]
)
def test_every_page_of_it_opens_in_every_state(workspace, author, given, status):
    campaign, page = factories.campaign(workspace, status, by=author, **given), signed_in(author)
    for part in ("", "?tab=recipients", "?tab=errors", "?tab=content", "?tab=history", "?tab=exports"):
        assert page.get(f"/campaigns/{campaign.pk}/{part}").status_code == 200, part
    for part in ("progress", "course", "content", "recipients", "exports", "errors"):
        assert page.get(f"/campaigns/{campaign.pk}/{part}/").status_code == 200, part
    assert campaign.name in text_of(page.get("/campaigns/"))
    assert page.get("/").status_code == 200


def test_a_moderator_sees_on_the_desk_what_it_may_say_and_until_when(workspace, author, given):
    campaign = factories.in_review(workspace, by=author, **given)
    desk = signed_in(factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)), workspace)
    assert campaign.name in text_of(desk.get("/admin/moderation/campaigninreview/"))
    shown = text_of(desk.get(f"/admin/moderation/campaigninreview/{campaign.pk}/change/"))
    assert "Your code is {code}." in shown
    answer = desk.post(f"/admin/moderation/campaigninreview/{campaign.pk}/approve/", {"confirm": "yes"})
    assert answer.status_code in (200, 302)
