"""The client and what it offers, a class for each noun of the API."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

import httpx

from message_center_client import models
from message_center_client.calls import Calls
from message_center_client.errors import NotReady

T = TypeVar("T", bound=Mapping[str, Any])

PIECE = 1024 * 1024  # bytes of a file in memory at a time


class Client:
    """`url` is where the installation is, without `/api/`; `key` is one of a workspace, or a personal token.

    `timeout` is in seconds, for each step of a call; `attempts` is how often a call is tried that may be repeated.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str,
        timeout: float = 30.0,
        attempts: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Bearer {key}", "User-Agent": "message-center-client/1.0"},
            timeout=timeout,
            transport=transport,
        )
        self.calls = calls = Calls(self._http, attempts=attempts)
        self.lists = Lists(calls)
        self.senders = Senders(calls)
        self.campaigns = Campaigns(calls)
        self.messages = Messages(calls)
        self.exports = Exports(calls, self._http)
        self.suppressions = Suppressions(calls)

    def channels(self) -> Iterator[models.ChannelOutput]:
        return self.calls.pages("channels/")

    def members(self) -> Iterator[models.MemberOutput]:
        return self.calls.pages("members/")

    def audit(self, **query: str) -> Iterator[models.EntryOutput]:
        """`actor`, `action`, `subject`, `from`, `to`."""
        return self.calls.pages("audit/", **query)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Lists:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def send(
        self, file: Path | BinaryIO, *, name: str, filename: str = "", country: str = "", column: str = ""
    ) -> models.ListOutput:
        """Create a list and upload its file, .txt or .csv, a piece at a time. It is then being prepared: see `wait`."""
        if isinstance(file, Path):
            with file.open("rb") as opened:
                return self.send(opened, name=name, filename=filename or file.name, country=country, column=column)
        body = {"name": name, "filename": filename, "country": country, "column": column}
        made: models.ListOutput = self._calls.create("lists/", body)
        length = file.seek(0, 2)
        file.seek(0)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        listed: models.ListOutput = self._calls.upload(f"lists/{made['id']}/file/", _pieces(file), headers)
        return listed

    def get(self, pk: int) -> models.ListOutput:
        listed: models.ListOutput = self._calls.get(f"lists/{pk}/")
        return listed

    def all(self, **query: str) -> Iterator[models.ListOutput]:
        """`status`, `archived`, `search`."""
        return self._calls.pages("lists/", **query)

    def wait(self, pk: int, *, seconds: float = 600.0) -> models.ListOutput:
        """The list once it is ready; raises NotReady with the reason when it has failed, or takes longer."""
        listed = _until(lambda: self.get(pk), lambda row: row["status"] != "preparing", seconds)
        if listed["status"] != "ready":
            raise NotReady(listed["failure"] or f"The list is {listed['status']}.")
        return listed


class Senders:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def all(self) -> Iterator[models.SenderOutput]:
        return self._calls.pages("senders/")

    def approved(self) -> Iterator[models.SenderOutput]:
        """Those that a campaign can use."""
        return (sender for sender in self.all() if sender["current"] is not None)


