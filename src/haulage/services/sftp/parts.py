"""Uploads in parts: one hidden file per attempt, beside its target, that says itself which of its parts are proven.

The file holds the content, and after it one slot for each part (offset, length, SHA-256, and a CRC-32 of these). A
slot is written only when its part was read back and is durable, so whatever a break or a power cut leaves, a slot never
speaks of bytes that are not there. Parts may come in any order. `finish` cuts the slots off.
"""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncssh

from haulage.model.errors import Gone, Refused, SessionGone, ShortRead
from haulage.model.item import Carried, Written
from haulage.services.contract import Json, Precondition
from haulage.services.links import UNFINISHED, Links, Progress, hidden_name
from haulage.services.links.parts import gone, refuse_gaps
from haulage.services.links.parts import receipt as receipt_of
from haulage.services.sftp.listing import item_of
from haulage.services.sftp.packets import Attributes
from haulage.services.sftp.reading import all_at_once, close_quietly, read_all
from haulage.services.sftp.traits import MOST_PARTS
from haulage.services.sftp.tree import Tree
from haulage.services.sftp.wire import CREATE, READ, WRITE, File, Wire
from haulage.services.sftp.writing import Writing, prove, set_time, write_blocks, written_of

_FIGURES = struct.Struct(">QQ32s")
SLOT_BYTES = _FIGURES.size + 4


class Parts:
    """Uploads in parts below one tree."""

    def __init__(self, links: Links[Wire], tree: Tree, writing: Writing) -> None:
        self._links = links
        self._tree = tree
        self._writing = writing

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """Make the hidden file of this attempt; it has its size at once."""
        above = path.rpartition("/")[0]
        self._tree.at(path)
        await self._writing.expect(path, condition)
        folder = await self._tree.make(above)
        name = hidden_name(attempt)
        hidden = folder + b"/" + name.encode()

        async def make(wire: Wire, _: Progress) -> None:
            file = await wire.open(hidden, READ | WRITE | CREATE)
            await all_at_once(file.set_size(0), file.set_size(size), file.close())

        await self._links.call("begin", path, make)
        return {"path": path, "unfinished": name, "size": size, "modified_us": carried.modified_us}

    async def put(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """Write one part, read it back and make it durable; then fill its slot."""
        path, size = state["path"], state["size"]
        if not 1 <= number <= MOST_PARTS or offset < 0 or offset + len(body) > size:
            raise Refused(f"part {number} ({len(body)} bytes at {offset}) is not within {path!r} of {size} bytes")
        slot = size + (number - 1) * SLOT_BYTES

        async def send(wire: Wire, progress: Progress) -> str:
            through = self._writing.reads_through
            async with self._file(wire, state, (READ if through else 0) | WRITE) as file:
                if not through or any(await file.read(slot, SLOT_BYTES)):
                    await file.write(slot, bytes(SLOT_BYTES))
                await write_blocks(wire, file, offset, body, progress)
                known = await self._writing.known(wire, file, self._hidden(state), offset, body, progress)
                prove(path, known, digest)
                await all_at_once(*file.sync())
                figures = _FIGURES.pack(offset, len(body), bytes.fromhex(known))
                await file.write(slot, figures + zlib.crc32(figures).to_bytes(4, "big"))
                return known

        known = await self._links.call("write part", path, send)
        return receipt_of(number, offset, len(body), known)

    async def held(self, state: Json) -> Mapping[int, Json] | None:
        """The parts that are there and proven; None when the hidden file is gone."""

        begins: int = state["size"]

        async def look(wire: Wire, progress: Progress) -> bytes:
            async with self._file(wire, state, READ) as file:
                ends = min((await file.stat()).size or 0, begins + MOST_PARTS * SLOT_BYTES)
                return await read_all(wire, file, begins, ends, progress)

        try:
            slots = await self._links.call("parts", state["path"], look)
        except SessionGone:
            return None
        found = {}
        for number, start in enumerate(range(0, len(slots) - SLOT_BYTES + 1, SLOT_BYTES), 1):
            figures, check = slots[start : start + _FIGURES.size], slots[start + _FIGURES.size : start + SLOT_BYTES]
            if zlib.crc32(figures).to_bytes(4, "big") == check and any(figures):
                offset, length, sha256 = _FIGURES.unpack(figures)
                found[number] = receipt_of(number, offset, length, sha256.hex())
        return found

    async def finish(self, state: Json, receipts: Sequence[Json], condition: Precondition) -> Written:
        """Cut the slots off, set the time, make it durable and visible."""
        path, size = state["path"], state["size"]
        refuse_gaps(path, size, receipts)
        await self._writing.expect(path, condition)

        async def make_ready(wire: Wire, _: Progress) -> Attributes:
            async with self._file(wire, state, WRITE) as file:
                cut = file.set_size(size)
                answers = await all_at_once(cut, *set_time(file, state["modified_us"]), *file.sync(), file.stat())
                return answers[-1]  # type: ignore[no-any-return] # the answer to stat()

        attributes = await self._links.call("make ready", path, make_ready)
        if attributes.size != size:
            raise ShortRead(f"{path!r}: the server holds {attributes.size} of {size} bytes")
        try:
            await self._writing.publish(self._hidden(state), self._tree.at(path), path, condition)
        except Gone:
            raise gone(state) from None
        return written_of(item_of(path, attributes), {}, parts_checked=True)

    async def abort(self, state: Json) -> None:
        """Remove the hidden file of this attempt, and nothing else."""
        name = state.get("unfinished") or hidden_name(state["attempt"])
        hidden = self._hidden({**state, "unfinished": name})
        try:
            await self._links.call("remove", state["path"], lambda wire, _: wire.remove(hidden))
        except Gone:
            return

    def _hidden(self, state: Json) -> bytes:
        name: str = state["unfinished"]
        if not UNFINISHED.fullmatch(name):
            raise SessionGone(f"{name!r} is not the name of an unfinished file")
        return self._tree.at(state["path"].rpartition("/")[0]) + b"/" + name.encode()

    @asynccontextmanager
    async def _file(self, wire: Wire, state: Json, flags: int) -> AsyncIterator[File]:
        """The hidden file, open; closed with its errors when all went well. Raises SessionGone."""
        try:
            file = await wire.open(self._hidden(state), flags)
        except asyncssh.SFTPNoSuchFile:
            raise gone(state) from None
        try:
            yield file
        except BaseException:
            await close_quietly(file)
            raise
        await asyncio.shield(file.close())
