"""A whole story with numbers, a text and passwords that are known again, and then a look at all that it left behind."""

import base64
import http.client
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from accounts.models import User
from accounts.roles import Role
from campaigns.models import Campaign
from channels import accounts as channel_accounts
from recipients import suppressions
from tests import factories, owner
from tests.config.receiver import receiving
from tests.live import PATIENCE, SENDING, Program, ended, wait_for
from tests.pages import signed_in

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

FIRST, COUNT = 31_683_517_000, 300  # of which no other story writes to any
# As people write it and as we keep it; not the same digits by chance in an id, or behind the point of a duration.
NUMBER = re.compile(rb"(?:31|0|(?<![0-9a-f.]))683517[0-2]\d\d")
PASSWORD, PERSON_PASSWORD = "mrkSmpp9", "marker-of-a-person-4711"
SECRETS = {"number": NUMBER, "text": re.compile(rb"Markertext4711"), "cell": re.compile(rb"Markercell4711")}
SECRETS |= {"password": re.compile(rb"mrkSmpp9|marker-of-a-person-4711")}
ENCODED = re.compile(rb"[A-Za-z0-9+/]{24,}")

# Where a number stands in clear, and why (docs/adr/0071): parents of partitions by their name.
IN_CLEAR = {
    "delivery_message",  # who got what: reports, evidence
    "delivery_carrierid",  # whom a receipt is for
    "recipients_suppression",  # who must not get anything
}


