"""Folders come last: their times must not be touched by what is written into them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import groupby

from haulage.engine.context import Context
from haulage.engine.plan import failed
from haulage.ledger import items as item_rows
from haulage.ledger import work
from haulage.ledger.items import Known
from haulage.ledger.work import Settled
from haulage.model.errors import HaulageError
from haulage.model.outcome import Outcome, OutcomeKind, Side
from haulage.services.contract import SetsFolderTimes

AT_ONCE = 16


async def make_folders(context: Context, folders: list[Known]) -> None:
    """Make the folders at the destination and set their times, children before their parents.

    An outcome is recorded once both are done; a run that is stopped before leaves both to the next one.
    """
    context.counts.planned += len(folders)
    if context.options.plan_only:
        for known in folders:
            context.watch.tell("plan", action="folder", path=known.path, target=known.target, bytes=0)
        return
    settled: dict[int, Settled] = {}
    for some in _pages(folders):
        await _side_by_side(_make(context, settled), some)
    for some in _pages(sorted(folders, key=_depth, reverse=True)):
        if isinstance(context.target, SetsFolderTimes):
            for _, level in groupby(some, _depth):  # at once only those that do not lie in each other
                await _side_by_side(_set_time(context.target, settled), level)
        outcomes = [settled[known.id] for known in some]
        for one in outcomes:
            context.watch.outcome(one.outcome)
        await context.ledger.run(work.commit, context.run.id, outcomes, context.counts.as_json(), {})


def _pages(folders: list[Known]) -> Iterator[list[Known]]:
    return (folders[start : start + item_rows.PAGE] for start in range(0, len(folders), item_rows.PAGE))


def _depth(known: Known) -> int:
    return (known.target or known.path).count("/")


async def _side_by_side(work_on: Callable[[Known], Awaitable[None]], folders: Iterable[Known]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(known: Known) -> None:
        async with places:
            await work_on(known)

    await asyncio.gather(*map(one, folders))


def _make(context: Context, settled: dict[int, Settled]) -> Callable[[Known], Awaitable[None]]:
    """A folder's time goes along only where it cannot be set later."""
    later = isinstance(context.target, SetsFolderTimes)

    async def make(known: Known) -> None:
        try:
            await context.target.create_folder(known.target or known.path, None if later else known.modified_us)
        except HaulageError as error:
            if not error.item_only:
                raise
            settled[known.id] = failed(known, error, Side.DESTINATION)
            return
        outcome = Outcome(known.id, known.path, OutcomeKind.VERIFIED, 0, target=known.target)
        settled[known.id] = Settled(outcome, known.revision or "", "folder")

    return make


def _set_time(target: SetsFolderTimes, settled: dict[int, Settled]) -> Callable[[Known], Awaitable[None]]:
    """A folder that was taken away again has failed, and no other with it."""

    async def set_time(known: Known) -> None:
        if known.modified_us is None or settled[known.id].target_revision is None:
            return
        try:
            await target.set_folder_time(known.target or known.path, known.modified_us)
        except HaulageError as error:
            if not error.item_only:
                raise
            settled[known.id] = failed(known, error, Side.DESTINATION)

    return set_time
