"""Sentences that a worker stores in English, as it knows no reader: each is said again to whoever reads it."""

import re

from django.utils.translation import gettext

_HOLE = re.compile(r"%\((\w+)\)s")
_known: dict[str, re.Pattern[str]] = {}


def stored(sentence: str) -> str:
    """A sentence, marked by gettext_noop, that will be found in the database with its %(holes)s filled. Where a hole
    could end at several places, it ends at the first."""
    pieces = _HOLE.split(sentence.replace("%%", "%"))
    pattern = "".join(f"(?P<{piece}>.*?)" if number % 2 else re.escape(piece) for number, piece in enumerate(pieces))
    _known[sentence] = re.compile(pattern, re.DOTALL)
    return sentence


def worded(text: str) -> str:
    """The stored text in the reader's language, and so is a sentence within it; as it is when nobody knows it."""
    for sentence, pattern in _known.items():
        if found := pattern.fullmatch(text):
            return gettext(sentence) % {name: worded(value) for name, value in found.groupdict().items()}
    return text
