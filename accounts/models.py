"""Who may act: users, workspaces, memberships and roles, API keys."""

import hashlib
import zoneinfo
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise
from simple_history.models import HistoricalRecords

from accounts.preferences import LANGUAGES, Theme
from accounts.querysets import (
    ApiKeyQuerySet,
    AttemptsQuerySet,
    IdempotentCallQuerySet,
    InvitationQuerySet,
    JoinRequestQuerySet,
    MembershipQuerySet,
    SessionQuerySet,
    UnsentQuerySet,
    WorkspaceQuerySet,
)
from accounts.roles import Permission, Role, permissions_of
from accounts.statuses import InvitationStatus, JoinRequestStatus

LONGEST_KEPT = 3650  # days


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `is_superuser` is the super admin of the installation; `is_staff` may enter the admin."""

    email = models.EmailField(gettext_lazy("email"), unique=True)
    name = models.CharField(gettext_lazy("name"), max_length=120, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)
    language = models.CharField(
        gettext_lazy("language"), max_length=5, choices=LANGUAGES, blank=True, default="", db_default=""
    )
    theme = models.CharField(
        gettext_lazy("theme"), max_length=6, choices=Theme.choices, default=Theme.SYSTEM, db_default=Theme.SYSTEM
    )
    wants_mail = models.BooleanField(
        gettext_lazy("emails"),
        default=True,
        db_default=True,
        help_text=gettext_lazy("When something waits for my decision, and when something of mine is decided."),
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once_in_any_case")]

    def __str__(self) -> str:
        return self.email

    def get_short_name(self) -> str:
        return self.name or self.email


def check_time_zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError(_("“%(value)s” is not a time zone such as Europe/Amsterdam.") % {"value": value})


def _kept(label: StrOrPromise, help_text: StrOrPromise) -> "models.PositiveSmallIntegerField[int | None, int | None]":
    days = [MinValueValidator(1), MaxValueValidator(LONGEST_KEPT)]
    return models.PositiveSmallIntegerField(label, null=True, blank=True, validators=days, help_text=help_text)


class Workspace(models.Model):
    """The tenant: everything but people, channels and the installation's own ledger belongs to exactly one."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])
    country = models.CharField(
        max_length=2, blank=True, help_text=gettext_lazy("ISO 3166 code for numbers in national format.")
    )
    four_eyes = models.BooleanField(
        default=True,
        help_text=gettext_lazy("Whoever wrote or last edited a campaign or a sender revision cannot approve it."),
    )
    tokens_may_decide = models.BooleanField(
        default=False, help_text=gettext_lazy("A moderator's personal API token may approve and reject.")
    )
    # Whom an approval needs, and how long it stands: docs/adr/0060.
    second_approver_above = models.PositiveBigIntegerField(
        gettext_lazy("second approver above"),
        null=True,
        blank=True,
        help_text=gettext_lazy("A campaign to more recipients than this needs two moderators. Empty: one is enough."),
    )
    approval_days = models.PositiveSmallIntegerField(
        gettext_lazy("days of an approval"),
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        null=True,
        blank=True,
        default=14,
        db_default=14,
        help_text=gettext_lazy(
            "A campaign that has not begun by then must be approved again. Empty: an approval stands for ever."
        ),
    )
    takes_requests = models.BooleanField(
        default=True,
        db_default=True,
        help_text=gettext_lazy("Whoever has an account and knows its code or name may ask to join."),
    )
    # What it may spend and where to, asked for with each intent (docs/adr/0053). Null is no limit.
    parts_per_day = models.PositiveBigIntegerField(null=True, blank=True)
    parts_per_month = models.PositiveBigIntegerField(null=True, blank=True)
    destinations = ArrayField(
        models.CharField(max_length=15),
        null=True,
        blank=True,
        help_text="Digits with which a number must begin, such as 31 or 998.",
    )
    # For how many days personal data is kept (docs/adr/0072). Null is as the installation has it.
    messages_kept_days = _kept(
        gettext_lazy("messages"),
        gettext_lazy("What became of each recipient: days after the month of the campaign's start."),
    )
    lists_kept_days = _kept(
        gettext_lazy("lists"),
        gettext_lazy("Days after its preparation, once no campaign needs it. Empty: until somebody deletes it."),
    )
    exports_kept_days = _kept(gettext_lazy("exports"), gettext_lazy("Days after the file was written."))
    inbound_kept_days = _kept(gettext_lazy("messages from phones"), gettext_lazy("Days after their arrival."))
    created_at = models.DateTimeField(default=timezone.now)

    objects = WorkspaceQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="workspace_has_a_destination", condition=Q(destinations=None) | Q(destinations__len__gt=0)
            ),
            models.CheckConstraint(
                name="workspace_approval_lasts_a_day", condition=Q(approval_days=None) | Q(approval_days__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_limited(self) -> bool:
        """What it spends is counted."""
        return self.parts_per_day is not None or self.parts_per_month is not None

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


class Membership(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(gettext_lazy("role"), max_length=20, choices=Role.choices)
    is_moderator = models.BooleanField(
        gettext_lazy("moderator too"),
        default=False,
        help_text=gettext_lazy("An author who may also approve and reject."),
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="membership_once", fields=["workspace", "user"]),
            models.CheckConstraint(name="membership_known_role", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.workspace} · {self.get_role_display()}"

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.role, is_moderator=self.is_moderator)


class Invitation(models.Model):
    """An email with a link, by which one person becomes a member.

    The link's token is nowhere: it follows from `seed` and SECRET_KEY, and is known again by its digest.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    email = models.EmailField(gettext_lazy("email"))
    role = models.CharField(gettext_lazy("role"), max_length=20, choices=Role.choices)
    is_moderator = models.BooleanField(gettext_lazy("moderator too"), default=False)
    status = models.CharField(
        gettext_lazy("status"),
        max_length=20,
        choices=InvitationStatus.choices,
        default=InvitationStatus.PENDING,
    )
    seed = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(gettext_lazy("sent at"))
    expires_at = models.DateTimeField(gettext_lazy("expires at"))
    accepted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(gettext_lazy("ended at"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "workspace",
                Lower("email"),
                name="invitation_pending_once",
                condition=Q(status=InvitationStatus.PENDING),
            ),
            models.CheckConstraint(name="invitation_known_status", condition=Q(status__in=InvitationStatus.values)),
            models.CheckConstraint(name="invitation_known_role", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return self.email


class JoinRequest(models.Model):
    """Somebody with an account asks to belong to a workspace of which they know the code."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    message = models.CharField(gettext_lazy("message"), max_length=500, blank=True)
    status = models.CharField(
        gettext_lazy("status"),
        max_length=20,
        choices=JoinRequestStatus.choices,
        default=JoinRequestStatus.PENDING,
    )
    asked_at = models.DateTimeField(gettext_lazy("asked at"))
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(gettext_lazy("decided at"), null=True, blank=True)
    reason = models.CharField(gettext_lazy("reason"), max_length=500, blank=True)

    objects = JoinRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="join_request_pending_once",
                fields=["workspace", "user"],
                condition=Q(status=JoinRequestStatus.PENDING),
            ),
            models.CheckConstraint(name="join_request_known_status", condition=Q(status__in=JoinRequestStatus.values)),
        ]

    def __str__(self) -> str:
        return str(self.user)


