"""Who somebody is that an identity provider vouches for: whose account is here already, or whose invitation is open.

At first they are known by the address that it has verified, from then on by its name for them (docs/adr/0066).
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import invitations
from accounts.models import Identity, User
from audit.ledger import record
from audit.refusal import Refused

WAY = "single sign-on"  # in the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the provider says, once it is known that the provider says it."""

    subject: str
    email: str
    is_verified: bool
    name: str


def is_on() -> bool:
    return bool(settings.OIDC_ISSUER)


def is_the_only_way(person: User) -> bool:
    """Super admins may come by a password whatever happens to the provider."""
    return is_on() and settings.OIDC_ONLY and not person.is_superuser


@transaction.atomic
def find(claims: Claims, *, now: datetime) -> User:
    """Raises Refused for whoever has no account here, or one that is switched off."""
    known = Identity.objects.select_related("user").filter(issuer=settings.OIDC_ISSUER, subject=claims.subject).first()
    person = known.user if known else _link(claims, now=now)
    if not person.is_active:
        raise Refused(_("Your account here is switched off. Ask a super admin."), code="switched_off")
    return person


def _link(claims: Claims, *, now: datetime) -> User:
    """To the account of the address, for good: if its owner changes the address there, they are the same here."""
    if not claims.email or not claims.is_verified:
        raise Refused(
            _("%(name)s has not verified your email address: verify it there, then sign in again.")
            % {"name": settings.OIDC_NAME},
            code="unverified",
        )
    person = User.objects.select_for_update(no_key=True).filter(email__iexact=claims.email).first()
    person = person or invitations.accept_by_address(claims.email, name=claims.name, now=now)
    if person is None:
        raise Refused(
            _("There is no account for %(email)s here. Ask an admin of your workspace for an invitation.")
            % {"email": claims.email[:80]},
            code="no_account",
        )
    if Identity.objects.filter(user=person, issuer=settings.OIDC_ISSUER).exists():
        raise Refused(
            _("The account of %(email)s belongs to somebody else at %(name)s. Ask a super admin.")
            % {"email": person.email, "name": settings.OIDC_NAME},
            code="somebody_else",
        )
    Identity.objects.create(user=person, issuer=settings.OIDC_ISSUER, subject=claims.subject, linked_at=now)
    record("user.identity_linked", person, by=person, after={"issuer": settings.OIDC_ISSUER})
    return person
