"""Who carries: a channel is one carrier account and how fast it may be used; a route is several channels as one."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise
from simple_history.models import HistoricalRecords

from channels import answers, passwords, tls
from channels.querysets import ChannelQuerySet, RouteQuerySet

HEAVIEST = 100
LONGEST_VALIDITY = 63 * 7 * 24 * 3600  # the most that a validity period can say to a handset (GSM 03.40 §9.2.3.12.1)
SAME_CODINGS = _("The same data_coding for GSM and for UCS-2: nobody could tell them apart.")

TEST_WITHIN = timedelta(minutes=1)
SECRETS = ("password_ciphertext", "tls_client_key_ciphertext")

ASCII = RegexValidator(r"\A[\x20-\x7e]*\Z", _("SMPP takes ASCII only."))
OCTET = MaxValueValidator(255)


class BindMode(models.TextChoices):
    TRANSCEIVER = "transceiver", _("Transceiver")
    PAIR = "pair", _("Transmitter and receiver")


class DefaultCoding(models.TextChoices):
    GSM = "gsm", _("GSM 03.38, an octet for each septet")
    LATIN1 = "latin1", "ISO 8859-1"
    ASCII = "ascii", "ASCII"


class LongMessages(models.TextChoices):
    UDH8 = "udh8", _("Header (UDH) with a reference of 8 bits")
    UDH16 = "udh16", _("Header (UDH) with a reference of 16 bits")
    SAR = "sar", _("SAR parameters")
    PAYLOAD = "payload", _("One message_payload")


class IdBase(models.TextChoices):
    UNKNOWN = "", _("Not known yet")
    SAME = "same", _("As in the answer")
    HEX_TO_DEC = "hex_to_dec", _("Hexadecimal in the answer, decimal in the receipt")
    DEC_TO_HEX = "dec_to_hex", _("Decimal in the answer, hexadecimal in the receipt")


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
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Binds of each dispatch process."),
    )
    window = models.PositiveIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(5000)],
        help_text=_("Most unanswered submit_sm of a bind."),
    )
    tps = models.PositiveIntegerField(
        "TPS", default=0, help_text=_("Most message parts a second over all processes; 0 is no limit.")
    )
    enquire_link_seconds = models.PositiveSmallIntegerField(
        default=20,
        db_default=20,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text=_("After so much silence the carrier is asked whether it is there."),
    )
    response_timeout_seconds = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text=_("An answer that takes longer leaves its message uncertain. Empty: as the installation has it."),
    )

    tls_ca = models.TextField(
        _("TLS CA"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Certificates in PEM. Empty: those of the system."),
    )
    tls_server_name = models.CharField(
        _("TLS server name"),
        max_length=253,
        blank=True,
        default="",
        db_default="",
        validators=[ASCII],
        help_text=_("The name that is asked for and must be in the certificate. Empty: the host."),
    )
    tls_client_certificate = models.TextField(
        _("TLS client certificate"),
        blank=True,
        default="",
        db_default="",
        help_text=_("In PEM, with its chain. Emptied, its key is forgotten too."),
    )
    tls_client_key_ciphertext = models.TextField(blank=True, default="", db_default="")

    default_coding = models.CharField(
        max_length=10,
        choices=DefaultCoding.choices,
        default=DefaultCoding.GSM,
        db_default=DefaultCoding.GSM,
        help_text=_("What data_coding 0 means with this carrier."),
    )
    gsm_data_coding = models.PositiveSmallIntegerField(
        _("GSM data_coding"),
        default=0,
        db_default=0,
        validators=[OCTET],
        help_text=_("0 is the carrier's default; some want 1."),
    )
    ucs2_data_coding = models.PositiveSmallIntegerField(
        _("UCS-2 data_coding"), default=8, db_default=8, validators=[OCTET]
    )
    long_messages = models.CharField(
        max_length=10,
        choices=LongMessages.choices,
        default=LongMessages.UDH8,
        db_default=LongMessages.UDH8,
    )
    service_type = models.CharField(max_length=5, blank=True, default="", db_default="", validators=[ASCII])
    dest_ton = models.PositiveSmallIntegerField(_("destination TON"), default=1, db_default=1, validators=[OCTET])
    dest_npi = models.PositiveSmallIntegerField(_("destination NPI"), default=1, db_default=1, validators=[OCTET])
    plus_sign = models.BooleanField(default=False, db_default=False, help_text=_("Write + before the destination."))
    addr_range = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        validators=[ASCII],
        help_text=_("Told when binding; most carriers want none."),
    )

    default_validity_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(60), MaxValueValidator(LONGEST_VALIDITY)],
        help_text=_("The longest validity that this carrier takes. Empty: as the installation has it."),
    )
    accepted_is_delivered = models.BooleanField(
        _("ACCEPTED is delivered"),
        default=False,
        db_default=False,
        help_text=_("What this carrier means by a receipt that says ACCEPTED."),
    )
    receipt_id_base = models.CharField(
        max_length=10,
        choices=IdBase.choices,
        default=IdBase.UNKNOWN,
        db_default=IdBase.UNKNOWN,
        blank=True,
        editable=False,
    )
    answer_overrides = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text=format_lazy(
            _("What this carrier means by a command_status where it means something else, such as {example}."),
            example='{"0x45": {"action": "fail"}, "1027": {"action": "slow", "page": true}}',
        ),
    )

    is_default = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    objects = ChannelQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=[*SECRETS])

    class Meta:
        constraints = [
            models.UniqueConstraint(name="channel_one_default", fields=["is_default"], condition=Q(is_default=True)),
            models.CheckConstraint(name="channel_window_from_one", condition=Q(window__gte=1)),
            models.CheckConstraint(name="channel_binds_from_one", condition=Q(binds__gte=1)),
            models.CheckConstraint(
                name="channel_codings_differ",
                condition=~Q(gsm_data_coding=models.F("ucs2_data_coding")),
                violation_error_message=SAME_CODINGS,
            ),
            models.CheckConstraint(
                name="channel_known_default_coding", condition=Q(default_coding__in=DefaultCoding.values)
            ),
            models.CheckConstraint(
                name="channel_known_long_messages", condition=Q(long_messages__in=LongMessages.values)
            ),
            models.CheckConstraint(
                name="channel_known_receipt_id_base", condition=Q(receipt_id_base__in=IdBase.values)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        wrong: dict[str, StrOrPromise] = {}
        if self.gsm_data_coding == self.ucs2_data_coding:
            wrong["ucs2_data_coding"] = SAME_CODINGS
        for field, check in (("answer_overrides", answers.parse_overrides), ("tls_ca", tls.check_ca)):
            try:
                check(getattr(self, field))
            except ValueError as error:
                wrong[field] = str(error)
        if wrong:
            raise ValidationError(wrong)

    @property
    def password(self) -> str:
        return self.opened("password_ciphertext")

    @property
    def tls_client_key(self) -> str:
        return self.opened("tls_client_key_ciphertext")

    def sealed(self, field: str, secret: str) -> str:
        return passwords.encrypt(secret, **self._place_of(field)) if secret else ""

    def opened(self, field: str) -> str:
        """Raises ImproperlyConfigured when it does not decrypt."""
        ciphertext = getattr(self, field)
        return passwords.decrypt(ciphertext, **self._place_of(field)) if ciphertext else ""

    def _place_of(self, field: str) -> dict[str, str]:
        """A channel keeps its name for ever. A bind tells the host its password; nobody is told the key."""
        host = self.host if field == "password_ciphertext" else ""
        return {"of": f"{self.name}/{field}", "host": host}


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

    @property
    def in_order(self) -> "list[RouteMember]":
        return sorted(self.members.all(), key=lambda one: (one.is_backup, one.channel_id))


class RouteMember(models.Model):
    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="members")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(HEAVIEST)],
        help_text=_("Its share, against the weights of the others."),
    )
    is_backup = models.BooleanField(
        _("backup"), default=False, help_text=_("Carries only while none of the others can.")
    )

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="routemember_channel_once",
                fields=["route", "channel"],
                violation_error_message=_("A route has each channel once."),
            ),
            models.CheckConstraint(name="routemember_known_weight", condition=Q(weight__gte=1, weight__lte=HEAVIEST)),
        ]

    def __str__(self) -> str:
        return f"{self.channel} ×{self.weight}"


class BindTest(models.Model):
    """The last test of a channel: asked for on the desk, answered by a dispatch process, which has the password."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="+", primary_key=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, help_text="Once: a bell that rings twice binds once.")
    answered_at = models.DateTimeField(null=True)
    is_bound = models.BooleanField(default=False)
    words = models.TextField(blank=True, help_text="In English (`audit.wording`).")
    code = models.BigIntegerField(null=True, help_text="The command_status, if there was one.")

    def __str__(self) -> str:
        return str(self.channel)

    def is_open(self, now: datetime) -> bool:
        """It may still be answered."""
        return self.answered_at is None and now < self.asked_at + TEST_WITHIN


class LinkState(models.Model):
    """One bind of one dispatch process, as that process saw it at `seen_at`; `channels.links` reads them."""

    process = models.CharField(max_length=120)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80, help_text="Unique within its process.")
    is_up = models.BooleanField()
    bound_at = models.DateTimeField(null=True)
    window = models.PositiveIntegerField()
    unanswered = models.PositiveIntegerField(help_text="Of the window, in use.")
    rate = models.FloatField(help_text="Parts a second, since the sight before.")
    # Of its life (`channels.health.Latencies`).
    answered = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    answer_seconds = models.FloatField(default=0.0, db_default=0.0)
    last_error = models.CharField(max_length=500, blank=True)
    last_error_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="linkstate_once", fields=["process", "channel", "name"])]

    def __str__(self) -> str:
        return f"{self.process} {self.name}"
