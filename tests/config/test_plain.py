"""Stores in clear, unverified or without a password: named by `check --deploy`, and refused where that is wanted."""

import runpy

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import plain
from config.apps import stores_are_reached_safely
from stack import ROOT

SAFE = {
    "database": "postgres://user:pw@db.example/name?sslmode=verify-full",
    "owner": "",
    "redis": "rediss://:pw@valkey.example:6379/0?ssl_cert_reqs=required",
    "storage": "s3://key:secret@s3.example/bucket",
}


def test_stores_over_tls_with_passwords_are_safe():
    assert plain.found(**SAFE) == []


@pytest.mark.parametrize(
    ("store", "url", "said"),
    [
        ("database", "postgres://user:pw@db.example/name", "DATABASE_URL says neither"),
        ("database", "postgres://user:pw@db.example/name?sslmode=require", "DATABASE_URL says neither"),
        ("database", "postgres://role@db.example/name?sslmode=verify-ca", "DATABASE_URL has no password"),
        ("owner", "postgres://user:pw@10.0.0.5/name", "DATABASE_OWNER_URL says neither"),
        ("redis", "redis://:pw@valkey.example:6379/0", "REDIS_URL is not rediss"),
        ("redis", "rediss://:pw@valkey.example:6379/0?ssl_cert_reqs=none", "REDIS_URL verifies no"),
        ("redis", "rediss://valkey.example:6379/0", "REDIS_URL has no password"),
        ("storage", "s3://key:secret@s3.example/bucket?tls=0", "STORAGE_URL says tls=0"),
    ],
)
def test_what_could_be_read_or_played_on_the_way_is_named(store, url, said):
    (found,) = plain.found(**SAFE | {store: url})
    assert found.startswith(said)
    assert "pw" not in found


@pytest.mark.parametrize(
    ("store", "url"),
    [
        ("database", "postgres://role@%2Fvar%2Frun%2Fpostgresql/name"),
        ("database", "postgres://role@127.0.0.1/name"),
        ("database", "postgres:///name"),
        ("database", "postgres://user:pw@db.example/name?sslmode=verify-ca&sslcert=/etc/ours.pem"),
        ("redis", "redis://localhost:6379/0"),
        ("redis", "redis://[::1]:6379/0"),
        ("redis", "redis+socket:///run/valkey.sock"),
        ("storage", "file:/srv/objects"),
        ("storage", "s3://key:secret@127.0.0.1:8333/bucket?tls=0"),
        ("storage", "s3:///bucket"),
    ],
)
def test_what_stays_on_the_machine_needs_nothing(store, url):
    assert plain.found(**SAFE | {store: url}) == []


@pytest.fixture
def read(monkeypatch):
    """The settings with this in the environment; None takes a variable away."""

    def read_with(**given):
        monkeypatch.setenv("SECRET_KEY", "some")
        for name, value in given.items():
            monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "config" / "settings.py"))

    return read_with


def test_nothing_starts_with_a_plain_store_where_tls_is_needed(read):
    assert read(REDIS_URL="redis://:pw@valkey.example/0")
    with pytest.raises(ImproperlyConfigured, match=r"^STORES_NEED_TLS: REDIS_URL is not rediss://\.$"):
        read(STORES_NEED_TLS="True")


def test_the_check_of_an_installation_says_so_where_it_is_let(settings):
    settings.STORE_URLS = (SAFE["database"], "", "redis://valkey.example/0", SAFE["storage"])
    assert [one.msg for one in stores_are_reached_safely(None)] == [
        "REDIS_URL is not rediss://.",
        "REDIS_URL has no password.",
    ]


def test_a_store_may_be_named_by_a_file(read, tmp_path):
    """As supervisors hand secrets over."""
    (tmp_path / "redis").write_text("redis://:pw@valkey.example/0\n")
    settings = read(REDIS_URL=None, REDIS_URL_FILE=str(tmp_path / "redis"))
    assert settings["CELERY_BROKER_URL"] == "redis://:pw@valkey.example/0"
