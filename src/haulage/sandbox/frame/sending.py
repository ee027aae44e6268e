"""An answer on its way to the client, damaged where the fault plan says so."""

import asyncio
from collections.abc import Iterable, Iterator

from aiohttp import web

from haulage.sandbox.frame.clock import http_date
from haulage.sandbox.frame.contents import PIECE_BYTES, Content
from haulage.sandbox.frame.faults import Strike
from haulage.sandbox.frame.history import Event
from haulage.sandbox.frame.wire import Answer
from haulage.sandbox.frame.world import World

BODILESS = (204, 304)


class Broken(Exception):
    """The connection is to break now. how: close, reset or stall."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


async def send(
    request: web.BaseRequest, event: Event, answer: Answer, strikes: list[Strike], world: World
) -> web.StreamResponse:
    """Send it; the event gets status and bytes sent. Raises Broken, ConnectionError."""
    event.status = answer.status
    answer.headers.setdefault("Date", http_date(int(world.clock.now())))
    damage = [one for one in strikes if one.name in ("truncate", "extend", "flip", "slow", "break")]
    damage = [one for one in damage if one.name != "break" or one.details.get("at") == "answer"]
    size = len(answer.body) if isinstance(answer.body, bytes) else answer.window[1] - answer.window[0]
    if not damage and (isinstance(answer.body, bytes) or size <= PIECE_BYTES):
        event.sent = 0 if request.method == "HEAD" else size
        return web.Response(status=answer.status, headers=answer.headers, body=b"".join(_pieces(answer, world)) or None)
    body = _Body(_pieces(answer, world), size)
    for strike in damage:
        event.fault = event.fault or strike.fault
        body.damage(strike)
    return await _stream(request, event, answer, body)


def _pieces(answer: Answer, world: World) -> Iterable[bytes]:
    if isinstance(answer.body, Content):
        return world.contents.read(answer.body, *answer.window)
    return [answer.body]


class _Body:
    """The pieces to send, how long the answer says they are, and how the sending ends."""

    def __init__(self, pieces: Iterable[bytes], size: int) -> None:
        self.pieces = pieces
        self.size = size
        self.told: int | None = size
        self.ends: Broken | None = None
        self.bytes_per_second = 0.0

    def damage(self, strike: Strike) -> None:
        """Change what is sent as a fault says."""
        details, name = strike.details, strike.name
        if name == "slow":
            self.bytes_per_second = float(details.get("bytes_per_second", 100))
        elif name == "extend":
            extra = int(details.get("by", 1))
            self.pieces, self.size = _extended(self.pieces, extra), self.size + extra
            self.told = self.size
        elif name == "flip":
            self.pieces = _flipped(self.pieces, int(details.get("at", 0)))
        elif name == "break":
            self.pieces = _limited(self.pieces, int(details.get("after", 0)))
            self.ends = Broken(details.get("how", "reset"))
        else:
            after = min(int(details.get("after", 0)), self.size)
            self.pieces = _limited(self.pieces, after)
            framing = details.get("framing", "length")
            self.told = {"length": self.size, "short": after}.get(framing)
            self.ends = Broken("close") if framing == "length" else None


def _extended(pieces: Iterable[bytes], extra: int) -> Iterator[bytes]:
    yield from pieces
    yield b"\0" * extra


def _limited(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    for piece in pieces:
        if limit <= 0:
            return
        yield piece[:limit]
        limit -= len(piece)


def _flipped(pieces: Iterable[bytes], at: int) -> Iterator[bytes]:
    for piece in pieces:
        if 0 <= at < len(piece):
            piece = piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :]
        at -= len(piece)
        yield piece


async def _stream(request: web.BaseRequest, event: Event, answer: Answer, body: _Body) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    if answer.status not in BODILESS:
        if body.told is None:
            response.enable_chunked_encoding()
        else:
            response.content_length = body.told
    await response.prepare(request)
    if request.method != "HEAD":
        for piece in body.pieces:
            step = max(1, int(body.bytes_per_second / 10)) if body.bytes_per_second else len(piece)
            for at in range(0, len(piece), step or 1):
                await response.write(piece[at : at + step])
                event.sent += len(piece[at : at + step])
                if body.bytes_per_second:
                    await asyncio.sleep(0.1)
    if body.ends is not None:
        await asyncio.sleep(0.05)  # what was written reaches the client before the connection ends
        raise body.ends
    await response.write_eof()
    return response
