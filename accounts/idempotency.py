"""`Idempotency-Key`: a creating call that is sent again answers what it answered, and creates nothing.

The stored answer commits together with what the call created, so a crash leaves both or neither.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.db import connection, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import workspace_of
from accounts.models import IdempotentCall, Workspace
from audit import keyed
from audit.refusal import Refused

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
MAX_LENGTH = 255

P = ParamSpec("P")
Handler = Callable[Concatenate[Any, Request, P], Response]

_documented = extend_schema(
    parameters=[
        OpenApiParameter(
            HEADER,
            str,
            OpenApiParameter.HEADER,
            description="Any text of yours, at most 255 characters. For a day, the same key with the same body answers "
            "the same and creates nothing; with another body it is refused (422).",
        )
    ]
)


def idempotent(handler: Handler[P]) -> Handler[P]:
    """For the method of an API view that creates something."""

    @wraps(handler)
    def once(view: Any, request: Request, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not key or len(key) > MAX_LENGTH or not key.isprintable():
            raise ValidationError({HEADER: [f"Write 1 to {MAX_LENGTH} printable characters."]})
        with transaction.atomic():
            workspace = workspace_of(request)
            _be_the_only_one(workspace, key)
            fingerprints = _fingerprints(request)
            if earlier := _find(workspace, key, now=timezone.now()):
                return _repeat(earlier, fingerprints)
            response = handler(view, request, *args, **kwargs)
            IdempotentCall.objects.create(
                workspace=workspace,
                key=key,
                fingerprint=fingerprints[0],
                status=response.status_code,
                body=json.loads(JSONRenderer().render(response.data)),
            )
            return response

    return cast(Handler[P], _documented(once))


def forget(*, now: datetime) -> None:
    IdempotentCall.objects.expired(now - KEPT).delete()


_FORGET = (
    "DELETE FROM accounts_idempotentcall WHERE workspace_id = %(workspace)s AND position(%(digits)s IN key) > 0",
    "UPDATE accounts_idempotentcall SET body = replace(body::text, %(digits)s, '')::jsonb"
    " WHERE workspace_id = %(workspace)s AND position(%(digits)s IN body::text) > 0",
)


@transaction.atomic
def forget_number(workspace: Workspace, phone: int) -> int:
    """An answer that is given again has nobody's number in it; a key that is one is forgotten."""
    changed = 0
    with connection.cursor() as cursor:
        for statement in _FORGET:
            cursor.execute(statement, {"workspace": workspace.pk, "digits": str(phone)})
            changed += cursor.rowcount
    return changed


def _be_the_only_one(workspace: Workspace, key: str) -> None:
    """Until the end of the transaction; raises Refused while another call holds the key."""
    name = hashlib.sha256(f"idempotency:{workspace.pk}:{key}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(name[:8], signed=True)])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise Refused("A call with this Idempotency-Key is still being answered.", code="idempotency_in_progress")


def _find(workspace: Workspace, key: str, *, now: datetime) -> IdempotentCall | None:
    calls = IdempotentCall.objects.of(workspace).filter(key=key)
    calls.expired(now - KEPT).delete()
    return calls.first()


def _repeat(earlier: IdempotentCall, fingerprints: list[str]) -> Response:
    if earlier.fingerprint not in fingerprints:
        raise Refused("This Idempotency-Key was used for another call.", code="idempotency_mismatch")
    return Response(earlier.body, status=earlier.status, headers={"Idempotent-Replayed": "true"})


def _fingerprints(request: Request) -> list[str]:
    """Of the call under today's key and the ones before it: without a key, whoever has the rows could try every number
    until one fits."""
    call = json.dumps([request.method, request.path, request.data], sort_keys=True)
    return keyed.digests("accounts.idempotency", call)
