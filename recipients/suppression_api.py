"""The suppression list of a workspace over the API: looked into, added to, imported, taken off, taken along."""

from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import permissions_of, user_of, workspace_of
from accounts.inputs import Input, InstantField, ReasonInput, SomeField, asked, given
from accounts.resources import Kept, Resource
from accounts.roles import Permission
from accounts.scopes import Scope
from audit.refusal import Refused
from objects.downloads import FROM_STORE
from recipients import (
    outputs,
    stop_words,
    suppression_export,
    suppression_imports,
    suppressions,
    taken_along,
    unmasking,
)
from recipients.file_api import body_of
from recipients.masking import shown
from recipients.models import Suppression, SuppressionImport
from recipients.statuses import ImportStatus, Source


class SuppressionInput(Input):
    to = serializers.CharField(max_length=40, help_text="A number in any format.")
    reason = serializers.CharField(max_length=suppressions.LONGEST_REASON)


class SuppressionQuery(serializers.Serializer[Any]):
    to = serializers.CharField(required=False, allow_blank=True, help_text="A number in any format.")
    source = SomeField(choices=Source.choices, required=False)  # type: ignore[assignment]  # as below
    added_after = InstantField(required=False, help_text="Not at this instant itself.")


# As the serializer cannot say it.
SOURCES = OpenApiParameter(
    "source",
    str,
    enum=Source.values,
    many=True,
    explode=False,
    description="How it came here: one of these, or several with commas between.",
)


class SuppressionOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    to = serializers.SerializerMethodField(help_text=f"{outputs.HELP} Null when it was erased.")
    scope = serializers.SerializerMethodField(help_text="`workspace`, or `global`: it gets nothing from anybody here.")
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # a field, not Field.source
    reason = serializers.CharField(source="why")
    added_by = serializers.SerializerMethodField(help_text="Null for an opt-out, and for a global one.")
    added_at = serializers.DateTimeField()

    def get_to(self, row: Suppression) -> str | None:
        return None if row.is_erased else shown(row.phone, is_whole=self.context.get("is_whole", False))

    @extend_schema_field(serializers.ChoiceField(choices=["workspace", "global"]))
    def get_scope(self, row: Suppression) -> str:
        return "global" if row.workspace_id is None else "workspace"

    def get_added_by(self, row: Suppression) -> str | None:
        return str(row.by) if row.by and row.workspace_id else None


class ImportInput(Input):
    filename = serializers.CharField(max_length=255, help_text="With its ending: .txt or .csv.")
    reason = serializers.CharField(max_length=suppressions.LONGEST_REASON)
    country = serializers.CharField(
        max_length=2, required=False, default="", allow_blank=True, help_text="ISO 3166; the workspace's when empty."
    )
    column = serializers.CharField(
        max_length=120, required=False, default="", allow_blank=True, help_text="Header or number; the first if empty."
    )


class ImportTotals(serializers.Serializer[SuppressionImport]):
    """Once it is done, rows = added + already + invalid."""

    rows = serializers.IntegerField()
    added = serializers.IntegerField()
    already = serializers.IntegerField(help_text="Repeated in the file, or suppressed before.")
    invalid = serializers.IntegerField()


class ImportOutput(serializers.Serializer[SuppressionImport]):
    id = serializers.IntegerField()
    filename = serializers.CharField()
    reason = serializers.CharField()
    country = serializers.CharField()
    column = serializers.CharField()
    status = serializers.ChoiceField(choices=ImportStatus.choices)
    progress = serializers.IntegerField(help_text="Per cent of the work.")
    failure = serializers.CharField(help_text="Why it failed; empty otherwise.")
    totals = ImportTotals(source="*")
    upload_url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(OpenApiTypes.URI)
    def get_upload_url(self, row: SuppressionImport) -> str:
        path = reverse("api:suppression-import-file", args=[row.pk])
        return str(self.context["request"].build_absolute_uri(path))


class Suppressions(Resource, generics.ListAPIView[Suppression]):
    """The workspace's own, the newest first; with `to`, what keeps messages from that number."""

    reads = Scope.SUPPRESSIONS_READ
    writes = Scope.SUPPRESSIONS_WRITE
    names_numbers = True
    serializer_class = SuppressionOutput

    def get_queryset(self) -> Any:
        wanted = asked(self.request, SuppressionQuery)
        wanted.pop("to", None)
        return suppressions.listed(workspace_of(self.request), **wanted)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **_context(self.request)}

    @extend_schema(parameters=[SuppressionQuery, SOURCES])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        wanted = asked(request, SuppressionQuery)
        number = wanted.pop("to", "")
        if not number:
            return super().get(request, *args, **kwargs)
        found = suppressions.find(workspace_of(request), number, **wanted)
        rows = SuppressionOutput(found, many=True, context=_context(request))
        return Response({"results": rows.data, "next": None})

    @extend_schema(request=SuppressionInput, responses={201: SuppressionOutput})
    def post(self, request: Request) -> Response:
        body = given(request, SuppressionInput)
        row = suppressions.add(workspace_of(request), body["to"], reason=body["reason"], by=user_of(request))
        shown = SuppressionOutput(row, context={"is_whole": True})  # what they have just said
        return Response(shown.data, status=status.HTTP_201_CREATED)


