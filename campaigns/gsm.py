"""The text of a message as carriers count it: GSM 03.38 or UCS-2, one part or several, and the bytes of each part."""

import codecs
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
# For str.translate: the octets of `encode_part`, as characters.
_OCTETS = {ord(character): septets.decode("latin-1") for character, septets in SEPTETS.items()}

# The same table for the codec machinery of Python, which is fast: a byte for each character, above 0x7F those that have
# an escape. \ufffe is how it says that a byte is no character.
BYTES = codecs.charmap_build(
    (ALPHABET[:ESCAPE] + "\ufffe" + ALPHABET[ESCAPE + 1 :] + "".join(EXTENSION)).ljust(256, "\ufffe")
)
EXTENDED = re.compile(rb"[\x80-\xff]")
# And for ASCII, where it is faster still.
FOREIGN = 0xFF
ASCII = bytes({0: FOREIGN, 1: code, 2: 0x80}[len(SEPTETS.get(chr(code), b""))] for code in range(128)).ljust(256, b"\0")

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


def count_parts(text: str, *, header: int = HEADER) -> int:
    """measure(text).parts, for whoever asks of thousands of texts."""
    septets = _septets(text)
    if septets is None:
        return _count_ucs2(text, header)
    if not septets.isascii():
        septets = EXTENDED.sub(b"\x1b\0", septets)
    return _count(septets, alone=ALONE["gsm7"], most=in_part("gsm7", header), first_halves=range(ESCAPE, ESCAPE + 1))


def _septets(text: str) -> bytes | None:
    """A byte for each character, above 0x7F where it has an escape; None when one is not in the alphabet."""
    if text.isascii():
        septets = text.encode().translate(ASCII)
        return None if FOREIGN in septets else septets
    try:
        return codecs.charmap_encode(text, "strict", BYTES)[0]
    except UnicodeEncodeError:
        return None


def _count_ucs2(text: str, header: int) -> int:
    octets = text.encode("utf-16-be", "surrogatepass")
    first_octets = octets[::2] if len(octets) > 2 * ALONE["ucs2"] else bytes(len(octets) // 2)
    return _count(first_octets, alone=ALONE["ucs2"], most=in_part("ucs2", header), first_halves=range(0xD8, 0xDC))


def _count(units: bytes, *, alone: int, most: int, first_halves: range) -> int:
    """How many parts the units need when no part may end with the first half of a pair."""
    if len(units) <= alone:
        return 1
    parts, end = 1, most
    while end < len(units):
        if units[end - 1] in first_halves:
            end -= 1
        parts, end = parts + 1, end + most
    return parts


def split(text: str, *, header: int = HEADER) -> list[str]:
    """The parts, each as full as it gets without splitting a character's escape or surrogate pair."""
    return _split(text, measure(text, header=header).encoding, header)


def encode_part(part: str, encoding: Encoding) -> bytes:
    """The octets of short_message: unpacked septets (data_coding 0) or UTF-16BE (data_coding 8)."""
    if encoding == "ucs2":
        return part.encode("utf-16-be", "surrogatepass")
    return part.translate(_OCTETS).encode("latin-1")


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
