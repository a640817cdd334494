"""A list of a few test phones, for one test send: written as every list is, and seen by nobody as one."""

import secrets
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from accounts.models import User, Workspace
from audit.ledger import change_status
from objects.store import store
from recipients import chunks
from recipients.chunks import Manifest, Totals
from recipients.models import RecipientList
from recipients.statuses import MOVES, Status

MOST = 5


def write(
    workspace: Workspace, phones: Sequence[int], *, columns: Sequence[str], cells: Sequence[Sequence[str]], by: User
) -> RecipientList:
    """Its objects, before any transaction that needs them; nothing names them until `settle`. `cells` are those of each
    phone, without tabs and newlines. What is never settled goes the way of lists whose file never came."""
    listed = RecipientList.objects.create(
        workspace=workspace, name="Test send", filename="", is_trial=True, created_by=by, columns=list(columns)
    )
    folder = f"lists/{listed.pk}/{secrets.token_hex(16)}"
    others = "".join("\t".join(row) + "\n" for row in cells) if columns else ""
    data = chunks.encode(np.array(phones, dtype=np.uint64), others.encode())
    store.put(f"{folder}/00000", data)
    entry = chunks.entry_for(0, f"{folder}/00000", data)
    totals = Totals(rows=len(phones), accepted=len(phones), invalid=0, duplicate=0, suppressed=0)
    manifest = Manifest((entry,), totals, tuple(columns))
    listed.manifest_key, listed.digest = f"{folder}/manifest.json", manifest.digest
    listed.rows = listed.accepted = len(phones)
    store.put(listed.manifest_key, manifest.to_bytes())
    return listed


def settle(listed: RecipientList, *, by: User, now: datetime) -> None:
    """What `write` made is a list from now on. Inside the transaction that needs it."""
    listed.progress, listed.ready_at = 100, now
    change_status(listed, Status.PREPARING, moves=MOVES, by=by)
    made = ["manifest_key", "digest", "rows", "accepted", "progress", "ready_at"]
    after = {"digest": listed.digest, "accepted": listed.accepted}
    change_status(listed, Status.READY, moves=MOVES, by=by, also_save=made, after=after)
