"""The public keys of this installation's evidence: for anybody, as whoever checks a bundle has no account here."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from reports import bundle, signing_keys


@require_GET
def key(request: HttpRequest) -> JsonResponse:
    """That of today, and those which signed before it."""
    today, *earlier = [_said(public) for public in signing_keys.public().values()]
    return JsonResponse({**today, "earlier": earlier})


@require_GET
def key_pem(request: HttpRequest) -> HttpResponse:
    """As openssl reads it: the one of the name that `key` gives, or that of today."""
    known = signing_keys.public()
    public = known.get(request.GET.get("key") or next(iter(known)))
    if public is None:
        raise Http404
    return HttpResponse(bundle.public_pem(public), content_type="application/x-pem-file")


def _said(public: str) -> dict[str, str]:
    return {
        "algorithm": "Ed25519",
        "id": bundle.key_id(public),
        "public": public,
        "pem": bundle.public_pem(public),
    }
