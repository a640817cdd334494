"""Which buttons a campaign shows, and to whom: what an author may do with it where it stands. Pure."""

from collections.abc import Container
from dataclasses import dataclass

from accounts.roles import Permission
from campaigns.models import Campaign
from campaigns.statuses import FINISHED, MOVES, Status

S = Status
ARCHIVABLE = FINISHED | {S.DRAFT, S.REJECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """`tone` is the button's colour; what asks `are_you_sure` takes a reason with it."""

    name: str
    label: str
    when: frozenset[Status]
    tone: str = "outline-secondary"
    are_you_sure: str = ""

    @property
    def url(self) -> str:
        return f"campaigns:{self.name}"


def _leading_to(status: Status) -> frozenset[Status]:
    return frozenset(was for was, moves in MOVES.items() if status in moves)


VERBS = (
    Verb(name="submit", label="Submit for review", tone="primary", when=frozenset({S.DRAFT, S.REJECTED})),
    Verb(name="edit", label="Edit", when=frozenset({S.DRAFT})),
    Verb(name="revise", label="Revise", when=frozenset({S.REJECTED})),
    Verb(name="withdraw", label="Withdraw", when=frozenset({S.IN_REVIEW})),
    Verb(name="resume", label="Resume", tone="primary", when=frozenset({S.PAUSED})),
    Verb(
        name="pause",
        label="Pause",
        when=_leading_to(S.PAUSED),
        are_you_sure="Nothing new is handed to the carrier until somebody resumes it.",
    ),
    Verb(
        name="cancel",
        label="Cancel",
        tone="outline-danger",
        when=_leading_to(S.CANCELLED),
        are_you_sure="Whatever is not sent yet will never be. This cannot be undone.",
    ),
)
ARCHIVE = Verb(name="archive", label="Archive", when=ARCHIVABLE)
RESTORE = Verb(name="restore", label="Restore", when=frozenset(S))


def offered(campaign: Campaign, permissions: Container[Permission]) -> list[Verb]:
    if Permission.WRITE not in permissions:
        return []
    if campaign.archived_at is not None:
        return [RESTORE]
    return [verb for verb in (*VERBS, ARCHIVE) if campaign.status in verb.when]
