"""The seal: a digest over everything that an approval is about. Pure.

The canonical form has two versions (docs/adr/0034). Version 2 has what version 1 has not: placeholders, a daily window,
a limit, a route. A campaign without any of them is sealed in version 1, as it was before there were any.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def content(campaign: Any) -> dict[str, Any]:
    """What a moderator approves, as plain values: the canonical form, in the version of the campaign."""
    first = {
        "v": 1,
        "campaign": campaign.pk,
        "workspace": campaign.workspace_id,
        "mode": str(campaign.mode),
        "text": campaign.text,
        "sender": {
            "id": campaign.sender_id,
            "revision": campaign.revision.number,
            "saddr": campaign.revision.saddr,
            "ton": campaign.revision.ton,
            "npi": campaign.revision.npi,
        },
        "list": _list(campaign),
        "channel": campaign.channel_id,
        "send_at": _instant(campaign.send_at),
        "date_from": _instant(campaign.date_from),
        "date_to": _instant(campaign.date_to),
        "not_after": _instant(campaign.not_after),
    }
    if campaign.content_version == 1:
        return first
    return first | {
        "v": 2,
        "route": campaign.route_id,
        "daily": _daily(campaign),
        "parts_per_second": campaign.parts_per_second,
    }


def digest(values: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON: sorted keys, no white space, UTF-8."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def of(campaign: Any) -> str:
    return digest(content(campaign))


def _list(campaign: Any) -> dict[str, Any] | None:
    """None of a trigger: whom it goes to is said message by message."""
    listed = campaign.list
    return listed and {"id": listed.pk, "digest": listed.digest, "accepted": listed.accepted}


def _daily(campaign: Any) -> dict[str, str] | None:
    if campaign.daily_from is None:
        return None
    return {
        "from": campaign.daily_from.isoformat(),
        "to": campaign.daily_to.isoformat(),
        "zone": campaign.daily_zone,
    }


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
