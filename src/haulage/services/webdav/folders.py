"""Folders of a tree: made once, with those above them, and remembered."""

import asyncio

from haulage.model.errors import Conflict, RootGone
from haulage.services.webdav.connection import Connection
from haulage.services.webdav.judge import Exists, NoParent

MOST_KNOWN = 100_000


class Folders:
    """Which folders below a root are known to be there; asks and makes as few as it can."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: set[str] = set()
        self._making: dict[str, asyncio.Lock] = {}

    def note(self, path: str) -> None:
        """It was seen to be there."""
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known.add(path)

    def forget(self, path: str) -> None:
        """It was seen not to be there, so nothing is sure of those above it either."""
        while path:
            self._known.discard(path)
            path = path.rpartition("/")[0]

    async def need(self, path: str) -> None:
        """See to it that the folder is there; "" is the root, which is never made. Raises Conflict, RootGone."""
        if not path or path in self._known:
            return
        lock = self._making.setdefault(path, asyncio.Lock())
        async with lock:
            if path not in self._known:
                await self._make(path)
                self.note(path)
        self._making.pop(path, None)

    async def _make(self, path: str) -> None:
        """Make it; those above only where the server says that they are missing."""
        whole = self._connection.place.path_of(path)
        try:
            await self._connection.make(whole)
        except Exists:
            await self._is_folder(path)
        except NoParent as error:
            above = path.rpartition("/")[0]
            if not above:
                raise RootGone(f"the folder {self._connection.place.root or '/'} is not there") from error
            self.forget(above)
            await self.need(above)
            try:
                await self._connection.make(whole)
            except Exists:
                await self._is_folder(path)

    async def _is_folder(self, path: str) -> None:
        found = await self._connection.look(self._connection.place.path_of(path))
        if found is None or not found.folder:
            raise Conflict(f"a file stands where the folder {path!r} is to be")
