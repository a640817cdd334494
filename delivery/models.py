"""Getting it there: chunks at work, intents, messages, receipts, incidents.

`Message`, `CarrierId` and `Receipt` are partitioned by month of `day` and written by COPY (migration 0002).
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import ApiKey, Workspace
from campaigns.models import Campaign
from channels.models import Channel
from delivery.querysets import ChunkQuerySet, HaltQuerySet, InboundQuerySet, PushQuerySet
from delivery.statuses import ChunkStatus, ErrorKind, HaltKind, InboundKind, IncidentKind, MessageState
from recipients.masking import masked


class Chunk(models.Model):
    """One chunk of a campaign's list at work. Recipients [0, next) are answered, in doubt or to be retried;
    [next, intended) are covered by a committed intent of `owner` in `epoch`; the rest wait."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    first = models.PositiveBigIntegerField(help_text="Number of its first recipient within the list.")
    count = models.PositiveIntegerField()
    key = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=ChunkStatus.choices, default=ChunkStatus.OPEN)

    owner = models.CharField(max_length=120, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    next = models.PositiveIntegerField(default=0)
    intended = models.PositiveIntegerField(default=0)
    unresolved = models.PositiveIntegerField(default=0, help_text="Messages in INTENDED or RETRY.")
    retry_at = models.DateTimeField(null=True, blank=True)
    away_until = models.DateTimeField(
        null=True, blank=True, help_text="Its object could not be read: until then others have their turn."
    )
    plan_from = models.DateTimeField(null=True, blank=True)
    plan_until = models.DateTimeField(null=True, blank=True)
    plan_first = models.PositiveIntegerField(default=0, help_text="`next` when the plan was made.")

    failures = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Looks in a row that ended in an exception."
    )
    trouble = models.TextField(blank=True, db_default="", help_text="Why it is quarantined, in a sentence.")

    objects = ChunkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="chunk_once", fields=["campaign", "number"]),
            models.CheckConstraint(name="chunk_known_status", condition=Q(status__in=ChunkStatus.values)),
            models.CheckConstraint(
                name="chunk_in_order", condition=Q(next__lte=F("intended"), intended__lte=F("count"))
            ),
            models.CheckConstraint(
                name="chunk_done_when_all_are",
                condition=~Q(status=ChunkStatus.DONE) | Q(next=F("count"), unresolved=0),
            ),
        ]
        indexes = [
            # Asked several times a second, and few at a time; no index covers what changes with each batch.
            models.Index(name="chunk_waiting", fields=["rung_at"], condition=Q(status=ChunkStatus.OPEN, owner="")),
            models.Index(name="chunk_owned", fields=["campaign"], condition=~Q(owner="")),
            models.Index(name="chunk_pushed", fields=["campaign"], condition=Q(status=ChunkStatus.OPEN, key="")),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.number}"

    @property
    def is_pushed(self) -> bool:
        """Of a trigger: its recipients are rows of `Push` instead of an object, and there may be more of them soon."""
        return not self.key


class Push(models.Model):
    """A message of a trigger campaign, as it was accepted; `recipient` counts them, and is their id. `cells` fill the
    text, in the order of its names."""

    pk = models.CompositePrimaryKey("campaign_id", "recipient")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    recipient = models.IntegerField()
    phone = models.BigIntegerField(help_text="E.164 digits.")
    cells = ArrayField(models.TextField())
    key = models.CharField(max_length=255, null=True, help_text="What the program calls it.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was asked for, to know a repetition.")
    expires_at = models.DateTimeField(null=True)
    is_suppressed = models.BooleanField(default=False, help_text="When it was accepted.")
    at = models.DateTimeField()
    # Without a constraint of its own: `same` (audit.links) checks it together with the workspace, once a row.
    pushed_by = models.ForeignKey(
        ApiKey, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    objects = PushQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="push_once_a_key", fields=["campaign", "key"])]
        indexes = [models.Index(name="push_by_phone", fields=["campaign", "phone"])]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.recipient}"


