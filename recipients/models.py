"""Who gets it: a list, from its uploaded file to immutable chunks in object storage."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Workspace
from recipients.querysets import RecipientListQuerySet, UploadQuerySet
from recipients.statuses import Status


class RecipientList(models.Model):
    """`digest` is the manifest's SHA-256: it names the list's content for ever. Totals hold
    `rows = accepted + invalid + duplicate + suppressed` from the moment the list is ready."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    filename = models.CharField(max_length=255)
    country = models.CharField(max_length=2, blank=True)
    column = models.CharField(
        max_length=120, blank=True, help_text="Header or number of the column; the first when empty."
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.UPLOADING)
    failure = models.TextField(blank=True)

    bytes = models.BigIntegerField(default=0)
    upload_key = models.CharField(max_length=200, blank=True)
    manifest_key = models.CharField(max_length=200, blank=True)
    rejected_key = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, blank=True)

    rows = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    duplicate = models.BigIntegerField(default=0)
    suppressed = models.BigIntegerField(default=0)

    progress = models.PositiveSmallIntegerField(default=0, help_text="Per cent of the preparation.")
    lease_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True, blank=True)

    objects = RecipientListQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="list_known_status", condition=Q(status__in=Status.values)),
            models.CheckConstraint(
                name="list_ready_balances",
                condition=~Q(status=Status.READY)
                | Q(rows=F("accepted") + F("invalid") + F("duplicate") + F("suppressed"), accepted__gt=0)
                & ~Q(digest=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Upload(models.Model):
    """A file that is not whole yet (docs/adr/0019). The bytes up to `offset` are in object storage; whoever holds the
    lease adds to them, any web process may be the next. The row ends with the upload."""

    list = models.OneToOneField(RecipientList, on_delete=models.CASCADE, related_name="upload")
    length = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the whole file, where the client has said it.")

    key = models.CharField(max_length=200)
    kept = models.JSONField(default=dict, help_text="What the store needs to go on: recipients.parts.Kept.")
    next_part = models.PositiveIntegerField(default=1)

    lease = models.CharField(max_length=32, blank=True)
    busy_until = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="upload_within_its_length",
                condition=Q(length__gt=0, offset__gte=0, offset__lte=F("length")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offset:,} of {self.length:,} bytes"
