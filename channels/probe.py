"""One bind to see whether the carrier lets us in: with the channel's own settings, and unbound at once.

Not over the links: it is asked by a person on a page, in the process that serves it, and a refusal changes nothing.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from channels import tls
from channels.models import BindMode, Channel
from smpp import pdu, status
from smpp.pdu import BindResp, GenericNack, ProtocolError
from smpp.session import Role, Session

TIMEOUT = 5.0  # seconds for the connection, and again for the answer
UNBIND_TIMEOUT = 1.0
_LOCK_SPACE = 0x4D50  # any number, the same in every process: the key space of our advisory locks


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`words` are for people. `code` is the command_status, None when there was none."""

    is_bound: bool
    words: str
    code: int | None = None


def test(channel_id: int, *, by: User) -> Answer:
    """What the carrier says to a bind. Raises Refused while another test of the channel is under way."""
    channel = Channel.objects.get(pk=channel_id)
    with _alone(channel):
        answer = _try(channel)  # no transaction is open while we wait
    with transaction.atomic():
        record("channel.tested", channel, by=by, after={"bound": answer.is_bound, "code": answer.code})
    return answer


@contextmanager
def _alone(channel: Channel) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, channel.pk])
        if not cursor.fetchone()[0]:
            message = _("Somebody is testing %(channel)s at this moment.") % {"channel": channel}
            raise Refused(message, code="test_under_way")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, channel.pk])


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
        return Answer(is_bound=False, words=_("Not tried: %(trouble)s") % {"trouble": error})
    address = f"{channel.host}:{channel.port}"
    try:
        with socket.create_connection((channel.host, channel.port), timeout=TIMEOUT) as plain:
            return _bind(_secured(plain, channel, context), channel, password)
    except ssl.SSLError as error:
        values = {"address": address, "trouble": error.reason or str(error)}
        return Answer(is_bound=False, words=_("No secure connection to %(address)s: %(trouble)s.") % values)
    except TimeoutError:
        return Answer(is_bound=False, words=_("%(address)s did not answer in time.") % {"address": address})
    except OSError as error:
        values = {"address": address, "trouble": error.strerror or str(error)}
        return Answer(is_bound=False, words=_("No connection to %(address)s: %(trouble)s.") % values)
    except ProtocolError as error:
        words = _("What answers at %(address)s does not speak SMPP: %(trouble)s.")
        return Answer(is_bound=False, words=words % {"address": address, "trouble": error})


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
            return Answer(is_bound=False, words=_("The carrier cut the connection instead of answering the bind."))
        if code != 0:
            values = {"code": f"0x{code:08X}", "name": status.name(code), "text": status.text(code)}
            return Answer(is_bound=False, code=code, words=_("Refused: %(name)s (%(code)s). %(text)s") % values)
        took = round(1000 * (time.monotonic() - began))
        _leave(wire, session)
        return Answer(is_bound=True, code=0, words=_("The bind was accepted, after %(took)d ms.") % {"took": took})


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
