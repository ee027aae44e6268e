"""Entries of a folder as items."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from haulage.model.errors import Denied, Gone, HaulageError
from haulage.model.item import Item, Kind
from haulage.services.ftp.asking import entries
from haulage.services.ftp.lists import Entry
from haulage.services.ftp.tree import Tree, item_of
from haulage.services.ftp.wire import Wire
from haulage.services.leftovers import Leftovers
from haulage.services.links import UNFINISHED, Links, Progress

PAGE_ITEMS = 1000


class Listing:
    """Reads folders."""

    def __init__(self, links: Links[Wire], tree: Tree, leftovers: Leftovers, encoding: str) -> None:
        self._links = links
        self._leftovers = leftovers
        self._tree = tree
        self._encoding = encoding

    async def read(self, folder: str) -> AsyncIterator[Item]:
        """All entries, in no order. Raises Gone, Denied, Mismatch."""
        await self._tree.folder("")
        found = await self._links.call("list", folder, lambda wire, progress: self._entries(wire, folder, progress))
        for entry in found:
            yield self._item(folder, entry)

    def _item(self, folder: str, entry: Entry) -> Item:
        before = f"{folder}/" if folder else ""
        try:
            name = entry.name.decode(self._encoding)
        except UnicodeDecodeError:
            spelt = entry.name.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
            below = "; what is in it is not listed" if entry.kind == "dir" else ""
            return Item(before + spelt, Kind.OTHER, note=f"its name is not {self._encoding}{below}")
        if "/" in name:
            return Item(before + name.replace("/", "\\x2f"), Kind.OTHER, note="its name holds a slash")
        return item_of(before + name, entry)

    async def _entries(self, wire: Wire, folder: str, progress: Progress) -> list[Entry]:
        # An empty answer and that about a missing folder are the same at many servers: so it is entered first (Q6).
        try:
            await self._tree.enter(wire, folder)
        except Gone as error:
            if await self._tree.is_listed(wire, folder):
                raise Denied(f"the server does not let us into a folder that it lists: {error.message}") from error
            raise
        found = await entries(wire, self._tree.at(wire, folder), folder, progress, ours=True)
        hidden = {name for entry in found if UNFINISHED.fullmatch(name := entry.name.decode("latin-1"))}
        for name in hidden:
            self._leftovers.saw(folder, name)
            if name.endswith(".parts") and name.removesuffix("s") not in hidden:
                self._leftovers.note(folder, name)  # the journal of an upload that has its name, or is gone
        return [entry for entry in found if entry.name.decode("latin-1") not in hidden]

    async def completed(self, items: list[Item]) -> list[Item]:
        """The items of a page; folders are looked into, for whether they are empty."""
        return list(await asyncio.gather(*(self._completed(item) for item in items)))

    async def _completed(self, item: Item) -> Item:
        if item.kind is not Kind.FOLDER:
            return item
        self._tree.learn(item.path)
        try:
            found = await self._links.call("look into", item.path, lambda wire, p: self._entries(wire, item.path, p))
        except HaulageError as error:
            if not error.item_only:
                raise
            return item  # its own page will say why; what it is stays true
        return msgspec.structs.replace(item, empty=not found)
