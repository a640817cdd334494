"""Parts of a long message: the concatenation header of 3GPP TS 23.040 §9.2.3.24.1 (8-bit reference)."""

from collections.abc import Sequence

UDHI = 0x40  # esm_class of a short message that begins with a user data header (SMPP 3.4 §5.2.12)
MAX_PARTS = 255


def with_headers(payloads: Sequence[bytes], *, reference: int) -> list[bytes]:
    """Each part behind its header; send them with UDHI. A single part stays as it is and is sent without."""
    total = len(payloads)
    if total > MAX_PARTS:
        raise ValueError(f"{total} parts are more than {MAX_PARTS}")
    if total == 1:
        return list(payloads)
    return [
        bytes((5, 0, 3, reference & 0xFF, total, number)) + payload for number, payload in enumerate(payloads, start=1)
    ]
