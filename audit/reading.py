"""The ledger of a workspace as an auditor reads it: found by who, what, about what and when; the newest first."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audit.cells import neutral
from audit.models import Entry
from audit.querysets import EntryQuerySet

SIZE = 50
AT_ONCE = 2000  # entries of a file read in one question
FILTERS = {"actor": "actor_name", "action": "action", "from": "at__gte", "to": "at__lt"}
COLUMNS = (
    *("seq", "at", "action", "actor", "role", "via", "address", "request_id", "subject_type", "subject_id"),
    *("subject", "before", "after", "note", "previous_hash", "hash"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`before` leads to those before this page, None at the end."""

    entries: list[Entry]
    before: int | None


def find(workspace: Any, wanted: Mapping[str, Any]) -> EntryQuerySet:
    """By `subject` (campaign:17), `actor`, `action`, `from` and `to`; what is left out does not narrow."""
    entries = Entry.objects.of(workspace)
    if subject := wanted.get("subject"):
        kind, _, pk = subject.partition(":")
        entries = entries.filter(subject_type=kind, subject_id=pk)
    return entries.filter(**{FILTERS[name]: wanted[name] for name in FILTERS if wanted.get(name)})


def page(entries: EntryQuerySet, *, before: int | None = None) -> Page:
    narrowed = entries.filter(seq__lt=before) if before else entries
    found = list(narrowed.order_by("-seq")[: SIZE + 1])
    return Page(entries=found[:SIZE], before=found[SIZE - 1].seq if len(found) > SIZE else None)


def as_csv(entries: EntryQuerySet) -> Iterator[bytes]:
    """All of them in their order, however many, a block at a time."""
    yield _block([COLUMNS])
    after = 0
    while found := list(entries.filter(seq__gt=after).order_by("seq")[:AT_ONCE]):
        yield _block(_cells(entry) for entry in found)
        after = found[-1].seq


def _cells(entry: Entry) -> list[str]:
    said = (
        *(entry.seq, entry.at.isoformat(), entry.action, entry.actor_name, entry.role, entry.via, entry.address or ""),
        *(entry.request_id, entry.subject_type, entry.subject_id, entry.subject_name, _json(entry.before)),
        *(_json(entry.after), entry.note, entry.previous_hash, entry.hash),
    )
    return [neutral(str(cell)) for cell in said]


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True) if content else ""


def _block(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
