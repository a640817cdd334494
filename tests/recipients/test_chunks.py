import hashlib
from dataclasses import replace

import numpy as np
import pytest

from recipients import chunks
from recipients.chunks import ChunkDamaged, Manifest, Totals

NUMBERS = np.array([31612345678, 79161234567], dtype=np.uint64)


def manifest():
    data = chunks.encode(NUMBERS)
    totals = Totals(rows=5, accepted=2, invalid=1, duplicate=1, suppressed=1)
    return Manifest(
        (chunks.entry_for(0, "lists/ab12", data), chunks.entry_for(1, "lists/cd34", data)), totals, ("name",)
    )


def test_a_chunk_is_little_endian_whatever_the_machine():
    data = chunks.encode(NUMBERS.astype(">u8"))
    assert data == b"MCCHUNK2\2\0\0\0\0\0\0\0N\x1d>\\\x07\0\0\0" + (79161234567).to_bytes(8, "little")


def test_a_chunk_comes_back_in_list_order():
    entry = manifest().entries[0]
    assert entry.count == 2
    assert chunks.decode(entry, chunks.encode(NUMBERS)).phones.tolist() == NUMBERS.tolist()


def test_each_recipient_brings_its_other_cells_in_their_columns():
    data = chunks.encode(NUMBERS, "Zoë\tUtrecht\t1\nJan\n".encode())
    chunk = chunks.decode(chunks.entry_for(0, "key", data), data)
    assert chunk.phones.tolist() == NUMBERS.tolist()
    assert chunk.others(3) == [("Zoë", "Utrecht", "1"), ("Jan", "", "")]
    assert chunk.others(2) == [("Zoë", "Utrecht"), ("Jan", "")]
    assert chunk.others(0) == [(), ()]


def test_without_other_columns_the_cells_are_empty():
    data = chunks.encode(NUMBERS)
    assert chunks.decode(chunks.entry_for(0, "key", data), data).others(2) == [("", ""), ("", "")]


@pytest.mark.parametrize("at", range(32))
def test_one_changed_bit_is_a_damaged_chunk(at):
    data = bytearray(chunks.encode(NUMBERS))
    data[at] ^= 1
    with pytest.raises(ChunkDamaged, match="Chunk 0"):
        chunks.decode(manifest().entries[0], bytes(data))


def test_a_chunk_with_another_count_is_damaged():
    with pytest.raises(ChunkDamaged):
        chunks.decode(replace(manifest().entries[0], count=3), chunks.encode(NUMBERS))


def test_a_manifest_comes_back_by_its_digest():
    one = manifest()
    assert one.digest == hashlib.sha256(one.to_bytes()).hexdigest()
    assert Manifest.from_bytes(one.to_bytes(), digest=one.digest) == one


def test_the_canonical_form_of_a_manifest_is_fixed():
    assert manifest().to_bytes().startswith(b'{"chunks":[{"count":2,"key":"lists/ab12","number":0,"sha256":"')
    assert (
        manifest()
        .to_bytes()
        .endswith(
            b'"columns":["name"],"format":"message-center/list/2",'
            b'"totals":{"accepted":2,"duplicate":1,"invalid":1,"rows":5,"suppressed":1}}'
        )
    )


def test_a_manifest_that_was_changed_is_not_read():
    one = manifest()
    with pytest.raises(ChunkDamaged, match="manifest"):
        Manifest.from_bytes(one.to_bytes().replace(b"ab12", b"ab13"), digest=one.digest)


def test_the_order_of_chunks_is_part_of_the_digest():
    one = manifest()
    assert Manifest(one.entries[::-1], one.totals).digest != one.digest
