"""Secrets of channels at rest: AES-256-GCM under CHANNEL_KEY, each bound to its channel and field.

A ciphertext names its key, so that an older one (CHANNEL_KEY_FALLBACKS) is read until `rotation` has been through.
"""

import base64
import binascii
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

VERSION = "1"
NONCE = 12


def encrypt(secret: str, *, of: str) -> str:
    """`of` says whose it is and what for; nothing else decrypts it."""
    name, key = _keys()[0]
    nonce = os.urandom(NONCE)
    sealed = nonce + AESGCM(key).encrypt(nonce, secret.encode(), _bound(of))
    return f"{VERSION}:{name}:{base64.b64encode(sealed).decode()}"


def decrypt(ciphertext: str, *, of: str) -> str:
    """Raises ImproperlyConfigured when none of our keys made it, or not for this: no bind with a wrong secret."""
    version, _, rest = ciphertext.partition(":")
    name, _, encoded = rest.partition(":")
    key = dict(_keys()).get(name)
    if version != VERSION or key is None:
        raise ImproperlyConfigured("A channel's secret does not decrypt: CHANNEL_KEY has changed.")
    try:
        sealed = base64.b64decode(encoded, validate=True)
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], _bound(of)).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise ImproperlyConfigured("A channel's secret was changed, or is of another one.") from error


def is_current(ciphertext: str) -> bool:
    """Made with today's key."""
    return ciphertext.startswith(f"{VERSION}:{_keys()[0][0]}:")


def _bound(of: str) -> bytes:
    return f"message-center/channel/{VERSION}/{of}".encode()


def _keys() -> list[tuple[str, bytes]]:
    """Each with its name, the one to encrypt with first. A name tells nothing of its key."""
    texts = [settings.CHANNEL_KEY, *settings.CHANNEL_KEY_FALLBACKS]
    keys = [hashlib.sha256(b"channel:" + text.encode()).digest() for text in texts]
    return [(hashlib.sha256(b"name:" + key).hexdigest()[:8], key) for key in keys]
