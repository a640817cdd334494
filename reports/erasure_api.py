"""The erasure of a number over the API: asked for by an admin, whose number is in no address and in no answer."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, given
from accounts.resources import Resource
from accounts.roles import Permission
from accounts.scopes import Scope
from recipients import suppressions
from reports import erasures
from reports.models import Erasure
from reports.statuses import ErasureStatus, Place


class ErasureInput(Input):
    to = serializers.CharField(max_length=40, help_text="A number in any format.")
    reason = serializers.CharField(max_length=suppressions.LONGEST_REASON, help_text="Without the number.")


class PlaceOutput(serializers.Serializer[Any]):
    place = serializers.ChoiceField(choices=Place.choices)
    erased = serializers.IntegerField(source="found", help_text="Copies that were found there, and are no more.")
    awaited = serializers.IntegerField(help_text="What may still come: it is looked at again.")
    unread = serializers.IntegerField(help_text="Objects that are damaged or missing.")


class ErasureOutput(serializers.Serializer[Erasure]):
    id = serializers.IntegerField()
    known_as = serializers.CharField(help_text="How the ledger calls the number: the beginning of its keyed hash.")
    status = serializers.ChoiceField(choices=ErasureStatus.choices)
    reason = serializers.CharField()
    asked_by = serializers.CharField(allow_null=True)
    asked_at = serializers.DateTimeField()
    look_at = serializers.DateTimeField(help_text="When every place is gone through next, unless it is done.")
    done_at = serializers.DateTimeField(allow_null=True)
    places = serializers.SerializerMethodField(help_text="In the order in which they are gone through.")

    @extend_schema_field(PlaceOutput(many=True))
    def get_places(self, erasure: Erasure) -> Any:
        return PlaceOutput(erasure.steps.order_by("pk"), many=True).data


class Erasures(Resource):
    writes = Scope.ERASURES
    permission = Permission.MANAGE

    @extend_schema(request=ErasureInput, responses={202: ErasureOutput})
    def post(self, request: Request) -> Response:
        """From the answer on nothing is sent to the number. It is refused (409) while it is being erased already."""
        asked = given(request, ErasureInput)
        erasure = erasures.ask(
            workspace_of(request), asked["to"], reason=asked["reason"], by=user_of(request), now=timezone.now()
        )
        return Response(ErasureOutput(erasure).data, status=status.HTTP_202_ACCEPTED)


class OneErasure(APIView):
    reads = Scope.ERASURES
    read_permission = Permission.MANAGE

    @extend_schema(responses=ErasureOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(ErasureOutput(get_object_or_404(Erasure.objects.of(workspace_of(request)), pk=pk)).data)
