"""A call and its answer, as simulated services see them: close to HTTP, and independent of the server's library."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import aiohttp
import msgspec
from aiohttp import web

from haulage.sandbox.frame.contents import Content, Contents, Draft
from haulage.sandbox.frame.history import Event, Sight

LARGEST_JSON_BYTES = 8 << 20
PART_CHUNK_BYTES = 256 << 10
JSON = "application/json"
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Answer(msgspec.Struct):
    """What is sent back. body: bytes, or the part `window` (start, stop) of a content."""

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes | Content = b""
    window: tuple[int, int] = (0, 0)


class Refusal(Exception):
    """Raised by a handler: the answer to give instead."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None, kind: str = JSON) -> Answer:
    """A JSON document."""
    return Answer(status, {"Content-Type": kind, **(headers or {})}, msgspec.json.encode(document))


def html_answer(page: str, status: int = 200) -> Answer:
    """A page for a browser."""
    return Answer(status, {"Content-Type": "text/html; charset=utf-8"}, page.encode())


def redirect(location: str, status: int = 302, headers: Mapping[str, str] | None = None) -> Answer:
    """Go there instead."""
    return Answer(status, {"Location": location, **(headers or {})})


def ranged(call: "Call", content: Content, sight: Sight, headers: Mapping[str, str] | None = None) -> Answer:
    """The content, or the one range of it that was asked for: 200, 206 or 416 (RFC 9110).

    sight: of whose content it is; what is shown of it is added to the event. Other forms of the Range header are
    ignored. A fault can make the service ignore it too (range_ignored), or lie about it (range_wrong).
    """
    start, stop, answer = _window(call, content, headers)
    sight.content, sight.size, sight.start, sight.stop = content.key, content.size, start, stop
    call.event.sights.append(sight)
    return answer


def _window(call: "Call", content: Content, headers: Mapping[str, str] | None) -> tuple[int, int, Answer]:
    heads = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **(headers or {})}
    found = RANGE.fullmatch(call.headers.get("Range", "").strip())
    if not found or not any(found.groups()) or call.fault("range_ignored") is not None:
        return 0, content.size, Answer(200, heads, content, (0, content.size))
    first, last = found.groups()
    start = int(first) if first else max(0, content.size - int(last))
    stop = min(int(last) + 1, content.size) if first and last else content.size
    if start >= stop:
        return 0, 0, Answer(416, {**heads, "Content-Range": f"bytes */{content.size}"})
    told = start if call.fault("range_wrong") is None else start + 1
    heads["Content-Range"] = f"bytes {told}-{stop - 1}/{content.size}"
    return start, stop, Answer(206, heads, content, (start, stop))


class Call:
    """One request, after it was routed.

    host: the vendor's host it was sent to, "" where it came to the service's own port. path: as sent, still encoded.
    query: decoded; of repeated names the first counts. params: the parts of the path that the route names, decoded.
    origin: "https://host" or "http://127.0.0.1:port", as the client sees this service. caller: whoever was admitted,
    in the service's own terms; None before that.
    """

    __slots__ = (
        "_body",
        "_faults",
        "_request",
        "caller",
        "event",
        "headers",
        "host",
        "method",
        "origin",
        "params",
        "path",
        "query",
    )

    def __init__(self, request: web.BaseRequest, host: str, origin: str, event: Event) -> None:
        self._request = request
        self._body: bytes | None = None
        self._faults: dict[str, dict[str, Any]] = {}
        self.method = request.method
        self.host = host
        self.origin = origin
        self.path, _, query = request.raw_path.partition("?")
        self.query: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True) if query else ():
            self.query.setdefault(name, value)
        self.headers = request.headers
        self.params: dict[str, str] = {}
        self.event = event
        self.caller: Any = None

    def at(self, host: str) -> str:
        """The origin under which the client reaches that host of the same service: for links in answers."""
        return f"https://{host}" if self.host else self.origin

    def inject(self, name: str, details: dict[str, Any]) -> None:
        """Let a handler find the fault of that name."""
        self._faults[name] = details

    def fault(self, name: str) -> dict[str, Any] | None:
        """The details of the fault of that name, if the fault plan put it at this call; it then counts as done."""
        if not self._faults or (details := self._faults.get(name)) is None:
            return None
        self.event.fault = self.event.fault or name
        return details

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ConnectionError when the client breaks off."""
        try:
            async for chunk in self._request.content.iter_any():
                self.event.received += len(chunk)
                yield chunk
        except (aiohttp.ClientError, web.RequestPayloadError, OSError) as error:
            raise ConnectionError("the client broke off") from error

    async def body(self, limit: int = LARGEST_JSON_BYTES) -> bytes:
        """The whole body, read once. Raises Refusal (413) where it is longer than `limit` bytes."""
        if self._body is None:
            pieces, size = [], 0
            async for chunk in self.chunks():
                size += len(chunk)
                if size > limit:
                    raise Refusal(Answer(413, {"Connection": "close"}, b"the body is too long"))
                pieces.append(chunk)
            self._body = b"".join(pieces)
        return self._body

    async def parts(self) -> AsyncIterator[tuple[Mapping[str, str], str, AsyncIterator[bytes]]]:
        """The body's MIME parts as they come: of each its headers, its form field's name, and its bytes.

        Each part's bytes are to be read before the next part. Raises ValueError where the body has no such form, and
        ConnectionError when the client breaks off.
        """
        if not self.headers.get("Content-Type", "").lower().startswith("multipart/"):
            raise ValueError("the body has no parts")
        try:
            async for part in aiohttp.MultipartReader(self._request.headers, self._request.content):
                if not isinstance(part, aiohttp.BodyPartReader):
                    raise ValueError("a part within a part")
                yield part.headers, part.name or "", self._part(part)
        except (aiohttp.ClientError, web.RequestPayloadError, OSError) as error:
            raise ConnectionError("the client broke off") from error

    async def _part(self, part: aiohttp.BodyPartReader) -> AsyncIterator[bytes]:
        while chunk := await part.read_chunk(PART_CHUNK_BYTES):
            self.event.received += len(chunk)
            yield chunk

    async def draft(self, contents: Contents) -> Draft:
        """The body, spooled: for uploads of any size."""
        made = contents.draft()
        async for chunk in self.chunks():
            made.write(chunk)
        return made

    async def json(self, refuse: Callable[[str], Answer]) -> Any:
        """The body as JSON; None if it is empty. Raises Refusal with what `refuse` makes of a reason."""
        body = await self.body()
        try:
            return msgspec.json.decode(body) if body.strip() else None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal(refuse(str(error))) from None

    async def form(self) -> dict[str, str]:
        """The body as an HTML form's fields; of repeated names the first counts."""
        fields: dict[str, str] = {}
        for name, value in parse_qsl((await self.body()).decode("utf-8", "replace"), keep_blank_values=True):
            fields.setdefault(name, value)
        return fields


def segments(path: str) -> list[str]:
    """The decoded parts of a path that begins with a slash."""
    return [unquote(part, errors="replace") for part in path.split("/")[1:]]
