"""Webhooks over the API: for whoever manages the workspace. A secret is said to the call that makes it, to no other."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, NoInput, asked, given
from accounts.resources import Kept, Resource, Verb
from accounts.roles import Permission
from accounts.scopes import Scope
from webhooks import endpoints, wall
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.statuses import TEST, DeliveryState, Disabled, Event


class WebhookInput(Input):
    url = serializers.CharField(max_length=wall.LENGTH, help_text="https, to a public address.")
    description = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    events = serializers.ListField(child=serializers.ChoiceField(choices=Event.choices), allow_empty=False)
    with_numbers = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Events of messages and of suppressed numbers say which number. Cannot be changed afterwards.",
    )


class ChangeWebhookInput(Input):
    url = serializers.CharField(max_length=wall.LENGTH, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Event.choices), allow_empty=False, required=False
    )


class WebhookOutput(serializers.Serializer[Endpoint]):
    id = serializers.IntegerField()
    url = serializers.CharField()
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(choices=Event.choices))
    with_numbers = serializers.BooleanField()
    disabled = serializers.ChoiceField(choices=Disabled.choices, help_text="Why nothing is sent; empty: it is.")
    failing_since = serializers.DateTimeField(allow_null=True, help_text="Since when nothing was delivered.")
    old_secret_until = serializers.DateTimeField(allow_null=True, help_text="Until then two secrets sign.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class NewWebhookOutput(WebhookOutput):
    secret = serializers.CharField(
        help_text="Said to this call alone, and to the same one with its `Idempotency-Key` for a day."
    )


class AttemptOutput(serializers.Serializer[Attempt]):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True, help_text="null: there was no answer.")
    answer = serializers.CharField(help_text="How it begins.")
    trouble = serializers.CharField(help_text="Why there was no answer.")
    milliseconds = serializers.IntegerField()


class DeliveryOutput(serializers.Serializer[Delivery]):
    id = serializers.IntegerField()
    webhook_id = serializers.CharField(source="public_id", help_text="The header webhook-id, the same at each attempt.")
    event = serializers.CharField()
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    made_at = serializers.DateTimeField()
    next_at = serializers.DateTimeField(help_text="While it is pending.")


class WholeDeliveryOutput(DeliveryOutput):
    payload = serializers.DictField(help_text="Without numbers: those are looked up when it leaves.")
    attempts = AttemptOutput(many=True)


class Managed(Resource):
    permission = read_permission = Permission.MANAGE
    reads = Scope.WORKSPACE_READ
    writes = Scope.WORKSPACE_WRITE


class Webhooks(Managed, generics.ListAPIView[Endpoint]):
    serializer_class = WebhookOutput

    def get_queryset(self) -> QuerySet[Endpoint]:
        return Endpoint.objects.of(workspace_of(self.request)).select_related("created_by")

    @extend_schema(request=WebhookInput, responses={201: NewWebhookOutput})
    def post(self, request: Request) -> Response:
        """It hears of what happens from here on."""
        wanted = given(request, WebhookInput)
        made, secret = endpoints.create(workspace_of(request), **wanted, by=user_of(request), now=timezone.now())
        return _with_secret(made, secret, code=status.HTTP_201_CREATED)


class OneWebhook(Managed, Kept):
    moving = ("failing_since",)

    def lock(self, request: Request, **ids: int) -> None:
        Endpoint.objects.lock(_endpoint(request, **ids).pk)

    @extend_schema(responses=WebhookOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(WebhookOutput(_endpoint(request, pk)).data)

    @extend_schema(request=ChangeWebhookInput, responses=WebhookOutput)
    def patch(self, request: Request, pk: int) -> Response:
        endpoint = _endpoint(request, pk)
        changed = endpoints.change(endpoint.pk, **given(request, ChangeWebhookInput), by=user_of(request))
        return Response(WebhookOutput(changed).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        endpoints.delete(_endpoint(request, pk).pk, by=user_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateWebhook(Managed, Verb):
    of = OneWebhook
    answers_it = False  # but its secret as well

    @extend_schema(request=NoInput, responses=NewWebhookOutput)
    def post(self, request: Request, pk: int) -> Response:
        """A new secret; the one before it signs beside it for a day."""
        given(request, NoInput)
        rotated, secret = endpoints.rotate(_endpoint(request, pk).pk, by=user_of(request), now=timezone.now())
        return _with_secret(rotated, secret)


class EnableWebhook(Managed, Verb):
    of = OneWebhook

    @extend_schema(request=NoInput, responses=WebhookOutput)
    def post(self, request: Request, pk: int) -> Response:
        """What waits is tried at once, and what happened meanwhile is told."""
        given(request, NoInput)
        endpoints.enable(_endpoint(request, pk).pk, by=user_of(request), now=timezone.now())
        return Response(WebhookOutput(_endpoint(request, pk)).data)


class DisableWebhook(Managed, Verb):
    of = OneWebhook

    @extend_schema(request=NoInput, responses=WebhookOutput)
    def post(self, request: Request, pk: int) -> Response:
        given(request, NoInput)
        endpoints.disable(_endpoint(request, pk).pk, why=Disabled.BY_HAND, by=user_of(request))
        return Response(WebhookOutput(_endpoint(request, pk)).data)


class TryWebhook(Managed, Verb):
    of = OneWebhook
    answers_it = False

    @extend_schema(request=NoInput, responses={201: DeliveryOutput})
    def post(self, request: Request, pk: int) -> Response:
        """An event that says nothing but that it came: `webhook.test`."""
        given(request, NoInput)
        made = endpoints.try_out(_endpoint(request, pk).pk, by=user_of(request), now=timezone.now())
        return Response(DeliveryOutput(made).data, status=status.HTTP_201_CREATED)


class DeliveryQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=DeliveryState.choices, required=False)
    event = serializers.ChoiceField(choices=[*Event.values, TEST], required=False)


@extend_schema_view(get=extend_schema(parameters=[DeliveryQuery]))
class Deliveries(Managed, generics.ListAPIView[Delivery]):
    """What was sent to it, the newest first."""

    serializer_class = DeliveryOutput

    def get_queryset(self) -> QuerySet[Delivery]:
        endpoint = _endpoint(self.request, self.kwargs["pk"])
        wanted = asked(self.request, DeliveryQuery)
        return Delivery.objects.of(workspace_of(self.request)).filter(endpoint=endpoint, **wanted).for_a_list()


class OneDelivery(Managed, Kept):
    moving = ("next_at", "attempts")

    def lock(self, request: Request, **ids: int) -> None:
        delivery = _delivery(request, **ids)
        Endpoint.objects.lock(delivery.endpoint_id)
        Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)

    @extend_schema(responses=WholeDeliveryOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(WholeDeliveryOutput(_delivery(request, pk)).data)


class Redeliver(Managed, Verb):
    of = OneDelivery
    answers_it = False  # but the beginning of it

    @extend_schema(request=NoInput, responses=DeliveryOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Once more under the same webhook-id, whatever became of it."""
        given(request, NoInput)
        again = endpoints.redeliver(_delivery(request, pk).pk, by=user_of(request), now=timezone.now())
        return Response(DeliveryOutput(again).data)


def _with_secret(endpoint: Endpoint, secret: str, *, code: int = status.HTTP_200_OK) -> Response:
    data: dict[str, Any] = {**WebhookOutput(endpoint).data, "secret": secret}
    return Response(data, status=code, headers={"Cache-Control": "no-store"})


def _endpoint(request: Request, pk: int) -> Endpoint:
    return get_object_or_404(Endpoint.objects.of(workspace_of(request)).select_related("created_by"), pk=pk)


def _delivery(request: Request, pk: int) -> Delivery:
    return get_object_or_404(Delivery.objects.of(workspace_of(request)), pk=pk)
