"""Notes address and request id of each request for the log, the answer, and the entries that it causes."""

import re
import uuid
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from audit import circumstances

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
            circumstances.Circumstances(address=_address(request), request_id=request_id, via="page")
        )
        try:
            response = self.get_response(request)
        finally:
            circumstances.reset(token)
        response["X-Request-Id"] = request_id
        return response


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
