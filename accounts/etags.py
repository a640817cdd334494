"""ETags (RFC 9110 §8.8.3): a program changes only what it has read.

A tag has two halves. The first names what people write and decide: content, status, times. The second, on answers
that carry totals, names what moves by itself, with every second of sending. `If-None-Match` compares the whole tag;
`If-Match` the first half, or nobody could pause a campaign that runs.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer

from audit.refusal import Refused


def tag(shown: Mapping[str, Any], moving: Mapping[str, Any] | None = None) -> str:
    """Of a thing as it is shown, and of what is shown beside it."""
    halves = [_digest(shown)] if moving is None else [_digest(shown), _digest(moving)]
    return f'"{"-".join(halves)}"'


def is_new(tag: str, *, if_none_match: str | None) -> bool:
    """Whether a reader who has the tags of that header has not seen this one."""
    return if_none_match is None or not {"*", tag} & set(_tags(if_none_match))


def check_as_read(tag: str, *, if_match: str) -> None:
    """Raises Refused when people have changed something since somebody got a tag of that header."""
    if not any(given == "*" or _first(given) == _first(tag) for given in _tags(if_match)):
        raise Refused("It has changed since you read it: read it again.", code="changed_since_read")


def _tags(header: str) -> Iterable[str]:
    """A proxy that packs an answer makes its tag a weak one: it names the same thing."""
    return [text.strip().removeprefix("W/") for text in header.split(",")]


def _first(tag: str) -> str:
    return tag.strip('"').partition("-")[0]


def _digest(shown: Mapping[str, Any]) -> str:
    plain = json.loads(JSONRenderer().render(shown))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
