"""A stream of unknown length on its way into a bucket: a few parts in memory, no file in between."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from typing import Any, Protocol, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

PART = 8 << 20  # bytes; 10,000 of them are the most that S3 takes
SENDERS = 2  # parts under way while the next one comes in: three in memory
PIECE = 1 << 20

Sent: TypeAlias = dict[str, object]


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def send(client: Any, stream: Readable, *, target: dict[str, str], headers: dict[str, str]) -> None:
    """Write it as the object that `target` names by Bucket and Key; if anything goes wrong, no part stays behind."""
    parts = _parts(stream)
    first = next(parts, bytearray())
    if len(first) < PART:
        client.put_object(Body=first, **target, **headers)
        return
    parts = chain([first], parts)
    del first  # else it stays in memory until the last part has gone
    upload = target | {"UploadId": client.create_multipart_upload(**target, **headers)["UploadId"]}
    try:
        sent = _send_all(client, parts, upload)
        client.complete_multipart_upload(MultipartUpload={"Parts": sent}, **upload)
    except BaseException:
        with suppress(ClientError, BotoCoreError):  # the sweep abandons it later
            client.abort_multipart_upload(**upload)
        raise


def _send_all(client: Any, parts: Iterator[bytearray], upload: dict[str, str]) -> list[Sent]:
    sent: list[Sent] = []
    under_way: deque[Future[Sent]] = deque()

    def one(number: int, body: bytearray) -> Sent:
        return {"PartNumber": number, "ETag": client.upload_part(Body=body, PartNumber=number, **upload)["ETag"]}

    with ThreadPoolExecutor(SENDERS, thread_name_prefix="parts") as pool:
        for number, part in enumerate(parts, start=1):
            under_way.append(pool.submit(one, number, part))
            if len(under_way) > SENDERS:
                sent.append(under_way.popleft().result())
        sent += [future.result() for future in under_way]
    return sent


def _parts(stream: Readable) -> Iterator[bytearray]:
    """Full parts, and the rest."""
    while True:
        part = bytearray()
        while len(part) < PART and (piece := stream.read(min(PIECE, PART - len(part)))):
            part += piece
        if part:
            yield part
        if len(part) < PART:
            return
