"""What a Sentry is told, and that nobody waits for one."""

import logging
import os
import subprocess
import sys
import time

import pytest
from django.db import OperationalError
from sentry_sdk.utils import event_from_exception

from audit import about
from config import error_reports
from stack import ROOT
from tests.config.receiver import receiving

NUMBER, TEXT = 998901234567, "Marker of a text 7f3a"


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return event_from_exception(caught)


def record(name, message, *args, **extra):
    made = logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, None)
    vars(made).update(extra)
    return made


def test_an_error_says_its_kind_and_where_and_not_what_was_written():
    event, hint = raised(ValueError(f"{TEXT} for {NUMBER}"))
    event |= {"request": {"data": TEXT, "cookies": {"sessionid": TEXT}, "query_string": f"to={NUMBER}"}}
    event |= {"user": {"email": TEXT}, "extra": {"text": TEXT}, "breadcrumbs": {"values": [{"message": TEXT}]}}
    event |= {"contexts": {"any": TEXT}, "transaction": f"/lists/{TEXT}", "transaction_info": {"source": "url"}}
    told = error_reports.told_of(event, hint)
    (error,) = told["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", error_reports.LEFT_OUT)
    assert error["stacktrace"]["frames"][-1]["function"] == "raised"
    assert not any("vars" in frame for frame in error["stacktrace"]["frames"])
    told["exception"] = None
    assert TEXT not in str(told) and str(NUMBER) not in str(told)


def test_what_is_said_about_a_store_is_told_without_its_rows():
    event, hint = raised(OperationalError(f"server closed the connection for {NUMBER}\nDETAIL:  ({TEXT})"))
    (error,) = error_reports.told_of(event, hint)["exception"]["values"]
    assert error["value"] == "server closed the connection for +9989•••4567"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (record("delivery.due", "incident.%s", "storage"), "incident.storage"),
        (record("django.request", "Not Found: %s", f"/{TEXT}"), "Not Found: %s"),
        (record("asyncio", f"Task failed: {TEXT}"), f"asyncio: {error_reports.LEFT_OUT}"),
    ],
)
def test_of_a_line_that_others_wrote_only_its_form_is_told(line, said):
    assert error_reports.told_of({}, {"log_record": line})["logentry"]["message"] == said


def test_the_work_at_hand_is_in_the_tags_by_which_the_log_is_searched():
    with about.work(campaign=5, chunk=7):
        line = record("delivery.due", "tick.failed", channel=3, link="a name", phone=NUMBER)
        tags = error_reports.told_of({}, {"log_record": line})["tags"]
    assert tags == {"campaign": "5", "chunk": "7", "channel": "3"}


NOTHING = {
    **{"DATABASE_URL": "postgres://none", "REDIS_URL": "redis://none", "SECRET_KEY": "of-this-test"},
    **{"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"},
}


def run(script, **given):
    began = time.monotonic()
    command = [sys.executable, "-c", f"import django; django.setup()\n{script}"]
    done = subprocess.run(
        command, cwd=ROOT, env=NOTHING | given, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout, time.monotonic() - began


def test_whoever_wants_neither_errors_nor_traces_imports_neither():
    """redis-py looks for the SDK of OpenTelemetry by itself; what sends is ours."""
    told, _ = run("import sys; print({'sentry_sdk', 'config.tracing', 'opentelemetry.exporter'} & {*sys.modules})")
    assert told == "set()\n"


def test_without_the_extra_a_process_says_what_to_install():
    script = "import sys; sys.modules['sentry_sdk'] = None\nimport django; django.setup()"
    command = [sys.executable, "-c", script]
    given = NOTHING | {"SENTRY_DSN": "http://key@127.0.0.1:1/1"}
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode and "install the extra" in done.stderr


STORM = """
import logging, time
from opentelemetry import trace
logger, tracer = logging.getLogger("delivery.of_this_test"), trace.get_tracer("delivery")
began = time.monotonic()
for number in range(300):
    logger.error("batch.failed.%s", number, extra={"chunk": number})
for _ in range(20_000):
    with tracer.start_as_current_span("batch"):
        pass
print(time.monotonic() - began)
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_there", [True, False])
def test_a_sentry_and_a_collector_that_never_answer_or_are_gone_hold_up_nobody(is_there):
    with receiving() as receiver:
        receiver.hangs.set()
        address = receiver.address if is_there else "127.0.0.1:1"
        given = {"SENTRY_DSN": f"http://key@{address}/1", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}"}
        told, whole = run(STORM, **given)
        assert bool(receiver.taken) == is_there
    print(f"300 errors and 20,000 spans: {told.strip()} s; to the end of the process {whole:.1f} s")
    assert float(told) < 10
    assert whole - float(told) < 15  # of which a start takes some
