"""Making a pass over a migration: its transfers, several at a time, again where that may help, none in silence.

What waits and how each transfer stands is in the ledger (`ledger.passes`); whoever holds the pass's lock makes it.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable

import msgspec

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.engine.ending import STATUS_OF
from haulage.ledger import migration_rows
from haulage.ledger import passes as pass_rows
from haulage.ledger.codec import dump
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.passes import PassRow
from haulage.ledger.schedules import hours_of
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.errors import AlreadyRunning, AuthLost, DiskFull, HaulageError, NeedsReauthorisation
from haulage.model.outcome import QUEUED, Outcome, PassKind, Status
from haulage.operations import migrations, rerunning, surveying, transfers
from haulage.operations.home import pass_lock
from haulage.operations.locations import Given, ReadOnly
from haulage.operations.runlog import log_of
from haulage.operations.transfers import Ended
from haulage.services.transport.guard import EndpointRefused

AT_ONCE = 4
MOST_AT_ONCE = 64
LOOK_SECONDS = 1.0
"""How often it is looked whether somebody asked for something, of another process too."""
LONG_SECONDS = 600.0
"""A transfer that has run for so long gives its place to the next, and goes on beside it."""
KEPT_PATHS = 1000
"""So many paths of what differs are kept of each transfer before and after a cutover; all of them are counted."""
STOPPED = "Haulage was stopped"

Heard = Callable[[TransferRow, str, object], None]
"""Told of each transfer: "began" with its watch, "ended" with its Ended, "refused" with the error."""


class Done(msgspec.Struct):
    """How transfers of a pass ended, by their numbers. left: not begun, since it was stopped."""

    succeeded: list[int] = []
    issues: list[int] = []
    failed: list[int] = []
    paused: list[int] = []
    left: list[int] = []
    stopped: HaulageError | None = None


async def make(
    ledger: Ledger,
    pass_id: int,
    heard: Heard,
    *,
    poked: asyncio.Event | None = None,
    held: asyncio.Event | None = None,
    reruns: int = rerunning.RERUNS,
) -> Done:
    """Make a pass, from its beginning or where another process left it, until nothing of it waits or runs.

    A run that may go better (`rerunning.worthwhile`) is started again up to `reruns` times, after those that wait for
    their first. A lost authorisation would meet all others alike: the pass is paused then. poked: set where it shall
    look now for what is asked of it; held: is set as soon as its lock is held. When this is cancelled, what ran waits
    again: a server's pass goes on in the next process, another one is paused. Raises AlreadyRunning (another process
    makes it), Refused (it has ended).
    """
    with pass_lock(pass_id):
        row = await ledger.run(pass_rows.claim, pass_id, f"{socket.gethostname()}:{os.getpid()}")
        if held is not None:
            held.set()
        migration = await asyncio.to_thread(ledger.read, migration_rows.by_id, row.migration_id)
        return await _Making(ledger, row, migration, heard, poked or asyncio.Event(), reruns).through()


class _Looking(Watch):
    """Sees what a copy would copy, and what it would leave alone since people changed it at the destination."""

    def __init__(self) -> None:
        super().__init__(self._planned)
        self.paths: list[str] = []
        self.left = self.left_bytes = 0

    def outcome(self, outcome: Outcome) -> None:
        """Count what both sides have, and not alike, besides."""
        super().outcome(outcome)
        if outcome.code == "destination_changed":
            self.left += 1
            self.left_bytes += outcome.size
            self._keep(outcome.path)

    def _planned(self, event: str, told: dict[str, object]) -> None:
        if event == "plan":
            self._keep(str(told["path"]))

    def _keep(self, path: str) -> None:
        if len(self.paths) < KEPT_PATHS:
            self.paths.append(path)


class _Making:
    """One pass that is being made."""

    def __init__(
        self, ledger: Ledger, row: PassRow, migration: MigrationRow, heard: Heard, poked: asyncio.Event, reruns: int
    ) -> None:
        self.done = Done()
        self._ledger, self._pass, self._migration = ledger, row, migration
        self._heard, self._poked, self._reruns = heard, poked, reruns
        self._options = Options(migrations.filters_of(migration), row.bandwidth, migration_id=migration.id)
        self._hours = hours_of(row.hours)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._watches: dict[int, Watch] = {}
        self._asked: dict[int, Status] = {}
        self._stopping: tuple[Status, str] | None = None

    async def through(self) -> Done:
        try:
            while True:
                await self._heed()
                if self._stopping is not None:
                    await self._stop(self._stopping)
                    return self.done
                if self._hours is None or self._hours.is_open(now_us()):
                    await self._fill()
                elif self._tasks:
                    await self._end_rows(Status.PAUSED, f"outside of its hours, {self._hours.words()}")
                if not self._tasks and await self._ledger.run(pass_rows.finish, self._pass.id):
                    return self.done
                await self._wait()
        except asyncio.CancelledError:
            if self._pass.server:
                await self._end_rows(Status.PAUSED, STOPPED)
            else:
                await self._stop((Status.PAUSED, "stopped by a person"))
            raise
        except BaseException:  # the ledger's disk, most likely: nothing goes on without it
            await self._end_rows(Status.PAUSED, STOPPED)
            raise

    async def _heed(self) -> None:
        """Do what somebody asks for."""
        asked = await asyncio.to_thread(self._ledger.read, pass_rows.asked, self._pass.id)
        if asked.status is not None and self._stopping is None:
            done = "canceled" if asked.status == Status.CANCELED else "paused"
            self._stopping = Status(asked.status), f"{done} by {asked.by}"
        for row_id, status in asked.rows.items():
            if row_id in self._tasks and row_id not in self._asked:
                self._asked[row_id] = Status(status)
                self._end(row_id, Status(status), "paused by a person")

    async def _fill(self) -> None:
        """Let as many run as there are places; what was refused and waits again is not taken in the same breath."""
        while self._stopping is None and len(self._tasks) < self._places():
            row = await self._ledger.run(self._next)
            if row is None:
                return
            self._tasks[row.id] = asyncio.create_task(self._one(row))
            await asyncio.sleep(0)  # it begins, and from then on tells of its end however it is stopped

    def _next(self, connection: Connection) -> TransferRow | None:
        row_id = pass_rows.take(connection, self._pass.id)
        return None if row_id is None else migration_rows.one(connection, row_id)

    def _places(self) -> int:
        """How many may run now: those that run for long leave half of the places at least to others."""
        long = sum(time.monotonic() - one.began > LONG_SECONDS for one in self._watches.values())
        return self._pass.at_once + min(long, max(1, self._pass.at_once // 2))

    async def _wait(self) -> None:
        """Until one has ended, somebody pokes, or it is time to look again."""
        poke = asyncio.create_task(self._poked.wait())
        try:
            await asyncio.wait([*self._tasks.values(), poke], timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            poke.cancel()
        self._poked.clear()
        for row_id in [row_id for row_id, task in self._tasks.items() if task.done()]:
            self._tasks.pop(row_id).result()

    async def _one(self, row: TransferRow) -> None:
        """A transfer to its end, or until it is stopped."""
        watch = self._watches[row.id] = Watch()
        try:
            self._heard(row, "began", watch)
            try:
                ended = await self._once(row, watch)
            finally:  # what is written down of its end from here on, nobody cuts short
                self._watches.pop(row.id)
        except asyncio.CancelledError:  # only _end does it
            await self._ledger.run(self._keep_stopped, row.id)
        except HaulageError as error:
            await self._refused(row, error)
        except Exception as error:  # a bug in one transfer is no reason to leave the others
            log_of(self._ledger).bug(error, command="migration")
            told = HaulageError("something unexpected ended it", "The server's log tells more.")
            await self._refused(row, told, Status.UNKNOWN)
        else:
            await self._ended(row, ended)
        finally:
            self._asked.pop(row.id, None)

    def _after_end(self, row_id: int) -> Status:
        """How a transfer stands that was stopped: what stops the whole pass for a while lets it wait again."""
        if row_id in self._asked:
            return self._asked[row_id]
        canceled = self._stopping is not None and self._stopping[0] == Status.CANCELED
        return Status.CANCELED if canceled else Status.QUEUED

    async def _once(self, row: TransferRow, watch: Watch) -> Ended:
        def started(event: str, facts: dict[str, object]) -> None:
            if event == "started":
                self._ledger.later(self._begun, row.id, int(str(facts["transfer"])), int(str(facts["run"])))

        watch.listen(started)
        source = Given(migrations.location(self._migration.source, row.source), "source")
        if self._pass.kind == PassKind.SCAN:
            return await surveying.scan(self._ledger, source, self._options.filters, watch, keep=True)
        destination = Given(migrations.location(self._migration.destination, row.destination), "destination")
        if self._pass.kind == PassKind.CUTOVER:
            await self._look("before", row, source, destination)
        ended = await transfers.copy(self._ledger, source, destination, self._options, watch, create=True)
        if self._pass.kind == PassKind.CUTOVER and ended.status < Status.RUNNING:
            await self._look("after", row, source, destination)
        return ended

    async def _look(self, when: str, row: TransferRow, source: Given, destination: Given) -> None:
        """See what a copy would copy, and keep it; what was seen before stays, however often it is gone on with."""
        facts = await asyncio.to_thread(self._ledger.read, pass_rows.facts, self._pass.id, row.id)
        if when == "before" and when in facts:
            return
        watch, options = _Looking(), msgspec.structs.replace(self._options, plan_only=True)
        looked = await transfers.copy(self._ledger, source, destination, options, watch, create=True)
        whole = int(looked.status) in (Status.SUCCESS, Status.NOTHING_TO_COPY, Status.UNSUPPORTED_ITEMS)
        items, size = watch.counts.planned + watch.left, watch.counts.planned_bytes + watch.left_bytes
        counts = {"items": items, "bytes": size, "whole": whole, "paths": watch.paths}
        await self._ledger.run(pass_rows.change, self._pass.id, row.id, facts=dump({**facts, when: counts}))

    def _begun(self, connection: Connection, row_id: int, transfer: int, run: int) -> None:
        column = "scan_id" if self._pass.kind == PassKind.SCAN else "transfer_id"
        migration_rows.change(connection, row_id, **{column: transfer, "refused_status": None, "refused": None})
        pass_rows.change(connection, self._pass.id, row_id, status=int(Status.RUNNING), run_id=run)

    async def _ended(self, row: TransferRow, ended: Ended) -> None:
        status = int(ended.status)
        await self._ledger.run(self._begun, row.id, ended.run.transfer_id, ended.run.id)  # the note may be lost
        if isinstance(ended.stopped, AuthLost):
            self._pause(row, Status.PAUSED_REAUTHORISE, ended.stopped)
        elif status == Status.PAUSED_NO_SPACE and ended.stopped is not None:
            self._pause(row, Status.PAUSED_NO_SPACE, ended.stopped)
        elif await self._again(row, ended):
            return
        elif Status.RUNNING <= status < Status.GENERAL_FAILURE:  # paused by itself, for a person to look at it
            self.done.paused.append(row.id)
            status = int(Status.PAUSED)
        else:
            self._sort(row, status)
        self._heard(row, "ended", ended)
        await self._settle(row, Status.QUEUED if row.id in self.done.left else status)

    async def _again(self, row: TransferRow, ended: Ended) -> bool:
        """Queue it again, if that may help and was not done too often."""
        if not await asyncio.to_thread(rerunning.worthwhile, self._ledger, ended):
            return False
        tries = await asyncio.to_thread(self._ledger.read, pass_rows.tries, self._pass.id, row.id)
        if tries >= self._reruns:
            return False
        await self._ledger.run(
            pass_rows.change, self._pass.id, row.id, status=int(Status.QUEUED_AGAIN), tries=tries + 1, asked=None
        )
        return True

    def _pause(self, row: TransferRow, status: Status, error: HaulageError) -> None:
        """It would meet all others alike: the pass waits for a person."""
        self.done.left.append(row.id)
        self.done.stopped = self.done.stopped or error
        self._stopping = self._stopping or (status, error.message)

    async def _refused(self, row: TransferRow, error: HaulageError, status: Status | None = None) -> None:
        """It never began: that is kept, so that the table says why."""
        status = status or status_of(error)
        await self._ledger.run(migration_rows.change, row.id, refused_status=int(status), refused=error.message)
        self._heard(row, "refused", error)
        if isinstance(error, AuthLost | NeedsReauthorisation):
            self._pause(row, Status.PAUSED_REAUTHORISE, error)
        elif isinstance(error, DiskFull):
            self._pause(row, Status.PAUSED_NO_SPACE, error)
        else:
            self.done.failed.append(row.id)
        await self._settle(row, Status.QUEUED if row.id in self.done.left else status)

    async def _settle(self, row: TransferRow, status: int) -> None:
        await self._ledger.run(self._keep_end, row.id, status)

    def _keep_end(self, connection: Connection, row_id: int, status: int) -> None:
        ended_us = None if status in (*QUEUED, Status.PAUSED) else now_us()
        pass_rows.change(connection, self._pass.id, row_id, status=int(status), asked=None, ended_us=ended_us)

    def _keep_stopped(self, connection: Connection, row_id: int) -> None:
        """What somebody asked for while it came to its end is heard."""
        asked = pass_rows.asked(connection, self._pass.id).rows.get(row_id)
        self._keep_end(connection, row_id, self._after_end(row_id) if asked is None else asked)

    def _sort(self, row: TransferRow, status: int) -> None:
        if status < Status.SOME_UPLOAD_ERRORS:
            self.done.succeeded.append(row.id)
        elif status < Status.RUNNING:
            self.done.issues.append(row.id)
        else:
            self.done.failed.append(row.id)

    def _end(self, row_id: int, status: Status, why: str) -> None:
        """Stop one that runs. A canceled run says so by itself."""
        if (watch := self._watches.get(row_id)) is None:
            return
        if status != Status.CANCELED:
            watch.stopping = status, why
        self._tasks[row_id].cancel()

    async def _end_rows(self, status: Status, why: str) -> None:
        for row_id in self._tasks:
            self._end(row_id, status, why)
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        failed = [task.exception() for task in self._tasks.values() if not task.cancelled()]
        self._tasks.clear()
        for error in failed:
            if error is not None:
                log_of(self._ledger).warn("a transfer's end was not written down", message=str(error))

    async def _stop(self, how: tuple[Status, str]) -> None:
        await self._end_rows(*how)
        self.done.left = await asyncio.to_thread(self._ledger.read, pass_rows.rows_in, self._pass.id, QUEUED)
        await self._ledger.run(self._keep_stop, *how)

    def _keep_stop(self, connection: Connection, status: Status, why: str) -> None:
        """Whoever cancels it while it comes to its pause is heard."""
        asked = pass_rows.asked(connection, self._pass.id)
        if asked.status == Status.CANCELED:
            status, why = Status.CANCELED, f"canceled by {asked.by}"
        pass_rows.stop(connection, self._pass.id, status, why)


def status_of(error: HaulageError) -> Status:
    """What the predecessor's users know it as."""
    if isinstance(error, AlreadyRunning):
        return Status.ALREADY_RUNNING
    if isinstance(error, NeedsReauthorisation | ReadOnly):
        return Status.AUTHORISATION_FAILED
    if isinstance(error, EndpointRefused):
        return Status.CANNOT_CONNECT
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), Status.INVALID_ROOT)
