import json
import stat

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import Workspace
from audit import verification
from audit.models import Entry
from campaigns.models import Campaign
from channels.models import Channel
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def seed(capsys, settings, tmp_path):
    settings.DEMO_FILE = str(tmp_path / "demo.json")

    def run():
        call_command("seed_demo", "--json")
        return json.loads(capsys.readouterr().out)

    return run


def test_the_seed_has_everything_for_a_campaign_from_list_to_approval(seed):
    seeded = seed()
    author, moderator = (factories.bearer(seeded["users"][name]["token"]) for name in ("author", "moderator"))
    listed = factories.ready_list(Workspace.objects.get(pk=seeded["workspace"]["id"]))
    body = {
        "name": "Demo",
        "mode": "on_approval",
        "text": "Hello!",
        "sender": seeded["sender"]["id"],
        "list": listed.pk,
        "channel": seeded["channel"]["id"],
    }
    made = author.post("/api/v1/campaigns/", body).json()
    assert author.post(f"/api/v1/campaigns/{made['id']}/submit/").status_code == 200
    assert author.post(f"/api/v1/campaigns/{made['id']}/approve/").status_code == 403
    assert moderator.post(f"/api/v1/campaigns/{made['id']}/approve/").status_code == 200
    assert Campaign.objects.get().status == "approved"


def test_the_four_people_log_in_and_all_but_the_author_enter_the_admin(seed):
    for name, person in seed()["users"].items():
        browser = Client()
        assert browser.login(username=person["email"], password=person["password"])
        assert (browser.get("/admin/").status_code == 200) is (name != "author")


def test_a_second_seed_changes_nothing(seed):
    first = seed()
    entries = Entry.objects.count()
    assert seed() == first
    assert Entry.objects.count() == entries


def test_without_its_file_the_secrets_are_new_and_the_old_tokens_dead(seed, settings):
    first = seed()
    settings.DEMO_FILE = ""
    second = seed()
    assert {key: second[key] for key in ("workspace", "sender", "channel")} == {
        key: first[key] for key in ("workspace", "sender", "channel")
    }
    assert factories.bearer(first["users"]["author"]["token"]).get("/api/v1/lists/").status_code == 401
    assert factories.bearer(second["users"]["author"]["token"]).get("/api/v1/lists/").status_code == 200


def test_nobody_else_reads_the_file_of_secrets(seed, tmp_path):
    seeded = seed()
    file = tmp_path / "demo.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == seeded
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["demo.json"]


def test_the_channel_follows_the_simulator(seed, settings):
    seed()
    settings.SMSC_PORT = 40_000
    seed()
    assert Channel.objects.get().port == 40_000


def test_the_seed_is_on_the_ledger_without_a_secret(seed):
    seeded = seed()
    kept = str(list(Entry.objects.values()))
    for person in seeded["users"].values():
        assert person["password"] not in kept
        assert person["token"] not in kept
    assert all(verification.verify(chain).broken is None for chain in verification.chains())
