"""The state table holds for both ends, and no cutting or damaging of the bytes breaks a session."""

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import pdu
from smpp.hot import submit_sm_resps
from smpp.pdu import Command, LocalProtocolError, RemoteProtocolError
from smpp.session import LEGAL, FramingError, Received, Role, Session, State
from smpp.status import CommandStatus

BOUND = [
    (pdu.BindTransceiver, State.BOUND_TRX),
    (pdu.BindTransmitter, State.BOUND_TX),
    (pdu.BindReceiver, State.BOUND_RX),
]


def bound(bind=pdu.BindTransceiver) -> tuple[Session, Session]:
    esme, smsc = Session(Role.ESME), Session(Role.SMSC)
    [request] = smsc.receive(esme.send(bind(system_id=b"shop", password=b"pw"))).pdus
    esme.receive(smsc.send(pdu.response(request)))
    return esme, smsc


def in_state(role: Role, state: State) -> Session:
    session = Session(role)
    session.state = state
    return session


def everything(received: Received):
    return (received.answers, received.deliveries, received.submits, received.acks, received.pdus)


@pytest.mark.parametrize(("bind", "state"), BOUND)
def test_a_bind_binds_both_ends(bind, state):
    esme, smsc = bound(bind)

    assert (esme.state, smsc.state) == (state, state)


def test_a_refused_bind_leaves_both_ends_open():
    esme, smsc = Session(Role.ESME), Session(Role.SMSC)
    [request] = smsc.receive(esme.send(pdu.BindTransceiver(system_id=b"shop"))).pdus
    [answer] = esme.receive(smsc.send(pdu.response(request, CommandStatus.RINVPASWD))).pdus

    assert answer.status == CommandStatus.RINVPASWD
    assert (esme.state, smsc.state) == (State.OPEN, State.OPEN)


@pytest.mark.parametrize(
    ("role", "state", "kind"),
    [(r, s, k) for r, s, k in product(Role, State, pdu.KINDS.values()) if k.command not in LEGAL[s][r]],
)
def test_every_pdu_off_the_table_is_refused_at_both_ends(role, state, kind):
    sender = in_state(role, state)
    with pytest.raises(LocalProtocolError):
        sender.send(kind(sequence=4))
    assert sender.state is state

    receiver = in_state(sender.peer, state)
    received = receiver.receive(pdu.encode(kind(sequence=4)))
    assert everything(received) == ([], [], [], [], [])
    assert receiver.state is state
    [error] = received.errors
    if kind.command & pdu.RESPONSE:
        assert error.reply == b""
    else:
        reply = pdu.decode(error.reply)
        assert (reply.status, reply.sequence) == (CommandStatus.RINVBNDSTS, 4)


@pytest.mark.parametrize(
    ("role", "state", "kind"),
    [(r, s, k) for r, s, k in product(Role, State, pdu.KINDS.values()) if k.command in LEGAL[s][r]],
)
def test_every_pdu_on_the_table_passes_at_both_ends(role, state, kind):
    sender, receiver = in_state(role, state), Session(Role.ESME)
    receiver = in_state(sender.peer, state)

    received = receiver.receive(sender.send(kind(sequence=4)))

    assert received.errors == []
    assert sum(map(len, everything(received))) == 1
    assert receiver.state is sender.state


def test_the_four_hot_pdus_come_out_unread():
    esme, smsc = bound()
    submit, deliver = pdu.SubmitSm(destination_addr=b"49151"), pdu.DeliverSm(short_message=b"hi")

    sent = esme.send(submit)
    [(sequence, body)] = smsc.receive(sent).submits
    assert pdu.decode_body(Command.SUBMIT_SM, body, sequence=sequence) == pdu.decode(sent)
    answer = smsc.send(pdu.SubmitSmResp(sequence=sequence, message_id=b"abc"))
    assert esme.receive(answer).answers == [(sequence, 0, b"abc")]
    [(sequence, body)] = esme.receive(smsc.send(deliver)).deliveries
    assert pdu.decode_body(Command.DELIVER_SM, body).short_message == b"hi"
    assert smsc.receive(esme.send(pdu.DeliverSmResp(sequence=sequence, status=8))).acks == [(sequence, 8)]


