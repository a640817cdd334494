"""Standard Webhooks, signature v1: HMAC-SHA256 of `id.timestamp.body` under the octets of a `whsec_` secret."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
OCTETS = 32  # the specification wants 24 to 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(OCTETS)).decode()


def headers(keys: Iterable[str], *, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """With a signature for each secret: during a rotation there are two, and either may be verified."""
    signatures = [sign(key, webhook_id=webhook_id, timestamp=timestamp, body=body) for key in keys]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def sign(secret: str, *, webhook_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    signed = b".".join([webhook_id.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
