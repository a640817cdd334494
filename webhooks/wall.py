"""Where a webhook may go: to public addresses only, and to the very address that was looked at.

A user wrote the address, and the server calls it from inside the house: whatever is not plainly a name or an address
of the public internet is refused, by a list of what is good where there is one. Asked when an endpoint is made, and
again at each attempt with what the name says then.
"""

import ipaddress
import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from audit.refusal import Refused

LENGTH = 500
# Names that are somebody's own: RFC 6761, 6762, 8375, 9476 and what clouds call their metadata.
PRIVATE_NAMES = frozenset(
    {
        *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "arpa"),
        *("test", "example", "invalid", "onion", "alt"),
    }
)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as the last label: an address in one of its older spellings
_PLAIN = re.compile(r"[!-~]+")  # ASCII that can be seen

# Beyond what the registries call not global.
_REFUSED_4 = [
    IPv4Network("192.0.0.0/24"),  # protocols' own; a cloud has its metadata here
    IPv4Network("168.63.129.16/32"),  # a cloud's own host, at a public address
    IPv4Network("192.88.99.0/24"),  # relays of 6to4: on to IPv4
]
_GOOD_6 = IPv6Network("2000::/3")  # neither mapped, nor translated (64:ff9b::), nor unique local, nor link local
_REFUSED_6 = [
    IPv6Network("2001::/23"),  # Teredo and other protocols' own
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4: an IPv4 address within
    IPv6Network("3fff::/20"),
]

Address = IPv4Address | IPv6Address


class Walled(Exception):
    """The name says an address that nobody may be sent to from here, or says none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    host: str
    port: int
    is_secure: bool
    path: str

    @property
    def netloc(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """What the URL says, without asking anybody. Raises Refused with what is wrong with it."""
    if len(url) > LENGTH:
        raise _refused(_("The address is longer than %(most)s characters.") % {"most": LENGTH})
    if not _PLAIN.fullmatch(url) or "\\" in url:
        raise _refused(_("Write the address in plain ASCII, a name of other letters as xn--…"))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _refused(_("That is no address.")) from error
    if "@" in parts.netloc or "%" in parts.netloc or parts.fragment:
        raise _refused(_("The address holds a user, a password, a zone or a fragment: leave it out."))
    if settings.WEBHOOKS_TO_LOOPBACK and _is_loopback(host) and parts.scheme in ("http", "https"):
        is_secure = parts.scheme == "https"
        return Target(host=host, port=port or (443 if is_secure else 80), is_secure=is_secure, path=_path(parts))
    if parts.scheme != "https":
        raise _refused(_("The address must begin with https://."))
    if port == 0 or (port or 443) not in settings.WEBHOOK_PORTS:
        ports = ", ".join(str(one) for one in settings.WEBHOOK_PORTS)
        raise _refused(_("That port is not one of those for webhooks: %(ports)s.") % {"ports": ports})
    _check_host(host)
    return Target(host=host, port=port or 443, is_secure=True, path=_path(parts))


def reach(target: Target, *, within: float) -> Address:
    """The address to connect to, of those that the name says now. Raises Walled when any of them is refused: a name
    that says two things may say the other one next."""
    found = _resolved(target, within=within)
    allows_loopback = settings.WEBHOOKS_TO_LOOPBACK and _is_loopback(target.host)
    for address in found:
        if not (is_public(address) or (allows_loopback and address.is_loopback)):
            raise Walled(f"{target.host} is at {address}, which is not a public address")
    return found[0]


def is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return (
            address.is_global
            and not (address.is_multicast or address.is_reserved)
            and not any(address in network for network in _REFUSED_4)
        )
    return address.scope_id is None and address in _GOOD_6 and not any(address in network for network in _REFUSED_6)


def _check_host(host: str) -> None:
    address = _literal(host)
    if address is not None:
        if not is_public(address):
            raise _refused(_("That is not an address of the public internet."))
        return
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused(_("“%(host)s” is no name of a host.") % {"host": host})
    if len(labels) < 2 or labels[-1] in PRIVATE_NAMES or _NUMBER.fullmatch(labels[-1]):
        raise _refused(_("“%(host)s” is no public name.") % {"host": host})


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _literal(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _refused(message: str) -> Refused:
    return Refused(message, code="address_refused", field="url")


def _resolved(target: Target, *, within: float) -> list[Address]:
    """A resolver has no deadline of its own: a thread asks it, and is left behind when it takes longer."""
    found: list[Address] = []
    trouble: list[OSError] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(ipaddress.ip_address(answer[4][0]) for answer in answers))
        except (OSError, UnicodeError) as error:
            trouble.append(OSError(str(error)))

    thread = threading.Thread(target=ask, daemon=True, name="resolve")
    thread.start()
    thread.join(within)
    if thread.is_alive():
        raise Walled(f"nobody said in time where {target.host} is")
    if trouble or not found:
        raise Walled(f"nobody knows where {target.host} is")
    return found
