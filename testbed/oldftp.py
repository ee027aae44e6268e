"""An FTP server in memory as old, odd or broken as a case wants it; it runs in the case's own event loop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

Handler = Callable[["Session", bytes], Awaitable[None]]
PLAIN_VERBS = (
    "USER",
    "PASS",
    "TYPE",
    "PWD",
    "CWD",
    "PASV",
    "LIST",
    "RETR",
    "STOR",
    "REST",
    "MKD",
    "RNFR",
    "RNTO",
    "DELE",
    "RMD",
)


@dataclass
class OldFtp:
    """Files by absolute path in bytes. verbs: what it knows besides those of RFC 959; each is told by FEAT.

    windows: lists as IIS does. shows_hidden: LIST takes -a as an option, "without dots" as one that leaves out "."
    and "..", else as a name; "refused": of something that is not there. ends: verb -> the reply that says it is done.
    closed: folders that nobody may enter. hushed: files that are described, and not handed out. epsv: "port"
    announces a port where nobody listens. drops: verbs whose transfer ends without a reply, the control connection
    with it, so often. breaks: verb -> the reply that comes instead of the rest, after half of the bytes. mangled:
    signs for which it takes "_". refused: those that no folder may have in its name. missing: what MDTM answers about
    nothing.
    """

    verbs: tuple[str, ...] = ()
    windows: bool = False
    shows_hidden: bool | str = True
    ends: dict[str, bytes] = field(default_factory=dict)
    closed: set[bytes] = field(default_factory=set)
    hushed: set[bytes] = field(default_factory=set)
    missing: bytes = b"550 no such file"
    mangled: bytes = b""
    refused: bytes = b""
    links: list["Session"] = field(default_factory=list)
    epsv: str = "ok"
    drops: dict[str, int] = field(default_factory=dict)
    breaks: dict[str, bytes] = field(default_factory=dict)
    files: dict[bytes, bytes] = field(default_factory=dict)
    folders: set[bytes] = field(default_factory=lambda: {b"/"})
    asked: list[bytes] = field(default_factory=list)
    time: datetime = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
    port: int = 0

    @property
    def settings(self) -> dict[str, str]:
        """What a connector to it has."""
        where = {"server": "127.0.0.1", "port": str(self.port), "base_path": "/"}
        return {**where, "user": "u", "password": "p", "encryption": "none", "allow_unencrypted": "yes"}

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(Session(self, reader, writer).run())
        self._tasks.add(task)

    def row(self, path: bytes) -> bytes:
        """How LIST shows it."""
        name = path.rpartition(b"/")[2]
        size = len(self.files.get(path, b""))
        if self.windows:
            what = b"       <DIR>         " if path in self.folders else b"%20d " % size
            return self.time.strftime("%m-%d-%y  %I:%M%p ").encode() + what + name
        mode = b"drwxr-xr-x" if path in self.folders else b"-rw-r--r--"
        return mode + b"   1 owner group %8d " % size + self.time.strftime("%b %d  %Y ").encode() + name


class Session:
    """One control connection."""

    def __init__(self, server: OldFtp, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self._reader = reader
        self._writer = writer
        self._at = b"/"
        self._offset = 0
        self._renamed = b""
        self._data: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] | None = None
        self._listening: asyncio.Server | None = None

    async def run(self) -> None:
        """Answer until the client hangs up."""
        self.server.links.append(self)
        self._say(b"220 ready")
        with contextlib.suppress(ConnectionError):
            while line := await self._reader.readline():
                verb, _, argument = line.rstrip(b"\r\n").partition(b" ")
                self.server.asked.append(verb)
                known = (*PLAIN_VERBS, *self.server.verbs, *(("EPSV",) if self.server.epsv != "none" else ()))
                if verb == b"FEAT" and self.server.verbs:
                    self._say(
                        b"211-Features\r\n " + b"\r\n ".join(one.encode() for one in self.server.verbs) + b"\r\n211 End"
                    )
                elif verb.decode() not in known:
                    self._say(b"500 unknown")
                else:
                    await getattr(self, "_" + verb.decode().lower())(argument)
        self._writer.close()

    def hang_up(self, reply: bytes) -> None:
        """Say goodbye to somebody who was silent for too long."""
        self._say(reply)
        self._writer.close()

    def _say(self, reply: bytes) -> None:
        self._writer.write(reply + b"\r\n")

    def _path(self, argument: bytes) -> bytes:
        for sign in self.server.mangled:
            argument = argument.replace(bytes([sign]), b"_")
        return (argument if argument.startswith(b"/") else self._at.rstrip(b"/") + b"/" + argument).rstrip(b"/") or b"/"

    async def _user(self, _: bytes) -> None:
        self._say(b"331 password")

    async def _pass(self, _: bytes) -> None:
        self._say(b"230 in")

    async def _type(self, _: bytes) -> None:
        self._say(b"200 ok")

    async def _pwd(self, _: bytes) -> None:
        self._say(b'257 "' + self._at + b'"')

    async def _cwd(self, argument: bytes) -> None:
        there = self._path(argument) in self.server.folders - self.server.closed
        self._at = self._path(argument) if there else self._at
        self._say(b"250 ok" if there else b"550 no such folder")

    async def _mkd(self, argument: bytes) -> None:
        if any(bytes([sign]) in argument for sign in self.server.refused):
            return self._say(b"550 invalid directory name")
        self.server.folders.add(self._path(argument))
        self._say(b"257 made")

    async def _size(self, argument: bytes) -> None:
        body = self.server.files.get(self._path(argument))
        self._say(b"550 no such file" if body is None else b"213 %d" % len(body))

    async def _mdtm(self, argument: bytes) -> None:
        there = self._path(argument) in self.server.files
        self._say(b"213 " + self.server.time.strftime("%Y%m%d%H%M%S").encode() if there else self.server.missing)

    async def _rest(self, argument: bytes) -> None:
        self._offset = int(argument)
        self._say(b"350 ok")

    async def _rnfr(self, argument: bytes) -> None:
        self._renamed = self._path(argument)
        there = self._renamed in self.server.files or self._renamed in self.server.folders
        self._say(b"350 ok" if there else b"550 no such file")

    async def _rnto(self, argument: bytes) -> None:
        self.server.files[self._path(argument)] = self.server.files.pop(self._renamed)
        self._say(b"250 ok")

    async def _rmd(self, argument: bytes) -> None:
        there = self._path(argument) in self.server.folders
        self.server.folders.discard(self._path(argument))
        self._say(b"250 ok" if there else b"550 no such folder")

    async def _dele(self, argument: bytes) -> None:
        self._say(b"250 ok" if self.server.files.pop(self._path(argument), None) is not None else b"550 no such file")

    async def _listen(self) -> int:
        found: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
        self._listening = await asyncio.start_server(lambda *pair: found.set_result(pair), "127.0.0.1", 0)
        self._data = found
        return int(self._listening.sockets[0].getsockname()[1])

    async def _epsv(self, _: bytes) -> None:
        port = await self._listen()
        if self.server.epsv == "port" and self._listening is not None:
            self._listening.close()
            await self._listening.wait_closed()
        self._say(b"229 ok (|||%d|)" % port)

    async def _pasv(self, _: bytes) -> None:
        high, low = divmod(await self._listen(), 256)
        self._say(b"227 ok (192,0,2,7,%d,%d)" % (high, low))  # an address of nobody: that behind a NAT

    async def _list(self, argument: bytes) -> None:
        if argument and self.server.shows_hidden == "refused":
            return self._say(b"550 -a: no such file")
        if argument and not self.server.shows_hidden:
            return await self._send("LIST", b"")
        here = self._at.rstrip(b"/") + b"/"
        below = [path for path in (*self.server.folders, *self.server.files) if path.startswith(here) and path != b"/"]
        rows = [self.server.row(path) for path in below if b"/" not in path.removeprefix(here)]
        if argument and self.server.shows_hidden == "without dots":
            pass
        elif argument:
            rows = [self.server.row(self._at).rpartition(b" ")[0] + dots for dots in (b" .", b" ..")] + rows
        else:
            rows = [row for row in rows if b" ." not in row]
        return await self._send("LIST", b"".join(row + b"\r\n" for row in rows))

    async def _retr(self, argument: bytes) -> None:
        body = self.server.files.get(self._path(argument))
        if body is None or self._path(argument) in self.server.hushed:
            return self._say(b"550 cannot open that file")
        offset, self._offset = self._offset, 0
        return await self._send("RETR", body[offset:])

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._data is None or self._listening is None:
            raise RuntimeError("no data connection was asked for")
        self._say(b"150 here it comes")
        pair = await self._data
        self._listening.close()
        return pair

    async def _send(self, verb: str, body: bytes) -> None:
        _, writer = await self._connected()
        writer.write(body[: len(body) // 2] if verb in self.server.breaks else body)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self._end(verb)

    async def _stor(self, argument: bytes) -> None:
        reader, writer = await self._connected()
        path, offset, self._offset = self._path(argument), self._offset, 0
        if "STOR" in self.server.breaks:
            await reader.read(1)
            writer.transport.abort()
        else:
            self.server.files[path] = self.server.files.get(path, b"")[:offset] + await reader.read(-1)
            writer.close()
        self._end("STOR")

    async def _appe(self, argument: bytes) -> None:
        self._offset = len(self.server.files.get(self._path(argument), b""))
        await self._stor(argument)

    def _end(self, verb: str) -> None:
        if self.server.drops.get(verb, 0):
            self.server.drops[verb] -= 1
            self._writer.transport.abort()
        elif verb in self.server.breaks:
            self._say(self.server.breaks.pop(verb))
        else:
            self._say(self.server.ends.get(verb, b"226 done"))
