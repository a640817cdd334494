"""What phones send us: stored as it came; whoever writes a stop word gets nothing any more, from that moment on."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from accounts.models import Workspace
from campaigns import gsm
from campaigns.models import Campaign
from delivery import reasons
from delivery.models import Inbound
from recipients import stop_words, suppressions
from senders.models import Revision
from smpp import inbound
from smpp.inbound import Message

# Arrival: channel, body of the deliver_sm, time.
Arrival = tuple[int, bytes, datetime]
EVERYBODY = 0  # stands for the installation among the ids of workspaces

_PHONE = re.compile(r"\+?([1-9][0-9]{6,14})")
# data_coding (SMPP 3.4 §5.2.19): those that Python reads. 0 is the carrier's default, nearly always GSM 03.38.
_CODECS = {0x01: "latin-1", 0x03: "latin-1", 0x06: "iso8859_5", 0x07: "iso8859_8", 0x08: "utf-16-be"}
_GSM, _BINARY, _UCS2 = 0, 1, 2


def take_in(arrivals: Sequence[Arrival]) -> None:
    """Store them, and suppress the numbers of those who opt out. Call inside the transaction of their receipt."""
    rows: list[Inbound] = []
    leaving: set[tuple[int, int]] = set()  # (workspace, phone)
    for channel_id, body, received_at in arrivals:
        said = inbound.parse(body)
        phone, text = _phone(said.source), text_of(said)
        addressed = _addressed(channel_id, said.destination)
        matched: dict[int, str] = {}
        if said.part == 1:  # a later part may begin with any word
            matched = _matched(text, addressed or _without_address(channel_id))
        if phone is not None:
            leaving |= {(workspace_id, phone) for workspace_id in matched}
        rows.append(
            Inbound(
                # Whom it is for is known, or nobody is shown it.
                workspace_id=addressed[0] if len(addressed) == 1 else None,
                channel_id=channel_id,
                received_at=received_at,
                phone=phone,
                to_address=_storable(said.destination)[:65],
                text=_storable(text),
                data_coding=said.data_coding,
                keyword=next(iter(matched.values()), ""),
                raw=body,
            )
        )
    Inbound.objects.bulk_create(rows)
    workspaces = Workspace.objects.in_bulk({workspace_id for workspace_id, _ in leaving})
    for workspace_id, phone in sorted(leaving):  # in this order everywhere: each locks its workspace's ledger
        workspace = None if workspace_id == EVERYBODY else workspaces[workspace_id]
        suppressions.opt_out(workspace, phone, reason=reasons.STOP_WORD)


def text_of(said: Message) -> str:
    """Its text; empty when it is not one."""
    coding = said.data_coding
    alphabet = _GSM if coding == 0 else None
    if 0x10 <= coding < 0x80:  # the groups of TS 23.038 §4 that name the alphabet in two bits
        alphabet = coding >> 2 & 3
    elif coding >= 0xF0:
        alphabet = coding >> 2 & 1
    if alphabet == _GSM:
        return gsm.decode(said.octets)
    codec = "utf-16-be" if alphabet == _UCS2 else _CODECS.get(coding)
    return said.octets.decode(codec, errors="replace") if codec and alphabet != _BINARY else ""


def _phone(source: str) -> int | None:
    found = _PHONE.fullmatch(source)
    return int(found[1]) if found else None


def _storable(text: str) -> str:
    """No database takes NUL or half a surrogate pair, and no control character says anything."""
    kept = (character for character in text if character in "\n\r\t" or unicodedata.category(character) != "Cc")
    return "".join(kept).encode("utf-8", errors="replace").decode()


def _addressed(channel_id: int, address: str) -> list[int]:
    """The workspaces that have this address as a sender; of several, those that have sent from it on this channel."""
    saddr = address.removeprefix("+")
    if not saddr:
        return []
    revisions = Revision.objects.approved().filter(saddr__iexact=_storable(saddr))
    having = sorted(set(revisions.values_list("sender__workspace", flat=True)))
    if len(having) < 2:
        return having
    started = Campaign.objects.filter(channel=channel_id, revision__in=revisions, started_at__isnull=False)
    return sorted(set(started.values_list("workspace", flat=True))) or having


def _without_address(channel_id: int) -> list[int]:
    """Whom a stop word binds that was sent to an address of the carrier's: alphanumeric senders have no other."""
    if settings.STOP_BINDS_EVERYBODY:
        return [EVERYBODY]
    started = Campaign.objects.filter(channel=channel_id, started_at__isnull=False)
    return sorted(set(started.order_by().values_list("workspace", flat=True).distinct()))


def _matched(text: str, workspace_ids: Sequence[int]) -> dict[int, str]:
    """Workspace → the word of its list that the text is."""
    words = stop_words.of_each(workspace_ids) if text else {}
    found = {workspace_id: stop_words.matched(text, its) for workspace_id, its in words.items()}
    return {workspace_id: word for workspace_id, word in found.items() if word}
