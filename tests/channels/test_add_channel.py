import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from channels.models import BindMode, Channel

pytestmark = pytest.mark.django_db

ACCOUNT = ("--system-id=shop", "--password=secret")
KNOBS = ("--system-type=SMPP", "--tps=250", "--window=40", "--binds=3", "--bind-mode=pair", "--tls", "--default")


def add(*options, name="main", host="smsc.example", port=2775):
    call_command("add_channel", f"--name={name}", f"--host={host}", f"--port={port}", *options)
    return Channel.objects.get(name=name)


def knobs_of(channel):
    names = ("system_id", "password", "system_type", "tps", "window", "binds", "bind_mode", "tls", "is_default")
    return {name: getattr(channel, name) for name in names}


def test_a_channel_is_added_with_what_was_given(capsys):
    channel = add(*ACCOUNT, *KNOBS)
    assert knobs_of(channel) == {
        "system_id": "shop",
        "password": "secret",
        "system_type": "SMPP",
        "tps": 250,
        "window": 40,
        "binds": 3,
        "bind_mode": BindMode.PAIR,
        "tls": True,
        "is_default": True,
    }
    assert channel.is_active
    assert capsys.readouterr().out == f"Channel {channel.pk} “main” → smsc.example:2775\n"


def test_what_is_not_given_of_a_new_channel_is_the_usual():
    channel = add()
    assert (channel.tps, channel.window, channel.binds) == (0, 10, 1)
    assert (channel.bind_mode, channel.tls, channel.password) == (BindMode.TRANSCEIVER, False, "")


def test_changing_a_channel_keeps_what_is_not_given():
    before = add(*ACCOUNT, *KNOBS)
    Channel.objects.filter(pk=before.pk).update(is_active=False)
    after = add(host="other.example", port=2776)
    assert (after.pk, after.host, after.port) == (before.pk, "other.example", 2776)
    assert knobs_of(after) == knobs_of(before)
    assert not after.is_active


def test_a_knob_is_changed_alone():
    add(*ACCOUNT, *KNOBS)
    after = add("--tps=0", "--no-tls", "--password=")
    assert (after.tps, after.tls, after.password, after.window) == (0, False, "", 40)


def test_a_value_out_of_bounds_is_named_and_changes_nothing():
    with pytest.raises(CommandError, match="window"):
        add("--window=0")
    with pytest.raises(CommandError, match="password"):
        add("--password=far-too-long")
    assert not Channel.objects.exists()


def test_the_ledger_has_the_change_and_not_the_password():
    channel = add(*ACCOUNT)
    add("--tps=5", "--password=another")
    made, changed = Entry.objects.about(channel).order_by("seq")
    assert (made.action, changed.action) == ("channel.created", "channel.changed")
    assert (changed.before["tps"], changed.after["tps"]) == (0, 5)
    assert "another" not in str(changed.after)
