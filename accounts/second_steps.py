"""What somebody signs in with besides a password: codes of an app, or recovery codes (docs/adr/0055).

Codes are those of RFC 6238: six digits of thirty seconds, one before and one after taken for clocks that are off.
"""

import json
import secrets
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts import lock_outs
from accounts.models import Authenticator, Membership, RecoveryCode, SecurityKey, Session, User
from accounts.roles import Role
from audit import circumstances, keyed
from audit.ledger import record
from audit.refusal import Refused

ATTEMPTS = 5  # wrong codes in a row, from wherever; then none is looked at for LOCK_OUT
CODES = 10
STEP = 30  # seconds
AROUND = 1  # steps before and after


def is_on(user: User) -> bool:
    """Whether whoever has the password alone gets no further."""
    app = Authenticator.objects.filter(user=OuterRef("pk"), confirmed_at__isnull=False)
    key = SecurityKey.objects.filter(user=OuterRef("pk"))
    return User.objects.filter(Exists(app) | Exists(key), pk=user.pk).exists()


def is_required(user: User) -> bool:
    """By SECOND_STEP_REQUIRED_FOR; asked anew each time, as roles change."""
    if not settings.SECOND_STEP_REQUIRED_FOR:
        return False
    memberships = Membership.objects.filter(user=user).values_list("role", "is_moderator")
    roles = {role for given, judges in memberships for role in (given, *([Role.MODERATOR] if judges else []))}
    return is_required_of(roles, is_superuser=user.is_superuser)


def is_required_of(roles: Iterable[str], *, is_superuser: bool) -> bool:
    """`roles` are those in every workspace; whoever judges beside another role is a moderator, too."""
    has = {"super admin"} if is_superuser else {Role.MODERATOR, Role.ADMIN} & set(roles)
    return not has.isdisjoint(settings.SECOND_STEP_REQUIRED_FOR)


