"""What the OpenAPI document says beyond the views: how to authenticate, what each call is, and how it may say no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import SAFE_METHODS

from accounts import idempotency
from accounts.resources import Kept, Verb
from config.api import NOT_FOUND, envelope
from config.operations import SUMMARIES, TAGS

NUMBERS = "Numbers are whole for a key with the scope `numbers` whose role may see them, and masked for others."
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "For programs: wrong_status, four_eyes, invalid, …"},
                "message": {"type": "string", "description": "For people."},
                "fields": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                    "description": "What is wrong with each field, for the code `invalid`.",
                },
            },
        }
    },
}


ONCE = OpenApiParameter(
    idempotency.HEADER,
    str,
    OpenApiParameter.HEADER,
    description=f"Any text of yours, at most {idempotency.MAX_LENGTH} characters. For a day, the same key with the "
    "same body answers the same and does nothing; with another body it is refused (422).",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The last `ETag`: 304 when nothing moved."
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="An `ETag` of it: 412, and nothing done, when people have changed it since.",
)
MADE = {"revisions", "exports", "messages", "trials"}  # of something, and made by POST: no verbs


class Scoped(AutoSchema):
    """Says of each call what it does, which scope a key needs for it, and for whole numbers in it."""

    def get_operation_id(self) -> str:
        """`campaigns_pause`, not `campaigns_pause_create`."""
        name: str = super().get_operation_id()
        before, _, last = self.path.strip("/").rpartition("/")
        is_verb = self.method == "POST" and before.endswith("}") and last not in MADE
        return name.removesuffix("_create") if is_verb else name

    def get_override_parameters(self) -> list[OpenApiParameter]:  # type: ignore[override]
        if self.method == "POST":
            return [ONCE, IF_MATCH] if isinstance(self.view, Verb) else [ONCE]
        if isinstance(self.view, Kept):
            return [IF_NONE_MATCH if self.method in SAFE_METHODS else IF_MATCH]
        return []

    def get_summary(self) -> str:
        return SUMMARIES[self.get_operation_id()]

    def get_description(self) -> str:  # type: ignore[override]
        scope = getattr(self.view, "reads" if self.method in SAFE_METHODS else "writes", None)
        needs = f"A key needs the scope `{scope}`." if scope else ""
        numbers = NUMBERS if getattr(self.view, "names_numbers", False) else ""
        return "\n\n".join(text for text in (super().get_description(), needs, numbers) if text)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A workspace's key, or a personal token."}


class PageScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.PageAuthentication"
    name = "page"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "For our own pages: a session, with X-CSRFToken and X-Workspace. Programs use a key.",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """One of the ways in which a call is answered no."""

    name: str
    when: str
    code: str
    message: str
    fields: Mapping[str, Sequence[str]] | None = None
    headers: Sequence[str] = ()

    @property
    def documented(self) -> dict[str, Any]:
        example = envelope(self.code, self.message, fields=self.fields)
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}, "example": example}}
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in self.headers}
        return {"description": self.when, "content": content} | ({"headers": headers} if headers else {})


LIMITED = ("RateLimit", "RateLimit-Policy")
HEADERS = {
    "RateLimit": 'How many calls are left on the line that has the fewest: `"key";r=11999;t=1`.',
    "RateLimit-Policy": 'Of how many in how many seconds: `"key";q=12000;w=60`.',
    "Retry-After": "Seconds to wait.",
    "WWW-Authenticate": "Which kind of key is asked for.",
    "ETag": "Names what was answered: for `If-Match` and `If-None-Match`.",
    "Idempotent-Replayed": "`true`: this was answered before, and nothing was done again.",
}
NOS = {
    400: No(
        name="Invalid",
        when="Something is wrong with the call; `fields` says what.",
        code="invalid",
        message="name: This field is required.",
        fields={"name": ["This field is required."]},
    ),
    401: No(
        name="Unknown",
        when="No key, or one that is none.",
        code="authentication_failed",
        message="This API key is unknown, revoked or out of date.",
        headers=["WWW-Authenticate", *LIMITED],
    ),
    403: No(
        name="NotAllowed",
        when="The key or its person may not do this.",
        code="permission_denied",
        message="You may not do this.",
    ),
    404: No(
        name="NotFound",
        when="There is nothing there, or it is another workspace's.",
        code="not_found",
        message=NOT_FOUND,
    ),
    406: No(
        name="OtherForm",
        when="`Accept` names no form that this is answered in.",
        code="not_acceptable",
        message="Could not satisfy the request Accept header.",
    ),
    409: No(
        name="Conflict",
        when="It cannot be done as things stand: `wrong_status`, `four_eyes`, `idempotency_in_progress`, …",
        code="wrong_status",
        message="“Spring sale” is done.",
    ),
    412: No(
        name="Changed",
        when="It has changed since the `ETag` of `If-Match` was read; nothing was done.",
        code="changed_since_read",
        message="It has changed since you read it: read it again.",
    ),
    413: No(
        name="TooLarge",
        when="The body is larger than what is taken here; the limit is in the message.",
        code="too_large",
        message="The body is larger than 2,621,440 bytes.",
    ),
    415: No(
        name="WrongType",
        when="The body is of a kind that is not taken here.",
        code="unsupported_media_type",
        message='Unsupported media type "text/plain" in request.',
    ),
    422: No(
        name="OtherCall",
        when="The call is understood and cannot be: this `Idempotency-Key` belonged to another one, a text differs.",
        code="idempotency_mismatch",
        message="This Idempotency-Key was used for another call.",
    ),
    429: No(
        name="TooMany",
        when="Too many calls; nothing was done.",
        code="throttled",
        message="Too many calls with this key. Expected available in 3 seconds.",
        headers=["Retry-After", *LIMITED],
    ),
    503: No(
        name="Away",
        when="A store is away for a moment: the same call again, later, with the same `Idempotency-Key`.",
        code="database_unavailable",
        message="The database cannot be used at the moment. Try again in a while.",
        headers=["Retry-After"],
    ),
}
OTHERWISE = No(
    name="Otherwise",
    when="Any other error looks the same; 500 is a fault of ours.",
    code="internal_error",
    message="Something broke on our side; the operators have been told.",
)


def document_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook: every operation names the ways in which it may say no."""
    parts = result["components"]
    parts["schemas"]["Error"] = ERROR
    parts["headers"] = {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()}
    parts["responses"] = {no.name: no.documented for no in [*NOS.values(), OTHERWISE]}
    for address, path in result["paths"].items():
        for method, operation in path.items():
            _document(operation, method=method, has_id="{" in address)
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    return result


