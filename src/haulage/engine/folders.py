"""Folders: made side by side with the files; their times come last where what is written into them touches these."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import groupby

from haulage.engine.context import Context
from haulage.engine.offering import other_name
from haulage.engine.plan import failed
from haulage.engine.sides import at_target
from haulage.ledger import items as item_rows
from haulage.ledger import work
from haulage.ledger.items import Known
from haulage.ledger.work import Settled
from haulage.model.errors import HaulageError
from haulage.model.outcome import Outcome, OutcomeKind, Side
from haulage.services.contract import SetsFolderTimes

AT_ONCE = 16


class Folders:
    """The destination's folders in one run. Each is made once.

    Where a folder's time can be set later, it may be made before it is known which item it is: as one that a file
    needs. Elsewhere its time goes along, and it is made as the item that it is.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ahead = context.real_folders and isinstance(context.target, SetsFolderTimes)
        self._at_any_time = context.target.traits.folder_times_stay
        self._later = isinstance(context.target, SetsFolderTimes) and not self._at_any_time
        # where files share the call that makes them, a folder's own call would be in its way
        self._beside = self._ahead or (context.real_folders and not context.target.traits.waiting)
        self._begun: set[str] = set()  # those that are being made, or were
        self._again: set[str] = set()  # those of them that could not be made when a file needed them
        self._tried: set[str] = set()  # those that were made, or refused, as the items that they are
        self._refused: dict[str, HaulageError] = {}

    def with_files(self, items: list[Known]) -> Iterator[Known | str]:
        """Files, and before them the folders that they need: between two levels of these, files that lie further up.

        Else all that is in flight would wait for a folder, and that for the one above it.
        """
        needed = {folder for known in items for folder in _above(_path(known))} - self._begun
        self._begun |= needed
        if not self._ahead:
            yield from _openers_first(items)
            return
        levels: dict[int, tuple[list[str], list[Known]]] = {}
        for folder in sorted(needed):
            levels.setdefault(folder.count("/"), ([], []))[0].append(folder)
        for known in items:
            levels.setdefault(_depth(known), ([], []))[1].append(known)
        ready: deque[Known] = deque()
        for _, (folders, files) in sorted(levels.items()):
            yield from folders
            ready += files
            yield from (ready.popleft() for _ in range(min(AT_ONCE, len(ready))))
        yield from ready

    def left(self, folders: list[Known]) -> Iterator[Known]:
        """Those that no file needed, each after the one above it; all, where their times may be set as well.

        None, where that would be in the way of the files.
        """
        if self._context.options.plan_only or not self._beside:
            return
        for known in sorted(folders, key=_depth):
            if self._at_any_time or _path(known) not in self._begun:
                yield known

    async def make_above(self, path: str) -> None:
        """Make one that a file needs. What keeps it from being made is found by that file, and once more at the end."""
        try:
            await at_target(self._context.target.create_folder(path))
        except HaulageError as error:
            if not error.item_only:
                raise
            self._again.add(path)

    async def make(self, known: Known) -> None:
        """Make one that is an item. Its time goes along only where it need not, or cannot, be set later."""
        path = _path(known)
        self._tried.add(path)
        try:
            await at_target(self._context.target.create_folder(path, None if self._later else known.modified_us))
        except HaulageError as error:
            if not error.item_only:
                raise
            self._refused[path] = error
        else:
            self._refused.pop(path, None)

    async def settle(self, folders: list[Known]) -> None:
        """Make those that are yet to be made, and set the times that are yet to be set, children before their parents.

        An outcome is recorded once both are done; a run that is stopped before leaves both to the next one.
        """
        context = self._context
        context.counts.planned += len(folders)
        if context.options.plan_only:
            for known in folders:
                context.watch.tell("plan", action="folder", path=known.path, target=known.target, bytes=0)
            return
        unmade = [known for known in folders if self._is_unmade(_path(known))]
        for some in _pages(unmade):
            await _side_by_side(self.make, some)
        for some in _pages(sorted(folders, key=_depth, reverse=True)):
            settled = {known.id: self._settled(known) for known in some}
            if self._later and isinstance(context.target, SetsFolderTimes):
                for _, level in groupby(some, _depth):  # at once only those that do not lie in each other
                    await _side_by_side(_set_time(context.target, settled), level)
            outcomes = [settled[known.id] for known in some]
            for one in outcomes:
                context.watch.outcome(one.outcome)
            await context.ledger.run(work.commit, context.run.id, outcomes, context.counts.as_json(), {})

    def _is_unmade(self, path: str) -> bool:
        return path in self._again or not (self._ahead or path in self._tried)

    def _settled(self, known: Known) -> Settled:
        if (error := self._refused.get(_path(known))) is not None:
            return failed(known, error, Side.DESTINATION, other_name(self._context, known, error, _path(known)))
        outcome = Outcome(known.id, known.path, OutcomeKind.VERIFIED, 0, target=known.target)
        return Settled(outcome, known.revision or "", "folder")


def _openers_first(items: list[Known]) -> list[Known]:
    """One file of each folder, then all others: else each folder in turn is waited for by all that is in flight."""
    opened: set[str] = set()
    openers: list[Known] = []
    others: list[Known] = []
    for known in items:
        folder = _path(known).rpartition("/")[0]
        (others if folder in opened else openers).append(known)
        opened.add(folder)
    return openers + others


def _pages(folders: list[Known]) -> Iterator[list[Known]]:
    return (folders[start : start + item_rows.PAGE] for start in range(0, len(folders), item_rows.PAGE))


def _path(known: Known) -> str:
    return known.target or known.path


def _above(path: str) -> Iterator[str]:
    """The folders above a path, the root left out."""
    while path := path.rpartition("/")[0]:
        yield path


def _depth(known: Known) -> int:
    return _path(known).count("/")


async def _side_by_side(work_on: Callable[[Known], Awaitable[None]], folders: Iterable[Known]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(known: Known) -> None:
        async with places:
            await work_on(known)

    await asyncio.gather(*map(one, folders))


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
