"""Test sends over the API: asked for, and what became of the last ones."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, given
from accounts.resources import Resource
from accounts.scopes import Scope
from campaigns import trials as sending
from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery.statuses import Term
from recipients import unmasking
from recipients.outputs import NumberField
from reports import trials
from reports.api import ErrorOutput


class TrialInput(Input):
    to = serializers.ListField(
        child=serializers.CharField(max_length=40),
        min_length=1,
        max_length=sending.MOST,
        help_text="Numbers of test phones of the workspace.",
    )
    params = serializers.DictField(
        child=serializers.CharField(max_length=sending.LONGEST_VALUE, allow_blank=True),
        required=False,
        help_text="What stands in for columns of the list; else its first rows do.",
    )


class TrialResultOutput(serializers.Serializer[Any]):
    to = NumberField()
    status = serializers.ChoiceField(choices=Term.choices, source="term")
    error = ErrorOutput(allow_null=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)
    parts = serializers.IntegerField(help_text="0 as long as it is not handed over.")


class TrialOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Status.choices, source="campaign.status")
    stopped_because = serializers.CharField(source="campaign.stopped_because")
    created_by = serializers.CharField(source="campaign.created_by")
    created_at = serializers.DateTimeField(source="campaign.created_at")
    results = TrialResultOutput(many=True)


class TrialPage(serializers.Serializer[Any]):
    results = TrialOutput(many=True)
    next = serializers.URLField(allow_null=True, help_text="Always null: the newest are shown.")


class Trials(Resource):
    """They are no campaigns: nothing of them counts towards the campaign, or shows among campaigns."""

    reads = Scope.CAMPAIGNS_READ
    writes = Scope.CAMPAIGNS_WRITE
    names_numbers = True

    @extend_schema(responses=TrialPage)
    def get(self, request: Request, pk: int) -> Response:
        campaign = _campaign(request, pk)
        shown = trials.of(campaign, now=timezone.now())
        results = TrialOutput(shown, many=True, context=_context(request, campaign)).data
        return Response({"results": results, "next": None})

    @extend_schema(request=TrialInput, responses={202: TrialOutput})
    def post(self, request: Request, pk: int) -> Response:
        campaign = _campaign(request, pk)
        trial = sending.send(campaign.pk, **given(request, TrialInput), by=user_of(request), now=timezone.now())
        shown = TrialOutput(trials.one(trial, now=timezone.now()), context=_context(request, campaign))
        return Response(shown.data, status=status.HTTP_202_ACCEPTED)


def _context(request: Request, campaign: Campaign) -> dict[str, bool]:
    return {"is_whole": unmasking.for_call(request, campaign, of="tests")}


def _campaign(request: Request, pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.of(workspace_of(request)), pk=pk)
