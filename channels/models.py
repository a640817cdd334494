"""Who carries: a channel is one carrier account and how fast it may be used; a route is several channels as one."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from channels import passwords
from channels.querysets import ChannelQuerySet, RouteQuerySet

HEAVIEST = 100


class BindMode(models.TextChoices):
    TRANSCEIVER = "transceiver", "Transceiver"
    PAIR = "pair", "Transmitter and receiver"


class Channel(models.Model):
    """A carrier account. Belongs to the installation; every workspace may send over it."""

    name = models.SlugField(unique=True)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(65535)])
    system_id = models.CharField(max_length=15, blank=True)
    password_ciphertext = models.TextField(blank=True)
    system_type = models.CharField(max_length=12, blank=True)
    bind_mode = models.CharField(max_length=20, choices=BindMode.choices, default=BindMode.TRANSCEIVER)
    tls = models.BooleanField("TLS", default=False)
    binds = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(50)], help_text="Binds of each dispatch process."
    )
    window = models.PositiveIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(5000)],
        help_text="Most unanswered submit_sm of a bind.",
    )
    tps = models.PositiveIntegerField(
        "TPS", default=0, help_text="Most message parts a second over all processes; 0 is no limit."
    )
    is_default = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    objects = ChannelQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["password_ciphertext"])

    class Meta:
        constraints = [
            models.UniqueConstraint(name="channel_one_default", fields=["is_default"], condition=Q(is_default=True)),
            models.CheckConstraint(name="channel_window_from_one", condition=Q(window__gte=1)),
            models.CheckConstraint(name="channel_binds_from_one", condition=Q(binds__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def password(self) -> str:
        return passwords.decrypt(self.password_ciphertext) if self.password_ciphertext else ""


class Route(models.Model):
    """Several channels as one: each carries its share, and when one is down the others carry it all."""

    name = models.SlugField(unique=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    objects = RouteQuerySet.as_manager()
    history = HistoricalRecords()

    def __str__(self) -> str:
        return self.name


class RouteMember(models.Model):
    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="members")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(HEAVIEST)],
        help_text="Its share, against the weights of the others.",
    )
    is_backup = models.BooleanField("backup", default=False, help_text="Carries only while none of the others can.")

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="routemember_channel_once",
                fields=["route", "channel"],
                violation_error_message="A route has each channel once.",
            ),
            models.CheckConstraint(name="routemember_known_weight", condition=Q(weight__gte=1, weight__lte=HEAVIEST)),
        ]

    def __str__(self) -> str:
        return f"{self.channel} ×{self.weight}"