def is_missing(user: User) -> bool:
    """Whether somebody must have one, and has none."""
    return is_required(user) and not is_on(user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What somebody has: since when an app, which keys, how many recovery codes."""

    app_since: datetime | None
    keys: list[SecurityKey]
    codes: int

    @property
    def are_any(self) -> bool:
        return self.app_since is not None or bool(self.keys)


def ways_of(user: User) -> Ways:
    app = Authenticator.objects.filter(user=user, confirmed_at__isnull=False).first()
    return Ways(
        app_since=app.confirmed_at if app else None,
        keys=list(SecurityKey.objects.filter(user=user).order_by("pk")),
        codes=RecoveryCode.objects.filter(user=user, used_at=None).count(),
    )


# --- An app -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def propose(user: User) -> None:
    """A secret for an app, which is nothing until a code of it is typed."""
    hold(user)
    if Authenticator.objects.filter(user=user, confirmed_at__isnull=False).exists():
        raise Refused(_("An app is set up already: remove it first."), code="already_there")
    Authenticator.objects.update_or_create(user=user, defaults={"sealed": _seal(user, pyotp.random_base32())})


def proposed(user: User) -> pyotp.TOTP | None:
    """What the app is to be told, while it waits for its first code."""
    row = Authenticator.objects.filter(user=user, confirmed_at=None).first()
    return _totp(row) if row else None


def confirm(user: User, code: str, *, session: str, now: datetime) -> list[str]:
    """The app shows the right codes: from now on they are asked for, and every other browser has to sign in again.

    Recovery codes, where there were none; they are shown once. Raises Refused(wrong_code | locked_out).
    """
    _count(user, now=now)
    with transaction.atomic():
        hold(user)
        row = Authenticator.objects.filter(user=user, confirmed_at=None).first()
        if row is None or not _takes(row, "".join(code.split()), now=now):
            raise Refused(_("This is not the code that the app shows now."), code="wrong_code", field="code")
        lock_outs.clear(_attempts_of(user))
        row.confirmed_at = now
        row.save(update_fields=["confirmed_at", "last_step", "sealed"])
        record("user.second_step_added", user, by=user, after={"way": "app"})
        return began(user, session=session)


def hold(user: User) -> None:
    """Until the end of the transaction nobody else changes what this person signs in with, in whichever browser."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def began(user: User, *, session: str) -> list[str]:
    """What follows on a new one: no other browser that came in without, and codes where there were none."""
    end_others(user, session=session)
    if RecoveryCode.objects.filter(user=user, used_at=None).exists():
        return []
    return _new_codes(user)


def end_others(user: User, *, session: str) -> None:
    Session.objects.of_person(user).exclude(session_key=session).delete()


@transaction.atomic
def remove_app(user: User, *, session: str) -> None:
    hold(user)
    check_may_lose(user)
    if Authenticator.objects.filter(user=user).delete()[0]:
        end_others(user, session=session)
        record("user.second_step_removed", user, by=user, before={"way": "app"})


def check_may_lose(user: User, *, key: SecurityKey | None = None) -> None:
    """That there is another way when this key, or the app, is gone; raises Refused where their role needs one."""
    keys = SecurityKey.objects.filter(user=user)
    if key is None:
        has_another = keys.exists()
    else:
        has_app = Authenticator.objects.filter(user=user, confirmed_at__isnull=False).exists()
        has_another = has_app or keys.exclude(pk=key.pk).exists()
    if not has_another and is_required(user):
        raise Refused(_("Your role needs a second step: set up another one first."), code="second_step_required")


# --- Recovery codes ---------------------------------------------------------------------------------------------------


@transaction.atomic
def renew_codes(user: User) -> list[str]:
    """Those of before open nothing any more."""
    hold(user)
    codes = _new_codes(user)
    record("user.recovery_codes_renewed", user, by=user)
    return codes


# --- Signing in -------------------------------------------------------------------------------------------------------


def take(user: User, code: str, *, now: datetime) -> None:
    """A code of the app, or a recovery code. Raises Refused(wrong_code | locked_out)."""
    _count(user, now=now)
    text = "".join(code.split()).replace("-", "").lower()
    with transaction.atomic():
        if way := _way_of(user, text, now=now):
            passed(user, way=way)
            return
        # Whoever types it has the password; who they are is not known.
        record("user.second_step_failed", user, by=None, after={"address": circumstances.current().address})
    raise Refused(_("This code is wrong, or was used before."), code="wrong_code", field="code")


def passed(user: User, *, way: str) -> None:
    """In the transaction that found the code or the signature right."""
    lock_outs.clear(_attempts_of(user))
    record("user.second_step_taken", user, by=user, after={"way": way})


@transaction.atomic
def reset(user_id: int, *, by: User | None, reason: str = "") -> User:
    """For whoever has lost everything: the password alone opens again, and every browser has to sign in again.

    By a super admin for somebody else who is none, with a reason; by whoever has a shell (None) for anybody.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if by is not None:
        _check_resets(user, reason, by=by)
    rows = {"app": Authenticator, "keys": SecurityKey, "codes": RecoveryCode}
    had = [way for way, model in rows.items() if model._base_manager.filter(user=user).delete()[0]]
    Session.objects.of_person(user).delete()
    record("user.second_step_reset", user, by=by, note=reason, before={"ways": had})
    return user


def _check_resets(user: User, reason: str, *, by: User) -> None:
    if not by.is_superuser:
        raise Refused(_("Only a super admin resets a second step."), code="not_a_super_admin")
    if user.pk == by.pk:
        raise Refused(_("Nobody resets their own second step: ask another super admin."), code="own_second_step")
    if user.is_superuser:
        raise Refused(_("Nobody changes another super admin."), code="super_admin")
    if not reason.strip():
        raise Refused(_("Say why, and how you know that it is they who ask."), code="no_reason", field="reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    apps: int
    lost: list[str]  # whose secret no key opens


@transaction.atomic
def reseal() -> Resealed:
    """Every secret that was sealed under a key before, under the SECRET_KEY of today."""
    rows, lost = [], []
    for row in Authenticator.objects.select_for_update(of=("self",)).select_related("user"):
        try:
            if not _is_of_today(row):
                row.sealed = _seal(row.user, _unseal(row))
                rows.append(row)
        except Refused:
            lost.append(row.user.email)
    Authenticator.objects.bulk_update(rows, ["sealed"])
    return Resealed(apps=len(rows), lost=lost)


def _way_of(user: User, text: str, *, now: datetime) -> str | None:
    if len(text) == 6 and text.isascii() and text.isdigit():
        row = Authenticator.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
        if row and _takes(row, text, now=now):
            row.save(update_fields=["last_step", "sealed"])
            return "app"
        return None
    digests = _digests(user, text)
    for kept in RecoveryCode.objects.select_for_update().filter(user=user, used_at=None):
        if any(constant_time_compare(kept.digest, digest) for digest in digests):
            kept.used_at = now
            kept.save(update_fields=["used_at"])
            return "recovery code"
    return None


def _takes(row: Authenticator, code: str, *, now: datetime) -> bool:
    """Whether it is one of now, and newer than all that were taken; then it is the newest, and the secret is sealed
    under the key of today."""
    totp, here = _totp(row), int(now.timestamp()) // STEP
    for step in range(max(here - AROUND, row.last_step + 1), here + AROUND + 1):
        if constant_time_compare(totp.generate_otp(step), code):
            row.last_step, row.sealed = step, _seal(row.user, totp.secret)
            return True
    return False


def _count(user: User, *, now: datetime) -> None:
    if not lock_outs.count({_attempts_of(user): ATTEMPTS}, now=now):
        raise Refused(_("Too many wrong codes. Try again in a quarter of an hour."), code=lock_outs.SHUT)


def _attempts_of(user: User) -> str:
    return lock_outs.digest("second step", str(user.pk))


def _new_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = [b32encode(secrets.token_bytes(10)).decode().lower() for _number in range(CODES)]  # 80 bits
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digests(user, code)[0]) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def _totp(row: Authenticator) -> pyotp.TOTP:
    """Raises Refused(secret_lost) where no key of the installation opens it any more."""
    return pyotp.TOTP(_unseal(row), interval=STEP, name=row.user.email, issuer="Message Center")


def _digests(user: User, code: str) -> list[str]:
    return keyed.digests("accounts.second_steps", f"{user.pk}\n{code}")


def _seal(user: User, secret: str) -> str:
    return MultiFernet(_boxes()).encrypt(json.dumps([user.pk, secret]).encode()).decode()


def _unseal(row: Authenticator) -> str:
    """Bound to its person: moved to somebody else's row it opens nothing."""
    try:
        whose, secret = json.loads(MultiFernet(_boxes()).decrypt(row.sealed))
    except InvalidToken as error:
        words = _("The secret of this app cannot be read any more. Use another way, or ask for a reset.")
        raise Refused(words, code="secret_lost") from error
    if whose != row.user_id:
        raise Refused("This secret is somebody else's.", code="wrong_code")
    return str(secret)


def _is_of_today(row: Authenticator) -> bool:
    try:
        _boxes()[0].decrypt(row.sealed)
    except InvalidToken:
        return False
    return True


def _boxes() -> list[Fernet]:
    return keyed.boxes("accounts.second_steps")
