"""Many small objects into the store, a few at a time: one after the other they would wait for each answer."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from objects.store import store

QUEUED = 2  # for each thread that writes


class Writer:
    """`with Writer() as writer: writer.put(key, data)`: all are written when the block ends.

    A trouble with one of them comes out of a later `put` or of the end of the block. After an exception nothing is
    begun any more, and nothing is under way when the block is left.
    """

    def __init__(self) -> None:
        self._threads = store.writers
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="objects")
        self._under_way: deque[Future[None]] = deque()

    def put(self, key: str, data: bytes) -> None:
        while len(self._under_way) >= self._threads * QUEUED:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(store.put, key, data))

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            while error is None and self._under_way:
                self._under_way.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)
