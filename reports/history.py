"""The ledger's entries about a campaign, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from audit.models import Entry
from campaigns.models import Campaign

SIZE = 50
WORDS: dict[str, Any] = {
    "campaign.created": _("Draft written"),
    "campaign.cloned": _("Draft cloned from another campaign"),
    "campaign.edited": _("Draft edited"),
    "campaign.draft": _("Made a draft again"),
    "campaign.in_review": _("Submitted for review"),
    "campaign.rejected": _("Rejected"),
    "campaign.voted": _("Approved by the first of two"),
    "campaign.approved": _("Approved and sealed"),
    "campaign.missed": _("Missed its time"),
    "campaign.sending": _("Sending began, or went on"),
    "campaign.paused": _("Paused"),
    "campaign.numbers_shown": _("Whole numbers shown"),
    "campaign.planned": _("What is left was planned anew"),
    "campaign.done": _("Done"),
    "campaign.expired": _("Ended by its deadline"),
    "campaign.cancelled": _("Cancelled"),
    "campaign.failed": _("Ended by the system"),
    "campaign.archived": _("Archived"),
    "campaign.restored": _("Restored from the archive"),
    "campaign.tested": _("Test sent"),
    "campaign.tallies_repaired": _("Counters repaired"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    words: Any
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The newest first; `before` leads to those before this page, None at the end."""

    happenings: Sequence[Happening]
    before: int | None


def history(campaign: Campaign, *, before: int | None = None, size: int = SIZE) -> History:
    entries = Entry.objects.of(campaign.workspace).about(campaign).order_by("-seq")
    found = list((entries.filter(seq__lt=before) if before else entries)[: size + 1])
    shown = [Happening(words=WORDS.get(entry.action, entry.action), entry=entry) for entry in found[:size]]
    return History(happenings=shown, before=found[size - 1].seq if len(found) > size else None)
