"""One call on the wire: what is asked, what comes back, and the client that carries it."""

import asyncio
import os
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from haulage import __version__
from haulage.model.errors import Mismatch, OutcomeUnknown, Refused, ShortRead, Transient, Unreachable
from haulage.services.authorisation import DIRECT, Route
from haulage.services.transport.guard import GuardedResolver, guard
from haulage.services.transport.limits import Limits
from haulage.services.transport.piped import Piped, PipedPayload

AGENT = f"haulage/{__version__}"
READ_BUFFER_BYTES = 256 * 1024
# What a socket's buffer takes without waiting: a body up to here is sent at once, with its headers.
SMALL_BODY_BYTES = 64 * 1024
SLICE_BYTES = 256 * 1024
_ADDRESS = re.compile(r"\b[a-z]+://\S*")


class CertificateRefused(Unreachable):
    """The server's certificate does not prove that it is the one that was asked for. Trying again is no help."""

    default_fix = "Check the endpoint address; where it has a certificate authority of its own, name it with ca_file."
    retryable = False


class Request(msgspec.Struct):
    """One call. `url` is sent exactly as it is written (already percent-encoded), without any normalising.

    operation: the vendor's name of the call ("GetObject"), for the trace. repeatable: it may be sent again when
    nobody knows whether it took effect (reads, parts); otherwise a lost answer raises OutcomeUnknown.
    largest_answer: bytes that `Transport.call` reads of a body before it refuses the answer. attempts: sends at most,
    where fewer than `Limits.attempts` are wanted. bare: without credentials (an address that is its own permission).
    piped: a body that is handed over while the request is under way, instead of `body`.
    """

    operation: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes | memoryview | None = None
    repeatable: bool = True
    largest_answer: int = 16 * 1024 * 1024
    attempts: int | None = None
    bare: bool = False
    piped: Piped | None = None


class Answer(msgspec.Struct):
    """Status, headers (looked up without regard to case) and the body, whole; empty while it is being streamed."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Trace:
    """Counts calls by operation and the bytes of bodies in both directions."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.received_bytes = 0
        self.sent_bytes = 0

    def sent(self, count: int) -> None:
        """Count bytes of a body that left."""
        self.sent_bytes += count


