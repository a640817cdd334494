"""Errors go to a Sentry where the settings name one: of which kind, where, in which work, and nothing that anybody
wrote (docs/adr/0090). Imported only then."""

import tomllib
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.types import Event, Hint

from audit import about
from config import logs

PARTING = 2.0  # seconds that a process which ends waits for what it has not sent

# What is told of an event: an SDK that learns more takes no more along.
KEPT = ("event_id", "timestamp", "level", "platform", "release", "environment", "server_name", "logger", "sdk")
OF_A_FRAME = ("filename", "function", "module", "lineno", "in_app", "pre_context", "context_line", "post_context")
NAMED = {"route", "task", "component", "custom"}  # where a transaction's name is none that somebody typed
# What they say is about a store or a connection. What others say may be about a number or a text.
TELLING = {
    *("OperationalError", "InterfaceError", "IntegrityError", "OutOfMemoryError"),
    *("ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError", "TimeoutError"),
}
LEFT_OUT = "(in the log, under the request id)"
OUR_ROOMS = {path.parent.name for path in settings.ROOT.glob("*/__init__.py")}


def start() -> None:
    """In a thread of its own and with a queue that drops what it has no room for: a Sentry that is slow or gone holds
    up nobody. The thread begins with the first error, after any fork."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        release=settings.SENTRY_RELEASE or f"message-center@{_version()}",
        before_send=told_of,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        shutdown_timeout=PARTING,
        default_integrations=False,
        integrations=[
            AtexitIntegration(callback=lambda pending, timeout: None),
            CeleryIntegration(propagate_traces=False),
            DedupeIntegration(),
            DjangoIntegration(transaction_style="url"),
            ExcepthookIntegration(),
            LoggingIntegration(level=None, sentry_logs_level=None),
            ThreadingIntegration(),
        ],
    )


def told_of(event: Event, hint: Hint) -> Event:
    """The event with what is known to be harmless, and nothing else."""
    found: dict[str, Any] = dict(event)
    told: dict[str, Any] = {name: found[name] for name in KEPT if name in found}
    told["tags"] = _tags(hint)
    if found.get("transaction_info", {}).get("source") in NAMED:
        told["transaction"] = logs.shown(found["transaction"])
    if errors := found.get("exception", {}).get("values"):
        told["exception"] = {"values": [_error(one) for one in errors]}
    if record := hint.get("log_record"):
        told["logentry"] = {"message": _said(record)}
    return told  # type: ignore[return-value]


def _version() -> str:
    with (settings.ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _tags(hint: Hint) -> dict[str, str]:
    """By which its lines in the log are found."""
    record = vars(hint["log_record"]) if "log_record" in hint else {}
    ids = {name: value for name, value in record.items() if name in logs.IDS and isinstance(value, int)}
    found = {"request_id": about.request_id(), **logs.traced(), **logs.task(), **about.current(), **ids}
    return {name: logs.shown(str(value)) for name, value in found.items() if value}


def _error(error: dict[str, Any]) -> dict[str, Any]:
    """Its kind and where it came from; what it says, if it is of those that speak of a store."""
    kind, words = str(error.get("type")), str(error.get("value") or "")
    frames = (error.get("stacktrace") or {}).get("frames", [])
    return {
        "type": kind,
        "module": error.get("module"),
        "value": logs.shown(words.partition("\n")[0]) if kind in TELLING else LEFT_OUT,
        "mechanism": {name: (error.get("mechanism") or {}).get(name) for name in ("type", "handled")},
        "stacktrace": {"frames": [{name: one[name] for name in OF_A_FRAME if name in one} for one in frames]},
    }


def _said(record: Any) -> str:
    """The event of a line of ours; of others' lines what they fill in is left out."""
    if record.name.partition(".")[0] in OUR_ROOMS:
        return logs.shown(record.getMessage())
    return logs.shown(str(record.msg)) if record.args else f"{record.name}: {LEFT_OUT}"
