"""The key that signs evidence, and the public halves of those before it, which go on proving what they signed."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from reports import bundle


def today() -> Ed25519PrivateKey:
    return bundle.private_key(settings.EVIDENCE_KEY)


def public() -> dict[str, str]:
    """By their names: that of today first, then those of EVIDENCE_PUBLIC_KEYS."""
    every = [bundle.public_text(today()), *settings.EVIDENCE_PUBLIC_KEYS]
    return {bundle.key_id(one): one for one in every}
