"""The two halves of CHANNEL_KEY: whoever has the public one seals, whoever has the key opens (HPKE, RFC 9180). Pure.

`python -m channels.halves` reads a key and prints its public half, CHANNEL_PUBLIC_KEY.
"""

import base64
import hashlib
import sys
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@lru_cache(maxsize=32)
def private_half(key: str) -> X25519PrivateKey:
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"message-center/channel/2").derive(key.encode())
    return X25519PrivateKey.from_private_bytes(seed)


def public_half(key: str) -> str:
    """In base64."""
    return base64.b64encode(private_half(key).public_key().public_bytes_raw()).decode()


def name_of(public: str) -> str:
    return hashlib.sha256(base64.b64decode(public)).hexdigest()[:8]


def seal(secret: str, public: str, *, of: str) -> str:
    """`of` says whose it is and what for; for nothing else it opens."""
    to = X25519PublicKey.from_public_bytes(base64.b64decode(public))
    return base64.b64encode(SUITE.encrypt(secret.encode(), to, info=of.encode())).decode()


def opened(sealed: str, key: str, *, of: str) -> str:
    """Raises ValueError when it was changed, or sealed for another key or something else."""
    try:
        return SUITE.decrypt(base64.b64decode(sealed, validate=True), private_half(key), info=of.encode()).decode()
    except InvalidTag as error:
        raise ValueError("It does not open.") from error


if __name__ == "__main__":
    if given := sys.stdin.read().strip():
        print(public_half(given))
    else:
        sys.exit("Give the key by standard input.")
