"""Readers of the environment that fail loudly; nothing else touches `os.environ`."""

import base64
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env()
REDIS = ("redis", "rediss", "redis+socket", "unix")  # schemes, as Celery spells them
AMQP = ("amqp", "amqps", "pyamqp")
PUBLIC_KEY = 32  # bytes
BROKER_PATIENCE = 5.0  # seconds
MILLISECONDS = {"second": 1000, "minute": 60_000, "hour": 3_600_000}


def optional_secret(name: str) -> str:
    """The variable, or the content of the file that NAME_FILE names; empty when there is neither."""
    file = env.str(f"{name}_FILE", default="")
    return Path(file).read_text().strip() if file else str(env.str(name, default=""))


def secret(name: str, *, default: str | None = None) -> str:
    """The same, which must say something. The default is for a variable that is not there: one that is empty, or a file
    of nothing, is a mistake."""
    is_there = env.str(name, default=None) is not None or env.str(f"{name}_FILE", default="")
    value = optional_secret(name) if is_there else default
    if not value:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE).")
    return value


def secrets(name: str) -> list[str]:
    """As `secret`, and so many as there are, between commas or lines; none is none."""
    file = env.str(f"{name}_FILE", default="")
    text = Path(file).read_text() if file else env.str(name, default="")
    return [one.strip() for one in text.replace("\n", ",").split(",") if one.strip()]


def public_keys(name: str) -> list[str]:
    """Ed25519, in base64; as many as there are, none is none."""
    given = secrets(name)
    for one in given:
        if not _is_public_key(one):
            raise ImproperlyConfigured(f"{name} has {one!r}, which is no public key of Ed25519 in base64.")
    return given


def public_key(name: str) -> str:
    """X25519, in base64; empty where the variable is not there. One that says nothing is a mistake."""
    if env.str(name, default=None) is None and not env.str(f"{name}_FILE", default=""):
        return ""
    given = secret(name)
    if not _is_public_key(given):
        raise ImproperlyConfigured(f"{name} is {given!r}, which is no public key of X25519 in base64.")
    return given


def _is_public_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == PUBLIC_KEY
    except ValueError:
        return False


def rate(name: str, *, default: str) -> tuple[int, int] | None:
    """How many in how many milliseconds, of a text such as 100/second or 6000/minute; None for 0, which is no limit."""
    text = env.str(name, default=default)
    if text == "0":
        return None
    number, _, unit = text.partition("/")
    if not number.isdecimal() or not int(number) or unit not in MILLISECONDS:
        raise ImproperlyConfigured(f"{name} is {text!r}; write 100/second, 6000/minute, 1000/hour, or 0 for no limit.")
    return int(number), MILLISECONDS[unit]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Of a list such as 10.0.0.0/8, ::1."""
    written: list[str] = env.list(name, default=[])
    try:
        return [ip_network(text.strip()) for text in written]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} has {error}; write networks such as 10.0.0.0/8, ::1.") from error


def some_of(name: str, known: set[str]) -> frozenset[str]:
    """Of a list between commas, whose words are known; nothing is none."""
    words: list[str] = env.list(name, default=[])
    wanted = frozenset(word.strip() for word in words)
    if unknown := sorted(wanted - known):
        raise ImproperlyConfigured(f"{name} has {unknown[0]!r}; write some of {', '.join(sorted(known))}.")
    return wanted


def share(name: str, *, default: float) -> float:
    """From 0 to 1."""
    found = float(env.float(name, default=default))
    if not 0.0 <= found <= 1.0:
        raise ImproperlyConfigured(f"{name} is {found}; write a share from 0 to 1.")
    return found


def pairs(name: str) -> dict[str, str]:
    """A secret such as authorization=Bearer%20TOKEN,x-scope=…; nothing is none."""
    written = [one.partition("=") for one in optional_secret(name).split(",") if one.strip()]
    if any(not key.strip() or not is_there for key, is_there, _ in written):
        raise ImproperlyConfigured(f"{name} must be NAME=VALUE,NAME=VALUE.")  # not what it is: it may hold a secret
    return {key.strip().lower(): unquote(value.strip()) for key, _, value in written}


def web(name: str) -> str:
    """An address of the web, or nothing."""
    url = env.str(name, default="")
    if url and urlsplit(url).scheme not in {"http", "https"}:
        raise ImproperlyConfigured(f"{name} must begin with https:// or http://.")
    return url


def patience(*, gone_after: int, idle_in_transaction: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """libpq's options, and those of the session at the server, by which either end finds out within so many seconds
    that the other is gone, and the server ends a transaction in which nothing happens; what is `given` goes before."""
    keepalives = {"idle": max(1, gone_after // 2), "interval": max(1, gone_after // 6), "count": 3}
    session = {f"tcp_keepalives_{name}": value for name, value in keepalives.items()}
    session |= {"tcp_user_timeout": gone_after * 1000}
    session |= {"idle_in_transaction_session_timeout": idle_in_transaction * 1000}
    at_server = " ".join(f"-c {name}={value}" for name, value in session.items())
    return {
        **{f"keepalives_{name}": value for name, value in keepalives.items()},
        "tcp_user_timeout": gone_after * 1000,
        **given,
        "options": f"{at_server} {given.get('options', '')}".strip(),
    }


def storage(url: str, *, public_url: str = "") -> dict[str, Any]:
    """Django's `STORAGES["default"]` for `file:/folder` or `s3://KEY:SECRET@host:port/bucket/prefix?tls=0&region=…`.

    What has a special meaning in a URL is written as %XX. Without a host it is AWS; without a key, boto3 looks where
    it always does (the machine's role, a profile).
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return {"BACKEND": "objects.folder.Folder", "OPTIONS": {"location": unquote(parts.path)}}
    bucket, _, prefix = unquote(parts.path).strip("/").partition("/")
    if parts.scheme == "s3" and bucket:
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        options: dict[str, Any] = {
            "bucket_name": bucket,
            "location": prefix,
            "region_name": query.get("region", "us-east-1"),
            "signature_version": "s3v4",
            "addressing_style": "path",
            "public_url": public_url.rstrip("/"),
        }
        if parts.username:
            options |= {"access_key": unquote(parts.username), "secret_key": unquote(parts.password or "")}
        if parts.hostname:
            scheme = "http" if query.get("tls") == "0" else "https"
            options["endpoint_url"] = f"{scheme}://{parts.netloc.rpartition('@')[2]}"
        return {"BACKEND": "objects.bucket.Bucket", "OPTIONS": options}
    # Not the URL itself: it may hold a secret.
    raise ImproperlyConfigured("STORAGE_URL must be file:/folder or s3://KEY:SECRET@host/bucket.")


def broker(url: str) -> str:
    if urlsplit(url).scheme not in {*REDIS, *AMQP}:
        raise ImproperlyConfigured("BROKER_URL must be that of a Redis (redis://…) or of a RabbitMQ (amqp://…).")
    return url


def broker_options(url: str) -> dict[str, Any]:
    """Nobody waits for ever for a broker whose host is gone without a word."""
    if urlsplit(url).scheme in AMQP:
        return {"connect_timeout": BROKER_PATIENCE, "read_timeout": BROKER_PATIENCE, "write_timeout": BROKER_PATIENCE}
    waits = {"socket_connect_timeout": BROKER_PATIENCE, "socket_timeout": BROKER_PATIENCE}
    return {"visibility_timeout": 3600, **waits}


def redis(url: str) -> str:
    """The URL as redis-py spells it: Celery says `redis+socket://`, redis-py says `unix://`."""
    return url.replace("redis+socket://", "unix://", 1)
