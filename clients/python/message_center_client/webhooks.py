"""Endpoints of yours that are told what happens. Managed with an admin's token."""

from collections.abc import Iterator
from typing import Unpack

from message_center_client import models
from message_center_client.noun import Noun


class Webhooks(Noun):
    def create(self, **wanted: Unpack[models.WebhookInput]) -> models.NewWebhook:
        """`url`, `events`, `description`, `with_numbers`. Its `secret` is in this answer and in no other."""
        return self._calls.post(models.NewWebhook, "webhooks/", wanted)

    def all(self) -> Iterator[models.Webhook]:
        return self._calls.pages(models.Webhook, "webhooks/")

    def get(self, pk: int) -> models.Webhook:
        return self._calls.get(models.Webhook, f"webhooks/{pk}/")

    def change(self, pk: int, **wanted: Unpack[models.PatchedChangeWebhookInput]) -> models.Webhook:
        return self._calls.patch(models.Webhook, f"webhooks/{pk}/", wanted)

    def delete(self, pk: int) -> None:
        self._calls.delete(f"webhooks/{pk}/")

    def rotate(self, pk: int) -> models.NewWebhook:
        """A new `secret`, in this answer and in no other; the one before it signs beside it for a day."""
        return self._calls.post(models.NewWebhook, f"webhooks/{pk}/rotate/")

    def enable(self, pk: int) -> models.Webhook:
        """What waits is tried at once."""
        return self._calls.post(models.Webhook, f"webhooks/{pk}/enable/")

    def disable(self, pk: int) -> models.Webhook:
        return self._calls.post(models.Webhook, f"webhooks/{pk}/disable/")

    def test(self, pk: int) -> models.Delivery:
        """Send it an event that says nothing but that it came."""
        return self._calls.post(models.Delivery, f"webhooks/{pk}/test/")

    def deliveries(self, pk: int, **filters: Unpack[models.WebhooksDeliveriesQuery]) -> Iterator[models.Delivery]:
        """What was sent to it, the newest first."""
        return self._calls.pages(models.Delivery, f"webhooks/{pk}/deliveries/", **filters)

    def delivery(self, pk: int) -> models.WholeDelivery:
        """One of them, with each attempt."""
        return self._calls.get(models.WholeDelivery, f"webhooks/deliveries/{pk}/")

    def redeliver(self, pk: int) -> models.Delivery:
        """Once more under the same id, whatever became of it."""
        return self._calls.post(models.Delivery, f"webhooks/deliveries/{pk}/redeliver/")
