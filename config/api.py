"""How the API says no: one envelope for every error."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from audit.refusal import Refused
from config import troubles

NOT_FOUND = "There is nothing here, or it is not yours."
# A refusal is a conflict with the state of things, 409, but for those that are about the call itself.
STATUS_OF_REFUSAL = {
    "too_large": status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    "length_missing": status.HTTP_411_LENGTH_REQUIRED,
    "incomplete": status.HTTP_400_BAD_REQUEST,
    "empty": status.HTTP_400_BAD_REQUEST,
    "bad_number": status.HTTP_400_BAD_REQUEST,
    "wrong_type": status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    "storage_full": status.HTTP_507_INSUFFICIENT_STORAGE,
    "storage_away": status.HTTP_503_SERVICE_UNAVAILABLE,
    "changed_since_read": status.HTTP_412_PRECONDITION_FAILED,
    # Of resumable uploads: tus 1.0 gives each its number.
    "gone": status.HTTP_410_GONE,
    "busy": status.HTTP_423_LOCKED,
    "wrong_version": status.HTTP_412_PRECONDITION_FAILED,
    "checksum_mismatch": 460,
    "file_mismatch": 460,
    "idempotency_mismatch": status.HTTP_422_UNPROCESSABLE_ENTITY,
    # Of messages that are pushed into a trigger campaign.
    "key_mismatch": status.HTTP_422_UNPROCESSABLE_ENTITY,
    "text_differs": status.HTTP_422_UNPROCESSABLE_ENTITY,
    "unknown_param": status.HTTP_422_UNPROCESSABLE_ENTITY,
    "param_missing": status.HTTP_422_UNPROCESSABLE_ENTITY,
    "expired": status.HTTP_422_UNPROCESSABLE_ENTITY,
    "too_many_waiting": status.HTTP_429_TOO_MANY_REQUESTS,
    "too_many_inquiries": status.HTTP_429_TOO_MANY_REQUESTS,
}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """`{"error": {"code", "message", "fields"?}}`; None for a bug, which is logged and answered by `config.errors`."""
    match error:
        case Refused():
            fields = {error.field: [error.message]} if error.field else None
            code = STATUS_OF_REFUSAL.get(error.code, status.HTTP_409_CONFLICT)
            return _with_patience(_answer(code, error.code, error.message, fields=fields), error.retry_after)
        case exceptions.ValidationError():
            fields = _flat(error.detail)
            name, texts = next(iter(fields.items()))
            message = texts[0] if name == "body" else f"{name}: {texts[0]}"
            return _answer(status.HTTP_400_BAD_REQUEST, "invalid", message, fields=fields)
        case Http404() | exceptions.NotFound():
            return _answer(status.HTTP_404_NOT_FOUND, "not_found", NOT_FOUND)
        case PermissionDenied():
            return _answer(status.HTTP_403_FORBIDDEN, "permission_denied", str(error) or "You may not do this.")
        case RequestDataTooBig():
            message = f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes."
            return _answer(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "too_large", message)
        case exceptions.APIException():
            return _api_exception(error)
    if trouble := troubles.said(error) or troubles.of_database(error):
        return _with_patience(_answer(trouble.status, trouble.code, trouble.message), trouble.retry_after)
    return None


def _api_exception(error: exceptions.APIException) -> Response:
    codes, detail = error.get_codes(), error.detail
    answer = _answer(error.status_code, codes if isinstance(codes, str) else error.default_code, str(detail))
    if header := getattr(error, "auth_header", None):
        answer.headers["WWW-Authenticate"] = header
    wait = getattr(error, "wait", None)
    return _with_patience(answer, int(wait) + 1 if wait else None)


def _with_patience(answer: Response, seconds: int | None) -> Response:
    if seconds:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _answer(
    status_code: int, code: str, message: str, *, fields: Mapping[str, Sequence[str]] | None = None
) -> Response:
    return Response(envelope(code, message, fields=fields), status=status_code)


def envelope(code: str, message: str, *, fields: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **({"fields": fields} if fields else {})}}


def _flat(detail: Any, name: str = "") -> dict[str, list[str]]:
    """A validation error's texts by the dotted name of their field; what is about the whole is about the `body`."""
    if isinstance(detail, Mapping):
        flat: dict[str, list[str]] = {}
        for key, inner in detail.items():
            part = "body" if key == "non_field_errors" else str(key)
            flat |= _flat(inner, f"{name}.{part}" if name else part)
        return flat
    if isinstance(detail, list) and any(isinstance(item, Mapping | list) for item in detail):
        return _flat({str(number): item for number, item in enumerate(detail) if item}, name)
    return {name or "body": [str(text) for text in (detail if isinstance(detail, list) else [detail])]}
