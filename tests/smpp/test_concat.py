"""Long messages: each part says which one it is of how many."""

import pytest

from smpp.concat import parameters, with_headers


def test_each_part_names_its_message_its_number_and_their_count():
    assert with_headers([b"one", b"two"], reference=0x1AB) == [b"\5\0\3\xab\2\1one", b"\5\0\3\xab\2\2two"]


def test_a_wide_reference_has_two_octets():
    assert with_headers([b"one", b"two"], reference=0x3_01AB, wide=True)[1] == b"\6\x08\4\x01\xab\2\2two"


def test_optional_parameters_say_the_same():
    first, second = parameters([b"one", b"two"], reference=0x3_01AB)
    assert first == {0x020C: b"\x01\xab", 0x020E: b"\2", 0x020F: b"\1"}
    assert second == first | {0x020F: b"\2"}
    assert parameters([b"one"], reference=7) == [{}]


def test_a_single_part_has_no_header():
    assert with_headers([b"one"], reference=7) == [b"one"]


def test_more_parts_than_an_octet_counts_are_refused():
    with pytest.raises(ValueError, match="256 parts"):
        with_headers([b""] * 256, reference=7)
