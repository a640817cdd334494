"""Who wrote a campaign, and whether that keeps them from judging it."""

from accounts.models import User
from campaigns.models import Campaign
from campaigns.statuses import Mode


def writers_of(campaign: Campaign) -> set[int]:
    return {campaign.created_by_id, campaign.edited_by_id}


def wants_two(campaign: Campaign) -> bool:
    """So many recipients that one moderator is not enough; then nobody judges their own, whatever else is allowed.
    Nobody knows how many a trigger will have: more than any number."""
    above = campaign.workspace.second_approver_above
    if above is None:
        return False
    return campaign.mode == Mode.TRIGGER or (campaign.list is not None and campaign.list.accepted > above)


def kept_out(campaign: Campaign) -> set[int]:
    """Who wrote it or edited it last, where somebody else must judge it."""
    return writers_of(campaign) if campaign.workspace.four_eyes or wants_two(campaign) else set()


def is_own(campaign: Campaign, user: User) -> bool:
    return user.pk in kept_out(campaign)
