"""A gate before a server: it hands everything on until it is shut; then all get the answer that a deleted key gets."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Gate:
    """url: where it stands. shut: the answer that everybody gets; unset while it is open, or `left` are let through."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream.rstrip("/")
        self.url = ""
        self.shut: web.Response | None = None
        self.left = 0
        self.client: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """One request."""
        self.left -= 1
        if self.shut is not None and self.left < 0:
            return web.Response(status=self.shut.status, headers=self.shut.headers, body=self.shut.body)
        assert self.client is not None
        target = URL(self.upstream + request.raw_path, encoded=True)
        sent = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        body = await request.read()
        async with self.client.request(
            request.method, target, headers=sent, data=body or None, allow_redirects=False
        ) as answer:
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, headers=headers, body=await answer.read())


@asynccontextmanager
async def gate(upstream: str) -> AsyncIterator[Gate]:
    """A gate on a free port of this machine."""
    made = Gate(upstream)
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=("Content-Type",)) as client:
        made.client = client
        try:
            yield made
        finally:
            await runner.cleanup()
