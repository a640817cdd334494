"""What somebody sent when their session had ended: kept for an hour, sealed, and given back to nobody but them."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from cryptography.fernet import MultiFernet
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import last_visit
from accounts.models import Unsent, User
from audit import keyed

KEPT = timedelta(hours=1)
MOST = 5  # of one person; the oldest goes
ROOM = 256 * 1024  # characters of a form
PARAMETER = "unsent"  # of the address that it is sent to after all
# What is never kept, by its name; a test looks at every form that hides what is typed.
SECRET = re.compile(r"passw|secret|client_key|(^|_)token$|^(code|answer)$", re.IGNORECASE)
_SALT = "accounts.unsent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    path: str  # that it was sent to
    page: str  # that it was on
    fields: list[tuple[str, str]]
    files: list[str]  # the names of those that came along
    secrets: list[str]  # the names of fields that were left out

    @property
    def is_empty(self) -> bool:
        return not (self.fields or self.files)


def keep(request: HttpRequest, *, page: str) -> str | None:
    """The handle under which its sender finds it; None where nothing is kept. Nothing is of what may have come from
    another site, of a form that is a secret as a whole, and of somebody of whom nobody knows who they are."""
    hidden = getattr(request, "sensitive_post_parameters", ())
    if request.method != "POST" or hidden == "__ALL__" or not _is_from_here(request):
        return None
    person = request.user if isinstance(request.user, User) else _last_here(request)
    form = _form(request, page=page, hidden=hidden)
    if person is None or form.is_empty:
        return None
    if sum(len(name) + len(value) for name, value in form.fields) > ROOM:
        said = _("You were signed out before this was sent, and it was too long to keep.")
        messages.warning(request, said, fail_silently=True)
        return None
    return put(form, of=person, now=timezone.now())


@transaction.atomic
def put(form: Form, *, of: User, now: datetime) -> str:
    older = Unsent.objects.of_person(of).order_by("-kept_at").values_list("pk", flat=True)[MOST - 1 :]
    Unsent.objects.filter(pk__in=list(older)).delete()
    sealed = keyed.boxes(_SALT)[0].encrypt(json.dumps(asdict(form)).encode()).decode()
    return Unsent.objects.create(handle=secrets.token_urlsafe(24), user=of, sealed=sealed, kept_at=now).handle


def find(handle: str, *, by: User, now: datetime) -> Form | None:
    """Whoever else comes with the handle has signed in in its sender's place: then it is gone."""
    row = Unsent.objects.since(now - KEPT).filter(handle=handle).first()
    if row is None:
        return None
    if row.user_id != by.pk:
        row.delete()
        return None
    told = json.loads(MultiFernet(keyed.boxes(_SALT)).decrypt(row.sealed))
    return Form(**{**told, "fields": [(name, value) for name, value in told["fields"]]})


def drop(handle: str, *, by: User) -> None:
    Unsent.objects.of_person(by).filter(handle=handle).delete()


def forget(*, now: datetime) -> None:
    Unsent.objects.before(now - KEPT).delete()


def is_of_a_page_of_ours(request: HttpRequest) -> bool:
    """As the browser says, which no page can make say it: also of one from before somebody signed in again, whose token
    is of no use any more."""
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def _is_from_here(request: HttpRequest) -> bool:
    """By the check against forgery, which views have behind them and middleware before them."""
    if getattr(request, "csrf_processing_done", False):
        return True
    if int(request.META.get("CONTENT_LENGTH") or 0) > ROOM:  # nobody has read it yet, and nobody needs to
        return False
    if is_of_a_page_of_ours(request):
        return True
    return CsrfViewMiddleware(HttpResponse).process_view(request, HttpResponse, (), {}) is None


def _last_here(request: HttpRequest) -> User | None:
    visit = last_visit.of(request)
    return User.objects.filter(pk=visit.user_id, is_active=True).first() if visit else None


def _form(request: HttpRequest, *, page: str, hidden: tuple[str, ...]) -> Form:
    given: Mapping[str, list[str]] = dict(request.POST.lists())
    kept = {name: values for name, values in given.items() if name not in {*hidden, *_OURS} and not SECRET.search(name)}
    asked = request.GET.copy()
    asked.pop(PARAMETER, None)
    return Form(
        path=f"{request.path}?{asked.urlencode()}" if asked else request.path,
        page=page,
        fields=[(name, value) for name, values in kept.items() for value in values],
        files=[file.name for files in dict(request.FILES.lists()).values() for file in files if file.name],
        secrets=[name for name, values in given.items() if name not in {*kept, *_OURS} and any(values)],
    )


_OURS = frozenset({"csrfmiddlewaretoken"})
