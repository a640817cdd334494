"""In which form the API answers: JSON, and files as what they are."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches


class JsonAndFiles(DefaultContentNegotiation):
    """406 for whoever takes neither JSON nor, of a view that answers a file, one of its `kinds`. What goes wrong with a
    file is said in JSON all the same."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        try:
            return super().select_renderer(request, renderers, format_suffix)  # type: ignore[no-any-return]
        except NotAcceptable:
            view: Any = request.parser_context["view"]
            kinds, wanted = getattr(view, "kinds", ()), self.get_accept_list(request)
            if not any(media_type_matches(kind, one) for kind in kinds for one in wanted):
                raise
            json = next(iter(renderers))
            return json, str(json.media_type)
