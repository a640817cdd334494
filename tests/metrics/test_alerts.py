"""The rules and the dashboard speak of what a scrape says, and each alert of what to do."""

import json
import re

import pytest
import yaml
from django.conf import settings
from django.utils import timezone

from metrics import exposition

RULES = yaml.safe_load((settings.ROOT / "deploy/prometheus/alerts.yml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
BOARD = json.loads((settings.ROOT / "deploy/grafana/message-center.json").read_text())
RUNBOOK = (settings.ROOT / "docs/runbook.md").read_text()
DRILLS = ("Drills", "Keys and passwords")
KEYS = "| A key or a password is changed | [below](#keys-and-passwords) | named there, each |"
NAME = re.compile(r"messagecenter_\w+")
TARGETS = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def test_each_alert_says_how_bad_it_is_and_leads_to_what_to_do():
    alerts = RUNBOOK.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    sections = re.findall(r"^### (\w+)$", alerts, re.MULTILINE)
    assert sections == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"warning", "critical"} and rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_each_drill_of_the_runbook_names_the_tests_that_play_it():
    """They are there by these names; of a row that leads to a section, the section names them."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", RUNBOOK)
    for path, name in named:
        assert re.search(rf"^def {name}\(", (settings.ROOT / path).read_text(), re.MULTILINE), f"{path}::{name}"
    rows = [line for heading in DRILLS for line in _section(heading).splitlines() if line.startswith("| ")]
    assert len(rows) > 20
    assert [row for row in rows if "| Test |" not in row and "::test_" not in row] == [KEYS]


def _section(heading: str) -> str:
    return RUNBOOK.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].partition("\n### ")[0]


@pytest.mark.django_db
def test_what_rules_and_dashboard_ask_for_is_told():
    told = set()
    for family in exposition.Figures(now=timezone.now()).collect():
        endings = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}.get(family.type, ("",))
        told |= {family.name + ending for ending in endings}
    asked = {name for text in [*(rule["expr"] for rule in ALERTS), *TARGETS] for name in NAME.findall(text)}
    assert asked - told == set()
    endless = re.compile(r"_(bucket|count|sum|total)$")
    assert {endless.sub("", name) for name in told} - {endless.sub("", name) for name in asked} == set()
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
