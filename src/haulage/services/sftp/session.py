"""Version 3 of SFTP on one channel of an SSH connection: requests out, answers in, many on their way at once.

What is asked within one turn of the event loop goes out together, in order.
"""

import asyncio
import struct
from collections.abc import Mapping
from typing import Any

import asyncssh

from haulage.services.sftp import packets
from haulage.services.sftp.packets import Reader

PROTOCOL = 3
MOST_ANSWER_BYTES = 4 * 1024 * 1024
SAFE_BYTES = 32 * 1024  # what every server takes in one request (draft 3)
WINDOW_BYTES = 4 * 1024 * 1024
PACKET_BYTES = 128 * 1024
_HEAD = struct.Struct(">IBI")
_LIMITS = "limits@openssh.com"

Answer = asyncio.Future[Any]


class Session(asyncssh.SSHClientSession[bytes]):
    """A session that is open. Its errors are the library's, so that they have one judge."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._greeted: Answer = self._loop.create_future()
        self._waiting: dict[int, tuple[Answer, int]] = {}
        self._number = 0
        self._came = bytearray()
        self._going: list[bytes | memoryview] = []
        self.extensions: Mapping[str, str] = {}
        self.read_bytes = self.write_bytes = SAFE_BYTES

    async def greet(self) -> None:
        """Agree on the version, and learn what the server offers. Raises SFTPBadMessage, SFTPConnectionLost."""
        self._send(struct.pack(">IBI", 5, packets.INIT, PROTOCOL))
        self.extensions = await self._greeted
        if self.extensions.get(_LIMITS) == "1":
            told = Reader(memoryview(await self.extended(_LIMITS, b"", packets.EXTENDED_REPLY)))
            _, read, write = told.long(), told.long(), told.long()
            self.read_bytes, self.write_bytes = read or SAFE_BYTES, write or SAFE_BYTES

    def extended(self, name: str, body: bytes, answer: int) -> Answer:
        """A request that the protocol itself does not know, by its name."""
        return self.ask(packets.EXTENDED, answer, packets.text(name.encode()) + body)

    @property
    def open(self) -> bool:
        """Whether it can be asked anything."""
        return self._channel is not None

    def ask(self, kind: int, answer: int, body: bytes, data: bytes | memoryview = b"") -> Answer:
        """Send a request. answer: the kind of answer that it must have, if it is no error. data: follows the body.

        Bytes for HANDLE, DATA (none at the end of a file) and EXTENDED_REPLY, Attributes for ATTRS, a list for NAME
        (empty at the end of a folder), nothing for STATUS.
        """
        future: Answer = self._loop.create_future()
        if self._channel is None:
            future.set_exception(asyncssh.SFTPConnectionLost("the session is over"))
            return future
        number = self._number
        self._number = (number + 1) & 0xFFFFFFFF
        self._waiting[number] = future, answer
        self._send(_HEAD.pack(len(body) + len(data) + 5, kind, number) + body)
        if data:
            self._going.append(data)
        return future

    def _send(self, packet: bytes) -> None:
        if not self._going:
            self._loop.call_soon(self._flush)
        self._going.append(packet)

    def _flush(self) -> None:
        going, self._going = self._going, []
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(b"".join(going))

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Called by the library."""
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the library, once; with the system's own error, where the connection was reset."""
        if exc is None or isinstance(exc, OSError):
            exc = asyncssh.SFTPConnectionLost(getattr(exc, "strerror", None) or "the connection was closed")
        self._end(exc)

    def _end(self, error: Exception) -> None:
        self._channel = None
        waiting, self._waiting = self._waiting, {}
        for future in (self._greeted, *(future for future, _ in waiting.values())):
            if not future.done():
                future.set_exception(error)
                future.exception()  # it may be that nobody waits any more

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Called by the library: pieces of answers."""
        if datatype is not None:
            return  # what the server writes for people
        came = self._came
        came += data
        at, end = 0, len(came)
        with memoryview(came) as view:
            while end - at >= 4:
                size = int.from_bytes(view[at : at + 4])
                if not 5 <= size <= MOST_ANSWER_BYTES:
                    return self._broken(f"an answer of {size} bytes")
                if end - at - 4 < size:
                    break
                try:
                    with view[at + 4 : at + 4 + size] as answer:
                        self._answered(answer)
                except (asyncssh.SFTPBadMessage, UnicodeDecodeError) as error:
                    return self._broken(str(error))
                at += 4 + size
        del came[:at]
        return None

    def _broken(self, why: str) -> None:
        """What came is no answer: nothing on this channel means anything any more."""
        channel = self._channel
        self._end(asyncssh.SFTPBadMessage(why))
        if channel is not None:
            channel.abort()

    def _answered(self, answer: memoryview) -> None:
        kind, number = answer[0], int.from_bytes(answer[1:5])
        if kind == packets.VERSION:
            return self._welcomed(number, Reader(answer, 5))
        future, expected = self._waiting.pop(number, (None, 0))
        if future is None:
            raise asyncssh.SFTPBadMessage("an answer to no question")
        if not future.done():
            try:
                _settle(future, kind, expected, Reader(answer, 5))
            except asyncssh.SFTPBadMessage as error:
                future.set_exception(error)
                raise
        elif kind == packets.HANDLE:  # whoever opened it has gone
            self.ask(packets.CLOSE, packets.STATUS, bytes(answer[5:])).cancel()
        return None

    def _welcomed(self, version: int, told: Reader) -> None:
        if version != PROTOCOL or self._greeted.done():
            raise asyncssh.SFTPBadMessage(f"version {version} of the protocol")
        found = {}
        while told.more:
            name, value = told.text(), told.text()
            found[name.decode("ascii", "replace")] = value.decode("utf-8", "replace")
        self._greeted.set_result(found)


def _settle(future: Answer, kind: int, expected: int, told: Reader) -> None:
    if kind == packets.STATUS:
        error = told.status()
        if isinstance(error, asyncssh.SFTPEOFError) and expected in (packets.DATA, packets.NAME):
            future.set_result(b"" if expected == packets.DATA else [])
        elif error is not None:
            future.set_exception(error)
        elif expected == packets.STATUS:
            future.set_result(None)
        else:
            future.set_exception(asyncssh.SFTPBadMessage("success where more was asked for"))
    elif kind != expected:
        future.set_exception(asyncssh.SFTPBadMessage(f"an answer of kind {kind}"))
    elif kind in (packets.HANDLE, packets.DATA):
        future.set_result(told.text())
    elif kind == packets.ATTRS:
        future.set_result(told.attributes())
    elif kind == packets.NAME:
        future.set_result(told.names())
    else:
        future.set_result(told.rest())


async def start(connection: asyncssh.SSHClientConnection) -> Session:
    """Open SFTP on a connection that is logged in. Raises the library's errors."""
    _, session = await connection.create_session(
        Session, subsystem="sftp", encoding=None, window=WINDOW_BYTES, max_pktsize=PACKET_BYTES
    )
    assert isinstance(session, Session)  # noqa: S101 - it makes what it was told to; tells the type checker
    await session.greet()
    return session
