"""What people and witnesses wait for happens while every worker is at work that takes long, and is not behind it."""

from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from audit import heads
from audit.models import Entry
from campaigns.models import Campaign
from reports import exports
from tests import factories, owner
from tests.live import wait_for

pytestmark = pytest.mark.live


@contextmanager
def at_long_exports(live, workspace):
    """Both processes of the worker are in the middle of one as long as the block."""
    campaigns = [factories.approved(workspace) for _ in range(2)]
    with psycopg.connect(owner.url_of(connection.settings_dict["NAME"])) as database:
        asked = [exports.request(one.pk, format="csv", by=one.created_by).pk for one in campaigns]
        database.execute("LOCK TABLE reports_export IN EXCLUSIVE MODE")  # whoever would write one waits
        for export in asked:
            live.ring("reports.tasks.write_export", export, queue="exports")

        def busy() -> int:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'reports_export'::regclass"
            return database.execute(waiting).fetchone()[0]

        wait_for(lambda: busy() == len(asked))
        yield
        assert busy() == len(asked)


def test_letters_leave_and_decisions_get_their_witness_while_every_worker_is_at_a_long_export(live, workspace):
    mails = live.folder / "letters_of_quick_work"
    live.start("letters", EMAIL_URL=f"file:///{mails}")
    live.start("beat", "worker", "events")
    with at_long_exports(live, workspace):
        campaign: Campaign = factories.approved(workspace, name="Quick work")
        approval = Entry.objects.about(campaign).get(action="campaign.approved")
        wait_for(lambda: heads.newest(workspace.pk) >= approval.seq)
        wait_for(lambda: any("Quick work" in path.read_text() for path in mails.glob("*")))
    live.keep_away("letters", "events", "worker")
