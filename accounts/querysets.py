"""Which workspaces, memberships, invitations, requests, keys and calls."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models

from accounts.roles import DECIDING_ROLES, WRITING_ROLES, Role
from accounts.statuses import InvitationStatus, JoinRequestStatus

if TYPE_CHECKING:
    from accounts.models import (
        ApiKey,
        Attempts,
        IdempotentCall,
        Invitation,
        JoinRequest,
        Membership,
        Session,
        Unsent,
        User,
        Workspace,
    )


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def open_to(self, user: "User") -> Self:
        """Those a person may enter: their own, and every one for a super admin."""
        return self if user.is_superuser else self.filter(memberships__user=user)

    def written_in_by(self, user: "User") -> Self:
        """Those in which a person may write, pause, archive and restore campaigns."""
        written = models.Q(memberships__role__in=WRITING_ROLES, memberships__user=user)
        return self if user.is_superuser else self.filter(written)

    def decided_by(self, user: "User") -> Self:
        """Those whose campaigns and sender revisions a person may approve and reject."""
        decides = models.Q(memberships__role__in=DECIDING_ROLES) | models.Q(memberships__is_moderator=True)
        return self if user.is_superuser else self.filter(decides, memberships__user=user)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of(self, workspace: "Workspace") -> Self:
        return self.filter(workspace=workspace)

    def active(self) -> Self:
        return self.filter(user__is_active=True)

    def admins(self) -> Self:
        return self.filter(role=Role.ADMIN)

    def moderators(self) -> Self:
        """Those who are there to judge; an admin, who may as well, is not."""
        return self.filter(models.Q(role=Role.MODERATOR) | models.Q(is_moderator=True))

    def called(self, part: str) -> Self:
        """Everybody, for an empty part."""
        return self.filter(models.Q(user__email__icontains=part) | models.Q(user__name__icontains=part))


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def of(self, workspace: "Workspace") -> Self:
        return self.filter(workspace=workspace)

    def pending(self) -> Self:
        """Neither accepted nor revoked; it may be out of date."""
        return self.filter(status=InvitationStatus.PENDING)


class JoinRequestQuerySet(models.QuerySet["JoinRequest"]):
    def of(self, workspace: "Workspace") -> Self:
        return self.filter(workspace=workspace)

    def pending(self) -> Self:
        return self.filter(status=JoinRequestStatus.PENDING)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def of(self, workspace: "Workspace") -> Self:
        return self.filter(workspace=workspace)

    def of_person(self, user: "User") -> Self:
        return self.filter(user=user)

    def usable(self, now: datetime) -> Self:
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=now),
            models.Q(user=None, created_by__is_active=True) | models.Q(user__is_active=True),
            revoked_at=None,
        )


class SessionQuerySet(models.QuerySet["Session"]):
    def of_person(self, user: "User") -> Self:
        return self.filter(user=user)

    def open(self, now: datetime) -> Self:
        return self.filter(expire_date__gt=now, began_at__gt=now - settings.SESSION_LONGEST)

    def over(self, now: datetime) -> Self:
        return self.filter(models.Q(expire_date__lte=now) | models.Q(began_at__lte=now - settings.SESSION_LONGEST))


class UnsentQuerySet(models.QuerySet["Unsent"]):
    def of_person(self, user: "User") -> Self:
        return self.filter(user=user)

    def since(self, at: datetime) -> Self:
        return self.filter(kept_at__gt=at)

    def before(self, at: datetime) -> Self:
        return self.filter(kept_at__lte=at)


class AttemptsQuerySet(models.QuerySet["Attempts"]):
    def lock(self, digests: Iterable[str]) -> Self:
        """In one order for everybody."""
        return self.select_for_update().filter(digest__in=list(digests)).order_by("digest")

    def over(self, before: datetime) -> Self:
        return self.filter(last_at__lt=before)


class IdempotentCallQuerySet(models.QuerySet["IdempotentCall"]):
    def of(self, workspace: "Workspace") -> Self:
        return self.filter(workspace=workspace)

    def expired(self, before: datetime) -> Self:
        return self.filter(created_at__lt=before)