class Streamed:
    """An answer whose body is read as it comes."""

    def __init__(
        self, answer: Answer, response: aiohttp.ClientResponse, trace: Trace, watchdog: "RateWatchdog"
    ) -> None:
        self.answer = answer
        self._response = response
        self._trace = trace
        self._watchdog = watchdog

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in chunks of at most 1 MiB. Raises Transient on a break, a stall or a trickle."""
        try:
            async for chunk in self._response.content.iter_any():
                self._trace.received_bytes += len(chunk)
                self._watchdog.saw(len(chunk))
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Transient(f"the answer broke off: {describe(error)}") from error


class RateWatchdog:
    """Raises Transient when a body trickles: less than `least_bytes` within each `window_seconds`."""

    def __init__(self, limits: Limits) -> None:
        self._clock = asyncio.get_running_loop().time
        self._least_bytes = limits.least_bytes
        self._window_seconds = limits.window_seconds
        self._since = self._clock()
        self._bytes = 0

    def saw(self, count: int) -> None:
        """Note that `count` bytes came."""
        self._bytes += count
        now = self._clock()
        if now - self._since >= self._window_seconds:
            if self._bytes < self._least_bytes:
                raise Transient(f"only {self._bytes} bytes came in {now - self._since:.0f} s")
            self._since, self._bytes = now, 0


def describe(error: BaseException) -> str:
    """One line for a client error, without its secrets (no URL, no headers)."""
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {error.host}:{error.port} is refused ({error.certificate_error})"[:300]
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy does not let the connection through: it answers {error.status} {error.message}".strip()[:300]
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"cannot connect to the proxy {error.host}:{error.port} ({error.os_error.strerror or error.os_error})"
    if type(error) is aiohttp.ClientResponseError:
        return f"what came is no answer by the rules of HTTP: {error.message.partition(chr(10))[0].rstrip(':')}"[:300]
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {error.host}:{error.port} ({error.os_error.strerror or error.os_error})"
    if isinstance(error, OSError) and error.errno:
        return f"{type(error).__name__} {os.strerror(error.errno)}"
    text = _ADDRESS.sub("(address)", str(error).splitlines()[0]) if str(error) else ""
    return f"{type(error).__name__} {text}".strip()[:300]


class _Slices(aiohttp.payload.Payload):
    """A body in memory, sent a slice at a time: it never holds up the loop, and a far side that stops reading shows."""

    def __init__(self, value: memoryview, trace: Trace, idle_seconds: float) -> None:
        super().__init__(value, content_type="application/octet-stream")
        self._length = self._size = len(value)  # without _size, the client would send it chunked
        self._trace = trace
        self._idle_seconds = idle_seconds

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a body of bytes has no text")

    async def write(self, writer: Any) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        for start in range(0, self._length, SLICE_BYTES):
            piece = self._value[start : start + SLICE_BYTES]
            async with asyncio.timeout(self._idle_seconds):
                await writer.write(piece)
            self._trace.sent_bytes += len(piece)


PEM_FIX = "Give certificates in PEM: text from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."


class Wire:
    """The HTTP client, set up so that it changes nothing: no redirects, cookies, decoding or retries.

    ca_file: certificates of the authorities to trust instead of the system's. Raises Refused if it cannot be read.
    route: a realm's proxy and authority; no other proxy is used, whatever the environment says. agent: what it calls
    itself.
    """

    def __init__(
        self, trace: Trace, ca_file: str | None, limits: Limits, route: Route = DIRECT, agent: str = AGENT
    ) -> None:
        self.trace = trace
        self._agent = agent
        self._limits = limits
        self._proxy = route.proxy
        self._guard = guard() if route.proxy is None else None  # a realm's proxy leads nowhere else
        idle, connect = limits.idle_seconds, limits.connect_seconds
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=idle)
        self._session: aiohttp.ClientSession | None = None
        try:
            self._tls: ssl.SSLContext | bool = True
            if ca_file or route.ca_pem:
                self._tls = ssl.create_default_context(cafile=ca_file, cadata=route.ca_pem)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            told = f"in {ca_file}" if ca_file else "that were given"
            raise Refused(f"the certificate authorities {told} cannot be read ({why})", PEM_FIX) from error

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    ssl=self._tls,
                    keepalive_timeout=20,
                    resolver=None if self._guard is None else GuardedResolver(self._guard),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=self._timeout,
                read_bufsize=READ_BUFFER_BYTES,
                max_field_size=32 * 1024,
                headers={"User-Agent": self._agent, "Accept-Encoding": "identity"},
                skip_auto_headers=("Content-Type",),
            )
            # The client would silently send a PUT again when a kept connection breaks under it. A conditional write
            # that took effect would then be told that something is there: its own. Retries are our layer's alone.
            self._session._retry_connection = False
        return self._session

    async def send(self, request: Request, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Send once and hand over the response, its body unread; `done` must follow.

        Raises Unreachable (nothing was sent), Transient, or OutcomeUnknown where the request is not repeatable.
        """
        if self._guard is not None:
            self._guard.check_url(request.url)
        self.trace.calls[request.operation] += 1
        body: Any = request.body
        if request.piped is not None:
            if request.piped.begun:
                raise OutcomeUnknown(f"{request.operation}: its body was sent once, and is not there a second time")
            body = PipedPayload(request.piped, self.trace.sent, self._limits.idle_seconds)
        elif body is not None and len(body) > SMALL_BODY_BYTES:
            body = _Slices(memoryview(body), self.trace, self._limits.idle_seconds)
        elif body is not None:
            self.trace.sent_bytes += len(body)
            body = bytes(body) if isinstance(body, memoryview) else body
        try:
            return await self._client().request(
                request.method,
                URL(request.url, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=self._proxy,
            )
        except aiohttp.ClientConnectorCertificateError as error:
            raise CertificateRefused(describe(error)) from error
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ClientHttpProxyError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.InvalidURL,
        ) as error:
            raise Unreachable(describe(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            kind = Transient if request.repeatable else OutcomeUnknown
            raise kind(f"{request.operation}: no answer ({describe(error)})") from error

    def done(self, response: aiohttp.ClientResponse) -> None:
        """Let go of a response: its connection serves again if the body was read to its end, else it is closed."""
        if response.content.at_eof():
            response.release()
        else:
            response.close()

    async def read(self, request: Request, response: aiohttp.ClientResponse) -> bytes:
        """The whole body, at most `request.largest_answer` bytes."""
        if request.method == "HEAD":
            return b""
        length = response.content_length
        if length is not None and length > request.largest_answer:
            raise Mismatch(f"{request.operation}: the answer is {length} bytes long, which is refused")
        pieces, total, watchdog = [], 0, RateWatchdog(self._limits)
        try:
            async for piece in response.content.iter_any():
                total += len(piece)
                watchdog.saw(len(piece))
                if total > request.largest_answer:
                    raise Mismatch(f"{request.operation}: the answer is over {request.largest_answer} bytes long")
                pieces.append(piece)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            kind = Transient if request.repeatable else OutcomeUnknown
            raise kind(f"{request.operation}: the answer broke off ({describe(error)})") from error
        if length is not None and total != length:
            raise ShortRead(f"{request.operation}: {total} bytes came of {length}")
        self.trace.received_bytes += total
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
