"""A new password for somebody who has forgotten theirs: by a link in a letter, good once and for an hour.

The link's token is nowhere: it follows from the person's row, the time of asking and SECRET_KEY, so the letter derives
it when it leaves, and a new password, another address or a sign-in ends it (docs/adr/0061).
"""

import re
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.http import base36_to_int, int_to_base36
from django.utils.translation import gettext as _

from accounts import lock_outs, single_sign_on
from accounts.models import Attempts, Session, User
from audit import circumstances, keyed
from audit.ledger import record
from audit.refusal import Refused

GOOD_FOR = timedelta(hours=1)
AT_ACCOUNT, AT_ADDRESS = 3, 20  # so many may ask before LOCK_OUT has passed
_SALT = "accounts.resets"
_SHAPE = re.compile(r"[0-9]{1,18}-[0-9a-z]{1,12}-[0-9a-f]{64}")


def ask(email: str, *, now: datetime) -> None:
    """Whoever it is, the same is done and takes as long: the letter leaves later, by the entry, to somebody there is.

    Raises Refused(locked_out) for an address that asks for one after another. An account for which many have asked
    gets no more letters, and nobody is told: the links that it has are good.
    """
    address = circumstances.current().address
    of_address = lock_outs.digest("resets", lock_outs.network(address))
    of_account = lock_outs.digest("resets", email.strip().casefold(), "")
    if not lock_outs.count({of_address: AT_ADDRESS}, now=now):
        raise Refused(_("Too many questions. Try again in a quarter of an hour."), code=lock_outs.SHUT)
    with transaction.atomic():
        if lock_outs.count({of_account: AT_ACCOUNT}, now=now):
            person = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
            subject = person if person and may_reset(person) else Attempts.objects.get(digest=of_account)
            # Nobody has done it yet, as far as is known; but from somewhere.
            record("user.reset_asked", subject, by=None, after={"address": address})


def may_reset(person: User) -> bool:
    """Whoever never had a password here, or cannot come by it, has none to forget."""
    return person.is_active and person.has_usable_password() and not single_sign_on.is_the_only_way(person)


def token_of(person: User, *, asked_at: datetime) -> str:
    """For the letter, and for nothing else."""
    stamp = int_to_base36(int(asked_at.timestamp()))
    return f"{person.pk}-{stamp}-{_proofs(person, stamp)[0]}"


def find(token: str, *, now: datetime) -> User | None:
    """Whose link it is, while it is good."""
    if not _SHAPE.fullmatch(token):
        return None
    pk, stamp, proof = token.split("-")
    person = User.objects.filter(pk=int(pk)).first()
    if person is None or not may_reset(person) or not _is_proof(proof, person, stamp):
        return None
    return person if now.timestamp() <= base36_to_int(stamp) + GOOD_FOR.total_seconds() else None


@transaction.atomic
def reset(token: str, *, password: str, now: datetime) -> User:
    """Once: whoever comes second with the same link is refused. Every browser has to sign in again, this one too."""
    found = find(token, now=now)
    # NO KEY: what points at this person must not wait for us.
    locked = found and User.objects.select_for_update(no_key=True).get(pk=found.pk)
    if locked is None or find(token, now=now) is None:
        raise Refused(_("This link opens nothing any more. Ask for another one."), code="bad_token")
    locked.set_password(password)
    locked.save(update_fields=["password"])
    Session.objects.of_person(locked).delete()
    record("user.password_reset", locked, by=locked)
    return locked


def _is_proof(given: str, person: User, stamp: str) -> bool:
    return any(constant_time_compare(given, proof) for proof in _proofs(person, stamp))


def _proofs(person: User, stamp: str) -> list[str]:
    bound = [person.pk, person.email, person.password, person.last_login and person.last_login.isoformat(), stamp]
    return keyed.digests(_SALT, "\n".join(map(str, bound)))
