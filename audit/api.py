"""The ledger of the workspace over the API: to read, and to take along."""

from typing import Any

from django.db import transaction
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from audit import reading
from audit.ledger import record
from audit.models import Entry
from audit.querysets import EntryQuerySet


class SubjectOutput(serializers.Serializer[Entry]):
    type = serializers.CharField(source="subject_type")
    id = serializers.CharField(source="subject_id")
    name = serializers.CharField(source="subject_name")


class EntryOutput(serializers.Serializer[Entry]):
    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = serializers.CharField(source="actor_name")
    role = serializers.CharField()
    via = serializers.CharField()
    address = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()
    subject = SubjectOutput(source="*")
    before = serializers.DictField()
    after = serializers.DictField()
    note = serializers.CharField()
    previous_hash = serializers.CharField()
    hash = serializers.CharField()


class Wanted(serializers.Serializer[Entry]):
    """What a reader may ask for."""

    subject = serializers.RegexField(
        r"^[^:]+:[^:]+$",
        required=False,
        help_text="Entries about one thing: campaign:17, sender:3, …",
        error_messages={"invalid": "Write a type and an id: campaign:17."},
    )
    actor = serializers.CharField(required=False, help_text="Entries of one person, by the name that entries show.")
    action = serializers.CharField(required=False, help_text="campaign.approved, …")
    to = serializers.DateTimeField(required=False, help_text="Entries before this moment.")

    def get_fields(self) -> dict[str, Any]:
        since = serializers.DateTimeField(required=False, help_text="Entries since this moment.")
        return {**super().get_fields(), "from": since}  # a word of Python: no attribute has this name


@extend_schema(parameters=[Wanted])
class Audit(generics.ListAPIView[Entry]):
    reads = "audit:read"  # the scope of a key, by its name: accounts.scopes is above this room
    serializer_class = EntryOutput

    def get_queryset(self) -> Any:
        return _wanted(self.request)


class AuditExport(APIView):
    """All of them in their order. That somebody took them along is an entry itself."""

    reads = "audit:read"
    kinds = ("text/csv",)

    @extend_schema(parameters=[Wanted], responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request) -> StreamingHttpResponse:
        entries = _wanted(request)
        return taken(request._request.workspace, entries, by=request.user)  # type: ignore[attr-defined]


def taken(workspace: Any, entries: EntryQuerySet, *, by: Any) -> StreamingHttpResponse:
    with transaction.atomic():
        record("ledger.exported", workspace, by=by)
    headers = {"Content-Disposition": 'attachment; filename="ledger.csv"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(reading.as_csv(entries), content_type="text/csv; charset=utf-8", headers=headers)


def _wanted(request: Request) -> EntryQuerySet:
    wanted = Wanted(data=request.query_params)
    wanted.is_valid(raise_exception=True)
    return reading.find(request._request.workspace, wanted.validated_data)  # type: ignore[attr-defined]
