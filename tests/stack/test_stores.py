import os

import pytest

from stack import stores
from stack.failure import Failure


def test_a_url_in_the_environment_replaces_its_store(data, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://runtime@elsewhere/db")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgres://owner@elsewhere/db")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    monkeypatch.setenv("STORAGE_URL", "s3://key:secret@elsewhere/bucket")
    with stores.opened(data) as opened:
        assert opened.pids == {}
        assert opened.urls == {name: os.environ[name] for name in stores.URLS}


def test_files_are_kept_beside_the_data(data, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    odd = data / "50% off"
    with stores.opened(odd) as opened:
        assert opened.urls["STORAGE_URL"] == f"file:{data}/50%25%20off/objects"
        assert (odd / "objects").is_dir()


def test_a_second_run_on_the_same_data_is_told_who_is_first(data):
    with stores.held(data), pytest.raises(Failure, match=f"process {os.getpid()}"), stores.held(data):
        pass


def test_the_data_is_free_again_afterwards(data):
    with stores.held(data):
        pass
    with stores.held(data):
        pass


@pytest.mark.parametrize(("written", "s3", "told"), [("objects", True, "in a folder"), ("seaweed", False, "--s3")])
def test_files_are_looked_for_where_they_were_written(data, monkeypatch, written, s3, told):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    (data / written / "uploads").mkdir(parents=True)
    with pytest.raises(Failure, match=told), stores.opened(data, s3=s3):
        pass


def test_an_embedded_s3_takes_the_place_of_the_folder(data, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    with stores.opened(data, s3=True) as opened:
        assert opened.urls["STORAGE_URL"].startswith("s3://message-center:")
        assert set(opened.pids) == {"seaweed"}
