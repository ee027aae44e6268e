"""The journal: gathers outcomes for a moment and commits them together, under the epochs of their units."""

import asyncio

from haulage.engine.context import Context
from haulage.ledger import work
from haulage.ledger.work import Settled, Unit

FLUSH_SECONDS = 0.25
FLUSH_ITEMS = 500
MOST_WAITING = 5_000


class Journal:
    """Outcomes on their way into the ledger. An outcome counts only once it is there."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: list[tuple[Settled, int]] = []
        self._epochs: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self._wake = asyncio.Event()
        self._flushed = asyncio.Event()
        self._writing = asyncio.Lock()
        self._closed = False

    def open_unit(self, unit: Unit) -> None:
        """Take on a claimed unit."""
        self._epochs[unit.id] = unit.epoch
        self._left[unit.id] = len(unit.items)

    async def put(self, unit_id: int, settled: Settled) -> None:
        """Hand in an item's outcome; waits while too many are on their way."""
        self._waiting.append((settled, unit_id))
        if len(self._waiting) >= FLUSH_ITEMS:
            self._wake.set()
        while len(self._waiting) > MOST_WAITING:
            self._flushed.clear()
            await self._flushed.wait()

    async def flush(self) -> None:
        """Commit what is waiting. Raises LeaseLost, DiskFull, LedgerUnusable: then nothing of it counts.

        It goes on where its caller is cancelled, since a commit that waits for its turn would be dropped with all it
        holds. The next flush waits for it.
        """
        await asyncio.shield(self._flush())

    async def _flush(self) -> None:
        async with self._writing:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                return
            epochs: dict[int, int] = {}
            for _, unit_id in waiting:
                epochs[unit_id] = self._epochs[unit_id]
                self._left[unit_id] -= 1
            done = [unit_id for unit_id in epochs if self._left[unit_id] == 0]
            context = self._context
            settled = [one for one, _ in waiting]
            counts = context.counts.as_json()
            await context.ledger.run(work.commit, context.run.id, settled, counts, epochs, done)
            for unit_id in done:
                del self._epochs[unit_id], self._left[unit_id]
            self._flushed.set()

    async def keep(self) -> None:
        """Flush again and again until closed, and once more then."""
        while not self._closed:
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self.flush()
        await self.flush()

    def close(self) -> None:
        """No more outcomes come."""
        self._closed = True
        self._wake.set()
