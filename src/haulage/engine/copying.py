"""One run from scan to report, in this process: the stages flow into each other through the ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from haulage.engine.context import Context, Options
from haulage.engine.copy import copy_item
from haulage.engine.counts import Watch
from haulage.engine.ending import ended, to_its_end
from haulage.engine.folders import Folders
from haulage.engine.journal import Journal
from haulage.engine.loss import look_again
from haulage.engine.plan import MassAnomaly, Planner
from haulage.engine.scan import scan_source, scan_target
from haulage.engine.sides import at_source, at_target
from haulage.ledger import items as item_rows
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.items import Known, Marks
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Ledger
from haulage.model.errors import HaulageError
from haulage.model.outcome import Side, Status
from haulage.services.contract import Drive, FindsLeftovers

T = TypeVar("T")
SMALL_ITEM_BYTES = 64 * 1024
BEAT_SECONDS = 5.0
WHOLE = (Status.SUCCESS, Status.NOTHING_TO_COPY, Status.UNSUPPORTED_ITEMS)


async def run_copy(
    ledger: Ledger, run: RunRow, source: Drive, target: Drive, options: Options, watch: Watch
) -> tuple[Status, HaulageError | None]:
    """Scan, plan, copy, and end the run in the ledger. Returns its status, and what stopped it if something did.

    Being cancelled (Ctrl-C, SIGTERM) ends the run as CANCELED with everything kept that was proven; the
    cancellation goes on. A LeaseLost is raised: the run is not ours to end any more.
    """
    context = Context(ledger, run, source, target, options, watch, Marks(0))
    return await ended(_run(context), partial(_end, context), ((MassAnomaly, Status.PAUSED), *watch.pauses))


async def _run(context: Context) -> Status:
    context.marks = Marks(await context.ledger.run(item_rows.last_id))
    await _stages(context)
    status = _status(context)
    if not context.options.plan_only:
        as_left = status in WHOLE and not await context.ledger.run(work.altered_at_destination, context.run.id)
        whole = {Side.SOURCE: context.counts.source_complete, Side.DESTINATION: as_left}
        known = {side: position for side, position in context.positions.items() if whole[side]}
        await context.ledger.run(run_rows.keep_positions, context.run.transfer_id, known)
    return status


async def _stages(context: Context) -> None:
    planner, journal, folders = Planner(context), Journal(context), Folders(context)
    try:
        async with asyncio.TaskGroup() as stages:
            beat = stages.create_task(_beat(context))
            room = stages.create_task(context.room.watch())
            keeper = stages.create_task(journal.keep())
            stages.create_task(at_source(scan_source(context)))
            stages.create_task(at_target(scan_target(context)))
            stages.create_task(planner.run())
            await _copy_units(context, journal, folders, planner)
            journal.close()
            await keeper
            await at_target(folders.settle(planner.folders))
            if not context.options.plan_only:
                await look_again(context)
                await at_target(_tidy(context))
            beat.cancel()
            room.cancel()
    finally:
        await to_its_end(journal.flush())


async def _beat(context: Context) -> None:
    """Show that the run lives, and notice early when it was taken over."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        _note_calls(context)
        await context.ledger.run(run_rows.beat, context.run.id, context.counts.as_json())


async def _copy_units(context: Context, journal: Journal, folders: Folders, planner: Planner) -> None:
    """Work on units as the planner cuts them, with as many items in flight as the governor finds good.

    Then on the folders that hold no file.
    """
    await context.room.judged.wait()
    async with asyncio.TaskGroup() as items:
        while (unit_id := await context.units.get()) is not None:
            unit = await context.ledger.run(work.claim, unit_id)
            journal.open_unit(unit)
            for one in folders.with_files(unit.items):
                await context.concurrency.acquire()
                if isinstance(one, Known):
                    items.create_task(_copy_one(context, journal, unit_id, one))
                else:
                    items.create_task(_make_one(context, folders.make_above, one))
        for known in folders.left(planner.folders):
            await context.concurrency.acquire()
            items.create_task(_make_one(context, folders.make, known))


async def _make_one(context: Context, make: Callable[[T], Awaitable[None]], folder: T) -> None:
    try:
        await make(folder)
    finally:
        context.concurrency.release(1)


async def _copy_one(context: Context, journal: Journal, unit_id: int, known: Known) -> None:
    context.room.begin(known)
    try:
        settled = await copy_item(context, known)
    finally:
        context.room.end(known)
        context.concurrency.release(1 + known.size / SMALL_ITEM_BYTES)
    context.watch.outcome(settled.outcome)
    await journal.put(unit_id, settled)


async def _tidy(context: Context) -> None:
    """Remove what uploads left that no item goes on with. What may not be removed is there for the next run."""
    if isinstance(context.target, FindsLeftovers):
        await context.target.remove_leftovers()
    for upload in await context.ledger.run(work.stale_uploads, context.run.transfer_id):
        try:
            await context.target.abort(upload.state)
        except HaulageError as error:
            if not error.item_only:
                raise
            continue
        await context.ledger.run(work.drop_upload, upload.item_id, upload.attempt)


def _note_calls(context: Context) -> None:
    context.counts.source_calls = dict(context.source.calls)
    context.counts.target_calls = dict(context.target.calls)


async def _end(context: Context, status: Status, message: str | None) -> None:
    _note_calls(context)
    context.counts.incomplete = context.counts.incomplete[:20]
    if status == Status.CANCELED and context.watch.stopping is not None:
        status, message = context.watch.stopping
    await context.ledger.run(run_rows.finish, context.run.id, status, context.counts.as_json(), message)


def _status(context: Context) -> Status:
    """The status code of a run that went through. Raises if the outcomes do not add up: that would be a bug."""
    counts = context.counts
    if not context.options.plan_only and counts.settled() != counts.listed:
        raise RuntimeError(f"{counts.listed} items were listed, {counts.settled()} have an outcome")
    if not (counts.source_complete and counts.target_complete):
        return Status.LISTING_INCOMPLETE
    wrong = counts.failed + counts.changed_at_source
    if wrong:
        return _error_status(context)
    if counts.unsupported:
        return Status.UNSUPPORTED_ITEMS
    return Status.SUCCESS if counts.successful else Status.NOTHING_TO_COPY


def _error_status(context: Context) -> Status:
    counts, sides = context.counts, context.watch.sides
    some = counts.successful > 0
    if "source" in sides and "destination" in sides:
        return Status.SOME_ERRORS_BOTH if some else Status.ONLY_ERRORS_BOTH
    if "source" in sides:
        return Status.SOME_DOWNLOAD_ERRORS if some else Status.ONLY_DOWNLOAD_ERRORS
    return Status.SOME_UPLOAD_ERRORS if some else Status.ONLY_UPLOAD_ERRORS
