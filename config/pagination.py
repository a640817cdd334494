"""The pages of API lists: `{"results": [...], "next": url | null}`."""

import base64
import binascii
from typing import TYPE_CHECKING, Any

from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

if TYPE_CHECKING:
    from rest_framework.views import APIView


class CursorPages(BasePagination):
    """The newest first, by descending id: rows that arrive while somebody turns pages move nothing."""

    page_size = 50
    max_page_size = 500

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> list[Any]:
        size = self._size(request)
        if cursor := request.query_params.get("cursor"):
            queryset = queryset.filter(pk__lt=_read_cursor(cursor))
        rows = list(queryset.order_by("-pk")[: size + 1])
        self.next = _url_of_next(request, rows[size - 1].pk) if len(rows) > size else None
        return rows[:size]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next})

    def _size(self, request: Request) -> int:
        given = request.query_params.get("page_size", str(self.page_size))
        if not (given.isascii() and given.isdigit() and len(given) < 5 and 1 <= int(given) <= self.max_page_size):
            raise exceptions.ValidationError({"page_size": [f"Write a number from 1 to {self.max_page_size}."]})
        return int(given)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        following = {"type": ["string", "null"], "format": "uri", "description": "The next page; null on the last."}
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {"results": schema, "next": following},
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        return [
            {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "From `next`."},
            {
                "name": "page_size",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size},
            },
        ]


def _url_of_next(request: Request, last: int) -> str:
    query = request._request.GET.copy()
    query["cursor"] = base64.urlsafe_b64encode(str(last).encode()).decode()
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _read_cursor(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise exceptions.ValidationError({"cursor": ["This is not a cursor of ours: take it from `next`."]}) from error
