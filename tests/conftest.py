"""The ground of the tests: a database with its triggers, a folder for objects, people and their API clients."""

import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.signals import after_task_publish
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient
from xdist.scheduler import LoadFileScheduling

from accounts.roles import Role
from audit import walls
from stack import environment
from tests import factories, owner, stores

# How long an example takes says more of the machine than of us, and what is found by chance is of no change:
# `--hypothesis-profile search` looks for it.
everywhere = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
hypothesis_settings.register_profile("ours", derandomize=True, **everywhere)
hypothesis_settings.register_profile("search", print_blob=True, **everywhere)
hypothesis_settings.load_profile("ours")


STORIES = ("tests/browser/", "tests/faults/", "tests/journeys/")
OF_A_STORY = 600  # seconds: one of them starts the stores and all processes, on a machine that others keep busy


class ByFile(LoadFileScheduling):
    """Each file on one worker, and all stories on the same one: it starts their processes once, and while it waits for
    them the others compute."""

    def _split_scope(self, nodeid: str) -> str:
        return "stories" if nodeid.startswith(STORIES) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """What takes long begins first, or the workers wait for one of it at the end: the stories, the walks, which have a
    time limit of their own, and then the files with the most tests."""
    tests = Counter(item.path for item in items)
    walks = {item.path for item in items if item.get_closest_marker("timeout")}
    items.sort(key=lambda item: (not item.nodeid.startswith(STORIES), item.path not in walks, -tests[item.path]))
    for item in items:
        if item.nodeid.startswith(STORIES) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(OF_A_STORY))


@pytest.fixture(scope="session", autouse=True)
def emptied_past_the_triggers():
    """How Django empties the database after a test that commits: TRUNCATE of a hundred tables, whatever was written,
    takes longer than most tests, and append-only tables refuse it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: owner.empty())
        yield


walls.be_the_system()  # what a test looks at; the requests that it makes have the scope of whoever makes them


@receiver(connection_created)
def own_nothing(connection, **given):
    """What the tests ask of the database they ask as the role of the processes."""
    if connection.alias == DEFAULT_DB_ALIAS:  # the other one creates databases
        owner.step_down(connection)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """The database of the environment is migrated once; every worker's, and those of live tests, are copies of it."""
    once(tmp_path_factory, "migrate")


@pytest.fixture(scope="session")
def collected(tmp_path_factory):
    """The pages' files are gathered once, before any process serves them: all read the one folder."""
    once(tmp_path_factory, "collectstatic")


def once(tmp_path_factory, command: str) -> None:
    """The first worker of the run runs the command of manage.py; the others wait for its end."""
    base = tmp_path_factory.getbasetemp()  # of this worker, within that of the run; alone it is the run's
    done = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / command
    with done.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            environment.manage(command, "--no-input", env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"})
            done.touch()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, migrated):
    """Before the worker's database is made."""


@pytest.fixture(autouse=True)
def objects(settings, tmp_path) -> Path:
    """The object storage of this test."""
    folder = tmp_path / "objects"
    backend = {**settings.STORAGES["default"], "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    settings.SCRATCH = tmp_path
    return folder


@pytest.fixture(scope="session")
def s3(tmp_path_factory) -> Iterator[str]:
    """The URL of a bucket: a real S3, started once."""
    from stack.keyring import Keyring
    from stack.seaweed import Seaweed

    folder = tmp_path_factory.mktemp("s3")
    server = Seaweed(folder / "seaweed", keyring=Keyring(folder / "keys.json"), log=folder / "seaweed.log")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(params=["folder", "s3"])
def either_store(request, objects, settings) -> str:
    """For tests whose subject is storage: each runs on a folder and on S3."""
    if request.param == "s3":
        settings.STORAGES = {**settings.STORAGES, "default": stores.in_bucket(request.getfixturevalue("s3"))}
    return request.param


@pytest.fixture
def bucket(s3, settings) -> str:
    """The URL of the bucket, of which this test has a part of its own."""
    settings.STORAGES = {**settings.STORAGES, "default": stores.in_bucket(s3)}
    return s3


@pytest.fixture
def rung():
    """What was enqueued so far: (name of the task, its arguments)."""
    published = []

    def note(sender, body, **kwargs):
        published.append((sender, tuple(body[0])))

    after_task_publish.connect(note)
    yield published
    after_task_publish.disconnect(note)


@pytest.fixture(scope="session")
def installation(migrated, collected, tmp_path_factory):
    """Real processes on stores of their own; the tests of journeys/ and faults/ start those that they need."""
    from tests.live import installed

    with installed(tmp_path_factory.mktemp("installation")) as found:
        yield found


@pytest.fixture
def workspace(db):
    return factories.workspace(tokens_may_decide=True)


@pytest.fixture
def author(workspace):
    return factories.member(workspace, Role.AUTHOR)


@pytest.fixture
def moderator(workspace):
    return factories.member(workspace, Role.MODERATOR)


@pytest.fixture
def admin(workspace):
    return factories.member(workspace, Role.ADMIN)


@pytest.fixture
def api(workspace) -> APIClient:
    """A program with the workspace's key."""
    return factories.bearer(factories.api_key(workspace)[1])


@pytest.fixture
def as_author(workspace, author) -> APIClient:
    return factories.bearer(factories.token(workspace, author))


@pytest.fixture
def as_moderator(workspace, moderator) -> APIClient:
    return factories.bearer(factories.token(workspace, moderator))


@pytest.fixture
def as_admin(workspace, admin) -> APIClient:
    return factories.bearer(factories.token(workspace, admin))
