"""A typed client for the API of Message Center: lists, campaigns, messages, what became of each number, and webhooks.

with Client("https://sms.example.com", key="mc_…") as center:
    center.messages.push(17, to="+31612345678", params={"code": "4711"}, key="order 9")
"""

from message_center_client import models
from message_center_client.client import Client
from message_center_client.errors import (
    ApiError,
    Away,
    Changed,
    Conflict,
    Failed,
    Invalid,
    KeyRefused,
    MessageCenterError,
    NotAllowed,
    NotFound,
    NotGenuine,
    NotReady,
    TooMany,
    Unreachable,
)
from message_center_client.events import (
    CampaignMoved,
    Event,
    ExportEnded,
    MessagesSettled,
    SuppressionsChanged,
    Tried,
    Webhook,
)

__all__ = [
    "ApiError",
    "Away",
    "CampaignMoved",
    "Changed",
    "Client",
    "Conflict",
    "Event",
    "ExportEnded",
    "Failed",
    "Invalid",
    "KeyRefused",
    "MessageCenterError",
    "MessagesSettled",
    "NotAllowed",
    "NotFound",
    "NotGenuine",
    "NotReady",
    "SuppressionsChanged",
    "TooMany",
    "Tried",
    "Unreachable",
    "Webhook",
    "models",
]
