"""Each line of the log names the request that it is about, by the id that an error page shows, and nobody's number."""

import inspect
import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from celery import current_task
from opentelemetry import trace

from audit import about
from recipients.masking import masked

# Digits as long as a phone number, and no part of an id; where PostgreSQL quotes the row that it does not take.
_NUMBER = re.compile(r"(?<![0-9A-Za-z_.-])\+?(\d{9,15})(?![0-9A-Za-z_-])")
_ROW = re.compile(r"^(\s*(?:psycopg\.\S+: )?(?:DETAIL|CONTEXT):  ?).*$", re.MULTILINE)


class RequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = about.request_id() or "-"
        return True


class Line(logging.Formatter):
    """No code of ours logs a number or a text: this is for what an exception of others says, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        return shown(super().format(record))


class Json(logging.Formatter):
    """One object a line, with what the event and the work at hand are about, and in a task with what it was given."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **traced(),
            **task(),
            **about.current(),
            **{name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD},
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: _value(value) for name, value in said.items()}, ensure_ascii=False)


# Django's errors bring their request along, whose address may hold what somebody looked for.
_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime", "request"}


# By these names the ids of our rows are told, in lines, errors and spans.
IDS = {"campaign", "channel", "chunk", "endpoint", "erasure", "export", "import", "inquiry", "list", "notice", "upload"}


def traced() -> dict[str, str]:
    """Where there are traces: whoever reads the line finds the others."""
    here = trace.get_current_span().get_span_context()
    return {"trace_id": trace.format_trace_id(here.trace_id)} if here.is_valid else {}


def task() -> dict[str, Any]:
    """The task that this thread works on, and the ids that it was given: `chunk_id` is `chunk`, as elsewhere."""
    if not current_task:
        return {}
    names = (name.removesuffix("_id") for name in inspect.signature(current_task.run).parameters)
    given = dict(zip(names, current_task.request.args or (), strict=False))
    return {"task": current_task.name, "task_id": current_task.request.id, **given}


def _value(value: Any) -> Any:
    """As JSON has it. A whole number as long as a phone number is taken for one."""
    if value is None or isinstance(value, bool | float):
        return value
    text = shown(str(value))
    return value if isinstance(value, int) and text == str(value) else text


def shown(text: str) -> str:
    """Without numbers, and without rows that the database quotes."""
    text = _ROW.sub(r"\1(left out)", text)
    return _NUMBER.sub(lambda found: masked(int(found[1])), text)
