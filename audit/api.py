"""The ledger of the workspace over the API: to read."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers

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


FILTERS = {"actor": "actor_name", "action": "action", "from": "at__gte", "to": "at__lt"}


@extend_schema(parameters=[Wanted])
class Audit(generics.ListAPIView[Entry]):
    reads = "audit:read"  # the scope of a key, by its name: accounts.scopes is above this room
    serializer_class = EntryOutput

    def get_queryset(self) -> Any:
        wanted = Wanted(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        asked = dict(wanted.validated_data)
        entries = Entry.objects.of(self.request._request.workspace)  # type: ignore[attr-defined]
        if subject := asked.pop("subject", None):
            kind, _, pk = subject.partition(":")
            entries = entries.filter(subject_type=kind, subject_id=pk)
        return entries.filter(**{FILTERS[name]: value for name, value in asked.items()})
