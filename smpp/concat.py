"""Parts of a long message: headers in the text (3GPP TS 23.040 §9.2.3.24), or optional parameters (SMPP 3.4 §5.3.2)."""

from collections.abc import Sequence

from smpp.pdu import Tlv

HEADER, WIDE_HEADER = 6, 7  # octets, of an 8-bit and of a 16-bit reference
UDHI = 0x40  # esm_class of a short message that begins with a user data header (SMPP 3.4 §5.2.12)
MAX_PARTS = 255


def with_headers(payloads: Sequence[bytes], *, reference: int, wide: bool = False) -> list[bytes]:
    """Each part behind its header, of 6 octets, or of 7 with a 16-bit reference; send them with UDHI. A single part
    stays as it is and is sent without."""
    total = _counted(payloads)
    if total == 1:
        return list(payloads)
    start = b"\6\x08\4" + (reference & 0xFFFF).to_bytes(2, "big") if wide else bytes((5, 0, 3, reference & 0xFF))
    return [start + bytes((total, number)) + payload for number, payload in enumerate(payloads, start=1)]


def parameters(payloads: Sequence[bytes], *, reference: int) -> list[dict[int, bytes]]:
    """The optional parameters that go with each part instead of a header; none with a single one."""
    total = _counted(payloads)
    if total == 1:
        return [{}]
    common: dict[int, bytes] = {
        Tlv.SAR_MSG_REF_NUM: (reference & 0xFFFF).to_bytes(2, "big"),
        Tlv.SAR_TOTAL_SEGMENTS: bytes((total,)),
    }
    return [{**common, Tlv.SAR_SEGMENT_SEQNUM: bytes((number,))} for number in range(1, total + 1)]


def _counted(payloads: Sequence[bytes]) -> int:
    if len(payloads) > MAX_PARTS:
        raise ValueError(f"{len(payloads)} parts are more than {MAX_PARTS}")
    return len(payloads)
