"""What is changed over the API, at one address each. The classes have comments, as what their docstrings say is said of
every address in the API's description."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.db import transaction
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import etags
from accounts.callers import workspace_of
from accounts.idempotency import idempotent
from accounts.models import Workspace

Handler = Callable[..., Response]


# A view whose POST is done once for each `Idempotency-Key`, whatever it does.
class Resource(APIView):
    post: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "post" in vars(cls):
            cls.post = idempotent(vars(cls)["post"])


# One thing that is read and changed at this address: its answers have an `ETag`, and whoever names that in `If-Match`
# changes what they have read or nothing.
class Kept(Resource):
    moving: tuple[str, ...] = ()  # fields that change by themselves: they are news, and in nobody's way
    get: Any

    def lock(self, request: Request, **ids: int) -> None:
        """Until the end of the transaction nobody else changes what `get` shows."""
        workspace_of(request).refresh_from_db(from_queryset=Workspace.objects.select_for_update(no_key=True))

    def check_as_read(self, request: Request, *, if_match: str, **ids: int) -> None:
        """Lock it. Raises Refused unless it is as it was read."""
        self.lock(request, **ids)
        shown = type(self).get.__wrapped__(self, request, **ids).data
        etags.check_as_read(self.tag(shown), if_match=if_match)

    def tag(self, shown: Mapping[str, Any]) -> str:
        moving = {name: shown[name] for name in self.moving}
        return etags.tag({name: shown[name] for name in shown if name not in moving}, moving or None)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for method, wrapped in (("get", _read), ("patch", _changed), ("put", _changed), ("delete", _changed)):
            if method in vars(cls):
                setattr(cls, method, wrapped(vars(cls)[method]))


# What is done to such a thing at an address of its own, by POST.
class Verb(Resource):
    of: type[Kept]
    answers_it = True  # or something else: then the answer has no tag

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "post" in vars(cls):
            cls.post = _done(vars(cls)["post"])
        super().__init_subclass__(**kwargs)


def _read(handler: Handler) -> Handler:
    @wraps(handler)
    def read(view: Kept, request: Request, **ids: int) -> Response:
        response = _tagged(view, handler(view, request, **ids))
        tag = response.headers["ETag"]
        if etags.is_new(tag, if_none_match=request.headers.get("If-None-Match")):
            return response
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})

    return read


def _changed(handler: Handler) -> Handler:
    @wraps(handler)
    def changed(view: Kept, request: Request, **ids: int) -> Response:
        with _as_read(view, request, **ids):
            return _tagged(view, handler(view, request, **ids))

    return changed


def _done(handler: Handler) -> Handler:
    @wraps(handler)
    def done(view: Verb, request: Request, *, pk: int, **ids: int) -> Response:
        """`ids` say which part of it."""
        thing = view.of()
        with _as_read(thing, request, pk=pk):
            response = handler(view, request, pk=pk, **ids)
            return _tagged(thing, response) if view.answers_it else response

    return done


@contextmanager
def _as_read(thing: Kept, request: Request, **ids: int) -> Iterator[None]:
    if_match = request.headers.get("If-Match")
    if if_match is None:
        yield
    else:
        with transaction.atomic():
            thing.check_as_read(request, if_match=if_match, **ids)
            yield


def _tagged(view: Kept, response: Response) -> Response:
    if response.data is not None:
        response.headers["ETag"] = view.tag(response.data)
    return response
