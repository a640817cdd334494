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
    return Manifest((chunks.entry_for(0, "lists/ab12", data), chunks.entry_for(1, "lists/cd34", data)), totals)


def test_a_chunk_is_little_endian_whatever_the_machine():
    assert chunks.encode(NUMBERS.astype(">u8")) == b"N\x1d>\\\x07\0\0\0" + (79161234567).to_bytes(8, "little")


def test_a_chunk_comes_back_in_list_order():
    entry = manifest().entries[0]
    assert entry.count == 2
    assert chunks.decode(entry, chunks.encode(NUMBERS)).tolist() == NUMBERS.tolist()


@pytest.mark.parametrize("at", range(16))
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
            b'"format":"message-center/list/1",'
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
