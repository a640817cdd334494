"""The register of test phones on a page: everybody may look, an admin of the workspace fills it."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from recipients import trial_phones, unmasking
from recipients.models import TrialPhone
from recipients.trial_phone_forms import TrialPhoneForm


@require_GET
@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return _show(request, TrialPhoneForm())


@require_POST
@requires(Permission.MANAGE)
def add(request: PageRequest) -> HttpResponse:
    form = TrialPhoneForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            added = trial_phones.add(request.workspace, **form.cleaned_data, by=request.user)
            messages.success(request, _("%(number)s is a test phone now.") % {"number": added})
            return redirect("recipients:trial_phones")
    return _show(request, form)


@require_POST
@requires(Permission.MANAGE)
def remove(request: PageRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(TrialPhone.objects.of(request.workspace), pk=pk)
    trial_phones.remove(row.pk, by=request.user)
    messages.success(request, _("%(number)s is no test phone any more.") % {"number": row})
    return redirect("recipients:trial_phones")


def _show(request: PageRequest, form: TrialPhoneForm) -> HttpResponse:
    context = {
        "form": form,
        "phones": TrialPhone.objects.of(request.workspace).select_related("added_by").in_order(),
        "most": trial_phones.MOST,
        "a_day": settings.TRIALS_PER_DAY,
        "may_manage": Permission.MANAGE in request.permissions,
        "shown_until": unmasking.shown_until(request, request.workspace, of="test-phones"),
        "here": "members",
    }
    return render(request, "recipients/trial_phones.html", context, status=400 if form.is_bound else 200)
