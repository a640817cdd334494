"""Messages from phones over the API: to read."""

from typing import Any

from rest_framework import generics, serializers

from accounts.callers import workspace_of
from accounts.scopes import Scope
from delivery.models import Inbound


class InboundOutput(serializers.Serializer[Inbound]):
    id = serializers.IntegerField()
    received_at = serializers.DateTimeField()
    sender = serializers.SerializerMethodField(help_text="E.164 with +; null when it was no phone number.")
    to = serializers.CharField(source="to_address", help_text="The sender address or short code that was written to.")
    text = serializers.CharField()
    keyword = serializers.CharField(help_text="The stop word that it was taken for; the number is suppressed since.")

    def get_sender(self, message: Inbound) -> str | None:
        return f"+{message.phone}" if message.phone else None


class InboundMessages(generics.ListAPIView[Inbound]):
    """Those to addresses that are this workspace's alone; a long message comes in parts."""

    reads = Scope.INBOUND_READ
    serializer_class = InboundOutput

    def get_queryset(self) -> Any:
        return Inbound.objects.of(workspace_of(self.request))
