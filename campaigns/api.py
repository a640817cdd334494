"""Campaigns over the API: written and moved by their authors. Reading them with their totals is in `reports`."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import etags
from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, InstantField, NoInput, OptionalReasonInput, OwnField, given
from accounts.resources import Resource
from accounts.scopes import Scope
from campaigns import drafts, gsm, transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from channels.models import Channel, Route
from recipients.models import RecipientList
from senders.models import Sender


@extend_schema_field({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"})
class ClockField(serializers.TimeField):
    """A time of the day, HH:MM, in the zone of the workspace."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%H:%M", input_formats=["%H:%M"], **kwargs)


class CampaignInput(Input):
    name = serializers.CharField(max_length=120)
    mode = serializers.ChoiceField(
        choices=Mode.choices,
        error_messages={"invalid_choice": f"“{{input}}” is not a mode: write {', '.join(Mode.values)}."},
    )
    text = serializers.CharField(max_length=10_000, trim_whitespace=False)
    sender = OwnField(queryset=Sender.objects.all())
    list = OwnField(queryset=RecipientList.objects.all(), required=False, allow_null=True)
    channel = serializers.PrimaryKeyRelatedField(
        queryset=Channel.objects.active(), required=False, allow_null=True, help_text="The default one when empty."
    )
    route = serializers.PrimaryKeyRelatedField(
        queryset=Route.objects.active(), required=False, allow_null=True, help_text="Instead of a channel."
    )
    send_at = InstantField(required=False, allow_null=True, help_text="For the mode scheduled.")
    date_from = InstantField(required=False, allow_null=True, help_text="For the mode spread.")
    date_to = InstantField(required=False, allow_null=True, help_text="For the mode spread.")
    not_after = InstantField(required=False, allow_null=True, help_text="What is unsent then, is not sent.")
    daily_from = ClockField(
        required=False,
        allow_null=True,
        help_text="In the workspace's time zone: nothing is sent before it.",
    )
    daily_to = ClockField(
        required=False,
        allow_null=True,
        help_text="Nothing is sent from then on; of the next day where it is earlier.",
    )
    parts_per_second = serializers.IntegerField(
        min_value=1,
        max_value=drafts.MOST_PARTS_PER_SECOND,
        required=False,
        allow_null=True,
        help_text="The campaign's own limit, below whatever its channel may.",
    )


class CampaignOutput(serializers.Serializer[Campaign]):
    id = serializers.IntegerField()
    public_id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    mode = serializers.ChoiceField(choices=Mode.choices)
    text = serializers.CharField()
    placeholders = serializers.ListField(
        child=serializers.CharField(),
        source="template.names",
        help_text="The columns of the list that the text names.",
    )
    encoding = serializers.SerializerMethodField(help_text="gsm7 or ucs2; with placeholders it may be another.")
    parts = serializers.SerializerMethodField(
        help_text="Message parts for each recipient; the least that anybody gets, with placeholders."
    )
    sender = serializers.IntegerField(source="sender_id")
    revision = serializers.IntegerField(source="revision.number")
    list = serializers.IntegerField(source="list_id", allow_null=True)
    channel = serializers.IntegerField(source="channel_id", help_text="The first one of the route, with a route.")
    route = serializers.IntegerField(source="route_id", allow_null=True)
    send_at = serializers.DateTimeField(allow_null=True)
    date_from = serializers.DateTimeField(allow_null=True)
    date_to = serializers.DateTimeField(allow_null=True)
    not_after = serializers.DateTimeField(allow_null=True)
    daily_from = ClockField(allow_null=True)
    daily_to = ClockField(allow_null=True)
    parts_per_second = serializers.IntegerField(allow_null=True)
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    approved_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    archived_at = serializers.DateTimeField(allow_null=True)
    rejection_reason = serializers.CharField()
    stopped_because = serializers.CharField()

    def get_encoding(self, campaign: Campaign) -> str:
        return gsm.measure(campaign.template.least).encoding

    def get_parts(self, campaign: Campaign) -> int:
        return gsm.count_parts(campaign.template.least)


