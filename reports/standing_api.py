"""Standing exports over the API: for whoever manages the workspace."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import permissions_of, user_of, workspace_of
from accounts.inputs import Input, given
from accounts.resources import Kept, Resource
from accounts.roles import Permission
from accounts.scopes import Scope
from campaigns.api import ClockField
from reports import standing
from reports.lines import COLUMNS
from reports.models import Format, Numbers, StandingExport

LONGEST = 24 * 30  # hours after the end


class StandingExportInput(Input):
    format = serializers.ChoiceField(choices=Format.choices)
    numbers = serializers.ChoiceField(
        choices=Numbers.choices,
        default=Numbers.MASKED,
        help_text="Whole ones need the scope `numbers`, too, and a role that may see them.",
    )
    columns = serializers.ListField(
        child=serializers.ChoiceField(choices=[(name, name) for name in COLUMNS]),
        required=False,
        default=list,
        help_text="In their order; all when empty.",
    )
    hours_after_end = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=LONGEST,
        help_text="Of each campaign that ends from here on, or `daily_at`.",
    )
    daily_at = ClockField(
        required=False,
        help_text="Of each campaign that was under way in the day before, at this time of the workspace's zone.",
    )


class StandingExportOutput(serializers.Serializer[StandingExport]):
    id = serializers.IntegerField()
    format = serializers.ChoiceField(choices=Format.choices)
    columns = serializers.ListField(child=serializers.CharField())
    numbers = serializers.ChoiceField(choices=Numbers.choices)
    hours_after_end = serializers.IntegerField(allow_null=True)
    daily_at = ClockField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True, help_text="Of a daily one.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class StandingExports(Resource, generics.ListAPIView[StandingExport]):
    """When a file is ready, webhooks that want `export.ready` are told where it is."""

    permission = read_permission = Permission.MANAGE
    reads = Scope.WORKSPACE_READ
    writes = Scope.WORKSPACE_WRITE
    serializer_class = StandingExportOutput

    def get_queryset(self) -> QuerySet[StandingExport]:
        return StandingExport.objects.of(workspace_of(self.request))

    @extend_schema(request=StandingExportInput, responses={201: StandingExportOutput})
    def post(self, request: Request) -> Response:
        made = standing.create(
            workspace_of(request),
            **given(request, StandingExportInput),
            by=user_of(request),
            permissions=permissions_of(request),
            now=timezone.now(),
        )
        return Response(StandingExportOutput(made).data, status=status.HTTP_201_CREATED)


class OneStandingExport(Kept):
    permission = read_permission = Permission.MANAGE
    reads = Scope.WORKSPACE_READ
    writes = Scope.WORKSPACE_WRITE
    moving = ("next_at",)

    def lock(self, request: Request, **ids: int) -> None:
        StandingExport.objects.lock(_own(request, **ids).pk)

    @extend_schema(responses=StandingExportOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(StandingExportOutput(_own(request, pk)).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """What it has asked for stays."""
        standing.end(_own(request, pk).pk, by=user_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _own(request: Request, pk: int) -> StandingExport:
    return get_object_or_404(StandingExport.objects.of(workspace_of(request)), pk=pk)
