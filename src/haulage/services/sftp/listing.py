"""Entries of a folder as items."""

import asyncio
import stat
from collections.abc import AsyncIterator

import msgspec

from haulage.model.errors import Gone, HaulageError
from haulage.model.item import Item, Kind
from haulage.services.leftovers import Leftovers
from haulage.services.links import UNFINISHED, Links, Progress
from haulage.services.sftp.packets import Attributes
from haulage.services.sftp.traits import SECOND_US
from haulage.services.sftp.tree import Tree, kind_of
from haulage.services.sftp.wire import Wire

PAGE_ITEMS = 1000
LOOKS_AT_ONCE = 32

_OTHERS = {
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def revision_of(attributes: Attributes) -> str:
    """Size and second of the last change: all that version 3 tells of a file's content (Q4)."""
    return f"{attributes.size}-{attributes.mtime}"


def item_of(path: str, attributes: Attributes) -> Item:
    """What a look at that path showed."""
    kind = kind_of(attributes)
    modified_us = None if attributes.mtime is None else int(attributes.mtime) * SECOND_US
    if kind == stat.S_IFREG:
        return Item(path, Kind.FILE, attributes.size, modified_us, revision_of(attributes))
    if kind == stat.S_IFDIR:
        return Item(path, Kind.FOLDER, modified_us=modified_us)
    return Item(path, Kind.OTHER, modified_us=modified_us, note=_OTHERS.get(kind, "node of an unknown kind"))


class Listing:
    """Reads folders."""

    def __init__(self, links: Links[Wire], tree: Tree, leftovers: Leftovers) -> None:
        self._links = links
        self._leftovers = leftovers
        self._tree = tree
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def read(self, folder: str) -> AsyncIterator[Item]:
        """All entries, as the listing tells them, in no order. Raises Gone, Denied."""
        where = await self._tree.folder(folder)

        async def entries(wire: Wire, progress: Progress) -> list[Item]:
            found = []
            async for name, attributes in wire.entries(where):
                progress.waiting()
                if not self._is_hidden(folder, name):
                    found.append(await self._item(wire, folder, where, name, attributes))
            return found

        for item in await self._links.call("list", folder, entries):
            yield item

    async def _item(self, wire: Wire, folder: str, where: bytes, name: bytes, attributes: Attributes) -> Item:
        if attributes.permissions is None:  # an odd server: its listing tells names alone
            attributes = await wire.lstat(where + b"/" + name)
        before = f"{folder}/" if folder else ""
        try:
            return item_of(before + name.decode(), attributes)
        except UnicodeDecodeError:
            spelt = name.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
            folded = "; what is in it is not listed" if kind_of(attributes) == stat.S_IFDIR else ""
            return Item(before + spelt, Kind.OTHER, note=f"its name is not UTF-8{folded}")

    async def completed(self, items: list[Item]) -> list[Item]:
        """The items of a page, with what costs a question each: where a symlink leads, whether a folder is empty."""
        return list(await asyncio.gather(*(self._completed(item) for item in items)))

    async def _completed(self, item: Item) -> Item:
        if item.kind is Kind.FILE or (item.kind is Kind.OTHER and item.note != "symlink"):
            return item
        async with self._looks:
            try:
                if item.kind is Kind.FOLDER:
                    self._tree.learn(item.path)
                    return msgspec.structs.replace(item, empty=await self._is_empty(item.path))
                where = self._tree.at(item.path)
                leads = await self._links.call("read link", item.path, lambda wire, _: wire.readlink(where))
                return msgspec.structs.replace(item, note=f"symlink to {leads.decode('utf-8', 'backslashreplace')}")
            except HaulageError as error:
                if not error.item_only:
                    raise
                return item  # its own page will say why; what it is stays true

    async def _is_empty(self, folder: str) -> bool:
        where = self._tree.at(folder)

        async def look(wire: Wire, _: Progress) -> bool:
            async for name, _attributes in wire.entries(where):
                if not self._is_hidden(folder, name):
                    return False
            return True

        return await self._links.call("look into", folder, look)

    def _is_hidden(self, folder: str, name: bytes) -> bool:
        """Whether it is one of our unfinished ones."""
        text = name.decode("latin-1")
        if not UNFINISHED.fullmatch(text):
            return False
        self._leftovers.saw(folder, text)
        return True

    async def look(self, path: str) -> Item | None:
        """What stands at the path itself; None where nothing does, or a folder above is none."""
        try:
            await self._tree.folder(path.rpartition("/")[0])
            where = self._tree.at(path)
            return item_of(path, await self._links.call("look", path, lambda wire, _: wire.lstat(where)))
        except Gone:
            return None
