"""The dispatcher's numbers are there before they are needed, and are those of the manifest."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from delivery import chunk_files
from delivery.models import Chunk
from recipients.chunks import ChunkDamaged
from tests import factories
from tests.delivery.ground import under_way
from tests.live import wait_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def chunks(workspace):
    chunk_files.forget()
    return under_way(workspace, 40, chunk_size=10)[1]


def numbers(chunk):
    return chunk_files.phones(chunk).tolist()


def expected(chunk):
    return [factories.FIRST_NUMBER + n for n in range(chunk.first, chunk.first + chunk.count)]


def replaced(key, data):
    default_storage.delete(key)
    default_storage.save(key, ContentFile(data))


def test_the_chunks_that_follow_are_read_ahead(chunks):
    chunk_files.read_ahead(chunks[0])
    wait_for(lambda: all(chunk_files._read.find(chunk_files._piece(chunk)) is not None for chunk in chunks[1:3]))
    assert chunk_files._read.find(chunk_files._piece(chunks[3])) is None
    for chunk in chunks[1:3]:
        default_storage.delete(chunk.key)
        assert numbers(chunk) == expected(chunk)


def test_a_damaged_chunk_is_neither_read_nor_kept(chunks):
    with default_storage.open(chunks[1].key) as file:
        good = file.read()
    replaced(chunks[1].key, b"\x01" * len(good))
    chunk_files.read_ahead(chunks[0])
    wait_for(lambda: chunk_files._read.find(chunk_files._piece(chunks[2])) is not None)
    with pytest.raises(ChunkDamaged):
        numbers(chunks[1])
    replaced(chunks[1].key, good)
    assert numbers(chunks[1]) == expected(chunks[1])


def test_what_is_kept_is_bounded(chunks, monkeypatch):
    monkeypatch.setattr(chunk_files, "KEPT", 2)
    for chunk in chunks:
        numbers(chunk)
    assert [chunk_files._read.find(chunk_files._piece(chunk)) is not None for chunk in chunks] == [
        False,
        False,
        True,
        True,
    ]


def test_a_chunk_with_the_same_key_and_another_content_is_another(chunks):
    numbers(chunks[0])
    other = Chunk.objects.get(pk=chunks[0].pk)
    other.sha256 = "0" * 64
    with pytest.raises(ChunkDamaged):
        numbers(other)
