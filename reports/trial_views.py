"""A test send: the form and what became of the last ones, in a fragment that any page of the campaign may place."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns import trials as sending
from campaigns.models import Campaign
from campaigns.statuses import TRIED_IN
from recipients.models import TrialPhone
from reports import trials
from reports.trial_forms import TrialForm


@require_http_methods(["GET", "POST"])
def trial(request: PageRequest, pk: int) -> HttpResponseBase:
    return send(request, pk) if request.method == "POST" else show(request, pk)


@requires(Permission.VIEW)
def show(request: PageRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    return _show(request, campaign, _form(campaign))


@requires(Permission.WRITE)
def send(request: PageRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    form = _form(campaign, request)
    if form.is_valid():
        with refused_on(form):
            sending.send(campaign.pk, to=form.numbers, params=form.params, by=request.user, now=timezone.now())
            if _is_part(request):
                return _show(request, campaign, _form(campaign), is_sent=True)
            messages.success(request, _("The test is on its way."))
            return redirect("reports:trial", pk)
    # HTMX places no answer of 400.
    return _show(request, campaign, form, status=200 if _is_part(request) else 400)


@require_GET
@requires(Permission.VIEW)
def results(request: PageRequest, pk: int) -> HttpResponse:
    """Polls itself while something moves."""
    campaign = _campaign(request, pk)
    context = {"campaign": campaign, **_trials(campaign)}
    template = "reports/_trials.html" if _is_part(request) else "reports/page.html"
    return render(request, template, {**context, "fragment": "reports/_trials.html", "title": _("Test send")})


def _show(
    request: PageRequest, campaign: Campaign, form: TrialForm, *, status: int = 200, is_sent: bool = False
) -> HttpResponse:
    context = {
        "campaign": campaign,
        "form": form,
        "is_sent": is_sent,
        "is_on": settings.TRIALS_PER_DAY > 0,
        "most": sending.MOST,
        "left": sending.left(campaign.workspace_id),
        "a_day": settings.TRIALS_PER_DAY,
        **_trials(campaign),
        "may_try": campaign.status in TRIED_IN and Permission.WRITE in request.permissions,
        "may_manage": Permission.MANAGE in request.permissions,
        "fragment": "reports/_trial.html",
        "title": _("Test send"),
        "here": "campaigns",
    }
    template = "reports/_trial.html" if _is_part(request) else "reports/page.html"
    return render(request, template, context, status=status)


def _trials(campaign: Campaign) -> dict[str, Any]:
    shown = trials.of(campaign, now=timezone.now())
    return {"trials": shown, "is_moving": any(trial.is_moving for trial in shown)}


def _form(campaign: Campaign, request: PageRequest | None = None) -> TrialForm:
    phones = TrialPhone.objects.of(campaign.workspace_id).in_order()
    return TrialForm(request.POST if request else None, campaign=campaign, phones=phones)


def _is_part(request: PageRequest) -> bool:
    return "HX-Request" in request.headers


def _campaign(request: PageRequest, pk: int) -> Campaign:
    campaigns = Campaign.objects.of(request.workspace).select_related("workspace", "list", "revision")
    return get_object_or_404(campaigns, pk=pk)
