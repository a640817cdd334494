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
    header = b"MCCHUNK3\2\0\0\0\0\0\0\0" + bytes(8)
    assert data == header + b"N\x1d>\\\x07\0\0\0" + (79161234567).to_bytes(8, "little")


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


@pytest.mark.parametrize("others", [b"", b"Jan\nEls\n"])
@pytest.mark.parametrize(
    "lines", [[1, 2], [7, 7], [254, 508], [255, 510], [300_000, 4_294_967_295], [4_294_967_294, 4_294_967_295]]
)
def test_each_recipient_brings_the_line_of_its_file(lines, others):
    data = chunks.encode(NUMBERS, others, np.array(lines, dtype=np.uint32))
    chunk = chunks.decode(chunks.entry_for(0, "key", data), data)
    assert chunk.lines().tolist() == lines
    assert chunk.phones.tolist() == NUMBERS.tolist()
    assert chunk.rows() == others.decode().split("\n")[:-1]


def test_lines_of_a_usual_chunk_cost_a_small_part_of_its_numbers():
    dice = np.random.default_rng(17)
    lines = np.cumsum(1 + (dice.random(10_000) < 0.15), dtype=np.uint32)
    numbers = np.arange(10_000, dtype=np.uint64)
    assert len(chunks.encode(numbers, b"", lines)) < 1.04 * len(chunks.encode(numbers))


def test_chunks_of_before_are_read_and_have_no_lines():
    data = b"MCCHUNK2" + (2).to_bytes(4, "little") + bytes(4) + NUMBERS.astype("<u8").tobytes()
    chunk = chunks.decode(chunks.entry_for(0, "key", data), data)
    assert (chunk.phones.tolist(), chunk.lines(), chunk.rows()) == (NUMBERS.tolist(), None, [])
    assert chunks.decode(manifest().entries[0], chunks.encode(NUMBERS)).lines() is None


@pytest.mark.parametrize("at", range(40))
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
