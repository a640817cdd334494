"""Binds that are refused, links that go out of step, and bytes that are no SMPP."""

import itertools
import os
import random
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server, socket

import pytest

from delivery.models import Incident
from delivery.statuses import IncidentKind, MessageState
from simulator import journal
from smpp import pdu
from tests.delivery.ground import receipt as receipt_body
from tests.faults.machine import FLEET, W, load, quiet, resolved
from tests.faults.odd import Odd, odd_carrier
from tests.faults.proxy import Proxy
from tests.live import totals_of, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

S = MessageState
K = IncidentKind


def incidents(carrier, kind):
    return sum(Incident.objects.filter(channel=carrier.channel, kind=kind).values_list("count", flat=True))


def binds_of(carrier):
    return [entry for entry in carrier.entries if isinstance(entry, journal.Bind)]


def gaps(times):
    return [after - before for before, after in itertools.pairwise(sorted(times))]


def memory(pid):
    """Bytes of it that are its own."""
    fields = [int(word) for word in Path(f"/proc/{pid}/statm").read_text().split()]
    return (fields[1] - fields[2]) * os.sysconf("SC_PAGE_SIZE")


# --- Binds ------------------------------------------------------------------------------------------------------------


def test_a_bind_that_is_refused_for_the_moment_is_tried_again_after_longer_and_longer(live, workspace, seen):
    live.fleet(count=1)
    with live.carrier(window=W, bind_fail_first=3) as carrier:
        seen.injected = "BIND_FAIL_FIRST=3, one process"
        campaign = load(workspace, carrier, 200)
        assert quiet(campaign).delivered == 200
        seen.core(campaign, carrier)
        tries = gaps([one.at for one in binds_of(carrier)])
        assert [one.status for one in binds_of(carrier)] == [0x0D] * 3 + [0]
        assert min(tries) >= 1
        assert tries[0] < tries[1] < tries[2]
        seen.note = "waited " + ", ".join(f"{one:.0f} s" for one in tries)


@pytest.mark.parametrize("knob", ["password", "system_id"])
def test_a_wrong_password_or_name_is_tried_once_by_each_process(live, workspace, seen, knob):
    live.fleet()
    with live.carrier(window=W, **{knob: "another"}) as carrier:
        seen.injected = f"another {knob} than the channel's"
        wait_for(lambda: len(binds_of(carrier)) >= len(FLEET))
        time.sleep(15)
        assert len(binds_of(carrier)) == len(FLEET)
        assert incidents(carrier, K.BIND_REFUSED) == len(FLEET)
        seen.note = "one bind a process in 15 s"


def test_a_carrier_with_too_many_sessions_is_left_alone_for_half_a_minute(live, workspace, seen):
    live.fleet(count=1)
    odd = Odd(bind_status=0x05)
    with odd_carrier(live, odd) as carrier:
        seen.injected = "0x05 to every bind"
        campaign = load(workspace, carrier, 10)
        wait_for(lambda: len(odd.binds) == 2, seconds=90)
        waited = odd.binds[1] - odd.binds[0]
        assert waited >= 29.9
        assert carrier.submits == []
        odd.bind_status = 0
        odd.cut()
        seen.note = f"the second try came after {waited:.0f} s"
        from campaigns import transitions

        transitions.cancel(campaign.pk, by=campaign.created_by, now=datetime.now(UTC), reason="Over.")
        quiet(campaign)
        seen.core(campaign, carrier)


def test_a_carrier_that_unbinds_is_answered_and_bound_again(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W, unbind_every=50, binds=2) as carrier:
        seen.injected = "UNBIND_EVERY=50, 600 numbers"
        campaign = load(workspace, carrier, 600, chunk_size=50)
        quiet(campaign)
        resolved(campaign, carrier)
        seen.core(campaign, carrier)
        unbinds = carrier.count(journal.Unbind)
        assert unbinds >= 10
        assert len(binds_of(carrier)) >= unbinds
        seen.note = f"{unbinds} times"


def test_an_unbind_is_answered(live, workspace, seen):
    live.fleet(count=1)
    odd = Odd()
    with odd_carrier(live, odd) as carrier:
        seen.injected = "unbind on an idle link"
        wait_for(lambda: odd.binds)
        odd.write(pdu.encode(pdu.Unbind(sequence=7)))
        wait_for(lambda: odd.unbind_answers == 1, seconds=5)
        wait_for(lambda: len(odd.binds) == 2, seconds=10)
        campaign = load(workspace, carrier, 50)
        assert quiet(campaign).delivered == 50
        seen.core(campaign, carrier)


