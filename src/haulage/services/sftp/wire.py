"""One SSH connection with one SFTP channel: the protocol's requests, counted, and nothing else."""

import asyncio
import struct
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import asyncssh

from haulage.services.sftp import packets
from haulage.services.sftp.packets import Attributes, text
from haulage.services.sftp.session import Session, start
from haulage.services.transport import dial

READ, WRITE, CREATE, EXCLUSIVE = 0x01, 0x02, 0x08, 0x20
KEEPALIVE_SECONDS = 15
MSG_IGNORE = 2
FLUSH_BYTES = 256 * 1024
MOST_BLOCK_BYTES = 255 * 1024  # what OpenSSH takes in one request; a server may offer more
FOLDER_READS_AT_ONCE = 3
MOST_PRINTED_BYTES = 4096
POSIX_RENAME, FSYNC = "posix-rename@openssh.com", "fsync@openssh.com"
_OFFSET_AND_SIZE = struct.Struct(">QI")
# AES with a check of its own costs a tenth of ChaCha20 here (measured); all of OpenSSH's strong ones follow.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)


class Wire:
    """A logged-in SFTP session. Paths are bytes (Q1); errors are the library's own.

    A request goes out when its method is called; what the method returns is its answer, to be awaited.
    """

    def __init__(self, connection: asyncssh.SSHClientConnection, session: Session, calls: Counter[str]) -> None:
        self._connection = connection
        self._session = session
        self._calls = calls
        self._running = asyncio.Lock()
        self.read_bytes = min(session.read_bytes, MOST_BLOCK_BYTES)
        self.write_bytes = min(session.write_bytes, MOST_BLOCK_BYTES)

    @property
    def usable(self) -> bool:
        """Whether the connection stands."""
        return not self._connection.is_closed() and self._session.open

    async def close(self) -> None:
        """End the connection without waiting for the server's leave."""
        self._connection.abort()
        await self._connection.wait_closed()

    @property
    def extensions(self) -> Mapping[str, str]:
        """What the server offers beyond the protocol, by name."""
        return self._session.extensions

    async def run(self, command: str, seconds: float) -> bytes:
        """What a command of the server's shell prints, one at a time. Raises ChannelOpenError, TimeoutError, ..."""
        async with self._running:
            self._calls["exec"] += 1
            return await printed(self._connection, command, seconds)

    async def open(self, path: bytes, flags: int) -> "File":
        """OPEN. Raises SFTPNoSuchFile, SFTPFailure, ..."""
        self._calls["OPEN"] += 1
        body = text(path) + flags.to_bytes(4) + packets.NO_ATTRIBUTES
        return File(await self._session.ask(packets.OPEN, packets.HANDLE, body), self._session, self._calls)

    def lstat(self, path: bytes) -> Awaitable[Attributes]:
        """LSTAT: of a symlink itself."""
        self._calls["LSTAT"] += 1
        return self._session.ask(packets.LSTAT, packets.ATTRS, text(path))

    def stat(self, path: bytes) -> Awaitable[Attributes]:
        """STAT: of what a symlink leads to."""
        self._calls["STAT"] += 1
        return self._session.ask(packets.STAT, packets.ATTRS, text(path))

    def set_times(self, path: bytes, seconds: int) -> Awaitable[None]:
        """SETSTAT with both times, which go together in version 3."""
        self._calls["SETSTAT"] += 1
        return self._session.ask(packets.SETSTAT, packets.STATUS, text(path) + packets.timed(seconds, seconds))

    async def entries(self, path: bytes) -> AsyncIterator[tuple[bytes, Attributes]]:
        """OPENDIR and READDIR: names with what LSTAT would say of them, in no order, "." and ".." left out."""
        self._calls["OPENDIR"] += 1
        handle = text(await self._session.ask(packets.OPENDIR, packets.HANDLE, text(path)))
        try:
            ahead: deque[Awaitable[list[tuple[bytes, Attributes]]]] = deque()
            while True:
                while len(ahead) < FOLDER_READS_AT_ONCE:
                    ahead.append(self._session.ask(packets.READDIR, packets.NAME, handle))
                if not (names := await ahead.popleft()):
                    return
                for name, attributes in names:
                    if name not in (b".", b".."):
                        yield name, attributes
        finally:
            self._session.ask(packets.CLOSE, packets.STATUS, handle).cancel()  # sent; nobody waits for the answer

    async def readlink(self, path: bytes) -> bytes:
        """READLINK."""
        self._calls["READLINK"] += 1
        names = await self._session.ask(packets.READLINK, packets.NAME, text(path))
        if len(names) != 1:
            raise asyncssh.SFTPBadMessage("a symlink leads to one name")
        return bytes(names[0][0])

    def make_folder(self, path: bytes) -> Awaitable[None]:
        """MKDIR. Raises SFTPFailure where something is there."""
        self._calls["MKDIR"] += 1
        return self._session.ask(packets.MKDIR, packets.STATUS, text(path) + packets.NO_ATTRIBUTES)

    def remove_folder(self, path: bytes) -> Awaitable[None]:
        """RMDIR."""
        self._calls["RMDIR"] += 1
        return self._session.ask(packets.RMDIR, packets.STATUS, text(path))

    def remove(self, path: bytes) -> Awaitable[None]:
        """REMOVE."""
        self._calls["REMOVE"] += 1
        return self._session.ask(packets.REMOVE, packets.STATUS, text(path))

    def rename_new(self, old: bytes, new: bytes) -> Awaitable[None]:
        """RENAME, which in version 3 never replaces. Raises SFTPFailure where something is there."""
        self._calls["RENAME"] += 1
        return self._session.ask(packets.RENAME, packets.STATUS, text(old) + text(new))

    async def rename_over(self, old: bytes, new: bytes) -> None:
        """posix-rename@openssh.com, which replaces in one step. Raises SFTPOpUnsupported where it is not offered."""
        if POSIX_RENAME not in self._session.extensions:
            raise asyncssh.SFTPOpUnsupported("not offered")
        self._calls["posix-rename"] += 1
        await self._session.extended(POSIX_RENAME, text(old) + text(new), packets.STATUS)


