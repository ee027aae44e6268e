"""A door in front of a plain HTTP server: a CONNECT proxy that ends TLS under any host's name.

With it a client that insists on https://graph.microsoft.com reaches whatever listens on a port here, say a FaultProxy
in front of a sandbox: `with Front(ca_file, ca_key) as front: proxy_url = front.to(port)`.
"""

import asyncio
import contextlib
import datetime
import ssl
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PIECE_BYTES = 1 << 18


class Front:
    """Runs in a thread of its own, so that it serves tests with and without an event loop."""

    def __init__(self, ca_file: str, ca_key: str) -> None:
        """The authority that signs its certificates, as PEM files; clients trust ca_file."""
        self._authority = x509.load_pem_x509_certificate(Path(ca_file).read_bytes())
        self._key = serialization.load_pem_private_key(Path(ca_key).read_bytes(), None)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._doors: dict[int, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="front", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def to(self, port: int) -> str:
        """The URL of a proxy whose every host is the server at that port."""
        if port not in self._doors:
            opened = asyncio.run_coroutine_threadsafe(self._open(port), self._loop)
            self._doors[port] = opened.result(10)
        return f"http://127.0.0.1:{self._doors[port]}"

    async def _open(self, port: int) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(reader, writer, port)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            host = head.split(b" ", 2)[1].decode().rsplit(":", 1)[0]
            try:
                there, there_writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return await _close(writer)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.start_tls(self._context(host))
            await asyncio.gather(_pipe(reader, there_writer), _pipe(there, writer))
        writer.transport.abort()

    def _context(self, host: str) -> ssl.SSLContext:
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.NamedTemporaryFile(suffix=".pem") as leaf:
                leaf.write(self._leaf(host))
                leaf.flush()
                context.load_cert_chain(leaf.name)
            self._contexts[host] = context
        return self._contexts[host]

    def _leaf(self, host: str) -> bytes:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
        assert isinstance(self._key, ec.EllipticCurvePrivateKey)  # noqa: S101 - the sandbox makes no other
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])]))
            .issuer_name(self._authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=7))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, *form) + made.public_bytes(serialization.Encoding.PEM)


async def _close(writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until either side ends; a reset on one side is one on the other."""
    try:
        while data := await reader.read(PIECE_BYTES):
            writer.write(data)
            await writer.drain()
    except (OSError, ssl.SSLError):
        writer.transport.abort()
        raise
    writer.close()
