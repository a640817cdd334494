"""The pages by which somebody comes in and goes; the desk's lead here, too."""

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import lock_outs, visits
from accounts.access import writes_nothing
from accounts.forms import SignInForm


class SignIn(LoginView):
    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        visits.begin(self.request, form.get_user())
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        is_shut = form.has_error("__all__", code=lock_outs.SHUT)
        answer = self.render_to_response(self.get_context_data(form=form), status=429 if is_shut else 400)
        if is_shut:
            answer.headers["Retry-After"] = str(int(settings.LOCK_OUT.total_seconds()))
        return answer


@require_POST
@never_cache
@writes_nothing
def sign_out(request: HttpRequest) -> HttpResponse:
    visits.end(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)
