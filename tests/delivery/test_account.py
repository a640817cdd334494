"""What the links see of a channel: a value, looked at every two seconds; another value is another bind."""

from dataclasses import fields, replace

import pytest

from channels import accounts
from channels.models import Channel
from delivery.links.account import Account, active
from tests import factories
from tests.channels.certificates import Authority

pytestmark = pytest.mark.django_db

AUTHORITY = Authority()
CERTIFICATE, KEY = AUTHORITY.certificate()
CHANGES = {
    "host": "other.example",
    "port": 2776,
    "system_id": "other",
    "system_type": "SMPP",
    "bind_mode": "pair",
    "tls": True,
    "binds": 3,
    "window": 7,
    "tps": 250,
    "enquire_link_seconds": 25,
    "response_timeout_seconds": 90,
    "tls_ca": AUTHORITY.pem,
    "tls_server_name": "gw.example",
    "default_coding": "latin1",
    "gsm_data_coding": 1,
    "ucs2_data_coding": 24,
    "long_messages": "sar",
    "service_type": "CMT",
    "dest_ton": 0,
    "dest_npi": 0,
    "plus_sign": True,
    "addr_range": "^31",
    "default_validity_seconds": 86_400,
    "accepted_is_delivered": True,
    "answer_overrides": {"0x45": {"action": "fail"}},
}


def seen():
    (found,), locked = active()
    assert locked == set()
    return found


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_is_another_value_for_the_links(name):
    factories.channel()
    before = seen()
    accounts.save("main", by=None, **{name: CHANGES[name]})
    after = seen()
    assert after != before
    assert getattr(after, {"bind_mode": "pair"}.get(name, name)) in (CHANGES[name], name == "bind_mode")


def test_a_certificate_and_its_key_reach_the_links_in_clear():
    factories.channel()
    accounts.save("main", by=None, tls_client_certificate=CERTIFICATE, tls_client_key=KEY)
    assert (seen().tls_client_certificate, seen().tls_client_key) == (CERTIFICATE, KEY)


def test_nothing_that_may_be_changed_is_kept_from_the_links():
    told = {field.name for field in fields(Account)}
    assert told == {*CHANGES} - {"bind_mode"} | {
        *("channel_id", "name", "password", "pair", "tls_client_certificate", "tls_client_key", "receipt_id_base"),
        "changed_at",
    }


def test_what_a_new_channel_and_a_value_of_its_bare_account_say_is_the_same():
    channel = factories.channel()
    names = ("host", "port", "system_id", "password", "system_type", "tls", "binds", "window", "tps", "name")
    bare = Account(channel_id=channel.pk, pair=False, **{name: getattr(channel, name) for name in names})
    assert replace(seen(), changed_at=None) == bare


def test_what_the_receipts_teach_closes_no_bind():
    factories.channel()
    before = seen()
    Channel.objects.update(receipt_id_base="hex_to_dec")
    assert (seen().receipt_id_base, seen()) == ("hex_to_dec", before)


def test_a_channel_whose_client_key_does_not_decrypt_is_not_opened(settings):
    channel = factories.channel()
    accounts.save("main", by=None, password="", tls_client_certificate=CERTIFICATE, tls_client_key=KEY)
    settings.CHANNEL_KEY = "another one"
    assert active() == ([], {channel.pk})