@pytest.fixture(scope="module")
def errors():
    """Instead of a Sentry."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def traces():
    """Instead of a collector."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def story(live, errors, traces):
    """A list with cells, a suppressed number and a bad one, refusals at every door, a campaign that is done, a search
    and an export."""
    given = {"LOG_FORMAT": "json", "EMAIL_URL": f"file:///{live.folder}/mails"}
    given |= {"SENTRY_DSN": f"http://key@{errors.address}/1", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{traces.address}"}
    live.start("web", "worker", *SENDING, **given)
    workspace = factories.workspace(tokens_may_decide=True)
    author = factories.member(workspace, Role.ADMIN)
    author.set_password(PERSON_PASSWORD)
    author.save()
    program = Program(live.url, factories.token(workspace, author))
    judge = Program(live.url, factories.token(workspace, factories.member(workspace, Role.MODERATOR)))
    suppressions.opt_out(workspace, FIRST)
    with live.carrier(bad_suffix="77", dlr_fail_every=10, password=PASSWORD, system_id="demo") as carrier:
        channel_accounts.save(carrier.channel.name, by=None, password=PASSWORD)
        lines = ["phone,name", f"{FIRST}99999999,too long"]
        lines += [f"+{FIRST + index},Markercell4711 {index}" for index in range(COUNT)]
        made = program.post("lists/", name="Customers", filename="customers.csv", column="phone", country="NL")
        program.put(f"lists/{made['id']}/file/", "\n".join(lines).encode())
        wait_for(lambda: program.get(f"lists/{made['id']}/")["status"] == "ready")
        fields = {"name": "Marked", "mode": "on_approval", "text": "Markertext4711 for {name}", "list": made["id"]}
        sender = factories.sender(workspace).pk
        program.ask("campaigns/", **{**fields, "sender": sender, "channel": 10**9})
        program.ask("suppressions/", to=f"+{FIRST}", reason=f"Markertext4711 +{FIRST}")
        program.ask("suppressions/", to=f"+{FIRST}99999999", reason="bad")
        one = program.post("campaigns/", **fields, sender=sender, channel=carrier.channel.pk)
        program.post(f"campaigns/{one['id']}/submit/")
        judge.post(f"campaigns/{one['id']}/approve/", reason="Fine.")
        campaign = Campaign.objects.get(pk=one["id"])
        totals = ended(campaign)
        assert totals.delivered > COUNT / 2
        export = program.post(f"campaigns/{one['id']}/exports/", format="csv")
        wait_for(lambda: program.get(f"exports/{export['id']}/")["status"] == "ready")
        program.download(f"lists/{made['id']}/rejected/")
        wait_for(lambda: mails_of(live).count(b"Subject: ") >= 2)
        with gone("recipients_suppression"):
            status, answer = program.ask("suppressions/", to=f"+{FIRST + 1}", reason="Markertext4711")
            assert status == 500
            (live.folder / "error.json").write_text(json.dumps(answer))
            status, page = opened(live.url, f"/lists/suppressed/?to=%2B{FIRST + 2}", author)
            assert status == 500
            (live.folder / "error.html").write_bytes(page)
    wait_for(lambda: len(errors.taken) >= 2)
    for name in ("web", "worker", *SENDING):
        live.end(name)
    return SimpleNamespace(folder=live.folder, list=made["id"], campaign=campaign.pk)


def mails_of(live) -> bytes:
    return b"".join(path.read_bytes() for path in (live.folder / "mails").glob("*"))


@contextmanager
def gone(table: str) -> Iterator[None]:
    """Whatever asks for it fails as nobody foresaw."""
    with psycopg.connect(owner.url_of(connection.settings_dict["NAME"]), autocommit=True) as at_work:
        at_work.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            yield
        finally:
            at_work.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


def opened(url: str, path: str, user: User) -> tuple[int, bytes]:
    """Status and page, as somebody who is signed in sees it."""
    server = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        server.request("GET", path, headers={"Cookie": signed_in(user).cookies.output(header="", sep=";").strip()})
        answer = server.getresponse()
        return answer.status, answer.read()
    finally:
        server.close()


def told_in(data: bytes) -> set[str]:
    """Which secrets are there, also in what is there as base64, as bodies of tasks are."""
    within = [data]
    for found in ENCODED.findall(data):
        within += [base64.b64decode(found[at : at + (len(found) - at) // 4 * 4]) for at in range(4)]
    return {name for name, marker in SECRETS.items() for one in within if marker.search(one)}


def test_the_look_finds_what_is_there():
    said = f"to=+{FIRST + 5} Markertext4711 {PASSWORD}".encode()
    assert told_in(said) == told_in(base64.b64encode(said)) == {"number", "text", "password"}


def test_no_log_of_any_process_tells_a_number_a_text_or_a_password(story):
    logs = sorted(story.folder.glob("*.log"))
    assert {log.stem for log in logs} >= {"web", "worker", *SENDING}
    assert sum(log.stat().st_size for log in logs) > 10_000
    assert {log.name: told for log in logs if (told := told_in(log.read_bytes()))} == {}


PARTING = {"", "worker: Warm shutdown (MainProcess)"}  # what Celery writes past every log when it is asked to end


def lines_of(story, name):
    lines = (story.folder / f"{name}.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line not in PARTING]


@pytest.mark.parametrize("name", ["web", "worker", *SENDING])
def test_each_line_of_every_process_is_an_object_and_names_its_request_or_task(story, name):
    lines = lines_of(story, name)
    assert lines and all({"at", "level", "logger", "event", "request_id"} <= line.keys() for line in lines)
    of_tasks = [line for line in lines if line["logger"] == "celery.app.trace"]
    assert all({"task", "task_id"} <= line.keys() for line in of_tasks)
    assert of_tasks or name in {"web", "beat"}


def preparing(story):
    """What the worker says of it; of the installation's other lists it may say something, too."""
    lines = [line for line in lines_of(story, "worker") if line.get("task") == "recipients.tasks.prepare"]
    return [line for line in lines if str(line["list"]) == str(story.list)]


def test_what_a_request_began_has_its_id_in_the_log_of_whoever_did_it(story):
    # A task's has dashes: that of a sweeper, who rings again where nobody came.
    assert any(re.fullmatch(r"[0-9a-f]{32}", line["request_id"]) for line in preparing(story))


def test_the_dispatcher_names_chunk_campaign_and_channel(story):
    lines = lines_of(story, "dispatch")
    assert all("chunk" in line for line in lines if line.get("task") == "delivery.tasks.dispatch")
    assert [line["channel"] for line in lines if line["event"] == "link.bound"]


def reported(errors):
    """Events of the envelopes: each has a line about itself, and one about what follows."""
    return [json.loads(body.split(b"\n")[2]) for _, body in errors.taken]


def test_what_nobody_foresaw_is_reported_with_the_id_that_the_log_has(story, errors):
    found = reported(errors)
    assert len(found) >= 2
    assert all(event["tags"]["request_id"] for event in found)
    failed = {line["request_id"] for line in lines_of(story, "web") if line["logger"] == "django.request"}
    assert failed & {event["tags"]["request_id"] for event in found}
    assert {"ProgrammingError"} <= {one["type"] for event in found for one in event["exception"]["values"]}


def test_no_report_of_an_error_tells_any(story, errors):
    told = b"".join(body for _, body in errors.taken)
    assert b"suppression_api.py" in told or b"suppressions.py" in told
    assert told_in(told) == set()
    assert all({"request", "user", "extra", "breadcrumbs", "modules"}.isdisjoint(event) for event in reported(errors))
    assert b'"vars"' not in told


def spans_of(traces):
    found = {}
    for _, body in traces.taken:
        for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in of_process.scope_spans:
                found |= {span.span_id: span for span in scope.spans}
    return found


def parent_of(span, spans):
    parent = spans[span.parent_span_id]
    assert parent.trace_id == span.trace_id
    return parent.name


def test_a_trace_goes_from_the_request_over_its_task_and_from_the_clock_to_each_batch(story, traces):
    spans = spans_of(traces)
    of_name = defaultdict(list)
    for span in spans.values():
        of_name[span.name].append(span)
    begun = [span for span in of_name["recipients.tasks.prepare"] if span.parent_span_id in spans]
    assert "PUT api/v1/lists/<int:pk>/file/" in {parent_of(span, spans) for span in begun}
    given = {span.span_id: {one.key: one.value.int_value for one in span.attributes} for span in of_name["batch"]}
    batches = [span for span in of_name["batch"] if given[span.span_id]["messagecenter.campaign"] == story.campaign]
    assert {parent_of(span, spans) for span in batches} == {"delivery.tasks.dispatch"}
    dispatched = [spans.get(span.parent_span_id) for span in of_name["delivery.tasks.dispatch"]]
    rang = {span.name for span in dispatched if span}
    assert rang & {"delivery.tasks.tick", "delivery.tasks.start_on_time"}  # whoever was first to find it due
    assert sum(given[span.span_id]["messagecenter.handed_over"] for span in batches) == COUNT - 1  # one is suppressed
    assert len(batches) < COUNT / 10
    assert all(given[span.span_id]["messagecenter.chunk"] for span in batches)


def test_a_line_of_the_log_names_its_trace(story, traces):
    known = {span.trace_id.hex() for span in spans_of(traces).values()}
    assert {line["trace_id"] for line in preparing(story)} <= known


def test_no_span_tells_any(story, traces):
    bodies = [body for _, body in traces.taken]
    assert b"recipients.tasks.prepare" in b"".join(bodies)
    assert told_in(b"".join(bodies)) == set()


def test_no_page_of_an_error_and_no_mail_tells_any(story):
    pages = [story.folder / "error.json", story.folder / "error.html"]
    assert [told_in(page.read_bytes()) for page in pages] == [set(), set()]
    sent = mails_of(story)
    assert sent.count(b"Subject: ") >= 2 and told_in(sent) == set()


def test_nothing_that_was_ever_in_redis_tells_any(story):
    """Its append-only file has every write: tasks with their arguments, rate lines, results if there were any."""
    files = [path for path in (story.folder / "valkey").rglob("*") if "appendonly" in path.name and path.is_file()]
    data = b"".join(path.read_bytes() for path in files)
    assert b"delivery.tasks.tick" in data and b"celery-task-meta" not in data
    assert told_in(data) == set()


def test_no_core_and_no_trace_is_left(story):
    assert [path.name for path in Path(story.folder).rglob("core*") if path.is_file() and path.name != "core.py"] == []


def columns_with(marker: str) -> set[str]:
    """Tables, partitions as their parents, that have it in any column; bytes as the characters that they are."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, coalesce(i.inhparent::regclass::text, c.relname) FROM pg_class c"
            " LEFT JOIN pg_inherits i ON i.inhrelid = c.oid"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        )
        for table, parent in cursor.fetchall():
            in_hex = marker.encode().hex()
            cursor.execute(
                f'SELECT 1 FROM "{table}" one WHERE one::text LIKE %s OR one::text LIKE %s LIMIT 1',
                [f"%{marker}%", f"%{in_hex}%"],
            )
            if cursor.fetchone():
                found.add(parent)
    return found


def test_no_dump_of_the_database_has_a_password(story):
    assert columns_with(PASSWORD) == columns_with(PERSON_PASSWORD) == set()


def test_numbers_are_in_clear_only_where_they_are_needed(story):
    assert columns_with(str(FIRST)[:8]) <= IN_CLEAR | {"delivery_inbox", "delivery_receipt"}
    assert columns_with("Markercell4711") <= {"campaigns_campaign"}
