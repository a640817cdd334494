import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from config.env import storage
from stack import seaweed
from stack.failure import Failure
from stack.keyring import Keyring
from stack.seaweed import SECOND, Seaweed
from tests.stack.conftest import open_folder
from tests.stores import status_of

PLACE = {"Bucket": seaweed.BUCKET, "Key": "a"}


def server(data) -> Seaweed:
    return Seaweed(data / "seaweed", keyring=Keyring(data / "keys.json"), log=data / "seaweed.log")


def client(url: str, **changes):
    options = storage(url)["OPTIONS"]
    wanted = {
        "endpoint_url": options["endpoint_url"],
        "region_name": options["region_name"],
        "aws_access_key_id": options["access_key"],
        "aws_secret_access_key": options["secret_key"],
        "config": Config(s3={"addressing_style": "path"}),
    }
    return boto3.client("s3", **{**wanted, **changes})


@pytest.fixture(scope="module")
def running():
    with open_folder() as data:
        started = server(data)
        url = started.start()
        yield started, url
        started.stop()


def test_its_bucket_takes_an_object_at_once(running):
    client(running[1]).put_object(Body=b"1", **PLACE)
    assert client(running[1]).get_object(**PLACE)["Body"].read() == b"1"


@pytest.mark.parametrize("wrong", [{"aws_secret_access_key": "guessed"}, {"aws_access_key_id": "somebody"}])
def test_it_wants_the_key(running, wrong):
    with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidAccessKeyId"):
        client(running[1], **wrong).list_buckets()


def test_nobody_comes_in_by_the_doors_behind_it(running):
    started, url = running
    client(url).put_object(Body=b"1", **PLACE)
    object_path = f"{seaweed.BUCKET}/{PLACE['Key']}"
    for address in (f"{urlsplit(url).port}/{object_path}", f"{started._ports['filer']}/buckets/{object_path}"):
        assert status_of(f"http://127.0.0.1:{address}") in (401, 403)


def test_it_listens_on_loopback_alone(running):
    files = Path(f"/proc/{running[0].pid}/fd")
    mine = {os.readlink(file) for file in files.iterdir() if os.path.lexists(file)}
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{running[0].pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in mine:
                listening.add(local.partition(":")[0])
    assert listening == {"0100007F"}


def test_its_secrets_are_in_files_that_nobody_else_reads(running):
    started, _ = running
    assert stat.S_IMODE(started._home.stat().st_mode) == 0o700
    secret = Keyring(started._home.parent / "keys.json")["s3"]
    for place in ("cmdline", "environ"):
        assert secret not in Path(f"/proc/{started.pid}/{place}").read_text()


@pytest.mark.timeout(180)
def test_what_was_written_is_there_after_a_restart_on_other_ports(data, monkeypatch):
    first = server(data)
    client(first.start()).put_object(Body=b"kept", **PLACE)
    first.stop()
    before = first._ports
    monkeypatch.setattr(seaweed, "_is_pair", _is_pair_but_not(set(before.values())))
    second = server(data)
    try:
        url = second.start()
        assert not set(before.values()) & set(second._ports.values())
        assert client(url).get_object(**PLACE)["Body"].read() == b"kept"
    finally:
        second.stop()


def _is_pair_but_not(taken):
    is_pair = seaweed._is_pair
    return lambda port: port not in taken and is_pair(port)


def test_its_ports_stay_the_same_and_their_second_ones_exist(data):
    (data / "seaweed").mkdir()
    picked = server(data)._pick_ports()
    assert server(data)._pick_ports() == picked
    assert len(set(picked.values())) == len(picked) and max(picked.values()) + SECOND < 65536


@pytest.mark.timeout(180)
def test_a_server_that_a_killed_run_left_behind_is_ended_first(data):
    left_behind = server(data)
    left_behind.start()
    successor = server(data)
    try:
        successor.start()
        assert left_behind._process.poll() is not None
    finally:
        successor.stop()


def test_an_environment_without_it_says_how_to_get_it(data, monkeypatch):
    monkeypatch.setattr(seaweed.importlib.metadata, "files", lambda name: None)
    with pytest.raises(Failure, match="run --s3"):
        server(data).start()
