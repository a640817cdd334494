"""What happened that somebody should be told: read from the ledger, in which each decision stands with its commit."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from accounts.models import Workspace
from audit.models import Entry
from notices import tasks
from notices.letters import LETTERS
from notices.models import INSTALLATION, Cursor, InstallationCursor, Notice

AT_ONCE = 2000  # entries in a look
FIRST_LOOK = timedelta(hours=1)  # how far back, in a chain that was never looked at

_NEW = """
SELECT e.* FROM notices_cursor c JOIN audit_entry e ON e.chain = c.workspace_id AND e.seq > c.seq
WHERE c.workspace_id = ANY(%s) ORDER BY e.chain, e.seq LIMIT %s
"""


@transaction.atomic
def look(*, now: datetime) -> None:
    """Note what is new and ring for what is to be told. Within a chain, `seq` has no gap and commits in its order."""
    _note([*_new_of_workspaces(now=now), *_new_of_installation(now=now)], now=now)
    for notice_id in Notice.objects.due(now).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]:
        transaction.on_commit(partial(tasks.tell.delay, notice_id))


def _new_of_workspaces(*, now: datetime) -> list[Entry]:
    _open_cursors(now=now)
    cursors = {cursor.pk: cursor for cursor in Cursor.objects.select_for_update(skip_locked=True).order_by("pk")}
    new = list(Entry.objects.raw(_NEW, [list(cursors), AT_ONCE]))
    for entry in new:
        cursors[entry.chain].seq = entry.seq
    Cursor.objects.bulk_update([cursors[chain] for chain in {entry.chain for entry in new}], ["seq"])
    return new


def _new_of_installation(*, now: datetime) -> list[Entry]:
    if not InstallationCursor.objects.exists():
        InstallationCursor.objects.get_or_create(defaults={"seq": _seq_before(INSTALLATION, now=now)})
    cursor = InstallationCursor.objects.select_for_update(skip_locked=True).first()
    if cursor is None:  # somebody else looks
        return []
    new = list(Entry.objects.filter(chain=INSTALLATION, seq__gt=cursor.seq).order_by("seq")[:AT_ONCE])
    if new:
        cursor.seq = new[-1].seq
        cursor.save(update_fields=["seq"])
    return new


def forget(*, now: datetime) -> None:
    Notice.objects.old(now).delete()


def _note(entries: Sequence[Entry], *, now: datetime) -> None:
    wanted = [Notice(entry=entry, made_at=now) for entry in entries if entry.action in LETTERS]
    Notice.objects.bulk_create(wanted, ignore_conflicts=True)


def _open_cursors(*, now: datetime) -> None:
    for workspace in Workspace.objects.exclude(pk__in=Cursor.objects.values("pk")).order_by("pk"):
        seq = _seq_before(workspace.pk, now=now)
        Cursor.objects.get_or_create(workspace=workspace, defaults={"seq": seq})


def _seq_before(chain: int, *, now: datetime) -> int:
    before = Entry.objects.filter(chain=chain, at__lt=now - FIRST_LOOK).order_by("-seq").first()
    return before.seq if before else 0
