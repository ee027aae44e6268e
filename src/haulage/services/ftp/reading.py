"""Reading a file that is pinned to one revision, over a data connection."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from haulage.model.errors import Changed, Gone, ShortRead
from haulage.model.item import Carried, Item, Kind
from haulage.services.ftp.replies import LinkLost, Negative
from haulage.services.ftp.tree import Tree
from haulage.services.ftp.wire import Data, Wire
from haulage.services.links import Progress


class FileContent:
    """An opened file; see Content."""

    def __init__(self, wire: Wire, tree: Tree, item: Item, start: int, data: Data, stack: AsyncExitStack) -> None:
        self.item = item
        self.carried = Carried(modified_us=item.modified_us)
        self._wire = wire
        self._tree = tree
        self._left = (item.size or 0) - start
        self._data = data
        self._stack = stack
        self._complete = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes; with the last one the file is looked at once more. Raises Changed, ShortRead."""
        async for chunk in self._data.chunks():
            self._left -= len(chunk)
            if self._left < 0:
                raise ShortRead(f"{self.item.path!r} is longer than the {self.item.size} bytes that it says it has")
            if not self._left:
                await self._end()
            yield chunk
        if self._left:
            raise ShortRead(f"{self.item.path!r} ended {self._left} bytes before its end")
        if not self._complete:
            await self._end()

    async def _end(self) -> None:
        """All bytes are here; the reply only says so once more, and a lost one takes nothing away from them (Q11)."""
        self._complete = True
        async for more in self._data.chunks():
            if more:
                raise ShortRead(f"{self.item.path!r} is longer than the {self.item.size} bytes that it says it has")
        await self._data.close()
        try:
            await self._wire.ended("RETR")
            now = await self._tree.look_on(self._wire, self.item.path)
        except (Negative, LinkLost):
            self._wire.give_up()
            now = await self._tree.look(self.item.path)
        if now is not None and now.revision != self.item.revision:
            raise Changed(f"{self.item.path!r} was changed while it was read")

    async def close(self) -> None:
        """Let go of it; a file that was not read to its end costs the connection."""
        if not self._complete:
            self._wire.give_up()
            self._data.writer.transport.abort()
        await self._stack.aclose()


async def opened(wire: Wire, tree: Tree, item: Item, start: int) -> FileContent:
    """Look at the file, compare it with `item`, and ask for its bytes. Raises Changed, Gone, ShortRead."""
    found = await tree.look_on(wire, item.path)
    if found is None:
        raise Gone(f"{item.path!r} is not there any more")
    if found.kind is not Kind.FILE:
        raise Changed(f"{item.path!r} is no file any more")
    if item.revision is not None and found.revision != item.revision:
        raise Changed(f"{item.path!r} is no longer the version that was listed")
    if start > (found.size or 0):
        raise ShortRead(f"{item.path!r} ends at byte {found.size}, before byte {start}")
    stack = AsyncExitStack()
    data = await stack.enter_async_context(wire.transfer("RETR", tree.at(wire, item.path), start))
    return FileContent(wire, tree, found, start, data, stack)


async def read_all(wire: Wire, where: str, offset: int, most: int, progress: Progress) -> bytes:
    """The bytes from the offset to the end of the file. Raises ShortRead for more than `most`."""
    found = bytearray()
    async with wire.transfer("RETR", where, offset) as data:
        async for chunk in data.chunks():
            progress.received(len(chunk))
            found += chunk
            if len(found) > most:
                raise ShortRead(f"more than {most} bytes read back")
        await data.close()
        await wire.ended("RETR")
    return bytes(found)