class Intent(models.Model):
    """What was going to be handed over, committed before the first byte. Append-only."""

    chunk = models.ForeignKey(Chunk, on_delete=models.PROTECT, related_name="+", db_index=False)
    epoch = models.PositiveIntegerField()
    owner = models.CharField(max_length=120)
    first = models.PositiveIntegerField(help_text="Index within the chunk; of a retry, the lowest.")
    count = models.PositiveIntegerField()
    is_retry = models.BooleanField(default=False)
    at = models.DateTimeField()
    channel_id = models.BigIntegerField(null=True, help_text="Null is the campaign's own.")

    class Meta:
        indexes = [models.Index(name="intent_by_chunk", fields=["chunk", "id"])]

    def __str__(self) -> str:
        return f"{self.chunk_id}+{self.first}×{self.count}"


class Message(models.Model):
    """One recipient once intended. `parts` bits of the masks: which parts were accepted, delivered, failed."""

    pk = models.CompositePrimaryKey("day", "campaign_id", "recipient")
    day = models.DateField()
    campaign = models.ForeignKey(Campaign, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    recipient = models.IntegerField(help_text="Number within the list, from 0.")
    phone = models.BigIntegerField()
    state = models.SmallIntegerField(choices=MessageState.choices)
    attempts = models.SmallIntegerField(default=1)
    parts = models.SmallIntegerField(default=1)
    accepted_mask = models.IntegerField(default=0)
    delivered_mask = models.IntegerField(default=0)
    failed_mask = models.IntegerField(default=0)
    error_kind = models.SmallIntegerField(choices=ErrorKind.choices, default=ErrorKind.NONE)
    error_code = models.IntegerField(null=True)
    submitted_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    channel_id = models.BigIntegerField(null=True, help_text="Null is the campaign's own.")

    class Meta:
        managed = False
        db_table = "delivery_message"

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.recipient}"


