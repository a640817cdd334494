"""The workspace's limits over the API: what it may spend, and what it has spent. An admin sets them."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import limits
from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, given
from accounts.models import Workspace
from accounts.resources import Kept
from accounts.roles import Permission
from accounts.scopes import Scope
from delivery import spending


class LimitsInput(Input):
    parts_per_day = serializers.IntegerField(min_value=0, max_value=limits.HIGHEST, allow_null=True)
    parts_per_month = serializers.IntegerField(min_value=0, max_value=limits.HIGHEST, allow_null=True)
    destinations = serializers.ListField(
        child=serializers.CharField(max_length=20), help_text="How numbers must begin; empty is everywhere."
    )


class LimitsOutput(serializers.Serializer[Any]):
    parts_per_day = serializers.IntegerField(allow_null=True)
    parts_per_month = serializers.IntegerField(allow_null=True)
    destinations = serializers.ListField(child=serializers.CharField())
    spent_today = serializers.IntegerField(help_text="Parts. Counted as long as there is a limit.")
    spent_this_month = serializers.IntegerField()


class Limits(Kept):
    reads = Scope.WORKSPACE_READ
    writes = Scope.WORKSPACE_WRITE
    permission = Permission.MANAGE
    moving = ("spent_today", "spent_this_month")

    @extend_schema(responses=LimitsOutput)
    def get(self, request: Request) -> Response:
        return Response(_shown(workspace_of(request)))

    @extend_schema(request=LimitsInput, responses=LimitsOutput)
    def put(self, request: Request) -> Response:
        workspace = limits.limit(workspace_of(request).pk, **given(request, LimitsInput), by=user_of(request))
        return Response(_shown(workspace))


def _shown(workspace: Workspace) -> dict[str, Any]:
    spent = spending.spent(workspace, now=timezone.now())
    return {
        "parts_per_day": workspace.parts_per_day,
        "parts_per_month": workspace.parts_per_month,
        "destinations": workspace.destinations or [],
        "spent_today": spent.of_day,
        "spent_this_month": spent.of_month,
    }
