"""A new object from whatever somebody writes, while they write it: neither memory nor the disk holds it."""

import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from django.core.files import File

from objects.store import store


class Outlet(io.RawIOBase):
    """Bytes in; `tell` says how many. It waits while the store is slower than whoever writes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._count = descriptor, 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._count

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        with memoryview(data).cast("B") as rest:
            written = 0
            while written < len(rest):
                written += os.write(self._descriptor, rest[written:])
            self._count += written
            return written


@contextmanager
def writing(key: str) -> Iterator[Outlet]:
    """The object is there when the block ends, and is not when it fails; raises StorageTrouble."""
    source, sink = os.pipe()
    with ThreadPoolExecutor(1, thread_name_prefix="outlet") as pool:
        saved = pool.submit(_save, key, source)
        try:
            yield Outlet(sink)
        except BrokenPipeError:
            os.close(sink)
            saved.result()  # raises why the store has stopped to read
            raise
        except BaseException:  # whatever ends the block, a ^C too, leaves no half of an object; and goes on
            os.close(sink)
            with suppress(OSError):
                saved.result()
                store.delete(key)
            raise
        os.close(sink)
        saved.result()


def _save(key: str, source: int) -> None:
    with os.fdopen(source, "rb") as stream:
        name = store.save(key, File(stream))
    assert name == key, "keys are made up, and used once"
