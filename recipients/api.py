"""Lists over the API: made, filled with a file, looked at, put away."""

from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, NoInput, OptionalReasonInput, asked, given
from accounts.resources import Kept, Resource, Verb
from accounts.scopes import Scope
from audit.refusal import Refused
from objects.downloads import FROM_STORE
from recipients import progress, taken_along, transitions, unmasking, uploads
from recipients.forms import FILTERED, ListFilter
from recipients.models import RecipientList
from recipients.progress import Pace
from recipients.statuses import Stage, Status

NAME_LENGTH = 120


class ListInput(Input):
    name = serializers.CharField(max_length=NAME_LENGTH)
    filename = serializers.CharField(max_length=255, help_text="With its ending: .txt or .csv.")
    country = serializers.CharField(
        max_length=2, required=False, default="", allow_blank=True, help_text="ISO 3166; the workspace's when empty."
    )
    column = serializers.CharField(
        max_length=120, required=False, default="", allow_blank=True, help_text="Header or number; the first if empty."
    )


class NameInput(Input):
    name = serializers.CharField(max_length=120)


class PreparationOutput(serializers.Serializer[Pace]):
    stage = serializers.ChoiceField(choices=Stage.choices, allow_null=True, help_text="null until a worker begins.")
    percent = serializers.IntegerField()
    rows_done = serializers.IntegerField(help_text="In this stage.")
    rows_per_second = serializers.IntegerField(source="rate", allow_null=True)
    seconds_left = serializers.IntegerField(source="left", allow_null=True)


class ListTotals(serializers.Serializer[RecipientList]):
    rows = serializers.IntegerField()
    accepted = serializers.IntegerField()
    invalid = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    suppressed = serializers.IntegerField()


class ListOutput(serializers.Serializer[RecipientList]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    filename = serializers.CharField()
    country = serializers.CharField()
    column = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    progress = serializers.IntegerField(help_text="Per cent of the preparation.")
    preparation = serializers.SerializerMethodField(help_text="null unless it is being prepared.")
    failure = serializers.CharField(help_text="Why it failed; empty otherwise.")
    totals = ListTotals(source="*")
    columns = serializers.ListField(child=serializers.CharField(), help_text="Their names, for placeholders.")
    layout = serializers.CharField(help_text="How the file was read.")
    breakdown = serializers.DictField(
        child=serializers.ListField(), help_text="Recipients by country and prefix: [[label, count], …]."
    )
    digest = serializers.CharField(help_text="SHA-256 of the manifest, once ready.")
    upload_url = serializers.SerializerMethodField()
    campaigns_url = serializers.SerializerMethodField(help_text="The campaigns that use it.")
    created_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    archived_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(PreparationOutput(allow_null=True))
    def get_preparation(self, row: RecipientList) -> Any:
        pace = progress.pace(row, now=timezone.now())
        return PreparationOutput(pace).data if pace else None

    @extend_schema_field(OpenApiTypes.URI)
    def get_upload_url(self, row: RecipientList) -> str:
        return self._absolute(reverse("api:list-file", args=[row.pk]))

    @extend_schema_field(OpenApiTypes.URI)
    def get_campaigns_url(self, row: RecipientList) -> str:
        return self._absolute(f"{reverse('api:campaigns')}?list={row.pk}")

    def _absolute(self, path: str) -> str:
        return str(self.context["request"].build_absolute_uri(path))


def shown(request: Request, row: RecipientList, *, code: int = status.HTTP_200_OK) -> Response:
    return Response(ListOutput(row, context={"request": request}).data, status=code)


class ListQuery(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=FILTERED, required=False)
    archived = serializers.BooleanField(
        required=False, help_text="true: the archived ones; otherwise those that are not."
    )
    search = serializers.CharField(max_length=NAME_LENGTH, required=False, help_text="A part of the name.")


@extend_schema_view(get=extend_schema(parameters=[ListQuery]))
class Lists(Resource, generics.ListAPIView[RecipientList]):
    reads = Scope.LISTS_READ
    writes = Scope.LISTS_WRITE
    serializer_class = ListOutput

    def get_queryset(self) -> Any:
        wanted = asked(self.request, ListQuery)
        return ListFilter({**wanted, "q": wanted.get("search")}).narrow(
            RecipientList.objects.of(workspace_of(self.request))
        )

    @extend_schema(request=ListInput, responses={201: ListOutput})
    def post(self, request: Request) -> Response:
        row = uploads.create(workspace_of(request), **given(request, ListInput), by=user_of(request))
        return shown(request, row, code=status.HTTP_201_CREATED)


class OneList(Kept):
    reads = Scope.LISTS_READ
    writes = Scope.LISTS_WRITE
    moving = ("progress", "preparation")

    def lock(self, request: Request, **ids: int) -> None:
        RecipientList.objects.lock(_own(request, **ids).pk)

    @extend_schema(responses=ListOutput)
    def get(self, request: Request, pk: int) -> Response:
        return shown(request, _own(request, pk))

    @extend_schema(request=NameInput, responses=ListOutput)
    def patch(self, request: Request, pk: int) -> Response:
        row = _own(request, pk)
        return shown(request, transitions.rename(row.pk, **given(request, NameInput), by=user_of(request)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """For ever, with its objects; refused while a campaign has it."""
        transitions.delete(_own(request, pk).pk, by=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CancelList(Verb):
    of = OneList
    writes = Scope.LISTS_WRITE

    @extend_schema(request=OptionalReasonInput, responses=ListOutput)
    def post(self, request: Request, pk: int) -> Response:
        row, reason = _own(request, pk), given(request, OptionalReasonInput)["reason"]
        return shown(request, transitions.cancel(row.pk, by=user_of(request), reason=reason))


class ArchiveList(Verb):
    of = OneList
    writes = Scope.LISTS_WRITE

    @extend_schema(request=NoInput, responses=ListOutput)
    def post(self, request: Request, pk: int) -> Response:
        row = _own(request, pk)
        given(request, NoInput)
        return shown(request, transitions.archive(row.pk, by=user_of(request), now=timezone.now()))


class RestoreList(Verb):
    of = OneList
    writes = Scope.LISTS_WRITE

    @extend_schema(request=NoInput, responses=ListOutput)
    def post(self, request: Request, pk: int) -> Response:
        row = _own(request, pk)
        given(request, NoInput)
        return shown(request, transitions.restore(row.pk, by=user_of(request)))


class RejectedLines(APIView):
    reads = Scope.LISTS_READ
    names_numbers = True
    kinds = ("text/csv",)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY, 302: OpenApiResponse(description=FROM_STORE)})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        row = _own(request, pk)
        if not row.rejected_key:
            raise Refused("There are no rejected lines to download.", code="nothing_rejected")
        is_whole = unmasking.for_call(request, row, of="rejected")
        return taken_along.response(row.rejected_key, filename=f"rejected-{row.pk}.csv", is_whole=is_whole)


class DuplicateLines(APIView):
    reads = Scope.LISTS_READ
    names_numbers = True
    kinds = ("text/csv",)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY, 302: OpenApiResponse(description=FROM_STORE)})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        row = _own(request, pk)
        if not row.duplicates_key:
            raise Refused("There are no duplicates to download.", code="nothing_repeated")
        is_whole = unmasking.for_call(request, row, of="duplicates")
        return taken_along.response(row.duplicates_key, filename=f"duplicates-{row.pk}.csv", is_whole=is_whole)


def _own(request: Request, pk: int) -> RecipientList:
    return get_object_or_404(RecipientList.objects.of(workspace_of(request)), pk=pk)
