import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from channels.models import BindMode, Channel, DefaultCoding, IdBase, LongMessages
from tests.channels.certificates import Authority

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


OPTIONS = {
    "addr_range": ("--addr-range=^31", "^31"),
    "enquire_link_seconds": ("--enquire-link-seconds=25", 25),
    "response_timeout_seconds": ("--response-timeout-seconds=90", 90),
    "tls_server_name": ("--tls-server-name=gw.example", "gw.example"),
    "default_coding": ("--default-coding=latin1", DefaultCoding.LATIN1),
    "gsm_data_coding": ("--gsm-data-coding=1", 1),
    "ucs2_data_coding": ("--ucs2-data-coding=24", 24),
    "long_messages": ("--long-messages=sar", LongMessages.SAR),
    "service_type": ("--service-type=CMT", "CMT"),
    "dest_ton": ("--dest-ton=0", 0),
    "dest_npi": ("--dest-npi=6", 6),
    "plus_sign": ("--plus-sign", True),
    "default_validity_seconds": ("--default-validity-seconds=86400", 86_400),
    "accepted_is_delivered": ("--accepted-is-delivered", True),
    "answer_overrides": ('--answer-overrides={"0x45": {"action": "fail"}}', {"0x45": {"action": "fail"}}),
}
USUAL = {
    "addr_range": "",
    "enquire_link_seconds": 20,
    "response_timeout_seconds": None,
    "tls_server_name": "",
    "default_coding": DefaultCoding.GSM,
    "gsm_data_coding": 0,
    "ucs2_data_coding": 8,
    "long_messages": LongMessages.UDH8,
    "service_type": "",
    "dest_ton": 1,
    "dest_npi": 1,
    "plus_sign": False,
    "default_validity_seconds": None,
    "accepted_is_delivered": False,
    "answer_overrides": {},
}


def options_of(channel):
    return {name: getattr(channel, name) for name in OPTIONS}


def test_a_new_channel_does_what_most_carriers_want():
    channel = add()
    assert options_of(channel) == USUAL
    assert (channel.receipt_id_base, channel.tls_ca, channel.tls_client_key) == (IdBase.UNKNOWN, "", "")


def test_what_carriers_differ_in_is_given_and_kept_and_in_the_ledger():
    channel = add(*[option for option, _ in OPTIONS.values()])
    assert options_of(channel) == {name: value for name, (_, value) in OPTIONS.items()}
    assert options_of(add(port=2776)) == options_of(channel)
    first, _ = Entry.objects.about(channel).order_by("seq")
    assert {name: first.after[name] for name in OPTIONS} == options_of(channel)


def test_seconds_are_forgotten_with_none():
    add("--response-timeout-seconds=90", "--default-validity-seconds=86400")
    channel = add("--response-timeout-seconds=none", "--default-validity-seconds=none")
    assert (channel.response_timeout_seconds, channel.default_validity_seconds) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("--ucs2-data-coding=256", "ucs2_data_coding: .*255"),
        ("--gsm-data-coding=8", "nobody could tell them apart"),
        ("--gsm-data-coding=-1", "gsm_data_coding"),
        ("--service-type=TOOLONG", "service_type: .*at most 5"),
        ("--service-type=ыы", "service_type: SMPP takes ASCII only"),
        ("--addr-range=ыы", "addr_range: SMPP takes ASCII only"),
        ("--tls-server-name=смс", "tls_server_name: SMPP takes ASCII only"),
        ("--dest-ton=256", "dest_ton"),
        ("--enquire-link-seconds=0", "enquire_link_seconds"),
        ("--response-timeout-seconds=0", "response_timeout_seconds"),
        ("--default-validity-seconds=59", "default_validity_seconds"),
        ("--default-validity-seconds=38102401", "default_validity_seconds"),
        ('--answer-overrides={"0x45": {"action": "resend"}}', "answer_overrides: 0x45: action is one of"),
        ("--answer-overrides=nonsense", "this is not JSON"),
        ("--answer-overrides=[]", "answer_overrides: .*not an object"),
        ("--tls-ca=/nowhere/ca.pem", "cannot be read"),
        ("--long-messages=glue", "invalid choice"),
        ("--default-coding=utf8", "invalid choice"),
    ],
)
def test_what_no_carrier_takes_is_named_and_changes_nothing(wrong, message):
    with pytest.raises(CommandError, match=message):
        add(wrong)
    assert not Channel.objects.exists()


def test_certificates_come_from_files_and_the_key_is_encrypted_and_unrecorded(tmp_path):
    authority = Authority()
    certificate, key = authority.certificate()
    for name, pem in {"ca": authority.pem, "certificate": certificate, "key": key}.items():
        (tmp_path / name).write_text(pem)
    channel = add(
        "--tls",
        f"--tls-ca={tmp_path / 'ca'}",
        f"--tls-client-certificate={tmp_path / 'certificate'}",
        f"--tls-client-key={tmp_path / 'key'}",
    )
    assert (channel.tls_ca, channel.tls_client_certificate, channel.tls_client_key) == (authority.pem, certificate, key)
    assert "PRIVATE" not in channel.tls_client_key_ciphertext
    entry = Entry.objects.about(channel).get()
    assert "BEGIN" not in str(entry.after) and entry.after["tls_ca"].startswith("sha256:")
    assert entry.note == "The key of the client certificate was replaced."
    assert not hasattr(channel.history.first(), "tls_client_key_ciphertext")
    assert add("--tps=7").tls_client_key == key


def test_without_its_certificate_a_key_is_forgotten(tmp_path):
    certificate, key = Authority().certificate()
    (tmp_path / "certificate").write_text(certificate)
    (tmp_path / "key").write_text(key)
    (tmp_path / "nothing").write_text("")
    with pytest.raises(CommandError, match="tls_client_certificate: A certificate without its key"):
        add(f"--tls-client-certificate={tmp_path / 'certificate'}")
    add(f"--tls-client-certificate={tmp_path / 'certificate'}", f"--tls-client-key={tmp_path / 'key'}")
    channel = add(f"--tls-client-certificate={tmp_path / 'nothing'}")
    assert (channel.tls_client_certificate, channel.tls_client_key_ciphertext) == ("", "")


def test_a_certificate_of_another_key_needs_that_key(tmp_path):
    authority = Authority()
    for name in ("old", "new"):
        certificate, key = authority.certificate()
        (tmp_path / name).write_text(certificate)
        (tmp_path / f"{name}.key").write_text(key)
    add(f"--tls-client-certificate={tmp_path / 'old'}", f"--tls-client-key={tmp_path / 'old.key'}")
    with pytest.raises(CommandError, match="The key is not that of the certificate"):
        add(f"--tls-client-certificate={tmp_path / 'new'}")
    channel = add(f"--tls-client-certificate={tmp_path / 'new'}", f"--tls-client-key={tmp_path / 'new.key'}")
    assert channel.tls_client_key == (tmp_path / "new.key").read_text()


def test_the_ledger_says_that_a_password_was_replaced():
    channel = add(*ACCOUNT)
    add("--tps=5")
    notes = [entry.note for entry in Entry.objects.about(channel).order_by("seq")]
    assert notes == ["The password was replaced.", ""]
