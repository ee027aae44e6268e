"""Writing a file so that nobody ever sees half of it: under a hidden name, read back, then renamed in one step."""

import asyncio
import hashlib
from collections.abc import Awaitable, Mapping
from contextlib import suppress

import asyncssh

from haulage.model.errors import Conflict, HaulageError, Mismatch, OutcomeUnknown, Transient, Unreachable
from haulage.model.item import Carried, Item, Kind, Written
from haulage.services.contract import Precondition
from haulage.services.leftovers import Leftovers
from haulage.services.links import Links, Progress, hidden_name, lastly
from haulage.services.sftp.checksums import LEAST_BYTES, Way, holds
from haulage.services.sftp.judge import Unexplained
from haulage.services.sftp.listing import Listing, item_of
from haulage.services.sftp.packets import Attributes
from haulage.services.sftp.reading import all_at_once, close_quietly, read_all
from haulage.services.sftp.traits import NEWEST_SECOND, SECOND_US
from haulage.services.sftp.tree import Tree
from haulage.services.sftp.wire import CREATE, EXCLUSIVE, READ, WRITE, File, Wire

WRITES_AT_ONCE = 16
REMOVALS = 3
"""How often the removal of what failed is tried: the link that broke the write may break it too."""


def seconds_of(modified_us: int) -> int:
    """The time, as near as 32 bits come (Q5)."""
    return min(max(modified_us // SECOND_US, 0), NEWEST_SECOND)


def set_time(file: File, modified_us: int | None) -> list[Awaitable[None]]:
    """Ask for the time to be kept; nothing where none is carried."""
    return [] if modified_us is None else [file.set_times(seconds_of(modified_us))]


class Writing:
    """Writes files of one tree. reads_back: what the server holds is proven, else its size alone is compared (Q7).

    checksums: how the server can be asked for a checksum, where it can: then large pieces need not be read again.
    reads_through: what is written reads back on the same handle; else another one is opened for it (Q16).
    """

    def __init__(
        self, links: Links[Wire], tree: Tree, listing: Listing, leftovers: Leftovers, reads_back: bool
    ) -> None:
        self._links = links
        self._leftovers = leftovers
        self._tree = tree
        self._listing = listing
        self.reads_back = reads_back
        self.checksums: Way | None = None
        self.reads_through = True

    async def whole(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See Drive.put."""
        above = path.rpartition("/")[0]
        target = self._tree.at(path)
        await self.expect(path, condition)
        folder = await (self._tree.folder if condition.revision is not None else self._tree.make)(above)
        hidden = folder + b"/" + self._leftovers.name().encode()
        data = bytes(body)

        async def send(wire: Wire, progress: Progress) -> tuple[Attributes, str | None]:
            return await self._send(wire, hidden, data, carried, progress)

        try:
            attributes, known = await self._links.call("write", path, send)
            if known is not None:
                prove(path, known, digests.get("sha256"))
            if attributes.size != len(data):
                raise Mismatch(f"{path!r}: the server holds {attributes.size} bytes of {len(data)}")
            await self.publish(hidden, target, path, condition)
        except BaseException as error:
            await asyncio.shield(self._removed(hidden, attempts=REMOVALS if isinstance(error, HaulageError) else 1))
            raise
        return written_of(item_of(path, attributes), {} if known is None else {"sha256": known})

    async def _send(
        self, wire: Wire, hidden: bytes, data: bytes, carried: Carried, progress: Progress
    ) -> tuple[Attributes, str | None]:
        """Write it under the hidden name, anew; what the server then says of it, and the SHA-256 of what it holds."""
        flags = (READ if self.reads_through else 0) | WRITE | CREATE | EXCLUSIVE
        try:
            file = await wire.open(hidden, flags)
        except asyncssh.SFTPFailure:  # an earlier attempt got so far
            await wire.remove(hidden)
            file = await wire.open(hidden, flags)
        try:
            if not self.reads_through:
                answers = await self._and_then_read(wire, file, hidden, data, carried.modified_us, progress)
            elif self._is_small(wire, data):
                answers = await self._in_one_breath(file, data, carried.modified_us, progress)
            else:
                answers = await self._in_blocks(wire, file, hidden, data, carried.modified_us, progress)
        except BaseException:
            # On the same connection, so that it comes after whatever is still on its way.
            await lastly(_dropped(wire, file, hidden))
            raise
        return answers

    def _is_small(self, wire: Wire, data: bytes) -> bool:
        return len(data) <= min(wire.write_bytes, wire.read_bytes)

    async def _in_one_breath(
        self, file: File, data: bytes, modified_us: int | None, progress: Progress
    ) -> tuple[Attributes, str | None]:
        """All requests on their way at once: a server works on those of one file in order."""
        requests = [file.write(0, data)] if data else []
        reads = [file.read(0, len(data))] if data and self.reads_back else []
        sets = set_time(file, modified_us)
        answers = await all_at_once(*requests, *reads, *sets, *file.sync(), file.stat(), file.close())
        progress.sent(len(data))
        if reads and len(answers[len(requests)]) != len(data):
            raise Mismatch(f"of {len(data)} bytes that were written {len(answers[len(requests)])} read back")
        back = answers[len(requests)] if reads else b""
        return answers[-2], await sha256_of(back) if self.reads_back else None

    async def _in_blocks(
        self, wire: Wire, file: File, hidden: bytes, data: bytes, modified_us: int | None, progress: Progress
    ) -> tuple[Attributes, str | None]:
        await write_blocks(wire, file, 0, memoryview(data), progress)
        known = await self.known(wire, file, hidden, 0, memoryview(data), progress) if self.reads_back else None
        sets = set_time(file, modified_us)
        answers = await all_at_once(*sets, *file.sync(), file.stat(), file.close())
        return answers[-2], known

    async def _and_then_read(
        self, wire: Wire, file: File, hidden: bytes, data: bytes, modified_us: int | None, progress: Progress
    ) -> tuple[Attributes, str | None]:
        """Written in order and closed; then its time, and it is read on a handle of its own."""
        for start in range(0, len(data), wire.write_bytes):
            piece = data[start : start + wire.write_bytes]
            await file.write(start, piece)
            progress.sent(len(piece))
        await all_at_once(*file.sync(), file.close())
        if modified_us is not None:
            await wire.set_times(hidden, seconds_of(modified_us))
        known = (
            await sha256_of(await self.read_again(wire, hidden, 0, len(data), progress)) if self.reads_back else None
        )
        return await wire.lstat(hidden), known

    async def read_again(self, wire: Wire, hidden: bytes, start: int, end: int, progress: Progress) -> bytes:
        """Those bytes, on a handle of their own."""
        file = await wire.open(hidden, READ)
        try:
            return await read_all(wire, file, start, end, progress)
        finally:
            await close_quietly(file)

    async def known(
        self, wire: Wire, file: File, path: bytes, offset: int, body: memoryview, progress: Progress
    ) -> str:
        """The SHA-256 of what the server holds of this body: by the server's word, else by reading it again."""
        if self.checksums is not None and len(body) >= LEAST_BYTES:
            mine = await sha256_of(body)
            progress.waiting()
            held = await holds(self.checksums, wire, file, path, offset, body, mine)
            if held:
                return mine
            if held is None:
                self.checksums = None  # it was tried before, and works no more: not to be waited for again
            progress.waiting()
        if not self.reads_through:
            return await sha256_of(await self.read_again(wire, path, offset, offset + len(body), progress))
        return await sha256_of(await read_all(wire, file, offset, offset + len(body), progress))

    async def expect(self, path: str, condition: Precondition) -> None:
        """Raise Conflict where the precondition does not hold as yet. "Absent" is the server's to refuse, later."""
        if condition.revision is None:
            return
        there = await self._listing.look(path)
        if there is None or there.kind is not Kind.FILE or there.revision != condition.revision:
            raise Conflict(f"{path!r} is not the revision that was expected")

    async def publish(self, hidden: bytes, target: bytes, path: str, condition: Precondition) -> None:
        """Give the hidden file its name. Raises Conflict, OutcomeUnknown.

        Its name is of this attempt alone, so a renaming whose answer was lost can be asked for again: when the
        hidden file is gone, it took effect.
        """
        asked = False

        async def rename(wire: Wire, _: Progress) -> None:
            nonlocal asked
            again, asked = asked, True
            try:
                await (wire.rename_new(hidden, target) if condition.absent else _replace(wire, hidden, target))
            except asyncssh.SFTPNoSuchFile:
                if not again:
                    raise

        await self.expect(path, condition)
        try:
            await self._links.call("rename", path, rename)
        except (Unexplained, Conflict) as error:
            there = await self._listing.look(path)
            if there is None:
                raise
            what = "a folder" if there.kind is Kind.FOLDER else "there already"
            raise Conflict(f"{path!r} is {what} at the destination") from error
        except (Transient, Unreachable) as error:
            if asked:
                raise OutcomeUnknown(error.message) from error
            raise

    async def _removed(self, hidden: bytes, *, attempts: int) -> None:
        """Remove what is left of an attempt that failed; where the server cannot be asked, it stays, hidden."""
        with suppress(HaulageError):
            await self._links.call("remove", "", lambda wire, _: wire.remove(hidden), attempts=attempts)


async def _replace(wire: Wire, hidden: bytes, target: bytes) -> None:
    """Over what is there, in one step; in three where the server does not offer that (Q6)."""
    try:
        return await wire.rename_over(hidden, target)
    except asyncssh.SFTPOpUnsupported:
        pass
    aside = target.rpartition(b"/")[0] + b"/" + hidden_name().encode()
    try:
        await wire.rename_new(target, aside)
    except asyncssh.SFTPNoSuchFile:
        return await wire.rename_new(hidden, target)
    try:
        await wire.rename_new(hidden, target)
    except BaseException:
        await lastly(wire.rename_new(aside, target))
        raise
    await wire.remove(aside)


async def _dropped(wire: Wire, file: File, hidden: bytes) -> None:
    await close_quietly(file)
    with suppress(asyncssh.Error, OSError):
        await wire.remove(hidden)


async def write_blocks(wire: Wire, file: File, offset: int, body: memoryview, progress: Progress) -> None:
    """Write the body at that offset, several requests ahead. Raises the library's errors."""
    size = wire.write_bytes
    starts = iter(range(0, len(body), size))

    async def work() -> None:
        for start in starts:
            piece = body[start : start + size]
            await file.write(offset + start, piece)
            progress.sent(len(piece))

    workers = [asyncio.ensure_future(work()) for _ in range(min(WRITES_AT_ONCE, -(-len(body) // size)))]
    try:
        await asyncio.gather(*workers)
    except BaseException:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        raise


INLINE_BYTES = 64 * 1024


async def sha256_of(data: bytes | memoryview) -> str:
    """In a thread, where there is much of it."""
    if len(data) <= INLINE_BYTES:
        return hashlib.sha256(data).hexdigest()
    return await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())


def prove(path: str, found: str, announced: str | None) -> None:
    """Raise Mismatch where what was read back is not what was announced."""
    if announced is not None and announced.lower() != found:
        raise Mismatch(f"{path!r}: what was written reads back with SHA-256 {found}, announced was {announced}")


def written_of(item: Item, hashes: Mapping[str, str], parts_checked: bool = False) -> Written:
    """The confirmation of a file that was renamed into place."""
    return Written(item.path, item.revision, item.size, hashes, item.modified_us, parts_checked=parts_checked)
