"""The rules of the house that a machine can hold."""

import ast
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.apps import apps
from django.conf import settings
from django.core.management import call_command, get_commands

from config import states
from config.celery import app as celery

ROOT = settings.ROOT
APPS = [
    "accounts",
    "audit",
    "campaigns",
    "channels",
    "config",
    "delivery",
    "metrics",
    "moderation",
    "notices",
    "recipients",
    "reports",
    "senders",
    "webhooks",
]
TOOLS = ["simulator", "smpp", "stack"]  # they know no app, and so neither its statuses nor its settings


def sources(rooms=APPS):
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text(), filename=str(path))


def where(path, node):
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def test_imports_flow_downwards():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_every_queue_is_consumed_by_a_process_and_every_process_consumes_a_known_queue():
    routed = {route["queue"] for route in celery.conf.task_routes.values()} | {celery.conf.task_default_queue}
    listened = re.findall(r"--queues[ =](\S+)", (ROOT / "Procfile").read_text())
    consumed = {queue for queues in listened for queue in queues.split(",")}
    assert routed == consumed == {queue.name for queue in celery.conf.task_queues}


def test_every_task_of_the_clock_exists_and_every_task_has_a_route_or_the_default():
    celery.loader.import_default_modules()
    ours = {name for name in celery.tasks if not name.startswith("celery.")}
    assert {entry["task"] for entry in celery.conf.beat_schedule.values()} <= ours
    assert {name.split(".")[0] for name in ours} <= {config.label for config in apps.get_app_configs()}


def test_a_status_is_assigned_in_one_place():
    assigned = [
        where(path, node)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and target.attr == "status"
    ]
    doors = {"audit/ledger.py", "delivery/due.py"}  # a chunk's status is bookkeeping of the dispatcher, not a decision
    assert [place for place in assigned if place.split(":")[0] not in doors] == []


def test_a_status_that_people_decide_is_not_updated_in_bulk():
    updated = [
        where(path, node)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"update", "bulk_update", "update_or_create"}
        and any(keyword.arg == "status" for keyword in node.keywords)
    ]
    assert [place for place in updated if not place.startswith("delivery/")] == []


def test_what_follows_a_commit_goes_through_one_door():
    """`audit.commits`: a request must not fail for a bell, once what it asked for is committed."""
    others = [
        where(path, node)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"on_commit", "delay_on_commit", "apply_async_on_commit"}
    ]
    # What was pushed is said by the commit itself; a look at the ledger ends with the first bell that fails.
    allowed = ("audit/commits.py", "delivery/pushing.py", "notices/reading.py")
    assert [place for place in others if not place.startswith(allowed)] == []


def test_the_environment_is_read_in_one_place():
    readers = [
        where(path, node)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    allowed = ("config/env.py", "config/celery.py", "config/wsgi.py")
    assert [place for place in readers if not place.startswith(allowed)] == []


def test_edges_reach_rows_through_their_workspace():
    """`.of(workspace)`, never bare `.objects.get`: what somebody may not see does not exist."""
    edges = {"api.py", "views.py", "campaigns_api.py", "file_api.py", "suppression_api.py", "suppression_views.py"}
    edges |= {"wizard_views.py", "forecast_views.py"}
    edges |= {"trial_api.py", "trial_views.py", "trial_phone_views.py", "limit_api.py", "limit_views.py"}
    edges |= {"evidence_views.py", "inquiry_api.py", "inquiry_views.py"}
    edges |= {"key_api.py", "key_views.py", "rule_views.py"}
    edges |= {
        "member_api.py",
        "member_views.py",
        "invitation_views.py",
        "reset_views.py",
        "single_sign_on_views.py",
        "join_views.py",
        "master_views.py",
        "archive_views.py",
    }
    bare = [
        where(path, node)
        for path, tree in sources()
        if path.name in edges
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"get", "all", "filter", "first"}
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "objects"
        and ast.unparse(node) not in {"Sender.objects.all", "RecipientList.objects.all"}  # OwnField narrows these
    ]
    assert bare == []


def test_no_room_has_a_drawer_for_everything():
    banned = {"utils", "helpers", "services", "common", "core", "base", "mixins"}
    assert [path for path, _ in sources(APPS + TOOLS) if banned & {*path.relative_to(ROOT).parts, path.stem}] == []


def test_every_management_command_appears_in_a_test():
    ours = {name for name, app in get_commands().items() if app in {*APPS, *TOOLS}}
    told = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert {name for name in ours if f'"{name}"' not in told} == set()


def test_the_drawing_is_written_where_it_is_committed(settings, tmp_path):
    (tmp_path / "docs").mkdir()
    settings.ROOT = tmp_path
    call_command("generate_states")
    assert (tmp_path / "docs" / "states.md").read_text() == states.render()


def test_what_others_wrote_for_the_browser_is_what_they_published():
    vendor = ROOT / "static" / "vendor"
    entries = json.loads((vendor / "MANIFEST.json").read_text())
    assert all(entry.keys() == {"package", "version", "file", "from", "sha256", "licence"} for entry in entries)
    found = {str(path.relative_to(vendor)) for path in vendor.glob("*/*") if path.name != "LICENSE"}
    assert found == {entry["file"] for entry in entries}
    for entry in entries:
        assert hashlib.sha256((vendor / entry["file"]).read_bytes()).hexdigest() == entry["sha256"], entry["file"]
        assert (vendor / entry["file"]).with_name("LICENSE").exists()


def test_the_drawn_states_are_those_of_the_tables():
    assert (ROOT / "docs" / "states.md").read_text() == states.render(), "run manage.py generate_states"


def test_the_openapi_document_is_valid_without_a_warning_and_the_committed_one(tmp_path):
    fresh = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(fresh))
    committed = (ROOT / "docs" / "openapi.yaml").read_text()
    assert fresh.read_text() == committed, "run manage.py spectacular --file docs/openapi.yaml"


@pytest.mark.django_db
def test_the_openapi_document_and_its_pages_are_served_to_anybody(client):
    assert client.get("/api/v1/schema/").status_code == 200
    page = client.get("/api/v1/schema/ui/")
    assert page.status_code == 200
    assert b"//cdn" not in page.content  # from the sidecar: nothing is fetched from elsewhere


def test_every_operation_says_what_an_error_looks_like():
    document = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) > 30
    assert all("default" in operation["responses"] for operation in operations)
