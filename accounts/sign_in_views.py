"""The pages by which somebody comes in and goes; the desk's lead here, too."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import lock_outs, sessions, single_sign_on, visits
from accounts.access import signed_in, writes_nothing
from accounts.forms import SignInForm
from accounts.requests import PageRequest


class SignIn(LoginView):
    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        other_way = (
            {"other_way": settings.OIDC_NAME, "is_only_way": settings.OIDC_ONLY} if single_sign_on.is_on() else {}
        )
        return super().get_context_data(**kwargs) | other_way

    def form_valid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        visits.begin(self.request, form.get_user(), way="password")
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        answer = self.render_to_response(self.get_context_data(form=form), status=400)
        return told_to_wait(answer) if form.has_error("__all__", code=lock_outs.SHUT) else answer


def told_to_wait(answer: HttpResponse) -> HttpResponse:
    answer.status_code = 429
    answer.headers["Retry-After"] = str(int(settings.LOCK_OUT.total_seconds()))
    return answer


@require_POST
@never_cache
@writes_nothing
def sign_out(request: HttpRequest) -> HttpResponse:
    visits.end(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@require_POST
@signed_in
@writes_nothing
def end_one(request: PageRequest, handle: str) -> HttpResponse:
    if not sessions.end(handle, by=request.user):
        raise Http404
    messages.success(request, _("That browser is signed out."))
    return redirect("profile")


@require_POST
@signed_in
@writes_nothing
def end_all(request: PageRequest) -> HttpResponse:
    """This browser, too."""
    sessions.end_all(request.user, by=request.user)
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)