@pytest.mark.parametrize(
    ("body", "message_id"),
    [(b"", b""), (b"\0", b""), (b"12ab\0", b"12ab"), (b"12ab", b"12ab"), (b"1\0\x04\x27\0\1\2", b"1")],
)
def test_an_answer_counts_whatever_its_body_looks_like(body, message_id):
    esme, _ = bound()

    received = esme.receive(pdu.HEADER.pack(16 + len(body), Command.SUBMIT_SM_RESP, 0, 9) + body)

    assert received.answers == [(9, 0, message_id)]


def conversation() -> bytes:
    """What an SMSC says from the bind to the end, in one piece."""
    smsc = in_state(Role.SMSC, State.OPEN)
    return b"".join(
        [
            smsc.send(pdu.BindTransceiverResp(sequence=1, system_id=b"smsc", tlvs={0x0210: b"\x34"})),
            smsc.send(pdu.DeliverSm(short_message=b"id:1 stat:DELIVRD text:")),
            submit_sm_resps([(n, 0, b"%x" % n) for n in range(2, 30)]),
            smsc.send(pdu.EnquireLink()),
            smsc.send(pdu.DeliverSm(short_message=b"x" * 254, tlvs={0x001E: b"17\0"})),
            smsc.send(pdu.GenericNack(sequence=30, status=3)),
            submit_sm_resps([(31, 0x58, b"")]),
            smsc.send(pdu.Unbind()),
            submit_sm_resps([(32, 0, b"late")]),
        ]
    )


def hear(chunks) -> tuple:
    esme = Session(Role.ESME)
    heard = ([], [], [], [], [])
    for chunk in chunks:
        received = esme.receive(chunk)
        assert received.errors == []
        for so_far, new in zip(heard, everything(received), strict=True):
            so_far.extend(new)
    assert not esme.partial
    return heard


def test_a_pdu_may_arrive_one_byte_at_a_time():
    data = conversation()

    assert hear(data[i : i + 1] for i in range(len(data))) == hear([data])


@given(st.lists(st.integers(1, 400), min_size=1))
def test_a_stream_may_be_cut_anywhere(sizes):
    data = conversation()
    chunks, at = [], 0
    for size in [*sizes, len(data)]:
        chunks.append(data[at : at + size])
        at += size

    assert hear(chunks) == hear([data])


def test_a_conversation_has_all_its_parts():
    answers, deliveries, submits, acks, pdus = hear([conversation()])

    assert [sequence for sequence, _, _ in answers] == [*range(2, 30), 31, 32]
    assert (len(deliveries), submits, acks) == (2, [], [])
    assert [type(value) for value in pdus] == [
        pdu.BindTransceiverResp,
        pdu.EnquireLink,
        pdu.GenericNack,
        pdu.Unbind,
    ]


def test_a_partial_pdu_shows():
    esme, smsc = bound()
    data = smsc.send(pdu.EnquireLink())

    esme.receive(data[:5])
    assert esme.partial
    esme.receive(data[5:])
    assert not esme.partial


@pytest.mark.parametrize(
    "bad",
    [b"\0\0\0\0", b"\0\0\0\x0f", b"\x7f\xff\xff\xff", b"\0\1\0\1", b"HTTP/1.1 400 Bad Request\r\n"],
    ids=["zero", "15", "2 GiB", "one above the limit", "HTTP"],
)
def test_an_impossible_length_closes_the_session_and_keeps_what_came_before(bad):
    esme, _ = bound()

    with pytest.raises(FramingError) as caught:
        esme.receive(submit_sm_resps([(5, 0, b"id")]) + bad)

    assert caught.value.received.answers == [(5, 0, b"id")]
    assert pdu.decode(caught.value.reply) == pdu.GenericNack(status=CommandStatus.RINVCMDLEN)
    assert esme.state is State.CLOSED
    assert not esme.partial


def test_an_impossible_length_is_refused_before_its_header_is_whole():
    esme, _ = bound()
    esme.receive(b"\0")

    with pytest.raises(FramingError):
        esme.receive(b"\0\0\1")


def test_the_largest_pdu_is_taken():
    esme, _ = bound()
    largest = pdu.HEADER.pack(esme.max_pdu, Command.DELIVER_SM, 0, 1) + bytes(esme.max_pdu - 16)

    assert len(esme.receive(largest).deliveries) == 1


