"""Campaigns over the API with what became of them: every term of the equation, the rate, the end."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import etags
from accounts.callers import workspace_of
from accounts.inputs import InstantField, asked
from accounts.scopes import Scope
from campaigns.api import CampaignOutput
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import counters
from delivery.counters import Totals
from reports import campaign_search, lately
from reports.pace import pace


class TotalsOutput(serializers.Serializer[Totals]):
    """rows = invalid + duplicate + suppressed + accepted, and accepted is the sum of what follows it."""

    rows = serializers.IntegerField()
    invalid = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    suppressed = serializers.IntegerField(help_text="By the list's preparation, and since then before their turn came.")
    accepted = serializers.IntegerField()
    delivered = serializers.IntegerField()
    failed = serializers.IntegerField()
    pending = serializers.IntegerField(help_text="Taken by the carrier, receipt awaited.")
    no_receipt = serializers.IntegerField()
    expired = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    uncertain = serializers.IntegerField(help_text="Handed over, answer lost; never resent.")
    waiting = serializers.IntegerField()


class CampaignReportOutput(CampaignOutput):
    totals = TotalsOutput()
    balanced = serializers.BooleanField(help_text="Whether both equations of the totals hold.")
    rate = serializers.FloatField(
        allow_null=True,
        help_text="Message parts a second: planned for a spread campaign, else reached within the last minute "
        "of sending; once it is over, over its run. null when it cannot be told.",
    )
    eta = serializers.DateTimeField(
        allow_null=True,
        help_text="When a campaign that is sending will be through; null when it cannot be told, "
        "or when it will not be in time.",
    )

    def to_representation(self, campaign: Campaign) -> dict[str, Any]:
        shown = CampaignOutput(campaign).data
        return {**shown, **self.moving(campaign, parts=shown["parts"])}

    def moving(self, campaign: Campaign, *, parts: int) -> dict[str, Any]:
        """What sending and receipts change."""
        totals: Totals = self.context["totals"][campaign.pk]
        recent = self.context["lately"].get(campaign.pk)
        tempo = pace(campaign, totals, recent, parts=parts, now=self.context["now"])
        eta = serializers.DateTimeField().to_representation(tempo.eta) if tempo.eta else None
        return {
            "totals": TotalsOutput(totals).data,
            "balanced": totals.balanced,
            "rate": tempo.rate,
            "eta": eta,
        }


class Id(serializers.IntegerField):
    """Of something to narrow by: what is not there, or not ours, narrows to nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, required=False, **kwargs)


class CampaignQuery(serializers.Serializer[Any]):
    """As the page of campaigns has it; days are those of the workspace's clock."""

    status = serializers.ChoiceField(
        choices=[*Status.values, *campaign_search.GROUPS],
        required=False,
        error_messages={"invalid_choice": f"“{{input}}” is not a status: write {', '.join(Status.values)}."},
        help_text="; ".join(f"`{name}`: {', '.join(of)}" for name, of in campaign_search.GROUPS.items()),
    )
    mode = serializers.ChoiceField(choices=Mode.values, required=False)
    sender = Id(help_text="Its id.")
    author = Id(help_text="The id of whoever wrote it, as members have it in `user`.")
    list = Id(help_text="Only those that go to this list, archived or not.")
    search = serializers.CharField(max_length=120, required=False, help_text="A part of its name, or of its list's.")
    since = serializers.DateField(
        required=False, help_text="Began, or will begin, on this day or later; without a time, was written."
    )
    until = serializers.DateField(required=False, help_text="Included.")
    created_since = InstantField(required=False)
    created_before = InstantField(required=False)
    archived = serializers.BooleanField(
        required=False, help_text="true: the archived ones; otherwise those that are not."
    )


class ReadCampaigns(generics.GenericAPIView[Campaign]):
    reads = Scope.CAMPAIGNS_READ
    serializer_class = CampaignReportOutput

    def get_queryset(self) -> Any:
        wanted = asked(self.request, CampaignQuery)
        with timezone.override(workspace_of(self.request).zone):
            return campaign_search.narrow(_campaigns(self.request), {**wanted, "q": wanted.get("search")})

    @extend_schema(parameters=[CampaignQuery], responses=CampaignReportOutput(many=True))
    def get(self, request: Request) -> Response:
        page = list(self.paginate_queryset(self.get_queryset()) or [])
        context = _context(page)
        return self.get_paginated_response([CampaignReportOutput(row, context=context).data for row in page])


class ReadCampaign(APIView):
    reads = Scope.CAMPAIGNS_READ

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "If-None-Match", str, OpenApiParameter.HEADER, description="The last `ETag`: 304 when nothing moved."
            )
        ],
        responses={200: CampaignReportOutput, 304: OpenApiResponse(description="As you have it.")},
    )
    def get(self, request: Request, pk: int) -> Response:
        campaign = get_object_or_404(_campaigns(request), pk=pk)
        shown = CampaignOutput(campaign).data
        moving = CampaignReportOutput(context=_context([campaign])).moving(campaign, parts=shown["parts"])
        headers = {"ETag": etags.tag(shown, moving)}
        if not etags.is_new(headers["ETag"], if_none_match=request.headers.get("If-None-Match")):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return Response({**shown, **moving}, headers=headers)


def _campaigns(request: Request) -> Any:
    return Campaign.objects.of(workspace_of(request)).select_related("revision", "list", "created_by")


def _context(campaigns: list[Campaign]) -> dict[str, Any]:
    now = timezone.now()
    return {"totals": counters.totals_of(campaigns), "lately": lately.handed_over(campaigns, now=now), "now": now}
