"""What the OpenAPI document says beyond the views: how to authenticate, and the envelope of every error."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

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


class Scoped(AutoSchema):
    """Says of each call which scope a key needs for it, and for whole numbers in it."""

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


def document_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook: every operation may answer the error envelope."""
    result["components"]["schemas"]["Error"] = ERROR
    answer = {
        "description": "An error.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["default"] = answer
    return result