def test_an_unknown_command_is_nacked_and_the_session_goes_on():
    esme, _ = bound()

    received = esme.receive(pdu.HEADER.pack(20, 0x0BAD, 0, 77) + b"body" + submit_sm_resps([(5, 0, b"id")]))

    assert received.answers == [(5, 0, b"id")]
    [error] = received.errors
    assert pdu.decode(error.reply) == pdu.GenericNack(status=CommandStatus.RINVCMDID, sequence=77)


def test_a_malformed_body_costs_that_pdu_only():
    _, smsc = bound()

    received = smsc.receive(
        pdu.HEADER.pack(18, Command.QUERY_SM, 0, 7) + b"no" + pdu.encode(pdu.EnquireLink(sequence=8))
    )

    assert received.pdus == [pdu.EnquireLink(sequence=8)]
    [error] = received.errors
    assert pdu.decode(error.reply) == pdu.QuerySmResp(status=CommandStatus.RINVCMDLEN, sequence=7)


def test_after_unbind_nothing_new_goes_out_but_late_answers_still_come_in():
    esme, smsc = bound()
    submit = esme.send(pdu.SubmitSm(destination_addr=b"49151"))
    [unbind] = smsc.receive(submit + esme.send(pdu.Unbind())).pdus
    smsc.send(pdu.response(unbind))

    with pytest.raises(LocalProtocolError):
        esme.send(pdu.SubmitSm(destination_addr=b"49152"))
    assert not esme.may_send(Command.SUBMIT_SM)
    assert esme.receive(smsc.send(pdu.SubmitSmResp(sequence=2, message_id=b"id"))).answers == [(2, 0, b"id")]


def test_a_submit_that_crosses_the_carriers_unbind_is_known_to_be_refused():
    esme, smsc = bound()
    crossing = esme.send(pdu.SubmitSm(sequence=9, destination_addr=b"49151"))
    smsc.send(pdu.Unbind())

    [error] = smsc.receive(crossing).errors

    assert esme.receive(error.reply).answers == [(9, CommandStatus.RINVBNDSTS, b"")]


def test_requests_are_numbered_and_answers_keep_their_number():
    esme, _ = bound()

    numbers = [pdu.decode(esme.send(pdu.EnquireLink())).sequence for _ in range(3)]

    assert numbers == [2, 3, 4]
    assert pdu.decode(esme.send(pdu.EnquireLinkResp(sequence=77))).sequence == 77
    assert pdu.decode(esme.send(pdu.EnquireLink(sequence=50))).sequence == 50


@given(st.integers(1, pdu.MAX_SEQUENCE), st.integers(1, 1000))
def test_a_block_of_sequences_never_wraps_in_its_middle(start, count):
    session = Session(Role.ESME)
    session.next_sequences(start)

    first = session.next_sequences(count)

    assert first in (start + 1, 1)
    assert first + count - 1 <= pdu.MAX_SEQUENCE


def mutated(data: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(damaged))
        match dice.randrange(4):
            case 0:
                damaged[at] = dice.randrange(256)
            case 1:
                del damaged[at : at + dice.randint(1, 5)]
            case 2:
                damaged[at:at] = dice.randbytes(dice.randint(1, 5))
            case _:
                damaged[at] ^= 1 << dice.randrange(8)
    return bytes(damaged)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("bulk", [False, True], ids=["one by one", "in bulk"])
def test_a_hundred_thousand_damaged_streams_raise_only_our_own_errors(role, bulk):
    """25,000 for each end and way of reading."""
    dice = random.Random(20261123)
    esme = in_state(Role.ESME, State.BOUND_TRX)
    spoken = (
        conversation()
        if role is Role.ESME
        else b"".join(
            esme.send(value)
            for value in (
                pdu.SubmitSm(destination_addr=b"49151", short_message=b"hi", tlvs={0x0424: b"x"}),
                pdu.EnquireLink(),
                pdu.DeliverSmResp(sequence=3),
                pdu.QuerySm(message_id=b"id"),
                pdu.DataSm(destination_addr=b"49151"),
                pdu.CancelSm(message_id=b"id"),
                pdu.ReplaceSm(message_id=b"id"),
                pdu.Unbind(),
            )
        )
    )
    broken = 0
    for _ in range(25_000):
        session = Session(role, bulk=bulk)
        session.state = State.BOUND_TRX
        try:
            received = session.receive(mutated(spoken, dice))
        except RemoteProtocolError as error:
            broken += 1
            assert error.reply
        else:
            assert all(isinstance(error, RemoteProtocolError) for error in received.errors)
    assert broken < 25_000
