"""Reading a file that is pinned to one revision, with many requests on their way."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable
from typing import Any

import asyncssh

from haulage.model.errors import Changed, Mismatch, ShortRead
from haulage.model.item import Carried, Item, Kind
from haulage.services.links import Progress, lastly
from haulage.services.sftp.listing import item_of, revision_of
from haulage.services.sftp.packets import Attributes
from haulage.services.sftp.wire import READ, File, Wire

WINDOW_BYTES = 4 * 1024 * 1024
MOST_REQUESTS = 64


async def blocks(wire: Wire, file: File, start: int, end: int) -> AsyncGenerator[bytes, None]:
    """The bytes from start to end in order, a window of requests ahead. Raises ShortRead where the file ends before."""
    size = wire.read_bytes
    ahead: deque[asyncio.Task[bytes]] = deque()
    most = max(1, min(MOST_REQUESTS, WINDOW_BYTES // size))
    offset = start
    try:
        while offset < end or ahead:
            while offset < end and len(ahead) < most:
                count = min(size, end - offset)
                ahead.append(asyncio.ensure_future(_block(file, offset, count)))
                offset += count
            block = await ahead[0]
            ahead.popleft()
            yield block
    finally:
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)


async def _block(file: File, offset: int, count: int) -> bytes:
    """Just so many bytes: a server may give fewer than it was asked for."""
    pieces = [await file.read(offset, count)]
    got = len(pieces[0])
    while got < count:
        piece = await file.read(offset + got, count - got)
        if not piece:
            raise ShortRead(f"the file ended at byte {offset + got}")
        pieces.append(piece)
        got += len(piece)
    if got > count:
        raise Mismatch(f"{got} bytes came where {count} were asked for")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class FileContent:
    """An opened file; see Content."""

    def __init__(self, wire: Wire, file: File, item: Item, start: int, first: bytes | None) -> None:
        """first: the bytes, where all of them are here already and the file is closed."""
        self.item = item
        self.carried = Carried(modified_us=item.modified_us)
        self._wire = wire
        self._file = file
        self._start = start
        self._first = first

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes; with the last one the file is looked at once more. Raises Changed, ShortRead."""
        if self._first is not None:
            if self._first:
                yield self._first
            return
        size = self.item.size or 0
        left = size - self._start
        async for block in blocks(self._wire, self._file, self._start, size):
            left -= len(block)
            if not left:
                await self._end(size)
            yield block

    async def close(self) -> None:
        """Let go of the file, unless that is done."""
        if self._first is None:
            await close_quietly(self._file)

    async def _end(self, size: int) -> None:
        after, more = await asyncio.gather(self._file.stat(), self._file.read(size, 1))
        if revision_of(after) != self.item.revision:
            raise Changed(f"{self.item.path!r} was changed while it was read")
        if more:
            raise ShortRead(f"{self.item.path!r} is longer than the {size} bytes that it says it has")


async def opened(wire: Wire, where: bytes, item: Item, start: int) -> FileContent:
    """Open the file and compare it with `item`; a small one is read and closed in the same breath.

    Raises Changed, ShortRead, and the library's errors. A file that is still open is closed by whoever asked.
    """
    if item.size is not None and 0 <= item.size - start < wire.read_bytes:
        content = await _small(wire, where, item, start)
        if content is not None:
            return content
    file = await wire.open(where, READ)
    try:
        found = _compared(item, await file.stat(), start)
    except BaseException:
        await close_quietly(file)
        raise
    return FileContent(wire, file, found, start, None)


async def _small(wire: Wire, where: bytes, item: Item, start: int) -> FileContent | None:
    """All requests at once; None where the server gave fewer bytes than were asked for, as it may."""
    file = await wire.open(where, READ)
    try:
        wanted = (item.size or 0) - start + 1  # one more than there should be
        attributes, body, _ = await all_at_once(file.stat(), file.read(start, wanted), file.close())
    except asyncio.CancelledError:
        await close_quietly(file)
        raise
    found = _compared(item, attributes, start)
    size = found.size or 0
    if len(body) > size - start:
        raise ShortRead(f"{item.path!r} is longer than the {size} bytes that it says it has")
    if len(body) < size - start:
        return None
    return FileContent(wire, file, found, start, body)


def _compared(item: Item, attributes: Attributes, start: int) -> Item:
    found = item_of(item.path, attributes)
    if found.kind is not Kind.FILE:
        raise Changed(f"{item.path!r} is no file any more")
    if item.revision is not None and found.revision != item.revision:
        raise Changed(f"{item.path!r} is no longer the version that was listed")
    if start > (found.size or 0):
        raise ShortRead(f"{item.path!r} ends at byte {found.size}, before byte {start}")
    return found


async def read_all(wire: Wire, file: File, start: int, end: int, progress: Progress) -> bytes:
    """The bytes from start to end. Raises ShortRead."""
    found = []
    async for block in blocks(wire, file, start, end):
        progress.received(len(block))
        found.append(block)
    return b"".join(found)


async def all_at_once(*requests: Awaitable[Any]) -> list[Any]:
    """Send all requests before the first answer comes; then the answers in order, or the first error."""
    results = await asyncio.gather(*requests, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return list(results)


async def close_quietly(file: File) -> None:
    """Let go of a file that was only read, or is given up."""
    try:
        await lastly(file.close())
    except (asyncssh.Error, OSError, ValueError):
        return  # the connection is gone, and the file with it
