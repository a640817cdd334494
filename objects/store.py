"""What our stores can do beyond Django's storages, and the one that the settings name."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.core.files.storage import Storage, default_storage

PAGE = 1000  # keys


@dataclass(frozen=True, slots=True)
class Found:
    key: str
    modified_at: datetime


class ObjectStore(Storage, ABC):
    """Every method, Django's own too, raises StorageTrouble (an OSError), and ObjectMissing where there is no object.

    Keys are made up by us: nothing that a user types gets into one. An object is written whole, with a content type
    that says nothing, and readable by nobody but us.
    """

    writers: int  # how many small objects it takes in at once

    @abstractmethod
    def put(self, key: str, data: bytes, *, locked_until: datetime | None = None) -> None:
        """Write a small object, over one of the same key. Until then nobody can delete it, nor write over it, where the
        store has such locks."""

    @abstractmethod
    def pages(self, prefix: str) -> Iterator[list[Found]]:
        """All objects below a prefix that ends with a slash, a page at a time; a page may be deleted meanwhile."""

    @abstractmethod
    def names(self, folder: str, *, after: str = "", hidden: bool = False) -> Iterator[str]:
        """What lies in a folder, without those below it: the names behind `after`, in their order, a page at a time.

        With `hidden` also those before which somebody put a delete marker, where the store keeps versions."""

    @abstractmethod
    def folders(self, folder: str, *, hidden: bool = False) -> list[str]:
        """The names of those in a folder."""

    @abstractmethod
    def has_locks(self) -> bool:
        """Whether `put` can keep an object from everybody."""

    @abstractmethod
    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete those that are there."""

    def delete_folder(self, prefix: str) -> None:
        """Delete all objects below a prefix that ends with a slash."""
        for page in self.pages(prefix):
            self.delete_many(found.key for found in page)

    @abstractmethod
    def download_url(self, key: str, *, filename: str, content_type: str) -> str | None:
        """Where a browser gets the object from the store itself, for a few minutes; None when it must come from us."""

    @abstractmethod
    def abandon_uploads(self, prefix: str, *, before: datetime) -> None:
        """Throw away the parts of uploads to which nothing has been added since then."""

    @abstractmethod
    def probe(self) -> None:
        """Write and delete an object, in seconds: a store that is away is not waited for."""


store = cast(ObjectStore, default_storage)
