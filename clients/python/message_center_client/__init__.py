"""A typed client for the API of Message Center: lists, campaigns, what became of each number.

with Client("https://sms.example.com", key="mc_…") as center:
    listed = center.lists.send(Path("people.csv"), name="Spring", country="NL")
    campaign = center.campaigns.create(
        {"name": "Spring sale", "mode": "on_approval", "sender": 1, "list": listed["id"], "text": "Half price."}
    )
    center.campaigns.submit(campaign["id"])
"""

from message_center_client import models
from message_center_client.client import Client
from message_center_client.errors import ApiError, NotReady

__all__ = ["ApiError", "Client", "NotReady", "models"]
