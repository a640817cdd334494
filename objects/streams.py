"""An object of a bucket as a stream: what is held is what the socket holds."""

import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from objects import trouble
from objects.trouble import StorageTrouble

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ATTEMPTS = 4  # without a single byte in between
PAUSE = 0.2  # seconds before the second one; doubled each time

Fetch = Callable[[int, str], dict[str, Any]]
Explain = Callable[[Exception], StorageTrouble]


class Reading(io.RawIOBase):
    """One GET; when its connection breaks, another one that begins where it broke.

    `fetch(offset, etag)` asks the store for the rest of the object, which must still be the one with this ETag unless
    it is empty; `explain` turns the store's exceptions into ours.
    """

    def __init__(self, fetch: Fetch, explain: Explain) -> None:
        self._fetch, self._explain = fetch, explain
        self._position, self._size, self._etag = 0, 0, ""
        self._body: Any = None
        try:
            self._begin()
        except (ClientError, BotoCoreError) as error:
            raise explain(error) from error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Costs nothing by itself: the next read asks for the object from there."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset != self._position:
            self._drop()
            self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer)
        if not room or self._position >= self._size:
            return 0
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if self._body is None:
                    self._begin()
                count = int(self._body.readinto(room))
            except ClientError as error:
                raise self._explain(error) from error
            except (BotoCoreError, HTTPError, ConnectionError) as error:
                self._drop()
                if attempt == ATTEMPTS:
                    raise self._explain(error) from error
            else:
                if count:
                    self._position += count
                    return count
                self._drop()
            time.sleep(PAUSE * 2 ** (attempt - 1))
        raise StorageTrouble(trouble.ENDS_EARLY)

    def readall(self) -> bytes:
        whole = bytearray(max(0, self._size - self._position))
        filled = 0
        with memoryview(whole) as room:
            while filled < len(whole) and (count := self.readinto(room[filled:])):
                filled += count
        return bytes(whole)

    def close(self) -> None:
        self._drop()
        super().close()

    def _begin(self) -> None:
        answer = self._fetch(self._position, self._etag)
        self._body = answer["Body"]
        if not self._etag:
            self._etag, self._size = answer["ETag"], answer["ContentLength"]

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
