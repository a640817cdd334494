"""Who may go on with whose trace, and what a process that forks keeps of it."""

import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from config import env, tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
GIVEN = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch):
    exporter, provider = InMemorySpanExporter(), TracerProvider(sampler=TraceIdRatioBased(1.0))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("of this test"))
    return exporter.get_finished_spans


def ask(rf, **headers):
    tracing.TracingMiddleware(lambda request: HttpResponse())(rf.get("/any/?to=31600000001", headers=headers))


def test_a_trace_that_a_stranger_began_is_not_gone_on_with(rf, spans):
    ask(rf, traceparent=GIVEN)
    (span,) = spans()
    assert span.parent is None and f"{span.context.trace_id:032x}" != TRACE


def test_a_trace_that_a_proxy_of_ours_began_is(rf, spans, settings):
    settings.TRUSTED_PROXIES = [env.ip_network("127.0.0.0/8")]
    ask(rf, traceparent=GIVEN)
    (span,) = spans()
    assert f"{span.context.trace_id:032x}" == TRACE


def test_a_span_of_a_request_to_nowhere_does_not_tell_where_that_is(rf, spans):
    ask(rf)
    (span,) = spans()
    assert (span.name, span.attributes["http.route"]) == ("GET unknown", "unknown")
    assert "31600000001" not in str(span.to_json())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_child_makes_its_own_sender_and_a_parent_without_spans_none(settings):
    made = []
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:1"

    def exporter():
        made.append(os.getpid())
        return InMemorySpanExporter()

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(tracing._AfterFork(exporter))
    tracer = provider.get_tracer("of this test")

    def end_two():
        for _ in range(2):
            tracer.start_span("any").end()

    assert made == []
    end_two()
    assert made == [os.getpid()]
    child = os.fork()
    if not child:
        end_two()
        os._exit(0 if made[1:] == [os.getpid()] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    provider.force_flush()


def test_headers_for_a_collector_are_a_secret_that_is_read_loudly(monkeypatch, tmp_path):
    (tmp_path / "headers").write_text("Authorization=Bearer%20a.b,x-scope=one\n")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS_FILE", str(tmp_path / "headers"))
    found = env.pairs("OTEL_EXPORTER_OTLP_HEADERS")
    assert found == {"authorization": "Bearer a.b", "x-scope": "one"}
    (tmp_path / "headers").write_text("a token alone")
    with pytest.raises(ImproperlyConfigured, match="NAME=VALUE") as caught:
        env.pairs("OTEL_EXPORTER_OTLP_HEADERS")
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["-0.1", "1.1"])
def test_a_share_is_one(monkeypatch, wrong):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", wrong)
    with pytest.raises(ImproperlyConfigured, match="from 0 to 1"):
        env.share("OTEL_TRACES_SAMPLER_ARG", default=1.0)
