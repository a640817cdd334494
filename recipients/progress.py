"""How far a preparation is: noted by the worker that does it, read by pages and programs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from recipients.models import RecipientList
from recipients.pipeline import Progress
from recipients.statuses import Stage, Status

# Per cent of the work that is done when a stage begins, and what the stage adds.
SHARES = {Stage.READING: (0, 60), Stage.SORTING: (60, 15), Stage.WRITING: (75, 25)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a worker notes of its preparation: rows of the file so far, and in `rows_done` those of this stage."""

    stage: Stage
    rows_done: int
    percent: int
    rows: int
    invalid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`rate` is rows a second in this stage, `left` the seconds until the list is ready; None while nobody can say."""

    stage: Stage | None
    rows_done: int
    percent: int
    rate: int | None
    left: int | None

    @property
    def title(self) -> str:
        return str(self.stage.label) if self.stage else _("Waiting for a worker")


def note_of(progress: Progress, *, size: int) -> Note:
    """`size` is that of the whole file in bytes."""
    before, share = SHARES[progress.stage]
    if progress.stage is Stage.READING:
        rows_done, part = progress.rows, progress.bytes_read / max(size, 1)
    else:
        rows_done, part = progress.done, progress.done / max(progress.rows - progress.invalid, 1)
    return Note(
        stage=progress.stage,
        rows_done=rows_done,
        percent=min(99, round(before + share * part)),
        rows=progress.rows,
        invalid=progress.invalid,
    )


def pace(listed: RecipientList, *, now: datetime) -> Pace | None:
    """None unless the list is being prepared."""
    if listed.status != Status.PREPARING:
        return None
    return Pace(
        stage=Stage(listed.stage) if listed.stage else None,
        rows_done=listed.rows_done,
        percent=listed.progress,
        rate=_rate(listed, now),
        left=_left(listed, now),
    )


def _rate(listed: RecipientList, now: datetime) -> int | None:
    seconds = _since(listed.stage_began_at, now)
    return round(listed.rows_done / seconds) if listed.rows_done and seconds else None


def _left(listed: RecipientList, now: datetime) -> int | None:
    seconds = _since(listed.began_at, now)
    return round(seconds * (100 - listed.progress) / listed.progress) if listed.progress and seconds else None


def _since(began_at: datetime | None, now: datetime) -> float:
    return max(now - began_at, timedelta()).total_seconds() if began_at else 0.0
