"""Pages of a folder whose server gives all of it at once, in no order."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from heapq import nsmallest

import msgspec

from haulage.model.item import Item, Page

HELD_ITEMS = 50_000
HELD_FOLDERS = 8


class _Names(msgspec.Struct, frozen=True):
    """Items of a folder in order, all those after `after` up to a limit. whole: there were no more."""

    after: str
    items: list[Item]
    whole: bool


class Pages:
    """Cuts listings into pages in the order of the paths.

    The cursor is the last path of the page before, so any process can go on from it. The items of a few folders are
    held between their pages, 50,000 at most of each; a larger folder is read once for every 50,000.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[str, _Names] = OrderedDict()

    async def page(self, folder: str, cursor: str | None, size: int, read: Callable[[], AsyncIterator[Item]]) -> Page:
        """The page of `size` items after `cursor`. read: all items of the folder, in any order."""
        after = cursor or ""
        held = self._held.pop(folder, None) if cursor is not None else None
        if held is None or held.after > after or not (held.whole or (held.items and after < held.items[-1].path)):
            held = await _after(after, read())
        rest = [item for item in held.items if item.path > after] if cursor is not None else held.items
        wanted = rest[:size]
        if len(rest) <= size and held.whole:
            self._held.pop(folder, None)
            return Page(wanted)
        self._held[folder] = held
        while len(self._held) > HELD_FOLDERS:
            self._held.popitem(last=False)
        return Page(wanted, wanted[-1].path)


async def _after(after: str, items: AsyncIterator[Item]) -> _Names:
    found: list[Item] = []
    async for item in items:
        if item.path > after:
            found.append(item)
            if len(found) > 4 * HELD_ITEMS:
                found = nsmallest(HELD_ITEMS + 1, found, key=_path)
    found.sort(key=_path)
    return _Names(after, found[:HELD_ITEMS], len(found) <= HELD_ITEMS)


def _path(item: Item) -> str:
    return item.path
