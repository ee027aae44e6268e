"""A request's body that is handed over piece by piece while the request is under way: a file in one stream."""

import asyncio
from typing import Any

import aiohttp

SLICE_BYTES = 256 * 1024


class Piped:
    """So many bytes, in order, each taken once. The request that carries it cannot be sent a second time.

    begun: whether it was sent, as a whole or in part.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.begun = False
        self._pieces: asyncio.Queue[tuple[memoryview, asyncio.Future[None]]] = asyncio.Queue(1)

    async def push(self, piece: memoryview) -> None:
        """Hand over the next bytes; returns when all of them are written to the socket, and `piece` is free again."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._pieces.put((piece, written))
        await written

    async def next(self) -> tuple[memoryview, "asyncio.Future[None]"]:
        """The next bytes, and what is to be set when they are written."""
        return await self._pieces.get()


class PipedPayload(aiohttp.payload.Payload):
    """Carries a Piped to the client. A far side that stops reading shows after `idle_seconds`."""

    def __init__(self, piped: Piped, sent: Any, idle_seconds: float) -> None:
        super().__init__(piped, content_type="application/octet-stream")
        self._piped = piped
        self._size = piped.size
        self._sent = sent
        self._idle_seconds = idle_seconds

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a body of bytes has no text")

    async def write(self, writer: Any) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        self._piped.begun = True
        left = self._piped.size
        while left > 0:
            piece, written = await self._piped.next()
            for start in range(0, len(piece), SLICE_BYTES):
                async with asyncio.timeout(self._idle_seconds):
                    # A copy: what the socket does not take at once is kept, and the caller uses its buffer again.
                    await writer.write(bytes(piece[start : start + SLICE_BYTES]))
                self._sent(min(SLICE_BYTES, len(piece) - start))
            left -= len(piece)
            if not written.done():
                written.set_result(None)
