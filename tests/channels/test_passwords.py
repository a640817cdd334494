"""Secrets of channels at rest."""

import importlib
import os
import subprocess
import sys

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import Entry
from channels import accounts, halves, passwords
from channels.models import Channel
from smpp import pdu
from stack import ROOT
from tests.channels.certificates import Authority

pytestmark = pytest.mark.django_db
SECRET = "mrk7pass"


def give(settings, key, version):
    """A key, as processes have it that seal in this version."""
    settings.CHANNEL_KEY = key
    settings.CHANNEL_PUBLIC_KEY = halves.public_half(key) if version == "2" else ""


@pytest.fixture(params=["1", "2"])
def version(request, settings):
    give(settings, settings.CHANNEL_KEY, request.param)
    return request.param


@pytest.fixture
def channel(version):
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
    for changed in (f"{version}:{name}:{text[:-6]}AAAAA=", f"{version}:{name}:", f"3:{name}:{text}", "of another key"):
        with pytest.raises(ImproperlyConfigured):
            passwords.decrypt(changed, of="main/password_ciphertext")


def test_the_same_password_is_another_ciphertext_each_time(version):
    assert len({passwords.encrypt(SECRET, of="main/password_ciphertext") for _ in range(20)}) == 20


def test_an_older_key_is_read_until_all_is_encrypted_with_todays(channel, version, settings, capsys):
    key, old = channel.tls_client_key, settings.CHANNEL_KEY
    give(settings, "key of today", version)
    with pytest.raises(CommandError, match="main"):
        call_command("rotate_channel_key")  # nobody gave the old one
    settings.CHANNEL_KEY_FALLBACKS = ["one in between", old]
    assert Channel.objects.get().password == SECRET
    call_command("rotate_channel_key")
    settings.CHANNEL_KEY_FALLBACKS = []
    after = Channel.objects.get()
    assert after.password_ciphertext.startswith(f"{version}:")
    assert (after.password, after.tls_client_key) == (SECRET, key)
    assert Entry.objects.about(channel).filter(action="channel.secrets_rotated").count() == 1
    call_command("rotate_channel_key")
    assert "Nothing was to be done." in capsys.readouterr().out
    settings.CHANNEL_KEY = old
    with pytest.raises(ImproperlyConfigured):
        Channel.objects.get().password  # noqa: B018


def sealed_before(settings):
    """A channel of a release that knew no halves."""
    give(settings, settings.CHANNEL_KEY, "1")
    return accounts.save("main", by=None, host="smsc.example", port=2775, password=SECRET)


def test_who_has_the_public_half_alone_seals_and_opens_nothing(channel, settings):
    key = settings.CHANNEL_KEY
    give(settings, key, "2")
    settings.CHANNEL_KEY = "web has none"
    certificate, its_key = Authority().certificate()
    given = {"password": "another", "tls_client_certificate": certificate, "tls_client_key": its_key}
    accounts.save("main", by=None, **given)
    accounts.save("main", by=None, tls_client_certificate=f"{certificate}\n")  # renewed: of the same key
    for field in ("password", "tls_client_key"):
        with pytest.raises(ImproperlyConfigured, match="CHANNEL_KEY has changed"):
            getattr(Channel.objects.get(), field)
    settings.CHANNEL_KEY = key
    assert (Channel.objects.get().password, Channel.objects.get().tls_client_key) == ("another", its_key)


def test_with_the_public_half_a_rotation_takes_over_what_was_sealed_without(settings, capsys):
    sealed_before(settings)
    settings.CHANNEL_PUBLIC_KEY = halves.public_half("of another key")
    with pytest.raises(CommandError, match="is no half of CHANNEL_KEY"):
        call_command("rotate_channel_key")
    assert Channel.objects.get().password_ciphertext.startswith("1:")
    give(settings, settings.CHANNEL_KEY, "2")
    assert Channel.objects.get().password == SECRET
    call_command("rotate_channel_key")
    assert Channel.objects.get().password_ciphertext.startswith("2:")
    settings.CHANNEL_PUBLIC_KEY = ""  # not every process needs it
    assert Channel.objects.get().password == SECRET
    call_command("rotate_channel_key")
    assert "Nothing was to be done." in capsys.readouterr().out


def test_a_password_is_told_to_no_host_but_that_it_was_sealed_for(settings):
    sealed_before(settings)
    accounts.save("main", by=None, host="smsc2.example")  # as ever
    assert Channel.objects.get().password == SECRET
    give(settings, settings.CHANNEL_KEY, "2")
    call_command("rotate_channel_key")
    with pytest.raises(ValidationError, match="give it again"):
        accounts.save("main", by=None, host="evil.example")
    Channel.objects.update(host="evil.example")
    with pytest.raises(ImproperlyConfigured, match="of another one"):
        Channel.objects.get().password  # noqa: B018
    Channel.objects.update(host="smsc2.example")
    moved = accounts.save("main", by=None, host="smsc3.example", port=2776, password=SECRET)
    assert Channel.objects.get(pk=moved.pk).password == SECRET


def test_a_key_says_its_public_half():
    told = subprocess.run(
        [sys.executable, "-m", "channels.halves"], cwd=ROOT, input="a key\n", capture_output=True, text=True, check=True
    )
    assert told.stdout == f"{halves.public_half('a key')}\n"


def test_a_rotation_that_cannot_read_one_secret_changes_none(channel, version, settings):
    Channel.objects.filter(pk=other().pk).update(password_ciphertext="unreadable")
    before = list(Channel.objects.order_by("pk").values_list("password_ciphertext", flat=True))
    settings.CHANNEL_KEY_FALLBACKS = [settings.CHANNEL_KEY]
    give(settings, "key of today", version)
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


@pytest.mark.parametrize("missing", ["CHANNEL_KEY", "CHANNEL_PUBLIC_KEY", "SECRET_KEY"])
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
