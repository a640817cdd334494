"""A moderator judges campaigns over the API, with a personal token where the workspace allows it; a key never does."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import user_of
from accounts.inputs import Input, InstantField, NoInput, OptionalReasonInput, ReasonInput, given
from accounts.roles import Permission
from campaigns.api import CampaignOutput, own_campaign, shown
from moderation import decisions, rescheduling


class RescheduleInput(Input):
    send_at = InstantField()


class Approve(APIView):
    permission = Permission.DECIDE

    @extend_schema(request=OptionalReasonInput, responses=CampaignOutput)
    def post(self, request: Request, pk: int) -> Response:
        campaign_id, words = own_campaign(request, pk), given(request, OptionalReasonInput)
        return shown(decisions.approve_campaign(campaign_id, **words, by=user_of(request), now=timezone.now()))


class Reject(APIView):
    permission = Permission.DECIDE

    @extend_schema(request=ReasonInput, responses=CampaignOutput)
    def post(self, request: Request, pk: int) -> Response:
        campaign_id, words = own_campaign(request, pk), given(request, ReasonInput)
        return shown(decisions.reject_campaign(campaign_id, **words, by=user_of(request), now=timezone.now()))


class Reschedule(APIView):
    """A missed campaign gets another minute, and so does an approved one that has not begun."""

    permission = Permission.DECIDE

    @extend_schema(request=RescheduleInput, responses=CampaignOutput)
    def post(self, request: Request, pk: int) -> Response:
        campaign_id, words = own_campaign(request, pk), given(request, RescheduleInput)
        return shown(rescheduling.reschedule(campaign_id, **words, by=user_of(request), now=timezone.now()))


class SendNow(APIView):
    """A missed campaign is sent at once."""

    permission = Permission.DECIDE

    @extend_schema(request=NoInput, responses=CampaignOutput)
    def post(self, request: Request, pk: int) -> Response:
        campaign_id = own_campaign(request, pk)
        given(request, NoInput)
        return shown(decisions.send_now(campaign_id, by=user_of(request), now=timezone.now()))
