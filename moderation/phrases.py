"""Writing canned reasons and blocked terms: those of a workspace by its moderators, those for all by a super admin."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import may_decide
from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from moderation.models import BlockedTerm, CannedReason


def may_write(by: User, workspace_id: int | None) -> bool:
    return by.is_superuser if workspace_id is None else may_decide(by, workspace_id)


@transaction.atomic
def save(phrase: CannedReason | BlockedTerm, *, by: User) -> None:
    """Write a row that somebody has filled in."""
    stored = type(phrase).objects.select_for_update().filter(pk=phrase.pk).first()
    for row in filter(None, (stored, phrase)):
        _check(row, by)
    phrase.save()
    kind = phrase._meta.model_name
    action = f"{kind}.{'changed' if stored else 'created'}"
    record(action, phrase, by=by, before=_shown(stored) if stored else {}, after=_shown(phrase))


@transaction.atomic
def remove(phrase: CannedReason | BlockedTerm, *, by: User) -> None:
    _check(phrase, by)
    record(f"{phrase._meta.model_name}.removed", phrase, by=by, before=_shown(phrase))
    phrase.delete()


def _check(phrase: CannedReason | BlockedTerm, by: User) -> None:
    if not may_write(by, phrase.workspace_id):
        raise Refused(_("Only a moderator of the workspace writes this."), code="not_a_moderator")


def _shown(phrase: CannedReason | BlockedTerm) -> dict[str, str]:
    names = ("term", "why") if isinstance(phrase, BlockedTerm) else ("about", "language", "text")
    return {"workspace": str(phrase.workspace or ""), **{name: str(getattr(phrase, name)) for name in names}}
