import pytest
import redis

from stack.keyring import Keyring
from stack.valkey import Valkey


def server(data) -> Valkey:
    return Valkey(data / "valkey", keyring=Keyring(data / "keys.json"), log=data / "valkey.log")


@pytest.fixture
def started(data):
    running = server(data)
    yield running.start()
    running.stop()


def test_it_wants_the_password(started):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(started.replace(started.split("@")[0], "redis://:guessed")).ping()


def test_it_never_throws_a_key_away(started):
    client = redis.Redis.from_url(started)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_what_was_written_is_there_after_a_restart(data):
    first = server(data)
    redis.Redis.from_url(first.start()).set("kept", "yes")
    first.stop()
    second = server(data)
    try:
        assert redis.Redis.from_url(second.start()).get("kept") == b"yes"
    finally:
        second.stop()


def test_a_server_that_a_killed_run_left_behind_is_ended_first(data):
    left_behind = server(data)
    left_behind.start()
    successor = server(data)
    try:
        successor.start()
        assert left_behind._process.poll() is not None
    finally:
        successor.stop()


def test_the_folder_may_have_spaces_and_quotes(data):
    odd = data / 'a "quoted" folder'
    odd.mkdir()
    running = server(odd)
    try:
        redis.Redis.from_url(running.start()).ping()
    finally:
        running.stop()
    assert list((odd / "valkey").glob("appendonlydir/*"))