class CarrierId(models.Model):
    """The SMSC's message_id of an accepted part: an append log, searched when memory does not know the id."""

    pk = models.CompositePrimaryKey("day", "channel_id", "message_id", "campaign_id", "recipient", "part")
    day = models.DateField()
    channel = models.ForeignKey(Channel, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    message_id = models.CharField(max_length=65)
    campaign = models.ForeignKey(Campaign, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    recipient = models.IntegerField()
    part = models.SmallIntegerField()
    phone = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "delivery_carrierid"

    def __str__(self) -> str:
        return self.message_id


class Inbox(models.Model):
    """Every deliver_sm as it came, committed before it is acknowledged; many to a row (`inbox.read` cuts them)."""

    pk = models.CompositePrimaryKey("day", "id")
    day = models.DateField(help_text="Of the arrival.")
    id = models.BigIntegerField()
    channel = models.ForeignKey(Channel, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    received_at = models.DateTimeField()
    pdus = models.IntegerField()
    raw = models.BinaryField()

    class Meta:
        managed = False
        db_table = "delivery_inbox"

    def __str__(self) -> str:
        return f"{self.pdus} at {self.received_at}"


class Receipt(models.Model):
    """A deliver_sm whose message was not known when it came.

    `campaign`, `recipient`, `part` are filled once it is matched; `applied_at` once its message shows it.
    """

    pk = models.CompositePrimaryKey("day", "id")
    day = models.DateField(help_text="Of the arrival.")
    id = models.BigIntegerField()
    channel = models.ForeignKey(Channel, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    received_at = models.DateTimeField()
    is_receipt = models.BooleanField()
    message_id = models.CharField(max_length=65, blank=True)
    phone = models.BigIntegerField(null=True)
    state = models.SmallIntegerField(null=True)
    error_code = models.IntegerField(null=True)
    message_day = models.DateField(null=True)
    campaign = models.ForeignKey(
        Campaign, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    recipient = models.IntegerField(null=True)
    part = models.SmallIntegerField(null=True)
    applied_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(help_text="When it is matched again, as long as it is not applied.")
    raw = models.BinaryField()

    class Meta:
        managed = False
        db_table = "delivery_receipt"

    def __str__(self) -> str:
        return self.message_id


class Doubt(models.Model):
    """A message in UNCERTAIN, findable by number: a later receipt may resolve it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    recipient = models.IntegerField()
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+", db_index=False)
    phone = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="doubt_once", fields=["campaign", "recipient"])]
        indexes = [models.Index(name="doubt_by_number", fields=["channel", "phone"])]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.recipient}"


class Tally(models.Model):
    """How many messages entered (positive) or left (negative) a state, and of the failed ones why: the sum is the
    counter (`delivery.tallies`)."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.SmallIntegerField(choices=MessageState.choices)
    error_kind = models.SmallIntegerField(choices=ErrorKind.choices, default=ErrorKind.NONE, db_default=ErrorKind.NONE)
    error_code = models.IntegerField(null=True)
    n = models.IntegerField()
    at = models.DateTimeField(null=True, db_default=Now(), help_text="Of the transaction; null is a sum of many.")

    class Meta:
        indexes = [models.Index(name="tally_by_campaign", fields=["campaign", "state"], include=["n"])]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.n:+}"


class Movement(models.Model):
    """What the tallies of a stretch of time came to, kept when they are folded: the course of a campaign."""

    pk = models.CompositePrimaryKey("campaign_id", "begin", "state")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    begin = models.DateTimeField(help_text="Of the stretch: 10 seconds, and more of a campaign that goes on for long.")
    state = models.SmallIntegerField(choices=MessageState.choices)
    n = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.campaign_id} at {self.begin}: {self.n:+}"


class Halt(models.Model):
    """While one is in force nobody's intent is written, and no campaign starts: nothing is sent, by any worker."""

    kind = models.CharField(max_length=20, choices=HaltKind.choices)
    reason = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    release_reason = models.TextField(blank=True)

    objects = HaltQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="halt_once_in_force", fields=["kind"], condition=Q(released_at=None)),
            models.CheckConstraint(name="halt_known_kind", condition=Q(kind__in=HaltKind.values)),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class Stance(models.Model):
    """How one dispatch process stands to Redis, as it said last (`delivery.standing`)."""

    id = models.UUIDField(primary_key=True)
    says = models.PositiveSmallIntegerField()
    said_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.id} {self.says}"


class HostClock(models.Model):
    """How the clock of a host differs from the database's, as `delivery.clocks` found it last."""

    host = models.CharField(max_length=255, primary_key=True)
    ahead = models.FloatField(help_text="Seconds; below 0 it is behind.")
    seen_at = models.DateTimeField(help_text="By the clock of the database.")

    def __str__(self) -> str:
        return f"{self.host} {self.ahead:+.3f}"

    @property
    def seconds(self) -> float:
        """How wrong it is, either way."""
        return abs(self.ahead)


class Inbound(models.Model):
    """A message that a phone sent us, as it came: append-only. Of a long one, each part.

    Without a workspace when it could be meant for several, or for none that we know.
    """

    workspace = models.ForeignKey(Workspace, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=InboundKind.choices, default=InboundKind.MO)
    received_at = models.DateTimeField()
    phone = models.BigIntegerField(null=True, blank=True, help_text="Of the sender, if it is a phone number.")
    to_address = models.CharField("to", max_length=65, blank=True)
    text = models.TextField(blank=True)
    data_coding = models.PositiveSmallIntegerField()
    keyword = models.CharField(max_length=80, blank=True, help_text="The stop word that it was taken for.")
    raw = models.BinaryField(help_text="The body of the deliver_sm.")

    objects = InboundQuerySet.as_manager()

    class Meta:
        verbose_name = "inbound message"
        constraints = [models.CheckConstraint(name="inbound_known_kind", condition=Q(kind__in=InboundKind.values))]
        indexes = [models.Index(name="inbound_by_workspace", fields=["workspace", "-id"])]

    def __str__(self) -> str:
        return masked(self.phone) if self.phone else "—"


class Forgotten(models.Model):
    """A campaign of which nobody is told any more what became of each recipient, though its month is still there."""

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.campaign_id)


class Spending(models.Model):
    """How many parts a workspace with a limit has handed over, or is about to, on a day of its time zone. Only
    `spend_parts` and `return_parts` write it, once a batch."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    parts = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="spending_once_a_day", fields=["workspace", "day"]),
            models.CheckConstraint(name="spending_is_not_negative", condition=Q(parts__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.parts}"


class Incident(models.Model):
    """Trouble of the infrastructure, counted by kind, channel, campaign and minute; apart from messages that failed."""

    kind = models.CharField(max_length=30, choices=IncidentKind.choices)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    minute = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    sample = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="incident_once_a_minute",
                fields=["kind", "channel", "campaign", "minute"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="incident_known_kind", condition=Q(kind__in=IncidentKind.values)),
        ]
        indexes = [models.Index(name="incident_latest", fields=["-minute", "-id"])]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} × {self.count}"
