"""What somebody did and the entry that says so stand or fall together: a kill between them, an entry that fails."""

import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from django.db import connection

from audit.models import Entry
from campaigns.models import Campaign
from recipients.models import RecipientList
from stack import ROOT
from tests import factories
from tests.pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

# In a process of its own: the row is changed and the entry written, and before the commit it dies.
CHANGE = """
import os, signal, sys
import django
django.setup()
from django.db import transaction
from django.utils import timezone
from accounts.models import User
from audit import walls
from audit.models import Entry
from campaigns import drafts
walls.be_the_system()
by, campaign = User.objects.get(pk=int(sys.argv[1])), int(sys.argv[2])
with transaction.atomic():
    drafts.amend(campaign, {"name": "Renamed"}, by=by, now=timezone.now())
    print(Entry.objects.filter(action="campaign.edited", subject_id=str(campaign)).count(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_is_killed_between_change_and_commit_leaves_neither(workspace, author):
    campaign = factories.draft(workspace, by=author)
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    env = {**os.environ, "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "config.settings"}
    child = [sys.executable, "-c", CHANGE, str(author.pk), str(campaign.pk)]
    done = subprocess.run(child, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (-signal.SIGKILL, "1"), done.stderr
    assert Campaign.objects.get(pk=campaign.pk).name == campaign.name
    assert not Entry.objects.filter(action="campaign.edited").exists()


def test_where_no_entry_can_be_written_nothing_is_done(workspace, author, as_author, request):
    campaign, page = factories.draft(workspace, by=author), signed_in(author)
    page.raise_request_exception = as_author.raise_request_exception = False
    before = (RecipientList.objects.count(), Entry.objects.count())
    request.getfixturevalue("ledger_that_fails")
    answers = [
        as_author.post("/api/v1/lists/", {"name": "Spring", "filename": "people.csv"}),
        as_author.patch(f"/api/v1/campaigns/{campaign.pk}/", {"name": "Renamed"}),
        as_author.post(f"/api/v1/campaigns/{campaign.pk}/submit/"),
        page.post(f"/campaigns/{campaign.pk}/submit/"),
    ]
    assert [answer.status_code >= 500 or answer.status_code == 302 for answer in answers] == [True] * 4
    assert (RecipientList.objects.count(), Entry.objects.count()) == before
    kept = Campaign.objects.get(pk=campaign.pk)
    assert (kept.name, kept.status) == (campaign.name, campaign.status)
