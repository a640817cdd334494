"""Secrets of channels at rest."""

import importlib
import os
import subprocess
import sys

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import Entry
from channels import accounts, passwords
from channels.models import Channel
from smpp import pdu
from stack import ROOT
from tests.channels.certificates import Authority

pytestmark = pytest.mark.django_db
SECRET = "mrk7pass"


@pytest.fixture
def channel():
    certificate, key = Authority().certificate()
    secrets = {"password": SECRET, "tls_client_certificate": certificate, "tls_client_key": key}
    return accounts.save("main", by=None, host="smsc.example", port=2775, **secrets)


def other():
    return accounts.save("other", by=None, host="evil.example", port=2775, password="another")


def test_a_ciphertext_that_was_moved_to_another_channel_does_not_decrypt(channel):
    Channel.objects.filter(pk=other().pk).update(password_ciphertext=channel.password_ciphertext)
    with pytest.raises(ImproperlyConfigured, match="of another one"):
        Channel.objects.get(name="other").password  # noqa: B018
    assert Channel.objects.get(name="main").password == SECRET


def test_a_ciphertext_that_was_moved_to_another_field_does_not_decrypt(channel):
    Channel.objects.filter(pk=channel.pk).update(tls_client_key_ciphertext=channel.password_ciphertext)
    with pytest.raises(ImproperlyConfigured):
        Channel.objects.get(pk=channel.pk).tls_client_key  # noqa: B018


def test_a_ciphertext_that_was_changed_does_not_decrypt(channel):
    version, name, text = channel.password_ciphertext.split(":")
    for changed in (f"{version}:{name}:{text[:-6]}AAAAA=", f"{version}:{name}:", f"2:{name}:{text}", "of another key"):
        with pytest.raises(ImproperlyConfigured):
            passwords.decrypt(changed, of="main/password_ciphertext")


def test_the_same_password_is_another_ciphertext_each_time():
    assert len({passwords.encrypt(SECRET, of="main/password_ciphertext") for _ in range(20)}) == 20


def test_an_older_key_is_read_until_all_is_encrypted_with_todays(channel, settings, capsys):
    key = channel.tls_client_key
    old, settings.CHANNEL_KEY = settings.CHANNEL_KEY, "key of today"
    with pytest.raises(CommandError, match="main"):
        call_command("rotate_channel_key")  # nobody gave the old one
    settings.CHANNEL_KEY_FALLBACKS = ["one in between", old]
    assert Channel.objects.get().password == SECRET
    call_command("rotate_channel_key")
    settings.CHANNEL_KEY_FALLBACKS = []
    after = Channel.objects.get()
    assert (after.password, after.tls_client_key) == (SECRET, key)
    assert Entry.objects.about(channel).filter(action="channel.secrets_rotated").count() == 1
    call_command("rotate_channel_key")
    assert "Nothing was to be done." in capsys.readouterr().out
    settings.CHANNEL_KEY = old
    with pytest.raises(ImproperlyConfigured):
        Channel.objects.get().password  # noqa: B018


def test_a_rotation_that_cannot_read_one_secret_changes_none(channel, settings):
    Channel.objects.filter(pk=other().pk).update(password_ciphertext="unreadable")
    before = list(Channel.objects.order_by("pk").values_list("password_ciphertext", flat=True))
    settings.CHANNEL_KEY, settings.CHANNEL_KEY_FALLBACKS = "key of today", [settings.CHANNEL_KEY]
    with pytest.raises(CommandError, match="other"):
        call_command("rotate_channel_key")
    assert list(Channel.objects.order_by("pk").values_list("password_ciphertext", flat=True)) == before
    assert not Entry.objects.filter(action="channel.secrets_rotated").exists()


def test_a_secret_from_before_is_bound_by_the_migration(channel):
    migration = importlib.import_module("channels.migrations.0007_bind_secrets")
    unreadable = other()
    Channel.objects.filter(pk=channel.pk).update(password_ciphertext=as_before(SECRET))
    Channel.objects.filter(pk=unreadable.pk).update(password_ciphertext="of another key")
    migration.bind(apps, None)
    assert Channel.objects.get(pk=channel.pk).password == SECRET
    assert Channel.objects.get(pk=unreadable.pk).password_ciphertext == "of another key"


def as_before(secret):
    import base64
    import hashlib

    from cryptography.fernet import Fernet
    from django.conf import settings

    key = base64.urlsafe_b64encode(hashlib.sha256(b"channel:" + settings.CHANNEL_KEY.encode()).digest())
    return Fernet(key).encrypt(secret.encode()).decode()


def test_the_whole_database_has_no_password_in_clear(channel):
    """Every column of every table, as a dump would have it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" row WHERE row::text LIKE %s', [f"%{SECRET}%"])
            if cursor.fetchone()[0]:
                found.append(table)
    assert len(tables) > 30 and found == []


@pytest.mark.parametrize("missing", ["CHANNEL_KEY", "SECRET_KEY"])
def test_nothing_starts_without_a_key(missing):
    stores = {"DATABASE_URL": "postgres://x/x", "REDIS_URL": "redis://x", "STORAGE_URL": "file:/tmp/x"}
    given = {"PATH": os.environ["PATH"], **stores, "SECRET_KEY": "x", missing: ""}
    started = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=given, capture_output=True, text=True, check=False
    )
    assert started.returncode and f"Set {missing} (or {missing}_FILE)." in started.stderr


@pytest.mark.parametrize("bind", [pdu.BindTransceiver, pdu.BindTransmitter, pdu.BindReceiver, pdu.Outbind])
def test_a_bind_that_is_shown_leaves_its_password_out(bind):
    request = bind(system_id=b"shop", password=SECRET.encode())
    for shown in (repr(request), str(request), f"{request}", f"{[request]}"):
        assert "shop" in shown and SECRET not in shown
