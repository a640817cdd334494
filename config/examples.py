"""An example of each body and answer in the description of the API, from its schema and a table of likely values."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

# Bodies whose fields exclude each other, or that say more as a whole.
BODIES: dict[str, Any] = {
    "CampaignInputRequest": {
        "name": "Spring sale",
        "mode": "scheduled",
        "text": "Dear {name|friend}, everything at half price. STOP to end.",
        "sender": 3,
        "list": 12,
        "send_at": "2027-03-01T09:00:00+01:00",
        "not_after": "2027-03-01T20:00:00+01:00",
    },
    "PatchedCampaignInputRequest": {"name": "Spring sale, first wave", "send_at": "2027-03-01T10:00:00+01:00"},
    "ExportInputRequest": {"format": "csv.gz", "columns": ["to", "status", "done_at"], "numbers": "masked"},
    "StandingExportInputRequest": {"format": "parquet", "numbers": "masked", "hours_after_end": 24},
    "ListInputRequest": {"name": "Spring", "filename": "people.csv", "country": "NL", "column": "number"},
    "ImportInputRequest": {"filename": "do-not-send.csv", "country": "NL", "reason": "The register of March"},
    "PushInputRequest": {"to": "+31612345678", "params": {"code": "4711"}, "key": "order 9"},
    "TrialInputRequest": {"to": ["+31612345678"], "params": {"name": "Ann"}},
    "InvitationInputRequest": {"email": "bob@example.com", "role": "author", "is_moderator": False},
    "RevisionInputRequest": {"saddr": "SHOP", "reason": "The name of our shop."},
    "TotalsOutput": {
        **{"rows": 104, "invalid": 2, "duplicate": 1, "suppressed": 1, "accepted": 100, "delivered": 95, "failed": 3},
        **{"pending": 2, "no_receipt": 0, "expired": 0, "cancelled": 0, "uncertain": 0, "waiting": 0},
    },
    "ListTotals": {"rows": 104, "accepted": 100, "invalid": 2, "duplicate": 1, "suppressed": 1},
}

# By the name of a field, or of one in one schema.
VALUES: dict[str, Any] = {
    "id": 17,
    "name": "Spring sale",
    "to": "+31612345678",
    "text": "Dear {name|friend}, everything at half price. STOP to end.",
    "InboundOutput.text": "STOP",
    "message": "There is no such number.",
    "reason": "A typo.",
    "RejectedOutput.reason": "There is no such number.",
    "sender": 3,
    "list": 12,
    "channel": 1,
    "InboundOutput.channel": "main",
    "IncidentOutput.channel": "main",
    "route": None,
    "revision": 1,
    "placeholders": ["name"],
    "encoding": "gsm7",
    "parts": 1,
    "parts_per_second": None,
    "daily_from": "09:00",
    "daily_to": "20:00",
    "created_by": "ann@example.com",
    "added_by": "ann@example.com",
    "asked_by": "ann@example.com",
    "kept_by": "ann@example.com",
    "submitted_by": "ann@example.com",
    "decided_by": "mo@example.com",
    "by": "mo@example.com",
    "invited_by": "ann@example.com",
    "PersonOutput.name": "Ann",
    "email": "ann@example.com",
    "archived_at": None,
    "finished_at": None,
    "rejection_reason": "",
    "stopped_because": "",
    "failure": "",
    "filename": "people.csv",
    "country": "NL",
    "column": "number",
    "columns": ["name"],
    "ExportInputRequest.columns": ["to", "status", "done_at"],
    "ExportOutput.columns": ["to", "status", "done_at"],
    "StandingExportOutput.columns": ["to", "status", "done_at"],
    "StandingExportInputRequest.columns": ["to", "status", "done_at"],
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "seal": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "previous_hash": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    "known_as": "9f86d081884c",
    "progress": 100,
    "percent": 100,
    "rows": 104,
    "ExportOutput.rows": 100,
    "bytes": 4096,
    "url": "https://sms.example.com/api/v1/exports/17/file/",
    "WebhookInputRequest.url": "https://shop.example.com/hooks",
    "PatchedChangeWebhookInputRequest.url": "https://shop.example.com/hooks",
    "WebhookOutput.url": "https://shop.example.com/hooks",
    "NewWebhookOutput.url": "https://shop.example.com/hooks",
    "upload_url": "https://sms.example.com/api/v1/lists/17/file/",
    "campaigns_url": "https://sms.example.com/api/v1/campaigns/?list=17",
    "next": "https://sms.example.com/api/v1/campaigns/?cursor=MTc%3D",
    "description": "The shop",
    "events": ["campaign.done", "messages.settled"],
    "disabled": "",
    "failing_since": None,
    "old_secret_until": None,
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "webhook_id": "msg_0f6c2a5b8d9e4c31a7b2c3d4e5f60718",
    "event": "campaign.done",
    "payload": {"type": "webhook.test", "timestamp": "2027-03-01T09:00:00.000000Z", "data": {}},
    "AttemptOutput.status": 204,
    "answer": "",
    "InquiryOutput.answer": {"number": "+31612345678", "messages": [], "lists": [], "suppressions": []},
    "trouble": "",
    "milliseconds": 84,
    "saddr": "SHOP",
    "ton": 5,
    "npi": 0,
    "number": 1,
    "decision_reason": "",
    "keyword": "STOP",
    "code": "034",
    "ErrorOutput.name": "UNDELIV",
    "ErrorOutput.text": "The carrier could not deliver it.",
    "ReasonOutput.name": "UNDELIV",
    "ReasonOutput.text": "The carrier could not deliver it.",
    "ProblemOutput.code": "bad_number",
    "ProblemOutput.fields": {"to": ["There is no such number."]},
    "key": "order 9",
    "StatisticsRow.key": "2027-03-01",
    "StatisticsRow.name": "2027-03-01",
    "params": {"code": "4711"},
    "terms": {"delivered": 95, "failed": 3, "pending": 2},
    "messages": 100,
    "share": 0.03,
    "rate": 69.4,
    "balanced": True,
    "ChannelOutput.name": "main",
    "RouteOutput.name": "Netherlands",
    "SenderOutput.name": "Shop",
    "SenderInputRequest.name": "Shop",
    "KeyOutput.name": "The shop",
    "KeyOutput.user": None,
    "prefix": "mc_3kTq",
    "tps": 100,
    "weight": 1,
    "accepted_is_delivered": False,
    "layout": "one number per line, with a header",
    "breakdown": {},
    "action": "campaign.approved",
    "actor": "mo@example.com",
    "address": "203.0.113.7",
    "request_id": "6f0b6b54f4b54fb2a1a4d2cf",
    "via": "api",
    "before": {"status": "in_review"},
    "after": {"status": "approved"},
    "note": "",
    "SubjectOutput.type": "campaign",
    "EntryOutput.role": "moderator",
    "seq": 4711,
    "sample": "The carrier answered ESME_RTHROTTLED.",
    "words": ["STOP", "UIT"],
    "destinations": ["+31", "+32"],
    "parts_per_day": 100_000,
    "parts_per_month": 1_000_000,
    "spent_today": 1200,
    "spent_this_month": 34_000,
    "second_approver_above": 1_000_000,
    "approval_days": 30,
    "hours_after_end": 24,
    "StandingExportOutput.daily_at": None,
}
FORMATS = {
    "date-time": "2027-03-01T09:00:00+01:00",
    "date": "2027-03-01",
    "email": "ann@example.com",
    "uri": "https://sms.example.com/api/v1/",
    "uuid": "0f6c2a5b-8d9e-4c31-a7b2-c3d4e5f60718",
}
PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 0.5, "boolean": True, "object": {}, "null": None}


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook."""
    schemas = result["components"]["schemas"]
    for path in result["paths"].values():
        for operation in path.values():
            answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            for part in (operation.get("requestBody", {}), *answers):
                if media := part.get("content", {}).get("application/json"):
                    media["example"] = example_of(media["schema"], schemas)
    return result


