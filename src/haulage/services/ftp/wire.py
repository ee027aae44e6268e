"""The control connection and its data connections: the protocol's verbs, counted, and nothing else."""

import asyncio
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import msgspec

from haulage.model.errors import NameRefused, Refused
from haulage.services.ftp.replies import LinkLost, Negative, Reply
from haulage.services.transport import dial

Encryption = Literal["explicit", "implicit", "none"]
MOST_LINES = 2000
CHUNK_BYTES = 256 * 1024
LINE_BYTES = 64 * 1024
DATA_SECONDS = 20.0
SHUTDOWN_SECONDS = 10.0
REPLY_SECONDS = 30.0
"""After the last byte; a router that forgot the control connection meanwhile lets nothing through, and says nothing."""
WHY_SECONDS = 5.0
KEEPALIVE_SECONDS = 45


class Dialled(msgspec.Struct, frozen=True):
    """How to connect. tls: None for an open connection. encoding: of names on the wire."""

    host: str
    port: int
    user: str
    password: str
    encryption: Encryption
    tls: ssl.SSLContext | None
    encoding: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Dialled({self.user!r}, {self.host!r}, {self.port}, {self.encryption})"


class _Resuming(ssl.SSLContext):
    """The context of a data connection: it resumes the session of the control connection, as servers demand (Q8)."""

    def __new__(cls, context: ssl.SSLContext, session: ssl.SSLSession | None) -> "_Resuming":
        made = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        made.inner, made.resumed = context, session
        return made

    inner: ssl.SSLContext
    resumed: ssl.SSLSession | None

    def __init__(self, context: ssl.SSLContext, session: ssl.SSLSession | None) -> None:
        """Everything is the other context's."""

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        made = self.inner.wrap_bio(*given, **named)
        if self.resumed is not None:
            made.session = self.resumed
        return made


def spelt(argument: str, encoding: str) -> bytes:
    """As it goes over the wire. Raises NameRefused for two lines, and for what the encoding has not (Q1, Q2)."""
    try:
        said = argument.encode(encoding)
    except UnicodeEncodeError:
        raise NameRefused(f"{argument!r} cannot be written in {encoding}") from None
    if re.search(rb"[\r\n\0]", said):
        raise NameRefused(f"{argument!r} holds the end of a line")
    return said


