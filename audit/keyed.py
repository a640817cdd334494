"""What is known again by a digest under SECRET_KEY, or sealed under it: what was told under the keys before it stays
good."""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet
from django.conf import settings
from django.utils.crypto import salted_hmac


def secrets() -> list[str]:
    """Those of the installation: the newest seals, each opens."""
    return [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def digests(salt: str, text: str) -> list[str]:
    """One for each key, today's first."""
    return [salted_hmac(salt, text, secret=key, algorithm="sha256").hexdigest() for key in secrets()]


def boxes(salt: str) -> list[Fernet]:
    """One for each key: the first seals, each opens what it has sealed."""
    return [Fernet(urlsafe_b64encode(sha256(f"{salt}:{key}".encode()).digest())) for key in secrets()]