class File:
    """An open file of the server. Every request has its own offset, so many may be on their way at once."""

    def __init__(self, handle: bytes, session: Session, calls: Counter[str]) -> None:
        self._handle = text(handle)
        self._session = session
        self._calls = calls

    def read(self, offset: int, size: int) -> Awaitable[bytes]:
        """READ: as many bytes as the server likes to give; none at the end of the file."""
        self._calls["READ"] += 1
        body = self._handle + _OFFSET_AND_SIZE.pack(offset, size)
        return self._session.ask(packets.READ, packets.DATA, body)

    def write(self, offset: int, data: bytes | memoryview) -> Awaitable[None]:
        """WRITE."""
        self._calls["WRITE"] += 1
        head = self._handle + _OFFSET_AND_SIZE.pack(offset, len(data))
        return self._session.ask(packets.WRITE, packets.STATUS, head, data)

    def stat(self) -> Awaitable[Attributes]:
        """FSTAT."""
        self._calls["FSTAT"] += 1
        return self._session.ask(packets.FSTAT, packets.ATTRS, self._handle)

    def set_size(self, size: int) -> Awaitable[None]:
        """FSETSTAT with a size; never with times in the same request."""
        self._calls["FSETSTAT"] += 1
        return self._session.ask(packets.FSETSTAT, packets.STATUS, self._handle + packets.sized(size))

    def set_times(self, seconds: int) -> Awaitable[None]:
        """FSETSTAT with both times, which go together in version 3."""
        self._calls["FSETSTAT"] += 1
        return self._session.ask(packets.FSETSTAT, packets.STATUS, self._handle + packets.timed(seconds, seconds))

    def sync(self) -> list[Awaitable[None]]:
        """fsync@openssh.com, where the server offers it: else it keeps its own counsel about its disk."""
        if FSYNC not in self._session.extensions:
            return []
        self._calls["fsync"] += 1
        return [self._session.extended(FSYNC, self._handle, packets.STATUS)]

    def extended(self, name: str, body: bytes, answer: int) -> Awaitable[Any]:
        """A request about this file that the protocol itself does not know."""
        self._calls[name] += 1
        return self._session.extended(name, self._handle + body, answer)

    def close(self) -> Awaitable[None]:
        """CLOSE. An error of an earlier write may come only now."""
        self._calls["CLOSE"] += 1
        return self._session.ask(packets.CLOSE, packets.STATUS, self._handle)


