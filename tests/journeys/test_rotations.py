"""Keys and passwords are changed as the runbook says: under load, with somebody signed in, and nobody notices."""

import urllib.request
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from django.conf import settings
from django.utils import timezone
from kombu import Connection

from accounts.roles import Role
from channels import accounts, halves, probe, tasks
from channels.models import BindTest
from delivery.models import Incident
from delivery.statuses import IncidentKind
from stack import postgres
from stack.keyring import Keyring
from stack.postgres import Postgres
from tests import factories
from tests.journeys.runbook import blocks, done
from tests.live import PATIENCE, SENDING, campaign_of, check, ended, wait_for
from tests.pages import signed_in

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]

COUNT = 5000
SLOWLY = 25  # a second: there are as many processes to restart as this leaves time for
SENDERS = (*SENDING, "dispatch2")
NEW_KEY, NEW_PASSWORD = "a secret key of today" * 3, "a-password-of-today"


def acl(live, url, block, password):
    """What the runbook has somebody tell Valkey."""
    with redis.Redis.from_url(url) as client:
        client.execute_command(*block.replace("$PASSWORD", password).split())


def renewed(url, password):
    parts = urlsplit(url)
    return parts._replace(netloc=f":{password}@{parts.hostname}:{parts.port}").geturl()


def opens(live, person, workspace):
    """Somebody who signed in before all that."""
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{name}={signed_in(person, workspace).cookies[name].value}"

    def look():
        asked = urllib.request.Request(f"{live.url}/campaigns/", headers={"Cookie": cookie})
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return answer.url.endswith("/campaigns/")

    return look


def test_a_secret_key_and_the_password_of_valkey_are_changed_while_a_campaign_is_sent(live, workspace, operator):
    """CHANNEL_KEY, ERASURE_KEY and EVIDENCE_KEY are not set here: they follow."""
    old_key, old_url = live.env["SECRET_KEY"], live.env["REDIS_URL"]
    add, remove = blocks("Password of Valkey", "text")
    (take_over,) = blocks("SECRET_KEY")
    new_url = renewed(old_url, NEW_PASSWORD)
    known = {"SECRET_KEY": old_key, "SECRET_KEY_FALLBACKS": NEW_KEY, "REDIS_URL": new_url}
    used = known | {"SECRET_KEY": NEW_KEY, "SECRET_KEY_FALLBACKS": old_key}
    live.start(*SENDERS, "web")
    is_signed_in = opens(live, factories.member(workspace, Role.AUTHOR), workspace)
    with live.carrier(tps=SLOWLY) as carrier:
        campaign = campaign_of(workspace, carrier, COUNT, chunk_size=500)
        carrier.wait_for_submits(50)
        acl(live, old_url, add, NEW_PASSWORD)
        for step in (known, used):
            for name in (*SENDERS, "web"):
                live.start(name, **step)
            assert is_signed_in()
        acl(live, new_url, remove, urlsplit(old_url).password)
        with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(old_url) as client:
            client.ping()
        half = {"CHANNEL_PUBLIC_KEY": halves.public_half(NEW_KEY)}
        assert "encrypted with the new key" in operator(take_over, **used | half)
        live.start("dispatch", **used | {"SECRET_KEY_FALLBACKS": ""})  # its binds need the old key no more
        assert len(carrier.accepted) < COUNT, "too late to tell anything"
        accounts.save(carrier.channel.name, by=None, tps=0)
        totals = ended(campaign, seconds=180)
        assert (totals.delivered, totals.uncertain, totals.failed) == (COUNT, 0, 0)
        check(campaign, carrier)
        assert is_signed_in()

        acl(live, new_url, add, urlsplit(old_url).password)  # and back, for the stories that come after
        operator(take_over, **used | {"SECRET_KEY": old_key, "SECRET_KEY_FALLBACKS": NEW_KEY})
        live.end_all()


def tried(live, channel):
    """What a dispatch process answers who tests the bind on the desk."""
    probe.ask(channel.pk, by=factories.user(), now=timezone.now())
    with Connection(live.env["REDIS_URL"]) as broker:
        tasks.test_bind.apply_async([channel.pk], connection=broker)
    return wait_for(BindTest.objects.filter(channel=channel).exclude(answered_at=None).first)


def test_a_carrier_that_takes_the_new_password_only_is_bound_again_once_it_is_told(live, workspace, operator):
    live.start(*SENDING)
    (tell,) = blocks("Password of a carrier")
    with live.carrier(system_id="demo", password="new") as carrier:  # and the channel has another one
        campaign = campaign_of(workspace, carrier, 100)
        channel = carrier.channel
        refused = Incident.objects.filter(channel=channel, kind=IncidentKind.BIND_REFUSED)
        wait_for(refused.exists)
        given = {"CHANNEL": channel.name, "HOST": channel.host, "PORT": str(channel.port), "PASSWORD": "new"}
        half = halves.public_half(live.env["SECRET_KEY"])
        operator(tell, CHANNEL_KEY="of no use", CHANNEL_PUBLIC_KEY=half, **given)  # as `web` would
        assert ended(campaign).delivered == 100
        assert tried(live, channel).words.startswith("The bind was accepted")


@pytest.fixture
def server(tmp_path):
    """One of its own: the installation's has no administrator here."""
    keyring = Keyring(tmp_path / "keys.json")
    found = Postgres(tmp_path / "postgres", keyring=keyring, log=tmp_path / "postgres.log", throwaway=True)
    url = found.start()
    parts = urlsplit(url)
    password = keyring[postgres.KEYS[postgres.SUPERUSER]]
    host = parts.netloc.rpartition("@")[2]
    admin = parts._replace(netloc=f"{postgres.SUPERUSER}:{password}@{host}").geturl()
    try:
        yield {"DATABASE_OWNER_URL": url, "DATABASE_URL": found.runtime_url, "DATABASE_ADMIN_URL": admin}
    finally:
        found.stop()


def test_the_role_of_the_processes_is_changed_with_both_good_meanwhile(live, server):
    make, drop = blocks("Password of the database")
    env = live.env | server
    done("python manage.py migrate --no-input", env)
    parts = urlsplit(server["DATABASE_URL"])
    new_url = parts._replace(netloc=f"processes_b:{NEW_PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()
    given = {"NEW_ROLE": "processes_b", "NEW_PASSWORD": NEW_PASSWORD, "NEW_DATABASE_URL": new_url}
    done(make, env | given)
    for url in (server["DATABASE_URL"], new_url):
        with psycopg.connect(url, options="-c message_center.scope=all") as process:
            process.execute("UPDATE delivery_tally SET n = n")
            process.execute("SELECT prepare_partitions(current_date, 1)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                process.execute("DROP TABLE delivery_tally")
    done(drop, env | {"OLD_ROLE": parts.username})
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server["DATABASE_URL"])
    done("python manage.py migrate --check", env | {"DATABASE_URL": new_url})
    with psycopg.connect(new_url) as process:
        process.execute("SELECT count(*) FROM delivery_message")
