"""Inquiries about one number over the API, for personal tokens of those who may."""

from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, given
from accounts.resources import Resource
from accounts.roles import Permission
from accounts.scopes import Scope
from objects.downloads import FROM_STORE
from recipients.suppressions import LONGEST_REASON
from reports import downloads, inquiries
from reports.models import Inquiry
from reports.statuses import Status


class InquiryInput(Input):
    to = serializers.CharField(max_length=40, help_text="A number in any format.")
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="Without the number: the ledger keeps it.")


class InquiryOutput(serializers.Serializer[Inquiry]):
    id = serializers.IntegerField()
    known_as = serializers.CharField(help_text="How the ledger calls the number: the beginning of its keyed hash.")
    status = serializers.ChoiceField(choices=Status.choices)
    percent = serializers.IntegerField(help_text="How much of the lists is searched.")
    reason = serializers.CharField()
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    failure = serializers.CharField()
    url = serializers.SerializerMethodField(help_text="Where to get the signed file, with the same token.")
    answer = serializers.SerializerMethodField(
        help_text="Once it is ready: number, messages, lists, suppressions, suppression_history, inbound. The same as "
        "`inquiry.json` in the file."
    )

    def get_url(self, inquiry: Inquiry) -> str | None:
        if inquiry.status != Status.READY:
            return None
        return str(self.context["request"].build_absolute_uri(reverse("api:inquiry-file", args=[inquiry.pk])))

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": {}})
    def get_answer(self, inquiry: Inquiry) -> dict[str, Any] | None:
        return inquiries.read(inquiry) if inquiry.status == Status.READY else None


class Inquiries(Resource):
    writes = Scope.INQUIRIES
    permission = Permission.PROVE

    @extend_schema(request=InquiryInput, responses={202: InquiryOutput})
    def post(self, request: Request) -> Response:
        """It is answered within seconds, later where lists are many and large: ask for it by its id."""
        asked = given(request, InquiryInput)
        inquiry = inquiries.ask(
            workspace_of(request), asked["to"], reason=asked["reason"], by=user_of(request), now=timezone.now()
        )
        output = InquiryOutput(inquiry, context={"request": request})
        return Response(output.data, status=status.HTTP_202_ACCEPTED)


class OneInquiry(APIView):
    reads = Scope.INQUIRIES
    read_permission = Permission.PROVE

    @extend_schema(responses=InquiryOutput)
    def get(self, request: Request, pk: int) -> Response:
        inquiry = get_object_or_404(Inquiry.objects.of(workspace_of(request)), pk=pk)
        return Response(InquiryOutput(inquiry, context={"request": request}).data)


class InquiryFile(APIView):
    reads = Scope.INQUIRIES
    read_permission = Permission.PROVE
    kinds = ("application/zip",)

    @extend_schema(
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            302: OpenApiResponse(description=FROM_STORE),
        }
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        return downloads.inquiry_response(get_object_or_404(Inquiry.objects.of(workspace_of(request)), pk=pk))
