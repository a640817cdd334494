"""docs/states.md: every life in the house, drawn from the tables that the code obeys."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from accounts.statuses import INVITATION_MOVES, JOIN_REQUEST_MOVES
from campaigns.statuses import MOVES as CAMPAIGN
from campaigns.statuses import TRIAL_MOVES as TRIAL
from delivery.statuses import TERM_OF, ChunkStatus, MessageState
from recipients.statuses import IMPORT_MOVES as IMPORT
from recipients.statuses import MOVES as LIST
from reports.statuses import ERASURE_MOVES
from reports.statuses import MOVES as EXPORT
from senders.statuses import REVISION_MOVES, SENDER_MOVES

Moves = Mapping[Any, Set[Any]]

LIVES: dict[str, Moves] = {
    "A campaign": CAMPAIGN,
    "A test send": TRIAL,
    "A list": LIST,
    "An import of suppressed numbers": IMPORT,
    "A sender": SENDER_MOVES,
    "A sender's revision": REVISION_MOVES,
    "An export": EXPORT,
    "An erasure of a number": ERASURE_MOVES,
    "An invitation": INVITATION_MOVES,
    "A request to join": JOIN_REQUEST_MOVES,
}
HEAD = """# States

Made by `manage.py generate_states` from the `MOVES` tables in each room's `statuses.py`; a test compares. What is not
drawn here is refused: by `audit.ledger.change_status`, and for a campaign by a trigger in the database too.
"""


def render() -> str:
    parts = [HEAD, *(_diagram(title, moves) for title, moves in LIVES.items()), _chunk(), _message()]
    return "\n".join(parts)


def _diagram(title: str, moves: Moves) -> str:
    return "\n".join([f"## {title}", "", "```mermaid", "stateDiagram-v2", *_lines(moves), "```", ""])


def _lines(moves: Moves) -> Iterator[str]:
    states = list(moves)
    for state in states:
        yield f"    {state}: {state.label}"
    yield f"    [*] --> {states[0]}"
    for state in states:
        for to in sorted(moves[state], key=states.index):
            yield f"    {state} --> {to}"
        if not moves[state]:
            yield f"    {state} --> [*]"


def _chunk() -> str:
    rows = [f"| `{status}` | {status.label} |" for status in ChunkStatus]
    return "\n".join(["## A chunk at work", "", "| Status | |", "|---|---|", *rows, ""])


def _message() -> str:
    rows = [f"| {state.value} | `{state.name}` | {state.label} | {TERM_OF[state].value} |" for state in MessageState]
    return "\n".join(
        [
            "## A message",
            "",
            "One recipient of a campaign, from its intent on; before that it has no row and is `waiting` in its chunk.",
            "",
            "| | State | | Term of the equation |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )
