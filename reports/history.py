"""The ledger's entries about a campaign, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit import words
from audit.models import Entry
from campaigns.models import Campaign

SIZE = 50


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
    shown = [Happening(words=words.of(entry.action), entry=entry) for entry in found[:size]]
    return History(happenings=shown, before=found[size - 1].seq if len(found) > size else None)
