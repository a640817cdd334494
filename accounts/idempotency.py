"""`Idempotency-Key`: a POST that is sent again answers what it answered, and does nothing.

The stored answer commits together with what the call did, so a crash leaves both or neither.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from cryptography.fernet import MultiFernet
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import token_owner_of, workspace_of
from accounts.models import IdempotentCall, Workspace
from audit import keyed
from audit.refusal import Refused

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
MAX_LENGTH = 255

P = ParamSpec("P")
Handler = Callable[Concatenate[Any, Request, P], Response]

SECRET = "secret"  # the field of an answer that is said once: sealed while it is kept
_SALT = "accounts.idempotency"


def idempotent(handler: Handler[P]) -> Handler[P]:
    """For the POST of a view. Without a key it costs nothing."""

    @wraps(handler)
    def once(view: Any, request: Request, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        # A client of tus that can only POST says another method.
        if key is None or request.method != "POST":
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
                headers={name: value for name, value in response.items() if name != "Content-Type"},
                body=_sealed(json.loads(JSONRenderer().render(response.data))),
            )
            return response

    return cast(Handler[P], once)


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
    headers = {**earlier.headers, "Idempotent-Replayed": "true"}
    return Response(_opened(earlier.body), status=earlier.status, headers=headers)


def _fingerprints(request: Request) -> list[str]:
    """Of the call under today's key and the ones before it: without a key, whoever has the rows could try every number
    until one fits. What a token asks for is its person's call: two moderators who approve are two, whatever key their
    programs think of. Of headers only those of an upload say what is wanted."""
    said = {name: value for name, value in request.headers.items() if name.startswith("Upload-")}
    owner = token_owner_of(request)
    call = [request.method, request.path, request.data, *filter(None, [said, owner and {"by": owner.pk}])]
    return keyed.digests(_SALT, json.dumps(call, sort_keys=True))


def _sealed(body: Mapping[str, Any]) -> Mapping[str, Any]:
    if SECRET not in body:
        return body
    return {**body, SECRET: keyed.boxes(_SALT)[0].encrypt(body[SECRET].encode()).decode()}


def _opened(body: Mapping[str, Any]) -> Mapping[str, Any]:
    if SECRET not in body:
        return body
    return {**body, SECRET: MultiFernet(keyed.boxes(_SALT)).decrypt(body[SECRET]).decode()}
