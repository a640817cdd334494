"""The keys and tokens of a workspace over the API: for whoever manages it, to see and to revoke. None is made here."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys
from accounts.callers import user_of, workspace_of
from accounts.models import ApiKey
from accounts.resources import Kept
from accounts.roles import Permission
from accounts.scopes import Scope


class KeyOutput(serializers.Serializer[ApiKey]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How its secret begins; nobody is told the rest again.")
    user = serializers.CharField(allow_null=True, help_text="Whose token it is; null for a key of the workspace.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class Keys(generics.ListAPIView[ApiKey]):
    serializer_class = KeyOutput
    read_permission = Permission.MANAGE
    reads = Scope.WORKSPACE_READ

    def get_queryset(self) -> Any:
        return ApiKey.objects.of(workspace_of(self.request)).select_related("user", "created_by")


class OneKey(Kept):
    permission = read_permission = Permission.MANAGE
    reads = Scope.WORKSPACE_READ
    writes = Scope.WORKSPACE_WRITE
    moving = ("last_used_at",)

    def lock(self, request: Request, **ids: int) -> None:
        ApiKey.objects.select_for_update(of=("self",), no_key=True).get(pk=_own(request, **ids).pk)

    @extend_schema(responses=KeyOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(KeyOutput(_own(request, pk)).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoked at once: the next call with it is answered 401. The row stays, to be seen."""
        keys.revoke(_own(request, pk).pk, by=user_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _own(request: Request, pk: int) -> ApiKey:
    return get_object_or_404(ApiKey.objects.of(workspace_of(request)).select_related("user", "created_by"), pk=pk)
