"""The ledger: append-only, hash-chained; triggers refuse UPDATE, DELETE and TRUNCATE."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from audit.querysets import EntryQuerySet


class Entry(models.Model):
    """One thing that happened. `chain` is the workspace's id, or 0 for the installation."""

    chain = models.BigIntegerField()
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    action = models.CharField(max_length=80)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_name = models.CharField(max_length=254)
    role = models.CharField(max_length=20, blank=True)
    via = models.CharField(max_length=80, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40)
    subject_name = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    note = models.TextField(blank=True)
    salt = models.CharField(max_length=32, blank=True, default="", db_default="", help_text="None is version 1.")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(name="entry_once_per_place", fields=["chain", "seq"]),
            models.CheckConstraint(name="entry_seq_from_one", condition=Q(seq__gte=1)),
        ]
        indexes = [
            models.Index(name="entry_by_subject", fields=["chain", "subject_type", "subject_id", "seq"]),
            models.Index(name="entry_by_action", fields=["chain", "action", "seq"]),
            models.Index(name="entry_by_actor", fields=["chain", "actor_name", "seq"]),
            models.Index(name="entry_by_time", fields=["chain", "at"]),
        ]

    def __str__(self) -> str:
        return f"{self.chain}/{self.seq} {self.action}"


class Check(models.Model):
    """What the last verification of a chain found, and when."""

    chain = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    entries = models.BigIntegerField(help_text="How many were held to be sound.")
    is_whole = models.BooleanField(help_text="Whether all of the chain was looked at, not only its newest entries.")
    broken_seq = models.BigIntegerField(null=True, blank=True)
    broken = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return f"{self.chain}: {self.broken or 'sound'}"


class Denial(models.Model):
    """How often within a minute somebody was refused one thing. It is told in the ledger, and then forgotten."""

    chain = models.BigIntegerField()
    at = models.DateTimeField(help_text="The minute's beginning.")
    action = models.CharField(max_length=80)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=20)
    via = models.CharField(max_length=80)
    what = models.CharField(max_length=200)
    times = models.IntegerField(default=1)
    told = models.IntegerField(default=0, help_text="How many of them the ledger has.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="denial_once_a_minute",
                fields=["chain", "at", "action", "actor", "via", "what"],
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return self.what or self.action


class Segment(models.Model):
    """The beginning of a chain, or what follows the last such, in the object storage; see `audit.segments`. Triggers
    refuse UPDATE, DELETE and TRUNCATE, as of entries."""

    chain = models.BigIntegerField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    previous_hash = models.CharField(max_length=64, help_text="Of the entry before the first.")
    last_hash = models.CharField(max_length=64)
    last_at = models.DateTimeField()
    key = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, help_text="Of the object.")
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="segment_once_from", fields=["chain", "first_seq"]),
            models.CheckConstraint(name="segment_has_entries", condition=Q(last_seq__gte=models.F("first_seq"))),
        ]

    def __str__(self) -> str:
        return f"{self.chain}/{self.first_seq}–{self.last_seq}"


class Witness(models.Model):
    """Which head of a chain was put into the object storage last: for the pages. The object is the witness."""

    chain = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.chain}/{self.seq}"
