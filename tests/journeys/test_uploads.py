"""Uploads as the server in front of us takes them: what no test client shows."""

import hashlib
import socket
from urllib.parse import urlsplit

import pytest
from django.core.files.storage import default_storage

from recipients.models import Upload
from tests import factories
from tests.live import wait_for

FILE = b"".join(b"+3161%07d\n" % number for number in range(400_000))  # 5 MB
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def listed(live, workspace):
    live.start("web")
    live.keep_away("worker")  # a list that is ready does not need its upload, which is read here
    return factories.uploading_list(workspace)


@pytest.fixture
def dial(live, workspace, listed):
    """A connection on which a request for the list's file has begun."""
    secret = factories.api_key(workspace)[1]
    where = urlsplit(live.url)
    opened = []

    def begin(method, headers):
        line = socket.create_connection((where.hostname, where.port), timeout=60)
        opened.append(line)
        said = {"Host": where.netloc, "Authorization": f"Bearer {secret}", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        line.sendall(f"{method} /api/v1/lists/{listed.pk}/file/ HTTP/1.1\r\n{head}\r\n".encode())
        return line

    yield begin
    for line in opened:
        line.close()


def answer(line) -> bytes:
    said = b""
    while b"\r\n\r\n" not in said and (data := line.recv(65536)):
        said += data
    return said


def is_stored(listed) -> bool:
    listed.refresh_from_db()
    with default_storage.open(listed.upload_key) as file:
        return hashlib.sha256(file.read()).digest() == hashlib.sha256(FILE).digest()


def test_curl_waits_until_it_is_told_to_go_on(dial, listed):
    """`curl -T` sends no byte of a large file before that; a refused one it never sends."""
    line = dial("PUT", {"Content-Length": len(FILE), "Expect": "100-continue"})
    assert answer(line).startswith(b"HTTP/1.1 100")
    line.sendall(FILE)
    assert answer(line).startswith(b"HTTP/1.1 202")
    assert is_stored(listed)


def test_a_file_over_the_limit_is_refused_without_a_byte_of_it(dial, listed):
    line = dial("PUT", {"Content-Length": 1 << 40})
    assert answer(line).startswith(b"HTTP/1.1 413")


def test_every_byte_before_a_cut_is_kept_and_the_rest_may_come_in_http_chunks(dial, listed):
    headers = {**TUS, "Upload-Offset": 0, "Upload-Length": len(FILE), "Content-Length": len(FILE)}
    line = dial("PATCH", headers)
    line.sendall(FILE[:3_000_001])
    line.shutdown(socket.SHUT_WR)
    answer(line)
    wait_for(lambda: Upload.objects.filter(list=listed, offset=3_000_001, busy_until=None).exists())
    line = dial("PATCH", {**TUS, "Upload-Offset": 3_000_001, "Transfer-Encoding": "chunked"})
    for at in range(3_000_001, len(FILE), 100_000):
        piece = FILE[at : at + 100_000]
        line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    line.sendall(b"0\r\n\r\n")
    assert answer(line).startswith(b"HTTP/1.1 204")
    assert is_stored(listed)


def test_a_client_that_lies_in_http_chunks_is_told_the_limit(dial, listed):
    headers = {**TUS, "Upload-Offset": 0, "Upload-Length": 1000, "Transfer-Encoding": "chunked"}
    line = dial("PATCH", headers)
    line.sendall(b"%x\r\n%s\r\n" % (2600, FILE[:2600]))
    assert answer(line).startswith(b"HTTP/1.1 413")
    assert not Upload.objects.filter(list=listed).exists()
