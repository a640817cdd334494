"""The life of a list in the hands of people: one function per verb."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import models, transaction
from django.db.models.deletion import Collector, ProtectedError
from django.utils.translation import gettext as _

from accounts.models import User
from audit.commits import afterwards
from audit.ledger import change_status, record
from audit.refusal import Refused
from recipients import resumable, tasks
from recipients.models import RecipientList
from recipients.statuses import MOVES, Status
from recipients.uploads import clean_name

SETTLED = frozenset({Status.READY, Status.FAILED, Status.CANCELLED})
NAMED_USERS = 3  # more of them are only counted


@transaction.atomic
def cancel(list_id: int, *, by: User, reason: str = "") -> RecipientList:
    """Whoever prepares it notices with its next note, and leaves nothing behind. Another file may be sent afterwards.

    The lease stays as it is: while it runs, objects may still be written.
    """
    listed = RecipientList.objects.lock(list_id)
    change_status(listed, Status.CANCELLED, moves=MOVES, by=by, note=reason)
    resumable.drop(list_id)
    afterwards(tasks.erase.delay, list_id)
    return listed


@transaction.atomic
def rename(list_id: int, *, name: str, by: User) -> RecipientList:
    listed = _lock_existing(list_id)
    name, was = clean_name(name), listed.name
    if name != was:
        listed.name = name
        listed.save(update_fields=["name"])
        record("recipientlist.renamed", listed, by=by, before={"name": was}, after={"name": name})
    return listed


@transaction.atomic
def archive(list_id: int, *, by: User, now: datetime) -> RecipientList:
    """Out of the way: not offered to new campaigns. Those that have it keep it."""
    listed = _lock_existing(list_id)
    if listed.status not in SETTLED:
        raise Refused(
            _("%(listed)s is %(status)s: cancel it first.")
            % {"listed": listed, "status": listed.get_status_display().lower()},
            code="wrong_status",
        )
    if listed.archived_at is None:
        listed.archived_at = now
        listed.save(update_fields=["archived_at"])
        record("recipientlist.archived", listed, by=by)
    return listed


@transaction.atomic
def restore(list_id: int, *, by: User) -> RecipientList:
    listed = _lock_existing(list_id)
    if listed.archived_at is not None:
        listed.archived_at = None
        listed.save(update_fields=["archived_at"])
        record("recipientlist.restored", listed, by=by)
    return listed


@transaction.atomic
def delete(list_id: int, *, by: User) -> None:
    """For ever: the row keeps its name, counts and digest for the ledger, and the objects go after the commit."""
    listed = RecipientList.objects.lock_to_delete(list_id)
    if listed.status == Status.PREPARING:
        raise Refused(_("%(listed)s is preparing: cancel it first.") % {"listed": listed}, code="wrong_status")
    if users := users_of(listed):
        raise Refused(_used_by(listed, users), code="list_in_use")
    _delete(listed, by=by)


@transaction.atomic
def let_go(list_id: int, *, spent: Collection[models.Model]) -> None:
    """Its time is over: deleted, though these point at it, who do not need its content any more."""
    listed = RecipientList.objects.lock_to_delete(list_id)
    if users := [user for user in users_of(listed) if user not in spent]:
        raise Refused(_used_by(listed, users), code="list_in_use")
    _delete(listed, by=None)


def _delete(listed: RecipientList, *, by: User | None) -> None:
    listed.filename, listed.column, listed.layout, listed.failure = "", "", "", ""
    listed.columns, listed.breakdown = [], {}
    change_status(
        listed,
        Status.DELETED,
        moves=MOVES,
        by=by,
        also_save=["filename", "column", "layout", "failure", "columns", "breakdown"],
        after={"digest": listed.digest, "accepted": listed.accepted},
    )
    resumable.drop(listed.pk)
    afterwards(tasks.erase.delay, listed.pk)


def users_of(listed: RecipientList) -> Sequence[models.Model]:
    """What needs the list, oldest first. The rooms above are not known here: the rows that protect it are."""
    try:
        Collector(using="default").collect([listed])
    except ProtectedError as error:
        return sorted(error.protected_objects, key=lambda row: row.pk)
    return []


def _used_by(listed: RecipientList, users: Sequence[models.Model]) -> str:
    kind = users[0]._meta
    count = f"{len(users):,} {kind.verbose_name if len(users) == 1 else kind.verbose_name_plural}"
    names = ", ".join(f"“{user}”" for user in users[:NAMED_USERS])
    told = {"list": listed, "count": count, "names": names, "more": f"{len(users) - NAMED_USERS:,}"}
    if len(users) > NAMED_USERS:
        return _("%(list)s is used by %(count)s: %(names)s and %(more)s more.") % told
    return _("%(list)s is used by %(count)s: %(names)s.") % told


def _lock_existing(list_id: int) -> RecipientList:
    listed = RecipientList.objects.lock(list_id)
    if listed.status == Status.DELETED:
        raise Refused(_("%(listed)s is deleted.") % {"listed": listed}, code="wrong_status")
    return listed
