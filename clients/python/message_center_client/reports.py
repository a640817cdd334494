"""What became of it: exports, statistics, and what is known of one number."""

from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

from message_center_client import models
from message_center_client.errors import Failed
from message_center_client.noun import Kept, Noun, until

FORMATS: dict[str, models.ExportFormat] = {
    ".csv": "csv",
    ".csv.gz": "csv.gz",
    ".parquet": "parquet",
    ".zip": "evidence",
}
UNFINISHED = ("queued", "running")


class Exports(Noun):
    """Files with what became of each recipient."""

    def save(
        self,
        campaign: int,
        path: str | Path,
        *,
        seconds: float = 3600.0,
        idempotency_key: str | None = None,
        **wanted: Unpack[models.ExportInput],
    ) -> models.Export:
        """The report of a campaign, written to a file: asked for, awaited and fetched. See `request`; without a
        `format` it is that of the file's name, .csv, .csv.gz, .parquet or .zip (evidence)."""
        if "format" not in wanted:
            wanted["format"] = _format_of(Path(path))
        asked = self.request(campaign, idempotency_key=idempotency_key, **wanted)
        ready = self.wait(asked["id"], seconds=seconds)
        self.download(ready["id"], path)
        return ready

    def request(
        self, campaign: int, *, idempotency_key: str | None = None, **wanted: Unpack[models.ExportInput]
    ) -> models.Export:
        """`format`; `columns`, some of the report's in any order, and `list.NAME` for a column of the list; `numbers`,
        "whole" or "masked", without which they are as whole as the key may have them."""
        return self._calls.post(models.Export, f"campaigns/{campaign}/exports/", wanted, key=idempotency_key)

    def wait(self, pk: int, *, seconds: float = 3600.0) -> models.Export:
        """The export once its file is ready; raises Failed with the reason when it never will be."""
        found = until(lambda: self.get(pk), lambda row: row["status"] not in UNFINISHED, seconds)
        if found["status"] != "ready":
            raise Failed(found["failure"] or f"The export is {found['status']}.")
        return found

    def download(self, pk: int, path: str | Path) -> int:
        """The file of one that is ready, by whomever it was asked for; its size in bytes."""
        return self._calls.download(f"exports/{pk}/file/", path)

    def get(self, pk: int) -> models.Export:
        return self._calls.get(models.Export, f"exports/{pk}/")

    def all(self, campaign: int) -> Iterator[models.Export]:
        """Of a campaign, those of standing exports as well."""
        return self._calls.pages(models.Export, f"campaigns/{campaign}/exports/")


class StandingExports(Kept[models.StandingExport]):
    """Exports that come by themselves, with an admin's token; the event `export.ready` says where each file is."""

    _kind, _path = models.StandingExport, "standing-exports/"

    def create(
        self, *, idempotency_key: str | None = None, **wanted: Unpack[models.StandingExportInput]
    ) -> models.StandingExport:
        """`format`, and `hours_after_end` of each campaign or `daily_at`; `numbers`, `columns`."""
        return self._calls.post(models.StandingExport, "standing-exports/", wanted, key=idempotency_key)

    def all(self) -> Iterator[models.StandingExport]:
        return self._calls.pages(models.StandingExport, "standing-exports/")

    def end(self, pk: int, *, if_match: str | None = None) -> None:
        """What it has asked for stays."""
        self._calls.delete(self._at(pk), if_match=if_match)


class Statistics(Noun):
    """The workspace's messages by day, sender, channel, campaign or error."""

    def get(self, **asked: Unpack[models.StatisticsQuery]) -> models.Statistics:
        return self._calls.get(models.Statistics, "statistics/", **asked)

    def save(self, path: str | Path, **asked: Unpack[models.StatisticsExportQuery]) -> int:
        """As CSV; its size in bytes."""
        return self._calls.download("statistics/export/", path, **asked)


class Inquiries(Noun):
    """Everything that is known of one number, for whoever it belongs to. With the token of somebody who may."""

    def ask(self, to: str, *, reason: str, idempotency_key: str | None = None) -> models.Inquiry:
        """It is answered within seconds, later where lists are many: see `wait`."""
        return self._calls.post(models.Inquiry, "inquiries/", {"to": to, "reason": reason}, key=idempotency_key)

    def wait(self, pk: int, *, seconds: float = 600.0) -> models.Inquiry:
        """With its answer; raises Failed with the reason when there will be none."""
        found = until(lambda: self.get(pk), lambda row: row["status"] not in UNFINISHED, seconds)
        if found["status"] != "ready":
            raise Failed(found["failure"] or f"The inquiry is {found['status']}.")
        return found

    def get(self, pk: int) -> models.Inquiry:
        return self._calls.get(models.Inquiry, f"inquiries/{pk}/")

    def download(self, pk: int, path: str | Path) -> int:
        """The signed file, a .zip; its size in bytes."""
        return self._calls.download(f"inquiries/{pk}/file/", path)


class Erasures(Noun):
    """Numbers that are to be forgotten, with an admin's token."""

    def ask(self, to: str, *, reason: str, idempotency_key: str | None = None) -> models.Erasure:
        """From here on nothing is sent to it."""
        return self._calls.post(models.Erasure, "erasures/", {"to": to, "reason": reason}, key=idempotency_key)

    def wait(self, pk: int, *, seconds: float = 3600.0) -> models.Erasure:
        """The erasure once nothing is left."""
        return until(lambda: self.get(pk), lambda row: row["status"] == "done", seconds)

    def get(self, pk: int) -> models.Erasure:
        return self._calls.get(models.Erasure, f"erasures/{pk}/")


def _format_of(path: Path) -> models.ExportFormat:
    for ending, format in FORMATS.items():
        if path.name.endswith(ending):
            return format
    raise ValueError(f"Say which format {path.name} is to have: {', '.join(FORMATS.values())}.")
