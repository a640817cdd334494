"""The ledger of the workspace over the API: to read."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import ValidationError

from audit.models import Entry


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


@extend_schema(
    parameters=[OpenApiParameter("subject", str, description="Entries about one thing: campaign:17, sender:3, …")]
)
class Audit(generics.ListAPIView[Entry]):
    reads = "audit:read"  # the scope of a key, by its name: accounts.scopes is above this room
    serializer_class = EntryOutput

    def get_queryset(self) -> Any:
        entries = Entry.objects.of(self.request._request.workspace)  # type: ignore[attr-defined]
        subject = self.request.query_params.get("subject")
        if subject is None:
            return entries
        kind, _, pk = subject.partition(":")
        if not kind or not pk:
            raise ValidationError({"subject": ["Write a type and an id: campaign:17."]})
        return entries.filter(subject_type=kind, subject_id=pk)
