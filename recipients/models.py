"""Who gets it: a list, from its uploaded file to immutable chunks in object storage."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Workspace
from recipients.querysets import RecipientListQuerySet
from recipients.statuses import Stage, Status


class RecipientList(models.Model):
    """`digest` is the manifest's SHA-256: it names the list's content for ever. Totals hold
    `rows = accepted + invalid + duplicate + suppressed` from the moment the list is ready. A deleted list keeps its
    row: its name, its counts and its digest, and nothing of what it was made from.
    """

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

    columns = models.JSONField(default=list)
    layout = models.CharField(max_length=300, blank=True)
    duplicates_key = models.CharField(max_length=200, blank=True)
    breakdown = models.JSONField(default=dict)

    progress = models.PositiveSmallIntegerField(default=0, help_text="Per cent of the preparation.")
    stage = models.CharField(max_length=20, choices=Stage.choices, blank=True, default="", db_default="")
    rows_done = models.BigIntegerField(default=0, db_default=0, help_text="In this stage.")
    began_at = models.DateTimeField(null=True, blank=True, help_text="The last try at preparing it.")
    stage_began_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="At preparing this file.")
    lease_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

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
