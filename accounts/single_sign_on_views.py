"""Signing in at an identity provider and coming back: allauth speaks OpenID Connect, we decide who it is.

None of allauth's pages is routed, none of its tables is written.
"""

import logging
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

import jwt
import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.adapter import get_adapter as connections
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import single_sign_on, visits
from accounts.single_sign_on import Claims
from audit.refusal import Refused

logger = logging.getLogger(__name__)

BEGUN = "single_sign_on"  # in the session: the nonce, and where to go then
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]  # none by a secret
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]
PLACES = ("authorization_endpoint", "token_endpoint", "jwks_uri")
LEEWAY = 60  # seconds that their clock may be off


class Untrusted(OAuth2Error):  # type: ignore[misc]
    """What the provider said is not believed; the text says why, to whoever tried to sign in."""


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """What allauth asks of us: the provider of the settings, and what to show when it will not go on."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        return SocialApp(
            provider=OpenIDConnectProvider.id,
            provider_id=OpenIDConnectProvider.id,
            name=settings.OIDC_NAME,
            client_id=settings.OIDC_CLIENT_ID,
            secret=settings.OIDC_CLIENT_SECRET,
            settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True},
        )

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        raise ImmediateHttpResponse(_refused(request, _why(error, exception), status=403))


class _Provider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """As allauth's, which believes what comes by the code: here a token is checked as if a stranger had brought it."""

    def get_provider(self) -> OpenIDConnectProvider:
        adapter = connections(self.request)
        return _Redirecting(request=self.request, app=adapter.get_app(self.request, self.provider_id))

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_openid_config"):
            said = _fetch(f"{settings.OIDC_ISSUER}/.well-known/openid-configuration")
            if str(said.get("issuer")).rstrip("/") != settings.OIDC_ISSUER:
                raise Untrusted(_("It says that it is another provider than the one that is trusted here."))
            if not all(isinstance(said.get(name), str) for name in PLACES):
                raise Untrusted(_("It cannot be reached, or does not say what it should."))
            self._openid_config = said
        return self._openid_config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return f"{settings.PUBLIC_URL}{reverse('single_sign_on_callback')}"

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> None:
        claims = self._check(str(kwargs["response"].get("id_token")), nonce=request.session.get(BEGUN, {}).get("nonce"))
        if "email" not in claims and "userinfo_endpoint" in self.openid_config:
            said = _fetch(self.profile_url, token=token.token)
            if said.get("sub") != claims["sub"]:
                raise Untrusted(_("It spoke of two people at once."))
            claims = {**said, **claims}
        # allauth would go on to its own accounts.
        raise ImmediateHttpResponse(_enter(request, claims))

    def _check(self, id_token: str, *, nonce: str | None) -> dict[str, Any]:
        try:
            keys = jwt.PyJWKSet.from_dict(_fetch(self.openid_config["jwks_uri"]))
            key = keys[jwt.get_unverified_header(id_token).get("kid", "")]
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                algorithms=ALGORITHMS,
                audience=settings.OIDC_CLIENT_ID,
                issuer=self.openid_config["issuer"],
                leeway=LEEWAY,
                options={"require": REQUIRED},
            )
        except jwt.ExpiredSignatureError as error:
            raise Untrusted(_("What it said is out of date. Is the clock of one of the servers wrong?")) from error
        except jwt.InvalidAudienceError as error:
            raise Untrusted(_("What it said was meant for another application.")) from error
        except jwt.InvalidIssuerError as error:
            raise Untrusted(_("It says that it is another provider than the one that is trusted here.")) from error
        except (jwt.PyJWTError, KeyError) as error:
            raise Untrusted(_("What it said is not signed as it should be.")) from error
        if not nonce or not secrets.compare_digest(str(claims["nonce"]), nonce):
            raise Untrusted(_("What it said was meant for another sign-in."))
        if claims.get("azp", settings.OIDC_CLIENT_ID) != settings.OIDC_CLIENT_ID:
            raise Untrusted(_("What it said was meant for another application."))
        return claims


class _Redirecting(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = _Provider


def when_on(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Without an issuer there is nothing at this address; and what a provider does wrong is said on a page."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not single_sign_on.is_on():
            raise Http404
        try:
            return view(request)
        except OAuth2Error as error:  # before allauth had begun to look
            return _refused(request, _why(None, error), status=502)

    return guarded


@require_GET
@never_cache
@when_on
def begin(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    nonce = request.session.get(BEGUN, {}).get("nonce") or secrets.token_urlsafe(32)
    request.session[BEGUN] = {"nonce": nonce, "next": wanted if ours else settings.LOGIN_REDIRECT_URL}
    provider = _Provider(request, OpenIDConnectProvider.id).get_provider()
    answer: HttpResponse = provider.redirect(request, process="login", auth_params={"nonce": nonce})
    return answer


@require_GET
@never_cache
@when_on
def callback(request: HttpRequest) -> HttpResponse:
    view = OAuth2CallbackView.adapter_view(_Provider(request, OpenIDConnectProvider.id))
    answer: HttpResponse = view(request)
    return answer


def _enter(request: HttpRequest, claims: dict[str, Any]) -> HttpResponse:
    who = Claims(
        subject=str(claims["sub"]),
        email=str(claims.get("email") or ""),
        is_verified=claims.get("email_verified") in {True, "true"},
        name=str(claims.get("name") or ""),
    )
    wanted = request.session[BEGUN]["next"]
    try:
        person = single_sign_on.find(who, now=timezone.now())
    except Refused as refusal:  # the page they left is the provider's: there is none of ours to say it on
        return _refused(request, refusal.message, status=403)
    visits.begin(request, person, way=single_sign_on.WAY)
    request.session.pop(BEGUN, None)
    return redirect(wanted)


def _fetch(url: str, *, token: str = "") -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with connections().get_requests_session() as session:
            answer = session.get(url, headers=headers)
            answer.raise_for_status()
            said = answer.json()
    except requests.RequestException as error:
        raise Untrusted(_("It cannot be reached, or does not say what it should.")) from error
    if not isinstance(said, dict):
        raise Untrusted(_("It cannot be reached, or does not say what it should."))
    return said


def _why(error: Any, exception: Any) -> str:
    if isinstance(exception, Untrusted):
        return str(exception)
    if exception is not None:
        return _("It cannot be reached, or does not say what it should.")
    if error == AuthError.CANCELLED:
        return _("You did not sign in there.")
    return _("This sign-in was not begun in this browser, or too long ago. Begin anew.")


def _refused(request: HttpRequest, why: str, *, status: int) -> HttpResponse:
    logger.warning("single_sign_on.refused", extra={"status": status})
    context = {"why": why, "name": settings.OIDC_NAME}
    return render(request, "accounts/single_sign_on_refused.html", context, status=status)
