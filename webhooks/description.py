"""Events in the description of the API, `webhooks:` of OpenAPI 3.1: what is posted, and which answers are expected."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, OpenApiWebhook, extend_schema

from campaigns.statuses import MOVES, Status
from webhooks import sending, shapes
from webhooks.statuses import OF_CAMPAIGNS, OF_EXPORTS, TEST, Event

# Of Standard Webhooks: what each says, and an example.
HEADERS = {
    "webhook-id": (
        "Of the delivery, the same at each attempt: whoever has seen it takes it and does nothing.",
        "msg_0f6c2a5b8d9e4c31a7b2c3d4e5f60718",
    ),
    "webhook-timestamp": (
        "Of the attempt, in seconds since 1970; refuse what is more than five minutes away.",
        "1803891600",
    ),
    "webhook-signature": (
        "`v1,` and the Base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`; several, with spaces "
        "between, while two secrets sign.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}
ANSWERS = {
    "2XX": OpenApiResponse(description=f"Taken. Answer within {sending.WITHIN:g} seconds, and work afterwards."),
    str(sending.GONE): OpenApiResponse(description="Nobody is there any more: the endpoint is switched off at once."),
    "default": OpenApiResponse(
        description="Anything else, a redirect as well, is tried again under the same `webhook-id` for a day."
    ),
}


def _posted(event: str, summary: Any) -> OpenApiWebhook:
    return OpenApiWebhook(
        name=event,
        decorator=extend_schema(
            operation_id=f"on_{event.replace('.', '_')}",
            summary=summary,
            tags=["webhooks"],
            request={"application/json": shapes.OF[event]},
            responses=ANSWERS,
        ),
    )


WEBHOOKS = [*(_posted(event.value, event.label) for event in Event), _posted(TEST, "Somebody tries the endpoint")]


def gather_shapes(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook, the first: drf-spectacular gathers the components before it looks at webhooks."""
    return {**result, "components": generator.registry.build({})}


def document_events(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook: each event has an example, the headers of Standard Webhooks, and no key of the API."""
    parameters = result["components"].setdefault("parameters", {})
    for name, (text, example) in HEADERS.items():
        schema = {"type": "string"}
        said = {"required": True, "description": text, "schema": schema, "example": example}
        parameters[name] = {"in": "header", "name": name, **said}
    for event, path in result["webhooks"].items():
        post = path["post"]
        post["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in HEADERS]
        post["security"] = []
        post["requestBody"]["content"]["application/json"]["example"] = example_of(event)
    return result


def example_of(event: str) -> dict[str, Any]:
    """As docs/webhooks.md shows it."""
    if event in OF_CAMPAIGNS:
        at, said = "01T09:00:00", _move(Status(event.removeprefix("campaign.")))
    elif event in OF_EXPORTS:
        at, said = "02T09:00:00", _export(is_ready=event == Event.EXPORT_READY)
    elif event == Event.MESSAGES:
        at, said = "01T09:00:05", {"campaign": CAMPAIGN, "messages": MESSAGES}
    elif event == Event.SUPPRESSIONS:
        at, said = "01T09:02:00", {"changes": CHANGES, "imports": IMPORTS}
    else:
        at, said = "01T09:00:00", {}
    return {"type": event, "timestamp": f"2027-03-{at}.000000Z", "data": said}


def _move(to: Status) -> dict[str, Any]:
    was = next(was for was in Status if to in MOVES[was])
    reason = "A typo." if to in (Status.PAUSED, Status.REJECTED, Status.CANCELLED) else ""
    return {"campaign": CAMPAIGN, "status": to.value, "previous_status": was.value, "reason": reason}


def _export(*, is_ready: bool) -> dict[str, Any]:
    file = FILE if is_ready else dict.fromkeys(FILE)
    reason = "" if is_ready else "It could not be written within a day."
    return {"campaign": CAMPAIGN, "export": {"id": 3, "format": "csv.gz", **file}, "reason": reason}


CAMPAIGN = {"id": 7, "name": "Spring sale"}
FILE = {
    "rows": 10_000_000,
    "bytes": 96_000_000,
    "kept_until": "2027-03-09T09:00:00+00:00",
    "url": "https://sms.example.com/api/v1/exports/3/file/",
}
MESSAGES = [
    {"id": "7-0", "status": "delivered", "error": None, "done_at": "2027-03-01T09:00:03.000000Z"},
    {
        "id": "7-1",
        "status": "failed",
        "error": {"code": "034", "name": "UNDELIV", "text": "The carrier could not deliver it."},
        "done_at": "2027-03-01T09:00:04.000000Z",
    },
]
CHANGES = [
    {
        "id": 17,
        "change": "added",
        "source": "opt_out",
        "reason": "The recipient asked for it.",
        "at": "2027-03-01T09:01:12.000000Z",
    },
    {
        "id": 12,
        "change": "removed",
        "source": "hand",
        "reason": "She wants them again.",
        "at": "2027-03-01T09:02:00.000000Z",
    },
]
IMPORTS = [{"id": 4, "added": 1200, "at": "2027-03-01T09:01:40.000000Z"}]
