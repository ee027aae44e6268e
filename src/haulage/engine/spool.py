"""Files whose size nobody knows before they were read: documents that a service turns into files on the way.

Asked for again, such a file may come in other bytes, though the document is the same. So each attempt reads it once,
into a file without a name beside the ledger, and whatever is compared or sent is read from there.
"""

import asyncio
import copy
import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO, cast

import msgspec

from haulage.engine.context import Context
from haulage.engine.job import Job
from haulage.engine.meter import COMPUTED, INLINE_BYTES, Meter
from haulage.engine.sides import at_source
from haulage.model.errors import DiskFailed, DiskFull, TooLarge
from haulage.model.item import Carried, Item
from haulage.model.outcome import Side
from haulage.services.contract import Content, Drive

CHUNK_BYTES = 1024 * 1024


class _Read:
    """What was read, from some byte on."""

    def __init__(self, file: BinaryIO, item: Item, carried: Carried, start: int) -> None:
        self.item, self.carried = item, carried
        self._file, self._start = file, start

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """See the contract."""
        position = self._start
        while chunk := await asyncio.to_thread(self._at, position):
            position += len(chunk)
            yield chunk

    def _at(self, position: int) -> bytes:
        self._file.seek(position)
        return self._file.read(CHUNK_BYTES)


class _Spooled:
    """The source, as far as one file goes that was read from it: that one is opened here."""

    def __init__(self, drive: Drive, file: BinaryIO, item: Item, carried: Carried) -> None:
        self.traits = drive.traits
        self._drive, self._file = drive, file
        self._item, self._carried = item, carried

    async def item(self, path: str) -> Item | None:
        return await self._drive.item(path)

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        yield _Read(self._file, self._item, self._carried, start)


@asynccontextmanager
async def spooled(context: Context, job: Job) -> AsyncIterator[tuple[Context, Item]]:
    """Read the file. Yields the context with it as the source, and what the source said of it; the job knows its size.

    Raises what reading raises, TooLarge for what the destination does not take, DiskFull.
    """
    with tempfile.SpooledTemporaryFile(INLINE_BYTES, dir=str(context.ledger.path.parent)) as temporary:
        file = cast("BinaryIO", temporary)
        told, carried, meter = await at_source(_read(context, job, file))
        job.size, job.hashes, job.made = meter.count, meter.digests(), told.note
        if job.size > (largest := context.target.traits.largest_file):
            error = TooLarge(f"{job.size} bytes; the destination takes {largest}")
            error.side = Side.DESTINATION
            raise error
        here = copy.copy(context)
        here.within = None
        item = msgspec.structs.replace(job.item(), hashes=job.hashes)
        here.source = cast("Drive", _Spooled(context.source, file, item, carried))
        yield here, told


async def _read(context: Context, job: Job, file: BinaryIO) -> tuple[Item, Carried, Meter]:
    wanted = {"sha256", *context.target.traits.put_hashes, *context.target.traits.finish_hashes}
    meter = Meter(wanted.intersection(COMPUTED))
    async with context.source.open(job.unread()) as content:
        async for chunk in content.chunks():
            await meter.update_aside(memoryview(chunk))
            await _write(context, file, chunk)
        return content.item, content.carried, meter


async def _write(context: Context, file: BinaryIO, chunk: bytes | memoryview) -> None:
    try:
        if len(chunk) <= INLINE_BYTES:
            file.write(chunk)
        else:
            await asyncio.to_thread(file.write, chunk)
    except OSError as error:
        where = context.ledger.path.parent
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space is left in {where}, where a document is kept while it is sent") from error
        raise DiskFailed(f"{where} cannot be written to ({error.strerror})") from error
