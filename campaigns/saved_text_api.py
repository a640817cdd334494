"""The texts that a workspace keeps, over the API."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, NoInput, given
from accounts.resources import Kept, Resource
from accounts.scopes import Scope
from campaigns import saved_texts
from campaigns.models import SavedText


class TemplateInput(Input):
    name = serializers.CharField(max_length=120)
    text = serializers.CharField(max_length=10_000, trim_whitespace=False)


class TemplateOutput(serializers.Serializer[SavedText]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    text = serializers.CharField()
    placeholders = serializers.ListField(child=serializers.CharField(), source="template.names")
    kept_by = serializers.CharField()
    kept_at = serializers.DateTimeField()


class Templates(Resource, generics.GenericAPIView[SavedText]):
    """Texts to begin campaigns with: a campaign takes a copy."""

    reads = Scope.CAMPAIGNS_READ
    writes = Scope.CAMPAIGNS_WRITE
    serializer_class = TemplateOutput

    def get_queryset(self) -> Any:
        return SavedText.objects.of(workspace_of(self.request)).select_related("kept_by")

    @extend_schema(responses=TemplateOutput(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response([TemplateOutput(row).data for row in page])

    @extend_schema(request=TemplateInput, responses={201: TemplateOutput})
    def post(self, request: Request) -> Response:
        kept = saved_texts.keep(workspace_of(request), **given(request, TemplateInput), by=user_of(request))
        return Response(TemplateOutput(kept).data, status=status.HTTP_201_CREATED)


class OneTemplate(Kept):
    reads = Scope.CAMPAIGNS_READ
    writes = Scope.CAMPAIGNS_WRITE

    def lock(self, request: Request, **ids: int) -> None:
        SavedText.objects.lock(_own(request, **ids).pk)

    @extend_schema(responses=TemplateOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(TemplateOutput(_own(request, pk)).data)

    @extend_schema(request=TemplateInput, responses=TemplateOutput)
    def patch(self, request: Request, pk: int) -> Response:
        row = _own(request, pk)
        changed = saved_texts.change(row.pk, given(request, TemplateInput, partial=True), by=user_of(request))
        return Response(TemplateOutput(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        row = _own(request, pk)
        given(request, NoInput)
        saved_texts.remove(row.pk, by=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _own(request: Request, pk: int) -> SavedText:
    return get_object_or_404(SavedText.objects.of(workspace_of(request)), pk=pk)
