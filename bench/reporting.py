"""The parts of `bench reports`, each in a process of its own on one database; each prints one JSON object."""

import json
import re
import statistics
import time
from pathlib import Path
from tempfile import TemporaryFile

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.roles import Role
from audit import walls
from bench.browsing import Page, measure
from bench.filling import grow
from campaigns.models import Campaign
from reports import exports, inquiries
from reports.models import Export
from reports.statuses import Status
from tests import factories

INQUIRIES = 9
COPY = (
    "COPY (SELECT phone, state, error_kind, error_code, submitted_at, done_at, parts FROM delivery_message"
    " WHERE day = %s AND campaign_id = %s ORDER BY recipient) TO STDOUT (FORMAT csv)"
)


def fill(messages: str) -> None:
    walls.be_the_system()
    began = time.monotonic()
    full = grow(factories.workspace("Acme Retail"), rows=2 * int(messages), campaigns=1, of_others=20_000)
    print(json.dumps({"messages": full.messages, "fill_seconds": _since(began), "campaign": full.big.pk}))


def read(campaign_id: str, requests: str) -> None:
    walls.be_the_system()
    campaign = Campaign.objects.select_related("list", "created_by").get(pk=campaign_id)
    assert campaign.list is not None
    middle, author, address = campaign.list.accepted // 2, campaign.created_by, f"/campaigns/{campaign.pk}/"
    pages = {
        "campaign_page_ms": Page(name="campaign", reader=author, address=address),
        "recipients_page_ms": Page(name="recipients", reader=author, address=f"{address}recipients/?cursor={middle}"),
        "find_number_ms": Page(
            name="number",
            reader=author,
            address=f"{address}recipients/",
            sent={"to": f"+{factories.FIRST_NUMBER + middle}"},
        ),
        "errors_page_ms": Page(name="errors", reader=author, address=f"{address}errors/"),
    }
    measured = {key: measure(page, int(requests)) for key, page in pages.items()}
    print(json.dumps({key: {name: found[name] for name in ("p50", "p95")} for key, found in measured.items()}))


def inquire(campaign_id: str) -> None:
    """Numbers from the whole list: the answer with its signed file, as the worker makes it."""
    walls.be_the_system()
    campaign = Campaign.objects.select_related("list", "workspace").get(pk=campaign_id)
    assert campaign.list is not None
    moderator = factories.somebody(campaign.workspace, Role.MODERATOR)
    seconds = []
    for number in range(INQUIRIES):
        phone = factories.FIRST_NUMBER + (number + 1) * campaign.list.accepted // (INQUIRIES + 1)
        made = inquiries.ask(campaign.workspace, f"+{phone}", reason="A benchmark.", by=moderator, now=timezone.now())
        began = time.monotonic()
        inquiries.work_on(made.pk, clock=timezone.now)
        seconds.append(time.monotonic() - began)
        made.refresh_from_db()
        if made.status != Status.READY:
            raise SystemExit(f"The inquiry is {made.status}: {made.failure}")
    told = {"p50": round(1000 * statistics.median(seconds)), "max": round(1000 * max(seconds))}
    print(json.dumps({"inquiry_ms": told, "inquiry_peak_rss_mb": _peak_mb()}))


def export(campaign_id: str, format: str) -> None:
    walls.be_the_system()
    campaign = Campaign.objects.select_related("created_by").get(pk=campaign_id)
    asked = exports.request(campaign.pk, format=format, by=campaign.created_by)
    idle, began = _peak_mb(), time.monotonic()
    exports.write(asked.pk, clock=timezone.now)
    seconds = time.monotonic() - began
    made = Export.objects.get(pk=asked.pk)
    if made.status != Status.READY:
        raise SystemExit(f"The export is {made.status}: {made.failure}")
    rate = {"seconds": round(seconds, 1), "rows_per_second": round(made.rows / seconds)}
    memory = {"peak_rss_mb": _peak_mb(), "before_mb": idle}
    print(json.dumps({"rows": made.rows, "bytes": made.bytes, **rate, **memory}))


def copy(campaign_id: str) -> None:
    """What PostgreSQL does by itself: the same rows as it has them, without words for errors, into a file."""
    walls.be_the_system()
    campaign = Campaign.objects.get(pk=campaign_id)
    began = time.monotonic()
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        TemporaryFile(dir=settings.SCRATCH) as file,
        cursor.copy(COPY, [campaign.day, campaign.pk]) as rows,
    ):
        for block in rows:
            file.write(block)
    print(json.dumps({"command": COPY, "seconds": _since(began)}))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def _peak_mb() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return round(int(found[1]) / 1024)
