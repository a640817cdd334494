"""The text of a message as carriers count it: GSM 03.38 or UCS-2, one part or several, and the bytes of each part."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Encoding: TypeAlias = Literal["gsm7", "ucs2"]

# 3GPP TS 23.038 §6.2.1; the position is the septet. 0x1B, the escape, is no character of its own.
ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPE = 0x1B
# §6.2.1.1: the extension table, each after an escape.
EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
SEPTETS: dict[str, bytes] = {
    **{character: bytes([septet]) for septet, character in enumerate(ALPHABET) if septet != ESCAPE},
    **{character: bytes([ESCAPE, septet]) for character, septet in EXTENSION.items()},
}
# For str.translate: the octets of `encode_part`, as characters.
_OCTETS = {ord(character): septets.decode("latin-1") for character, septets in SEPTETS.items()}

MAX_PARTS = 10
OCTETS = 140  # of a message, or of a part with its header (3GPP TS 23.040 §9.2.3.24)
HEADER = 6  # octets of the usual concatenation header
# Septets or UTF-16 code units that fit in a message alone.
ALONE: dict[Encoding, int] = {"gsm7": 160, "ucs2": 70}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a text costs: `units` are septets or UTF-16 code units, `per_part` how many of them one part takes."""

    encoding: Encoding
    units: int
    parts: int
    per_part: int
    first_foreign: str | None  # the character because of which the whole text is UCS-2

    def fits(self, max_parts: int = MAX_PARTS) -> bool:
        return self.parts <= max_parts


def in_part(encoding: Encoding, header: int = HEADER) -> int:
    """Units that fit in a part beside a concatenation header of so many octets."""
    return (OCTETS - header) // 2 if encoding == "ucs2" else (OCTETS - header) * 8 // 7


def measure(text: str, *, header: int = HEADER) -> Measure:
    is_gsm = SEPTETS.keys() >= set(text)
    first_foreign = None if is_gsm else next(character for character in text if character not in SEPTETS)
    encoding: Encoding = "gsm7" if is_gsm else "ucs2"
    units = len(encode_part(text, encoding)) // (1 if is_gsm else 2)
    parts = 1 if units <= ALONE[encoding] else len(_split(text, encoding, header))
    per_part = ALONE[encoding] if parts == 1 else in_part(encoding, header)
    return Measure(encoding=encoding, units=units, parts=parts, per_part=per_part, first_foreign=first_foreign)


def split(text: str, *, header: int = HEADER) -> list[str]:
    """The parts, each as full as it gets without splitting a character's escape or surrogate pair."""
    return _split(text, measure(text, header=header).encoding, header)


def encode_part(part: str, encoding: Encoding) -> bytes:
    """The octets of short_message: unpacked septets (data_coding 0) or UTF-16BE (data_coding 8)."""
    if encoding == "ucs2":
        return part.encode("utf-16-be", "surrogatepass")
    return part.translate(_OCTETS).encode("latin-1")


def _split(text: str, encoding: Encoding, header: int) -> list[str]:
    most = in_part(encoding, header)
    widths = [_units(character, encoding) for character in text]
    if sum(widths) <= ALONE[encoding]:
        return [text]
    parts: list[str] = []
    begin = used = 0
    for end, width in enumerate(widths):
        if used + width > most:
            parts.append(text[begin:end])
            begin, used = end, 0
        used += width
    return [*parts, text[begin:]]


def _units(character: str, encoding: Encoding) -> int:
    return len(SEPTETS[character]) if encoding == "gsm7" else 1 + (character > "\uffff")
