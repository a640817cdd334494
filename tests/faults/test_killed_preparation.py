"""A worker dies in the middle of a list: the next one begins again, and nobody ever sees half a list."""

import os
import signal
from pathlib import Path

import pytest

from recipients.listing import listing_of
from recipients.models import RecipientList
from recipients.statuses import Stage, Status
from tests import factories
from tests.live import LIST_LEASE, Installation, Program, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

INVALID, REPEATED = 20_000, 100_000
ROWS = 2_000_000


def numbers() -> bytes:
    """Lines that are no number all over the file, and at its end the first numbers once more."""
    lines = [b"+%d\n" % (31_610_000_000 + number) for number in range(ROWS - INVALID - REPEATED)]
    repeated = lines[:REPEATED]
    for place in range(0, INVALID * 90, 90):
        lines[place] = b"nobody\n" + lines[place]
    return b"".join(lines + repeated)


def fresh(listed_id: int) -> RecipientList:
    return RecipientList.objects.get(pk=listed_id)


def kill_outright(live: Installation, name: str) -> None:
    """The worker and those of its pool that do the work: none of them says goodbye."""
    pool = [int(pid) for pid in Path(f"/proc/{live.pid(name)}/task/{live.pid(name)}/children").read_text().split()]
    live.kill(name)
    for pid in pool:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("stage", [Stage.READING, Stage.WRITING])
def test_a_list_whose_worker_was_killed_is_begun_again_and_whole(live, workspace, stage):
    live.start("web", "worker", "beat")
    program = Program(live.url, factories.api_key(workspace)[1])
    made = program.post("lists/", name="Customers", filename="customers.txt", country="NL")
    program.put(f"lists/{made['id']}/file/", numbers())

    def is_there() -> bool:
        listed = fresh(made["id"])
        assert listed.status == Status.PREPARING, listed.failure or "it was too fast to be killed"
        return listed.stage == stage

    wait_for(is_there)
    kill_outright(live, "worker")
    half = fresh(made["id"])
    assert (half.status, half.accepted, half.digest, half.attempts) == (Status.PREPARING, 0, "", 1)

    live.start("worker")
    wait_for(
        lambda: fresh(made["id"]).status == Status.READY,
        seconds=LIST_LEASE + 90,
        seen=lambda: (fresh(made["id"]).status, fresh(made["id"]).failure),
    )
    listed = fresh(made["id"])
    assert listed.attempts >= 2
    assert (listed.rows, listed.invalid, listed.duplicate) == (ROWS, INVALID, REPEATED)
    assert listed.accepted == ROWS - INVALID - REPEATED == listing_of(listed).count
    wait_for(lambda: not fresh(made["id"]).upload_key)
    assert stray_objects(live, listed) == set()


def stray_objects(live: Installation, listed: RecipientList) -> set[str]:
    """What is in storage for this list, and is no part of it."""
    found = {str(path.relative_to(live.objects)) for path in live.objects.rglob("*") if path.is_file()}
    own = {listed.manifest_key, listed.rejected_key, listed.duplicates_key}
    own |= {piece.entry.key for piece in listing_of(listed).pieces}
    return {key for key in found if key.startswith((f"lists/{listed.pk}/", "uploads/"))} - own
