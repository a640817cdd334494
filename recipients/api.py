"""Lists over the API: made, filled with a file, looked at."""

from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import user_of, workspace_of
from accounts.idempotency import idempotent
from accounts.inputs import Input, given
from audit.refusal import Refused
from recipients import uploads
from recipients.models import RecipientList
from recipients.statuses import Status

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
    failure = serializers.CharField(help_text="Why it failed; empty otherwise.")
    totals = ListTotals(source="*")
    digest = serializers.CharField(help_text="SHA-256 of the manifest, once ready.")
    upload_url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(OpenApiTypes.URI)
    def get_upload_url(self, row: RecipientList) -> str:
        path = reverse("api:list-file", args=[row.pk])
        return str(self.context["request"].build_absolute_uri(path))


def shown(request: Request, row: RecipientList, *, code: int = status.HTTP_200_OK) -> Response:
    return Response(ListOutput(row, context={"request": request}).data, status=code)


class Lists(generics.ListAPIView[RecipientList]):
    serializer_class = ListOutput

    def get_queryset(self) -> Any:
        return RecipientList.objects.of(workspace_of(self.request))

    @extend_schema(request=ListInput, responses={201: ListOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        row = uploads.create(workspace_of(request), **given(request, ListInput), by=user_of(request))
        return shown(request, row, code=status.HTTP_201_CREATED)


class OneList(APIView):
    @extend_schema(responses=ListOutput)
    def get(self, request: Request, pk: int) -> Response:
        return shown(request, get_object_or_404(RecipientList.objects.of(workspace_of(request)), pk=pk))


class RejectedLines(APIView):
    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> FileResponse:
        row = get_object_or_404(RecipientList.objects.of(workspace_of(request)), pk=pk)
        if not row.rejected_key:
            raise Refused("There are no rejected lines to download.", code="nothing_rejected")
        file = default_storage.open(row.rejected_key)
        return FileResponse(file, as_attachment=True, filename=f"rejected-{row.pk}.csv", content_type="text/csv")
