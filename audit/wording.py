"""Sentences that a worker stores in English, as it knows no reader: each is said again to whoever reads it."""

import re

from django.utils.translation import gettext

BETWEEN = "; "  # sentences of a list
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
    """The stored text in the reader's language, and so are a sentence within it and a list of them; as it is when
    nobody knows it."""
    listed = text.split(BETWEEN)
    if len(listed) > 1 and all(_find(one) for one in listed):
        return BETWEEN.join(map(worded, listed))
    if found := _find(text):
        sentence, values = found
        return gettext(sentence) % {name: worded(value) for name, value in values.items()}
    return text


def _find(text: str) -> tuple[str, dict[str, str]] | None:
    """The sentence that it is, and what stands in its holes."""
    matches = ((sentence, pattern.fullmatch(text)) for sentence, pattern in _known.items())
    return next(((sentence, match.groupdict()) for sentence, match in matches if match), None)
