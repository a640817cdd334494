"""ETags of campaigns (RFC 9110 §8.8.3): a program changes only the campaign that it has read.

A tag has two halves. The first names what people write and decide: content, status, times. The second, on answers
that carry totals, names what moves with every second of sending. `If-None-Match` compares the whole tag; `If-Match`
the first half, or nobody could pause a campaign that runs.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer


def tag(campaign: Mapping[str, Any], moving: Mapping[str, Any] | None = None) -> str:
    """Of a campaign as it is shown, and of what is shown beside it."""
    halves = [_digest(campaign)] if moving is None else [_digest(campaign), _digest(moving)]
    return f'"{"-".join(halves)}"'


def is_new(tag: str, *, if_none_match: str | None) -> bool:
    """Whether a reader who has the tags of that header has not seen this one."""
    return if_none_match is None or not {"*", tag} & set(_tags(if_none_match))


def is_as_read(tag: str, *, if_match: str) -> bool:
    """Whether people have changed nothing since somebody got a tag of that header."""
    return any(given == "*" or _first(given) == _first(tag) for given in _tags(if_match))


def _tags(header: str) -> Iterable[str]:
    """A proxy that packs an answer makes its tag a weak one: it names the same campaign."""
    return [text.strip().removeprefix("W/") for text in header.split(",")]


def _first(tag: str) -> str:
    return tag.strip('"').partition("-")[0]


def _digest(shown: Mapping[str, Any]) -> str:
    plain = json.loads(JSONRenderer().render(shown))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
