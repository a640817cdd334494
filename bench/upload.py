"""A file into object storage through a web process, by tus or by a raw PUT; beside it `cp` of the same file."""

import hashlib
import http.client
import json
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.harness import Meter, private_installation
from stack import environment
from stack.failure import Failure

BLOCK = 1 << 20
SETTLED = 2.0  # seconds of nothing, in which the idle process is measured
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
HASH_OF_STORED = """
import hashlib
from django.core.files.storage import default_storage
from recipients.models import RecipientList
found = hashlib.sha256()
with default_storage.open(RecipientList.objects.get(pk={pk}).upload_key) as file:
    while data := file.read(1 << 20):
        found.update(data)
print(found.hexdigest())
"""


def run(*, bytes: int = 1 << 30, via: str = "tus", store: str = "file") -> dict[str, object]:
    ways = {"tus": by_tus, "put": by_put}
    if via not in ways:
        raise Failure(f"There is no way “{via}”: tus or put.")
    with tempfile.TemporaryDirectory(prefix="bench-upload-") as name:
        source = Path(name) / "numbers.txt"
        sha256 = _generate(source, bytes)
        baseline = _baseline(source)
        with private_installation(window=1, binds=1, only=frozenset({"web"}), store=store) as installation:
            client = Client(installation.url, installation.seed["users"]["author"]["token"])
            _warm_up(client, Path(name) / "small.txt")
            meter = Meter(roots={"web": installation.processes.pids["web"]})
            with meter.running():
                time.sleep(SETTLED)
                idle = meter.peak_rss["web"]
                began = time.perf_counter()
                list_id = ways[via](client, source)
                seconds = time.perf_counter() - began
            code = HASH_OF_STORED.format(pk=list_id)
            stored = environment.manage("shell", "--no-imports", "-v", "0", "-c", code, env=installation.env).strip()
        return {
            "bytes": bytes,
            "seconds": round(seconds, 2),
            "mb_per_second": round(bytes / seconds / 1e6, 1),
            "web_rss_growth_mb": round((meter.peak_rss["web"] - idle) / 1e6, 1),
            "sha256_ok": stored == sha256,
            "baseline": baseline,
        }


class Client:
    def __init__(self, url: str, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._headers = {"Authorization": f"Bearer {token}"}

    def call(
        self, method: str, path: str, headers: Mapping[str, str], body: Path | None = None
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self._host, timeout=600, blocksize=BLOCK)
        length = {"Content-Length": str(body.stat().st_size if body else 0)}
        if body is None:
            connection.request(method, path, headers={**self._headers, **headers, **length})
        else:
            with body.open("rb") as file:
                connection.request(method, path, file, {**self._headers, **headers, **length})
        response = connection.getresponse()
        if response.status not in (201, 202, 204):
            raise Failure(f"{method} {path} was answered {response.status}: {response.read(500).decode()}")
        return response


def by_tus(client: Client, source: Path) -> int:
    filename = b64encode(source.name.encode()).decode()
    said = {"Upload-Length": str(source.stat().st_size), "Upload-Metadata": f"filename {filename}"}
    made: dict[str, Any] = json.loads(client.call("POST", "/api/v1/uploads/", TUS | said).read())
    client.call("PATCH", urlsplit(made["upload_url"]).path, TUS | CHUNK, source).read()
    return int(made["id"])


def by_put(client: Client, source: Path) -> int:
    filename = b64encode(source.name.encode()).decode()
    said = {"Upload-Defer-Length": "1", "Upload-Metadata": f"filename {filename}"}
    made: dict[str, Any] = json.loads(client.call("POST", "/api/v1/uploads/", TUS | said).read())
    client.call("PUT", urlsplit(made["upload_url"]).path, {"Content-Type": "text/plain"}, source).read()
    return int(made["id"])


def _warm_up(client: Client, path: Path) -> None:
    """What a process loads with its first upload is not the upload's; a small one leaves no buffer behind."""
    path.write_bytes(b"+31612345678\n" * 1000)
    for way in (by_tus, by_put) * 4:
        way(client, path)


def _generate(path: Path, size: int) -> str:
    found = hashlib.sha256()
    lines = b"".join(b"+3161%07d\n" % number for number in range(BLOCK // 13 * 10))
    with path.open("wb") as file:
        for at in range(0, size, len(lines)):
            piece = lines[: size - at]
            file.write(piece)
            found.update(piece)
    return found.hexdigest()


def _baseline(source: Path) -> dict[str, object]:
    target = source.with_suffix(".copy")
    began = time.perf_counter()
    subprocess.run(["cp", str(source), str(target)], check=True)
    seconds = time.perf_counter() - began
    target.unlink()
    return {"command": "cp", "seconds": round(seconds, 2)}
