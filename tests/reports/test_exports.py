"""An export is every recipient once, in list order, as the pages show them."""

import csv
import gzip
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from pyarrow import parquet

from audit.models import Entry
from audit.refusal import Refused
from campaigns.models import Campaign
from delivery.models import Tally
from delivery.statuses import MessageState
from objects.trouble import StorageTrouble
from recipients.listing import listing_of
from reports import exports, lines, recipients_tab, tasks
from reports.models import Export, Format, Numbers
from reports.statuses import Status
from tests import evidence, factories
from tests.pages import signed_in, text_of
from tests.stores import away, keys, used

# An export reads in a snapshot of its own, which a test's own transaction does not allow.
pytestmark = pytest.mark.django_db(transaction=True)
BOTH = pytest.mark.usefixtures("either_store")

MINUTE = timedelta(minutes=1)
OUTCOMES = [
    evidence.DELIVERED,
    evidence.REFUSED,
    evidence.UNDELIVERABLE,
    evidence.UNANSWERED,
    evidence.PENDING,
    evidence.TO_RETRY,
    evidence.UNRECEIPTED,
]


@pytest.fixture
def campaign(workspace):
    """One chunk handed over, one in part, one not at all."""
    made = factories.sending(workspace, list=factories.ready_list(workspace, 30, chunk_size=10, invalid=2))
    evidence.dispatched(made, lambda recipient: OUTCOMES[recipient % 7], handed_over=[10, 4, 0])
    return made


def written(campaign, format=Format.CSV, columns=(), numbers=Numbers.WHOLE):
    export = exports.request(campaign.pk, format=format, columns=columns, numbers=numbers, by=campaign.created_by)
    exports.write(export.pk, clock=timezone.now)
    export.refresh_from_db()
    return export


def content(export):
    with default_storage.open(export.key) as file:
        data = file.read()
    return gzip.decompress(data) if export.format == Format.CSV_GZ else data


def rows(export):
    return list(csv.DictReader(io.StringIO(content(export).decode())))


def cells_of(recipient):
    """The line that a recipient of the pages must have."""
    error = recipient.error
    return {
        "to": recipient.to.removeprefix("+"),
        "status": recipient.term,
        "error_code": error.code if error else "",
        "error_name": error.name if error else "",
        "error_text": error.text if error else "",
        "parts": str(recipient.parts),
    }


@pytest.fixture
def called_off(workspace):
    """Cancelled with three recipients on their way."""
    made = factories.called_off(workspace, list=factories.ready_list(workspace, 30, chunk_size=10))
    evidence.dispatched(made, handed_over=[10, 4, 0])
    evidence.intended(made, 1, 3)
    return made


@pytest.mark.parametrize("format", [Format.CSV, Format.CSV_GZ])
@pytest.mark.parametrize("which", ["campaign", "called_off"])
def test_an_export_holds_what_the_pages_show(request, which, format):
    campaign = request.getfixturevalue(which)
    shown = recipients_tab.page(campaign, size=100).rows
    lines = rows(written(campaign, format))
    times = [(line.pop("submitted_at"), line.pop("done_at")) for line in lines]
    assert lines == [cells_of(recipient) for recipient in shown]
    for (submitted, done), recipient in zip(times, shown, strict=True):
        assert is_instant(submitted, recipient.submitted_at)
        assert is_instant(done, recipient.done_at)


def is_instant(text, at):
    """ISO 8601 in UTC, to the millisecond; nothing for what has not happened."""
    if at is None:
        return text == ""
    return text.endswith("Z") and abs((datetime.fromisoformat(text) - at).total_seconds()) < 0.001


def test_a_whole_chunk_and_a_part_of_one_look_the_same(workspace):
    listed = factories.ready_list(workspace, 20, chunk_size=10)
    whole, part = factories.done(workspace, list=listed), factories.paused(workspace, list=listed)
    at = timezone.now()
    evidence.dispatched(whole, evidence.REFUSED, at=at)
    evidence.dispatched(part, evidence.REFUSED, at=at, handed_over=[10, 9])
    assert rows(written(whole))[:19] == rows(written(part))[:19]


def test_before_the_start_an_export_is_the_list_waiting(workspace):
    campaign = factories.approved(workspace)
    assert [row["status"] for row in rows(written(campaign))] == ["waiting"] * 3