class OneSuppression(Kept):
    reads = Scope.SUPPRESSIONS_READ
    writes = Scope.SUPPRESSIONS_WRITE
    permission = Permission.UNSUPPRESS
    names_numbers = True

    def lock(self, request: Request, **ids: int) -> None:
        Suppression.objects.lock(_suppression(request, **ids).pk)

    @extend_schema(responses=SuppressionOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(SuppressionOutput(_suppression(request, pk), context=_context(request)).data)

    @extend_schema(
        parameters=[OpenApiParameter("reason", str, description="Required; a JSON body may say it instead.")],
        responses={204: None},
    )
    def delete(self, request: Request, pk: int) -> Response:
        row = _suppression(request, pk)
        said = ReasonInput(data=request.data or request.query_params)
        said.is_valid(raise_exception=True)
        suppressions.remove(row.pk, reason=said.validated_data["reason"], by=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SuppressionExport(APIView):
    reads = Scope.EXPORTS
    names_numbers = True
    kinds = ("text/csv",)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request) -> StreamingHttpResponse:
        is_whole = Permission.SEE_NUMBERS in permissions_of(request)
        lines = suppression_export.request(workspace_of(request), by=user_of(request), is_whole=is_whole)
        return suppression_export.response(lines)


class Imports(Resource, generics.ListAPIView[SuppressionImport]):
    reads = Scope.SUPPRESSIONS_READ
    writes = Scope.SUPPRESSIONS_WRITE
    serializer_class = ImportOutput

    def get_queryset(self) -> Any:
        return SuppressionImport.objects.of(workspace_of(self.request))

    @extend_schema(request=ImportInput, responses={201: ImportOutput})
    def post(self, request: Request) -> Response:
        made = suppression_imports.create(workspace_of(request), **given(request, ImportInput), by=user_of(request))
        return _shown(request, made, code=status.HTTP_201_CREATED)


class OneImport(APIView):
    reads = Scope.SUPPRESSIONS_READ

    @extend_schema(responses=ImportOutput)
    def get(self, request: Request, pk: int) -> Response:
        return _shown(request, _import(request, pk))


class StopWordsInput(Input):
    words = serializers.ListField(
        child=serializers.CharField(max_length=stop_words.LONGEST), min_length=1, max_length=stop_words.MOST
    )


class StopWordsOutput(serializers.Serializer[Any]):
    words = serializers.ListField(child=serializers.CharField())


class OwnStopWords(Kept):
    """By writing one of these words, alone or first, a recipient opts out of the workspace's messages."""

    reads = Scope.SUPPRESSIONS_READ
    writes = Scope.SUPPRESSIONS_WRITE
    permission = Permission.MANAGE

    @extend_schema(responses=StopWordsOutput)
    def get(self, request: Request) -> Response:
        return Response({"words": stop_words.of(workspace_of(request))})

    @extend_schema(request=StopWordsInput, responses=StopWordsOutput)
    def put(self, request: Request) -> Response:
        words = given(request, StopWordsInput)["words"]
        return Response({"words": stop_words.save(workspace_of(request), words, by=user_of(request))})


class ImportFile(APIView):
    """The raw bytes of the file, as `curl -T numbers.csv` sends them: they stream, and are never held."""

    writes = Scope.SUPPRESSIONS_WRITE
    parser_classes = ()

    @extend_schema(request={"application/octet-stream": OpenApiTypes.BINARY}, responses={202: ImportOutput})
    def put(self, request: Request, pk: int, filename: str = "") -> Response:
        made = _import(request, pk)
        stream, length = body_of(request)
        made = suppression_imports.receive(made.pk, stream, by=user_of(request), length=length)
        return _shown(request, made, code=status.HTTP_202_ACCEPTED)


class ImportRejected(APIView):
    reads = Scope.SUPPRESSIONS_READ
    names_numbers = True
    kinds = ("text/csv",)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY, 302: OpenApiResponse(description=FROM_STORE)})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        made = _import(request, pk)
        if not made.rejected_key:
            raise Refused("There are no rejected lines to download.", code="nothing_rejected")
        is_whole = unmasking.for_call(request, made, of="rejected")
        name = f"rejected-suppressions-{made.pk}.csv"
        return taken_along.response(made.rejected_key, filename=name, is_whole=is_whole)


def _context(request: Request) -> dict[str, bool]:
    return {"is_whole": unmasking.for_call(request, workspace_of(request), of="suppressions")}


def _suppression(request: Request, pk: int) -> Suppression:
    return get_object_or_404(Suppression.objects.of(workspace_of(request)).explained(), pk=pk)


def _import(request: Request, pk: int) -> SuppressionImport:
    return get_object_or_404(SuppressionImport.objects.of(workspace_of(request)), pk=pk)


def _shown(request: Request, row: SuppressionImport, *, code: int = status.HTTP_200_OK) -> Response:
    return Response(ImportOutput(row, context={"request": request}).data, status=code)
