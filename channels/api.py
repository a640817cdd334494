"""Channels over the API: which ones a campaign may name."""

from typing import Any

from rest_framework import generics, serializers

from channels.models import Channel


class ChannelOutput(serializers.Serializer[Channel]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    is_default = serializers.BooleanField()
    tps = serializers.IntegerField(help_text="Most message parts a second; 0 is no limit.")


class Channels(generics.ListAPIView[Channel]):
    """Channels belong to the installation: every workspace may send over each that is active."""

    serializer_class = ChannelOutput

    def get_queryset(self) -> Any:
        return Channel.objects.active()
