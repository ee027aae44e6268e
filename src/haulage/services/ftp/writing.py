"""Writing a file so that nobody ever sees half of it: under a hidden name, proven, then renamed."""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress

from haulage.model.errors import Conflict, Gone, HaulageError, Mismatch, OutcomeUnknown, Transient, Unreachable
from haulage.model.item import Carried, Item, Kind, Written
from haulage.services.contract import Precondition
from haulage.services.ftp.lists import digits_of
from haulage.services.ftp.reading import read_all
from haulage.services.ftp.replies import PASSING, LinkLost, Negative
from haulage.services.ftp.tree import Tree
from haulage.services.ftp.wire import Wire
from haulage.services.leftovers import Leftovers
from haulage.services.links import Links, Progress

SLICE_BYTES = 256 * 1024
INLINE_BYTES = 64 * 1024


class Writing:
    """Writes files of one tree. reads_back: every byte is read again and compared, else the size alone (Q10)."""

    def __init__(self, links: Links[Wire], tree: Tree, leftovers: Leftovers, reads_back: bool) -> None:
        self._links = links
        self._leftovers = leftovers
        self._tree = tree
        self.reads_back = reads_back

    async def whole(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See Drive.put."""
        above = path.rpartition("/")[0]
        self.beside(path, "")
        await self.expect(path, condition)
        await (self._tree.folder if condition.revision is not None else self._tree.make)(above)
        hidden = self.beside(path, self._leftovers.name())
        view = memoryview(body).cast("B")

        async def send(wire: Wire, progress: Progress) -> None:
            await self.store(wire, hidden, view, 0, progress)

        async def prove(wire: Wire, progress: Progress) -> str | None:
            return await self.proven(wire, hidden, view, digests.get("sha256"), progress)

        try:
            await self._links.call("write", path, send)
            known = await self._links.call("prove", path, prove)
            item = await self.publish(hidden, path, carried.modified_us, condition)
        except BaseException:
            await asyncio.shield(self.removed(hidden))
            raise
        if item.size != len(view):
            raise Mismatch(f"{path!r}: the server holds {item.size} bytes of {len(view)}")
        return written_of(item, {} if known is None else {"sha256": known})

    def beside(self, path: str, name: str) -> str:
        """The path of a hidden file beside the target; hidden names are not accepted from outside."""
        above, slash, _ = path.rpartition("/")
        return above + slash + name

    def where(self, wire: Wire, hidden: str) -> str:
        """A hidden file's path on the server."""
        above, _, name = hidden.rpartition("/")
        return f"{self._tree.at(wire, above).rstrip('/')}/{name}"

    async def store(self, wire: Wire, hidden: str, body: memoryview, offset: int, progress: Progress) -> None:
        """STOR, from the offset on. What the server holds afterwards is for `size_of` to ask: replies may be lost."""
        async with wire.transfer("STOR", self.where(wire, hidden), offset) as data:
            for start in range(0, len(body), SLICE_BYTES):
                piece = body[start : start + SLICE_BYTES]
                await data.write(bytes(piece))
                progress.sent(len(piece))
            await data.close()
            try:
                await wire.ended("STOR")
            except LinkLost:
                wire.give_up()  # idle control connections are cut in long transfers (Q11): the size will tell

    async def size_of(self, wire: Wire, hidden: str) -> int | None:
        """SIZE of a hidden file, or what LIST tells of it; None where it is not there."""
        await wire.binary()
        try:
            told = (await wire.ask("SIZE", self.where(wire, hidden))).text.strip()
        except Negative as error:
            if error.reply.code in PASSING:
                raise
            if error.unknown:
                return await self._tree.size_listed(wire, hidden)
            return None
        if not told.isdigit():
            raise LinkLost("SIZE told no number")
        return int(told)

    async def proven(
        self, wire: Wire, hidden: str, body: memoryview, announced: str | None, progress: Progress, offset: int = 0
    ) -> str | None:
        """Its size, and the SHA-256 of what reads back from the offset on. Raises Mismatch, Transient."""
        size = await self.size_of(wire, hidden)
        if size != offset + len(body):
            raise Transient(f"the server holds {size} bytes where {offset + len(body)} were sent")
        if not self.reads_back:
            return None
        back = await read_all(wire, self.where(wire, hidden), offset, len(body), progress) if len(body) else b""
        known = await sha256_of(back)
        if announced is not None and announced.lower() != known:
            raise Mismatch(f"what was written reads back with SHA-256 {known}, announced was {announced}")
        if announced is None and back != body:
            raise Mismatch("what was written reads back as something else")
        return known

    async def expect(self, path: str, condition: Precondition) -> None:
        """Raise Conflict where the precondition does not hold as yet; no server refuses for us (Q12)."""
        if condition.revision is None and not condition.absent:
            return
        there = await self._tree.look(path)
        if condition.absent and there is not None:
            what = "a folder" if there.kind is Kind.FOLDER else "there already"
            raise Conflict(f"{path!r} is {what} at the destination")
        if condition.revision is not None and (there is None or there.revision != condition.revision):
            raise Conflict(f"{path!r} is not the revision that was expected")

    async def publish(self, hidden: str, path: str, modified_us: int | None, condition: Precondition) -> Item:
        """Set the time and give the hidden file its name; what is there then. Raises Conflict, OutcomeUnknown.

        Its name is of this attempt alone: when it is gone at the second asking, the first took effect.
        """
        asked = False

        async def rename(wire: Wire, _: Progress) -> None:
            nonlocal asked
            where = self.where(wire, hidden)
            if modified_us is not None and not asked:
                await set_time(wire, where, modified_us)
            again, asked = asked, True
            try:
                await wire.ask("RNFR", where)
            except Negative as error:
                if again and error.reply.code not in PASSING:
                    return
                raise
            await wire.ask("RNTO", self._tree.at(wire, path))

        await self.expect(path, condition)
        try:
            await self._links.call("rename", path, rename)
        except (Transient, Unreachable) as error:
            if asked:
                raise OutcomeUnknown(error.message) from error
            raise
        except HaulageError as error:
            there = await self._tree.look(path)
            if there is None or isinstance(error, Conflict):
                raise
            raise Conflict(f"{path!r} is there already, and the server does not replace it") from error
        there = await self._tree.look(path)
        if there is None or there.kind is not Kind.FILE:
            raise Gone(f"{path!r} was taken away by somebody else at the moment it was written")
        return there

    async def removed(self, hidden: str) -> None:
        """Remove what is left of an attempt that failed; where the server cannot be asked, it stays, hidden."""
        with suppress(HaulageError):
            await self._links.call("remove", "", lambda wire, _: wire.ask("DELE", self.where(wire, hidden)), attempts=2)


async def set_time(wire: Wire, where: str, modified_us: int) -> None:
    """MFMT, or the older way of vsftpd; where the server knows neither, the file keeps its own time (Q13)."""
    try:
        digits = digits_of(modified_us)
    except ValueError:
        return
    verb = "MFMT" if "MFMT" in wire.features else "MDTM"
    try:
        await wire.ask(verb, f"{digits} {where}")
    except Negative as error:
        # To a server that only tells times by MDTM it is the name of a file that is not there: 550, or 450 (rclone).
        if error.reply.code in PASSING and (verb, error.reply.code) != ("MDTM", 450):
            raise


async def sha256_of(data: bytes) -> str:
    """In a thread, where there is much of it."""
    if len(data) <= INLINE_BYTES:
        return hashlib.sha256(data).hexdigest()
    return await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())


def written_of(item: Item, hashes: Mapping[str, str], parts_checked: bool = False) -> Written:
    """The confirmation of a file that was renamed into place."""
    return Written(item.path, item.revision, item.size, hashes, item.modified_us, parts_checked=parts_checked)
