"""Folders below the root: each is looked at once before anything below it is touched: no symlink is followed."""

import asyncio
import stat
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from haulage.model.errors import Conflict, Gone, HaulageError, RootGone
from haulage.services.links import Links, parts_of
from haulage.services.sftp.packets import Attributes
from haulage.services.sftp.wire import Wire

MOST_KNOWN = 20_000


def kind_of(attributes: Attributes) -> int:
    """S_IFREG, S_IFDIR, ...; 0 where the server does not say."""
    return stat.S_IFMT(attributes.permissions or 0)


class Tree:
    """The folders of one root. A server follows symlinks by itself, so every folder on the way is asked for (Q8)."""

    def __init__(self, links: Links[Wire], root: bytes) -> None:
        self.root = root
        self._links = links
        self._known: OrderedDict[str, None] = OrderedDict()
        self._settling: dict[str, asyncio.Lock] = {}

    def at(self, path: str) -> bytes:
        """The path on the server. Raises NameRefused."""
        return self.root + b"/" + "/".join(parts_of(path)).encode() if path else self.root

    async def folder(self, path: str) -> bytes:
        """The folder, which must be there and be one. Raises Gone, RootGone."""
        await self._each(path, self._look)
        return self.at(path)

    async def make(self, path: str) -> bytes:
        """The folder, made with those above it where they are missing; the root never is."""
        await self._each(path, self._look_or_make)
        return self.at(path)

    async def _each(self, path: str, settle: Callable[[str], Awaitable[None]]) -> None:
        """Settle each folder on the way that is not known; of many who want the same one, the first does it."""
        if path in self._known and "" in self._known:
            return
        for below in _downwards(path):
            if below in self._known:
                continue
            try:
                async with self._settling.setdefault(below, asyncio.Lock()):
                    if below not in self._known:
                        await settle(below)
            finally:
                self._settling.pop(below, None)

    async def _look_or_make(self, path: str) -> None:
        try:
            await self._look(path)
        except RootGone:
            raise
        except Gone:
            await self._make_one(path)

    def learn(self, path: str) -> None:
        """A listing told that it is a folder."""
        self._known[path] = None
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Something was not where it had been: look again."""
        self._known.clear()

    async def _look(self, path: str) -> None:
        async def ask(wire: Wire, _: object) -> Attributes:
            return await (wire.lstat(self.at(path)) if path else wire.stat(self.root))

        try:
            found = await self._links.call("look", path, ask)
        except Gone:
            if path:
                raise
            raise RootGone(f"there is no folder {self.root.decode(errors='replace')!r} on the server") from None
        if kind_of(found) != stat.S_IFDIR:
            if not path:
                raise RootGone(f"{self.root.decode(errors='replace')!r} on the server is no folder")
            raise Gone(f"{path!r} is no folder, and a symlink is not followed")
        self.learn(path)

    async def _make_one(self, path: str) -> None:
        where = self.at(path)
        try:
            await self._links.call("make folder", path, lambda wire, _: wire.make_folder(where))
        except HaulageError as error:
            try:
                return await self._look(path)  # somebody else was faster, or the answer to an earlier attempt was lost
            except Gone:
                pass
            if await self._stands(path):
                raise Conflict(f"{path!r} is no folder at the destination") from error
            raise
        self.learn(path)

    async def _stands(self, path: str) -> bool:
        where = self.at(path)
        try:
            await self._links.call("look", path, lambda wire, _: wire.lstat(where))
        except Gone:
            return False
        return True


def _downwards(path: str) -> list[str]:
    """The root, and each folder on the way to `path`."""
    parts = parts_of(path)
    return ["", *("/".join(parts[: count + 1]) for count in range(len(parts)))]
