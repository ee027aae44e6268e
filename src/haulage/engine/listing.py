"""Lists a whole drive, as a stream of pages, whatever way its service lists."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing

import msgspec

from haulage.model.errors import HaulageError
from haulage.model.item import Item, Kind, Page
from haulage.services.contract import Drive, ListsTree, ListsWhole

FOLDERS_AT_ONCE = 16


class Listing(msgspec.Struct):
    """How a listing went. complete: nothing may be concluded from an item's absence unless this is True.

    why_incomplete: a sentence each. folder_errors: folders that could not be listed, by path.
    """

    complete: bool = True
    why_incomplete: list[str] = []
    folder_errors: dict[str, HaulageError] = {}
    folders: int = 0

    def lacks(self, why: str) -> None:
        """Note that something is missing from the listing."""
        self.complete = False
        if len(self.why_incomplete) < 20:
            self.why_incomplete.append(why)


async def pages(drive: Drive, listing: Listing) -> AsyncIterator[Page]:
    """All pages of the drive, folders included as items; the next page is fetched while one is worked on.

    A folder that cannot be listed is noted in `listing` and the rest goes on; the root's own error is raised.
    """
    async with aclosing(await _way(drive, listing)) as source:
        async for page in source:
            if not page.complete:
                listing.lacks(page.why_incomplete or "the service said that its listing lacks something")
            yield page


async def _way(drive: Drive, listing: Listing) -> AsyncGenerator[Page, None]:
    if isinstance(drive, ListsTree):
        return _sequence(drive.tree, await drive.tree(None), listing)
    first = await drive.whole(None) if isinstance(drive, ListsWhole) else None
    return _folders(drive, listing) if first is None else _whole(drive, first, listing)


async def _whole(drive: Drive, first: Page, listing: Listing) -> AsyncGenerator[Page, None]:
    """Everything in one sequence, and then what could not be told in it."""
    assert isinstance(drive, ListsWhole)  # noqa: S101 - it gave the first page; tells the type checker
    whole, again = drive.whole, dict[str, None]()

    async def following(cursor: str) -> Page:
        return await whole(cursor) or Page([], None, False, "the service broke its listing off")

    async with aclosing(_sequence(following, first, listing)) as source:
        async for page in source:
            again |= dict.fromkeys(page.again)
            yield page
    if again:
        async with aclosing(_folders(drive, listing, tuple(again))) as source:
            async for page in source:
                yield page


async def _sequence(
    following: Callable[[str], Awaitable[Page]], first: Page, listing: Listing
) -> AsyncGenerator[Page, None]:
    """Pages that follow each other; the next one is fetched while one is worked on."""
    begun: asyncio.Future[Page] = asyncio.get_running_loop().create_future()
    begun.set_result(first)
    fetch: asyncio.Future[Page] | None = begun
    seen: set[str] = set()
    try:
        while fetch is not None:
            page = await fetch
            fetch = None
            if page.cursor is not None and page.cursor in seen:
                listing.lacks("the listing went in a circle")
            elif page.cursor is not None:
                seen.add(page.cursor)
                fetch = asyncio.ensure_future(following(page.cursor))
            yield page
    finally:
        if fetch is not None:
            fetch.cancel()
            await asyncio.gather(fetch, return_exceptions=True)


def below(drive: Drive, listing: Listing, folder: str) -> AsyncGenerator[Page, None]:
    """All pages of one folder and of those in it; one that is not there is noted in `listing`."""
    return _folders(drive, listing, (folder,))


_Place = tuple[str, str | None, set[str] | None]
"""A folder, where its listing goes on, and all such places of it so far."""


async def _folders(drive: Drive, listing: Listing, starts: Sequence[str] = ("",)) -> AsyncGenerator[Page, None]:
    """Depth first, several folders at once, so that the number of folders waiting stays small."""
    waiting: list[_Place] = [(folder, None, None) for folder in starts]
    under_way: dict[asyncio.Task[Page], _Place] = {}
    try:
        while waiting or under_way:
            while waiting and len(under_way) < FOLDERS_AT_ONCE:
                place = waiting.pop()
                under_way[asyncio.ensure_future(drive.page(*place[:2]))] = place
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                folder, _, seen = under_way.pop(task)
                page = _page_of(task, folder, listing)
                if page is None:
                    continue
                if page.cursor is not None and page.cursor in (seen or ()):
                    listing.lacks(f"the listing of {folder!r} went in a circle")
                elif page.cursor is not None:
                    seen = seen or set()
                    seen.add(page.cursor)
                    waiting.append((folder, page.cursor, seen))
                inside = (item.path for item in page.items if item.kind == Kind.FOLDER and not item.empty)
                waiting += [(path, None, None) for path in inside]
                yield page
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _page_of(task: asyncio.Task[Page], folder: str, listing: Listing) -> Page | None:
    """The page, or None with the folder's error noted. Errors of the root and of the whole service are raised."""
    try:
        page = task.result()
    except HaulageError as error:
        if folder == "" or not error.item_only:
            raise
        listing.lacks(f"{folder}: {error.message}")
        listing.folder_errors[folder] = error
        return None
    listing.folders += 1
    return page


def holdable(page: Page, source: Drive, target: Drive) -> list[Item]:
    """The items of a page that the destination can hold.

    Where folders are implied by paths, only empty ones are items there. Folders of a flat listing are markers,
    objects of their own, and always count.
    """
    if target.traits.folders == "real" or isinstance(source, ListsTree):
        return page.items
    return [item for item in page.items if item.kind != Kind.FOLDER or item.empty]
