"""Readers of the environment that fail loudly; nothing else touches `os.environ`."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env()


def secret(name: str, *, default: str | None = None) -> str:
    """The variable, or the content of the file that NAME_FILE names."""
    file = env.str(f"{name}_FILE", default="")
    value = Path(file).read_text().strip() if file else env.str(name, default=default or "")
    if not value:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE).")
    return value


def storage(url: str) -> dict[str, Any]:
    """Django's `STORAGES["default"]` for `file:/folder` or `s3://KEY:SECRET@host:port/bucket?tls=0&region=...`."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": unquote(parts.path)}}
    if parts.scheme == "s3":
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        options: dict[str, Any] = {
            "bucket_name": parts.path.strip("/"),
            "access_key": unquote(parts.username or ""),
            "secret_key": unquote(parts.password or ""),
            "region_name": query.get("region", "us-east-1"),
            "signature_version": "s3v4",
            "addressing_style": "path",
            "file_overwrite": True,
            # Reading an object spools it to disk beyond this; the default keeps it in memory, whatever its size.
            "max_memory_size": 8 * 1024**2,
        }
        if parts.hostname:
            scheme = "http" if query.get("tls") == "0" else "https"
            port = f":{parts.port}" if parts.port else ""
            options["endpoint_url"] = f"{scheme}://{parts.hostname}{port}"
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    raise ImproperlyConfigured(f"STORAGE_URL is {url!r}; write file:/folder or s3://KEY:SECRET@host/bucket.")


def redis(url: str) -> str:
    """The URL as redis-py spells it: Celery says `redis+socket://`, redis-py says `unix://`."""
    return url.replace("redis+socket://", "unix://", 1)
