"""Statistics of the workspace over the API, as JSON and as CSV."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import workspace_of
from accounts.scopes import Scope
from delivery.statuses import Term
from reports import replica, statistics
from reports.statistics import BY, LONGEST, Asked, Row
from reports.statistics_forms import USUAL, StatisticsForm
from reports.statistics_views import as_csv

QUERY = [
    OpenApiParameter("since", OpenApiTypes.DATE, description=f"By the workspace's clock; {USUAL} days when left out."),
    OpenApiParameter("until", OpenApiTypes.DATE, description=f"Included. At most {LONGEST} days; today if left out."),
    OpenApiParameter("by", str, enum=list(BY), default="day"),
    OpenApiParameter("sender", int),
    OpenApiParameter("channel", int),
]


class CountsOutput(serializers.Serializer[Any]):
    """Messages that were handed over or ended on these days: `messages` is the sum of the terms."""

    messages = serializers.IntegerField()
    parts = serializers.IntegerField(help_text="That carriers took.")
    terms = serializers.SerializerMethodField(help_text="How many of the messages are in each term of the equation.")

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_terms(self, row: Row) -> dict[str, int]:
        return {str(term): row.terms[term] for term in Term}


class StatisticsRow(CountsOutput):
    key = serializers.CharField(help_text="The day, the id of what it is by, or the code of an error.")
    name = serializers.CharField()


class StatisticsOutput(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=list(BY))
    since = serializers.DateField()
    until = serializers.DateField()
    total = CountsOutput()
    results = StatisticsRow(many=True)


class Statistics(APIView):
    """Counted anew within minutes after something has moved; they outlive the messages."""

    reads = Scope.REPORTS_READ

    @extend_schema(parameters=QUERY, responses=StatisticsOutput)
    def get(self, request: Request) -> Response:
        workspace, asked = workspace_of(request), _asked(request)
        (rows, total), as_of = statistics.counted(workspace, asked, now=timezone.now())
        found = {
            "by": asked.by,
            "since": asked.since,
            "until": asked.until,
            "total": total,
            "results": rows,
        }
        return Response(StatisticsOutput(found).data, headers=replica.headers(as_of))


class StatisticsExport(APIView):
    reads = Scope.REPORTS_READ
    kinds = ("text/csv",)

    @extend_schema(parameters=QUERY, responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponse:
        asked = _asked(request)
        (rows, _total), as_of = statistics.counted(workspace_of(request), asked, now=timezone.now())
        return as_csv(asked, rows, as_of=as_of)


def _asked(request: Request) -> Asked:
    workspace = workspace_of(request)
    form = StatisticsForm(request.query_params, workspace=workspace, today=timezone.localdate(timezone=workspace.zone))
    if not form.is_valid():
        raise ValidationError({name: [str(text) for text in texts] for name, texts in form.errors.items()})
    return form.asked
