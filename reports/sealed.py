"""The number of an erasure that is under way: AES-256-GCM under ERASURE_KEY, bound to its erasure."""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE = 12


def seal(phone: int, *, of: int) -> str:
    nonce = os.urandom(NONCE)
    return base64.b64encode(nonce + _ciphers()[0].encrypt(nonce, str(phone).encode(), _bound(of))).decode()


def opened(sealed: str, *, of: int) -> int:
    """Raises ImproperlyConfigured when none of our keys made it, or not for this erasure."""
    data = base64.b64decode(sealed)
    for cipher in _ciphers():
        try:
            return int(cipher.decrypt(data[:NONCE], data[NONCE:], _bound(of)))
        except InvalidTag:
            continue
    raise ImproperlyConfigured("The number of an erasure does not decrypt: ERASURE_KEY has changed.")


def _bound(of: int) -> bytes:
    return f"message-center/erasure/1/{of}".encode()


def _ciphers() -> list[AESGCM]:
    texts = [settings.ERASURE_KEY, *settings.ERASURE_KEY_FALLBACKS]
    return [AESGCM(hmac.digest(text.encode(), b"message-center/erasure/1", hashlib.sha256)) for text in texts]