# --- Links ------------------------------------------------------------------------------------------------------------


def test_a_half_open_link_is_given_up_within_forty_seconds(live, workspace, seen):
    live.fleet(count=1)
    lines = []

    def through(port):
        lines.append(Proxy(port=port))
        return lines[0].port

    odd = Odd(lambda odd, n, destination, times: 0)
    try:
        with odd_carrier(live, odd, through=through) as carrier:
            campaign = load(workspace, carrier, 1000)
            carrier.wait_for_submits(300)
            lines[0].hold()
            held_at = time.monotonic()
            seen.injected = "the line holds everything and is not closed"
            wait_for(lambda: incidents(carrier, K.PROTOCOL), seconds=60)
            took = time.monotonic() - held_at
            lines[0].cut()
            lines[0].let_go()
            assert took <= 20 + 2 * 10 + 5  # and what a busy machine takes
            quiet(campaign)
            resolved(campaign, carrier)
            assert seen.doubts(campaign) <= W
            seen.core(campaign, carrier)
            seen.note = f"given up after {took:.0f} s"
    finally:
        for line in lines:
            line.close()


def test_bytes_in_pieces_of_one_to_seven_are_all_understood(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W, split_writes=1) as carrier:
        seen.injected = "SPLIT_WRITES=1, 1,500 numbers"
        campaign = load(workspace, carrier, 1500)
        assert quiet(campaign).delivered == 1500
        seen.core(campaign, carrier)


def test_a_burst_of_pdus_in_one_segment_is_all_understood(live, workspace, seen):
    live.fleet(count=1)
    odd = Odd(sends_receipts=False)
    with odd_carrier(live, odd, window=50) as carrier:
        campaign = load(workspace, carrier, 2000)
        wait_for(lambda: totals_of(campaign).pending == 2000)
        seen.injected = "2,000 receipts in one write"
        parts = []
        for number, (phone, message_id) in enumerate(odd.ids.items()):
            odd.sent[100_000 + number] = message_id
            body = receipt_body(message_id, phone)
            parts.append(pdu.HEADER.pack(16 + len(body), 0x05, 0, 100_000 + number) + body)
        odd.write(b"".join(parts))
        assert quiet(campaign).delivered == 2000
        seen.core(campaign, carrier)


