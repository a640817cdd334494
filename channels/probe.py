"""One bind to see whether the carrier lets us in: with the channel's own settings, and unbound at once.

Not over the links: a person asks for it on the desk, and a refusal changes nothing. A process that has the key of the
password does it (record 100); `web` reads what it answered.
"""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from audit.commits import afterwards
from audit.ledger import record
from audit.refusal import Refused
from channels import reasons, tasks, tls
from channels.models import TEST_WITHIN, BindMode, BindTest, Channel
from smpp import pdu, status
from smpp.pdu import BindResp, GenericNack, ProtocolError
from smpp.session import Role, Session

TIMEOUT = 5.0  # seconds for the connection, and again for the answer
UNBIND_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`words` are in English until somebody reads them (`audit.wording`). `code` is the command_status, None when
    there was none."""

    is_bound: bool
    words: str
    code: int | None = None


@transaction.atomic
def ask(channel_id: int, *, by: User, now: datetime) -> None:
    """`dispatch` binds once, and BindTest has the answer. Raises Refused while a test is under way."""
    channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
    last = last_of(channel)
    if last is not None and last.is_open(now):
        message = _("Somebody is testing %(channel)s at this moment.") % {"channel": channel}
        raise Refused(message, code="test_under_way")
    BindTest(channel=channel, asked_by=by, asked_at=now).save()
    afterwards(tasks.test_bind.delay, channel.pk)


def last_of(channel: Channel) -> BindTest | None:
    return BindTest.objects.select_related("asked_by").filter(pk=channel.pk).first()


def work_on(channel_id: int, *, clock: Callable[[], datetime]) -> None:
    """What the carrier says to a bind. No transaction is open while we wait."""
    open_ones = BindTest.objects.filter(pk=channel_id, taken_at=None, asked_at__gt=clock() - TEST_WITHIN)
    if not open_ones.update(taken_at=clock()):
        return
    test = BindTest.objects.select_related("channel", "asked_by").get(pk=channel_id)
    answer = _try(test.channel)
    found = {"is_bound": answer.is_bound, "words": answer.words, "code": answer.code}
    with transaction.atomic():
        BindTest.objects.filter(pk=channel_id, asked_at=test.asked_at).update(answered_at=clock(), **found)
        after = {"bound": answer.is_bound, "code": answer.code}
        record("channel.tested", test.channel, by=test.asked_by, after=after)


def _try(channel: Channel) -> Answer:
    try:
        password = channel.password
        context = tls.context(
            tls=channel.tls,
            ca=channel.tls_ca,
            client_certificate=channel.tls_client_certificate,
            client_key=channel.tls_client_key,
        )
    except (ImproperlyConfigured, ValueError) as error:
        return Answer(is_bound=False, words=reasons.NOT_TRIED % {"trouble": error})
    address = f"{channel.host}:{channel.port}"
    try:
        with socket.create_connection((channel.host, channel.port), timeout=TIMEOUT) as plain:
            return _bind(_secured(plain, channel, context), channel, password)
    except ssl.SSLError as error:
        values = {"address": address, "trouble": error.reason or str(error)}
        return Answer(is_bound=False, words=reasons.NOT_SECURE % values)
    except TimeoutError:
        return Answer(is_bound=False, words=reasons.NOT_IN_TIME % {"address": address})
    except OSError as error:
        values = {"address": address, "trouble": error.strerror or str(error)}
        return Answer(is_bound=False, words=reasons.NO_CONNECTION % values)
    except ProtocolError as error:
        return Answer(is_bound=False, words=reasons.NOT_SMPP % {"address": address, "trouble": error})


def _secured(plain: socket.socket, channel: Channel, context: ssl.SSLContext | None) -> socket.socket:
    if context is None:
        return plain
    return context.wrap_socket(plain, server_hostname=channel.tls_server_name or channel.host)


def _bind(wire: socket.socket, channel: Channel, password: str) -> Answer:
    session = Session(Role.ESME)
    kind = pdu.BindTransmitter if channel.bind_mode == BindMode.PAIR else pdu.BindTransceiver
    began = time.monotonic()
    asked = kind(
        system_id=channel.system_id.encode(),
        password=password.encode(),
        system_type=channel.system_type.encode(),
        address_range=channel.addr_range.encode(),
    )
    with wire:
        wire.sendall(session.send(asked))
        code = _answer(wire, session, until=began + TIMEOUT)
        if code is None:
            return Answer(is_bound=False, words=reasons.CUT)
        if code != 0:
            values = {"code": f"0x{code:08X}", "name": status.name(code), "text": status.text(code)}
            return Answer(is_bound=False, code=code, words=reasons.REFUSED % values)
        took = round(1000 * (time.monotonic() - began))
        _leave(wire, session)
        return Answer(is_bound=True, code=0, words=reasons.BOUND % {"took": took})


def _answer(wire: socket.socket, session: Session, *, until: float) -> int | None:
    """The status of the bind's answer; None when the connection was cut."""
    while (left := until - time.monotonic()) > 0:
        wire.settimeout(left)
        data = wire.recv(65536)
        if not data:
            return None
        for got in session.receive(data).pdus:
            if isinstance(got, BindResp | GenericNack):
                return got.status
    raise TimeoutError


def _leave(wire: socket.socket, session: Session) -> None:
    try:
        wire.settimeout(UNBIND_TIMEOUT)
        wire.sendall(session.send(pdu.Unbind()))
        wire.recv(65536)
    except (OSError, ProtocolError):
        return  # the connection ends either way
