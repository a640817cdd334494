"""Messages from phones: stored as they came, and whoever writes a stop word gets nothing any more."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from campaigns.models import Campaign
from delivery import dispatching
from delivery.links import engine
from delivery.models import Inbound, Inbox, Message, Receipt
from delivery.statuses import MessageState
from recipients import stop_words
from recipients.models import Suppression
from smpp import pdu
from smpp.pdu import HEADER, DeliverSm, Tlv, encode
from tests import factories
from tests.delivery.ground import arrive, bound, receipt, under_way
from tests.delivery.wire import Peer
from tests.live import wait_for
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db

FIRST = factories.FIRST_NUMBER
CODE = "4321"


def said(text=b"STOP", source=FIRST, to=b"4321", **given):
    one = DeliverSm(source_addr=str(source).encode(), destination_addr=to, short_message=text, sequence=1, **given)
    return encode(one)[HEADER.size :]


def take_in(*bodies, channel=None):
    channel = channel or factories.channel()
    assert arrive(channel.pk, *bodies) == 0


def sender_of(workspace, saddr=CODE):
    sender = factories.sender(workspace, approved=False)
    factories.revision(sender, saddr)
    sender.refresh_from_db()
    return sender


def suppressed(workspace):
    return set(Suppression.objects.of(workspace).values_list("phone", flat=True))


# --- Stored as it came ------------------------------------------------------------------------------------------------


def test_a_message_is_stored_with_its_text_and_its_workspace(workspace):
    sender_of(workspace)
    take_in(body := said(b"Where is my order?"))
    [row] = Inbound.objects.all()
    assert (row.workspace, row.phone, row.to_address, row.text) == (workspace, FIRST, CODE, "Where is my order?")
    assert (bytes(row.raw), row.keyword, row.kind) == (body, "", "mo")
    assert suppressed(workspace) == set()
    assert Inbox.objects.get().pdus == 1  # the inbox has it too
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, b"\x00\x1b\x65 \x1b\x3c5\x1b\x3e \x10", "@€ [5] Δ"),
        (1, b"caf\xe9", "café"),
        (3, b"caf\xe9", "café"),
        (8, "Тўхтат 🛑".encode("utf-16-be"), "Тўхтат 🛑"),
        (0x18, "Ж".encode("utf-16-be"), "Ж"),
        (0xF1, b"\x00", "@"),
        (4, b"\x01\x02", ""),
        (0xF5, b"\x01\x02", ""),
        (8, b"\xd8\x00\x00a", "\ufffda"),
        (3, b"a\x00b", "ab"),
    ],
)
def test_its_text_is_read_by_its_coding(workspace, coding, octets, text):
    take_in(said(octets, data_coding=coding))
    assert Inbound.objects.get().text == text


def test_a_text_in_the_payload_parameter_is_read_and_the_parts_of_a_long_one_are_kept_as_they_come(workspace):
    parts = [said(b"\5\0\3\7\2" + bytes([n]) + text, esm_class=0x40) for n, text in ((1, b"one"), (2, b"STOP"))]
    sender_of(workspace)
    take_in(said(b"", tlvs={Tlv.MESSAGE_PAYLOAD: b"long"}), *parts)
    assert list(Inbound.objects.order_by("pk").values_list("text", flat=True)) == ["long", "one", "STOP"]
    assert suppressed(workspace) == set()  # a later part may begin with any word


def test_nothing_that_comes_keeps_the_receipts_beside_it_from_being_stored(workspace):
    odd = [
        b"",
        b"\xff" * 50,
        said(b"\0\0\0"),
        said(b"x", source="Bank"),
        said(b"", data_coding=8),
        said(to=b"\xff" * 20),
    ]
    take_in(*odd, receipt("AB12", FIRST), channel=factories.channel())
    assert Inbound.objects.count() == len(odd)
    assert Receipt.objects.filter(is_receipt=True).count() == 1


def test_nobody_changes_or_deletes_what_came(workspace):
    take_in(said(b"Hello"))
    for statement in ("UPDATE delivery_inbound SET text = ''", "DELETE FROM delivery_inbound"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# --- Stop words -------------------------------------------------------------------------------------------------------


def test_a_stop_word_suppresses_the_number_at_once_and_says_why(workspace):
    sender_of(workspace)
    take_in(said(b"Stop!"))
    assert suppressed(workspace) == {FIRST}
    assert Inbound.objects.get().keyword == "STOP"
    entry = Entry.objects.of(workspace).get(action="suppression.added")
    assert (entry.actor, entry.note) == (None, "Answered with a stop word.")
    take_in(said(b"Stop!"))  # said again
    assert suppressed(workspace) == {FIRST}


def test_the_words_are_those_of_the_workspace(workspace, admin):
    sender_of(workspace)
    stop_words.save(workspace, ["basta"], by=admin)
    take_in(said(b"STOP"), said(b"Basta", source=FIRST + 1))
    assert suppressed(workspace) == {FIRST + 1}


def test_what_is_no_phone_number_is_stored_and_suppresses_nothing(workspace):
    sender_of(workspace)
    take_in(said(source=77), said(source="Bank"))
    assert suppressed(workspace) == set()
    assert list(Inbound.objects.values_list("phone", "keyword")) == [(None, "STOP")] * 2


def test_an_address_that_several_workspaces_have_binds_those_that_send_by_the_channel_and_shows_it_to_none(workspace):
    other, idle = factories.workspace(), factories.workspace()
    channel = factories.channel()
    senders = [sender_of(one) for one in (workspace, other, idle)]
    for sender in senders[:2]:
        factories.sending(sender.workspace, sender=sender, channel=channel)
    take_in(said(), channel=channel)
    assert [suppressed(one) for one in (workspace, other, idle)] == [{FIRST}, {FIRST}, set()]
    assert Inbound.objects.get().workspace is None


def test_an_address_that_several_have_and_nobody_has_sent_from_binds_them_all(workspace):
    other = factories.workspace()
    for one in (workspace, other):
        sender_of(one)
    take_in(said())
    assert suppressed(workspace) == suppressed(other) == {FIRST}


def test_a_stop_to_an_address_of_the_carriers_binds_whoever_has_sent_by_its_channel(workspace):
    """Nobody can answer a sender like Acme: carriers name a short code of theirs for it."""
    elsewhere, channel = factories.workspace(), factories.channel()
    factories.sending(workspace, channel=channel)
    factories.sending(elsewhere, channel=factories.channel("other", is_default=False))
    take_in(said(to=b"999"), channel=channel)
    assert (suppressed(workspace), suppressed(elsewhere), suppressed(None)) == ({FIRST}, set(), set())


def test_where_the_setting_says_so_it_binds_everybody(workspace, settings):
    settings.STOP_BINDS_EVERYBODY = True
    factories.sending(workspace)
    take_in(said(to=b"999"))
    assert (suppressed(workspace), suppressed(None)) == (set(), {FIRST})


def test_a_revision_that_is_not_approved_makes_no_address(workspace):
    factories.revision(factories.sender(workspace, approved=False), CODE, approved=False)
    take_in(said())
    assert Inbound.objects.get().workspace is None
    assert suppressed(workspace) == set()


@pytest.mark.django_db(transaction=True)
def test_whoever_answers_stop_while_the_campaign_runs_gets_nothing(workspace, listening, links, loop):
    with listening(Peer()) as peer:
        channel = factories.channel(port=peer.port)
        sender = sender_of(workspace)
        campaign, [first, second] = under_way(workspace, 20, chunk_size=10, sender=sender)
        with links():
            bound(channel)
            dispatching.work_on(first.pk, clock=timezone.now)
            assert len(peer.submits) == 10
            leaving = FIRST + 15
            word = pdu.DeliverSm(
                source_addr=b"%d" % leaving,
                destination_addr=CODE.encode(),
                data_coding=8,
                short_message="Тўхтат".encode("utf-16-be"),
            )
            loop.call_soon_threadsafe(peer.send, 0, word)
            wait_for(lambda: [status for _, _, status in peer.acks] == [0])
            dispatching.work_on(second.pk, clock=timezone.now)
    assert len(peer.submits) == 19
    assert not [body for _, body in peer.submits if b"%d" % leaving in body]
    assert Message.objects.get(campaign=campaign, phone=leaving).state == MessageState.SUPPRESSED
    assert Campaign.objects.get(pk=campaign.pk).list.accepted == 20
    assert not engine.is_bound(channel.pk)


# --- Who reads them ---------------------------------------------------------------------------------------------------


def test_a_program_reads_its_workspaces_messages_the_newest_first_and_no_other(api, workspace):
    sender_of(workspace)
    sender_of(factories.workspace(), "5678")
    take_in(said(b"one"), said(b"STOP", source=FIRST + 1), said(b"not ours", to=b"5678"), said(b"nobody's", to=b"1"))
    page = api.get("/api/v1/inbound/", {"page_size": 1}).json()
    assert [(row["sender"], row["to"], row["text"], row["keyword"]) for row in page["results"]] == [
        (f"+{FIRST + 1}", CODE, "STOP", "STOP")
    ]
    rest = api.get(page["next"]).json()
    assert [row["text"] for row in rest["results"]] == ["one"]
    assert rest["next"] is None


def test_staff_see_their_workspaces_messages_and_super_admins_all_with_numbers_masked(workspace):
    sender_of(workspace)
    take_in(said(b"Ours"), said(b"Somebody's", to=b"1"))
    judge = factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True))
    shown = text_of(signed_in(judge).get("/admin/delivery/inbound/"))
    assert "Ours" in shown and "Somebody&#x27;s" not in shown
    assert f"+{FIRST}" not in shown and "•••" in shown
    everything = text_of(signed_in(factories.user(is_superuser=True, is_staff=True)).get("/admin/delivery/inbound/"))
    assert "Ours" in everything and "Somebody&#x27;s" in everything and f"+{FIRST}" not in everything


INBOUND = "/admin/delivery/inbound/"


def of_the_staff(workspace, role, **fields):
    return factories.membership(workspace, role, user=factories.user(is_staff=True), **fields).user


def test_staff_who_may_see_numbers_see_those_of_a_workspace_once_they_say_why(workspace):
    elsewhere = factories.workspace()
    sender_of(workspace)
    sender_of(elsewhere, "5678")
    take_in(said(b"Ours"), said(b"Theirs", source=FIRST + 1, to=b"5678"))
    person = of_the_staff(workspace, Role.ADMIN)
    factories.membership(elsewhere, Role.ADMIN, user=person)
    desk = signed_in(person, elsewhere)
    desk.post(f"{INBOUND}numbers/", {"workspace": workspace.pk, "reason": " "})
    assert f"+{FIRST}" not in text_of(desk.get(INBOUND))
    desk.post(f"{INBOUND}numbers/", {"workspace": workspace.pk, "reason": "A complaint."})
    shown = text_of(desk.get(INBOUND))
    assert f"+{FIRST}<" in shown and f"+{FIRST + 1}" not in shown and f"of {workspace} until" in shown
    assert f"+{FIRST}" not in text_of(signed_in(person).get(INBOUND))
    entry = Entry.objects.get(action="workspace.numbers_shown")
    assert (entry.chain, entry.actor, entry.note) == (workspace.pk, person, "A complaint.")
    assert entry.after["of"] == "inbound"
    session = desk.session
    session[f"numbers-of-inbound-{workspace.pk}"] = (timezone.now() - timedelta(seconds=1)).isoformat()
    session.save()
    assert f"+{FIRST}" not in text_of(desk.get(INBOUND))


def test_a_moderator_whose_role_sees_no_numbers_sees_none_on_the_desk(workspace):
    sender_of(workspace)
    take_in(said(b"Ours"))
    desk = signed_in(of_the_staff(workspace, Role.MODERATOR))
    assert "Show numbers" not in text_of(desk.get(INBOUND))
    assert desk.post(f"{INBOUND}numbers/", {"workspace": workspace.pk, "reason": "A complaint."}).status_code == 403
    flagged = signed_in(of_the_staff(workspace, Role.AUTHOR, is_moderator=True))
    foreign = {"workspace": factories.workspace().pk, "reason": "A complaint."}
    assert flagged.post(f"{INBOUND}numbers/", foreign).status_code == 403
    assert "Show numbers" in text_of(flagged.get(INBOUND))
