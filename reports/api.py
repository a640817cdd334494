"""What became of a campaign over the API: its recipients, its errors, its exports."""

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import permissions_of, user_of, workspace_of
from accounts.inputs import Input, asked, given
from accounts.resources import Resource
from accounts.roles import Permission
from accounts.scopes import Scope
from campaigns.models import Campaign
from delivery.statuses import IncidentKind, Term
from objects.downloads import FROM_STORE
from recipients import unmasking
from recipients.outputs import NumberField
from reports import downloads, errors_tab, exports, recipients_tab, replica
from reports.campaigns_api import TotalsOutput
from reports.errors_tab import IncidentGroup, Reason
from reports.lines import COLUMNS
from reports.models import Export, Format, Numbers
from reports.statuses import Status

MOST_ROWS = 1000


class RecipientQuery(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Term.choices, default="", allow_blank=True)
    to = serializers.CharField(default="", allow_blank=True, help_text="A full number, with or without +.")
    cursor = serializers.RegexField(
        r"^[0-9]{1,9}$",
        default="",
        allow_blank=True,
        help_text="From `next`.",
        error_messages={"invalid": "Take it from `next`."},
    )
    page_size = serializers.IntegerField(default=recipients_tab.SIZE, min_value=1, max_value=MOST_ROWS)

    def validate_to(self, text: str) -> int | None:
        try:
            return recipients_tab.phone(text) if text else None
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class ErrorOutput(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="The command_status of the answer, or the err of the receipt.")
    name = serializers.CharField()
    text = serializers.CharField()


class RecipientOutput(serializers.Serializer[Any]):
    to = NumberField()
    status = serializers.ChoiceField(choices=Term.choices, source="term")
    error = ErrorOutput(allow_null=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)
    parts = serializers.IntegerField()


class RecipientPage(serializers.Serializer[Any]):
    results = RecipientOutput(many=True)
    next = serializers.URLField(allow_null=True)


class IncidentOutput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=IncidentKind.choices)
    channel = serializers.CharField()
    count = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    sample = serializers.CharField()


class ReasonOutput(serializers.Serializer[Any]):
    error = ErrorOutput()
    count = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of the failed recipients, 0 to 1.")


class IncidentQuery(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=IncidentKind.choices, required=False)
    channel = serializers.CharField(max_length=120, required=False, help_text="By the name that incidents show.")


class ErrorPage(serializers.Serializer[Any]):
    results = IncidentOutput(many=True)
    next = serializers.URLField(allow_null=True, help_text="Always null: kinds of incidents are few.")
    reasons = ReasonOutput(many=True, help_text="Why messages failed, the most frequent first.")


class ExportInput(Input):
    format = serializers.ChoiceField(choices=Format.choices, default=Format.CSV)
    numbers = serializers.ChoiceField(
        choices=Numbers.choices,
        required=False,
        help_text="Whole ones need the scope `numbers` and a role that may see them, which have them unless they say "
        "otherwise; everybody else gets masked ones.",
    )
    columns = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=200,
        default=list,
        help_text=f"Of {', '.join(COLUMNS)}, in any order, and list.NAME for a column of the list; all of the report's "
        "when empty.",
    )


class ExportOutput(serializers.Serializer[Export]):
    id = serializers.IntegerField()
    campaign = serializers.IntegerField(source="campaign_id")
    format = serializers.ChoiceField(choices=Format.choices)
    columns = serializers.ListField(child=serializers.CharField())
    numbers = serializers.ChoiceField(choices=Numbers.choices)
    status = serializers.ChoiceField(choices=Status.choices)
    url = serializers.SerializerMethodField(help_text="Where to get the file, with the same key, once it is ready.")
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField()
    totals = serializers.SerializerMethodField(help_text="The equation at the instant that the file shows.")
    failure = serializers.CharField()
    requested_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    kept_until = serializers.DateTimeField(allow_null=True, help_text="Then the file is deleted.")

    def get_url(self, export: Export) -> str | None:
        if export.status != Status.READY:
            return None
        return str(self.context["request"].build_absolute_uri(reverse("api:export-file", args=[export.pk])))

    @extend_schema_field(TotalsOutput(allow_null=True))
    def get_totals(self, export: Export) -> dict[str, int] | None:
        return export.totals or None


