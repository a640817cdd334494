"""How a message looks while it is written: on a phone, to one recipient after the other; and what speaks against it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from accounts.models import Workspace
from campaigns import gsm, lookalikes, placeholders, preview, worst
from campaigns.lookalikes import Foreign
from campaigns.preview import Example, Preview
from campaigns.worst import Worst
from recipients import stop_words
from recipients.models import RecipientList

ROWS = 10  # of the list, to step through
LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"“”{}]+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/[^\s<>\"“”{}]*", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    address: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`shown` is what recipient `row` of the first `rows` gets, in `bubbles`, one for each part; `worst` what the
    longest text of the whole list may take, where that is known."""

    preview: Preview
    foreign: list[Foreign]
    row: int
    rows: int
    shown: Example | None
    bubbles: list[str]
    links: list[Link]
    has_opt_out: bool
    worst: Worst | None

    @property
    def replaceable(self) -> int:
        return sum(one.instead is not None for one in self.foreign)

    @property
    def next_row(self) -> int:
        return (self.row + 1) % max(self.rows, 1)

    @property
    def previous_row(self) -> int:
        return (self.row - 1) % max(self.rows, 1)


def look(text: str, listed: RecipientList | None, workspace: Workspace, *, row: int = 0) -> Look:
    seen = preview.of_text(text, listed, size=ROWS)
    rows = len(seen.examples)
    row = row % rows if rows else 0
    shown = seen.examples[row] if rows else None
    said = shown.text if shown and shown.text else placeholders.plainly(text)
    return Look(
        preview=seen,
        foreign=lookalikes.foreign_in(text),
        row=row,
        rows=rows,
        shown=shown,
        bubbles=gsm.split(said) if said else [],
        links=links_in(text),
        has_opt_out=has_opt_out(text, stop_words.of(workspace)),
        worst=worst.of(text, listed),
    )


def links_in(text: str) -> list[Link]:
    """Each once, with the domain that it leads to."""
    found = dict.fromkeys(match[0].rstrip(".,;:!?)") for match in LINK.finditer(text))
    return [Link(address=address, domain=_domain(address)) for address in found]


def has_opt_out(text: str, words: Iterable[str]) -> bool:
    """Whether it names a word by which recipients say no, or has a link of that name."""
    said = text.casefold()
    return any(re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", said) for word in words)


def _domain(address: str) -> str:
    return (urlsplit(address if "://" in address else f"http://{address}").hostname or address).removeprefix("www.")
