"""Copy a large file in parts, so that an interruption costs one part at most."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from haulage.engine.context import Context
from haulage.engine.job import Job
from haulage.engine.meter import COMPUTED, Meter, check_promise, digest
from haulage.engine.same import probe, read_digests
from haulage.engine.sides import at_source, at_target
from haulage.ledger import work
from haulage.ledger.work import Upload
from haulage.model.errors import Conflict, Mismatch, OutcomeUnknown, SessionGone, ShortRead, Transient
from haulage.model.item import Written
from haulage.model.outcome import Side
from haulage.services.contract import Content

BREAKS_WITHOUT_PROGRESS = 3
PROGRESS_BYTES = 64 * 1024


class SourceReader:
    """Reads a file from an offset on; a broken body is opened again where it broke, pinned to the same revision."""

    def __init__(self, context: Context, job: Job) -> None:
        self._drive = context.source
        self._job = job
        self._stack = AsyncExitStack()
        self._chunks: AsyncIterator[bytes | memoryview] | None = None
        self._rest = memoryview(b"")
        self._breaks = 0
        self._broke_at = 0
        self.position = 0

    async def open(self, position: int) -> Content:
        """Begin to read at `position`."""
        await self.close()
        content = await self._stack.enter_async_context(self._drive.open(self._job.item(), position))
        self._chunks = content.chunks()
        self.position = position
        return content

    async def fill(self, buffer: memoryview) -> None:
        """Fill the buffer with the next bytes. Raises ShortRead if the file ends before."""
        filled = 0
        while filled < len(buffer):
            if not self._rest:
                self._rest = await self._next()
            count = min(len(self._rest), len(buffer) - filled)
            buffer[filled : filled + count] = self._rest[:count]
            self._rest = self._rest[count:]
            filled += count
            self.position += count

    async def _next(self) -> memoryview:
        while True:
            try:
                if self._chunks is None:
                    await self.open(self.position)
                assert self._chunks is not None  # noqa: S101 - open() has set it; tells the type checker
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                raise ShortRead(f"the source ended after {self.position} of {self._job.size} bytes") from None
            except (Transient, ShortRead):
                if self.position - self._broke_at >= PROGRESS_BYTES:  # a trickle never gets so far
                    self._breaks = 0
                self._breaks, self._broke_at = self._breaks + 1, self.position
                if self._breaks >= BREAKS_WITHOUT_PROGRESS:
                    raise
                await self.close()
            else:
                return memoryview(chunk)

    async def at_end(self) -> bool:
        """Whether nothing comes any more."""
        if self._rest:
            return False
        assert self._chunks is not None  # noqa: S101 - something was read before; tells the type checker
        async for chunk in self._chunks:
            if len(chunk):
                return False
        return True

    async def close(self) -> None:
        """Let go of the body."""
        self._chunks, self._rest = None, memoryview(b"")
        await self._stack.aclose()


async def copy_large(context: Context, job: Job) -> tuple[Written, dict[str, str]]:
    """Send the parts that the destination lacks and finish. Returns what it confirmed, and hashes if all was read."""
    upload, receipts = await _unfinished(context, job)
    traits = context.target.traits
    part_bytes = upload.part_bytes if upload else traits.part_bytes(job.size)
    # where nobody checked the parts, or the end needs the hash of the whole, they are read again (and not sent)
    first = 0 if traits.part_hash is None or traits.finish_needs_hashes else len(receipts)
    reader = SourceReader(context, job)
    held = min(2 * part_bytes, job.size)
    await context.memory.take(held)
    try:
        content = await at_source(reader.open(min(first * part_bytes, job.size)))
        if upload is None:
            upload = await _begin(context, job, content, part_bytes)
        wanted = {"sha256", *traits.finish_hashes, *content.item.hashes}
        meter = Meter(wanted.intersection(COMPUTED) if first == 0 else set())
        context.counts.resumed_bytes += sum(receipt["size"] for receipt in receipts.values())
        await _send_parts(context, job, upload, receipts, reader, meter, first)
        digests = meter.digests()
        try:
            if not await at_source(reader.at_end()):
                raise ShortRead(f"the source gives more than the {job.size} bytes that it listed")
            if first == 0:
                check_promise(content.item, meter.count, digests)
        except Mismatch as error:
            error.side = Side.SOURCE
            await _drop(context, upload)  # the next attempt must not go on with parts that were made of such bytes
            raise
    finally:
        await reader.close()
        context.memory.give(held)
    written = await _finish(context, job, upload, receipts, digests)
    job.finished_attempt = upload.attempt
    return written, digests


async def _unfinished(context: Context, job: Job) -> tuple[Upload | None, dict[int, dict[str, Any]]]:
    """The upload to go on with and the receipts of its leading whole parts; an outdated upload is removed."""
    upload = await context.ledger.run(work.upload_of, job.known.id)
    if upload is None:
        return None, {}
    fits = (upload.target, upload.revision, upload.size) == (job.target, job.revision, job.size)
    # a document comes in other bytes each time that it is made a file, so no part of it goes with those of before
    goes_on = fits and job.revision is not None and not job.unsized and _was_begun(upload)
    parts = await at_target(context.target.parts(upload.state)) if goes_on else None
    if parts is None:
        await _drop(context, upload)
        return None, {}
    receipts: dict[int, dict[str, Any]] = {}
    while (receipt := parts.get(len(receipts) + 1)) and receipt["size"] == _length(upload, len(receipts)):
        receipts[len(receipts) + 1] = dict(receipt)
    return upload, receipts


def _length(upload: Upload, index: int) -> int:
    return min(upload.part_bytes, upload.size - index * upload.part_bytes)


async def _begin(context: Context, job: Job, content: Content, part_bytes: int) -> Upload:
    """Begin an upload. It is in the ledger before and after, so that whatever stops us here leaves nothing unknown."""
    attempt = secrets.token_hex(8)
    meant = {"path": job.target, "attempt": attempt}
    upload = Upload(job.known.id, attempt, job.target, job.revision, job.size, part_bytes, meant)
    await context.ledger.run(work.save_upload, context.run.id, upload)
    state = await at_target(context.target.begin(job.target, job.size, content.carried, attempt, job.condition))
    upload = msgspec.structs.replace(upload, state=state)
    await context.ledger.run(work.save_upload, context.run.id, upload)
    return upload


def _was_begun(upload: Upload) -> bool:
    return upload.state != {"path": upload.target, "attempt": upload.attempt}


async def _drop(context: Context, upload: Upload) -> None:
    """Remove what it left at the destination. It is never gone on with, even where it may not be removed."""
    try:
        await at_target(context.target.abort(upload.state))
    finally:
        await context.ledger.run(work.drop_upload, upload.item_id, upload.attempt)


async def _send_parts(
    context: Context,
    job: Job,
    upload: Upload,
    receipts: dict[int, dict[str, Any]],
    reader: SourceReader,
    meter: Meter,
    first: int,
) -> None:
    """Read part n+1 while part n is under way; one part is in flight, so one part is what an interruption costs."""
    first_bytes = _length(upload, 0)
    buffers = [memoryview(bytearray(one)) for one in (min(first_bytes, upload.size - first_bytes), first_bytes)]
    count = -(-job.size // upload.part_bytes)
    under_way: asyncio.Task[None] | None = None

    async def send(number: int, body: memoryview) -> None:
        algorithm = context.target.traits.part_hash
        hashed = await asyncio.to_thread(digest, algorithm, body) if algorithm else None
        offset = (number - 1) * upload.part_bytes
        context.room.send(job.known, job.size - offset - len(body))
        await context.bandwidth.spend(len(body))
        receipts[number] = await at_target(context.target.put_part(upload.state, number, offset, body, hashed))
        if not context.target.traits.parts_told:
            upload.state.setdefault("receipts", {})[str(number)] = receipts[number]
            await context.ledger.run(work.save_upload, context.run.id, upload)
        context.counts.sent_bytes += len(body)

    try:
        for number in range(first + 1, count + 1):
            body = buffers[number % 2][: _length(upload, number - 1)]
            await at_source(reader.fill(body))
            await meter.update_aside(body)
            if under_way is not None:
                await under_way
                under_way = None
            if number not in receipts:
                under_way = asyncio.create_task(send(number, body))
        if under_way is not None:
            await under_way
    except SessionGone:
        await context.ledger.run(work.drop_upload, upload.item_id, upload.attempt)
        raise
    except BaseException:
        if under_way is not None:
            under_way.cancel()
            await asyncio.gather(under_way, return_exceptions=True)
        raise


async def _finish(
    context: Context, job: Job, upload: Upload, receipts: Mapping[int, dict[str, Any]], digests: dict[str, str]
) -> Written:
    """Make it visible. After a lost answer or a vanished session, what is there tells whether it took effect."""
    ordered = [receipts[number] for number in sorted(receipts)]
    try:
        return await at_target(context.target.finish(upload.state, ordered, digests, job.condition))
    except (Conflict, Mismatch):  # after a mismatch the next attempt sends every part again
        await _drop(context, upload)
        raise
    except (OutcomeUnknown, SessionGone) as error:
        written = await probe(context.target, job.target, job.size, await _whole(context, job, digests))
        if written is not None:
            return written
        if isinstance(error, SessionGone):
            await context.ledger.run(work.drop_upload, upload.item_id, upload.attempt)
        raise Transient(f"finishing the upload took no effect ({error.message})") from error


async def _whole(context: Context, job: Job, digests: dict[str, str]) -> dict[str, str]:
    """Hashes of the whole, by reading the source again where a resumed upload has none."""
    return digests or await at_source(read_digests(context.source, job.item(), {"sha256"}))