class Data:
    """A data connection that is open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def write(self, piece: bytes | memoryview) -> None:
        """Send it on, as fast as the server takes it."""
        self.writer.write(piece)
        await self.writer.drain()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """What comes, to its end. An end without the goodbye of TLS is a break (Q9)."""
        while chunk := await self._reader.read(CHUNK_BYTES):
            yield chunk

    async def close(self) -> None:
        """Say that all was sent, with TLS's goodbye too. Errors show in the server's reply."""
        self.writer.close()
        with suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await self.writer.wait_closed()


class Wire:
    """A session that is logged in. Paths are absolute; errors are Negative, LinkLost and the system's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, how: Dialled, calls: Counter[str]):
        self._reader = reader
        self._writer = writer
        self._how = how
        self._calls = calls
        self._binary = False
        self._extended = True
        self._broken = False
        self.features: dict[str, str] = {}
        self.home = "/"
        self.lists_hidden: bool | None = None

    @property
    def usable(self) -> bool:
        """Whether it is open and in step, as far as is known without asking."""
        waiting = self._reader._buffer  # type: ignore[attr-defined] # only the server's goodbye comes unasked: 421
        return not (self._broken or self._writer.is_closing() or self._reader.at_eof() or waiting)

    def give_up(self) -> None:
        """A transfer was left half way: what the server will say next is anybody's guess."""
        self._broken = True

    async def close(self) -> None:
        """Hang up."""
        self._broken = True
        self._writer.transport.abort()
        with suppress(OSError, ssl.SSLError):
            await self._writer.wait_closed()

    def read(self, name: bytes) -> str | None:
        """A name as the server spells it; None where it is not in the encoding."""
        try:
            return name.decode(self._how.encoding)
        except UnicodeDecodeError:
            return None

    def can_write(self, name: str) -> bool:
        """Whether the encoding has it."""
        try:
            spelt(name, self._how.encoding)
        except NameRefused:
            return False
        return True

    def line(self, verb: str, argument: str = "") -> bytes:
        """A command's line. Raises NameRefused."""
        said = spelt(argument, self._how.encoding)
        return verb.encode() + (b" " + said if argument else b"") + b"\r\n"

    async def ask(self, verb: str, argument: str = "") -> Reply:
        """Send a command and wait for its reply. Raises Negative, LinkLost."""
        await self.send(verb, argument)
        return await self.hear(verb)

    async def send(self, verb: str, argument: str = "") -> None:
        """Send a command; its reply must be heard."""
        said = self.line(verb, argument)
        self._calls[verb.partition(" ")[0]] += 1
        self._broken = True  # until its reply is here
        try:
            self._writer.write(said)
            await self._writer.drain()
        except OSError as error:
            raise LinkLost(f"the control connection broke at {verb}") from error

    async def hear(self, verb: str) -> Reply:
        """The next reply. Raises Negative, LinkLost."""
        reply = await self._reply()
        self._broken = reply.code == 421 or reply.code < 200
        if reply.code >= 400:
            raise Negative(verb, reply)
        return reply

    async def _reply(self) -> Reply:
        lines: list[bytes] = []
        code = b""
        while len(lines) < MOST_LINES:
            try:
                line = await self._reader.readuntil(b"\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
                raise LinkLost("the control connection ended") from error
            text = line.rstrip(b"\r\n")
            if not code:
                if not re.match(rb"[1-6]\d\d[ -]", text + b" "):
                    raise LinkLost("what came on the control connection is no reply")
                code = text[:3]
                lines.append(text[4:])
                if text[3:4] != b"-":
                    return Reply(int(code), lines)
            elif text[:4] in (code + b" ", code) and text[:3] == code:
                lines.append(text[4:])
                return Reply(int(code), lines)
            else:
                lines.append(text)
        raise LinkLost("a reply without an end")

    async def binary(self) -> None:
        """TYPE I, once: without it sizes, offsets and line ends are another file's (Q4)."""
        if not self._binary:
            await self.ask("TYPE", "I")
            self._binary = True

    @asynccontextmanager
    async def transfer(self, verb: str, argument: str = "", offset: int = 0) -> AsyncIterator[Data]:
        """A data connection for the command, from the offset on. The reply to its end is `ended`'s to hear."""
        await self.binary()
        reader, writer = await self._open_data()
        try:
            if offset:
                await self.ask("REST", str(offset))
            await self.send(verb, argument)
            data = await self._begun(verb, reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
        try:
            yield data
        except OSError:
            data.writer.transport.abort()
            await self._told_why(verb)
            raise
        except BaseException:
            self.give_up()
            data.writer.transport.abort()
            raise

    async def _told_why(self, verb: str) -> None:
        """The server broke a data connection: its reply may say why. Raises Negative."""
        try:
            async with asyncio.timeout(WHY_SECONDS):
                await self.hear(verb)
        except (LinkLost, TimeoutError):
            pass  # the break itself is told
        self.give_up()

    async def _begun(self, verb: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Data:
        """The connection when the server has agreed and TLS is up; servers do the two in either order (Q8)."""
        securing: asyncio.Future[None] | None = None
        if self._how.tls is not None:
            context = _Resuming(self._how.tls, self._session())
            securing = asyncio.ensure_future(writer.start_tls(context, server_hostname=self._how.host))
        try:
            if (reply := await self.hear(verb)).code >= 200:
                raise LinkLost(f"{verb} ended with {reply.code} before it began")
            if securing is not None:
                await securing
        except BaseException:
            if securing is not None:
                securing.cancel()
                await asyncio.gather(securing, return_exceptions=True)
            raise
        return Data(reader, writer)

    def _session(self) -> ssl.SSLSession | None:
        secured = self._writer.get_extra_info("ssl_object")
        return secured.session if secured is not None else None

    async def ended(self, verb: str) -> Reply:
        """Hear that the transfer is complete. Raises Negative, LinkLost."""
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                return await self.hear(verb)
        except TimeoutError:
            raise LinkLost(f"no reply to the end of {verb}") from None

    async def _open_data(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """EPSV, else PASV; always to the host of the control connection, whatever address is told (Q7)."""
        host = self._writer.get_extra_info("peername")[0]
        if self._extended:
            try:
                async with asyncio.timeout(DATA_SECONDS / 2):
                    return await asyncio.open_connection(host, await self._extended_port())
            except Negative as error:
                if error.reply.code < 500:
                    raise
            except OSError:
                pass  # no answer in time, or none at all: a firewall that does not understand it
            self._extended = False
        reply = await self.ask("PASV")
        found = re.search(rb"(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)", b" ".join(reply.lines))
        if not found:
            raise LinkLost("PASV told no address")
        async with asyncio.timeout(DATA_SECONDS):
            return await asyncio.open_connection(host, int(found[5]) * 256 + int(found[6]))

    async def _extended_port(self) -> int:
        reply = await self.ask("EPSV")
        found = re.search(rb"\((.)\1\1(\d+)\1\)", b" ".join(reply.lines))
        if not found:
            raise Negative("EPSV", Reply(522, reply.lines))
        return int(found[2])


async def connect(how: Dialled, calls: Counter[str]) -> Wire:
    """Connect, encrypt, log in, ask what the server can. Raises Negative, LinkLost, Refused, ssl and system errors."""
    calls["connect"] += 1
    implicit = how.tls if how.encryption == "implicit" else None
    name = how.host if implicit is not None else None

    async def open_to(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(address, how.port, ssl=implicit, server_hostname=name, limit=LINE_BYTES)

    reader, writer = await dial(how.host, how.port, open_to, encrypted=how.encryption != "none")
    _keep_alive(writer.get_extra_info("socket"))
    wire = Wire(reader, writer, how, calls)
    try:
        await _until_ready(wire)
        if how.encryption == "explicit":
            await _secure(wire, writer, how)
        await _log_in(wire, how)
    except BaseException:
        writer.transport.abort()
        raise
    return wire


def _keep_alive(link: Any) -> None:
    """Routers forget a control connection that is silent while a large file goes over the other (Q11)."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)


async def _until_ready(wire: Wire) -> None:
    while (await wire.hear("connecting")).code < 200:  # 120: ready in some minutes
        continue


async def _secure(wire: Wire, writer: asyncio.StreamWriter, how: Dialled) -> None:
    try:
        await wire.ask("AUTH", "TLS")
    except Negative as error:
        raise Refused(
            f"the server offers no encryption ({error.reply.code} {error.reply.text!r})",
            "Ask its operator for FTPS. Without it the password and all files can be read on the way.",
        ) from error
    assert how.tls is not None  # noqa: S101 - read_encryption makes one; tells the type checker
    await writer.start_tls(how.tls, server_hostname=how.host)


async def _log_in(wire: Wire, how: Dialled) -> None:
    if how.encryption != "none":
        await wire.ask("PBSZ", "0")
        await wire.ask("PROT", "P")
    reply = await wire.ask("USER", how.user)
    if reply.code == 331:
        await wire.ask("PASS", how.password)
    wire.features = await _features(wire)
    if "UTF8" in wire.features and how.encoding == "utf-8":
        with suppress(Negative):  # 501 and 502: it is always on
            await wire.ask("OPTS", "UTF8 ON")
    listed = wire.features.get("MLST", "").lower()
    if "unique" in listed:
        with suppress(Negative):
            await wire.ask("OPTS", "MLST type;size;modify;unique;")
    reply = await wire.ask("PWD")
    if found := re.search(rb'"((?:[^"]|"")*)"', reply.lines[0]):
        wire.home = found[1].replace(b'""', b'"').decode(how.encoding, "replace")


async def _features(wire: Wire) -> dict[str, str]:
    """FEAT: by the verb in capitals, what follows it."""
    try:
        reply = await wire.ask("FEAT")
    except Negative:
        return {}
    found = {}
    for line in reply.lines[1:-1]:
        verb, _, rest = line.strip().decode("ascii", "replace").partition(" ")
        found[verb.upper()] = rest
    return found
