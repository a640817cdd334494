"""A file in pieces, by tus 1.0: when the line breaks, or a program is stopped, it goes on from what has arrived."""

import base64
import hashlib
from typing import BinaryIO

from message_center_client.calls import Calls
from message_center_client.errors import MessageCenterError

PIECE = 8 * 1024 * 1024  # bytes in memory, and on the way at a time
ATTEMPTS = 8  # without a byte of progress: a connection that broke holds the upload for ten seconds
TUS = {"Tus-Resumable": "1.0.0"}


def send(calls: Calls, path: str, file: BinaryIO) -> None:
    """From where it stands."""
    length = file.seek(0, 2)
    if not length:
        raise ValueError("There is nothing in the file.")
    offset, attempt = _standing(calls, path, length), 1
    while offset < length:
        file.seek(offset)
        try:
            offset = _send_piece(calls, path, file.read(PIECE), offset=offset, length=length)
            attempt = 1
        except MessageCenterError as error:
            calls.pause_after(error, attempt, attempts=ATTEMPTS)
            arrived = _standing(calls, path, length)
            attempt = attempt + 1 if arrived == offset else 1
            offset = arrived


def _standing(calls: Calls, path: str, length: int) -> int:
    headers = calls.send("HEAD", path, headers=TUS).headers
    announced = headers.get("Upload-Length")
    if announced is not None and int(announced) != length:
        raise ValueError(f"What was begun there is a file of {announced} bytes, and this one has {length}.")
    return int(headers["Upload-Offset"])


def _send_piece(calls: Calls, path: str, piece: bytes, *, offset: int, length: int) -> int:
    """How much has arrived with it."""
    digest = base64.b64encode(hashlib.sha256(piece).digest()).decode()
    headers = {
        **TUS,
        "Content-Type": "application/offset+octet-stream",
        "Upload-Length": str(length),
        "Upload-Offset": str(offset),
        "Upload-Checksum": f"sha256 {digest}",
    }
    return int(calls.once("PATCH", path, content=piece, headers=headers).headers["Upload-Offset"])
