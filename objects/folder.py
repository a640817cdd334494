"""A folder as the store: one machine, or a file system that all of them share."""

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.http import UnreadablePostError

from objects import trouble
from objects.store import PAGE, Found, ObjectStore
from objects.trouble import ObjectMissing, StorageTrouble


class Folder(FileSystemStorage, ObjectStore):
    writers = 1

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        with self._translated(name):
            return super().open(name, mode)

    def save(self, name: str | None, content: IO[Any], max_length: int | None = None) -> str:
        with self._translated(name or ""):
            return super().save(name, content, max_length)

    def delete(self, name: str) -> None:
        with self._translated(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with self._translated(name):
            return super().exists(name)

    def size(self, name: str) -> int:
        with self._translated(name):
            return super().size(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with self._translated(path):
            return super().listdir(path)

    def put(self, key: str, data: bytes, *, locked_until: datetime | None = None) -> None:
        """A folder has no locks."""
        with self._translated(key):
            path = Path(self.path(key))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def pages(self, prefix: str) -> Iterator[list[Found]]:
        files = self._files(Path(self.path(prefix)))
        while page := list(islice(files, PAGE)):
            yield page

    def names(self, folder: str, *, after: str = "", hidden: bool = False) -> Iterator[str]:
        yield from sorted(name for name in self._listed(folder)[1] if name > after)

    def folders(self, folder: str, *, hidden: bool = False) -> list[str]:
        return sorted(self._listed(folder)[0])

    def has_locks(self) -> bool:
        return False

    def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            with self._translated(key):
                Path(self.path(key)).unlink(missing_ok=True)

    def delete_folder(self, prefix: str) -> None:
        with self._translated(prefix), suppress(FileNotFoundError):
            shutil.rmtree(self.path(prefix))

    def download_url(self, key: str, *, filename: str, content_type: str) -> None:
        return None

    def abandon_uploads(self, prefix: str, *, before: datetime) -> None:
        """What is half written here is an object like any other, which nothing names."""

    def probe(self) -> None:
        self.delete_many([self.save(f"health/{uuid.uuid4().hex}", ContentFile(b"ok"))])

    def _listed(self, folder: str) -> tuple[list[str], list[str]]:
        try:
            return self.listdir(folder)
        except FileNotFoundError:
            return [], []

    def _files(self, folder: Path) -> Iterator[Found]:
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent) / name
                with suppress(FileNotFoundError):  # deleted meanwhile
                    modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    yield Found(path.relative_to(self.location).as_posix(), modified_at)

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except (StorageTrouble, UnreadablePostError):  # the second is the client of an upload, gone
            raise
        except FileNotFoundError as error:
            store = trouble.FOLDER % {"path": self.location}
            raise ObjectMissing(trouble.MISSING % {"key": key, "store": store}) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StorageTrouble(trouble.FOLDER_FAILS % {"path": self.location, "why": reason}) from error
