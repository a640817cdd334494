"""Senders on pages: registered, revised, and what was decided on each revision."""

from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from senders import transitions
from senders.forms import RevisionForm, SenderForm
from senders.models import Revision, Sender
from senders.revisions import history_of
from senders.statuses import SENDER_MOVES, RevisionStatus, SenderStatus

PAGE = 25


def _senders(request: PageRequest) -> QuerySet[Sender]:
    revisions = Revision.objects.select_related("submitted_by", "decided_by").order_by("-number")
    return Sender.objects.of(request.workspace).prefetch_related(Prefetch("revisions", revisions))


@require_GET
@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    context = {
        "page": Paginator(_senders(request).order_by("-pk"), PAGE).get_page(request.GET.get("page")),
        "may_create": Permission.CREATE_SENDERS in request.permissions,
        "here": "senders",
    }
    return render(request, "senders/index.html", context)


@requires(Permission.CREATE_SENDERS)
def new(request: PageRequest) -> HttpResponse:
    form = SenderForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            sender = transitions.create(request.workspace, by=request.user, **form.cleaned_data)
            return redirect("senders:detail", sender.pk)
    context = {"form": form, "here": "senders"}
    return render(request, "senders/new.html", context, status=400 if form.is_bound else 200)


@require_GET
@requires(Permission.VIEW)
def detail(request: PageRequest, pk: int) -> HttpResponse:
    return _detail(request, get_object_or_404(_senders(request), pk=pk), RevisionForm())


@require_POST
@requires(Permission.SUBMIT_REVISIONS)
def submit_revision(request: PageRequest, pk: int) -> HttpResponse:
    sender = get_object_or_404(_senders(request), pk=pk)
    form = RevisionForm(request.POST, request.FILES)
    if form.is_valid():
        with refused_on(form):
            transitions.submit_revision(sender.pk, by=request.user, **form.cleaned_data)
            return redirect("senders:detail", sender.pk)
    return _detail(request, sender, form)


@require_POST
@requires(Permission.CREATE_SENDERS)
def archive(request: PageRequest, pk: int) -> HttpResponse:
    sender = get_object_or_404(Sender.objects.of(request.workspace), pk=pk)
    transitions.archive(sender.pk, by=request.user)
    return redirect("senders:detail", sender.pk)


@require_GET
@requires(Permission.VIEW)
def evidence(request: PageRequest, pk: int, number: int) -> FileResponse:
    revision = get_object_or_404(Revision.objects.of(request.workspace), sender=pk, number=number)
    if not revision.evidence:
        raise Http404(_("No evidence was given."))
    return FileResponse(revision.evidence.open(), as_attachment=True)


def _detail(request: PageRequest, sender: Sender, form: RevisionForm) -> HttpResponse:
    is_archived = sender.status == SenderStatus.ARCHIVED
    pending = [row for row in sender.revisions.all() if row.status == RevisionStatus.PENDING]
    context = {
        "sender": sender,
        "form": form,
        "history": history_of(list(sender.revisions.all())),
        "pending": pending[0] if pending else None,
        "may_submit": Permission.SUBMIT_REVISIONS in request.permissions and not pending and not is_archived,
        "may_decide": Permission.DECIDE in request.permissions and request.user.is_staff,
        "may_archive": Permission.CREATE_SENDERS in request.permissions
        and SenderStatus.ARCHIVED in SENDER_MOVES[SenderStatus(sender.status)],
        "here": "senders",
    }
    return render(request, "senders/detail.html", context, status=400 if form.is_bound else 200)
