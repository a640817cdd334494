"""The revisions of a sender as people compare them: each with what it changes of the one before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from senders.models import Revision

COMPARED: dict[str, str | Promise] = {
    "saddr": _("Recipients see"),
    "ton": _("Type of number (TON)"),
    "npi": _("Numbering plan (NPI)"),
    "reason": _("Reason"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    label: str | Promise
    was: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`changes` is empty for a first revision, and for one that says the same again."""

    revision: Revision
    before: Revision | None
    changes: tuple[Change, ...]
    evidence_is_new: bool


def history_of(revisions: Sequence[Revision]) -> list[Step]:
    """Of all revisions of one sender, the newest first."""
    return [_step(revision, before) for revision, before in zip_longest(revisions, revisions[1:])]


def _step(revision: Revision, before: Revision | None) -> Step:
    changes = tuple(
        Change(label=label, was=str(getattr(before, name)), now=str(getattr(revision, name)))
        for name, label in COMPARED.items()
        if before and getattr(before, name) != getattr(revision, name)
    )
    return Step(
        revision=revision,
        before=before,
        changes=changes,
        evidence_is_new=bool(before and revision.evidence and revision.evidence != before.evidence),
    )
