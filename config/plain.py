"""Stores that are reached over a network in clear, by whoever says that they are it, or without a password."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, urlsplit

VERIFIED = {"verify-ca", "verify-full"}
SOCKETS = {"file", "redis+socket", "unix"}  # schemes of what is on this machine


def found(database: str, owner: str, redis: str, storage: str) -> list[str]:
    """Of their URLs, a sentence each; what is on this machine needs neither TLS nor a password."""
    databases = [
        *_of_database("DATABASE_URL", urlsplit(database)),
        *_of_database("DATABASE_OWNER_URL", urlsplit(owner)),
    ]
    return [*databases, *_of_broker(urlsplit(redis)), *_of_storage(urlsplit(storage))]


def _of_database(name: str, url: SplitResult) -> Iterator[str]:
    if _is_near(url):
        return
    if _last(url, "sslmode") not in VERIFIED:
        yield f"{name} says neither sslmode=verify-full nor verify-ca."
    if not url.password and not _last(url, "sslcert"):
        yield f"{name} has no password."


def _of_broker(url: SplitResult) -> Iterator[str]:
    if _is_near(url):
        return
    if url.scheme not in {"rediss", "amqps"}:
        yield "REDIS_URL is not rediss://."
    elif _last(url, "ssl_cert_reqs") in {"none", "CERT_NONE", "optional", "CERT_OPTIONAL"}:
        yield "REDIS_URL verifies no certificate."
    if not url.password:
        yield "REDIS_URL has no password."


def _of_storage(url: SplitResult) -> Iterator[str]:
    if not _is_near(url) and _last(url, "tls") == "0":
        yield "STORAGE_URL says tls=0."


def _is_near(url: SplitResult) -> bool:
    """A socket, a folder or loopback; an S3 without a host is AWS."""
    host = (url.hostname or "").lower()
    if url.scheme in SOCKETS or host == "localhost" or host.startswith("%2f"):
        return True
    if not host:
        return url.scheme != "s3"
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _last(url: SplitResult, name: str) -> str:
    return parse_qs(url.query).get(name, [""])[-1]
