"""Whether what is to be uploaded fits into what is free at the destination: before the first byte, and as it goes on.

Counted is only what is sure to take room: files of which nothing stands at the destination, and of a large one that is
under way, what was not sent yet. So no run is stopped for what would have fitted. What is not counted (versions that
are kept of what gets replaced, documents whose size nobody knows) may make the service refuse a write, which stops the
run in the same way.
"""

import asyncio

from haulage.engine.sides import at_target
from haulage.ledger.items import Known
from haulage.model.errors import HaulageError, QuotaFull
from haulage.model.words import size_text
from haulage.services.contract import Drive, TellsRoom

ASKED_EVERY_SECONDS = 30.0


def need_of(known: Known) -> int:
    """Bytes that it is sure to take at the destination: none where something stands there that it may be equal to."""
    return 0 if known.occupied or known.done_target_revision is not None else known.size


class Room:
    """What is sure to be needed yet, held against what is free. Nothing is asked of a drive that does not tell it."""

    def __init__(self, target: Drive) -> None:
        self._drive = target if isinstance(target, TellsRoom) else None
        self._waiting = 0
        self._under_way: dict[int, int] = {}
        self.judged = asyncio.Event()
        """Whether copying may begin: where room is told, not before everything is planned."""
        if self._drive is None:
            self.judged.set()

    @property
    def told(self) -> bool:
        """Whether the destination tells what is free, as far as is known."""
        return self._drive is not None

    def plan(self, needed: int) -> None:
        """So many bytes more are going to be uploaded; or fewer, of which the destination may hold a part already."""
        self._waiting = max(0, self._waiting + needed)

    def begin(self, known: Known) -> None:
        """It is being worked on: from now on the destination may have counted it already."""
        self._waiting = max(0, self._waiting - need_of(known))

    def send(self, known: Known, left: int) -> None:
        """Of a large file that many bytes are sure to come yet, after the part that is to be sent next."""
        self._under_way[known.id] = min(left, need_of(known))

    def end(self, known: Known) -> None:
        """Nothing more comes of it."""
        self._under_way.pop(known.id, None)

    async def free(self) -> int | None:
        """Bytes that are free, if anything is needed and the destination tells it."""
        if self._drive is None or not self._needed():
            return None
        try:
            free = await at_target(self._drive.room())
        except HaulageError as error:  # a question that is refused is no reason not to copy
            if not error.item_only:
                raise
            free = None
        if free is None:
            self._drive = None
        return free

    def _needed(self) -> int:
        return self._waiting + sum(self._under_way.values())

    def check(self, free: int | None) -> None:
        """Raises QuotaFull where what is needed is more. What was begun since they were counted is counted as there."""
        needed = self._needed()
        if free is not None and needed > free:
            error = QuotaFull(
                f"the destination has {size_text(free)} free, and {size_text(needed)} are to be uploaded: "
                f"{size_text(needed - free)} too much",
                f"Free or buy {size_text(needed - free)} there, or leave files out by filters, then run the same "
                "command again: it goes on where it stands.",
            )
            error.side = "destination"
            raise error

    async def watch(self) -> None:
        """Look again and again, since others use the same room. Raises QuotaFull."""
        await self.judged.wait()
        while self.told:
            await asyncio.sleep(ASKED_EVERY_SECONDS)
            self.check(await self.free())
