"""Binds, submits and what can be made to go wrong with them, each knob through real TCP."""

import time
from collections import Counter
from pathlib import Path

import pytest

from simulator import journal
from smpp import pdu
from smpp.status import CommandStatus
from tests.simulator.client import PATIENCE, TEXT

BINDS = [(pdu.BindTransceiver, "transceiver"), (pdu.BindTransmitter, "transmitter"), (pdu.BindReceiver, "receiver")]


@pytest.mark.parametrize(("kind", "mode"), BINDS)
def test_a_client_may_bind_in_three_ways(simulate, kind, mode):
    smsc = simulate()

    assert smsc.client().bind(kind) == 0
    [entry] = smsc.entries(journal.Bind)
    assert (entry.bind, entry.mode, entry.system_id, entry.status) == (1, mode, "shop", 0)


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [
        (b"shop", b"secret", 0),
        (b"shop", b"wrong", CommandStatus.RINVPASWD),
        (b"other", b"secret", CommandStatus.RINVSYSID),
    ],
)
def test_the_account_is_checked(simulate, system_id, password, status):
    smsc = simulate(system_id="shop", password="secret")

    assert smsc.client().bind(system_id=system_id, password=password) == status
    assert [entry.status for entry in smsc.entries(journal.Bind)] == [status]


def test_the_first_binds_may_be_refused(simulate):
    smsc = simulate(bind_fail_first=2)

    assert [smsc.client().bind() for _ in range(3)] == [CommandStatus.RBINDFAIL, CommandStatus.RBINDFAIL, 0]


def test_a_second_bind_on_one_connection_is_refused(simulate):
    client = simulate().client()
    size = len(pdu.encode(pdu.BindTransceiverResp(system_id=b"simulator")))

    client.socket.sendall(pdu.encode(pdu.BindTransceiver(system_id=b"shop", sequence=1)) * 2)
    answers = b""
    while len(answers) < size + len(pdu.encode(pdu.BindTransceiverResp())):
        answers += client.socket.recv(1000)

    assert pdu.decode(answers[:size]).status == 0
    assert pdu.decode(answers[size:]).status == CommandStatus.RALYBND


def test_every_submit_is_answered_and_journaled(simulate):
    smsc = simulate()
    client = smsc.bound()

    client.submit_many(50, data_coding=8, esm_class=0x40)
    client.wait(lambda: len(client.answers) == 50)

    entries = smsc.entries()
    assert [entry.message_id for entry in entries] == client.ids
    assert len(set(client.ids)) == 50
    assert [entry.destination for entry in entries] == [f"4915{number:08}" for number in range(1, 51)]
    first = entries[0]
    assert (first.source, first.data_coding, first.esm_class, first.bind) == ("Shop", 8, 0x40, 1)
    assert first.content == journal.content(TEXT)
    assert first.is_accepted
    assert abs(first.at - time.time()) < 60


def test_a_payload_counts_as_the_content(simulate):
    smsc = simulate()
    client = smsc.bound()

    client.submit(b"4915", short_message=b"", tlvs={pdu.Tlv.MESSAGE_PAYLOAD: TEXT})
    client.wait(lambda: client.answers)

    assert smsc.entries()[0].content == journal.content(TEXT)


def test_no_sender_can_break_a_line_of_the_journal(simulate):
    smsc = simulate()
    client = smsc.bound()

    client.submit(b"49\t15\n", source_addr=b"a\tb\nc\xff")
    client.wait(lambda: client.answers)

    [entry] = smsc.entries()
    assert (entry.source, entry.destination) == ("a\\tb\\nc\\xff", "49\\t15\\n")


def test_a_line_that_is_being_written_is_left_out(tmp_path):
    path = tmp_path / "journal"
    path.write_text("1.5\tunbind\t3\tesme\n1.6\tunbind\t4")

    assert list(journal.read(path)) == [journal.Unbind(at=1.5, bind=3, side="esme")]


def test_who_follows_a_journal_reads_each_line_once_and_half_a_line_when_it_is_whole(tmp_path):
    path = tmp_path / "journal"
    path.write_text("1.5\tunbind\t3\tesme\n1.6\tunb")
    follower = journal.Reader(path)
    first = journal.Unbind(at=1.5, bind=3, side="esme")
    assert follower.entries() == [first]
    with path.open("a") as file:
        file.write("ind\t4\tsmsc\n")
    assert follower.entries() == [first, journal.Unbind(at=1.6, bind=4, side="smsc")]
    assert follower.entries() == list(journal.read(path))


def test_a_strange_line_is_an_error(tmp_path):
    path = tmp_path / "journal"
    path.write_text("1.5\tsomething\t3\n")

    with pytest.raises(ValueError, match="something"):
        list(journal.read(path))


