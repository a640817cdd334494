"""Somebody is invited into a workspace by email, and accepts: with the account of this address, or with a new one.

The token of the link is kept nowhere. It follows from the row's `seed` and SECRET_KEY, so the letter can be written
when it leaves, and whoever comes with it is known by its digest (docs/adr/0057).
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import members
from accounts.access import permissions_in
from accounts.models import Invitation, Membership, User, Workspace
from accounts.roles import Permission
from accounts.statuses import INVITATION_MOVES as MOVES
from accounts.statuses import InvitationStatus
from audit import keyed, walls
from audit.ledger import change_status, hold, record
from audit.refusal import Refused

MOST_PENDING = 200  # in a workspace: letters go to anybody's address
AGAIN = timedelta(minutes=1)
_SALT = "accounts.invitations"


@transaction.atomic
def invite(
    workspace_id: int, *, email: str, role: str, by: User, now: datetime, is_moderator: bool = False
) -> Invitation:
    """Whether there is an account with this address is not said: that is nobody's business but its owner's."""
    workspace = members.lock(workspace_id, by=by)
    email = _address(email)
    if Membership.objects.of(workspace).filter(user__email__iexact=email).exists():
        raise Refused(_("%(person)s is a member already.") % {"person": email}, code="already_member", field="email")
    pending = Invitation.objects.of(workspace).pending()
    if pending.filter(email__iexact=email).exists():
        raise Refused(
            _("%(person)s is invited already: send that invitation again.") % {"person": email},
            code="already_invited",
            field="email",
        )
    if email.lower() == by.email.lower():
        raise Refused(_("Somebody else must invite you."), code="own_membership", field="email")
    if pending.count() >= MOST_PENDING:
        raise Refused(
            _("%(most)s invitations are open: revoke some of them first.") % {"most": MOST_PENDING}, code="too_many"
        )
    wanted = members.place(role, is_moderator=is_moderator)
    invitation = Invitation(workspace=workspace, email=email, **wanted, invited_by=by, **_fresh(now))
    invitation.save()
    record("invitation.created", invitation, by=by, after={**wanted, "expires_at": invitation.expires_at})
    return invitation


@transaction.atomic
def resend(invitation_id: int, *, by: User, now: datetime) -> Invitation:
    """With another link and all its days: the one before it opens nothing any more. `by` answers for it from now on."""
    invitation = _lock(invitation_id, by=by)
    _check_pending(invitation)
    if now < invitation.sent_at + AGAIN:
        raise Refused(_("It was sent a moment ago: wait a minute."), code="too_soon")
    fresh = _fresh(now)
    for name, value in fresh.items():
        setattr(invitation, name, value)
    invitation.invited_by = by
    invitation.save(update_fields=[*fresh, "invited_by"])
    record("invitation.resent", invitation, by=by, after={"expires_at": invitation.expires_at})
    return invitation


@transaction.atomic
def revoke(invitation_id: int, *, by: User, now: datetime) -> Invitation:
    invitation = _lock(invitation_id, by=by)
    invitation.ended_at = now
    change_status(invitation, InvitationStatus.REVOKED, moves=MOVES, by=by, also_save=["ended_at"])
    return invitation


@transaction.atomic
@walls.everything()  # whoever comes by the link is no member yet
def accept(token: str, *, by: User, now: datetime) -> Membership:
    invitation = _lock_by_token(token, now=now)
    if by.email.lower() != invitation.email.lower():
        raise Refused(
            _("This invitation is for %(email)s, and you are %(you)s.") % {"email": invitation.email, "you": by},
            code="somebody_else",
        )
    return _admit(invitation, by, now=now)


@transaction.atomic
@walls.everything()
def accept_as_newcomer(token: str, *, name: str, password: str, now: datetime) -> Membership:
    """The account is made with it. They came by the letter, so the address is theirs."""
    invitation = _lock_by_token(token, now=now)
    if has_account(invitation):
        raise Refused(_("There is an account with this address by now: sign in to accept."), code="account_exists")
    user = User.objects.create_user(invitation.email, password, name=name.strip())
    record("user.created", user, by=user, after={"email": user.email, "invitation": invitation.pk})
    return _admit(invitation, user, now=now)


@transaction.atomic
@walls.everything()
def accept_by_address(email: str, *, name: str, now: datetime) -> User | None:
    """Of somebody whom an identity provider vouches for: the address is theirs, as if they had come by the letter.
    The account that is made with it has no password. None when no invitation is open."""
    for seen in Invitation.objects.pending().filter(email__iexact=email).order_by("pk"):
        Workspace.objects.select_for_update(no_key=True).get(pk=seen.workspace_id)
        hold(0, seen.workspace_id)
        found = Invitation.objects.select_related("workspace", "invited_by").get(pk=seen.pk)
        if not has_account(found) and not why_not(found, now=now):
            user = User.objects.create_user(found.email, name=name.strip()[:120])
            record("user.created", user, by=user, after={"email": user.email, "invitation": found.pk})
            _admit(found, user, now=now)
            return user
    return None


@walls.everything()
def find(token: str) -> Invitation | None:
    """Whose link this is, whatever became of it; None for one that was never given out, or has had a successor."""
    found = Invitation.objects.select_related("workspace", "invited_by").filter(digest=_digest_of(token))
    return found.first()


def why_not(invitation: Invitation, *, now: datetime) -> str:
    """What keeps its owner from accepting it; empty when nothing does."""
    if invitation.status == InvitationStatus.ACCEPTED:
        return _("This invitation is accepted already.")
    if invitation.status == InvitationStatus.REVOKED:
        return _("This invitation was revoked.")
    if now >= invitation.expires_at:
        return _("This invitation is out of date. Ask for another one.")
    if not _may_invite(invitation.invited_by, invitation.workspace):
        return _("Whoever invited you may not do so any more. Ask an admin of the workspace for another invitation.")
    return ""


def has_account(invitation: Invitation) -> bool:
    return User.objects.filter(email__iexact=invitation.email).exists()


def token_of(invitation: Invitation) -> str:
    """For the letter, and for nothing else. It may leave under another key than the one the invitation was made under:
    then the link is that which the row knows."""
    tokens = keyed.digests(_SALT, invitation.seed)
    return next((token for token in tokens if _digest_of(token) == invitation.digest), tokens[0])


def _lock(invitation_id: int, *, by: User) -> Invitation:
    workspace = members.lock(Invitation.objects.values_list("workspace_id", flat=True).get(pk=invitation_id), by=by)
    return Invitation.objects.of(workspace).select_related("workspace", "invited_by").get(pk=invitation_id)


def _lock_by_token(token: str, *, now: datetime) -> Invitation:
    """The lock of the workspace is that of its invitations, too: nobody accepts what is being revoked."""
    found = find(token)
    if found is not None:
        Workspace.objects.select_for_update(no_key=True).get(pk=found.workspace_id)
        hold(0, found.workspace_id)
        found = find(token)
    if found is None:
        raise Refused(_("This invitation is not known here."), code="unknown_invitation")
    if why := why_not(found, now=now):
        raise Refused(why, code="invitation_over")
    return found


def _admit(invitation: Invitation, user: User, *, now: datetime) -> Membership:
    membership = members.admit(
        invitation.workspace,
        user,
        role=invitation.role,
        is_moderator=invitation.is_moderator,
        by=user,
        granted_by=invitation.invited_by,
    )
    invitation.accepted_by, invitation.ended_at = user, now
    also = ["accepted_by", "ended_at"]
    change_status(invitation, InvitationStatus.ACCEPTED, moves=MOVES, by=user, also_save=also)
    return membership


def _check_pending(invitation: Invitation) -> None:
    if invitation.status != InvitationStatus.PENDING:
        raise Refused(
            _("The invitation of %(person)s is %(status)s.")
            % {"person": invitation, "status": invitation.get_status_display().lower()},
            code="wrong_status",
        )


def _may_invite(user: User, workspace: Workspace) -> bool:
    return user.is_active and Permission.MANAGE in permissions_in(workspace, user)


def _address(email: str) -> str:
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refused(
            _("“%(email)s” is no email address.") % {"email": email[:80]}, code="bad_email", field="email"
        ) from error
    return User.objects.normalize_email(email)


def _fresh(now: datetime) -> dict[str, Any]:
    """A link that nobody has had, and how long it opens the door."""
    seed = secrets.token_hex(32)
    digest = _digest_of(token_of(Invitation(seed=seed)))
    return {"seed": seed, "digest": digest, "sent_at": now, "expires_at": now + settings.INVITATION_KEPT}


def _digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