BOMBS = {
    "0": (0).to_bytes(4, "big") + b"\0" * 12,
    "15": (15).to_bytes(4, "big") + b"\0" * 12,
    "0x7fffffff": (0x7FFFFFFF).to_bytes(4, "big") + b"\0\0\0\5" + b"\0" * 8,
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


def test_a_length_that_is_none_closes_the_session_takes_no_memory_and_the_next_goes_on(live, workspace, seen):
    live.fleet(count=1)
    odd = Odd()
    with odd_carrier(live, odd) as carrier:
        seen.injected = "lengths 0, 15, 0x7fffffff and an HTTP answer, twice each"
        campaign = load(workspace, carrier, 200)
        quiet(campaign)
        before = 0
        for number, bomb in enumerate([*BOMBS.values(), *BOMBS.values()]):
            wait_for(lambda: odd.open == 1, seconds=90)
            time.sleep(0.2)
            before = before or memory(live.pid("dispatch"))
            count = len(odd.binds)
            odd.write(bomb)
            wait_for(lambda count=count: len(odd.binds) == count + 1, seconds=90)
            if number >= 4:
                break  # the back-off doubles each time, and each kind had its turn
        grown = memory(live.pid("dispatch")) - before
        assert odd.nacks >= 4
        assert grown < 1_000_000
        seen.core(campaign, carrier)
        again = load(workspace, carrier, 1)  # over the session that is back
        wait_for(lambda: totals_of(again).delivered == 1)
        seen.note = f"{odd.nacks} nacks, {len(odd.binds)} sessions, memory {grown / 1024:+.0f} KB"


def test_the_simulators_impossible_length_costs_one_session(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W, length_bomb_after=300) as carrier:
        seen.injected = "LENGTH_BOMB_AFTER=300"
        campaign = load(workspace, carrier, 1000)
        quiet(campaign)
        resolved(campaign, carrier)
        seen.doubts(campaign, most=W)
        seen.core(campaign, carrier)
        assert len(binds_of(carrier)) == len(FLEET) + 1


def test_mutated_receipts_cost_themselves_and_later_ones_are_fine(live, workspace, seen):
    live.fleet(count=1)
    odd = Odd(sends_receipts=False)
    with odd_carrier(live, odd) as carrier:
        campaign = load(workspace, carrier, 100)
        wait_for(lambda: totals_of(campaign).pending == 100)
        dice, count = random.Random(seen.seed), 10_000
        seen.injected = f"{count:,} receipts with damaged bodies and parameters"
        good = bytearray(receipt_body("ABCDEF", "31999999999")) + b"\0\x1e\0\7ABCDEF\0\4\x27\0\1\2\4\x23\0\3\3\0\1"
        for number in range(count):
            body = bytearray(good)
            for _ in range(dice.randint(1, 4)):
                match dice.randrange(3) if len(body) > 1 else None:
                    case 0:
                        body[dice.randrange(len(body))] = dice.randrange(256)
                    case 1:
                        del body[dice.randrange(1, len(body)) :]
                    case 2:
                        body.insert(dice.randrange(len(body)), dice.randrange(256))
            odd.write(pdu.HEADER.pack(16 + len(body), 0x05, 0, 1_000_000 + number) + bytes(body))
            if number % 1000 == 999:
                wait_for(lambda number=number: len(odd.acks) + odd.nacks > number - 10, seconds=60)
        for phone, message_id in odd.ids.items():
            odd.report(message_id, phone)
        assert quiet(campaign).delivered == 100
        assert len(odd.binds) == 1
        assert "Traceback" not in live.log_of("dispatch")[-200_000:]
        seen.core(campaign, carrier)
        seen.note = f"{len(odd.acks)} answered, one session"


# --- TLS --------------------------------------------------------------------------------------------------------------


def test_a_certificate_that_is_not_right_gets_no_bind_and_nothing_in_clear(live, workspace, seen, tmp_path):
    authority = tmp_path / "authority.pem"
    kinds = make_certificates(tmp_path, authority)
    live.fleet(count=1, SSL_CERT_FILE=str(authority))
    seen.injected = "self-signed, expired, another host, a plain server; and one that is right"
    for kind, (certificate, key) in kinds.items():
        with (
            tls_server(certificate, key) as (port, heard),
            live.channel(f"tls-{kind.replace(' ', '-')}", port=port, tls=True) as channel,
        ):
            if kind == "right":
                wait_for(lambda heard=heard: bytes(heard[4:8]) == b"\0\0\0\x09", seconds=20)  # bind_transceiver
                continue
            wait_for(
                lambda channel=channel: Incident.objects.filter(channel=channel, kind=K.CONNECT_FAILED).exists(),
                seconds=20,
            )
            assert b"demo" not in heard, kind


@contextmanager
def tls_server(certificate: Path | None, key: Path | None):
    """Its port, and what it heard: in the clear if it speaks no TLS, else what was said to it inside."""
    heard = bytearray()
    server = create_server(("127.0.0.1", 0))
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

    def hear(plain: socket) -> None:
        try:
            with context.wrap_socket(plain, server_side=True) if context else plain as line:
                line.settimeout(20)
                while data := line.recv(4096):
                    heard.extend(data)
        except OSError:
            pass

    def listen() -> None:
        while True:
            try:
                plain, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=hear, args=(plain,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield server.getsockname()[1], heard
    finally:
        server.close()


def make_certificates(folder: Path, authority: Path):
    """A local authority, and by kind the certificate and key of a server."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def make(kind, *, address="127.0.0.1", until=timedelta(days=1), signer=None, is_authority=False):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name(kind)
        issuer, signing = (signer[0].subject, signer[1]) if signer else (subject, key)
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + until)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(signing, hashes.SHA256())
        paths = folder / f"{kind}.pem", folder / f"{kind}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return (certificate, key), paths

    signer, (certificate, _) = make("authority", is_authority=True)
    authority.write_bytes(certificate.read_bytes())
    return {
        "right": make("right", signer=signer)[1],
        "self-signed": make("self-signed")[1],
        "expired": make("expired", until=-timedelta(days=1), signer=signer)[1],
        "another host": make("other-host", address="10.1.2.3", signer=signer)[1],
        "plain": (None, None),
    }