def test_a_submit_that_cannot_be_read_is_refused(simulate):
    client = simulate().bound()
    client.socket.sendall(pdu.HEADER.pack(18, pdu.Command.SUBMIT_SM, 0, 9) + b"no")

    client.wait(lambda: client.answers)

    assert client.answers == [(9, CommandStatus.RINVCMDLEN, b"")]


def test_a_submit_before_the_bind_is_refused(simulate):
    smsc = simulate()
    client = smsc.client()
    client.socket.sendall(pdu.encode(pdu.SubmitSm(sequence=5)))
    client.socket.settimeout(PATIENCE)

    assert pdu.decode(client.socket.recv(100)) == pdu.SubmitSmResp(sequence=5, status=CommandStatus.RINVBNDSTS)
    assert smsc.entries() == []


def test_what_the_simulator_does_not_do_is_refused(simulate):
    client = simulate().bound()
    client.send(pdu.QuerySm(message_id=b"1"))

    client.wait(lambda: client.of_kind(pdu.QuerySmResp))

    assert client.pdus[-1].status == CommandStatus.RINVCMDID


@pytest.mark.parametrize(
    ("form", "spelled"),
    [("dec", "171"), ("hex", "ab"), ("HEX", "AB"), ("hex0", "000000ab"), ("dec10", "0000000171")],
)
def test_the_answer_spells_the_id_as_asked(simulate, form, spelled):
    client = simulate(id_start=170, id_resp=form).bound()

    client.submit(b"4915")
    client.wait(lambda: client.answers)

    assert client.ids == [spelled]


def test_ids_may_look_like_uuids(simulate):
    client = simulate(id_resp="uuid").bound()

    client.submit_many(20)
    client.wait(lambda: len(client.answers) == 20)

    assert {len(message_id) for message_id in client.ids} == {36}
    assert len(set(client.ids)) == 20


@pytest.mark.parametrize(
    ("knob", "status"),
    [
        ("throttle_every", CommandStatus.RTHROTTLED),
        ("qfull_every", CommandStatus.RMSGQFUL),
        ("syserr_every", CommandStatus.RSYSERR),
    ],
)
def test_every_nth_submit_may_be_refused(simulate, knob, status):
    smsc = simulate(**{knob: 3})
    client = smsc.bound()

    client.submit_many(9)
    client.wait(lambda: len(client.answers) == 9)

    assert client.statuses == [0, 0, status] * 3
    assert [entry.status for entry in smsc.entries()] == [0, 0, status] * 3
    assert [entry.message_id for entry in smsc.entries() if entry.status] == [""] * 3


def test_numbers_with_a_bad_end_are_refused(simulate):
    client = simulate(bad_suffix="7").bound()

    client.submit(b"49151", b"49157", b"49152")
    client.wait(lambda: len(client.answers) == 3)

    assert client.statuses == [0, CommandStatus.RINVDSTADR, 0]


def test_no_fault_is_masked_by_another_with_which_it_falls_together(simulate):
    client = simulate(throttle_every=2, qfull_every=4, syserr_every=4).bound()

    client.submit_many(40)
    client.wait(lambda: len(client.answers) == 40)

    counts = Counter(client.statuses)
    assert counts[CommandStatus.RTHROTTLED] == 20
    assert abs(counts[CommandStatus.RMSGQFUL] - 10) <= 1
    assert abs(counts[CommandStatus.RSYSERR] - 10) <= 1


def test_every_nth_submit_may_be_nacked(simulate):
    client = simulate(nack_every=4).bound()

    client.submit_many(8)
    client.wait(lambda: len(client.answers) == 6 and len(client.of_kind(pdu.GenericNack)) == 2)

    sequences = [one.sequence for one in client.of_kind(pdu.GenericNack)]
    assert sorted(sequences + [sequence for sequence, _, _ in client.answers]) == list(range(2, 10))
    assert {one.status for one in client.of_kind(pdu.GenericNack)} == {CommandStatus.RSYSERR}


def test_submits_above_the_window_are_throttled(simulate):
    client = simulate(max_window=5, resp_delay_ms=50).bound()

    client.submit_many(7)
    client.wait(lambda: len(client.answers) == 7)
    client.submit_many(5)
    client.wait(lambda: len(client.answers) == 12)

    assert client.statuses == [0] * 5 + [CommandStatus.RTHROTTLED] * 2 + [0] * 5


def test_submits_above_the_contracted_rate_are_throttled(simulate):
    client = simulate(tps=10).bound()

    client.submit_many(12)
    client.wait(lambda: len(client.answers) == 12)
    client.listen(1.05)
    client.submit_many(1)
    client.wait(lambda: len(client.answers) == 13)

    assert client.statuses == [0] * 10 + [CommandStatus.RTHROTTLED] * 2 + [0]


def test_answers_may_be_late(simulate):
    client = simulate(resp_delay_ms=200).bound()
    before = time.monotonic()

    client.submit_many(3)
    client.wait(lambda: len(client.answers) == 3)

    assert 0.2 <= time.monotonic() - before < 20


