"""A listener on this machine for the one redirect that ends a sign-in (RFC 8252, S05)."""

import asyncio
import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from haulage.model.errors import Refused

HEAD_BYTES = 16 * 1024
HEAD_SECONDS = 10.0
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


class Listener:
    """Waits for a browser at `path`, once. Whatever else asks is turned away."""

    def __init__(self, host: str, path: str) -> None:
        self.port = 0
        self._host = host
        self._path = path
        self._target: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._page: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answered = asyncio.Event()

    async def redirected(self) -> str:
        """The address that the browser was sent to."""
        return f"http://{self._host}:{self.port}{await self._target}"

    async def show(self, title: str, text: str) -> None:
        """Answer the browser with a page, in plain words."""
        if not self._page.done():
            self._page.set_result(PAGE.format(title=html.escape(title), text=html.escape(text)))
        if self._target.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), HEAD_SECONDS)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request."""
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            status, body = await self._judge(head.decode("latin-1"))
            answer = (
                f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
                "Content-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\n"
                "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
            )
            writer.write(answer.encode() + body)
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # somebody who asks nothing, or too much, is not answered
        finally:
            writer.close()
            if self._page.done():
                self._answered.set()

    async def _judge(self, head: str) -> tuple[str, bytes]:
        lines = head.split("\r\n")
        method, _, rest = lines[0].partition(" ")
        target = rest.partition(" ")[0]
        host = next((line[5:].strip() for line in lines[1:] if line.lower().startswith("host:")), "")
        if method != "GET" or urlsplit(target).path != self._path or not target.startswith("/"):
            return "404 Not Found", b""
        if host not in (f"{self._host}:{self.port}", f"127.0.0.1:{self.port}", f"[::1]:{self.port}"):
            return "400 Bad Request", b""
        if self._target.done():
            return "410 Gone", b""
        self._target.set_result(target)
        return "200 OK", (await self._page).encode()


@asynccontextmanager
async def listening(host: str, port: int, path: str) -> AsyncIterator[Listener]:
    """A listener while the body runs, on loopback alone. port: 0 for any that is free. Raises Refused."""
    listener = Listener(host, path)
    servers: list[asyncio.Server] = []
    try:
        addresses = ("127.0.0.1", "::1") if host == "localhost" else (host,)
        for address in addresses:
            try:
                server = await asyncio.start_server(listener.handle, address, listener.port or port, limit=HEAD_BYTES)
            except OSError as error:
                if address == "::1" and servers:
                    continue  # a machine without IPv6
                fix = "Free it, set HAULAGE_LOOPBACK_PORT to the one that is registered, or use --paste."
                raise Refused(f"port {port} of this machine cannot be listened on ({error.strerror})", fix) from error
            servers.append(server)
            listener.port = server.sockets[0].getsockname()[1]
        yield listener
    finally:
        for server in servers:
            server.close()
