"""Channels and routes over the API: which ones a campaign may name."""

from typing import Any

from rest_framework import generics, serializers

from accounts.scopes import Scope
from channels.models import Channel, DefaultCoding, LongMessages, Route, RouteMember


class ChannelOutput(serializers.Serializer[Channel]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    is_default = serializers.BooleanField()
    tps = serializers.IntegerField(help_text="Most message parts a second; 0 is no limit.")
    default_coding = serializers.ChoiceField(
        DefaultCoding.choices, help_text="The letters that go without UCS-2, and so without shorter parts."
    )
    long_messages = serializers.ChoiceField(LongMessages.choices, help_text="How the parts of a text are joined again.")
    default_validity_seconds = serializers.IntegerField(
        allow_null=True, help_text="The longest time that the carrier tries; null: as the installation has it."
    )
    accepted_is_delivered = serializers.BooleanField(
        help_text="Whether a receipt that says ACCEPTED counts as delivered."
    )


class Channels(generics.ListAPIView[Channel]):
    """Channels belong to the installation: every workspace may send over each that is active."""

    reads = Scope.CHANNELS_READ
    serializer_class = ChannelOutput

    def get_queryset(self) -> Any:
        return Channel.objects.active()


class RouteMemberOutput(serializers.Serializer[RouteMember]):
    channel = serializers.IntegerField(source="channel_id")
    name = serializers.CharField(source="channel.name")
    weight = serializers.IntegerField(help_text="Its share, against the weights of the others.")
    is_backup = serializers.BooleanField(help_text="Carries only while none of the others can.")


class RouteOutput(serializers.Serializer[Route]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    members = RouteMemberOutput(many=True, source="in_order")


class Routes(generics.ListAPIView[Route]):
    """Routes belong to the installation, as channels do: several channels as one, with shares and backups."""

    reads = Scope.CHANNELS_READ
    serializer_class = RouteOutput

    def get_queryset(self) -> Any:
        return Route.objects.active().with_members()