def example_of(schema: Schema, schemas: Schema, *, of: str = "", name: str = "") -> Any:
    """`of` is the schema that has the field `name`."""
    if f"{of}.{name}" in VALUES:
        return VALUES[f"{of}.{name}"]
    if "$ref" in schema:
        of = schema["$ref"].rpartition("/")[2]
        return BODIES[of] if of in BODIES else example_of(schemas[of], schemas, of=of)
    if schema.get("type") == "array":
        return VALUES[name] if isinstance(VALUES.get(name), list) else [example_of(schema["items"], schemas)]
    if "properties" in schema:
        return {field: example_of(one, schemas, of=of, name=field) for field, one in schema["properties"].items()}
    return _of_a_value(schema, schemas, of=of, name=name)


def _of_a_value(schema: Schema, schemas: Schema, *, of: str, name: str) -> Any:
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    if "enum" in schema:
        return schema["enum"][0]
    if choices := schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf"):
        return example_of(choices[0], schemas, of=of, name=name)
    if name in VALUES and _is_one_of(VALUES[name], kinds):
        return VALUES[name]
    return FORMATS.get(schema.get("format", "")) or PLAIN[kinds[0] if kinds else "object"]


def _is_one_of(value: Any, kinds: list[str]) -> bool:
    known: dict[str, Any] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "object": dict,
        "array": list,
    }
    return any(value is None if kind == "null" else isinstance(value, known[kind]) for kind in kinds)
