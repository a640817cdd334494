"""The settings of the tests: the real ones, with cheap passwords, files that vanish and a broker that nobody hears."""

import os
import tempfile
from urllib.parse import urlsplit

import dj_database_url

os.environ.setdefault("SECRET_KEY", "for tests only")
os.environ.setdefault("DATABASE_URL", "postgres://127.0.0.1:5432/message_center")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:6379/0")

from config.settings import *  # noqa: F403

# The owner makes and empties the databases of the tests; on each connection they step down (tests.owner).
if DATABASE_OWNER_URL:  # noqa: F405
    owning = dj_database_url.parse(DATABASE_OWNER_URL)  # noqa: F405
    DATABASES["default"].update({key: owning[key] for key in ("USER", "PASSWORD")})  # noqa: F405
DATABASE_OWNER_URL = ""

DEBUG = False
DATABASES["default"]["TEST"] = {"TEMPLATE": DATABASES["default"]["NAME"]}  # noqa: F405
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Each test gets a folder of its own (conftest.objects); this one is for what runs outside a test.
STORAGES = {
    "default": {
        "BACKEND": "objects.folder.Folder",
        "OPTIONS": {"location": os.path.join(tempfile.gettempdir(), "message-center-tests")},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Tasks are never eager: they are published to a broker in this process, where `rung` reads what was enqueued.
CELERY_BROKER_URL = "memory://"
# Counters and rates of this worker of pytest-xdist are those of nobody else.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
RATE_REDIS_URL = urlsplit(RATE_REDIS_URL)._replace(path=f"/{1 + WORKER % 15}").geturl()  # noqa: F405
# The pages' files are served by the process that a live test starts.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("whitenoise.")]  # noqa: F405
SMSC_PORT = 2775  # nobody listens: a test that sends names the port of its own simulator
