"""Uploads in parts: one hidden file per attempt that grows part by part, and a hidden journal of what is proven.

The journal has a line for each part (number, offset, length, SHA-256), added when the part was read back. A break
leaves the file longer than the journal says; the next part is then written from its own offset on, over the rest.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial

from haulage.model.errors import Gone, HaulageError, Refused, SessionGone, ShortRead
from haulage.model.item import Carried, Written
from haulage.services.contract import Json, Precondition
from haulage.services.ftp.reading import read_all
from haulage.services.ftp.replies import PASSING, Negative
from haulage.services.ftp.traits import MOST_PARTS
from haulage.services.ftp.tree import Tree
from haulage.services.ftp.wire import Wire
from haulage.services.ftp.writing import Writing, written_of
from haulage.services.links import UNFINISHED, Links, Progress, hidden_name
from haulage.services.links.parts import gone, refuse_gaps
from haulage.services.links.parts import receipt as receipt_of

_LINE = re.compile(rb"(\d+) (\d+) (\d+) ([0-9a-f]{64})")
JOURNAL_BYTES = MOST_PARTS * 120


class Parts:
    """Uploads in parts below one tree."""

    def __init__(self, links: Links[Wire], tree: Tree, writing: Writing) -> None:
        self._links = links
        self._tree = tree
        self._writing = writing

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """Make the hidden file and its journal, both empty."""
        await self._writing.expect(path, condition)
        await self._tree.make(path.rpartition("/")[0])
        state = {"path": path, "unfinished": hidden_name(attempt), "size": size, "modified_us": carried.modified_us}

        async def make(wire: Wire, progress: Progress) -> None:
            for hidden in (self._hidden(state), self._journal(state)):
                await self._writing.store(wire, hidden, memoryview(b""), 0, progress)

        await self._links.call("begin", path, make)
        return state

    async def put(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """Write the next part, read it back, and note it in the journal. Raises Refused for another than the next."""
        path, size = state["path"], state["size"]
        if not 1 <= number <= MOST_PARTS or offset < 0 or offset + len(body) > size:
            raise Refused(f"part {number} ({len(body)} bytes at {offset}) is not within {path!r} of {size} bytes")
        hidden = self._hidden(state)

        async def send(wire: Wire, progress: Progress) -> None:
            there = await self._writing.size_of(wire, hidden)
            if there is None:
                raise gone(state)
            if there < offset:
                raise Refused(f"part {number} of {path!r} is not the next one: {there} bytes are there")
            await self._writing.store(wire, hidden, body, offset, progress)

        async def prove(wire: Wire, progress: Progress) -> str | None:
            return await self._writing.proven(wire, hidden, body, digest, progress, offset)

        await self._links.call("write part", path, send)
        known = await self._links.call("prove part", path, prove)
        receipt = receipt_of(number, offset, len(body), known or digest or "")
        await self._links.call("note part", path, lambda wire, progress: self._note(wire, state, receipt, progress))
        return receipt

    async def _note(self, wire: Wire, state: Json, receipt: Json, progress: Progress) -> None:
        """Add a line. A line twice, after a lost reply, says the same twice."""
        line = "{number} {offset} {size} {sha256}\n".format(**receipt).encode()
        async with wire.transfer("APPE", self._writing.where(wire, self._journal(state))) as data:
            await data.write(line)
            progress.sent(len(line))
            await data.close()
            await wire.ended("APPE")

    async def held(self, state: Json) -> Mapping[int, Json] | None:
        """The parts that the journal has and the file is long enough for; None when the file is gone."""

        async def look(wire: Wire, progress: Progress) -> tuple[int | None, bytes]:
            size = await self._writing.size_of(wire, self._hidden(state))
            journal = self._journal(state)
            if size is None or await self._writing.size_of(wire, journal) is None:
                return None, b""
            return size, await read_all(wire, self._writing.where(wire, journal), 0, JOURNAL_BYTES, progress)

        size, lines = await self._links.call("parts", state["path"], look)
        if size is None:
            return None
        found = {}
        for line in lines.splitlines():
            if told := _LINE.fullmatch(line):
                number, offset, length = (int(told[at]) for at in (1, 2, 3))
                if offset + length <= size:
                    found[number] = receipt_of(number, offset, length, told[4].decode())
        return found

    async def finish(self, state: Json, receipts: Sequence[Json], condition: Precondition) -> Written:
        """Give the file its time and its name; its parts were proven when they were sent."""
        path, size = state["path"], state["size"]
        refuse_gaps(path, size, receipts)
        hidden = self._hidden(state)
        there = await self._links.call("look", path, lambda wire, _: self._writing.size_of(wire, hidden))
        if there is None:
            raise gone(state)
        if there != size:
            raise ShortRead(f"{path!r}: the server holds {there} of {size} bytes")
        try:
            item = await self._writing.publish(hidden, path, state["modified_us"], condition)
        except Gone:
            raise gone(state) from None
        await self._writing.removed(self._journal(state))
        return written_of(item, {}, parts_checked=self._writing.reads_back)

    async def abort(self, state: Json) -> None:
        """Remove the hidden files of this attempt, and nothing else."""
        whole = {**state, "unfinished": state.get("unfinished") or hidden_name(state["attempt"])}
        for hidden in (self._hidden(whole), self._journal(whole)):
            await self._links.call("remove", state["path"], partial(self._drop, hidden))

    async def _drop(self, hidden: str, wire: Wire, _: Progress) -> None:
        try:
            await wire.ask("DELE", self._writing.where(wire, hidden))
        except Negative as error:
            if error.reply.code in PASSING:
                raise
            if await self._writing.size_of(wire, hidden) is not None:
                raise HaulageError(f"what is left of an upload cannot be removed: {error.reply.text}") from error

    def _hidden(self, state: Json) -> str:
        name = state["unfinished"]
        if not UNFINISHED.fullmatch(name):
            raise SessionGone(f"{name!r} is not the name of an unfinished file")
        return self._writing.beside(state["path"], name)

    def _journal(self, state: Json) -> str:
        return self._hidden(state) + "s"
