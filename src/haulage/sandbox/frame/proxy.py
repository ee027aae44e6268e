"""A CONNECT proxy that ends TLS itself, under the vendors' own host names, for unmodified clients."""

import asyncio
from collections.abc import Callable
from typing import cast

from haulage.sandbox.frame.authority import Authority

LARGEST_HEAD_BYTES = 16 << 10
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def _refusal(status: str, why: str) -> bytes:
    body = f"{why}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


class ConnectProtocol(asyncio.Protocol):
    """One client's connection: reads CONNECT, then hands the decrypted connection to a server's protocol."""

    def __init__(
        self, authority: Authority, known: Callable[[str], bool], serve: Callable[[], asyncio.Protocol]
    ) -> None:
        """known: whether a host is simulated. serve: makes the protocol that serves a connection's requests."""
        self._authority = authority
        self._known = known
        self._serve = serve
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._upgrade: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here."""
        self._transport = cast(asyncio.Transport, transport)  # a TCP server makes no other kind

    def data_received(self, data: bytes) -> None:
        """More of the head."""
        self._head += data
        if b"\r\n\r\n" not in self._head and len(self._head) < LARGEST_HEAD_BYTES:
            return
        words = self._head.split(b"\r\n", 1)[0].decode("latin-1").split()
        if len(words) != 3 or words[0] != "CONNECT":
            self._refuse("405 Method Not Allowed", "this proxy takes CONNECT only")
        elif not self._known(host := words[1].rsplit(":", 1)[0].lower()):
            self._refuse("502 Bad Gateway", f"{host} is not simulated by this sandbox, and nothing else is reached")
        elif self._upgrade is None:
            self._upgrade = asyncio.ensure_future(self._end_tls(host))

    def _refuse(self, status: str, why: str) -> None:
        if self._transport is not None:
            self._transport.write(_refusal(status, why))
            self._transport.close()

    async def _end_tls(self, host: str) -> None:
        transport = self._transport
        if transport is None:
            return
        transport.write(ESTABLISHED)
        protocol = self._serve()
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport, protocol, self._authority.context(host), server_side=True, ssl_handshake_timeout=30
            )
        except (OSError, asyncio.CancelledError):  # a client that does not trust the authority, or left
            transport.abort()
            return
        if secured is not None:
            protocol.connection_made(secured)
