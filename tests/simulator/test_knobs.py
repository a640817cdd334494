"""The knobs for what carriers do rarely, each through real TCP."""

import os
import signal
import ssl
import subprocess
import sys
import time

import pytest

from simulator import journal
from simulator.knobs import Refusal, refusals
from smpp import pdu
from smpp.concat import UDHI, with_headers
from smpp.status import CommandStatus
from tests.simulator.client import PATIENCE, Esme
from tests.simulator.test_process import read


def test_numbers_are_refused_by_a_table(simulate):
    smsc = simulate(answers="00=0x08,01=0x14*2,1=1025")
    client = smsc.bound()

    for _ in range(3):
        client.submit(b"4900", b"4901", b"4911", b"4902")
    client.wait(lambda: len(client.answers) == 12)

    assert client.statuses == [8, 0x14, 1025, 0] * 2 + [8, 0, 1025, 0]
    assert [entry.status for entry in smsc.entries()] == client.statuses


def test_every_code_there_is_can_be_answered(simulate):
    codes = [int(status) for status in CommandStatus if status]
    table = ",".join(f"{number:02}={code:#x}" for number, code in enumerate(codes))
    client = simulate(answers=table).bound()

    client.submit(*(b"4915%02d" % number for number in range(len(codes))))
    client.wait(lambda: len(client.answers) == len(codes))

    assert client.statuses == codes


def test_a_table_is_read_and_a_wrong_one_refused():
    assert refusals("00=0x08, 7=20*3") == (Refusal(b"00", 8, 0), Refusal(b"7", 20, 3))
    for wrong in ("00", "=8", "00=x", "00=0", "00=8*x"):
        with pytest.raises(ValueError, match=r"."):
            refusals(wrong)
        with pytest.raises(Exception, match="answers"):
            read("--answers", wrong)


def test_every_submit_may_be_refused(simulate):
    client = simulate(answer_all=0x400).bound()

    client.submit_many(20)
    client.wait(lambda: len(client.answers) == 20)

    assert client.statuses == [0x400] * 20


@pytest.mark.parametrize(("first", "statuses"), [(0, [5, 5, 5]), (2, [5, 5, 0])])
def test_binds_may_be_refused_with_any_code(simulate, first, statuses):
    smsc = simulate(bind_code=5, bind_fail_first=first)

    assert [smsc.client().bind() for _ in range(3)] == statuses
    assert [entry.status for entry in smsc.entries(journal.Bind)] == statuses


@pytest.mark.parametrize("knob", ["nack_zero_after", "length_bomb_after"])
def test_what_comes_once_is_not_masked_by_another_fault(simulate, knob):
    client = simulate(throttle_every=3, **{knob: 3}).bound()

    client.submit_many(5)
    client.wait(lambda: client.is_out_of_step or client.of_kind(pdu.GenericNack))

    assert client.statuses[:4] == [0, 0, CommandStatus.RTHROTTLED, 0]


def test_a_nack_of_nothing_comes_once_after_the_answer(simulate):
    client = simulate(nack_zero_after=2).bound()

    client.submit_many(6)
    client.wait(lambda: len(client.answers) == 6 and client.of_kind(pdu.GenericNack))

    assert [one.sequence for one in client.of_kind(pdu.GenericNack)] == [0]
    assert client.statuses == [0] * 6


def test_every_nth_answer_may_be_late(simulate):
    client = simulate(late_every=3, late_ms=300).bound()
    before = time.monotonic()

    client.submit_many(6)
    client.wait(lambda: len(client.answers) == 6)

    assert time.monotonic() - before >= 0.29
    assert [sequence for sequence, _, _ in client.answers] == [2, 3, 5, 6, 4, 7]


def test_a_late_answer_goes_out_before_the_end(simulate):
    client = simulate(late_every=1, late_ms=60_000).bound()

    client.submit(b"4915")
    client.send(pdu.Unbind())
    client.wait(lambda: client.of_kind(pdu.UnbindResp))

    assert client.statuses == [0]


def test_answers_to_nothing_and_doubled_ones_may_follow(simulate):
    smsc = simulate(unknown_resp_every=2)
    client = smsc.bound()

    client.submit_many(4)
    client.wait(lambda: len(client.answers) == 8)

    sequences = [sequence for sequence, _, _ in client.answers]
    assert sequences == [2, 3, 3 + 0x40000000, 3, 4, 5, 5 + 0x40000000, 5]
    assert client.answers[1] == client.answers[3]
    given = {entry.message_id.encode() for entry in smsc.entries()}
    assert client.answers[2][2] not in given


@pytest.mark.parametrize("count", [3, 30])
def test_answers_may_tell_how_busy_the_carrier_is(simulate, count):
    client = simulate(congestion=85).bound()
    written = pdu.encode(pdu.SubmitSmResp(message_id=b"1" * 13, tlvs={0x0428: b"\x55"}))
    client.submit_many(count, registered_delivery=0)

    client.socket.settimeout(PATIENCE)
    data = client.socket.recv(len(written), 0x100)  # MSG_WAITALL

    assert pdu.decode(data).tlvs == {pdu.Tlv.CONGESTION_STATE: b"\x55"}


