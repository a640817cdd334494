"""Where events are sent to, what was sent, and how far what happened was read for each endpoint."""

import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Workspace
from audit.models import Entry
from campaigns.models import Campaign
from webhooks import wall
from webhooks.querysets import DeliveryQuerySet, EndpointQuerySet
from webhooks.statuses import DeliveryState, Disabled


class Endpoint(models.Model):
    """An address of an integrator. One worker at a time sends to it: `claimed_until` is its lease.

    The secrets are sealed (`audit.boxes`), bound to `public_id`, and said once. Deleted, the row stays for its
    entries of the ledger, without secrets.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    url = models.CharField(max_length=wall.LENGTH)
    description = models.CharField(max_length=200, blank=True)
    events = ArrayField(models.CharField(max_length=40))
    with_numbers = models.BooleanField(
        default=False, help_text="Events of messages and suppressed numbers have the numbers."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    secret_ciphertext = models.TextField()
    old_secret_ciphertext = models.TextField(blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)

    disabled = models.CharField(max_length=10, choices=Disabled.choices, default=Disabled.NO, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    silences = models.PositiveSmallIntegerField(default=0, help_text="Attempts in a row without any answer.")
    rests_until = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    served_at = models.DateTimeField(null=True, blank=True, help_text="When its last turn was over.")
    slow_until = models.DateTimeField(null=True, blank=True, help_text="It answered late (`seats`).")
    seq = models.BigIntegerField(help_text="The workspace's chain of the ledger was read up to here.")
    suppressed_seq = models.BigIntegerField(
        default=0, db_default=0, help_text="And up to here for `suppressions.changed`, which may have to wait."
    )

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="endpoint_known_reason", condition=Q(disabled__in=Disabled.values)),
            models.CheckConstraint(
                name="endpoint_old_secret_ends",
                condition=Q(old_secret_ciphertext="", old_secret_until=None)
                | (~Q(old_secret_ciphertext="") & Q(old_secret_until__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="endpoint_of_workspace", fields=["workspace", "-id"])]

    def __str__(self) -> str:
        return self.description or self.address

    @property
    def address(self) -> str:
        """Without its query, in which people keep what only the receiver should know."""
        return str(self.url).partition("?")[0]

    def is_slow(self, now: datetime) -> bool:
        return self.slow_until is not None and now < self.slow_until

    def place_of(self, field: str) -> str:
        """What a secret is bound to (`audit.boxes`)."""
        return f"webhook/{self.public_id}/{field}"


class Delivery(models.Model):
    """One event for one endpoint, sent until it is taken or its day is over; `public_id` is its webhook-id.

    `payload` is the body but for numbers: those are looked up when it leaves, and are not kept here.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries")
    public_id = models.CharField(max_length=40, unique=True)
    event = models.CharField(max_length=40)
    entry = models.ForeignKey(Entry, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    made_at = models.DateTimeField()
    since = models.DateTimeField(help_text="When its day began: made, or sent again by hand.")
    next_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0, help_text="Of this day; the attempts are all of them.")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(name="delivery_known_state", condition=Q(state__in=DeliveryState.values)),
            models.UniqueConstraint(
                name="delivery_once_an_entry", fields=["endpoint", "entry"], condition=Q(entry__isnull=False)
            ),
        ]
        indexes = [
            models.Index(name="delivery_due", fields=["endpoint", "next_at"], condition=Q(state=DeliveryState.PENDING)),
            models.Index(name="delivery_latest", fields=["endpoint", "-id"]),
            models.Index(name="delivery_by_age", fields=["made_at"]),
        ]

    def __str__(self) -> str:
        return self.public_id


class Attempt(models.Model):
    """One POST of it. Written when it is over; a worker that was killed leaves none, and the delivery is sent again."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.DO_NOTHING, related_name="attempts")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="How it begins.")
    trouble = models.CharField(max_length=300, blank=True)
    milliseconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.status or self.trouble}"


class Following(models.Model):
    """How far an endpoint was told what became of a campaign's messages: `told` has how many of each state, the same
    sums as the campaign's tallies once all is told."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    told = ArrayField(models.IntegerField(), help_text="By state.")
    block = models.PositiveIntegerField(default=0, help_text="Where the next look begins.")
    barren = models.PositiveIntegerField(default=0, help_text="Blocks in a row without anything new.")
    rests_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="following_once", fields=["endpoint", "campaign"])]

    def __str__(self) -> str:
        return f"{self.endpoint_id}/{self.campaign_id}"


class Told(models.Model):
    """Of a stretch of recipients: an octet each, the state that the endpoint was told last, 0 when none."""

    following = models.ForeignKey(Following, on_delete=models.CASCADE, related_name="+", db_index=False)
    block = models.PositiveIntegerField()
    states = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="told_once", fields=["following", "block"])]

    def __str__(self) -> str:
        return f"{self.following_id}/{self.block}"
