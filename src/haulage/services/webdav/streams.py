"""Large files on a plain server: one stream under a hidden name, which gets its own when it is whole.

HTTP has no way to write into the middle of a file, so what breaks off is begun anew.
"""

import asyncio
from collections.abc import Mapping, Sequence

from haulage.model.errors import HaulageError, Mismatch, OutcomeUnknown, SessionGone, ShortRead, Transient
from haulage.model.item import Carried, Written
from haulage.services.contract import Json, Precondition
from haulage.services.transport import Piped
from haulage.services.webdav.sending import Sending

LOOKS = 8
"""How often what a broken stream left is asked for: a server may make the file after it has lost the connection."""


class Stream:
    """One PUT that is under way."""

    def __init__(self, piped: Piped, sending: "asyncio.Task[None]") -> None:
        self._piped = piped
        self._sending = sending
        self.receipts: dict[int, Json] = {}
        self.offset = 0

    async def push(self, body: memoryview) -> None:
        """Send the next bytes. Raises what the server answered, if it ended the request before its end."""
        pushing = asyncio.ensure_future(self._piped.push(body))
        try:
            await asyncio.wait((pushing, self._sending), return_when=asyncio.FIRST_COMPLETED)
            if not pushing.done():
                await self.ended()
                raise Transient("Put: the server answered before it had the whole file")
            self.offset += len(body)
        finally:
            pushing.cancel()

    async def ended(self) -> None:
        """Wait for the answer. Raises Transient where it was lost: a file that nobody sees yet is sent anew."""
        try:
            await self._sending
        except OutcomeUnknown as error:
            raise Transient(error.message) from error

    async def cancel(self) -> None:
        """Break it off."""
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)


class Streams(Sending):
    """The part of a plain drive that uploads large files. State: {"path", "attempt", "size", "headers"}.

    A receipt: {"number", "size"}. Parts are known only to the process that sends them.
    """

    _streams: dict[str, Stream]

    async def _room_for(self, size: int) -> None:
        """Raise QuotaFull where the server says that there is no room; the whole drive knows how to ask."""
        raise NotImplementedError

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """See `Drive.begin`."""
        await self._folders.need(path.rpartition("/")[0])
        await self._room_for(size)
        piped, headers = Piped(size), self._headers(carried, {})
        sending = asyncio.ensure_future(self._put(self._hidden(path, attempt), piped, headers, "Put"))
        self._streams[attempt] = Stream(piped, sending)
        return {"path": path, "attempt": attempt, "size": size, "headers": headers}

    def _stream(self, state: Json) -> Stream:
        stream = self._streams.get(state["attempt"])
        if stream is None:
            raise SessionGone("the stream that carried the file has ended")
        return stream

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """See `Drive.put_part`. A stream that broke off is over."""
        stream = self._stream(state)
        if offset != stream.offset:
            raise Mismatch(f"a part begins at byte {offset}, and {stream.offset} bytes were sent")
        try:
            await stream.push(body)
        except HaulageError:
            await self.abort(state)
            raise
        stream.receipts[number] = {"number": number, "size": len(body)}
        return dict(stream.receipts[number])

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """See `Drive.parts`."""
        stream = self._streams.get(state["attempt"])
        return None if stream is None else dict(stream.receipts)

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See `Drive.finish`. The hidden file's size is looked at before it gets its name."""
        total = sum(receipt["size"] for receipt in receipts)
        hidden = self._hidden(state["path"], state["attempt"])
        if total != state["size"]:
            raise ShortRead(f"the parts hold {total} bytes of {state['size']}")
        stream = self._streams.get(state["attempt"])
        if stream is not None:
            await stream.ended()
        there = await self._connection.look(hidden)
        if there is None:
            raise SessionGone("the unfinished file is not there any more")
        if there.size != total:
            raise Mismatch(f"the server holds {there.size} bytes of {total}")
        await self._appear(hidden, state["path"], state["headers"], condition)
        self._streams.pop(state["attempt"], None)
        return await self._confirmed(state["path"], digests)

    async def abort(self, state: Json) -> None:
        """See `Drive.abort`."""
        stream = self._streams.pop(state["attempt"], None)
        if stream is not None:
            await stream.cancel()
        for _ in range(1 if stream is None else LOOKS):
            if await self._connection.remove(self._hidden(state["path"], state["attempt"])):
                return
