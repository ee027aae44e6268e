"""One location's folders and what lies in them. Calls are few at Egnyte, so what is known is not asked again."""

import asyncio
from contextlib import suppress

import msgspec

from haulage.model.errors import Conflict, Denied, Gone, NameRefused, RootGone
from haulage.model.item import Page
from haulage.services.egnyte.calls import FILES, Calls
from haulage.services.egnyte.items import Entry, Listing, item_of
from haulage.services.egnyte.refusals import MAKE, Exists

FEW = 4  # attempts of the first call: a person waits for it


class Cursor(msgspec.Struct):
    """Where a listing stands: how many children came, of how many, and the last folder and file among them.

    again: the page is asked for a second time, since too few children came.
    """

    seen: int
    total: int = 0
    last: list[str] = []
    again: bool = False


class Tree:
    """Paths are relative to the location's root; `folder` is that root's own path, without slashes around it."""

    def __init__(self, calls: Calls, folder: str) -> None:
        self._calls = calls
        self._folder = folder
        self._there: set[str] = set()
        self._made: dict[str, asyncio.Task[None]] = {}

    def path(self, path: str) -> str:
        """The path from the domain's root. Raises NameRefused."""
        if path and not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise NameRefused(f"{path!r} would become another name at the service")
        return "/" + "/".join(part for part in (self._folder, path) if part)

    async def entry(self, path: str, attempts: int | None = None) -> Entry:
        """What stands at a path now. Raises Gone."""
        url = self._calls.url(FILES, self.path(path), "list_content=false")
        return await self._calls.get("get metadata", url, Entry, attempts=attempts)

    async def root(self) -> None:
        """See that the root is there. Raises RootGone."""
        if "" in self._there:
            return
        try:
            found = await self.entry("", FEW)
        except Gone:
            found = Entry()
        if not found.is_folder:
            raise RootGone(f"there is no folder {self.path('')!r} at Egnyte")
        self._there.add("")

    async def make_root(self) -> None:
        """See to the root, and what lies above it."""
        with suppress(RootGone):
            return await self.root()
        parts = self._folder.split("/")
        for count in range(2, len(parts) + 1):  # the first one is /Shared or /Private, which is there
            await self._add("/" + "/".join(parts[:count]))
        self._there.add("")

    async def ensure(self, path: str) -> None:
        """Make a folder and those above it, up to the root, which has to be there (F34)."""
        where = self.path(path)
        if not path:
            return await self.root()
        if path in self._there:
            return
        if (task := self._made.get(path)) is None:
            task = self._made[path] = asyncio.ensure_future(self._ensure(path, where))
        try:
            await asyncio.shield(task)
        finally:
            if task.done():
                self._made.pop(path, None)

    async def _ensure(self, path: str, where: str) -> None:
        await self.ensure(path.rpartition("/")[0])
        await self._add(where)
        self._there.add(path)

    async def _add(self, where: str) -> None:
        """A folder, whether it is there already or not. That of a file is told in the same words, so it is asked."""
        try:
            await self._calls.act(MAKE, where, {"action": "add_folder"}, repeatable=True)
        except Exists:
            url = self._calls.url(FILES, where, "list_content=false")
            if not (await self._calls.get("get metadata", url, Entry)).is_folder:
                raise Conflict(f"{where}: something is there, and no folder") from None
        except Denied:  # whoever may not make folders there may still write into one that is there
            url = self._calls.url(FILES, where, "list_content=false")
            try:
                found = await self._calls.get("get metadata", url, Entry)
            except Gone:
                found = None
            if found is None or not found.is_folder:
                raise

    def knows(self, path: str) -> None:
        """The folder is there."""
        self._there.add(path)

    def forget(self, path: str) -> None:
        """A folder may not be there any more, nor what was below it, nor above it."""
        above = path.split("/")
        gone = {"/".join(above[:count]) for count in range(len(above))}
        self._there = {one for one in self._there if one not in gone and not f"{one}/".startswith(f"{path}/")}

    async def page(self, folder: str, cursor: str | None, limit: int) -> Page:
        """Up to `limit` children. No listing is a snapshot, so each page begins with the one before's last child."""
        before = msgspec.json.decode(cursor, type=Cursor) if cursor else Cursor(0)
        offset = max(before.seen - 1, 0)
        query = f"list_content=true&count={limit}&offset={offset}&sort_by=name&sort_direction=ascending"
        found = await self._calls.get("list", self._calls.url(FILES, self.path(folder), query), Listing)
        if not found.is_folder:
            raise Gone(f"{folder!r} is no folder")
        self._there.add(folder)
        children = [*found.folders, *found.files]
        if why := _shifted(before, found, children):
            return Page([], None, False, why)
        if len(children) < min(limit, found.total_count - offset):
            if before.again:
                return Page([], None, False, f"{len(children)} children came of the {found.total_count} that are told")
            return Page([], _text(msgspec.structs.replace(before, again=True)))
        fresh = [one for one in children if _id(one) not in before.last]
        seen = offset + len(children)
        below = f"{folder}/" if folder else ""
        items = [item_of(below + one.name, one) for one in fresh]
        if seen >= found.total_count:
            return Page(items)
        last = [_id(ones[-1]) for ones in (found.folders, found.files) if ones]
        return Page(items, _text(Cursor(seen, found.total_count, last)))

    async def close(self) -> None:
        """Stop what is under way."""
        for task in self._made.values():
            task.cancel()


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _id(one: Entry) -> str:
    return one.folder_id or one.group_id or one.name


def _shifted(before: Cursor, found: Listing, children: list[Entry]) -> str:
    """Why this page does not go on where the one before ended; "" where it does (Q6)."""
    if not before.seen:
        return ""
    if found.total_count != before.total:
        return f"the folder had {before.total} children, and {found.total_count} a page later"
    first = {_id(ones[0]) for ones in (found.folders, found.files) if ones}
    if children and (found.offset != before.seen - 1 or first.isdisjoint(before.last)):
        return "the order of the folder's children changed between two pages"
    return ""
