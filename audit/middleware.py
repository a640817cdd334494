"""Notes address and request id of each request for the log, the answer, and the entries that it causes; and writes
the entries of which no verb knows: somebody was refused, somebody took a file along."""

import logging
import re
import uuid
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit import circumstances, denials
from audit.ledger import record
from objects.downloads import FromStore

logger = logging.getLogger(__name__)

# What a proxy gives; anything else could forge lines of a log.
SANE = re.compile(r"[A-Za-z0-9_-]{8,64}")


class CircumstancesMiddleware:
    """Around everything else. The role is added by whoever knows it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if SANE.fullmatch(given) else uuid.uuid4().hex
        token = circumstances.set_current(
            circumstances.Circumstances(address=_address(request), request_id=request_id, via="page", written=[])
        )
        try:
            response = self.get_response(request)
        finally:
            circumstances.reset(token)
        response["X-Request-Id"] = request_id
        return response


class LedgerMiddleware:
    """Where it is known who somebody is. A "no" is said whether or not it can be noted; no file leaves without its
    entry."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        response = self.get_response(request)
        if action := _refused(request, response.status_code):
            _note(action, request)
        elif _is_taken(response) and not circumstances.current().written:  # by a verb that has a word for it
            try:
                _record(request)
            except BaseException:
                response.close()
                raise
        return response


def _refused(request: Any, status: int) -> str | None:
    """Nobody is refused nothing: they are asked who they are. Only a key that opens nothing is noted without a name."""
    if status == 401 and "Authorization" in request.headers:
        return denials.KEY_REFUSED
    if status not in (403, 404) or not request.user.is_authenticated:
        return None
    if status == 403:
        return denials.DENIED
    return denials.PROBED if request.resolver_match else None


def _note(action: str, request: Any) -> None:
    by = request.user if request.user.is_authenticated else None
    workspace = _workspace_of(request) if by else None
    what = f"{request.method} {_name_of(request)}" if action == denials.DENIED else ""
    try:
        denials.note(action, chain=workspace.pk if workspace else 0, by=by, what=what, now=timezone.now())
    except DatabaseError:
        logger.exception("denial.unrecorded")


def _record(request: Any) -> None:
    ids = {name: value for name, value in request.resolver_match.kwargs.items() if isinstance(value, int)}
    with transaction.atomic():
        subject = _workspace_of(request) or request.user
        record("file.downloaded", subject, by=request.user, after={"what": _name_of(request), **ids})


def _is_taken(response: HttpResponse) -> bool:
    return isinstance(response, FromStore) or response.get("Content-Disposition", "").startswith("attachment")


def _workspace_of(request: Any) -> Any:
    """None on the desk, too: that is of the installation."""
    is_desk = request.resolver_match is not None and request.resolver_match.app_name == "admin"
    return None if is_desk else getattr(request, "workspace", None)


def _name_of(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else request.path


def _address(request: HttpRequest) -> str | None:
    """Of whoever calls. A proxy of ours says for whom it does, and each before it said so to the next: so they are
    read from the last one on, as far as they are ours. Nobody else is believed."""
    address = request.META.get("REMOTE_ADDR") or None
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    while address and hops and is_ours(address):
        told = hops.pop().strip()
        if not _is_address(told):
            break
        address = told
    return address


def is_ours(address: str) -> bool:
    """Whether it is one of our proxies."""
    return any(ip_address(address) in network for network in settings.TRUSTED_PROXIES)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone is no part of an address in the ledger
