"""What to say, to whom, when: campaigns, messages that are pushed into them, senders, templates."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Unpack

from message_center_client import models
from message_center_client.errors import Failed
from message_center_client.noun import Kept, Noun, until

ENDED = ("done", "expired", "cancelled", "failed")


class Campaigns(Kept[models.CampaignReport]):
    """Read with their totals."""

    _kind, _path = models.CampaignReport, "campaigns/"

    def create(self, *, idempotency_key: str | None = None, **content: Unpack[models.CampaignInput]) -> models.Campaign:
        """A draft. The key names this wish of yours: whoever asks again with it gets the same campaign, for a day."""
        return self._calls.post(models.Campaign, "campaigns/", content, key=idempotency_key)

    def change(
        self, pk: int, *, if_match: str | None = None, **content: Unpack[models.PatchedCampaignInput]
    ) -> models.Campaign:
        """What is given of a draft; with the tag that `read` gave, only if nobody has changed it since (Changed)."""
        return self._calls.patch(models.Campaign, f"campaigns/{pk}/", content, if_match=if_match)

    def all(self, **filters: Unpack[models.CampaignsQuery]) -> Iterator[models.CampaignReport]:
        return self._calls.pages(models.CampaignReport, "campaigns/", **filters)

    def clone(self, pk: int, *, if_match: str | None = None, idempotency_key: str | None = None) -> models.Campaign:
        return self._calls.post(models.Campaign, f"campaigns/{pk}/clone/", key=idempotency_key, if_match=if_match)

    def submit(self, pk: int, *, if_match: str | None = None) -> models.Campaign:
        """To the moderators."""
        return self._move(pk, "submit", if_match=if_match)

    def withdraw(self, pk: int, *, if_match: str | None = None) -> models.Campaign:
        return self._move(pk, "withdraw", if_match=if_match)

    def revise(self, pk: int, *, if_match: str | None = None) -> models.Campaign:
        """A rejected one is a draft again."""
        return self._move(pk, "revise", if_match=if_match)

    def pause(self, pk: int, reason: str = "", *, if_match: str | None = None) -> models.Campaign:
        return self._move(pk, "pause", {"reason": reason}, if_match=if_match)

    def resume(self, pk: int, *, if_match: str | None = None) -> models.Campaign:
        return self._move(pk, "resume", if_match=if_match)

    def cancel(self, pk: int, reason: str = "", *, if_match: str | None = None) -> models.Campaign:
        return self._move(pk, "cancel", {"reason": reason}, if_match=if_match)

    def archive(self, pk: int, *, if_match: str | None = None) -> models.Campaign:
        return self._move(pk, "archive", if_match=if_match)

    def restore(self, pk: int, *, if_match: str | None = None) -> models.Campaign:
        return self._move(pk, "restore", if_match=if_match)

    def approve(self, pk: int, reason: str = "", *, if_match: str | None = None) -> models.Campaign:
        """With a moderator's token: a workspace's key never approves."""
        return self._move(pk, "approve", {"reason": reason}, if_match=if_match)

    def reject(self, pk: int, reason: str, *, if_match: str | None = None) -> models.Campaign:
        return self._move(pk, "reject", {"reason": reason}, if_match=if_match)

    def reschedule(self, pk: int, send_at: str | datetime, *, if_match: str | None = None) -> models.Campaign:
        return self._move(pk, "reschedule", {"send_at": send_at}, if_match=if_match)

    def send_now(self, pk: int, *, if_match: str | None = None) -> models.Campaign:
        """One that missed its time."""
        return self._move(pk, "send_now", if_match=if_match)

    def decisions(self, pk: int) -> Iterator[models.Decision]:
        return self._calls.pages(models.Decision, f"campaigns/{pk}/decisions/")

    def recipients(self, pk: int, **filters: Unpack[models.CampaignsRecipientsQuery]) -> Iterator[models.Recipient]:
        """What became of each number, in the order of the list."""
        return self._calls.pages(models.Recipient, f"campaigns/{pk}/recipients/", **filters)

    def errors(self, pk: int, **filters: Unpack[models.CampaignsErrorsQuery]) -> models.ErrorPage:
        """Trouble of the infrastructure (`results`), and why carriers failed messages (`reasons`)."""
        return self._calls.get(models.ErrorPage, f"campaigns/{pk}/errors/", **filters)

    def try_out(self, pk: int, *to: str, params: Mapping[str, str] | None = None) -> models.Trial:
        """Send the text to test phones of the workspace; `params` stand in for columns of the list."""
        content: dict[str, Any] = {"to": [*to], **({"params": {**params}} if params else {})}
        return self._calls.post(models.Trial, f"campaigns/{pk}/trials/", content)

    def trials(self, pk: int) -> Iterator[models.Trial]:
        return self._calls.pages(models.Trial, f"campaigns/{pk}/trials/")

    def wait(self, pk: int, *, seconds: float = 3600.0) -> models.CampaignReport:
        """The campaign once it has ended and no receipt is awaited."""

        def has_ended(row: models.CampaignReport) -> bool:
            return row["status"] in ENDED and not row["totals"]["pending"] and not row["totals"]["waiting"]

        return until(lambda: self.get(pk), has_ended, seconds)

    def wait_for(self, pk: int, status: models.CampaignStatus, *, seconds: float = 3600.0) -> models.CampaignReport:
        """The campaign once it has this status; raises Failed when it was rejected or has ended in another one."""

        def is_over(row: models.CampaignReport) -> bool:
            return row["status"] in (status, *ENDED, "rejected")

        found = until(lambda: self.get(pk), is_over, seconds)
        if found["status"] != status:
            raise Failed(found["rejection_reason"] or found["stopped_because"] or f"It is {found['status']}.")
        return found

    def _move(
        self, pk: int, verb: str, words: Mapping[str, Any] | None = None, *, if_match: str | None = None
    ) -> models.Campaign:
        return self._calls.post(models.Campaign, f"campaigns/{pk}/{verb}/", words, if_match=if_match)


class Messages(Noun):
    """Single messages, pushed into a trigger campaign."""

    def push(self, campaign: int, **message: Unpack[models.MessageInput]) -> models.Taken:
        """`to`, `params`, `text`, `key`, `expires_at`. Raises Invalid when it is not taken. With a `key` of yours, an
        order's number, what is pushed twice is sent once, however long ago the first was."""
        return self._calls.post(models.Taken, f"campaigns/{campaign}/messages/", message)

    def push_many(self, campaign: int, messages: Iterable[models.MessageInput]) -> list[models.Answer]:
        """Up to 1,000; an answer for each, in order: one that was not taken has its `error`, and the others are."""
        body = {"messages": [*messages]}
        return self._calls.post(models.Answers, f"campaigns/{campaign}/messages/", body)["messages"]

    def get(self, campaign: int, pk: int) -> models.Message:
        return self._calls.get(models.Message, f"campaigns/{campaign}/messages/{pk}/")


