"""Passkeys and security keys as a second step (WebAuthn Level 2): only the browser that is on our address can use one.

Challenges are kept in the session between the page and its answer, and are good once.
"""

from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

from accounts import second_steps
from accounts.models import SecurityKey, User
from audit.ledger import record
from audit.refusal import Refused

MOST = 10  # of one person
Asked = tuple[str, bytes]  # what the browser is told, as JSON, and the challenge in it


def ask_to_add(user: User) -> Asked:
    with suppress(ValueError):
        words = _("Security keys need an address with a name, and this installation is at %(address)s.")
        raise Refused(words % {"address": ip_address(_host())}, code="no_name")
    if SecurityKey.objects.filter(user=user).count() >= MOST:
        raise Refused(_("At most %(most)s security keys: remove one first.") % {"most": MOST}, code="too_many")
    options = webauthn.generate_registration_options(
        rp_id=_host(),
        rp_name="Message Center",
        user_id=str(user.pk).encode(),
        user_name=user.email,
        exclude_credentials=_known(user),
    )
    return webauthn.options_to_json(options), options.challenge


@transaction.atomic
def add(user: User, answer: str, challenge: bytes, *, name: str, session: str, now: datetime) -> list[str]:
    """Recovery codes where there were none, as with an app. Raises Refused(wrong_key)."""
    try:
        found = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=_host(), expected_origin=_origin()
        )
    except WebAuthnException as error:
        raise Refused(_("The security key did not answer as it should: try again."), code="wrong_key") from error
    second_steps.hold(user)
    if SecurityKey.objects.filter(credential=found.credential_id).exists():
        raise Refused(_("This key is set up already."), code="already_there")
    SecurityKey.objects.create(
        user=user,
        name=name,
        credential=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        added_at=now,
    )
    record("user.second_step_added", user, by=user, after={"way": "security key", "name": name})
    return second_steps.began(user, session=session)


def ask_to_use(user: User) -> Asked | None:
    """None for somebody who has no key."""
    known = _known(user)
    if not known:
        return None
    options = webauthn.generate_authentication_options(
        rp_id=_host(), allow_credentials=known, user_verification=UserVerificationRequirement.DISCOURAGED
    )
    return webauthn.options_to_json(options), options.challenge


@transaction.atomic
def use(user: User, answer: str, challenge: bytes, *, now: datetime) -> None:
    """Raises Refused(wrong_key): not one of theirs, not for this page, or a copy that counts behind the original."""
    try:
        credential = parse_authentication_credential_json(answer)
        kept = SecurityKey.objects.select_for_update().get(user=user, credential=credential.raw_id)
        found = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            credential_public_key=bytes(kept.public_key),
            credential_current_sign_count=kept.sign_count,
        )
    except (WebAuthnException, SecurityKey.DoesNotExist) as error:
        raise Refused(_("The security key did not answer as it should: try again."), code="wrong_key") from error
    kept.sign_count, kept.used_at = found.new_sign_count, now
    kept.save(update_fields=["sign_count", "used_at"])
    second_steps.passed(user, way="security key")


@transaction.atomic
def rename(user: User, pk: int, *, name: str) -> None:
    kept = _kept(user, pk)
    before, kept.name = kept.name, name.strip()
    if kept.name != before:
        kept.save(update_fields=["name"])
        record("user.security_key_renamed", user, by=user, before={"name": before}, after={"name": kept.name})


@transaction.atomic
def remove(user: User, pk: int, *, session: str) -> None:
    kept = _kept(user, pk)
    second_steps.check_may_lose(user, key=kept)
    kept.delete()
    second_steps.end_others(user, session=session)
    record("user.second_step_removed", user, by=user, before={"way": "security key", "name": kept.name})


def _kept(user: User, pk: int) -> SecurityKey:
    second_steps.hold(user)
    kept = SecurityKey.objects.filter(user=user, pk=pk).first()
    if kept is None:
        raise Refused(_("This key is not set up any more."), code="not_there")
    return kept


def _known(user: User) -> list[PublicKeyCredentialDescriptor]:
    kept = SecurityKey.objects.filter(user=user).values_list("credential", flat=True)
    return [PublicKeyCredentialDescriptor(id=bytes(credential)) for credential in kept]


def _origin() -> str:
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.scheme}://{parts.netloc}"


def _host() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or ""
