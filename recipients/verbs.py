"""Which buttons a list shows, and to whom: what an author may do with it where it stands. Pure."""

from collections.abc import Container
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.roles import Permission
from recipients.models import RecipientList
from recipients.statuses import MOVES, Status
from recipients.transitions import SETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """`tone` is the button's colour; `are_you_sure` is asked before."""

    name: str
    label: str | Promise
    when: frozenset[Status]
    tone: str = "outline-secondary"
    are_you_sure: str | Promise = ""

    @property
    def url(self) -> str:
        return f"recipients:{self.name}"


def _leading_to(status: Status) -> frozenset[Status]:
    return frozenset(was for was, moves in MOVES.items() if status in moves)


RENAME = Verb(name="rename", label=_("Rename"), when=frozenset(Status) - {Status.DELETED})
CANCEL = Verb(
    name="cancel",
    label=_("Cancel"),
    tone="outline-danger",
    when=_leading_to(Status.CANCELLED),
    are_you_sure=_("The file that was sent is thrown away. Another one may be sent to this list afterwards."),
)
ARCHIVE = Verb(name="archive", label=_("Archive"), when=SETTLED)
RESTORE = Verb(name="restore", label=_("Restore"), when=frozenset(Status))
DELETE = Verb(name="delete", label=_("Delete"), tone="outline-danger", when=_leading_to(Status.DELETED))


def offered(listed: RecipientList, permissions: Container[Permission]) -> list[Verb]:
    if Permission.WRITE not in permissions:
        return []
    put_away = RESTORE if listed.archived_at else ARCHIVE
    return [verb for verb in (RENAME, CANCEL, put_away, DELETE) if listed.status in verb.when]