@BOTH
def test_a_finished_export_knows_its_size_and_its_equation(campaign):
    export = written(campaign)
    assert (export.status, export.rows, export.bytes) == (Status.READY, 30, len(content(export)))
    assert export.totals["rows"] == 32
    statuses = [row["status"] for row in rows(export)]
    assert {term: export.totals[term] for term in set(statuses)} == {
        term: statuses.count(term) for term in set(statuses)
    }


def test_no_cell_is_a_formula(campaign):
    for line in csv.reader(io.StringIO(content(written(campaign)).decode())):
        assert not [cell for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


# --- Columns and Parquet ----------------------------------------------------------------------------------------------


@pytest.fixture
def told(workspace):
    """A campaign whose list says more of each recipient; one of them is a formula."""
    cells = [("Ann", ""), ("=1+1", "\uff1d2"), ("Bob, Jr.", "\u00a0@Utrecht")]
    listed = factories.ready_list(workspace, 3, columns=["name", "shop"], cells=cells)
    made = factories.sending(workspace, list=listed)
    evidence.dispatched(made, evidence.DELIVERED)
    return made


def test_columns_are_in_the_order_in_which_they_were_chosen(told):
    export = written(told, columns=["list.shop", "status", "list.name", "to"])
    found = rows(export)
    assert list(found[0]) == ["list.shop", "status", "list.name", "to"]
    assert [row["list.name"] for row in found] == ["Ann", "'=1+1", "Bob, Jr."]
    assert [row["list.shop"] for row in found] == ["", "'\uff1d2", "'\u00a0@Utrecht"]
    assert [row["to"] for row in found] == [row["to"] for row in rows(written(told))]


@pytest.mark.parametrize("which", ["campaign", "called_off"])
def test_some_columns_say_what_all_say(request, which):
    campaign = request.getfixturevalue(which)
    chosen = ["done_at", "submitted_at", "error_text", "status"]
    whole = [{name: row[name] for name in chosen} for row in rows(written(campaign))]
    assert rows(written(campaign, Format.CSV_GZ, chosen)) == whole


@BOTH
def test_parquet_has_the_rows_of_the_csv_with_their_types(campaign):
    export = written(campaign, Format.PARQUET)
    table = parquet.read_table(io.BytesIO(content(export)))
    assert (len(table), export.bytes) == (30, len(content(export)))
    assert [str(table.schema.field(name).type) for name in ("to", "submitted_at", "parts")] == [
        "string",
        "timestamp[ms, tz=UTC]",
        "int16",
    ]
    for row, line in zip(table.to_pylist(), rows(written(campaign)), strict=True):
        for name in ("submitted_at", "done_at"):
            assert is_instant(line.pop(name), row.pop(name))
        assert {name: "" if value is None else str(value) for name, value in row.items()} == line


def test_parquet_leaves_a_cell_of_the_list_as_it_is(told):
    table = parquet.read_table(io.BytesIO(content(written(told, Format.PARQUET, ["to", "list.name"]))))
    assert table.column("list.name").to_pylist() == ["Ann", "=1+1", "Bob, Jr."]


@pytest.mark.parametrize(
    ("columns", "format", "code"),
    [
        (["to", "list.age"], "csv", "unknown_column"),
        (["to", "to"], "csv", "double_column"),
        (["to"], "evidence", "no_columns"),
    ],
)
def test_columns_that_cannot_be_had_are_refused_by_the_api_and_nothing_is_kept(as_admin, told, columns, format, code):
    answer = as_admin.post(f"/api/v1/campaigns/{told.pk}/exports/", {"format": format, "columns": columns})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)
    assert not Export.objects.filter(campaign=told).exists()


@pytest.mark.parametrize("format", [Format.CSV, Format.PARQUET])
def test_a_masked_export_names_nobody_in_the_column_of_the_list_either(workspace, told, format):
    columns = ["to", "status", "list.name"]
    whole, masked = (written(told, format, columns, numbers) for numbers in (Numbers.WHOLE, Numbers.MASKED))
    if format == Format.PARQUET:
        before, after = (parquet.read_table(io.BytesIO(content(one))).to_pylist() for one in (whole, masked))
    else:
        before, after = rows(whole), rows(masked)
    assert [line["to"] for line in after] == [f"{line['to'][:4]}•••{line['to'][-4:]}" for line in before]
    assert [(line["status"], line["list.name"]) for line in after] == [
        (line["status"], line["list.name"]) for line in before
    ]


