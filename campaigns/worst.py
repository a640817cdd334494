"""The most parts that anybody on a list may get: from the longest cell of each column, kept at its preparation."""

from dataclasses import dataclass

from campaigns import gsm, placeholders
from campaigns.gsm import SEPTETS, Encoding
from campaigns.placeholders import Placeholder, key_of
from recipients.models import RecipientList


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """An upper bound: as if one recipient had the longest cell of every column. `foreign` names the columns with
    characters that make a text UCS-2."""

    parts: int
    encoding: Encoding
    foreign: list[str]


def of(text: str, listed: RecipientList | None) -> Worst | None:
    """None for a text that is the same for all, and where the list does not say how long its cells are."""
    try:
        template = placeholders.parse(text)
    except ValueError:
        return None
    if listed is None or template.is_plain or template.missing_from(listed.widths):
        return None
    widths = {key_of(name): (units, characters) for name, (units, characters) in reversed(listed.widths.items())}
    fillings, foreign = {}, []
    for name in template.names:
        units, characters = widths[key_of(name)]
        if not set(characters) <= SEPTETS.keys():
            foreign.append(name)
        fillings[key_of(name)] = _longest(units, characters)
    filled = "".join(
        _fuller(fillings[piece.key], piece.default or "") if isinstance(piece, Placeholder) else piece
        for piece in template.pieces
    )
    measure = gsm.measure(filled)
    return Worst(parts=measure.parts, encoding=measure.encoding, foreign=foreign)


def _longest(units: int, characters: str) -> str:
    """As many units of the dearest character of the column: one that is not in the alphabet, or takes an escape."""
    if not units:
        return ""
    dearest = max(
        (one for one in characters if ord(one) <= 0xFFFF),
        key=lambda one: len(SEPTETS[one]) if one in SEPTETS else 3,
        default="\ufffd",
    )
    return dearest * units


def _fuller(filling: str, default: str) -> str:
    return max(filling, default, key=lambda text: (gsm.measure(text).encoding == "ucs2", gsm.measure(text).units))
