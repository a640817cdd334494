"""A file in pieces, by tus 1.0: when the line breaks, or a program is stopped, it goes on from what has arrived."""

import base64
import hashlib
from typing import BinaryIO

from message_center_client.calls import Calls
from message_center_client.errors import ApiError, MessageCenterError

PIECE = 8 * 1024 * 1024  # bytes in memory, and on the way at a time
ATTEMPTS = 8  # without a byte of progress: a connection that broke holds the upload for ten seconds
TUS = {"Tus-Resumable": "1.0.0"}
GONE = 410  # the upload was ended or has expired: whoever sends the file from its start begins another one


def send(calls: Calls, path: str, file: BinaryIO) -> None:
    """From where it stands; from its start where an earlier upload was ended, or its file came to nothing."""
    length = file.seek(0, 2)
    if not length:
        raise ValueError("There is nothing in the file.")
    offset, attempt = _begun(calls, path, length), 1
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


def _begun(calls: Calls, path: str, length: int) -> int:
    try:
        return _standing(calls, path, length)
    except ApiError as error:
        if error.status != GONE:
            raise
        return 0


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
