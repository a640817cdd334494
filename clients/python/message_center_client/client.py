"""The client: a noun of the API each."""

from collections.abc import Iterator
from datetime import datetime
from typing import Self

import httpx

from message_center_client import models
from message_center_client.calls import Calls
from message_center_client.campaigns import Campaigns, Messages, Senders, Templates
from message_center_client.lists import Lists, Suppressions
from message_center_client.reports import Erasures, Exports, Inquiries, StandingExports, Statistics
from message_center_client.webhooks import Webhooks
from message_center_client.workspace import Invitations, JoinRequests, Keys, Limits, Members, Rules


class Client:
    """`url` is where the installation is, without `/api/`; `key` is one of a workspace, or a personal token.

    `timeout` is in seconds, for each step of a call; `attempts` is how often a call is tried, and `patience` how many
    seconds of waiting it takes from the server before it gives up at once. Threads may share a client.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str,
        timeout: float = 30.0,
        attempts: int = 4,
        patience: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Bearer {key}", "User-Agent": "message-center-client/1.0"},
            timeout=timeout,
            transport=transport,
        )
        self.calls = calls = Calls(self._http, attempts=attempts, patience=patience)
        self.lists = Lists(calls)
        self.senders = Senders(calls)
        self.templates = Templates(calls)
        self.campaigns = Campaigns(calls)
        self.messages = Messages(calls)
        self.exports = Exports(calls)
        self.standing_exports = StandingExports(calls)
        self.statistics = Statistics(calls)
        self.suppressions = Suppressions(calls)
        self.inquiries = Inquiries(calls)
        self.erasures = Erasures(calls)
        self.webhooks = Webhooks(calls)
        self.members = Members(calls)
        self.invitations = Invitations(calls)
        self.join_requests = JoinRequests(calls)
        self.keys = Keys(calls)
        self.rules = Rules(calls)
        self.limits = Limits(calls)

    def inbound(self) -> Iterator[models.Inbound]:
        """What recipients wrote back, the newest first."""
        return self.calls.pages(models.Inbound, "inbound/")

    def channels(self) -> Iterator[models.Channel]:
        return self.calls.pages(models.Channel, "channels/")

    def routes(self) -> Iterator[models.Route]:
        return self.calls.pages(models.Route, "routes/")

    def audit(
        self, *, since: datetime | str | None = None, until: datetime | str | None = None, **filters: str
    ) -> Iterator[models.Entry]:
        """The ledger. `actor`, `action`, `subject`."""
        return self.calls.pages(models.Entry, "audit/", **{"from": since, "to": until, **filters})

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
