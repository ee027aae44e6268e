"""Passes over migrations that this process makes: begun by people, told of as they go on, and paused."""

import asyncio
from collections.abc import Sequence

from haulage.engine.counts import Watch
from haulage.ledger import audit
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.store import Ledger
from haulage.model.errors import HaulageError, Refused
from haulage.model.outcome import RunKind, Status
from haulage.operations import bulk
from haulage.operations.runlog import log_of

MOST_PASSES = 8
STOPPED = "Haulage was stopped; start it again"
"""What a run says that was paused because this process ended. It does not go on by itself."""


class Pass:
    """One pass. waiting: transfers that have not begun; running: those that go on; done: how it ended.

    problem: why it ended before its time.
    """

    def __init__(self, kind: RunKind, rows: Sequence[TransferRow]) -> None:
        self.kind = kind
        self.total = len(rows)
        self.waiting = {one.id for one in rows}
        self.running: dict[int, Watch] = {}
        self.done: bulk.Done | None = None
        self.problem: HaulageError | None = None
        self.task: asyncio.Task[None] | None = None

    def hear(self, row: TransferRow, event: str, about: object) -> None:
        """See bulk.Heard."""
        self.waiting.discard(row.id)
        if isinstance(about, Watch):
            self.running[row.id] = about
        else:
            self.running.pop(row.id, None)

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.task is not None and not self.task.done()

    async def pause(self, why: str) -> None:
        """Pause the copies that go on, cancel the scans, and begin no other; returns once all of them have ended."""
        for watch in self.running.values():
            watch.stopping = Status.PAUSED, why
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])


class Passes:
    """All passes of this process, at most one for each migration at a time; the last one of each is remembered.

    at_once: how many transfers of a pass run at the same time.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.at_once = bulk.AT_ONCE
        self._ledger = ledger
        self._by_migration: dict[int, Pass] = {}

    def last(self, migration_id: int) -> Pass | None:
        """The pass over a migration that goes on, or ended last, in this process."""
        return self._by_migration.get(migration_id)

    def start(self, migration: MigrationRow, rows: Sequence[TransferRow], kind: RunKind, actor: Actor) -> None:
        """Begin to copy or scan these transfers. Raises Refused while others of the migration go on, or too many."""
        going = [one for one in self._by_migration.values() if one.goes_on]
        if (before := self.last(migration.id)) is not None and before.goes_on:
            raise Refused("users of this migration run already", "Wait until they have ended, or pause them.")
        if len(going) >= MOST_PASSES:
            raise Refused(f"{MOST_PASSES} migrations run already", "Wait until one of them has ended.")
        begun = self._by_migration[migration.id] = Pass(kind, rows)
        begun.task = asyncio.create_task(self._run(begun, migration, rows, actor))

    async def _run(self, begun: Pass, migration: MigrationRow, rows: Sequence[TransferRow], actor: Actor) -> None:
        try:
            begun.done = await bulk.run(
                self._ledger, migration, rows, begun.kind, actor, begun.hear, at_once=self.at_once
            )
            begun.problem = begun.done.stopped
        except HaulageError as error:
            begun.problem = error
        except Exception as error:  # the log tells it whole, the page that it was
            log_of(self._ledger).bug(error, command="migration")
            begun.problem = HaulageError(
                "something unexpected ended it", "The server's log tells more; start it again."
            )
        finally:
            begun.waiting.clear()
            begun.running.clear()

    async def pause(self, migration: MigrationRow, actor: Actor) -> None:
        """Pause the pass over a migration. Raises Refused where none goes on in this process."""
        found = self.last(migration.id)
        if found is None or not found.goes_on:
            raise Refused("nothing of this migration runs here", "Only what was started on this page can be paused.")
        await self._ledger.run(audit.append, actor, "migration pause", f"migration {migration.id}")
        await found.pause(f"paused by {actor.who}")

    async def close(self) -> None:
        """The process ends: pause what goes on."""
        await asyncio.gather(*(one.pause(STOPPED) for one in self._by_migration.values() if one.goes_on))
