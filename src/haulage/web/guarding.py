"""What holds for every request, before anything looks at it: its host, its size; and for every answer: its headers."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from haulage.web.settings import Settings

LARGEST_BODY = 256 * 1024
LARGEST_UPLOAD = 16 * 1024 * 1024
"""A table of transfers; its route reads it only from people who are signed in."""
BODY_SECONDS = 30.0
SLOWEST_BYTES = 16 * 1024
"""A body has so long to begin with, and a second more for so many bytes that came: a trickle ends in time (S45)."""
TOO_MUCH = "that is too much at once"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class _Refusal(Exception):
    """Of a body that is coming in. status, told: what is answered."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(told)
        self.status = status
        self.told = told


class _Measured:
    """A request's body, which may be neither too long nor too slow (S45)."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._taken = 0
        self._whole = False
        self._since = asyncio.get_running_loop().time()
        self.refusal: _Refusal | None = None

    async def __call__(self) -> Message:
        """See ASGI. After the body, whoever waits is told that the client went away. Raises _Refusal."""
        try:
            message = await (self._receive() if self._whole else self._in_time())
        except TimeoutError:
            raise self._refuse(408, "the request did not come in time") from None
        self._whole = not message.get("more_body", False)
        self._taken += len(message.get("body", b""))
        if self._taken > self._most:
            raise self._refuse(413, TOO_MUCH)
        return message

    async def _in_time(self) -> Message:
        async with asyncio.timeout_at(self._since + BODY_SECONDS + self._taken / SLOWEST_BYTES):
            return await self._receive()

    def _refuse(self, status: int, told: str) -> _Refusal:
        self.refusal = _Refusal(status, told)
        return self.refusal


Unexpected = Callable[[Request, Exception], Awaitable[Response]]
"""Notes an error that nobody expected, and says so."""


class Guard:
    """The outermost layer of the application: its headers stand on what the others did not expect, too."""

    def __init__(self, app: ASGIApp, settings: Settings, unexpected: Unexpected) -> None:
        self._app = app
        self._settings = settings
        self._unexpected = unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = secrets.token_hex(8)
        most = _most(scope["path"])
        begun, measured = False, _Measured(receive, most)

        async def say(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._dress(message, scope)
            await send(message)

        async def answer(message: Message) -> None:
            if begun or measured.refusal is None:  # else whoever read the body made something of that
                await say(message)

        if (refusal := self._refusal(Headers(scope=scope), most)) is not None:
            return await _plain(say, scope, *refusal)
        try:
            await self._app(scope, measured, answer)
        except _Refusal:
            pass  # it is answered below
        except Exception as error:
            told = await self._unexpected(Request(scope), error)
            if not begun:
                await told(scope, receive, answer)
        if measured.refusal is not None and not begun:
            await _plain(say, scope, measured.refusal.status, measured.refusal.told)

    def _refusal(self, headers: Headers, most: int) -> tuple[int, str] | None:
        """What is answered without looking further."""
        if headers.get("host", "") not in self._settings.hosts:
            return 421, "this server has another name"
        size = headers.get("content-length", "0")
        return None if size.isdigit() and int(size) <= most else (413, TOO_MUCH)

    def _dress(self, message: Message, scope: Scope) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in HEADERS.items():
            headers[name] = value
        headers["X-Request-Id"] = scope["state"]["request_id"]
        if self._settings.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if not scope["path"].startswith("/static/"):
            headers["Cache-Control"] = "no-store"


def _most(path: str) -> int:
    """How many bytes the body of a request to a path may have."""
    return LARGEST_UPLOAD if path.startswith("/migrations/") and path.endswith("/upload") else LARGEST_BODY


async def _plain(send: Send, scope: Scope, status: int, text: str) -> None:
    """In words; for programs as a problem, as every error of the API is."""
    kind, body = b"text/plain; charset=utf-8", text.encode()
    if scope["path"].startswith("/api/"):
        facts = {"type": "about:blank", "title": text, "status": status, "request": scope["state"]["request_id"]}
        kind, body = b"application/problem+json", msgspec.json.encode(facts)
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