class Campaigns:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def create(self, content: models.CampaignInputRequest, *, key: str | None = None) -> models.CampaignOutput:
        """A draft. `key` names this wish of yours: whoever asks again with it gets the same campaign, for a day."""
        campaign: models.CampaignOutput = self._calls.create("campaigns/", content, key=key)
        return campaign

    def change(
        self, pk: int, content: models.PatchedCampaignInputRequest, *, if_match: str | None = None
    ) -> models.CampaignOutput:
        """What is given of a draft; with the tag that `read` gave, only if nobody has changed it since."""
        campaign: models.CampaignOutput = self._calls.change(f"campaigns/{pk}/", content, if_match=if_match)
        return campaign

    def get(self, pk: int) -> models.CampaignReportOutput:
        return self.read(pk)[0]

    def read(self, pk: int) -> tuple[models.CampaignReportOutput, str]:
        """The campaign with its totals, and its tag for `if_match`."""
        response = self._calls.send("GET", f"campaigns/{pk}/")
        return response.json(), response.headers["ETag"]

    def all(self, **query: str) -> Iterator[models.CampaignReportOutput]:
        """`status`, `archived`, `list`."""
        return self._calls.pages("campaigns/", **query)

    def submit(self, pk: int, *, if_match: str | None = None) -> models.CampaignOutput:
        return self._move(pk, "submit", if_match=if_match)

    def withdraw(self, pk: int, *, if_match: str | None = None) -> models.CampaignOutput:
        return self._move(pk, "withdraw", if_match=if_match)

    def pause(self, pk: int, reason: str = "") -> models.CampaignOutput:
        return self._move(pk, "pause", {"reason": reason})

    def resume(self, pk: int) -> models.CampaignOutput:
        return self._move(pk, "resume")

    def cancel(self, pk: int, reason: str = "") -> models.CampaignOutput:
        return self._move(pk, "cancel", {"reason": reason})

    def archive(self, pk: int) -> models.CampaignOutput:
        return self._move(pk, "archive")

    def restore(self, pk: int) -> models.CampaignOutput:
        return self._move(pk, "restore")

    def approve(self, pk: int, reason: str = "", *, if_match: str | None = None) -> models.CampaignOutput:
        """With a moderator's token: a workspace's key never approves."""
        return self._move(pk, "approve", {"reason": reason}, if_match=if_match)

    def reject(self, pk: int, reason: str, *, if_match: str | None = None) -> models.CampaignOutput:
        return self._move(pk, "reject", {"reason": reason}, if_match=if_match)

    def recipients(
        self, pk: int, *, status: str | None = None, to: str | None = None
    ) -> Iterator[models.RecipientOutput]:
        """What became of each number, in the order of the list."""
        return self._calls.pages(f"campaigns/{pk}/recipients/", status=status, to=to)

    def errors(self, pk: int) -> Iterator[models.IncidentOutput]:
        """Trouble of the infrastructure, apart from messages that failed."""
        return self._calls.pages(f"campaigns/{pk}/errors/")

    def wait(self, pk: int, *, seconds: float = 3600.0) -> models.CampaignReportOutput:
        """The campaign once it has ended and no receipt is awaited; raises NotReady when that takes longer."""

        def has_ended(row: models.CampaignReportOutput) -> bool:
            ended = row["status"] in ("done", "expired", "cancelled", "failed")
            return ended and not row["totals"]["pending"] and not row["totals"]["waiting"]

        return _until(lambda: self.get(pk), has_ended, seconds)

    def _move(
        self, pk: int, verb: str, words: Mapping[str, str] | None = None, *, if_match: str | None = None
    ) -> models.CampaignOutput:
        campaign: models.CampaignOutput = self._calls.act(f"campaigns/{pk}/{verb}/", words, if_match=if_match)
        return campaign


class Messages:
    """Single messages, pushed into a trigger campaign."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def push(self, campaign: int, message: models.MessageInputRequest) -> models.TakenOutput:
        """Raises ApiError when it is not taken. With a `key` of yours in it, what is pushed twice is sent once."""
        taken: models.TakenOutput = self._calls.create(f"campaigns/{campaign}/messages/", message)
        return taken

    def push_many(self, campaign: int, messages: Sequence[models.MessageInputRequest]) -> list[models.AnswerOutput]:
        """Up to 1,000; an answer for each, in order: one that was not taken has its `error`, and the others are."""
        answers: models.AnswersOutput = self._calls.create(f"campaigns/{campaign}/messages/", {"messages": [*messages]})
        return answers["messages"]

    def get(self, campaign: int, pk: int) -> models.MessageOutput:
        message: models.MessageOutput = self._calls.get(f"campaigns/{campaign}/messages/{pk}/")
        return message


class Exports:
    def __init__(self, calls: Calls, http: httpx.Client) -> None:
        self._calls, self._http = calls, http

    def save(self, campaign: int, path: Path, *, format: str = "csv.gz", seconds: float = 3600.0) -> int:
        """The report of a campaign, written to a file; its size in bytes. Raises NotReady when it has failed."""
        asked: models.ExportOutput = self._calls.create(f"campaigns/{campaign}/exports/", {"format": format})
        export: models.ExportOutput = _until(
            lambda: self._calls.get(f"exports/{asked['id']}/"),
            lambda row: row["status"] not in ("queued", "running"),
            seconds,
        )
        if export["url"] is None:
            raise NotReady(export["failure"] or f"The export is {export['status']}.")
        with self._http.stream("GET", export["url"], follow_redirects=True) as answer, path.open("wb") as file:
            answer.raise_for_status()
            return sum(file.write(piece) for piece in answer.iter_bytes(PIECE))


class Suppressions:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def add(self, to: str, *, reason: str) -> models.SuppressionOutput:
        suppression: models.SuppressionOutput = self._calls.create("suppressions/", {"to": to, "reason": reason})
        return suppression

    def all(self, *, to: str | None = None) -> Iterator[models.SuppressionOutput]:
        return self._calls.pages("suppressions/", to=to)

    def remove(self, pk: int, *, reason: str) -> None:
        """With a person's token."""
        self._calls.send("DELETE", f"suppressions/{pk}/", body={"reason": reason})


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _until(ask: Callable[[], T], is_it: Callable[[T], bool], seconds: float) -> T:
    """Ask, less and less often, until it is so."""
    deadline, pause = time.monotonic() + seconds, 0.2
    while not is_it(found := ask()):
        if time.monotonic() + pause > deadline:
            raise NotReady(f"Not so after {seconds:g} s: it is {found['status']}.")
        time.sleep(pause)
        pause = min(pause * 1.5, 5.0)
    return found
