"""A program changes only the campaign that it has read, and reads only what is new."""

import pytest

from campaigns import drafts
from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery.models import Tally
from delivery.statuses import MessageState
from tests import factories


@pytest.fixture
def campaign(workspace, author) -> Campaign:
    return factories.campaign(workspace, by=author)


def address(campaign, verb=""):
    return f"/api/v1/campaigns/{campaign.pk}/{verb}"


def read(client, campaign, **headers):
    return client.get(address(campaign), headers=headers)


def rename(campaign, author, name):
    drafts.amend(campaign.pk, {"name": name}, by=author, now=campaign.created_at)


def test_what_somebody_else_changed_meanwhile_is_not_written_over(as_author, author, campaign):
    tag = read(as_author, campaign)["ETag"]
    rename(campaign, author, "Summer sale")
    refused = as_author.patch(address(campaign), {"name": "Autumn sale"}, headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "changed_since_read")
    assert Campaign.objects.get(pk=campaign.pk).name == "Summer sale"
    fresh = read(as_author, campaign)["ETag"]
    done = as_author.patch(address(campaign), {"name": "Autumn sale"}, headers={"If-Match": fresh})
    assert (done.status_code, done.json()["name"]) == (200, "Autumn sale")


def test_the_answer_of_each_write_has_the_tag_for_the_next(as_author, campaign):
    changed = as_author.patch(address(campaign), {"name": "Autumn sale"})
    submitted = as_author.post(address(campaign, "submit/"), headers={"If-Match": changed["ETag"]})
    assert submitted.json()["status"] == Status.IN_REVIEW
    again = as_author.post(address(campaign, "withdraw/"), headers={"If-Match": changed["ETag"]})
    assert again.status_code == 412
    assert as_author.post(address(campaign, "withdraw/"), headers={"If-Match": submitted["ETag"]}).status_code == 200


def test_a_moderator_approves_what_they_have_read_or_nothing(as_author, as_moderator, author, campaign):
    as_author.post(address(campaign, "submit/"))
    tag = read(as_moderator, campaign)["ETag"]
    as_author.post(address(campaign, "withdraw/"))
    rename(campaign, author, "Something else")
    as_author.post(address(campaign, "submit/"))
    assert as_moderator.post(address(campaign, "approve/"), headers={"If-Match": tag}).status_code == 412
    assert Campaign.objects.get(pk=campaign.pk).status == Status.IN_REVIEW


def test_progress_is_new_to_a_reader_and_in_the_way_of_nobody_who_pauses(as_author, workspace):
    campaign = factories.sending(workspace)
    before = read(as_author, campaign)["ETag"]
    Tally.objects.create(campaign=campaign, state=MessageState.DELIVERED, n=1)
    after = read(as_author, campaign, **{"If-None-Match": before})
    assert after.status_code == 200
    assert after["ETag"] != before
    assert as_author.post(address(campaign, "pause/"), headers={"If-Match": before}).status_code == 200


def test_a_reader_who_has_seen_everything_gets_nothing_again(as_author, author, campaign):
    tag = read(as_author, campaign)["ETag"]
    seen = read(as_author, campaign, **{"If-None-Match": f'"other", W/{tag}'})
    assert (seen.status_code, seen.content, seen["ETag"]) == (304, b"", tag)
    rename(campaign, author, "Summer sale")
    assert read(as_author, campaign, **{"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("header", ["*", "W/{tag}", '"nothing", {tag}'])
def test_any_tag_of_the_header_is_enough(as_author, campaign, header):
    tag = read(as_author, campaign)["ETag"]
    given = {"If-Match": header.format(tag=tag)}
    assert as_author.patch(address(campaign), {"name": "Autumn sale"}, headers=given).status_code == 200


def test_a_strangers_campaign_is_not_there_whatever_the_tag(as_author, author):
    foreign = factories.campaign(factories.workspace())
    answer = as_author.post(address(foreign, "submit/"), headers={"If-Match": "*"})
    assert answer.status_code == 404
