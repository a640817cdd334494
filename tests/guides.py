"""Guides that are run as they stand: blocks of code, each followed by what it says, if that is shown."""

import json
import re
from dataclasses import dataclass
from typing import Any

ANYTHING = "…"


@dataclass(frozen=True, slots=True)
class Block:
    code: str
    kind: str
    answer: str

    def agrees(self, said: str) -> bool:
        match self.kind:
            case "json":
                return holds(json.loads(said), json.loads(self.answer))
            case "text":
                return re.fullmatch(self._pattern, said.strip(), re.S) is not None
            case _:
                return True

    @property
    def _pattern(self) -> str:
        return ".*".join(re.escape(text) for text in self.answer.strip().split(ANYTHING))


def blocks_of(guide: str, language: str) -> list[Block]:
    pattern = rf"^```{language}\n(.*?)^```\n(?:\n```(json|text)\n(.*?)^```\n)?"
    found = [Block(*groups) for groups in re.findall(pattern, guide, re.M | re.S)]
    assert len(found) == guide.count(f"```{language}\n")
    return found


def holds(found: Any, wanted: Any) -> bool:
    """What is wanted is there; `…` is anything."""
    if wanted == ANYTHING:
        return found is not None
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(name in found and holds(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)