def test_the_page_offers_the_columns_of_the_list_and_asks_for_those_that_are_ticked(told, author):
    page, path = signed_in(author), f"/campaigns/{told.pk}/exports/"
    assert "list.shop" in text_of(page.get(path))
    page.post(path, {"format": "csv", "columns": ["to", "list.shop"]})
    assert Export.objects.get().columns == ["to", "list.shop"]
    page.post(path, {"format": "csv", "columns": list(lines.COLUMNS)})
    assert Export.objects.latest("pk").columns == []


# --- While it is written ----------------------------------------------------------------------------------------------


def test_who_writes_holds_the_export_as_long_as_it_writes(campaign, monkeypatch):
    monkeypatch.setattr(exports, "TELL_EVERY", 0.0)
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    seconds, now = iter(range(0, 10_000, 40)), timezone.now()
    leases = set()

    def clock():
        leases.add(Export.objects.get(pk=export.pk).lease_until)
        return now + timedelta(seconds=next(seconds))

    exports.write(export.pk, clock=clock)
    assert Export.objects.get(pk=export.pk).status == Status.READY
    assert len(leases) > 3


def test_file_and_totals_are_of_one_instant(campaign, monkeypatch):
    """Whatever is committed while the file is written is in neither."""
    read = lines._of_the_intended

    def meanwhile(of, piece):
        if piece.first == 10:
            _commit_elsewhere(of)
        return read(of, piece)

    monkeypatch.setattr(lines, "_of_the_intended", meanwhile)
    export = written(campaign)
    assert Tally.objects.filter(campaign=campaign, state=MessageState.DELIVERED, n=100).exists()
    assert export.totals["delivered"] == [row["status"] for row in rows(export)].count("delivered")


def _commit_elsewhere(campaign):
    def work():
        Tally.objects.create(campaign=Campaign(pk=campaign.pk), state=MessageState.DELIVERED, n=100)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def test_requesting_rings_after_the_commit_and_is_in_the_audit(campaign, rung):
    export = exports.request(campaign.pk, format="csv.gz", by=campaign.created_by)
    assert rung == [(tasks.write_export.name, (export.pk,))]
    entry = Entry.objects.filter(action="export.requested").get()
    assert (entry.subject_id, entry.after) == (
        str(export.pk),
        {"campaign": campaign.pk, "format": "csv.gz", "columns": [], "numbers": "masked"},
    )


def test_without_a_prepared_list_there_is_nothing_to_export(workspace):
    campaign = factories.draft(workspace, list=factories.uploading_list(workspace))
    with pytest.raises(Refused, match="no prepared list"):
        exports.request(campaign.pk, format="csv", by=campaign.created_by)


@BOTH
def test_writing_twice_writes_once(campaign):
    export = written(campaign)
    exports.write(export.pk, clock=timezone.now)
    again = Export.objects.get(pk=export.pk)
    assert (again.key, again.ready_at) == (export.key, export.ready_at)
    assert len(keys("exports/")) == 1


def test_an_export_at_work_is_left_alone_until_its_lease_is_over(campaign):
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    now = timezone.now()
    assert exports._claim(export.pk, now=now) is not None
    exports.write(export.pk, clock=lambda: now + timedelta(seconds=50))
    assert Export.objects.get(pk=export.pk).status == Status.RUNNING
    exports.write(export.pk, clock=lambda: now + timedelta(minutes=6))
    assert Export.objects.get(pk=export.pk).status == Status.READY


@BOTH
@pytest.mark.parametrize("first", ["old", "new"])
def test_of_two_who_write_an_export_the_first_to_finish_wins_and_the_others_file_goes(campaign, monkeypatch, first):
    """The lease of the one ran out, and another began: both are alive."""
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    put_rows, begin, here = exports._put_rows, timezone.now(), threading.local()
    reads, goes_on = ({name: threading.Event() for name in ("old", "new")} for _ in range(2))

    def slowly(*arguments):
        reads[here.name].set()
        assert goes_on[here.name].wait(60)
        return put_rows(*arguments)

    def write(name, *times):
        here.name = name
        try:
            exports.write(export.pk, clock=iter(times).__next__)
        finally:
            connection.close()

    monkeypatch.setattr(exports, "_put_rows", slowly)
    with ThreadPoolExecutor(2) as pool:
        writing = {"old": pool.submit(write, "old", begin, begin + 7 * MINUTE)}
        assert reads["old"].wait(60)
        writing["new"] = pool.submit(write, "new", begin + 6 * MINUTE, begin + 8 * MINUTE)
        assert reads["new"].wait(60)
        for name in sorted(writing, key=lambda name: name != first):
            goes_on[name].set()
            writing[name].result()
    export.refresh_from_db()
    assert (export.status, export.ready_at) == (Status.READY, begin + (7 if first == "old" else 8) * MINUTE)
    assert keys("exports/") == [export.key]


