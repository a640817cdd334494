"""Where a rate limits them, batches are written slot by slot: a loop for each pace, as long as it has batches."""

import asyncio
from collections.abc import Callable, Sequence

from delivery.batches import Batch
from delivery.limiter import Limiter, Rate, of_campaign

WINDOW_FULL = 0.01  # seconds until a window may have room again

Pace = int  # the campaign that has a limit of its own; 0 for all that have none
NO_LIMIT: Pace = 0


def pace_of(batch: Batch) -> Pace:
    return batch.campaign_id if batch.parts_per_second else NO_LIMIT


class Granting:
    """Lives in the links' event loop. `fill` writes at most so many parts of the batches at that pace and says how many
    it wrote; `is_wanted` says whether any wait, `may_send` whether a window has room."""

    def __init__(
        self,
        lines: Sequence[Rate],
        *,
        fill: Callable[[int, Pace], int],
        is_wanted: Callable[[Pace], bool],
        may_send: Callable[[], bool],
        report: Callable[[str], None],
    ) -> None:
        self._limiter = Limiter(lines, report=report)
        self._fill, self._is_wanted, self._may_send = fill, is_wanted, may_send
        self._loops: dict[Pace, asyncio.Task[None]] = {}

    def limits(self, pace: Pace) -> bool:
        """Whether batches at that pace are written slot by slot: else as fast as windows allow."""
        return bool(self._limiter.lines) or pace != NO_LIMIT

    def want(self, batch: Batch) -> None:
        """There is a batch to be written; harmless when it needs no slots."""
        pace = pace_of(batch)
        if self.limits(pace) and pace not in self._loops:
            also = of_campaign(batch.campaign_id, batch.parts_per_second)
            self._loops[pace] = asyncio.get_running_loop().create_task(self._grant(pace, also))

    async def stop(self) -> None:
        loops = list(self._loops.values())
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self._limiter.close()

    async def _grant(self, pace: Pace, also: Sequence[Rate]) -> None:
        try:
            while self._is_wanted(pace):
                if self._may_send():
                    await self._write(pace, also)
                else:
                    await asyncio.sleep(WINDOW_FULL)
        finally:
            del self._loops[pace]
        await self._limiter.tell()

    async def _write(self, pace: Pace, also: Sequence[Rate]) -> None:
        loop = asyncio.get_running_loop()
        for slot in await self._limiter.take(also=also):
            await asyncio.sleep(max(0.0, slot.at - loop.time()))
            self._limiter.spend(slot, self._fill(slot.parts, pace) if loop.time() <= slot.until else 0)
