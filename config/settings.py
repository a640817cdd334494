"""Every setting, read from the environment once; the environment is the only difference between installations."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
import dj_email_url
import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from environs import validate

from config import plain
from config.env import (
    broker,
    broker_options,
    env,
    networks,
    optional_secret,
    pairs,
    patience,
    public_key,
    public_keys,
    rate,
    redis,
    secret,
    secrets,
    share,
    some_of,
    storage,
    web,
)
from config.operations import PREFACE

django_stubs_ext.monkeypatch()  # QuerySet["Campaign"] and ModelAdmin[Campaign] at run time

ROOT = Path(__file__).resolve().parent.parent

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret("SECRET_KEY", default="development-only" if DEBUG else None)
# Keys before it: what was signed or sealed under them stays good, also where another key was left to it (below).
SECRET_KEY_FALLBACKS = secrets("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Channel passwords are encrypted with this key; it falls back to SECRET_KEY so that one secret is enough to start.
CHANNEL_KEY = secret("CHANNEL_KEY", default=SECRET_KEY)
# Keys before it, that `rotate_channel_key` still reads.
CHANNEL_KEY_FALLBACKS = [*secrets("CHANNEL_KEY_FALLBACKS"), *SECRET_KEY_FALLBACKS]
# Its public half, with which a process that has not the key can seal and not open.
CHANNEL_PUBLIC_KEY = public_key("CHANNEL_PUBLIC_KEY")
# Secrets of webhooks; they were under CHANNEL_KEY once, and are wherever no other is given.
WEBHOOK_KEY = secret("WEBHOOK_KEY", default=CHANNEL_KEY)
WEBHOOK_KEY_FALLBACKS = [*secrets("WEBHOOK_KEY_FALLBACKS"), CHANNEL_KEY, *CHANNEL_KEY_FALLBACKS]
# Bundles of evidence are signed with an Ed25519 key that is derived from this; one secret is enough here too.
EVIDENCE_KEY = secret("EVIDENCE_KEY", default=SECRET_KEY)
# Public keys of those before it, no secrets: what they signed goes on holding.
EVIDENCE_PUBLIC_KEYS = public_keys("EVIDENCE_PUBLIC_KEYS")
# Numbers that were erased are known again by it: whoever changes it keeps the old one among the fallbacks, for ever.
ERASURE_KEY = secret("ERASURE_KEY", default=SECRET_KEY)
ERASURE_KEY_FALLBACKS = [*secrets("ERASURE_KEY_FALLBACKS"), *SECRET_KEY_FALLBACKS]

INSTALLED_APPS = [
    "config",
    "config.staff.StaffConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "simple_history",
    "audit",
    "accounts",
    "senders",
    "channels",
    "recipients",
    "campaigns",
    "moderation",
    "delivery",
    "reports",
    "notices",
    "webhooks",
    "simulator",
]

MIDDLEWARE = [
    "metrics.middleware.DurationsMiddleware",
    "config.middleware.ForwardedScheme",
    "config.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "audit.middleware.CircumstancesMiddleware",
    "config.middleware.NulMiddleware",
    "config.middleware.PageMethods",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "audit.middleware.LedgerMiddleware",
    "accounts.middleware.VisitMiddleware",
    "accounts.middleware.SecondStepMiddleware",
    "accounts.middleware.RateHeaders",
    "accounts.middleware.WorkspaceMiddleware",
    "accounts.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.middleware.RefusedMiddleware",
    "accounts.middleware.UnsentMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.workspaces",
                "accounts.context.appearance",
                "notices.context.going_on",
            ],
        },
    },
]

# The processes own nothing in the database: its owner migrates it, and only `manage.py migrate` knows that address.
DATABASES: dict[str, dict[str, Any]] = {"default": {**dj_database_url.parse(secret("DATABASE_URL"))}}
DATABASE_OWNER_URL = optional_secret("DATABASE_OWNER_URL")
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Nobody waits for ever for a server that is there and says nothing, nor does the server keep locks for a host that was
# cut off (docs/adr/0091): after so many seconds of silence each takes the other for gone.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": env.int("DATABASE_CONNECT_TIMEOUT", default=5),
    **patience(
        gone_after=env.int("DATABASE_GONE_AFTER", default=30),
        idle_in_transaction=env.int("DATABASE_IDLE_IN_TRANSACTION", default=120),
        given=DATABASES["default"].get("OPTIONS", {}),
    ),
}
# A copy that follows it (streaming replication): reports are read there while it is not further behind than this.
DATABASE_REPLICA_URL = optional_secret("DATABASE_REPLICA_URL")
REPLICA_LAG = timedelta(seconds=env.int("DATABASE_REPLICA_LAG_SECONDS", default=10))
DATABASE_ROUTERS = ["reports.replica.Router"]
if DATABASE_REPLICA_URL:
    _replica: dict[str, Any] = {**dj_database_url.parse(DATABASE_REPLICA_URL)}
    DATABASES["replica"] = {
        **DATABASES["default"],
        **_replica,
        # A page waits for it for a moment only, and then looks elsewhere.
        "OPTIONS": {
            "connect_timeout": 2,
            **patience(gone_after=6, idle_in_transaction=120, given=_replica.get("OPTIONS", {})),
        },
        "TEST": {"MIRROR": "default"},
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = secret("REDIS_URL")
RATE_REDIS_URL = redis(REDIS_URL)
# Where doorbells ring, such as amqp://USER:PASSWORD@host/vhost for RabbitMQ; rates and counters stay in Redis.
BROKER_URL = broker(optional_secret("BROKER_URL") or REDIS_URL)
CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(BROKER_URL)

STORAGE_URL = optional_secret("STORAGE_URL") or f"file:{ROOT / '.data' / 'objects'}"
# Where browsers reach an S3 store that they know by another name than we do, such as https://files.example.com.
STORAGE_PUBLIC_URL = env.str("STORAGE_PUBLIC_URL", default="")
STORAGES = {
    "default": storage(STORAGE_URL, public_url=STORAGE_PUBLIC_URL),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
# With this nothing starts that would reach a store over a network in clear, unverified or without a password.
STORES_NEED_TLS = env.bool("STORES_NEED_TLS", default=False)
STORE_URLS = (secret("DATABASE_URL"), DATABASE_OWNER_URL, REDIS_URL, STORAGE_URL)
if STORES_NEED_TLS and (_plain := plain.found(*STORE_URLS)):
    raise ImproperlyConfigured(f"STORES_NEED_TLS: {' '.join(_plain)}")
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=1024**3)
UPLOAD_EXPIRES = timedelta(hours=env.int("UPLOAD_EXPIRES_HOURS", default=24))  # without a byte; then it is given up
# How long the bucket keeps each head of the ledger from everybody. It must have object lock: one that has none refuses
# to keep a head at all. 0 asks for no lock.
AUDIT_LOCK = timedelta(days=env.int("AUDIT_LOCK_DAYS", default=0))
EXPORT_KEPT = timedelta(days=env.int("EXPORT_DAYS", default=7))  # then its file is deleted
INQUIRIES_PER_HOUR = env.int("INQUIRIES_PER_HOUR", default=60)  # about one number each, of one person
SCRATCH = Path(env.str("SCRATCH", default=tempfile.gettempdir()))  # spill files of list preparation
FILE_UPLOAD_TEMP_DIR = SCRATCH  # and what a form brings
LIST_LEASE = timedelta(seconds=env.int("LIST_LEASE_SECONDS", default=120))  # then its preparation is begun again
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.door.Password"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "accounts.breaches.BreachedPasswordValidator"},
]
# Such as https://api.pwnedpasswords.com/range or a copy of it; without it no password is looked up.
BREACHED_PASSWORDS_URL = web("BREACHED_PASSWORDS_URL")
# Wrong passwords in a row from one address, for one account and for all; then it is shut for that address.
SIGN_IN_ATTEMPTS = env.int("SIGN_IN_ATTEMPTS", default=5)
SIGN_IN_ATTEMPTS_OF_ADDRESS = env.int("SIGN_IN_ATTEMPTS_OF_ADDRESS", default=100)
LOCK_OUT = timedelta(minutes=15)
# Who signs in with a second step or sees nothing: of moderator, admin, super admin. Everybody else may have one.
SECOND_STEP_REQUIRED_FOR = some_of("SECOND_STEP_REQUIRED_FOR", {"moderator", "admin", "super admin"})
# Networks of our own proxies, such as 10.0.0.0/8: what they say of whom they call for is believed, and nobody else.
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")
INVITATION_KEPT = timedelta(days=env.int("INVITATION_DAYS", default=7))  # then its link opens nothing
# --- Single sign-on by OpenID Connect (docs/adr/0066); without an issuer there is none -------------------------------
OIDC_ISSUER = web("OIDC_ISSUER").rstrip("/")
OIDC_NAME = env.str("OIDC_NAME", default="OpenID Connect")  # as people know it
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID") if OIDC_ISSUER else ""
OIDC_CLIENT_SECRET = secret("OIDC_CLIENT_SECRET") if OIDC_ISSUER else ""
# Whether they ask for a second step there; then nobody is asked for another one here.
OIDC_IS_SECOND_STEP = env.bool("OIDC_IS_SECOND_STEP", default=False)
OIDC_ONLY = env.bool("OIDC_ONLY", default=False)  # then passwords are for super admins
SOCIALACCOUNT_ADAPTER = "accounts.single_sign_on_views.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ru", "Русский"), ("uz", "Oʻzbekcha")]
LOCALE_PATHS = [ROOT / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(ROOT / ".data" / "static")))
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Emails (docs/adr/0043) -------------------------------------------------------------------------------------------
# smtp://USER:PASSWORD@host:587/?tls=True; without it they are written to the log of the worker.
_email = dj_email_url.parse(optional_secret("EMAIL_URL") or "console:")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _email["EMAIL_HOST"] or "localhost", _email["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_USER"] or "", _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(_email["EMAIL_USE_TLS"]), bool(_email["EMAIL_USE_SSL"])
EMAIL_FILE_PATH = _email["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="Message Center <message-center@localhost>")
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip(
    "/"
)  # where readers of emails find the pages

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
# With HTTPS=True nothing is answered over HTTP but the questions whether we are there; a browser that was here once
# asks by HTTPS for a year. Whether that holds for other names of the domain is its owner's decision.
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$", "^workz$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # HSTS for subdomains and the browsers' own lists
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 60 * env.int("SESSION_IDLE_MINUTES", default=120)  # without a page; then one signs in again
SESSION_LONGEST = timedelta(hours=env.int("SESSION_LONGEST_HOURS", default=24))  # after signing in, whatever happens
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.MayOnWorkspace"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.Anonymous"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.negotiation.JsonAndFiles",
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "config.schema.Scoped",
    "DEFAULT_PAGINATION_CLASS": "config.pagination.CursorPages",
    "EXCEPTION_HANDLER": "config.api.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# Calls of the API; more are answered 429 with Retry-After. 0 is no limit. Behind a proxy of which we see only its own
# address, that of addresses is one for everybody.
API_RATES = {
    "address": rate("API_RATE_ADDRESS", default="30000/minute"),
    "user": rate("API_RATE_USER", default="12000/minute"),
    "key": rate("API_RATE_KEY", default="12000/minute"),
    "workspace": rate("API_RATE_WORKSPACE", default="30000/minute"),
    "stranger": rate("API_RATE_STRANGER", default="300/minute"),  # keys that are none, from one address
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Message Center",
    "VERSION": "1",
    "DESCRIPTION": PREFACE,
    "SERVERS": [{"url": "/", "description": "Where this installation is."}],
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "webhooks.description.gather_shapes",
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.schema.document_errors",
        "config.examples.add_examples",
        "webhooks.description.document_events",
    ],
    "WEBHOOKS": "webhooks.description.WEBHOOKS",
    "ENUM_NAME_OVERRIDES": {
        "CampaignStatus": "campaigns.statuses.Status",
        "ListStatus": "recipients.statuses.Status",
        "SuppressionSource": "recipients.statuses.Source",
        "SuppressionImportStatus": "recipients.statuses.ImportStatus",
        "ListStage": "recipients.statuses.Stage",
        "SenderStatus": "senders.statuses.SenderStatus",
        "RevisionStatus": "senders.statuses.RevisionStatus",
        "ExportStatus": "reports.statuses.Status",
        "RecipientStatus": "delivery.statuses.Term",
        "InvitationStatus": "accounts.statuses.InvitationStatus",
        "JoinRequestStatus": "accounts.statuses.JoinRequestStatus",
        "Role": "accounts.roles.Role",
        "Scope": "accounts.scopes.Scope",
        "CampaignMode": "campaigns.statuses.Mode",
        "Verdict": "moderation.models.Verdict",
        "DefaultCoding": "channels.models.DefaultCoding",
        "LongMessages": "channels.models.LongMessages",
        "IncidentKind": "delivery.statuses.IncidentKind",
        "ExportFormat": "reports.models.Format",
        "ExportColumn": "reports.lines.COLUMNS",
        "SuppressionScope": ["workspace", "global"],
        "ExportNumbers": "reports.models.Numbers",
        "ErasureStatus": "reports.statuses.ErasureStatus",
        "ErasurePlace": "reports.statuses.Place",
        "StatisticsBy": "reports.statistics.BY",
        "WebhookEvent": "webhooks.statuses.Event",
        "CampaignEventType": "webhooks.shapes.CAMPAIGN_TYPES",
        "ExportEventType": "webhooks.shapes.EXPORT_TYPES",
        "MessagesEventType": "webhooks.shapes.MESSAGES_TYPES",
        "SuppressionsEventType": "webhooks.shapes.SUPPRESSIONS_TYPES",
        "SuppressionChangeKind": "webhooks.statuses.Change",
        "TestEventType": "webhooks.shapes.TEST_TYPES",
        "SettledStatus": "webhooks.shapes.SETTLED_STATUSES",
        "WebhookDisabled": "webhooks.statuses.Disabled",
        "DeliveryState": "webhooks.statuses.DeliveryState",
    },
}

# --- Campaigns --------------------------------------------------------------------------------------------------------
MAX_PARTS = env.int("MAX_PARTS", default=5)
REVIEW_TARGET = timedelta(minutes=env.int("REVIEW_TARGET_MINUTES", default=60))  # to be judged in; then it is late
TRIALS_PER_DAY = env.int("TRIALS_PER_DAY", default=50)  # messages of test sends of one workspace in 24 hours; 0: none
START_GRACE = timedelta(seconds=env.int("START_GRACE_SECONDS", default=600))

# --- Dispatch (docs/architecture.md, "Dispatch") ----------------------------------------------------------------------
# B: the most recipients that one dispatch process may have intended and not yet recorded; what a kill leaves in doubt.
DISPATCH_BATCH = env.int("DISPATCH_BATCH", default=4000)
DISPATCH_THREADS = env.int("DISPATCH_THREADS", default=4)
# And those that hand over what is pushed into trigger campaigns, whatever the others have to do.
DISPATCH_PUSH_THREADS = env.int("DISPATCH_PUSH_THREADS", default=2)
# How many messages may wait in a trigger campaign until no more are taken (429).
PUSHES_WAITING = env.int("PUSHES_WAITING", default=100_000)
CHUNK_SIZE = env.int("CHUNK_SIZE", default=10_000)
CHUNK_LEASE = timedelta(seconds=env.int("CHUNK_LEASE_SECONDS", default=60))
RING_AGAIN = timedelta(seconds=env.int("RING_AGAIN_SECONDS", default=20))  # for a chunk that nobody has come for
RESPONSE_TIMEOUT = env.float("RESPONSE_TIMEOUT", default=60.0)  # seconds; then a submit is in doubt
# How long a carrier may try, unless a deadline ends it; and how long after that a receipt is waited for.
DEFAULT_VALIDITY = timedelta(seconds=env.int("DEFAULT_VALIDITY_SECONDS", default=72 * 3600))
RECEIPT_GRACE = timedelta(seconds=env.int("RECEIPT_GRACE_SECONDS", default=24 * 3600))
# How long what became of each recipient is kept; then whole months go, and the totals stay. Receipts are the raw ones.
MESSAGE_RETENTION_DAYS = env.int("MESSAGE_RETENTION_DAYS", default=400)
RECEIPT_RETENTION_DAYS = env.int("RECEIPT_RETENTION_DAYS", default=400)
INBOUND_RETENTION_DAYS = env.int("INBOUND_RETENTION_DAYS", default=400)
CARRIER_ID_RETENTION_DAYS = env.int("CARRIER_ID_RETENTION_DAYS", default=60)
# A stop word that was sent to an address of which nobody knows the workspace binds those who send by its channel, or,
# with this, everybody.
STOP_BINDS_EVERYBODY = env.bool("STOP_BINDS_EVERYBODY", default=False)
# With Redis gone each dispatch process takes this share of a channel's rate: slower, never faster.
DISPATCH_FLEET = env.int("DISPATCH_FLEET", default=4)
# Most message parts a second of all channels together; 0 is no limit but those of channels and campaigns.
FLEET_TPS = env.int("FLEET_TPS", default=0)

# --- Metrics (docs/adr/0080) ------------------------------------------------------------------------------------------
# Who may read /metrics: whoever has the token, and who calls from these networks, such as 10.0.0.0/8, ::1. Without
# either it is not there.
METRICS_TOKEN = optional_secret("METRICS_TOKEN")
METRICS_NETWORKS = networks("METRICS_NETWORKS")

# --- Errors and traces (docs/adr/0090); without an address there are none --------------------------------------------
SENTRY_DSN = optional_secret("SENTRY_DSN")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")
SENTRY_RELEASE = env.str("SENTRY_RELEASE", default="")  # without it, the version of pyproject.toml
OTEL_EXPORTER_OTLP_ENDPOINT = web("OTEL_EXPORTER_OTLP_ENDPOINT")  # of a collector, by HTTP: http://collector:4318
OTEL_EXPORTER_OTLP_HEADERS = pairs("OTEL_EXPORTER_OTLP_HEADERS")  # such as authorization=Bearer%20…
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", default="message-center")
OTEL_TRACES_SAMPLER_ARG = share("OTEL_TRACES_SAMPLER_ARG", default=1.0)  # of traces, from 0 to 1
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("audit.middleware.CircumstancesMiddleware") + 1, "config.tracing.TracingMiddleware"
    )

# --- Webhooks (docs/webhooks.md) --------------------------------------------------------------------------------------
WEBHOOK_PORTS: list[int] = env.list("WEBHOOK_PORTS", default=[443, 8443], subcast=int)
WEBHOOKS_TO_LOOPBACK = env.bool("WEBHOOKS_TO_LOOPBACK", default=False)  # also by http, on any port: for a try at home
WEBHOOK_KEPT = timedelta(days=env.int("WEBHOOK_DAYS", default=30))  # what was sent, with every attempt

# --- The demo ---------------------------------------------------------------------------------------------------------
SMSC_PORT = env.int("SMSC_PORT", default=2775)  # where the simulator listens
DEMO_FILE = env.str("DEMO_FILE", default="")  # keeps the demo's passwords and tokens from one run to the next

LOG_FORMAT = env.str("LOG_FORMAT", default="line", validate=validate.OneOf(["line", "json"]))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.logs.RequestId"}},
    "formatters": {
        "line": {
            "()": "config.logs.Line",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        },
        "json": {"()": "config.logs.Json"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request_id"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # They tell which letters a document has.
    "loggers": {"fontTools": {"level": "WARNING"}, "fpdf": {"level": "ERROR"}},
}
