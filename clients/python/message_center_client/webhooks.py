"""Endpoints of yours that are told what happens. Managed with an admin's token."""

from collections.abc import Iterator
from typing import Unpack

from message_center_client import models
from message_center_client.noun import Kept


class Webhooks(Kept[models.Webhook]):
    _kind, _path = models.Webhook, "webhooks/"

    def create(self, *, idempotency_key: str | None = None, **wanted: Unpack[models.WebhookInput]) -> models.NewWebhook:
        """`url`, `events`, `description`, `with_numbers`. Its `secret` is in this answer and in no other."""
        return self._calls.post(models.NewWebhook, "webhooks/", wanted, key=idempotency_key)

    def all(self) -> Iterator[models.Webhook]:
        return self._calls.pages(models.Webhook, "webhooks/")

    def change(
        self, pk: int, *, if_match: str | None = None, **wanted: Unpack[models.PatchedChangeWebhookInput]
    ) -> models.Webhook:
        return self._calls.patch(models.Webhook, self._at(pk), wanted, if_match=if_match)

    def delete(self, pk: int, *, if_match: str | None = None) -> None:
        self._calls.delete(self._at(pk), if_match=if_match)

    def rotate(self, pk: int, *, if_match: str | None = None) -> models.NewWebhook:
        """A new `secret`, in this answer and in no other; the one before it signs beside it for a day."""
        return self._calls.post(models.NewWebhook, f"{self._at(pk)}rotate/", if_match=if_match)

    def enable(self, pk: int, *, if_match: str | None = None) -> models.Webhook:
        """What waits is tried at once."""
        return self._calls.post(models.Webhook, f"{self._at(pk)}enable/", if_match=if_match)

    def disable(self, pk: int, *, if_match: str | None = None) -> models.Webhook:
        return self._calls.post(models.Webhook, f"{self._at(pk)}disable/", if_match=if_match)

    def test(self, pk: int, *, if_match: str | None = None) -> models.Delivery:
        """Send it an event that says nothing but that it came."""
        return self._calls.post(models.Delivery, f"{self._at(pk)}test/", if_match=if_match)

    def deliveries(self, pk: int, **filters: Unpack[models.WebhooksDeliveriesQuery]) -> Iterator[models.Delivery]:
        """What was sent to it, the newest first."""
        return self._calls.pages(models.Delivery, f"webhooks/{pk}/deliveries/", **filters)

    def delivery(self, pk: int) -> models.WholeDelivery:
        """One of them, with each attempt."""
        return self._calls.get(models.WholeDelivery, f"webhooks/deliveries/{pk}/")

    def read_delivery(self, pk: int) -> tuple[models.WholeDelivery, str]:
        """And its tag, for `if_match`."""
        return self._calls.read(models.WholeDelivery, f"webhooks/deliveries/{pk}/")

    def redeliver(self, pk: int, *, if_match: str | None = None) -> models.Delivery:
        """Once more under the same id, whatever became of it; with a tag, if that is still so."""
        return self._calls.post(models.Delivery, f"webhooks/deliveries/{pk}/redeliver/", if_match=if_match)
