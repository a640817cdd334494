"""How many wrong passwords one address may try: for one account, and for all accounts together.

Counted by what was typed, whether there is such an account or not; so nobody learns which there are. An account is
shut only for the address that failed: whoever tries from elsewhere keeps nobody out (docs/adr/0054).
"""

import ipaddress
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.models import Attempts
from audit.refusal import Refused

NOWHERE = "none"  # a shell, a socket without a peer


def begin(email: str, address: str | None, *, now: datetime) -> None:
    """Count an attempt before its password is looked at, so that those who come at once are counted one by one.

    Raises Refused(locked_out).
    """
    if not count(_limits(email, address), now=now):
        raise Refused(_("Too many attempts. Try again in a quarter of an hour, or from another place."), code=SHUT)


@transaction.atomic
def count(limits: Mapping[str, int], *, now: datetime) -> bool:
    """Whether there was one left of each; if not, nothing was counted: who waits is not shut out for longer."""
    Attempts.objects.bulk_create([Attempts(digest=key, last_at=now) for key in limits], ignore_conflicts=True)
    counted = list(Attempts.objects.lock(limits))
    for attempts in counted:
        if attempts.last_at + settings.LOCK_OUT <= now:
            attempts.number = 0
        if attempts.number >= limits[attempts.digest]:
            return False
    for attempts in counted:
        attempts.number, attempts.last_at = attempts.number + 1, now
        attempts.save(update_fields=["number", "last_at"])
    return True


SHUT = "locked_out"


@transaction.atomic
def succeed(email: str, address: str | None) -> None:
    """The account begins anew at this address. The address itself gets back one: an account of one's own buys none."""
    of_account, of_address = _limits(email, address)
    for attempts in Attempts.objects.lock([of_account, of_address]):
        attempts.number = 0 if attempts.digest == of_account else max(0, attempts.number - 1)
        attempts.save(update_fields=["number"])


@transaction.atomic
def clear(key: str) -> None:
    """What was counted there begins anew."""
    for attempts in Attempts.objects.lock([key]):
        attempts.number = 0
        attempts.save(update_fields=["number"])


def last_of(email: str, address: str | None) -> tuple[Attempts, bool]:
    """The attempts at an account from an address, and whether there is none left."""
    limits = _limits(email, address)
    attempts = Attempts.objects.get(digest=next(iter(limits)))
    return attempts, attempts.number >= limits[attempts.digest]


def _limits(email: str, address: str | None) -> dict[str, int]:
    """Of the account from this address, and then of the address: how many in a row."""
    place = network(address)
    return {
        digest(email.strip().casefold(), place): settings.SIGN_IN_ATTEMPTS,
        digest(place): settings.SIGN_IN_ATTEMPTS_OF_ADDRESS,
    }


def network(address: str | None) -> str:
    """Where it is: of IPv6 the /64, all of which one customer has (RFC 6177)."""
    if not address:
        return NOWHERE
    found = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address


def digest(*texts: str) -> str:
    """What people type for their address may be their password: it is kept nowhere."""
    return salted_hmac("accounts.lock_outs", "\n".join(texts), algorithm="sha256").hexdigest()


def forget(*, now: datetime) -> None:
    Attempts.objects.over(now - settings.LOCK_OUT).delete()