def test_of_a_long_message_only_the_last_part_may_be_reported(simulate):
    client = simulate(dlr_only_last_part=True).bound()
    sar = {pdu.Tlv.SAR_MSG_REF_NUM: b"\0\7", pdu.Tlv.SAR_TOTAL_SEGMENTS: b"\2"}

    for text in with_headers([b"one", b"two", b"three"], reference=5):
        client.submit(b"4915", short_message=text, esm_class=UDHI)
    for number in (1, 2):
        client.submit(b"4916", short_message=bytes((6, 8, 4, 0, 7, 2, number)) + b"wide", esm_class=UDHI)
        client.submit(b"4917", tlvs=sar | {pdu.Tlv.SAR_SEGMENT_SEQNUM: bytes((number,))})
    client.submit(b"4918")
    client.wait(lambda: len(client.answers) == 8 and len(client.receipts) == 4)
    client.listen(0.1)

    ids = client.ids
    assert sorted(receipt.message_id for receipt in client.receipts) == sorted([ids[2], ids[5], ids[6], ids[7]])


def test_what_a_phone_says_may_be_chosen(simulate):
    client = simulate(mo_on_bind=True, mo_text="СТОП", mo_from="998901234567", mo_to="777", mo_coding=8).bound()

    client.wait(lambda: client.bodies)

    heard = pdu.decode_body(pdu.Command.DELIVER_SM, client.bodies[0])
    assert (heard.source_addr, heard.destination_addr, heard.data_coding) == (b"998901234567", b"777", 8)
    assert heard.short_message.decode("utf-16-be") == "СТОП"
    assert heard.esm_class == 0


def test_a_long_text_of_a_phone_is_a_payload(simulate):
    client = simulate(mo_on_bind=True, mo_text="x" * 300).bound()

    client.wait(lambda: client.bodies)

    heard = pdu.decode_body(pdu.Command.DELIVER_SM, client.bodies[0])
    assert heard.tlvs == {pdu.Tlv.MESSAGE_PAYLOAD: b"x" * 300}


def test_a_phone_may_go_on_talking(simulate):
    client = simulate(mo_every_ms=50, mo_text="STOP").bound()

    client.wait(lambda: len(client.bodies) >= 3)


@pytest.mark.parametrize("option", [["--mo-coding", "2"], ["--answer-all", "x"], ["--congestion", "101"]])
def test_a_value_that_cannot_be_is_refused(option):
    with pytest.raises(Exception, match=option[0].strip("-")):
        read(*option)


def test_codes_may_be_written_in_hex():
    knobs = read("--answer-all", "0x0A", BIND_CODE="0x05")

    assert (knobs.answer_all, knobs.bind_code) == (10, 5)


@pytest.mark.parametrize("knobs", [["--hold-dlr"], ["--dlr-delay-ms", "60000"]])
def test_all_receipts_that_wait_may_be_released_at_once(knobs, pytestconfig):
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", "--dlr-delay-ms", "0", *knobs],
        cwd=pytestconfig.rootpath,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = int(process.stdout.readline().rpartition(":")[2])
        with Esme(port) as client:
            client.bind()
            client.submit_many(200)
            client.submit(b"4917")
            client.wait(lambda: len(client.answers) == 201)
            client.listen(0.2)
            assert client.receipts == []
            process.send_signal(signal.SIGUSR1)
            client.wait(lambda: len(client.receipts) == 201)
            client.submit(b"4918")
            client.wait(lambda: len(client.answers) == 202)
            client.listen(0.2)
            assert len(client.receipts) == 201
            process.send_signal(signal.SIGUSR1)
            client.wait(lambda: len(client.receipts) == 202)
    finally:
        process.kill()
        process.communicate()


def test_it_may_listen_with_tls(simulate, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days=2",
         "-subj=/CN=localhost", "-addext=subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )  # fmt: skip
    client = simulate(tls_cert=str(cert), tls_key=str(key)).client()
    client.socket = ssl.create_default_context(cafile=str(cert)).wrap_socket(client.socket, server_hostname="127.0.0.1")

    assert client.bind() == 0
    client.submit_many(200)
    client.wait(lambda: len(client.receipts) == len(client.answers) == 200)


def test_a_certificate_that_is_not_there_is_named(pytestconfig):
    command = [sys.executable, "-m", "simulator", "--port=0", "--tls-cert=/nowhere"]

    ended = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("cannot listen: ")


def test_the_journal_tells_what_was_asked_for_and_old_lines_are_read(simulate, tmp_path):
    smsc = simulate()
    client = smsc.bound()
    client.submit(b"4915", registered_delivery=2, validity_period=b"000001000000000R", service_type=b"CMT")
    client.wait(lambda: client.answers)
    [entry] = smsc.entries()
    assert (entry.registered, entry.validity, entry.service_type) == (2, "000001000000000R", "CMT")

    path = tmp_path / "old"
    line = "1.5\tsubmit\t3\t0007\tShop\t4915\t0\t0\tabcd\t1f\t0"
    path.write_text(f"{line}\n{line}\t1\t\tCMT\twhat comes later\n")
    first, second = journal.read(path)
    assert (first.sequence, first.registered, second.registered, second.service_type) == (7, 0, 1, "CMT")
