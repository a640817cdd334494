"""Who gets it, and who must not: lists of recipients, and suppressed numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Unpack

from message_center_client import models, uploads
from message_center_client.calls import PIECE
from message_center_client.errors import Failed
from message_center_client.noun import Noun, until

File = str | Path | BinaryIO


class Lists(Noun):
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

    def get(self, pk: int) -> models.List:
        return self._calls.get(models.List, f"lists/{pk}/")

    def all(self, **filters: Unpack[models.ListsQuery]) -> Iterator[models.List]:
        return self._calls.pages(models.List, "lists/", **filters)

    def rename(self, pk: int, name: str) -> models.List:
        return self._calls.patch(models.List, f"lists/{pk}/", {"name": name})

    def cancel(self, pk: int, reason: str = "") -> models.List:
        """While it is uploaded or prepared."""
        return self._calls.post(models.List, f"lists/{pk}/cancel/", {"reason": reason})

    def archive(self, pk: int) -> models.List:
        return self._calls.post(models.List, f"lists/{pk}/archive/")

    def restore(self, pk: int) -> models.List:
        return self._calls.post(models.List, f"lists/{pk}/restore/")

    def delete(self, pk: int) -> None:
        self._calls.delete(f"lists/{pk}/")

    def save_rejected(self, pk: int, path: str | Path) -> int:
        """The lines that were left out, with the reason, as CSV; its size in bytes."""
        return self._calls.download(f"lists/{pk}/rejected/", path)

    def save_duplicates(self, pk: int, path: str | Path) -> int:
        return self._calls.download(f"lists/{pk}/duplicates/", path)


class Suppressions(Noun):
    def add(self, to: str, *, reason: str) -> models.Suppression:
        return self._calls.post(models.Suppression, "suppressions/", {"to": to, "reason": reason})

    def get(self, pk: int) -> models.Suppression:
        return self._calls.get(models.Suppression, f"suppressions/{pk}/")

    def all(self, **filters: Unpack[models.SuppressionsQuery]) -> Iterator[models.Suppression]:
        return self._calls.pages(models.Suppression, "suppressions/", **filters)

    def lift(self, pk: int, *, reason: str) -> None:
        """With a person's token."""
        self._calls.delete(f"suppressions/{pk}/", reason=reason)

    def save(self, path: str | Path) -> int:
        """All of them, as CSV; its size in bytes."""
        return self._calls.download("suppressions/export/", path)

    def send(
        self, file: File, *, reason: str, filename: str = "", country: str = "", column: str = ""
    ) -> models.Import:
        """Suppress every number of a file. It is then being imported: see `wait`."""
        with _opened(file) as (opened, called):
            content: models.ImportInput = {"filename": filename or called, "reason": reason}
            content |= {"country": country, "column": column}
            made = self._calls.post(models.Import, "suppressions/imports/", content)
            length = opened.seek(0, 2)
            opened.seek(0)
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
            path = f"suppressions/imports/{made['id']}/file/"
            self._calls.once("PUT", path, content=iter(lambda: opened.read(PIECE), b""), headers=headers)
            return self.get_import(made["id"])

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

    def set_stop_words(self, *words: str) -> models.StopWords:
        return self._calls.put(models.StopWords, "suppressions/stop-words/", {"words": [*words]})


@contextmanager
def _opened(file: File) -> Iterator[tuple[BinaryIO, str]]:
    """With its name, if it has one. Whoever brought it open keeps it open."""
    if isinstance(file, str | Path):
        with Path(file).open("rb") as opened:
            yield opened, Path(file).name
    else:
        yield file, ""
