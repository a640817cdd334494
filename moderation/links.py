"""The links of a text, with the domain that each leads to in plain sight. Pure: nothing is looked up.

A domain is shown as people would read it: xn-- labels decoded, and a warning where its letters are not what they seem.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from moderation import terms

# With its scheme, or as phones find it without: labels, and an ending of letters.
_LINK = re.compile(
    r"""https?://[^\s<>"“”«»]+
      | (?<![\w@.-]) (?:[^\W_](?:[\w-]*[^\W_])?\.)+ (?:xn--[a-z0-9-]+|[^\W\d_]{2,24})
        (?::\d+)? (?:[/?\#][^\s<>"“”«»]*)?""",
    re.IGNORECASE | re.VERBOSE,
)
_TRAILING = ".,;:!?)]}'’\"”»…"
# Without a scheme and a path, only what phones would make a link of: “today.Only” is no domain.
_ENDING = re.compile(
    r"com|net|org|info|biz|io|me|co|app|dev|shop|store|online|site|xyz|top|club|link|live|pro|uz|ru|kz|kg|tj|tm|by|ua"
    r"|az|am|ge|eu|uk|de|nl|fr|es|it|pl|tr|cn|in|us|su|рф|бел|укр|қаз|ly|gg|to|cc|tv|ws|ai|xn--[a-z0-9-]+"
)
# They hide where they lead to, and may be pointed elsewhere after the approval.
_SHORTENER = re.compile(
    r"(?:www\.)?(?:bit\.ly|t\.co|goo\.gl|tinyurl\.com|ow\.ly|is\.gd|buff\.ly|cutt\.ly|rb\.gy|clck\.ru|vk\.cc|u\.to|t\.ly"
    r"|s\.id|shorturl\.at|tiny\.cc|bl\.ink|qr\.ae|v\.gd|x\.gd)"
)


class Doubt(StrEnum):
    """Why a link must be looked at twice."""

    DECODED = "decoded"
    LOOKS_LIKE = "looks_like"
    MIXED = "mixed"
    USER = "user"
    SHORTENER = "shortener"
    ADDRESS = "address"
    VARIES = "varies"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`written` stands in the text at `begin`; `domain` is where it leads, `like` what its letters pass for."""

    begin: int
    written: str
    domain: str
    doubts: tuple[Doubt, ...]
    like: str = ""


def find(text: str) -> list[Link]:
    return list(_links(text))


def _links(text: str) -> Iterator[Link]:
    for match in _LINK.finditer(text):
        written = match[0]
        while written and written[-1] in _TRAILING and not _closes(written):
            written = written[:-1]
        if written and _is_link(written):
            yield _read(match.start(), written)


def _closes(written: str) -> bool:
    """The brace or bracket at its end belongs to it, as the placeholder of a path does."""
    pairs = {")": "(", "]": "[", "}": "{"}
    opens = pairs.get(written[-1])
    return opens is not None and written.count(opens) >= written.count(written[-1])


def _is_link(written: str) -> bool:
    if "://" in written:
        return True
    host = re.split(r"[/?#:]", written, maxsplit=1)[0]
    return len(host) < len(written) or _ENDING.fullmatch(host.rpartition(".")[2].casefold()) is not None


def _read(begin: int, written: str) -> Link:
    try:
        parts = urlsplit(written if "://" in written else f"//{written}")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        host = ""
    if not host or "{" in host or "{" in parts.netloc:
        doubt = Doubt.VARIES if "{" in written else Doubt.UNREADABLE
        return Link(begin=begin, written=written, domain=host or written, doubts=(doubt,))
    domain = ".".join(_decoded(label) for label in host.split("."))
    doubts = list(_doubts(domain))
    if "xn--" in host:
        doubts.insert(0, Doubt.DECODED)
    if "@" in parts.netloc:
        doubts.insert(0, Doubt.USER)
    like = _like(domain) if Doubt.LOOKS_LIKE in doubts else ""
    return Link(begin=begin, written=written, domain=domain, doubts=tuple(doubts), like=like)


def _decoded(label: str) -> str:
    label = unicodedata.normalize("NFKC", label).casefold()
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _doubts(domain: str) -> Iterator[Doubt]:
    labels = domain.split(".")
    if _is_address(domain):
        yield Doubt.ADDRESS
    if _SHORTENER.fullmatch(domain):
        yield Doubt.SHORTENER
    if any(len(_scripts(label)) > 1 for label in labels):
        yield Doubt.MIXED
    if any(_passes_for_latin(label) for label in labels[:-1]):
        yield Doubt.LOOKS_LIKE


def _is_address(domain: str) -> bool:
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        return False
    return True


def _scripts(label: str) -> set[str]:
    """LATIN, CYRILLIC, GREEK …: the first word of each letter's name."""
    return {unicodedata.name(letter, "?").split()[0] for letter in label if letter.isalpha()}


def _passes_for_latin(label: str) -> bool:
    """Letters of another script, each of which looks like one of ours."""
    foreign = [letter for letter in label if not letter.isascii() and letter.isalpha()]
    return bool(foreign) and all(terms.plain(letter).isascii() and terms.plain(letter) for letter in foreign)


def _like(domain: str) -> str:
    return "".join(letter if letter.isascii() else _LATIN.get(letter) or terms.plain(letter) for letter in domain)


_LATIN = {"ӏ": "l", "ǀ": "l"}  # `terms` makes no difference between l and i
