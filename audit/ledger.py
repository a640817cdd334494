"""record() and change_status(): the only two ways into the ledger, in the transaction of the change itself."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.utils import bulk_update_with_history

from audit import circumstances
from audit.models import Entry
from audit.refusal import Refused

FIRST = "0" * 64
# Any number, the same in every process: the key space of our advisory locks.
_LOCK_SPACE = 0x4D43


def record(
    action: str,
    subject: models.Model,
    *,
    by: Any,
    note: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Entry:
    """Append one entry to the chain of the subject's workspace. Call inside the transaction that makes the change.

    `by=None` means that the system did it. Never pass numbers or message texts: the ledger outlives their erasure.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("record() belongs in the transaction of the change that it proves.")
    [entry] = _append([_entry(action, subject, by=by, note=note, before=before, after=after)], _chain_of(subject))
    return entry


def change_status(
    subject: Any,
    to: str,
    *,
    moves: Mapping[Any, Iterable[Any]],
    by: Any,
    note: str = "",
    also_save: Iterable[str] = (),
    after: Mapping[str, Any] | None = None,
) -> None:
    """Move a row that the caller has locked, and write the entry that proves it.

    Raises Refused(wrong_status) when the table has no such move.
    """
    was = subject.status
    if to not in moves[was]:
        raise Refused(
            _("%(subject)s is %(status)s.") % {"subject": subject, "status": subject.get_status_display().lower()},
            code="wrong_status",
        )
    subject.status = to
    subject.save(update_fields=["status", *also_save])
    record(
        f"{subject._meta.model_name}.{to}",
        subject,
        by=by,
        note=note,
        before={"status": str(was)},
        after={"status": str(to), **(after or {})},
    )


def change_statuses(
    subjects: Sequence[Any],
    to: str,
    *,
    moves: Mapping[Any, Iterable[Any]],
    by: Any,
    also_save: Iterable[str] = (),
) -> None:
    """`change_status` for many rows of one chain, whose model keeps a history: all of them or none, in few
    statements."""
    entries = []
    for subject in subjects:
        was = subject.status
        if to not in moves[was]:
            raise Refused(
                _("%(subject)s is %(status)s.") % {"subject": subject, "status": subject.get_status_display().lower()},
                code="wrong_status",
            )
        subject.status = to
        action = f"{subject._meta.model_name}.{to}"
        before, after = {"status": str(was)}, {"status": str(to)}
        entries.append(_entry(action, subject, by=by, note="", before=before, after=after))
    if subjects:
        bulk_update_with_history(subjects, type(subjects[0]), ["status", *also_save])
        [chain] = {_chain_of(subject) for subject in subjects}
        _append(entries, chain)


def _entry(
    action: str,
    subject: models.Model,
    *,
    by: Any,
    note: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> Entry:
    here = circumstances.current()
    return Entry(
        action=action,
        actor=by,
        actor_name=str(by) if by else "system",
        role=here.role if by else "",
        via=here.via if by else "",
        address=here.address if by else None,
        request_id=here.request_id,
        subject_type=str(subject._meta.model_name),
        subject_id=str(subject.pk),
        subject_name=str(subject)[:200],
        before=_plain(before or {}),
        after=_plain(after or {}),
        note=note,
        salt=secrets.token_hex(16),
    )


def is_free(chain: int) -> bool:
    """Take the place of a chain's one writer until the commit, if nobody has it: for what must not wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, chain])
        return bool(cursor.fetchone()[0])


def hold(*chains: int) -> None:
    """Before the first entry of a transaction that writes to more than one chain: all take them in one order, and none
    waits for another that waits for it. Chain 0 is the installation's, to which people belong."""
    with connection.cursor() as cursor:  # One writer a chain, until the commit: no gap, no fork.
        for chain in sorted(set(chains)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, chain])


def _append(entries: Sequence[Entry], chain: int) -> list[Entry]:
    hold(chain)
    last = Entry.objects.filter(chain=chain).order_by("-seq").first()
    for entry in entries:
        entry.chain, entry.at = chain, timezone.now()
        entry.seq, entry.previous_hash = (last.seq + 1, last.hash) if last else (1, FIRST)
        entry.hash = hash_of(entry)
        last = entry
    if (written := circumstances.current().written) is not None:
        written += [entry.action for entry in entries]
    return Entry.objects.bulk_create(entries)


def hash_of(entry: Entry) -> str:
    """SHA-256 over the hash before it and the digest of what it says: each link can be shown without the words, by
    the digest alone. An entry of version 1 has the hash before it among its words, and is its own digest."""
    said = digest_of(entry)
    return hashlib.sha256(f"{entry.previous_hash}:{said}".encode()).hexdigest() if entry.salt else said


def digest_of(entry: Entry) -> str:
    """SHA-256 over the entry's canonical form: sorted JSON without blanks."""
    text = json.dumps(canonical(entry), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(entry: Entry) -> dict[str, Any]:
    """Every field. The salt keeps who has a digest from guessing what it is of."""
    return {
        **({"v": 2, "salt": entry.salt} if entry.salt else {"v": 1, "previous": entry.previous_hash}),
        "chain": entry.chain,
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "action": entry.action,
        "actor": entry.actor_id,
        "actor_name": entry.actor_name,
        "role": entry.role,
        "via": entry.via,
        "address": entry.address,
        "request_id": entry.request_id,
        "subject": [entry.subject_type, entry.subject_id, entry.subject_name],
        "before": entry.before,
        "after": entry.after,
        "note": entry.note,
    }


def _chain_of(subject: models.Model) -> int:
    if subject._meta.app_label == Entry._meta.app_label:
        return int(getattr(subject, "chain"))  # noqa: B009  # of a model that mypy does not know
    if subject._meta.model_name == "workspace":
        return int(subject.pk)
    return int(getattr(subject, "workspace_id", None) or 0)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}
