"""What an approval needs in the workspace, over the API: every member's program reads it, an admin's changes it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import rules
from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, given
from accounts.models import Workspace
from accounts.resources import Kept
from accounts.roles import Permission
from accounts.scopes import Scope


class RulesInput(Input):
    four_eyes = serializers.BooleanField(help_text="Somebody else must approve than who wrote or last edited it.")
    second_approver_above = serializers.IntegerField(
        min_value=0, max_value=rules.HIGHEST, allow_null=True, help_text="Recipients; null: one approver is enough."
    )
    approval_days = serializers.IntegerField(
        min_value=1, max_value=rules.MOST_DAYS, allow_null=True, help_text="null: an approval stands for ever."
    )
    tokens_may_decide = serializers.BooleanField(help_text="A moderator's token may; a key never does.")


class RulesOutput(serializers.Serializer[Workspace]):
    four_eyes = serializers.BooleanField()
    second_approver_above = serializers.IntegerField(allow_null=True)
    approval_days = serializers.IntegerField(allow_null=True)
    tokens_may_decide = serializers.BooleanField()


class Rules(Kept):
    reads = Scope.WORKSPACE_READ
    writes = Scope.WORKSPACE_WRITE
    permission = Permission.MANAGE

    @extend_schema(responses=RulesOutput)
    def get(self, request: Request) -> Response:
        return Response(RulesOutput(workspace_of(request)).data)

    @extend_schema(request=RulesInput, responses=RulesOutput)
    def patch(self, request: Request) -> Response:
        """What is named changes, from the next decision on; the ledger has what it was."""
        wanted: dict[str, Any] = given(request, RulesInput, partial=True)
        return Response(RulesOutput(rules.rule(workspace_of(request).pk, **wanted, by=user_of(request))).data)
