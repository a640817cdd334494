"""A moderator judges campaigns and sender revisions over the API, with a personal token where the workspace allows it.

A key never does.
"""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, InstantField, NoInput, OptionalReasonInput, ReasonInput, given
from accounts.resources import Resource, Verb
from accounts.roles import Permission
from accounts.scopes import Scope
from campaigns.api import CampaignOutput, conditional, own_campaign, shown
from moderation import decisions, rescheduling
from moderation.models import Decision, Verdict
from senders.api import OneSender, RevisionOutput
from senders.models import Revision


class RescheduleInput(Input):
    send_at = InstantField()


class DecisionOutput(serializers.Serializer[Decision]):
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    by = serializers.CharField()
    at = serializers.DateTimeField()
    round = serializers.IntegerField(help_text="Which submission it is about.")
    reason = serializers.CharField()
    seal = serializers.CharField(help_text="SHA-256 of the content that was judged.")
    four_eyes = serializers.BooleanField(help_text="Whether the workspace asked for somebody else than who wrote it.")
    is_self_review = serializers.BooleanField(help_text="Whether whoever wrote or last edited it decided.")
    wants_two = serializers.BooleanField(help_text="Whether so many recipients needed two moderators.")


class Decisions(generics.ListAPIView[Decision]):
    """What was decided on a campaign, and by what rules."""

    reads = Scope.CAMPAIGNS_READ
    serializer_class = DecisionOutput

    def get_queryset(self) -> QuerySet[Decision]:
        return Decision.objects.about(own_campaign(self.request, self.kwargs["pk"]))


class Approve(Resource):
    writes = Scope.DECIDE
    permission = Permission.DECIDE

    @extend_schema(request=OptionalReasonInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id, words = own_campaign(request, pk), given(request, OptionalReasonInput)
        return shown(decisions.approve_campaign(campaign_id, **words, by=user_of(request), now=timezone.now()))


class Reject(Resource):
    writes = Scope.DECIDE
    permission = Permission.DECIDE

    @extend_schema(request=ReasonInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id, words = own_campaign(request, pk), given(request, ReasonInput)
        return shown(decisions.reject_campaign(campaign_id, **words, by=user_of(request), now=timezone.now()))


class Reschedule(Resource):
    """A missed campaign gets another minute, and so does an approved one that has not begun."""

    writes = Scope.DECIDE
    permission = Permission.DECIDE

    @extend_schema(request=RescheduleInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id, words = own_campaign(request, pk), given(request, RescheduleInput)
        return shown(rescheduling.reschedule(campaign_id, **words, by=user_of(request), now=timezone.now()))


class SendNow(Resource):
    """A missed campaign is sent at once."""

    writes = Scope.DECIDE
    permission = Permission.DECIDE

    @extend_schema(request=NoInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        return shown(decisions.send_now(campaign_id, by=user_of(request), now=timezone.now()))


class ApproveRevision(Verb):
    of = OneSender
    answers_it = False
    writes = Scope.DECIDE
    permission = Permission.DECIDE

    @extend_schema(request=OptionalReasonInput, responses=RevisionOutput)
    def post(self, request: Request, pk: int, number: int) -> Response:
        revision = decisions.approve_revision(
            _revision_id(request, pk, number),
            **given(request, OptionalReasonInput),
            by=user_of(request),
            now=timezone.now(),
        )
        return Response(RevisionOutput(revision).data)


class RejectRevision(Verb):
    of = OneSender
    answers_it = False
    writes = Scope.DECIDE
    permission = Permission.DECIDE

    @extend_schema(request=ReasonInput, responses=RevisionOutput)
    def post(self, request: Request, pk: int, number: int) -> Response:
        revision = decisions.reject_revision(
            _revision_id(request, pk, number), **given(request, ReasonInput), by=user_of(request), now=timezone.now()
        )
        return Response(RevisionOutput(revision).data)


def _revision_id(request: Request, sender_id: int, number: int) -> int:
    revisions: Any = Revision.objects.of(workspace_of(request))
    return int(get_object_or_404(revisions, sender_id=sender_id, number=number).pk)