async def printed(connection: asyncssh.SSHClientConnection, command: str, seconds: float) -> bytes:
    """What a command prints; nothing where it fails or prints much. Raises the library's errors, TimeoutError."""
    async with asyncio.timeout(seconds):
        process = await connection.create_process(
            command, encoding=None, stdin=asyncssh.DEVNULL, stderr=asyncssh.DEVNULL
        )
        try:
            shown = b""
            while len(shown) < MOST_PRINTED_BYTES and (piece := await process.stdout.read(MOST_PRINTED_BYTES)):
                shown += piece
            if len(shown) >= MOST_PRINTED_BYTES:
                return b""
            await process.wait_closed()
        finally:
            process.close()
    return shown if process.exit_status == 0 else b""


class Verifying(asyncssh.SSHClient):
    """Keeps the server's key, and says whether it is the right one."""

    def __init__(self, holds: Callable[[asyncssh.SSHKey], bool]) -> None:
        self._holds = holds
        self.offered: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Asked by the library before anything is sent to the server."""
        self.offered = key
        return self._holds(key)


async def connect(verifying: Verifying, options: dict[str, Any], calls: Counter[str]) -> Wire:
    """Connect, let `verifying` judge the server's key, log in and open SFTP. Raises the library's errors."""
    calls["connect"] += 1
    connection = await asyncssh.connect(
        client_factory=lambda: verifying,
        tunnel=_Coalescing(),
        known_hosts=b"",  # empty: the library asks `verifying` about every key; None would ask nobody
        config=None,
        agent_path=None,
        gss_host=None,
        compression_algs=None,
        encryption_algs=CIPHERS,
        keepalive_interval=KEEPALIVE_SECONDS,
        **options,
    )
    _without_ignored_packets(connection)
    try:
        session = await start(connection)
    except BaseException:
        connection.abort()
        raise
    return Wire(connection, session, calls)


def _without_ignored_packets(connection: Any) -> None:
    """The library sends an empty packet before each, against an attack on CBC; none of our ciphers is CBC.

    They are half of all packets. Should the library change, they are just sent again.
    """
    send = connection.send_packet

    def send_packet(kind: int, *args: bytes, handler: Any = None) -> None:
        if kind != MSG_IGNORE:
            send(kind, *args, handler=handler)

    connection.send_packet = send_packet


class _Coalescing:
    """Opens the TCP connection for the library, so that what it sends in one turn of the loop goes out at once."""

    async def create_connection(self, factory: Callable[[], Any], host: str, port: int) -> tuple[None, Any]:
        loop = asyncio.get_running_loop()
        protocol = factory()
        await dial(host, port, lambda address: loop.create_connection(lambda: _Between(protocol), address, port))
        return None, protocol


class _Between(asyncio.Protocol):
    """Hands everything on; only the transport is another one."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self.data_received = protocol.data_received  # type: ignore[method-assign] # straight through: called most often
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._protocol.connection_made(_Gathering(transport))


class _Gathering:
    """A transport that gathers what is written within one turn of the loop: one call of the system instead of many."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)
        self._bytes += len(data)
        if self._bytes >= FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            data, self._bytes = b"".join(self._waiting), 0
            self._waiting.clear()
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()
