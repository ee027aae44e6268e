"""The ports of a running sandbox: one a service in plain HTTP, one in TLS, the proxy, and the control port."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from haulage.sandbox.frame.authority import Authority
from haulage.sandbox.frame.control import Control
from haulage.sandbox.frame.gateway import Gateway
from haulage.sandbox.frame.proxy import ConnectProtocol
from haulage.sandbox.frame.simulator import Simulator

LOOPBACK = "127.0.0.1"
BACKLOG = 512
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def _server(handler: Handler) -> web.Server:
    return web.Server(handler, access_log=None, keepalive_timeout=120.0, max_line_size=65_536, max_field_size=65_536)


class Listeners:
    """Opens and closes the ports. base_urls, tls_urls: by the simulator's id; proxy, control: URLs."""

    def __init__(self, gateway: Gateway, control: Control, authority: Authority) -> None:
        self._gateway = gateway
        self._control = control
        self._authority = authority
        self._opened: list[asyncio.Server] = []
        self._servers: list[web.Server] = []
        self.base_urls: dict[str, str] = {}
        self.tls_urls: dict[str, str] = {}
        self.proxy = ""
        self.control = ""

    async def open(self, ports: dict[str, int]) -> None:
        """Listen. ports: by simulator id, "ID-tls", "proxy" or "control"; whatever is not named gets a free one."""
        for one in self._gateway.simulators:
            server = self._serve(self._own(one))
            port = await self._listen(server, ports.get(one.id, 0))
            self.base_urls[one.id] = f"http://{LOOPBACK}:{port}"
            port = await self._listen(server, ports.get(f"{one.id}-tls", 0), tls=True)
            self.tls_urls[one.id] = f"https://localhost:{port}"
        by_host = self._serve(self._gateway.by_host)
        self.proxy = f"http://{LOOPBACK}:{await self._proxy(by_host, ports.get('proxy', 0))}"
        port = await self._listen(self._serve(self._control.serve), ports.get("control", 0))
        self.control = f"http://{LOOPBACK}:{port}/"

    def _own(self, simulator: Simulator) -> Handler:
        async def serve(request: web.BaseRequest) -> web.StreamResponse:
            named = request.host.rsplit(":", 1)[0].lower()
            if simulator.host_key(named) in simulator.hosts:  # TLS was ended before us, under the vendor's own name
                return await self._gateway.answer(request, simulator, named, f"https://{request.host}")
            return await self._gateway.answer(request, simulator, "", f"{request.scheme}://{request.host}")

        return serve

    def _serve(self, handler: Handler) -> web.Server:
        self._servers.append(server := _server(handler))
        return server

    async def _listen(self, server: Callable[[], asyncio.Protocol], port: int, *, tls: bool = False) -> int:
        loop = asyncio.get_running_loop()
        context = self._authority.context("localhost") if tls else None
        opened = await loop.create_server(server, LOOPBACK, port, ssl=context, backlog=BACKLOG)
        self._opened.append(opened)
        return _port(opened.sockets[0])

    async def _proxy(self, server: Callable[[], asyncio.Protocol], port: int) -> int:
        def known(host: str) -> bool:
            return self._gateway.simulator_of(host) is not None

        def connect() -> asyncio.Protocol:
            return ConnectProtocol(self._authority, known, server)

        return await self._listen(connect, port)

    async def close(self) -> None:
        """Take no more connections, and end those that there are."""
        for opened in self._opened:
            opened.close()
        await asyncio.gather(*(server.shutdown(2.0) for server in self._servers))


def _port(opened: socket.socket) -> int:
    return int(opened.getsockname()[1])
