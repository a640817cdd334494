"""The ledger as an auditor reads it: found, turned over page by page, verified, taken along."""

import ast
import csv
import io
import re

import pytest

from accounts import people
from audit import reading, words
from audit.ledger import record
from audit.models import Check, Entry
from config.states import LIVES
from stack import ROOT
from tests import factories
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db
PAGE, API = "/ledger/", "/api/v1/audit/export/"
ACTION = re.compile(r"[a-z]+\.[a-z_]+")
ROOMS = {path.parent.name for path in ROOT.glob("*/apps.py")}
MODELS = {
    "A campaign": "campaign",
    "A list": "recipientlist",
    "An import of suppressed numbers": "suppressionimport",
    "A sender": "sender",
    "A sender's revision": "revision",
    "An export": "export",
    "An erasure of a number": "erasure",
    "An invitation": "invitation",
    "A request to join": "joinrequest",
}
NEVER = {f"{model}.pending" for model in ("revision", "invitation", "joinrequest")}  # how they begin


@pytest.fixture
def page(author):
    return signed_in(author)


def lines(answer):
    content = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(content)))


def test_an_auditor_finds_entries_by_who_what_about_what_and_when(page, workspace, author):
    mine, other = factories.draft(workspace, by=author), factories.approved(workspace)
    shown = text_of(page.get(PAGE))
    assert "Approved and sealed" in shown and "Draft written" in shown
    assert "Approved and sealed" not in text_of(page.get(PAGE, {"actor": author.email}))
    about = text_of(page.get(PAGE, {"subject": f"campaign:{mine.pk}"}))
    assert "Draft written" in about and "Submitted for review" not in about
    assert other.name in text_of(page.get(PAGE, {"action": "campaign.approved"}))
    assert "None found" in text_of(page.get(PAGE, {"until": "2020-01-01T00:00"}))
    wrong = page.get(PAGE, {"subject": "campaign"})
    assert wrong.status_code == 400 and "Write a type and an id" in text_of(wrong)


def test_pages_are_turned_by_the_number_of_the_entry(page, workspace, author, monkeypatch):
    monkeypatch.setattr(reading, "SIZE", 3)
    for _number in range(7):
        record("campaign.tested", workspace, by=author)
    seen, before = [], None
    while True:
        found = reading.page(reading.find(workspace, {"action": "campaign.tested"}), before=before)
        seen += [entry.seq for entry in found.entries]
        if found.before is None:
            break
        before = found.before
    assert seen == sorted(seen, reverse=True) and len(seen) == 7
    assert "Older" in text_of(page.get(PAGE))


def test_another_workspaces_entries_are_not_there(page, workspace):
    foreign = factories.draft(factories.workspace(), name="Secret sale of others")
    assert foreign.name not in text_of(page.get(PAGE))
    assert "None found" in text_of(page.get(PAGE, {"subject": f"campaign:{foreign.pk}"}))


def test_it_is_verified_by_a_button_and_says_what_does_not_hold(page, workspace):
    factories.draft(workspace)
    assert "Nobody has verified it yet" in text_of(page.get(PAGE))
    page.post(f"{PAGE}verify/")
    assert "entries hold" in text_of(page.get(PAGE))
    Check.objects.update(broken_seq=3, broken="has another hash")
    assert "entry 3 has another hash" in text_of(page.get(PAGE))


def test_the_file_has_every_entry_in_its_order_and_that_somebody_took_it_is_one(page, api, workspace, author):
    factories.draft(workspace, by=author)
    wanted = list(Entry.objects.of(workspace).order_by("seq").values_list("hash", flat=True))
    for client, address in ((page, f"{PAGE}file/"), (api, API)):
        found = lines(client.get(address, {"subject": f"workspace:{workspace.pk}"}))
        assert {line["subject_type"] for line in found} == {"workspace"}
        assert [line["hash"] for line in lines(client.get(address))][: len(wanted)] == wanted
    assert Entry.objects.of(workspace).filter(action="ledger.exported").count() == 4


def test_no_cell_of_the_file_is_a_formula(api, workspace, author):
    people.describe(author.pk, name="=1+1", wants_mail=True, by=author)
    record("campaign.tested", factories.draft(workspace, name="=HYPERLINK()"), by=author, note="+1")
    record("campaign.tested", factories.draft(workspace, name="＝HYPERLINK()"), by=author, note=" ＋1")
    for line, equals, plus in zip(lines(api.get(API, {"action": "campaign.tested"})), "=＝", ("+", " ＋"), strict=True):
        assert (line["subject"], line["note"]) == (f"'{equals}HYPERLINK()", f"'{plus}1")


def test_whatever_is_recorded_has_words_for_people():
    recorded = {f"{MODELS[title]}.{status}" for title, moves in LIVES.items() if title in MODELS for status in moves}
    sources = (file.read_text() for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    for source in (source for source in sources if "record(" in source):
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and "record" in (getattr(call.func, name, "") for name in ("id", "attr")):
                said = [part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant)]
                recorded |= {action for action in said if ACTION.fullmatch(str(action))}
    assert len(recorded) > 100
    assert sorted(recorded - words.WORDS.keys() - NEVER) == []
