"""Which buttons a campaign shows, and to whom: what an author may do with it where it stands. Pure."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.roles import Permission
from campaigns.models import Campaign
from campaigns.statuses import FINISHED, MOVES, Mode, Status

S = Status
ARCHIVABLE = FINISHED | {S.DRAFT, S.REJECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """`tone` is the button's colour; what asks `are_you_sure` takes a reason with it."""

    name: str
    label: Any
    when: frozenset[Status]
    tone: str = "outline-secondary"
    are_you_sure: Any = ""

    @property
    def url(self) -> str:
        return f"campaigns:{self.name}"


def _leading_to(status: Status) -> frozenset[Status]:
    return frozenset(was for was, moves in MOVES.items() if status in moves)


VERBS = (
    Verb(
        name="submit",
        label=gettext_lazy("Submit for review"),
        tone="primary",
        when=frozenset({S.DRAFT, S.REJECTED}),
    ),
    Verb(name="edit", label=gettext_lazy("Edit"), when=frozenset({S.DRAFT})),
    Verb(name="revise", label=gettext_lazy("Revise"), when=frozenset({S.REJECTED})),
    Verb(name="withdraw", label=gettext_lazy("Withdraw"), when=frozenset({S.IN_REVIEW})),
    Verb(name="resume", label=gettext_lazy("Resume"), tone="primary", when=frozenset({S.PAUSED})),
    Verb(
        name="pause",
        label=gettext_lazy("Pause"),
        when=_leading_to(S.PAUSED),
        are_you_sure=gettext_lazy("Nothing new is handed to the carrier until somebody resumes it."),
    ),
    Verb(
        name="cancel",
        label=gettext_lazy("Cancel"),
        tone="outline-danger",
        when=_leading_to(S.CANCELLED),
        are_you_sure=gettext_lazy("Whatever is not sent yet will never be. This cannot be undone."),
    ),
)
CLONE = Verb(name="clone", label=gettext_lazy("Clone"), when=frozenset(S))
ARCHIVE = Verb(name="archive", label=gettext_lazy("Archive"), when=ARCHIVABLE)
RESTORE = Verb(name="restore", label=gettext_lazy("Restore"), when=frozenset(S))


def offered(campaign: Campaign, permissions: Container[Permission]) -> list[Verb]:
    if Permission.WRITE not in permissions:
        return []
    if campaign.archived_at is not None:
        return [RESTORE, CLONE]
    lacks_list = campaign.status in (S.DRAFT, S.REJECTED) and _lacks_list(campaign)
    verbs = [verb for verb in (*VERBS, CLONE, ARCHIVE) if campaign.status in verb.when]
    return [verb for verb in verbs if not (verb.name == "submit" and lacks_list)]


def why_not(campaign: Campaign, permissions: Container[Permission]) -> str:
    """Why a button that somebody would look for is not there, and what to do instead; empty when nobody would ask."""
    if Permission.WRITE not in permissions:
        return _("Your role looks at campaigns: authors and admins submit, pause and cancel them.")
    if campaign.archived_at is not None:
        return _("It is archived: restore it to do anything with it.")
    if campaign.status == S.DRAFT and _lacks_list(campaign):
        return _("It cannot be submitted yet: choose a list of recipients first.")
    return {
        S.IN_REVIEW: _("To change it, withdraw it first: nobody judges it until you submit it again."),
        S.APPROVED: _(
            "What is approved cannot be changed. A moderator may give it another time: tell them which one. For another"
            " text or list, cancel it and clone it."
        ),
        S.MISSED: _(
            "Only a moderator lets it go on: ask one to give it another time, and say which, or to send it now."
        ),
        S.SENDING: _("Its text and its list cannot be changed any more. Pause it to hold what is left."),
        S.PAUSED: _("Its text and its list cannot be changed any more: resume it, or cancel what is left."),
        S.DONE: _("It is over and cannot be sent again: clone it for another one like it."),
        S.EXPIRED: _("Its deadline has passed and nothing more is sent: clone it for another one like it."),
        S.CANCELLED: _("Nothing more of it is sent, and that cannot be undone: clone it for another one like it."),
        S.FAILED: _("The system ended it, and it cannot be resumed: clone it once the reason is mended."),
    }.get(S(campaign.status), "")


def _lacks_list(campaign: Campaign) -> bool:
    return campaign.list_id is None and campaign.mode != Mode.TRIGGER
