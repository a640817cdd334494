"""When each task of the schedule was done last, and how often one failed: a process that is there may do nothing."""

import time
from typing import Any

from celery import current_app
from celery.signals import task_failure, task_success

from metrics import valkey

DONE, FAILED = "metrics:done", "metrics:failed"


def connect() -> None:
    """In every process that works on tasks."""
    task_success.connect(_note_done, dispatch_uid="metrics.done")
    task_failure.connect(_note_failed, dispatch_uid="metrics.failed")


def scheduled() -> set[str]:
    return {entry["task"] for entry in current_app.conf.beat_schedule.values()}


def last() -> dict[str, float]:
    """By task, in seconds since 1970; one that nobody has done since Redis was emptied is not among them."""
    return {name: float(at) for name, at in valkey.read(DONE).items()}


def failures() -> dict[str, int]:
    return {name: int(count) for name, count in valkey.read(FAILED).items()}


def note(task: str, *, at: float) -> None:
    if valkey.is_away():
        return
    try:
        valkey.client().hset(DONE, task, f"{at:.3f}")
    except valkey.TROUBLE as error:
        valkey.note_away(error)


def note_failure(task: str) -> None:
    if valkey.is_away():
        return
    try:
        valkey.client().hincrby(FAILED, task, 1)
    except valkey.TROUBLE as error:
        valkey.note_away(error)


def _note_done(sender: Any, **about: object) -> None:
    if sender.name in scheduled():
        note(sender.name, at=time.time())


def _note_failed(sender: Any, **about: object) -> None:
    note_failure(sender.name)
