"""Secrets at rest that whoever has the key opens: AES-256-GCM, each bound to whose it is and what for.

A ciphertext names its key, so that an older one is read until all is sealed with that of today.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

VERSION = "1"
NONCE = 12


@dataclass(frozen=True, slots=True)
class Box:
    """`key` is the name of its setting; NAME_FALLBACKS are the keys before it, which only open."""

    key: str

    def seal(self, secret: str, *, of: str) -> str:
        """`of` says whose it is and what for; for nothing else it opens."""
        name, key = self._keys()[0]
        nonce = os.urandom(NONCE)
        sealed = nonce + AESGCM(key).encrypt(nonce, secret.encode(), _bound(of))
        return f"{VERSION}:{name}:{base64.b64encode(sealed).decode()}"

    def opened(self, ciphertext: str, *, of: str) -> str:
        """Raises ImproperlyConfigured when none of our keys made it, or not for this."""
        version, _, rest = ciphertext.partition(":")
        name, _, encoded = rest.partition(":")
        key = dict(self._keys()).get(name)
        if version != VERSION or key is None:
            raise ImproperlyConfigured(f"A secret does not decrypt: {self.key} has changed.")
        try:
            sealed = base64.b64decode(encoded, validate=True)
            return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], _bound(of)).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise ImproperlyConfigured("A secret was changed, or is of another one.") from error

    def is_current(self, ciphertext: str) -> bool:
        """Made with today's key."""
        return ciphertext.startswith(f"{VERSION}:{self._keys()[0][0]}:")

    def _keys(self) -> list[tuple[str, bytes]]:
        """Each with its name, the one to seal with first. A name tells nothing of its key."""
        texts = [getattr(settings, self.key), *getattr(settings, f"{self.key}_FALLBACKS")]
        keys = [hashlib.sha256(b"channel:" + text.encode()).digest() for text in texts]
        return [(hashlib.sha256(b"name:" + key).hexdigest()[:8], key) for key in keys]


def _bound(of: str) -> bytes:
    return f"message-center/channel/{VERSION}/{of}".encode()
