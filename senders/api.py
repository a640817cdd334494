"""Senders over the API: made, revised, and the revisions judged."""

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, given
from accounts.resources import Kept, Resource, Verb
from accounts.roles import Permission
from accounts.scopes import Scope
from senders import transitions
from senders.models import Revision, Sender
from senders.statuses import RevisionStatus, SenderStatus


class SenderInput(Input):
    name = serializers.CharField(max_length=80)


class RevisionInput(Input):
    saddr = serializers.CharField(
        max_length=20, help_text="A name of at most 11 characters, a short code, or a number."
    )
    reason = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    ton = serializers.IntegerField(min_value=0, max_value=255, required=False, help_text="SMPP 3.4 §5.2.5.")
    npi = serializers.IntegerField(min_value=0, max_value=255, required=False, help_text="SMPP 3.4 §5.2.6.")


class RevisionOutput(serializers.Serializer[Revision]):
    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=RevisionStatus.choices)
    saddr = serializers.CharField()
    ton = serializers.IntegerField()
    npi = serializers.IntegerField()
    reason = serializers.CharField()
    submitted_by = serializers.CharField()
    submitted_at = serializers.DateTimeField()
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_reason = serializers.CharField()


class SenderOutput(serializers.Serializer[Sender]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=SenderStatus.choices)
    created_at = serializers.DateTimeField()
    current = serializers.SerializerMethodField(help_text="The revision that a new campaign is bound to.")
    revisions = RevisionOutput(many=True)

    @extend_schema_field({"type": ["integer", "null"]})
    def get_current(self, sender: Sender) -> int | None:
        approved = [row.number for row in sender.revisions.all() if row.status == RevisionStatus.APPROVED]
        return max(approved, default=None)


def _senders(request: Request) -> QuerySet[Sender]:
    revisions = Revision.objects.select_related("submitted_by", "decided_by").order_by("number")
    return Sender.objects.of(workspace_of(request)).prefetch_related(Prefetch("revisions", revisions))


class Senders(Resource, generics.ListAPIView[Sender]):
    reads = Scope.SENDERS_READ
    writes = Scope.SENDERS_WRITE
    serializer_class = SenderOutput
    permission = Permission.CREATE_SENDERS

    def get_queryset(self) -> QuerySet[Sender]:
        return _senders(self.request)

    @extend_schema(request=SenderInput, responses={201: SenderOutput})
    def post(self, request: Request) -> Response:
        sender = transitions.create(workspace_of(request), **given(request, SenderInput), by=user_of(request))
        return Response(SenderOutput(sender).data, status=status.HTTP_201_CREATED)


class OneSender(Kept):
    reads = Scope.SENDERS_READ

    def lock(self, request: Request, **ids: int) -> None:
        Sender.objects.lock(get_object_or_404(Sender.objects.of(workspace_of(request)), **ids).pk)

    @extend_schema(responses=SenderOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(SenderOutput(get_object_or_404(_senders(request), pk=pk)).data)


class Revisions(Verb):
    of = OneSender
    answers_it = False
    writes = Scope.SENDERS_WRITE
    permission = Permission.SUBMIT_REVISIONS

    @extend_schema(request=RevisionInput, responses={201: RevisionOutput})
    def post(self, request: Request, pk: int) -> Response:
        sender = get_object_or_404(Sender.objects.of(workspace_of(request)), pk=pk)
        revision = transitions.submit_revision(sender.pk, **given(request, RevisionInput), by=user_of(request))
        return Response(RevisionOutput(revision).data, status=status.HTTP_201_CREATED)
