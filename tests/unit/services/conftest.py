"""A server that says exactly what a test tells it to, byte for byte, and remembers what it heard."""

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

Step = bytes | float | str
"""Bytes to send, seconds to wait, or "close", "reset"."""


@dataclass
class Heard:
    """One request as it came; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """Answers each request with the next script, the last one again and again.

    read_bodies: whether it reads what is sent; a server that does not holds the client up.
    """

    scripts: deque[Sequence[Step]] = field(default_factory=deque)
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    read_bodies: bool = True
    url: str = ""

    def say(self, *scripts: Sequence[Step]) -> None:
        """What is answered from now on."""
        self.scripts = deque(scripts)

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> list[Step]:
        """An ordinary answer; underscores in names are dashes. Its length is added unless given (None: left out)."""
        fields = {
            "Content-Length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
        return [f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which is its good right
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0))) if self.read_bodies else b""
        self.heard.append(Heard(method, target, headers, body))
        script = self.scripts.popleft() if len(self.scripts) > 1 else self.scripts[0]
        for step in script:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, float):
                await asyncio.sleep(step)
            else:
                if step == "reset":
                    linger = struct.pack("ii", 1, 0)  # without it, closing is only closing
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                return False
        return True


@pytest.fixture
async def scripted() -> AsyncIterator[Callable[..., Awaitable[Scripted]]]:
    """Starts scripted servers on 127.0.0.1; give `tls` for one that speaks TLS."""
    running: list[Any] = []

    async def start(tls: ssl.SSLContext | None = None) -> Scripted:
        server = Scripted()
        server.say(server.answer())
        # A small buffer, so that a server that does not read is felt soon.
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls, limit=64 * 1024)
        running.append(listening)
        port = listening.sockets[0].getsockname()[1]
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        return server

    yield start
    for listening in running:
        listening.close()