def test_the_sweep_rings_for_what_nobody_writes(campaign, rung):
    lost, dead, done = (exports.request(campaign.pk, format="csv", by=campaign.created_by) for _ in range(3))
    now = timezone.now()
    exports._claim(dead.pk, now=now)
    exports.write(done.pk, clock=lambda: now)
    rung.clear()
    exports.ring_again(now=now)
    assert rung == [(tasks.write_export.name, (lost.pk,))]
    rung.clear()
    exports.ring_again(now=now + timedelta(minutes=6))
    assert rung == [(tasks.write_export.name, (pk,)) for pk in (lost.pk, dead.pk)]


def test_an_export_that_cannot_be_written_is_given_up_after_a_day(campaign):
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    exports.write(export.pk, clock=lambda: timezone.now() + timedelta(hours=25))
    export.refresh_from_db()
    assert (export.status, export.failure) == (Status.FAILED, "It could not be written within a day.")


@BOTH
def test_a_damaged_chunk_fails_the_export_with_the_reason(campaign):
    key = f"lists/{campaign.list_id}/1/00002"
    default_storage.delete(key)
    default_storage.save(key, ContentFile(b"\x01" * 80))
    export = written(campaign)
    assert (export.status, export.key) == (Status.FAILED, "")
    assert export.failure == "Chunk 2 of this list has changed since the list was prepared."
    assert keys("exports/") == []


@BOTH
def test_a_chunk_that_is_gone_fails_the_export_with_the_reason(campaign):
    default_storage.delete(f"lists/{campaign.list_id}/1/00002")
    export = written(campaign)
    assert (export.status, export.failure) == (Status.FAILED, "A part of the list is missing from the object storage.")


def test_a_store_that_is_away_leaves_the_export_to_the_next_try(campaign):
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    listing_of(campaign.list)
    with used(away()), pytest.raises(StorageTrouble):
        exports.write(export.pk, clock=timezone.now)
    exports.write(export.pk, clock=lambda: timezone.now() + timedelta(minutes=6))
    assert Export.objects.get(pk=export.pk).status == Status.READY


def test_a_storage_that_fails_leaves_the_export_to_the_next_try(campaign, monkeypatch):
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    with monkeypatch.context() as broken:
        broken.setattr(default_storage, "save", _fail)
        with pytest.raises(OSError, match="no space"):
            exports.write(export.pk, clock=timezone.now)
    exports.write(export.pk, clock=lambda: timezone.now() + timedelta(minutes=6))
    assert Export.objects.get(pk=export.pk).status == Status.READY


def _fail(*arguments, **options):
    raise OSError("no space left")


def test_a_file_is_kept_for_a_week_and_the_page_says_until_when(campaign, author):
    export = written(campaign)
    page, path = signed_in(author), f"/campaigns/{campaign.pk}/exports/"
    assert "until" in text_of(page.get(path))
    exports.let_go(now=export.kept_until)
    assert default_storage.exists(export.key)
    exports.let_go(now=export.kept_until + MINUTE)
    assert not default_storage.exists(export.key)
    assert "No longer kept" in text_of(page.get(path))
    assert page.get(f"{path}{export.pk}/file/").url == "/"  # and why
    export.refresh_from_db()
    assert (export.status, export.key, export.rows) == (Status.EXPIRED, "", 30)
    assert Entry.objects.about(export).filter(action="export.expired").exists()


def test_whoever_waits_sees_how_many_rows_are_written(campaign, author, monkeypatch):
    monkeypatch.setattr(exports, "TELL_EVERY", 0.0)
    export = exports.request(campaign.pk, format=Format.CSV, by=author)
    last = listing_of(campaign.list).pieces[-1].entry
    default_storage.delete(last.key)  # of nobody who was handed over: it is read, and there the export stops
    exports.write(export.pk, clock=timezone.now)
    export.refresh_from_db()
    assert (export.status, export.rows, export.percent) == (Status.FAILED, 10, 33)
