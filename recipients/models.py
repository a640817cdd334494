"""Who gets it: a list, from its uploaded file to immutable chunks in object storage; who must not; and test phones."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from recipients import marks
from recipients.masking import masked
from recipients.querysets import (
    ErasedChunkQuerySet,
    RecipientListQuerySet,
    SuppressionImportQuerySet,
    SuppressionQuerySet,
    TrialPhoneQuerySet,
    UploadQuerySet,
)
from recipients.statuses import ImportStatus, Source, Stage, Status


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
    # Of each column the units of its longest cell and its characters: recipients.widths.
    widths = models.JSONField(default=dict, db_default={}, blank=True)
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
    is_trial = models.BooleanField(
        default=False, db_default=False, help_text="A few test phones, for one test send: nobody sees it as a list."
    )

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


class ErasedChunk(models.Model):
    """The object that took a chunk's place when a number was erased from it. The manifest goes on naming the chunk that
    was approved: from its SHA-256 these lead, one after the other, to what is there now (docs/adr/0067)."""

    list = models.ForeignKey(RecipientList, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField(help_text="Of the chunk within the list, from 0.")
    was_key = models.CharField(max_length=200, blank=True, help_text="As long as the object before it is there.")
    was_sha256 = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    recipients = models.PositiveIntegerField(help_text="Whose line is nobody's from here on.")
    at = models.DateTimeField()

    objects = ErasedChunkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="erasedchunk_once", fields=["list", "number", "was_sha256"])]

    def __str__(self) -> str:
        return f"{self.list_id}/{self.number}"


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


class SuppressionImport(models.Model):
    """A file of numbers that must not get anything. Once it is done, `rows = added + already + invalid`; while it is at
    work, added and already say how many of its valid numbers are through."""

    workspace = models.ForeignKey(Workspace, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    filename = models.CharField(max_length=255)
    country = models.CharField(max_length=2)
    column = models.CharField(
        max_length=120, blank=True, help_text="Header or number of the column; the first when empty."
    )
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=20, choices=ImportStatus.choices, default=ImportStatus.UPLOADING)
    failure = models.TextField(blank=True)

    bytes = models.BigIntegerField(default=0)
    upload_key = models.CharField(max_length=200, blank=True)
    rejected_key = models.CharField(max_length=200, blank=True)

    rows = models.BigIntegerField(default=0)
    added = models.BigIntegerField(default=0)
    already = models.BigIntegerField(default=0, help_text="Repeated in the file, or suppressed before.")
    invalid = models.BigIntegerField(default=0)

    progress = models.PositiveSmallIntegerField(default=0, help_text="Per cent of the work.")
    lease_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = SuppressionImportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="suppressionimport_known_status", condition=Q(status__in=ImportStatus.values)),
            models.CheckConstraint(
                name="suppressionimport_done_balances",
                condition=~Q(status=ImportStatus.DONE) | Q(rows=F("added") + F("already") + F("invalid")),
            ),
        ]

    def __str__(self) -> str:
        return self.filename


class Suppression(models.Model):
    """A number that must not get anything from the workspace, or, without one, from anybody.

    Millions come by COPY: what all numbers of a file share stands in `imported`, once. Workspaces and imports are never
    deleted, and having each row's checked by a trigger would take twice as long as the row itself.
    """

    workspace = models.ForeignKey(
        Workspace,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    phone = models.BigIntegerField(help_text="E.164 digits; of a number that was erased, its mark.")
    source = models.CharField(max_length=10, choices=Source.choices)
    reason = models.CharField(max_length=500, blank=True)
    imported = models.ForeignKey(
        SuppressionImport,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    added_at = models.DateTimeField(default=timezone.now)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        constraints = [
            # Its index answers "which of these numbers?" for a workspace and for the installation alike.
            models.UniqueConstraint(name="suppression_once", fields=["workspace", "phone"], nulls_distinct=False),
            models.CheckConstraint(name="suppression_known_source", condition=Q(source__in=Source.values)),
            models.CheckConstraint(name="suppression_is_a_number", condition=Q(phone__gt=0)),
            models.CheckConstraint(
                name="suppression_says_why",
                condition=Q(source=Source.IMPORT, imported__isnull=False)
                | ~Q(source=Source.IMPORT) & ~Q(reason="") & Q(imported=None),
            ),
        ]
        indexes = [
            models.Index(name="suppression_newest", fields=["workspace", "id"]),
            # Millions may be imported, and hardly anybody asks for them: those of people are found without them.
            models.Index(name="suppression_of_people", fields=["workspace", "id"], condition=~Q(source=Source.IMPORT)),
        ]

    def __str__(self) -> str:
        return gettext("erased number") if self.is_erased else masked(self.phone)

    @property
    def is_erased(self) -> bool:
        """Nobody knows the number any more; it is known again all the same."""
        return marks.is_mark(self.phone)

    @property
    def why(self) -> str:
        return self.imported.reason if self.imported else self.reason

    @property
    def by(self) -> object:
        """Whoever added it; None when the recipient did."""
        return self.imported.created_by if self.imported else self.added_by


class SuppressionCount(models.Model):
    """How many numbers of a source a list has: kept with each change, as counting millions takes too long."""

    workspace = models.ForeignKey(
        Workspace, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    source = models.CharField(max_length=10, choices=Source.choices)
    n = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="suppressioncount_once", fields=["workspace", "source"], nulls_distinct=False),
            models.CheckConstraint(name="suppressioncount_not_negative", condition=Q(n__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.n}"


class StopWords(models.Model):
    """The words by which recipients opt out of a workspace's messages; one without a row has `stop_words.DEFAULTS`."""

    workspace = models.OneToOneField(Workspace, primary_key=True, on_delete=models.PROTECT, related_name="+")
    words = ArrayField(models.CharField(max_length=40))

    class Meta:
        verbose_name_plural = "stop words"
        constraints = [models.CheckConstraint(name="stopwords_some", condition=Q(words__len__gt=0))]

    def __str__(self) -> str:
        return ", ".join(self.words)


class TrialPhone(models.Model):
    """A phone of one's own, to which the texts of the workspace may be sent before anybody has approved them
    (docs/adr/0052). A trigger takes it from admins of the workspace only, and no row is ever changed."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    phone = models.BigIntegerField(help_text="E.164 digits.")
    whose = models.CharField(max_length=120)
    label = models.CharField(max_length=120, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    objects = TrialPhoneQuerySet.as_manager()

    class Meta:
        verbose_name = _("test phone")
        verbose_name_plural = _("test phones")
        constraints = [
            models.UniqueConstraint(name="trialphone_once", fields=["workspace", "phone"]),
            models.CheckConstraint(name="trialphone_is_a_number", condition=Q(phone__gt=0)),
            models.CheckConstraint(name="trialphone_is_somebodys", condition=~Q(whose="")),
        ]

    def __str__(self) -> str:
        return masked(self.phone)
