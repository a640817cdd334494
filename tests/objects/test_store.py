"""What every store promises."""

import io
import os
import time
from datetime import timedelta

import pytest
from django.core.files import File
from django.core.files.base import ContentFile
from django.utils import timezone

from objects.store import store
from objects.trouble import ObjectMissing, StorageTrouble
from objects.writer import Writer
from tests.stores import keys

pytestmark = pytest.mark.usefixtures("either_store")


def store_class() -> type:
    return store.__class__  # the lazy object says that it is what it stands for


def content(key: str) -> bytes:
    with store.open(key) as file:
        return file.read()


def test_what_was_written_is_read():
    key = store.save("uploads/a", ContentFile(b"one\ntwo\n"))
    assert content(key) == b"one\ntwo\n"
    with store.open(key) as file:
        assert (file.size, list(file)) == (8, [b"one\n", b"two\n"])
    assert store.size(key) == 8 and store.exists(key)


def test_a_stream_of_unknown_length_is_written_whole():
    body = os.urandom(20_000_003)

    class Stream(io.RawIOBase):
        at = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            piece = body[self.at : self.at + min(size, 700_001)]
            self.at += len(piece)
            return piece

    assert content(store.save("uploads/stream", File(Stream()))) == body


def test_an_object_may_be_empty():
    assert content(store.save("uploads/none", ContentFile(b""))) == b""


def test_a_reader_may_jump():
    store.put("lists/1/a/00000", bytes(range(200)))
    with store.open("lists/1/a/00000") as file:
        file.seek(150)
        assert file.read(3) == bytes([150, 151, 152])
        file.seek(-1, os.SEEK_END)
        assert file.read() == bytes([199])
        file.seek(7)
        assert file.read(1) == bytes([7])


@pytest.mark.parametrize("ask", [store.open, store.size], ids=["open", "size"])
def test_what_is_not_there_is_missing_and_an_oserror(ask):
    with pytest.raises(ObjectMissing, match="There is no object uploads/nothing in the ") as missing:
        ask("uploads/nothing")
    assert isinstance(missing.value, StorageTrouble | FileNotFoundError | OSError)
    assert not store.exists("uploads/nothing")


def test_deleting_what_is_not_there_is_no_trouble():
    store.delete("uploads/nothing")
    store.delete_many(["uploads/nothing", "uploads/nobody"])
    store.delete_folder("lists/404/")


def test_an_object_is_put_over_another():
    store.put("lists/1/a/00000", b"first")
    store.put("lists/1/a/00000", b"second")
    assert content("lists/1/a/00000") == b"second"


def test_a_folder_is_deleted_and_its_neighbours_are_not():
    for key in ("lists/1/a/00000", "lists/1/b/c", "lists/10/a/00000", "uploads/x"):
        store.put(key, b"1")
    store.delete_folder("lists/1/")
    assert keys() == ["lists/10/a/00000", "uploads/x"]


def test_objects_are_told_by_pages_with_their_time(monkeypatch):
    for number in range(5):
        store.put(f"uploads/{number}", b"1")
    found = [one for page in store.pages("uploads/") for one in page]
    assert sorted(one.key for one in found) == [f"uploads/{number}" for number in range(5)]
    assert all(abs(timezone.now() - one.modified_at) < timedelta(minutes=1) for one in found)


def test_a_page_may_be_deleted_while_the_next_ones_are_told(monkeypatch, either_store):
    monkeypatch.setattr(f"objects.{'bucket' if either_store == 's3' else 'folder'}.PAGE", 2)
    for number in range(5):
        store.put(f"uploads/{number}", b"1")
    for page in store.pages("uploads/"):
        store.delete_many(found.key for found in page)
    assert keys() == []


def test_a_probe_leaves_nothing_behind():
    store.probe()
    assert keys("health/") == []


def test_a_writer_has_written_everything_at_its_end():
    with Writer() as writer:
        for number in range(40):
            writer.put(f"lists/1/a/{number:05}", b"%d" % number)
    assert [content(key) for key in keys("lists/")] == [b"%d" % number for number in range(40)]


def test_a_trouble_of_one_object_comes_out_of_the_writer(monkeypatch):
    def full(self, key, data):
        raise StorageTrouble("full")

    monkeypatch.setattr(store_class(), "put", full)
    with pytest.raises(StorageTrouble, match="full"), Writer() as writer:
        writer.put("lists/1/a/00000", b"1")


def test_a_writer_that_is_left_by_an_exception_has_nothing_under_way(monkeypatch):
    put, begun = store_class().put, []

    def slowly(self, key, data):
        begun.append(key)
        time.sleep(0.05)
        put(self, key, data)

    monkeypatch.setattr(store_class(), "put", slowly)
    with pytest.raises(KeyError), Writer() as writer:
        for number in range(store.writers * 2):
            writer.put(f"lists/1/a/{number:05}", b"1")
        raise KeyError
    assert keys("lists/") == sorted(begun)