class ApiKey(models.Model):
    """A bearer secret, kept as its SHA-256. With a `user` it is that person's token, else the workspace's key.

    `created_by` answers for what a workspace key does.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=8)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(
        models.CharField(max_length=40),
        default=list,
        db_default=[],
        help_text="What it is for: accounts.scopes. A key without any may nothing.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Session(AbstractBaseSession):
    """Of a browser (accounts.sessions). Without a `user` nobody has signed in yet."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    device = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    objects = SessionQuerySet.as_manager()  # type: ignore[misc,assignment]

    class Meta:
        indexes = [models.Index(name="session_of_person", fields=["user"])]

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_string(f"{settings.SESSION_ENGINE}.SessionStore")

    @property
    def handle(self) -> str:
        """Names it on a page; its key opens it, and is shown to nobody."""
        return hashlib.sha256(self.session_key.encode()).hexdigest()[:32]


class Unsent(models.Model):
    """A form that came when its sender's session had ended (accounts.unsent)."""

    handle = models.CharField(max_length=32, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    sealed = models.TextField()
    kept_at = models.DateTimeField()

    objects = UnsentQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.user_id)


class Identity(models.Model):
    """Who a person is at an identity provider (accounts.single_sign_on)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="identity_once", fields=["issuer", "subject"]),
            models.UniqueConstraint(name="identity_one_of_person", fields=["user", "issuer"]),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.issuer}"


class Attempts(models.Model):
    """Wrong passwords in a row, for an account from an address or from an address at all (accounts.lock_outs)."""

    digest = models.CharField(max_length=64, unique=True)
    number = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    objects = AttemptsQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(name="attempts_by_age", fields=["last_at"])]

    def __str__(self) -> str:
        return "somebody unknown"


class IdempotentCall(models.Model):
    """What a POST to the API answered, for whoever sends it again with the same key; a secret in it is sealed."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict, db_default={})
    body = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = IdempotentCallQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="idempotent_call_once", fields=["workspace", "key"])]
        indexes = [models.Index(name="idempotent_call_by_age", fields=["created_at"])]

    def __str__(self) -> str:
        return self.key


class Authenticator(models.Model):
    """An app that shows codes. Until its first code is typed it is only proposed."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    sealed = models.TextField()
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0, help_text="Of the newest code that was taken: none is taken twice.")

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """For whoever has lost everything else; each opens once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.user_id)


class SecurityKey(models.Model):
    """A passkey or a key on a ring (WebAuthn), by its public half."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    credential = models.BinaryField(unique=True)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    added_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
