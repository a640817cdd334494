"""Channel passwords at rest: Fernet (AES-128-CBC with HMAC-SHA-256) under a key derived from CHANNEL_KEY."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def encrypt(password: str) -> str:
    return _fernet().encrypt(password.encode()).decode()


def decrypt(ciphertext: str) -> str:
    """Raises ImproperlyConfigured when CHANNEL_KEY is not the one it was encrypted with: no bind with a wrong one."""
    try:
        return _fernet().decrypt(ciphertext.encode()).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured("A channel's secret does not decrypt: CHANNEL_KEY has changed.") from error


def _fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"channel:" + settings.CHANNEL_KEY.encode()).digest()))