def test_answers_may_come_out_of_order(simulate):
    smsc = simulate(reorder=3)
    client = smsc.bound()

    client.submit_many(7)
    client.wait(lambda: len(client.answers) == 7)

    assert [sequence for sequence, _, _ in client.answers] == [4, 3, 2, 7, 6, 5, 8]
    assert [entry.message_id for entry in smsc.entries()] == client.ids


def test_a_group_out_of_order_is_not_waited_for_without_end(simulate):
    client = simulate(reorder=100).bound()

    client.submit_many(3)
    client.wait(lambda: len(client.answers) == 3)


def test_every_nth_submit_may_stay_unanswered(simulate):
    smsc = simulate(noresp_every=2)
    client = smsc.bound()

    client.submit_many(4)
    client.wait(lambda: len(client.answers) == 2 and len(client.receipts) == 4)

    assert [sequence for sequence, _, _ in client.answers] == [2, 4]
    assert [entry.status for entry in smsc.entries()] == [0] * 4


def test_the_connection_may_be_cut_before_an_answer(simulate):
    smsc = simulate(drop_every=3)
    client = smsc.bound()

    client.submit_many(5)
    client.wait(lambda: client.is_cut)

    assert len(client.answers) == 2
    assert [entry.destination[-1] for entry in smsc.entries()] == ["1", "2", "3"]


@pytest.mark.parametrize("knobs", [{"drop_after_every": 3}, {"unbind_every": 3}])
def test_answers_that_are_delayed_go_out_before_the_end(simulate, knobs):
    client = simulate(resp_delay_ms=600_000, **knobs).bound()

    client.submit(b"4915")
    client.listen(0.2)
    assert client.answers == []
    client.submit(b"4916", b"4917")
    client.wait(lambda: len(client.answers) == 3)

    assert client.statuses == [0, 0, 0]


def test_the_connection_may_be_cut_after_an_answer(simulate):
    smsc = simulate(drop_after_every=3)
    client = smsc.bound()

    client.submit_many(5)
    client.wait(lambda: client.is_cut)

    assert client.ids == [entry.message_id for entry in smsc.entries()]
    assert len(client.answers) == 3


def test_the_carrier_may_unbind(simulate):
    smsc = simulate(unbind_every=2)
    client = smsc.bound()

    client.submit_many(2)
    client.wait(lambda: client.of_kind(pdu.Unbind))
    client.send(pdu.response(client.pdus[-1]))
    client.wait(lambda: client.is_cut)

    assert client.statuses == [0, 0]
    assert [entry.side for entry in smsc.entries(journal.Unbind)] == ["smsc"]


def test_a_client_may_unbind(simulate):
    smsc = simulate()
    client = smsc.bound()

    client.send(pdu.Unbind())
    client.wait(lambda: client.of_kind(pdu.UnbindResp))
    client.wait(lambda: client.is_cut)

    assert [entry.side for entry in smsc.entries(journal.Unbind)] == ["esme"]


def test_an_impossible_length_may_come_once(simulate):
    smsc = simulate(length_bomb_after=2)
    client, second = smsc.bound(), smsc.bound()

    client.submit_many(2, registered_delivery=0)
    client.wait(lambda: client.is_out_of_step)
    second.submit_many(10, registered_delivery=0)
    second.wait(lambda: len(second.answers) == 10)

    assert client.statuses == [0, 0]
    assert not second.is_out_of_step


def test_an_impossible_length_from_the_client_is_nacked_and_the_connection_closed(simulate):
    client = simulate().bound()

    client.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    client.wait(lambda: client.of_kind(pdu.GenericNack))
    client.wait(lambda: client.is_cut)

    assert client.pdus[-1].status == CommandStatus.RINVCMDLEN


def test_writes_may_be_split(simulate):
    client = simulate(split_writes=True).bound()

    client.submit_many(200)
    client.wait(lambda: len(client.answers) == len(client.receipts) == 200)

    assert min(client.reads) <= 7


def test_the_carrier_may_ask_whether_the_link_is_alive(simulate):
    client = simulate(elink_ms=30).bound()

    client.wait(lambda: len(client.of_kind(pdu.EnquireLink)) >= 3)


def test_a_clients_enquire_link_is_answered_unless_muted(simulate):
    talking, mute = simulate().bound(), simulate(mute_elink=True).bound()

    talking.send(pdu.EnquireLink())
    talking.wait(lambda: talking.of_kind(pdu.EnquireLinkResp))
    mute.send(pdu.EnquireLink())
    mute.listen(0.3)

    assert mute.of_kind(pdu.EnquireLinkResp) == []


def test_a_journal_is_there_before_its_answer(simulate, tmp_path):
    client = simulate().bound()
    path = Path(tmp_path / "journal")

    for number in range(1, 101):
        client.submit(b"4915")
        client.wait(lambda wanted=number: len(client.answers) == wanted)
        assert path.read_text().count("\tsubmit\t") == number
