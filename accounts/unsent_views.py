"""What somebody had typed, given back once they have signed in again."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import form_labels, unsent
from accounts.access import signed_in, writes_nothing
from accounts.requests import PageRequest


@never_cache
@require_http_methods(["GET", "POST"])
@signed_in
@writes_nothing
def show(request: PageRequest, handle: str) -> HttpResponse:
    """With a button that sends it where it was sent to, under a new token; and one that does not."""
    form = unsent.find(handle, by=request.user, now=timezone.now())
    if form is None:
        messages.info(request, _("Nothing waits here to be sent."))
        return redirect("/")
    said = form_labels.said(request, form) if request.method == "GET" else None
    # It is declined; or nothing but a button was pressed, which is there again.
    if said is None or not (said.fields or form.files or form.secrets):
        unsent.drop(handle, by=request.user)
        return redirect(form.page)
    to = f"{form.path}{'&' if '?' in form.path else '?'}{urlencode({unsent.PARAMETER: handle})}"
    return render(request, "accounts/unsent.html", {"form": form, "said": said, "to": to})
