"""Running the transfers of a migration: several at a time, again where that may help, none of them in silence."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.engine.ending import STATUS_OF
from haulage.ledger import audit, migration_rows
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.store import Connection, Ledger
from haulage.model.errors import AlreadyRunning, AuthLost, HaulageError, NeedsReauthorisation
from haulage.model.outcome import RunKind, Status
from haulage.operations import migrations, surveying, transfers
from haulage.operations.locations import Given
from haulage.operations.transfers import Ended

AT_ONCE = 4
MOST_AT_ONCE = 64
RERUNS = 3
RERUN_ON = frozenset({201, 202, 210, 220, 211, 401, 403, 404, 405})
"""Statuses after which a run may go better by itself."""

Heard = Callable[[TransferRow, str, object], None]
"""Told of each transfer: "began" with its watch, "ended" with its Ended, "refused" with the error, "left" with why."""


class Done(msgspec.Struct):
    """How a pass over transfers ended: their numbers by how they ended. left: not begun, since it was stopped."""

    succeeded: list[int] = []
    issues: list[int] = []
    failed: list[int] = []
    paused: list[int] = []
    left: list[int] = []
    stopped: HaulageError | None = None


async def run(
    ledger: Ledger,
    migration: MigrationRow,
    rows: Sequence[TransferRow],
    kind: RunKind,
    actor: Actor,
    heard: Heard,
    *,
    at_once: int = AT_ONCE,
    reruns: int = RERUNS,
    bandwidth: int | None = None,
) -> Done:
    """Copy or scan these transfers, `at_once` of them at a time, and tell of each as it goes.

    A run that ended in a status of RERUN_ON is started again up to `reruns` times. A lost authorisation would meet all
    others alike: what has not begun is left then. A huge transfer holds one place, and the others go on beside it.
    """
    await ledger.run(
        audit.append, actor, f"migration {kind.value}", f"migration {migration.id}", transfers=[one.id for one in rows]
    )
    work = _Pass(ledger, migration, kind, heard, reruns, bandwidth)
    queue = asyncio.Queue[TransferRow]()
    for one in rows:
        queue.put_nowait(one)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(rows))):
            group.create_task(work.empty(queue))
    return work.done


class _Pass:
    """One pass over transfers."""

    def __init__(
        self, ledger: Ledger, migration: MigrationRow, kind: RunKind, heard: Heard, reruns: int, bandwidth: int | None
    ) -> None:
        self.done = Done()
        self._ledger, self._migration, self._kind = ledger, migration, kind
        self._heard, self._reruns = heard, reruns
        self._options = Options(migrations.filters_of(migration), bandwidth, migration_id=migration.id)

    async def empty(self, queue: "asyncio.Queue[TransferRow]") -> None:
        """Take transfers until there are none."""
        while not queue.empty():
            row = queue.get_nowait()
            if self.done.stopped is not None:
                self.done.left.append(row.id)
                self._heard(row, "left", self.done.stopped)
                continue
            await self._one(row)

    async def _one(self, row: TransferRow) -> None:
        for attempt in range(1 + self._reruns):
            try:
                ended = await self._once(row)
            except HaulageError as error:
                await self._refused(row, error)
                return
            if int(ended.status) not in RERUN_ON or attempt == self._reruns:
                break
        self._heard(row, "ended", ended)
        self._sort(row, int(ended.status))
        if isinstance(ended.stopped, AuthLost):
            self.done.stopped = self.done.stopped or ended.stopped

    async def _once(self, row: TransferRow) -> Ended:
        linked: list[int] = []

        def hear(event: str, facts: dict[str, object]) -> None:
            if event == "started":
                linked.append(int(str(facts["transfer"])))
                self._ledger.later(self._link, row.id, linked[0])

        watch = Watch(hear)
        self._heard(row, "began", watch)
        source = Given(migrations.location(self._migration.source, row.source), "source")
        if self._kind == RunKind.SCAN:
            return await surveying.scan(self._ledger, source, self._options.filters, watch)
        destination = Given(migrations.location(self._migration.destination, row.destination), "destination")
        return await transfers.copy(self._ledger, source, destination, self._options, watch, create=True)

    def _link(self, connection: Connection, row_id: int, transfer: int) -> None:
        column = "scan_id" if self._kind == RunKind.SCAN else "transfer_id"
        migration_rows.change(connection, row_id, **{column: transfer, "refused_status": None, "refused": None})

    async def _refused(self, row: TransferRow, error: HaulageError) -> None:
        """It never began: that is kept, so that the table says why."""
        status = _status_of(error)
        await self._ledger.run(migration_rows.change, row.id, refused_status=int(status), refused=error.message)
        self._heard(row, "refused", error)
        self.done.failed.append(row.id)
        if isinstance(error, AuthLost | NeedsReauthorisation):
            self.done.stopped = self.done.stopped or error

    def _sort(self, row: TransferRow, status: int) -> None:
        if status < Status.SOME_UPLOAD_ERRORS:
            self.done.succeeded.append(row.id)
        elif status < Status.RUNNING:
            self.done.issues.append(row.id)
        elif status < Status.GENERAL_FAILURE:
            self.done.paused.append(row.id)
        else:
            self.done.failed.append(row.id)


def _status_of(error: HaulageError) -> Status:
    """What the predecessor's users know it as."""
    if isinstance(error, AlreadyRunning):
        return Status.ALREADY_RUNNING
    if isinstance(error, NeedsReauthorisation):
        return Status.AUTHORISATION_FAILED
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), Status.INVALID_ROOT)
