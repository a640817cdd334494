"""What a user may not make this server call."""

import socket
import threading
from contextlib import suppress

import pytest

from audit.refusal import Refused
from webhooks import wall
from webhooks.wall import Walled

REFUSED = """
https://127.0.0.1/ https://127.1/ https://127.0.1/ https://2130706433/ https://0x7f000001/ https://0x7f.1/
https://0177.0.0.1/ https://017700000001/ https://0/ https://0.0.0.0/ https://127.0.0.1./ https://127.255.255.254/
https://[::1]/ https://[::]/ https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/ https://[::ffff:8.8.8.8]/
https://[::127.0.0.1]/ https://[64:ff9b::7f00:1]/ https://[64:ff9b::a9fe:a9fe]/ https://[64:ff9b:1::1]/
https://[2002:7f00:1::]/ https://[2001::1]/ https://[fe80::1]/ https://[fe80::1%25eth0]/ https://[fc00::1]/
https://[fd00:ec2::254]/ https://[fec0::1]/ https://[ff02::1]/ https://[2001:db8::1]/ https://[3fff::1]/
https://10.0.0.1/ https://172.16.0.1/ https://192.168.1.1/ https://100.64.0.1/ https://100.100.100.200/
https://169.254.169.254/latest/meta-data/ https://169.254.170.2/ https://192.0.0.192/ https://168.63.129.16/
https://198.18.0.1/ https://192.0.2.1/ https://224.0.0.1/ https://240.0.0.1/ https://255.255.255.255/
https://localhost/ https://localhost./ https://LOCALHOST/ https://a.localhost/ https://printer.local/
https://metadata/ https://metadata.google.internal/ https://metadata.google.internal./ https://db.lan/
https://1.0.0.127.in-addr.arpa/ https://redis:6379/ https://①②⑦.⓪.⓪.①/ https://пример.рф/ https://example。com/
https://user@example.com/ https://user:pw@example.com/ https://example.com@127.0.0.1/ https://example.com%00.x.com/
https://example.com\\@127.0.0.1/ https://127.0.0.1#@example.com/ https://example.com/#fragment
https://example.com:22/ https://example.com:6379/ https://example.com:80/ https://example.com:0/
https://example.com:99999/ https://example.com:x/ https://-a.example.com/ https://a..example.com/ https:///nowhere
https:example.com http://example.com/ file:///etc/passwd gopher://example.com/ ftp://example.com/ dict://example.com/
javascript:alert(1) //example.com/ example.com
""".split()  # noqa: SIM905


@pytest.mark.parametrize(
    "url", [*REFUSED, "", "https://exa mple.com/", "https://example.com/\r\nHost: a", "\thttps://a.com"]
)
def test_an_address_that_is_not_plainly_public_is_refused(url):
    with pytest.raises(Refused) as refused:
        wall.target_of(url)
    assert (refused.value.code, refused.value.field) == ("address_refused", "url")


@pytest.mark.parametrize(
    ("url", "netloc"),
    [
        ("https://example.com", "example.com"),
        ("https://EXAMPLE.com:443/a?b=c", "example.com"),
        ("https://hooks.xn--e1afmkfd.xn--p1ai:8443/", "hooks.xn--e1afmkfd.xn--p1ai:8443"),
        ("https://8.8.8.8/", "8.8.8.8"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]"),
    ],
)
def test_a_public_one_is_not(url, netloc):
    assert wall.target_of(url).netloc == netloc


def test_ports_are_those_of_the_setting(settings):
    settings.WEBHOOK_PORTS = [443, 9443]
    assert wall.target_of("https://example.com:9443/").port == 9443
    with pytest.raises(Refused, match="443, 9443"):
        wall.target_of("https://example.com:8443/")


def test_loopback_is_for_a_try_at_home_and_opens_nothing_else(settings):
    settings.WEBHOOKS_TO_LOOPBACK = True
    target = wall.target_of("http://127.0.0.1:9000/a")
    assert (target.is_secure, target.port) == (False, 9000)
    assert wall.reach(target, within=1).is_loopback
    let_in = set()
    for url in REFUSED:
        with suppress(Refused):
            let_in.add(wall.target_of(url).host)
    assert let_in == {"127.0.0.1", "127.255.255.254", "::1", "localhost"}


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["fd00::1"], []])
def test_a_name_that_says_a_private_address_beside_whatever_else_is_refused(monkeypatch, addresses):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(wall.socket, "getaddrinfo", lambda *a, **k: answer)
    with pytest.raises(Walled):
        wall.reach(wall.target_of("https://example.com/"), within=1)


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch):
    is_over = threading.Event()
    monkeypatch.setattr(wall.socket, "getaddrinfo", lambda *a, **k: is_over.wait(60) and [])
    with pytest.raises(Walled, match="in time"):
        wall.reach(wall.target_of("https://example.com/"), within=0.05)
    is_over.set()
