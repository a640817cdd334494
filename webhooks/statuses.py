"""What may be told, and where a delivery stands."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from campaigns.statuses import Status
from delivery.statuses import MessageState as S


class Event(TextChoices):
    """What an endpoint can ask for. Those of campaigns and exports are called as the ledger calls them."""

    CAMPAIGN_IN_REVIEW = f"campaign.{Status.IN_REVIEW}", _("A campaign was submitted")
    CAMPAIGN_REJECTED = f"campaign.{Status.REJECTED}", _("A campaign was rejected")
    CAMPAIGN_APPROVED = f"campaign.{Status.APPROVED}", _("A campaign was approved")
    CAMPAIGN_MISSED = f"campaign.{Status.MISSED}", _("A campaign missed its time")
    CAMPAIGN_SENDING = f"campaign.{Status.SENDING}", _("A campaign began, or was resumed")
    CAMPAIGN_PAUSED = f"campaign.{Status.PAUSED}", _("A campaign was paused")
    CAMPAIGN_DONE = f"campaign.{Status.DONE}", _("A campaign was sent to the end")
    CAMPAIGN_EXPIRED = f"campaign.{Status.EXPIRED}", _("A campaign ended at its deadline")
    CAMPAIGN_CANCELLED = f"campaign.{Status.CANCELLED}", _("A campaign was cancelled")
    CAMPAIGN_FAILED = f"campaign.{Status.FAILED}", _("A campaign failed")
    EXPORT_READY = "export.ready", _("An export can be downloaded")
    EXPORT_FAILED = "export.failed", _("An export failed")
    MESSAGES = "messages.settled", _("What became of messages, up to 1,000 at once")
    SUPPRESSIONS = "suppressions.changed", _("Who opted out or was suppressed, and who is no more, up to 1,000 at once")


class Change(TextChoices):
    """Of the numbers that must not get anything."""

    ADDED = "added", "It gets nothing any more"
    REMOVED = "removed", "It may get messages again"


TEST = "webhook.test"  # asked for by a button, whatever was chosen
OF_EXPORTS = frozenset({str(Event.EXPORT_READY), str(Event.EXPORT_FAILED)})
OF_CAMPAIGNS = frozenset(str(event) for event in Event) - OF_EXPORTS - {Event.MESSAGES, Event.SUPPRESSIONS}
# As the ledger calls them.
CHANGES = {"suppression.added": Change.ADDED, "suppression.removed": Change.REMOVED}
IMPORTED = "suppressionimport.done"
# Of a message: what may be the last, though a receipt that comes late may still replace it.
SETTLED = [S.UNCERTAIN, S.NO_RECEIPT, S.FAILED, S.DELIVERED, S.EXPIRED, S.CANCELLED, S.SUPPRESSED]


class DeliveryState(TextChoices):
    PENDING = "pending", _("Pending")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")


class Disabled(TextChoices):
    """Why nothing is sent to an endpoint."""

    NO = "", _("It is on")
    BY_HAND = "by_hand", _("Switched off by an admin")
    GONE = "gone", _("The receiver answered that it is gone (410)")
    FAILING = "failing", _("Nothing was delivered for a day")
