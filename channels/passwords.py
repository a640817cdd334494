"""Secrets of channels at rest, each bound to its channel, its field, and the host that is told it.

Where CHANNEL_PUBLIC_KEY is given, that seals, and only who has CHANNEL_KEY opens (version 2, `channels.halves`).
Elsewhere CHANNEL_KEY does both (version 1, `audit.boxes`, which is bound to no host). A ciphertext names its key: older
ones (CHANNEL_KEY_FALLBACKS) are read, and version 1, until `rotation` has been through.
"""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from audit.boxes import Box
from channels import halves

VERSION = "2"
BOX = Box("CHANNEL_KEY")


def encrypt(secret: str, *, of: str, host: str = "") -> str:
    """`of` says whose it is and what for, `host` who is told it; for nothing else it decrypts."""
    if not settings.CHANNEL_PUBLIC_KEY:
        return BOX.seal(secret, of=of)
    public = settings.CHANNEL_PUBLIC_KEY
    return f"{VERSION}:{halves.name_of(public)}:{halves.seal(secret, public, of=_bound(of, host))}"


def decrypt(ciphertext: str, *, of: str, host: str = "") -> str:
    """Raises ImproperlyConfigured when none of our keys made it, or not for this: no bind with a wrong secret."""
    if not is_of_halves(ciphertext):
        return BOX.opened(ciphertext, of=of)
    name, _, sealed = ciphertext.removeprefix(f"{VERSION}:").partition(":")
    key = {halves.name_of(halves.public_half(text)): text for text in _keys()}.get(name)
    if key is None:
        raise ImproperlyConfigured("A secret does not decrypt: CHANNEL_KEY has changed.")
    try:
        return halves.opened(sealed, key, of=_bound(of, host))
    except ValueError as error:
        raise ImproperlyConfigured("A secret was changed, or is of another one.") from error


def is_of_halves(ciphertext: str) -> bool:
    return ciphertext.startswith(f"{VERSION}:")


def is_current(ciphertext: str) -> bool:
    """Made with today's key, in the best way that there is."""
    if is_of_halves(ciphertext):
        public = settings.CHANNEL_PUBLIC_KEY or halves.public_half(settings.CHANNEL_KEY)
        return ciphertext.startswith(f"{VERSION}:{halves.name_of(public)}:")
    return not settings.CHANNEL_PUBLIC_KEY and BOX.is_current(ciphertext)


def _bound(of: str, host: str) -> str:
    return f"message-center/channel/{VERSION}/{of}/{host}"


def _keys() -> list[str]:
    return [settings.CHANNEL_KEY, *settings.CHANNEL_KEY_FALLBACKS]
