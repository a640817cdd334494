"""What comes to a webhook: is it from Message Center, and what does it say? By Standard Webhooks."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from message_center_client import models
from message_center_client.errors import NotGenuine

PREFIX = "whsec_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`id` is the same each time that it is sent: who has seen it does nothing. `at` is when it happened.

    One of the classes below; of a type that this version does not know it is this one.
    """

    id: str
    type: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignMoved(Event):
    data: models.CampaignMove


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportEnded(Event):
    data: models.ExportEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesSettled(Event):
    data: models.SettledMessages


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionsChanged(Event):
    data: models.SuppressionsChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried(Event):
    """Somebody pressed the button that sends a test."""


KINDS: dict[str, type[Event]] = {
    **dict.fromkeys(get_args(models.CampaignEventType), CampaignMoved),
    **dict.fromkeys(get_args(models.ExportEventType), ExportEnded),
    **dict.fromkeys(get_args(models.MessagesEventType), MessagesSettled),
    **dict.fromkeys(get_args(models.SuppressionsEventType), SuppressionsChanged),
    **dict.fromkeys(get_args(models.TestEventType), Tried),
}


class Webhook:
    """What knows the secrets of an endpoint: the one of today and, for a day after a rotation, the one before it. What
    is empty or None is left out, so that the old one may be a variable that is not always set.

    `tolerance` is how many seconds the time of a delivery may be away from ours.
    """

    def __init__(self, *secrets: str | None, tolerance: float = 300.0) -> None:
        self._keys = [_key(secret) for secret in secrets if secret]
        self._tolerance = tolerance
        if not self._keys:
            raise ValueError("Without a secret nothing can be verified.")

    def verify(self, body: bytes | str, headers: Mapping[str, str]) -> Event:
        """The event, from the body as it came, to the byte, and its headers. Raises NotGenuine."""
        body = body.encode() if isinstance(body, str) else body
        given = {name.lower(): value for name, value in headers.items()}
        try:
            webhook_id, at, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        except KeyError as missing:
            raise NotGenuine(f"The header {missing.args[0]} is missing.") from None
        self._check_age(at)
        if not self._is_signed(body, webhook_id, at, signatures):
            raise NotGenuine("None of its signatures is one of ours.")
        return _event(webhook_id, body)

    def sign(self, body: bytes | str, *, id: str, timestamp: int | None = None) -> dict[str, str]:
        """The headers with which Message Center would send it, now: for the tests of your receiver."""
        body = body.encode() if isinstance(body, str) else body
        at = str(int(time.time()) if timestamp is None else timestamp)
        signatures = [f"v1,{base64.b64encode(_signature(key, body, id, at)).decode()}" for key in self._keys]
        return {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": " ".join(signatures)}

    def _check_age(self, at: str) -> None:
        if not (at.isascii() and at.isdigit() and len(at) < 16):
            raise NotGenuine("Its time is no number of seconds.")
        if abs(time.time() - int(at)) > self._tolerance:
            raise NotGenuine("Its time is too far from ours: it is old, or one of the clocks is wrong.")

    def _is_signed(self, body: bytes, webhook_id: str, at: str, signatures: str) -> bool:
        """Every pair is compared, each in constant time: how long it takes says nothing about a secret."""
        given = [_octets(one) for one in signatures.split(" ")]
        wanted = [_signature(key, body, webhook_id, at) for key in self._keys]
        return any([hmac.compare_digest(one, ours) for one in given for ours in wanted])


def _key(secret: str) -> bytes:
    text = secret.removeprefix(PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError(f"A secret is {PREFIX} and Base64.") from None


def _signature(key: bytes, body: bytes, webhook_id: str, at: str) -> bytes:
    return hmac.new(key, b".".join([webhook_id.encode(), at.encode(), body]), hashlib.sha256).digest()


def _octets(signature: str) -> bytes:
    """Of another version, or of none: nothing, which no signature is."""
    version, _, text = signature.partition(",")
    try:
        return base64.b64decode(text, validate=True) if version == "v1" else b""
    except ValueError:
        return b""


def _event(webhook_id: str, body: bytes) -> Event:
    try:
        said = json.loads(body)
        kind, at = said["type"], datetime.fromisoformat(said["timestamp"])
        return KINDS.get(kind, Event)(id=webhook_id, type=kind, at=at, data=said["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotGenuine("It is signed, and is no event.") from error