class Recipients(APIView):
    reads = Scope.REPORTS_READ
    names_numbers = True

    @extend_schema(parameters=[RecipientQuery], responses=RecipientPage)
    def get(self, request: Request, pk: int) -> Response:
        campaign = _campaign(request, pk)
        query = asked(request, RecipientQuery)
        wanted = {
            "status": Term(query["status"]) if query["status"] else None,
            "to": query["to"],
            "cursor": int(query["cursor"] or 0),
            "size": query["page_size"],
        }
        page, as_of = replica.read_of(campaign, lambda it: recipients_tab.page(it, **wanted), now=timezone.now())
        following = None if page.next_cursor is None else _url_with(request, cursor=page.next_cursor)
        rows = RecipientOutput(page.rows, many=True, context=_context(request, campaign))
        return Response({"results": rows.data, "next": following}, headers=replica.headers(as_of))


class MessageOutput(RecipientOutput):
    id = serializers.IntegerField(source="number")


class OneMessage(APIView):
    """What became of one message, by the id that it got when it was pushed; of a list, by its place from 0."""

    reads = Scope.MESSAGES
    names_numbers = True

    @extend_schema(responses=MessageOutput)
    def get(self, request: Request, pk: int, number: int) -> Response:
        campaign = _campaign(request, pk)
        found = recipients_tab.message(campaign, number)
        if found is None:
            raise Http404
        return Response(MessageOutput(found, context=_context(request, campaign)).data)


class Errors(APIView):
    reads = Scope.REPORTS_READ

    @extend_schema(parameters=[IncidentQuery], responses=ErrorPage)
    def get(self, request: Request, pk: int) -> Response:
        """Parameters narrow the incidents; `reasons` are always all."""
        campaign, wanted = _campaign(request, pk), asked(request, IncidentQuery)

        def found(it: Campaign) -> tuple[list[IncidentGroup], list[Reason]]:
            return errors_tab.incidents(it, **wanted), errors_tab.reasons(it)

        (incidents, reasons), as_of = replica.read_of(campaign, found, now=timezone.now())
        shown = {"results": IncidentOutput(incidents, many=True).data, "next": None}
        return Response({**shown, "reasons": ReasonOutput(reasons, many=True).data}, headers=replica.headers(as_of))


class Exports(Resource, generics.GenericAPIView[Export]):
    reads = writes = Scope.EXPORTS
    permission = Permission.VIEW  # it reads the campaign, and changes nothing in it
    serializer_class = ExportOutput

    def get_queryset(self) -> Any:
        campaign = _campaign(self.request, self.kwargs["pk"])
        return Export.objects.of(workspace_of(self.request)).filter(campaign=campaign)

    @extend_schema(responses=ExportOutput(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """Those that standing ones have asked for, too."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=ExportInput, responses={201: ExportOutput})
    def post(self, request: Request, pk: int) -> Response:
        campaign, asked, permissions = _campaign(request, pk), given(request, ExportInput), permissions_of(request)
        usual = Numbers.WHOLE if Permission.SEE_NUMBERS in permissions else Numbers.MASKED
        asked["numbers"] = asked.get("numbers", usual)
        exports.check_role(asked["format"], asked["numbers"], permissions)
        export = exports.request(campaign.pk, **asked, by=user_of(request))
        return Response(ExportOutput(export, context={"request": request}).data, status=status.HTTP_201_CREATED)


class OneExport(APIView):
    reads = Scope.EXPORTS

    @extend_schema(responses=ExportOutput)
    def get(self, request: Request, pk: int) -> Response:
        export = get_object_or_404(Export.objects.of(workspace_of(request)), pk=pk)
        return Response(ExportOutput(export, context={"request": request}).data)


class ExportFile(APIView):
    reads = Scope.EXPORTS
    kinds = ("text/csv", "application/gzip", "application/vnd.apache.parquet", "application/zip")

    @extend_schema(
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            (200, "application/gzip"): OpenApiTypes.BINARY,
            (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
            (200, "application/zip"): OpenApiTypes.BINARY,
            302: OpenApiResponse(description=FROM_STORE),
        }
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        export = get_object_or_404(Export.objects.of(workspace_of(request)), pk=pk)
        exports.check_role(export.format, export.numbers, permissions_of(request))
        return downloads.response(export, by=user_of(request))


def _context(request: Request, campaign: Campaign) -> dict[str, bool]:
    return {"is_whole": unmasking.for_call(request, campaign, of="recipients")}


def _campaign(request: Request, pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.of(workspace_of(request)).select_related("list"), pk=pk)


def _url_with(request: Request, **parameters: Any) -> str:
    query = request._request.GET.copy()
    for name, value in parameters.items():
        query[name] = str(value)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