def _document(operation: dict[str, Any], *, method: str, has_id: bool) -> None:
    given = {parameter["name"] for parameter in operation.get("parameters", ())}
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer["headers"] = {**answer.get("headers", {}), **_headers(given)}
    for status in sorted(_possible(method, given, has_id=has_id, has_body="requestBody" in operation)):
        operation["responses"].setdefault(str(status), _reference("responses", NOS[status].name))
    if "If-None-Match" in given:
        operation["responses"].setdefault("304", {"description": "As you have it."})
    operation["responses"]["default"] = _reference("responses", OTHERWISE.name)


def _possible(method: str, given: set[str], *, has_id: bool, has_body: bool) -> set[int]:
    found = {401, 403, 406, 429, 503}
    found |= {404} if has_id else set()
    found |= {400, 413, 415} if has_body else {400} if given - {"id"} else set()
    found |= {409} if method != "get" else set()
    found |= {412} if "If-Match" in given else set()
    found |= {422} if "Idempotency-Key" in given else set()
    return found


def _headers(given: set[str]) -> dict[str, Any]:
    names = [*LIMITED]
    names += ["ETag"] if given & {"If-Match", "If-None-Match"} else []
    names += ["Idempotent-Replayed"] if "Idempotency-Key" in given else []
    return {name: _reference("headers", name) for name in names}


def _reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