P = ParamSpec("P")
Handler = Callable[Concatenate[Any, Request, int, P], Response]
_documented = extend_schema(
    parameters=[
        OpenApiParameter(
            "If-Match",
            str,
            OpenApiParameter.HEADER,
            description="An `ETag` of the campaign: 412, and nothing done, when people have changed it since.",
        )
    ]
)


def conditional(handler: Handler[P]) -> Handler[P]:
    """For a method of a view that changes the campaign of its address: with `If-Match`, the one that was read."""

    @wraps(handler)
    def held(view: Any, request: Request, pk: int, *args: P.args, **kwargs: P.kwargs) -> Response:
        if_match = request.headers.get("If-Match")
        if if_match is None:
            return handler(view, request, pk, *args, **kwargs)
        with transaction.atomic():
            campaign = Campaign.objects.lock(own_campaign(request, pk))
            etags.check_as_read(etags.tag(CampaignOutput(campaign).data), if_match=if_match)
            return handler(view, request, pk, *args, **kwargs)

    return cast(Handler[P], _documented(held))


class WriteCampaigns(Resource):
    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=CampaignInput, responses={201: CampaignOutput})
    def post(self, request: Request) -> Response:
        content = drafts.Content(**given(request, CampaignInput))
        campaign = drafts.create(workspace_of(request), content, by=user_of(request), now=timezone.now())
        return shown(campaign, status=status.HTTP_201_CREATED)


class EditCampaign(APIView):
    """What is given is changed, the rest stays; only a draft is edited."""

    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=CampaignInput, responses=CampaignOutput)
    @conditional
    def patch(self, request: Request, pk: int) -> Response:
        campaign = drafts.amend(
            own_campaign(request, pk),
            given(request, CampaignInput, partial=True),
            by=user_of(request),
            now=timezone.now(),
        )
        return shown(campaign)


class Submit(Resource):
    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=NoInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        return shown(transitions.submit(campaign_id, by=user_of(request), now=timezone.now()))


class Withdraw(Resource):
    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=NoInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        return shown(transitions.withdraw(campaign_id, by=user_of(request)))


class Revise(Resource):
    """A rejected campaign becomes a draft again."""

    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=NoInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        return shown(transitions.revise(campaign_id, by=user_of(request)))


class Pause(Resource):
    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=OptionalReasonInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id, reason = own_campaign(request, pk), given(request, OptionalReasonInput)["reason"]
        return shown(transitions.pause(campaign_id, by=user_of(request), reason=reason))


class Resume(Resource):
    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=NoInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        return shown(transitions.resume(campaign_id, by=user_of(request), now=timezone.now()))


class Cancel(Resource):
    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=OptionalReasonInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id, reason = own_campaign(request, pk), given(request, OptionalReasonInput)["reason"]
        return shown(transitions.cancel(campaign_id, by=user_of(request), now=timezone.now(), reason=reason))


class Archive(Resource):
    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=NoInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        return shown(transitions.archive(campaign_id, by=user_of(request), now=timezone.now()))


class Restore(Resource):
    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=NoInput, responses=CampaignOutput)
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        return shown(transitions.restore(campaign_id, by=user_of(request)))


class Clone(Resource):
    """A fresh draft of the same content: without its times, and without a list that can no longer be sent to."""

    writes = Scope.CAMPAIGNS_WRITE

    @extend_schema(request=NoInput, responses={201: CampaignOutput})
    @conditional
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        made = drafts.clone(campaign_id, by=user_of(request), now=timezone.now())
        return shown(made, status=status.HTTP_201_CREATED)


def shown(campaign: Campaign, *, status: int = status.HTTP_200_OK) -> Response:
    data = CampaignOutput(campaign).data
    return Response(data, status=status, headers={"ETag": etags.tag(data)})


def own_campaign(request: Request, pk: int) -> int:
    """The id, once it is known to be the caller's; else 404."""
    return get_object_or_404(Campaign.objects.of(workspace_of(request)), pk=pk).pk
