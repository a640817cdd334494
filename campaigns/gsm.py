"""The text of a message as carriers count it: GSM 03.38 or UCS-2, one part or several, and the bytes of each part."""

import re
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

MAX_PARTS = 10
# Septets or UTF-16 code units that fit in a message alone, and in a part beside its concatenation header.
ALONE: dict[Encoding, int] = {"gsm7": 160, "ucs2": 70}
IN_PART: dict[Encoding, int] = {"gsm7": 153, "ucs2": 67}


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


def measure(text: str) -> Measure:
    first_foreign = next((character for character in text if character not in SEPTETS), None)
    encoding: Encoding = "ucs2" if first_foreign else "gsm7"
    units = sum(_units(character, encoding) for character in text)
    parts = len(_split(text, encoding))
    per_part = (ALONE if parts == 1 else IN_PART)[encoding]
    return Measure(encoding=encoding, units=units, parts=parts, per_part=per_part, first_foreign=first_foreign)


def split(text: str) -> list[str]:
    """The parts, each as full as it gets without splitting a character's escape or surrogate pair."""
    return _split(text, measure(text).encoding)


def encode_part(part: str, encoding: Encoding) -> bytes:
    """The octets of short_message: unpacked septets (data_coding 0) or UTF-16BE (data_coding 8)."""
    if encoding == "ucs2":
        return part.encode("utf-16-be")
    return b"".join(SEPTETS[character] for character in part)


def decode(octets: bytes) -> str:
    """The text of unpacked septets. An escape before what the extension table does not have stands for nothing, as
    §6.2.1.1 wants it; what is no septet becomes U+FFFD."""
    return _ESCAPED.sub(lambda pair: _EXTENDED[pair[1]], octets.decode("latin-1")).translate(_CHARACTERS)


_PRIVATE = 0xE000
# Extended characters pass through the translation of the others under places that no octet has.
_EXTENDED = {chr(octet): chr(_PRIVATE + octet) for octet in range(256)}
_ESCAPED = re.compile("\x1b(.)", re.DOTALL)
_CHARACTERS: dict[int, str] = {
    **dict.fromkeys(range(256), "\ufffd"),
    **dict(enumerate(ALPHABET)),
    ESCAPE: "",
    **{_PRIVATE + septet: character for septet, character in enumerate(ALPHABET)},
    _PRIVATE + ESCAPE: "",
    **{_PRIVATE + octet: "\ufffd" for octet in range(128, 256)},
    **{_PRIVATE + octet: character for character, octet in EXTENSION.items()},
}


def _split(text: str, encoding: Encoding) -> list[str]:
    widths = [_units(character, encoding) for character in text]
    if sum(widths) <= ALONE[encoding]:
        return [text]
    parts: list[str] = []
    begin = used = 0
    for end, width in enumerate(widths):
        if used + width > IN_PART[encoding]:
            parts.append(text[begin:end])
            begin, used = end, 0
        used += width
    return [*parts, text[begin:]]


def _units(character: str, encoding: Encoding) -> int:
    return len(SEPTETS[character]) if encoding == "gsm7" else 1 + (character > "\uffff")
