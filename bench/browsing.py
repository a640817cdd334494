"""Reads every page over and over, through Django's handler; for `bench pages`."""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.db import connection
from django.test import Client

from accounts.models import User
from audit import walls
from bench.filling import Full, grow
from campaigns.steps import Step
from tests import factories
from tests.browser.walk import PAGES

# What a person waits for first: caches of templates and plans fill.
WARMING = 3
OTHERWISE = {"not-found": 404, "forbidden": 403, "campaign-edit": 302}  # pages of the walk that answer otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    name: str
    reader: User
    address: str
    sent: dict[str, Any] = field(default_factory=dict)  # by POST
    status: int = 200


def main(rows: int, campaigns: int, requests: int) -> None:
    """Fill the database that the environment names, and print what was measured."""
    walls.be_the_system()
    began = time.monotonic()
    full = grow(factories.workspace("Acme Retail", time_zone="Europe/Amsterdam"), rows=rows, campaigns=campaigns)
    filled_in = time.monotonic() - began
    print(f"{full.messages} messages in {filled_in:.0f} s", file=sys.stderr)
    measured = {page.name: measure(page, requests) for page in pages(full)}
    told = {"messages": full.messages, "campaigns": campaigns, "fill_seconds": round(filled_in, 1)}
    print(json.dumps({**told, "pages": measured}))


def pages(full: Full) -> Iterator[Page]:
    """Those of the walk, those that grow with recipients, campaigns or years, and every register of the desk."""
    filled, big = full.filled, full.big
    for who, addresses in PAGES.items():
        for name, address_of in addresses.items() if who else ():
            address, status = address_of(filled), OTHERWISE.get(name, 200)
            yield Page(name=name, reader=getattr(filled, who), address=address, status=status)
    root = factories.user(name="Root", is_superuser=True, is_staff=True)
    author = filled.author
    last = full.messages // 4
    for name, query in {
        "campaigns, page 150": "page=150",
        "campaigns, by size": "sort=-size",
        "campaigns, by time": "sort=when&page=2",
        "campaigns, by name": "q=campaign+49",
        "campaigns, of one status": "status=broken&mode=on_approval",
        "campaigns, of some days": "since=2020-01-01&until=2035-01-01",
    }.items():
        yield Page(name=name, reader=author, address=f"/campaigns/?{query}")
    for tab in ("recipients", "errors", "content", "history", "exports"):
        yield Page(name=f"big campaign, {tab}", reader=author, address=f"/campaigns/{big.pk}/?tab={tab}")
    for part in ("progress", "course", "forecast"):
        yield Page(name=f"big campaign, {part}", reader=author, address=f"/campaigns/{big.pk}/{part}/")
    for term in ("", "failed", "uncertain", "waiting", "delivered"):
        address = f"/campaigns/{big.pk}/recipients/?status={term}&cursor={last}"
        yield Page(name=f"recipients from the middle, {term or 'all'}", reader=author, address=address)
    number = {"to": f"+{factories.FIRST_NUMBER + last}"}
    yield Page(name="a number found", reader=author, address=f"/campaigns/{big.pk}/recipients/", sent=number)
    draft = filled.campaigns["draft"].pk
    for step in Step:
        yield Page(name=f"wizard, {step}", reader=author, address=f"/campaigns/{draft}/edit/{step}/")
    waiting = filled.campaigns["in_review"].pk
    for of, reader in {"of a workspace": filled.moderator, "of the installation": root}.items():
        yield Page(name=f"desk {of}", reader=reader, address="/admin/")
        yield Page(name=f"queue {of}", reader=reader, address="/admin/moderation/campaigninreview/")
        review = f"/admin/moderation/campaigninreview/{waiting}/change/"
        yield Page(name=f"review {of}", reader=reader, address=review)
    for model in admin.site._registry:
        of_model = f"{model._meta.app_label}/{model._meta.model_name}"
        yield Page(name=f"desk: {of_model}", reader=root, address=f"/admin/{of_model}/")


def measure(page: Page, requests: int, *, warming: int = WARMING) -> dict[str, float]:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(page.reader)
    times = []
    for number in range(warming + requests):
        with _counted() as queries:
            began = time.perf_counter()
            response = client.post(page.address, page.sent) if page.sent else client.get(page.address)
            spent = time.perf_counter() - began
        if response.status_code != page.status:
            raise SystemExit(f"{page.name}, {page.address}: {response.status_code} instead of {page.status}.")
        if number >= warming:
            times.append(1000 * spent)
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
    return {"p50": round(statistics.median(times), 1), "p95": round(p95, 1), "queries": queries[0]}


@contextmanager
def _counted() -> Iterator[list[int]]:
    count = [0]

    def one(execute: Any, *given: Any) -> Any:
        count[0] += 1
        return execute(*given)

    with connection.execute_wrapper(one):
        yield count
