"""The passes over migrations that a server makes: begun, stopped and resumed here, gone on with by the next server."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from haulage.ledger import passes as rows
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.passes import PassRow
from haulage.ledger.store import Ledger
from haulage.model.errors import AlreadyRunning, HaulageError, Refused
from haulage.model.outcome import PassKind, Status
from haulage.operations import bulk, passes
from haulage.operations.home import pass_held
from haulage.operations.passes import Begun, Shown
from haulage.operations.runlog import log_of
from haulage.operations.running import LAST_WORDS_SECONDS

MOST_PASSES = 8
STOP_SECONDS = 30.0
"""How long whoever stops a pass waits for its end."""

Told = Callable[[int], Awaitable[Any]]
"""Hears of a pass that ended or is paused, by its number."""


class Passes:
    """The passes that this server makes.

    told: hears of those that do not go on. at_once: how many transfers of a pass run at the same time.
    """

    def __init__(self, ledger: Ledger, told: Told | None = None) -> None:
        self.at_once = bulk.AT_ONCE
        self._ledger, self._told = ledger, told
        self._telling: set[asyncio.Task[None]] = set()
        self._making: dict[int, _Making] = {}
        self._starting = asyncio.Lock()

    def shown(self, migration: int) -> list[Shown]:
        """The passes of a migration that go on or are paused, and before them the one that ended last."""
        return passes.shown(self._ledger, migration, list(self._making))

    def show(self, row: PassRow) -> Shown:
        """A pass as it is now."""
        return passes.show(self._ledger, row, list(self._making))

    async def start(
        self, migration: MigrationRow, chosen: Sequence[TransferRow | int], kind: PassKind, actor: Actor, **more: Any
    ) -> Begun:
        """Begin to copy or scan these transfers: see `passes.begin`. Raises Refused where too many passes go on."""
        async with self._starting:
            self._refuse_too_many()
            facts = {"server": True, "at_once": self.at_once, **more}
            begun = await asyncio.to_thread(passes.begin, self._ledger, migration, chosen, kind, actor, **facts)
            await self._make(begun.id)
            return begun

    def _refuse_too_many(self) -> None:
        if len(self._making) >= MOST_PASSES:
            raise Refused(f"{MOST_PASSES} migrations run already", "Wait until one of them has ended.")

    async def _make(self, pass_id: int) -> None:
        """Make it from now on; returns once its lock is held, so that nobody else takes it."""
        making = self._making[pass_id] = _Making()
        making.task = asyncio.create_task(self._run(pass_id, making))
        making.task.add_done_callback(lambda _: self._making.pop(pass_id, None))
        held = asyncio.create_task(making.held.wait())
        await asyncio.wait([making.task, held], return_when=asyncio.FIRST_COMPLETED)
        held.cancel()

    async def _run(self, pass_id: int, making: "_Making") -> None:
        log = log_of(self._ledger)
        try:
            await bulk.make(self._ledger, pass_id, lambda *_: None, poked=making.poked, held=making.held)
        except AlreadyRunning as error:
            log.warn("pass not gone on with", number=pass_id, message=error.message)
            return
        except HaulageError as error:
            log.warn("pass stopped", number=pass_id, message=error.message)
            await self._note(pass_id, f"{error.message}. {error.fix}")
        except Exception as error:  # the log tells it whole, the page that it was
            log.bug(error, command="migration")
            await self._note(pass_id, "something unexpected ended it; the server's log tells more")
        telling = asyncio.create_task(self._tell(pass_id))  # whoever waits for the pass waits for no mail
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self, pass_id: int) -> None:
        try:
            if self._told is not None:
                await self._told(pass_id)
        except HaulageError as error:
            log_of(self._ledger).warn("notice not sent", number=pass_id, message=error.message)
        except Exception as error:
            log_of(self._ledger).bug(error, command="notices")

    async def _note(self, pass_id: int, why: str) -> None:
        """It waits for a person, who can resume it."""
        try:
            row = await self._ledger.run(rows.get, pass_id)
            if row.ended_us is None:
                await self._ledger.run(rows.stop, pass_id, Status.PAUSED, why)
        except HaulageError as error:  # the ledger's own disk: the page shows it as interrupted
            log_of(self._ledger).warn("pass stopped", number=pass_id, message=error.message)

    async def stop(self, row: PassRow, status: Status, actor: Actor) -> None:
        """Pause or cancel a pass, of this process or another; waits for the end of this one's. Raises Refused."""
        await asyncio.to_thread(passes.stop, self._ledger, row, status, actor)
        making = self._making.get(row.id)
        if making is not None and making.task is not None:
            making.poked.set()
            await asyncio.wait([making.task], timeout=STOP_SECONDS)

    async def stop_rows(self, migration: MigrationRow, row_ids: Sequence[int], status: Status, actor: Actor) -> int:
        """Pause or cancel transfers of passes, of this process or another. Raises Refused."""
        changed = await asyncio.to_thread(passes.stop_rows, self._ledger, migration, row_ids, status, actor)
        for making in self._making.values():
            making.poked.set()
        return changed

    async def resume(self, row: PassRow, actor: Actor, *, paused: bool = True) -> None:
        """Go on with a pass that is paused, or whose process is gone: see `passes.resume`. Raises Refused."""
        async with self._starting:
            self._refuse_too_many()
            await asyncio.to_thread(passes.resume, self._ledger, row, actor, server=True, paused=paused)
            await self._make(row.id)

    async def recover(self) -> list[int]:
        """Go on with what the end of an earlier server cut short. Returns the passes' numbers."""
        gone_on = []
        try:
            for row in await asyncio.to_thread(self._ledger.read, rows.open_ones):
                if row.server and row.status == Status.RUNNING and not pass_held(row.id):
                    await self._make(row.id)
                    gone_on.append(row.id)
        except HaulageError as error:  # the page shows them as interrupted
            log_of(self._ledger).warn("passes not gone on with", message=error.message)
        return gone_on

    async def close(self) -> None:
        """The process ends: what runs is paused, and goes on in the next one."""
        tasks = [one.task for one in self._making.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._telling:
            await asyncio.wait(self._telling, timeout=LAST_WORDS_SECONDS)
        for telling in self._telling:
            telling.cancel()


class _Making:
    """A pass that this process makes."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.poked = asyncio.Event()
        self.held = asyncio.Event()
