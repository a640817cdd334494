"""Who gets it, and who must not: lists of recipients, and suppressed numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO, Unpack

from message_center_client import models, uploads
from message_center_client.calls import PIECE
from message_center_client.errors import Failed, MessageCenterError
from message_center_client.noun import Kept, until

File = str | Path | BinaryIO
ARRIVED = ("importing", "done")  # an import with its file


class Lists(Kept[models.List]):
    _kind, _path = models.List, "lists/"

    def send(
        self,
        file: File,
        *,
        name: str,
        filename: str = "",
        country: str = "",
        column: str = "",
        idempotency_key: str | None = None,
    ) -> models.List:
        """Make a list and upload its file, .txt or .csv, a piece at a time. It is then being prepared: see `wait`.

        With an `idempotency_key` of yours, a program that was stopped and calls this again, within a day, goes on with
        the same list where its upload was.
        """
        with _opened(file) as (opened, called):
            content: models.ListInput = {"name": name, "filename": filename or called}
            content |= {"country": country, "column": column}
            made = self._calls.post(models.List, "lists/", content, key=idempotency_key)
            return self.upload(made["id"], opened)

    def upload(self, pk: int, file: File) -> models.List:
        """The file of a list that awaits one, or another one after it failed or was cancelled.

        What of it has arrived before is not sent again.
        """
        with _opened(file) as (opened, _):
            uploads.send(self._calls, f"lists/{pk}/file/", opened)
        return self.get(pk)

    def wait(self, pk: int, *, seconds: float = 600.0) -> models.List:
        """The list once it is ready; raises Failed with the reason when it never will be."""
        found = until(lambda: self.get(pk), lambda row: row["status"] not in ("uploading", "preparing"), seconds)
        if found["status"] != "ready":
            raise Failed(found["failure"] or f"The list is {found['status']}.")
        return found

    def all(self, **filters: Unpack[models.ListsQuery]) -> Iterator[models.List]:
        return self._calls.pages(models.List, "lists/", **filters)

    def rename(self, pk: int, name: str, *, if_match: str | None = None) -> models.List:
        return self._calls.patch(models.List, self._at(pk), {"name": name}, if_match=if_match)

    def cancel(self, pk: int, reason: str = "", *, if_match: str | None = None) -> models.List:
        """While it is uploaded or prepared."""
        return self._calls.post(models.List, f"{self._at(pk)}cancel/", {"reason": reason}, if_match=if_match)

    def archive(self, pk: int, *, if_match: str | None = None) -> models.List:
        return self._calls.post(models.List, f"{self._at(pk)}archive/", if_match=if_match)

    def restore(self, pk: int, *, if_match: str | None = None) -> models.List:
        return self._calls.post(models.List, f"{self._at(pk)}restore/", if_match=if_match)

    def delete(self, pk: int, *, if_match: str | None = None) -> None:
        self._calls.delete(self._at(pk), if_match=if_match)

    def save_rejected(self, pk: int, path: str | Path) -> int:
        """The lines that were left out, with the reason, as CSV; its size in bytes."""
        return self._calls.download(f"lists/{pk}/rejected/", path)

    def save_duplicates(self, pk: int, path: str | Path) -> int:
        return self._calls.download(f"lists/{pk}/duplicates/", path)


class Suppressions(Kept[models.Suppression]):
    _kind, _path = models.Suppression, "suppressions/"

    def add(self, to: str, *, reason: str, idempotency_key: str | None = None) -> models.Suppression:
        body = {"to": to, "reason": reason}
        return self._calls.post(models.Suppression, "suppressions/", body, key=idempotency_key)

    def all(self, **filters: Unpack[models.SuppressionsQuery]) -> Iterator[models.Suppression]:
        return self._calls.pages(models.Suppression, "suppressions/", **filters)

    def lift(self, pk: int, *, reason: str, if_match: str | None = None) -> None:
        """With a person's token."""
        self._calls.delete(self._at(pk), if_match=if_match, reason=reason)

    def save(self, path: str | Path) -> int:
        """All of them, as CSV; its size in bytes."""
        return self._calls.download("suppressions/export/", path)

    def send(
        self,
        file: File,
        *,
        reason: str,
        filename: str = "",
        country: str = "",
        column: str = "",
        idempotency_key: str | None = None,
    ) -> models.Import:
        """Suppress every number of a file. It is then being imported: see `wait`.

        With an `idempotency_key` of yours, a program that was stopped and calls this again, within a day, goes on with
        the same import.
        """
        with _opened(file) as (opened, called):
            content: models.ImportInput = {"filename": filename or called, "reason": reason}
            content |= {"country": country, "column": column}
            made = self._calls.post(models.Import, "suppressions/imports/", content, key=idempotency_key)
            found = self.get_import(made["id"])
            return found if found["status"] in ARRIVED else self.upload(found["id"], opened)

    def upload(self, pk: int, file: File) -> models.Import:
        """The file of an import that awaits one, or another one after it failed. When the line breaks, it is sent again
        from its start."""
        path = f"suppressions/imports/{pk}/file/"
        with _opened(file) as (opened, _):
            for attempt in count(1):
                length = opened.seek(0, 2)
                opened.seek(0)
                headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
                try:
                    self._calls.once("PUT", path, content=iter(lambda: opened.read(PIECE), b""), headers=headers)
                except MessageCenterError as error:
                    self._calls.pause_after(error, attempt)
                    found = self.get_import(pk)
                else:
                    return self.get_import(pk)
                if found["status"] in ARRIVED:
                    return found
        raise AssertionError("The last attempt returns or raises.")

    def wait(self, pk: int, *, seconds: float = 600.0) -> models.Import:
        """The import once it is done; raises Failed with the reason when it never will be."""
        found = until(lambda: self.get_import(pk), lambda row: row["status"] in ("done", "failed"), seconds)
        if found["status"] == "failed":
            raise Failed(found["failure"])
        return found

    def get_import(self, pk: int) -> models.Import:
        return self._calls.get(models.Import, f"suppressions/imports/{pk}/")

    def imports(self) -> Iterator[models.Import]:
        return self._calls.pages(models.Import, "suppressions/imports/")

    def save_rejected(self, pk: int, path: str | Path) -> int:
        """The lines of an import that were left out, with the reason, as CSV; its size in bytes."""
        return self._calls.download(f"suppressions/imports/{pk}/rejected/", path)

    def stop_words(self) -> models.StopWords:
        return self._calls.get(models.StopWords, "suppressions/stop-words/")

    def read_stop_words(self) -> tuple[models.StopWords, str]:
        """And their tag, for `if_match`."""
        return self._calls.read(models.StopWords, "suppressions/stop-words/")

    def set_stop_words(self, *words: str, if_match: str | None = None) -> models.StopWords:
        path = "suppressions/stop-words/"
        return self._calls.put(models.StopWords, path, {"words": [*words]}, if_match=if_match)


@contextmanager
def _opened(file: File) -> Iterator[tuple[BinaryIO, str]]:
    """With its name, if it has one. Whoever brought it open keeps it open."""
    if isinstance(file, str | Path):
        with Path(file).open("rb") as opened:
            yield opened, Path(file).name
    else:
        yield file, ""
