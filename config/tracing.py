"""Traces over request, task and batch go to a collector of OpenTelemetry where the settings name one (docs/adr/0090).

Spans are made here, and in `delivery.dispatching` one for each batch: with routes, names of tasks and ids, never an
address, a statement or what an exception says.
"""

import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun, worker_process_shutdown
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from audit import about
from audit.middleware import is_ours
from config import logs

logger = logging.getLogger(__name__)

ROOM = 4096  # spans that wait to be sent; one more drops the oldest
TOGETHER = 512  # of these, in one request
EVERY = 2.0  # seconds between two requests
PATIENCE = 3.0  # seconds with the collector for a request, retries included
PARTING = 2.0  # seconds in which a process that ends begins another request
SAY_AGAIN = 60.0  # seconds between two lines about a collector that takes nothing
PREFIX = "messagecenter."
TRACEPARENT = "traceparent"

_tracer = trace.get_tracer("message_center")
_form = TraceContextTextMapPropagator()


def start() -> None:
    """Once a process, before it forks: what sends is made in each child, with its first span."""
    for name in ("opentelemetry.exporter", "opentelemetry.sdk"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # `_Exporter` says it, and once a minute
    provider = TracerProvider(
        resource=Resource.create({"service.name": settings.OTEL_SERVICE_NAME, "host.name": socket.gethostname()}),
        sampler=TraceIdRatioBased(settings.OTEL_TRACES_SAMPLER_ARG),  # by the id: all of a trace, or nothing of it
    )
    provider.add_span_processor(_AfterFork(_exporter))
    trace.set_tracer_provider(provider)
    before_task_publish.connect(_pass_on, dispatch_uid="tracing")
    task_prerun.connect(_begin, dispatch_uid="tracing")
    task_postrun.connect(_end, dispatch_uid="tracing")
    # Celery's children end without whatever waits for the end of a process.
    worker_process_shutdown.connect(lambda **about: provider.shutdown(), weak=False, dispatch_uid="tracing")


def _exporter() -> "_Exporter":
    return _Exporter(
        endpoint=f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces",
        headers=settings.OTEL_EXPORTER_OTLP_HEADERS,
        timeout=PATIENCE,
        compression=Compression.Gzip,
    )


class _Exporter(OTLPSpanExporter):
    _said_at = -math.inf
    _until = math.inf

    def part(self) -> None:
        """What is not sent soon is not sent."""
        self._until = time.monotonic() + PARTING

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if time.monotonic() > self._until:
            return SpanExportResult.FAILURE
        result = super().export(spans)
        if result is SpanExportResult.FAILURE and time.monotonic() - self._said_at > SAY_AGAIN:
            self._said_at = time.monotonic()
            logger.warning("traces.not_taken", extra={"spans": len(spans)})
        return result


class _AfterFork(SpanProcessor):
    """Threads and connections do not come along into a child of gunicorn's or Celery's: there it makes its own."""

    def __init__(self, make: Callable[[], "_Exporter"]) -> None:
        self._make = make
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._sender: BatchSpanProcessor | None = None

    def on_end(self, span: ReadableSpan) -> None:
        if self._sender is None:
            with self._lock:
                self._sender = self._sender or self._begin()
        self._sender.on_end(span)

    def _begin(self) -> BatchSpanProcessor:
        self._exporter = self._make()
        return BatchSpanProcessor(
            self._exporter, max_queue_size=ROOM, max_export_batch_size=TOGETHER, schedule_delay_millis=EVERY * 1000
        )

    def shutdown(self) -> None:
        if self._sender is not None:
            self._exporter.part()
            self._sender.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._sender is None or self._sender.force_flush(timeout_millis)


class TracingMiddleware:
    """A span for each request. One that a proxy of ours began is gone on with; nobody else's is believed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = request.method if request.method in METHODS else "other"
        options: dict[str, Any] = {"kind": SpanKind.SERVER, "record_exception": False}
        with _tracer.start_as_current_span(method, context=_begun_by(request), **options) as span:
            response = self.get_response(request)
            _describe(span, method, request, response)
            return response


UNKNOWN = "unknown"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _begun_by(request: HttpRequest) -> context.Context:
    given, peer = request.headers.get(TRACEPARENT, ""), request.META.get("REMOTE_ADDR")
    carrier = {TRACEPARENT: given} if peer and is_ours(peer) else {}
    return _form.extract(carrier, context=context.Context())


def _describe(span: Span, method: str, request: HttpRequest, response: HttpResponse) -> None:
    match = request.resolver_match
    route = match.route if match else UNKNOWN
    span.update_name(f"{method} {route}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", response.status_code)
    span.set_attribute(f"{PREFIX}request_id", about.request_id())
    for name, value in (match.kwargs if match else {}).items():
        if isinstance(value, int):  # an id; words of an address may be anything
            span.set_attribute(f"{PREFIX}{name}", value)
    if response.status_code >= 500:
        span.set_status(Status(StatusCode.ERROR))


# --- Tasks ------------------------------------------------------------------------------------------------------------


def _pass_on(headers: dict[str, Any], **about_it: Any) -> None:
    _form.inject(headers)


def _begin(task: Any, **about_it: Any) -> None:
    carrier = {TRACEPARENT: getattr(task.request, TRACEPARENT, None) or ""}
    parent = _form.extract(carrier, context=context.Context())
    span = _tracer.start_span(task.name, context=parent, kind=SpanKind.CONSUMER)
    for name, value in {"request_id": about.request_id(), **logs.task()}.items():
        if isinstance(value, int | str):
            span.set_attribute(f"{PREFIX}{name}", value)
    task.request.traced = span, context.attach(trace.set_span_in_context(span, parent))


def _end(task: Any, state: str | None = None, **about_it: Any) -> None:
    span, token = task.request.traced
    if state == "FAILURE":
        span.set_status(Status(StatusCode.ERROR))
    context.detach(token)
    span.end()
