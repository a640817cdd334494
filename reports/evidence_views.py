"""The public key of this installation's evidence: for anybody, as whoever checks a bundle has no account here."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from reports import bundle


@require_GET
def key(request: HttpRequest) -> JsonResponse:
    public = bundle.public_text(bundle.private_key(settings.EVIDENCE_KEY))
    return JsonResponse(
        {"algorithm": "Ed25519", "id": bundle.key_id(public), "public": public, "pem": bundle.public_pem(public)}
    )


@require_GET
def key_pem(request: HttpRequest) -> HttpResponse:
    """As openssl reads it."""
    public = bundle.public_text(bundle.private_key(settings.EVIDENCE_KEY))
    return HttpResponse(bundle.public_pem(public), content_type="application/x-pem-file")
