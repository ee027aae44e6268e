"""A proxy that breaks connections after so many bytes, whatever they say; it knows of FTP where data connections go."""

import asyncio
import contextlib
import re
import threading
from types import TracebackType
from typing import Literal, Self

How = Literal["reset", "close", "stall"]
PIECE = 16 * 1024


class Fault(ConnectionError):
    """This connection is the one that breaks."""


class TcpProxy:
    """Before a server on 127.0.0.1, in a thread of its own.

    Of all bytes of a direction ("up" to the server, "down" from it), over all connections, those behind `after` meet
    the fault: their connection is reset, closed or stalls; then the counting begins anew, `times` times (None: always).
    """

    def __init__(self, port: int, *, ftp: bool = False) -> None:
        self.upstream = port
        self.port = 0
        self.broken = 0
        self._ftp = ftp
        self._how: How = "reset"
        self._direction = ""
        self._after = 0
        self._times: int | None = 0
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def breaks(self, how: How, direction: Literal["up", "down"], after: int, times: int | None = 1) -> None:
        """From now on."""
        self._how, self._direction, self._after, self._times, self._count = how, direction, after, times, 0

    def calm(self) -> None:
        """No more faults."""
        self._times = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(self.upstream, self._ftp), self._loop).result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, upstream: int, control: bool) -> int:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._serve(upstream, control, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _serve(
        self, upstream: int, control: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", upstream)
        both = [
            asyncio.ensure_future(self._pump("up", reader, back, False)),
            asyncio.ensure_future(self._pump("down", there, writer, control)),
        ]
        try:
            await asyncio.gather(*both)
        except OSError as error:  # one side is gone, or this is the fault
            if isinstance(error, Fault) and self._how == "reset":
                for end in (writer, back):
                    end.transport.abort()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for end in (writer, back):
                end.close()

    async def _pump(
        self, direction: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, control: bool
    ) -> None:
        while piece := await reader.read(PIECE):
            if control and (told := re.search(rb"\(\|\|\|(\d+)\|\)", piece)):
                port = await self._listen(int(told[1]), False)
                piece = piece.replace(told[0], b"(|||%d|)" % port)
            if direction == self._direction and self._times != 0:
                self._count += len(piece)
                if self._count > self._after:
                    await self._break()
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _break(self) -> None:
        """Raises Fault, or never comes back."""
        self.broken += 1
        self._count = 0
        if self._times is not None:
            self._times -= 1
        if self._how == "stall":
            await asyncio.Event().wait()
        raise Fault
