"""`/metrics`, for whoever has the token or calls from a network that is allowed; for nobody else is it there."""

from ipaddress import ip_address
from secrets import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from audit import circumstances, walls
from metrics import exposition

# What a proxy of which we know nothing may add: its own address says nothing of who calls.
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")


@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    if not (_has_token(request) or _is_near(request)):
        raise Http404
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    with walls.everything():
        told = encode(exposition.registry(now=timezone.now()))
    return HttpResponse(told, content_type=content_type)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    token: str = settings.METRICS_TOKEN
    return bool(token) and scheme.lower() == "bearer" and compare_digest(given.encode(), token.encode())


def _is_near(request: HttpRequest) -> bool:
    """The address of whoever calls, which a trusted proxy tells; behind another proxy everybody would be near."""
    address = circumstances.current().address
    is_told = address != request.META.get("REMOTE_ADDR")
    if not address or (not is_told and any(name in request.headers for name in FORWARDED)):
        return False
    return any(ip_address(address) in network for network in settings.METRICS_NETWORKS)