class Senders(Kept[models.Sender]):
    """The names that messages come from."""

    _kind, _path = models.Sender, "senders/"

    def all(self) -> Iterator[models.Sender]:
        return self._calls.pages(models.Sender, "senders/")

    def approved(self) -> Iterator[models.Sender]:
        """Those that a campaign can use."""
        return (sender for sender in self.all() if sender["current"] is not None)

    def create(self, name: str, *, idempotency_key: str | None = None) -> models.Sender:
        return self._calls.post(models.Sender, "senders/", {"name": name}, key=idempotency_key)

    def submit(
        self,
        pk: int,
        *,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        **revision: Unpack[models.RevisionInput],
    ) -> models.Revision:
        """What it is to be from now on, to the moderators: `saddr`, `reason`, `ton`, `npi`."""
        path = f"{self._at(pk)}revisions/"
        return self._calls.post(models.Revision, path, revision, key=idempotency_key, if_match=if_match)

    def approve(self, pk: int, number: int, reason: str = "", *, if_match: str | None = None) -> models.Revision:
        """A revision, with a moderator's token. The tag is the sender's."""
        return self._judge(pk, number, "approve", reason, if_match=if_match)

    def reject(self, pk: int, number: int, reason: str, *, if_match: str | None = None) -> models.Revision:
        return self._judge(pk, number, "reject", reason, if_match=if_match)

    def _judge(self, pk: int, number: int, verb: str, reason: str, *, if_match: str | None) -> models.Revision:
        path = f"{self._at(pk)}revisions/{number}/{verb}/"
        return self._calls.post(models.Revision, path, {"reason": reason}, if_match=if_match)


class Templates(Kept[models.Template]):
    """Texts to begin campaigns with."""

    _kind, _path = models.Template, "templates/"

    def all(self) -> Iterator[models.Template]:
        return self._calls.pages(models.Template, "templates/")

    def create(self, name: str, text: str, *, idempotency_key: str | None = None) -> models.Template:
        return self._calls.post(models.Template, "templates/", {"name": name, "text": text}, key=idempotency_key)

    def change(
        self, pk: int, *, if_match: str | None = None, **content: Unpack[models.PatchedTemplateInput]
    ) -> models.Template:
        return self._calls.patch(models.Template, self._at(pk), content, if_match=if_match)

    def delete(self, pk: int, *, if_match: str | None = None) -> None:
        self._calls.delete(self._at(pk), if_match=if_match)
