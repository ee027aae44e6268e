"""One client's connection to the proxy, and the connection to the server that belongs to it."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, Protocol

from testbed import framing
from testbed.framing import PIECE, Head, Piece, answer_head, chunk, is_chunked, of_bytes, read_head, split
from testbed.rules import Answer, End, Rule, Seen

CALM = Rule()
LINGER_SECONDS = 5.0
FRAMING_HEADERS = ("content-length", "transfer-encoding", "connection", "keep-alive")


class Throttle:
    """Lets a number of bytes a second through, whoever asks."""

    def __init__(self, rate: float | None):
        """rate: bytes a second; None: any number."""
        self.rate = rate
        self._free = 0.0

    @property
    def step(self) -> int:
        """How many bytes to ask for at once, at most."""
        return PIECE if self.rate is None else max(1, min(PIECE, int(self.rate / 20)))

    async def take(self, size: int) -> None:
        """Wait until `size` bytes may go."""
        if self.rate is None:
            return
        now = time.monotonic()
        self._free = max(self._free, now) + size / self.rate
        await asyncio.sleep(self._free - now)


async def polled(holds: Callable[[], bool]) -> None:
    """Wait until `holds()`."""
    while not holds():  # noqa: ASYNC110 - what is waited for happens in other threads or the kernel
        await asyncio.sleep(0.002)


class Setting(Protocol):
    """What a connection needs to know of its proxy."""

    upstream: tuple[str, int]
    latency: float
    up: Throttle
    down: Throttle
    gone: bool

    def pick(self, seen: Seen) -> tuple[Rule | None, list[Rule]]:
        """The rule that acts on the request, and those that want to keep its answer."""
        ...

    def ended(self, seen: Seen) -> None:
        """An exchange is over, well or not."""
        ...


class Broken(Exception):
    """The connection is to break now, in this way; `asking` while the request was still coming in."""

    def __init__(self, how: Literal["close", "reset", "stall"], *, asking: bool):
        """how: as in End."""
        self.how = how
        self.asking = asking


def up_to(end: End | None, done: int, payload: bytes) -> tuple[bytes, End | None]:
    """What of the next bytes may still pass after `done` others, and the end if it comes right behind them."""
    if end is None or end.after is None or done + len(payload) < end.after:
        return payload, None
    return payload[: end.after - done], end


async def whole(pieces: AsyncIterator[Piece]) -> bytes:
    """The body, read to its end."""
    return b"".join([piece.payload async for piece in pieces])


def remade(reply: Head, body: bytes, kind: str) -> list[Piece]:
    """The pieces of an answer's new body; the head is changed to what `Rule.framing` says."""
    if kind == "fits":
        reply.put("Transfer-Encoding", None)
        reply.put("Content-Length", str(len(body)))
    elif kind == "close":
        reply.put("Transfer-Encoding", None)
        reply.put("Content-Length", None)
        reply.put("Connection", "close")
    elif kind != "as_is":
        reply.put("Content-Length", None)
        reply.put("Transfer-Encoding", "chunked")
    if not is_chunked(reply):
        return split(body)
    return split(body, chunked=True) + [chunk(b"")] * (kind != "chunked_cut")


def forget(task: "asyncio.Future[Any]") -> None:
    """End a task whose result, even its error, no longer matters."""
    task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())


class Connection:
    """Serves one client until either side has had enough."""

    def __init__(self, proxy: Setting, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        """number: in the order of acceptance."""
        self.proxy = proxy
        self.number = number
        self.reader = reader
        self.writer = writer
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._server_leaves = False
        self._late: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Exchange after exchange; then both connections are closed."""
        how: Literal["close", "reset"] = "close"
        try:
            if self.proxy.latency:
                await asyncio.sleep(self.proxy.latency)
            while (got := await read_head(self.reader)) and not self.proxy.gone:
                if not await self._exchange(*got):
                    break
            how = "reset" if self.proxy.gone else "close"
        except Broken as broken:
            if broken.how == "stall":
                await self._stall(asking=broken.asking)
            how = "reset" if broken.how == "reset" else "close"
        except OSError:
            how = "reset"  # one side broke off: so does the other
        finally:
            await self._hang_up(how)

    async def _stall(self, *, asking: bool) -> None:
        """Say nothing more, until the client leaves. While it still sends, nothing is read, so its send blocks."""
        if asking:
            self.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's transport reads too
            await asyncio.Event().wait()
        if self._late is not None:  # the rest of a request that was answered early: it is read there
            await asyncio.wait({self._late})
        while await self.reader.read(PIECE):
            continue

    async def _hang_up(self, how: Literal["close", "reset"]) -> None:
        if self._late is not None:
            forget(self._late)
        if self._server is not None:
            self._server[1].transport.abort()
        if how == "reset":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await polled(lambda: not self.writer.transport.get_write_buffer_size())
            sock: socket.socket | None = self.writer.get_extra_info("socket")
            if sock is not None and not self.writer.transport.is_closing():
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()

    async def _exchange(self, head: Head, raw: bytes) -> bool:
        """One request and its answer. Returns whether the connection serves another."""
        method, target, _ = head.start.split(" ", 2)
        headers = {name.lower(): value for name, value in head.fields}
        seen = Seen(method, target, headers, time.monotonic(), self.number)
        acting, keeping = self.proxy.pick(seen)
        rule = acting or CALM
        try:
            await self._way_there(seen, rule)
            answer = await self._own_answer(seen, rule)
            if answer is None or rule.applied:
                reply, pieces = await self._ask(seen, rule, head, raw)
            else:
                await self._swallow(seen, rule, head)
                reply, pieces = answer_head(answer.status, {}), of_bytes([])
            if answer is not None:
                await whole(pieces)
                reply = answer_head(answer.status, {**answer.headers, "Content-Length": str(len(answer.body))})
                pieces = of_bytes([] if method == "HEAD" else split(answer.body))
            elif keeping:
                pieces = await self._keep(keeping, reply, pieces)
            await self._way_back(seen, rule)
            going_on = await self._answer(seen, rule, reply, pieces)
            return going_on and not head.last and not await self._answered_early()
        finally:
            seen.seconds = time.monotonic() - seen.time
            self.proxy.ended(seen)

    async def _way_there(self, seen: Seen, rule: Rule) -> None:
        if rule.before:
            await asyncio.to_thread(rule.before, seen)
        if rule.hold:
            await polled(rule.hold.is_set)
        if wait := self.proxy.latency / 2 + rule.delay:
            await asyncio.sleep(wait)
        if rule.request_ends and rule.request_ends.after is None:
            raise Broken(rule.request_ends.how, asking=True)

    async def _way_back(self, seen: Seen, rule: Rule) -> None:
        if rule.after:
            await asyncio.to_thread(rule.after, seen)
        if wait := self.proxy.latency / 2 + rule.answer_delay:
            await asyncio.sleep(wait)

    async def _own_answer(self, seen: Seen, rule: Rule) -> Answer | None:
        if rule.repeat:
            return rule.kept
        if callable(rule.answer):
            return await asyncio.to_thread(rule.answer, seen)
        return rule.answer

    async def _swallow(self, seen: Seen, rule: Rule, head: Head) -> None:
        """Take the request's body; it goes nowhere."""
        if "100-continue" in (head.get("expect") or "").lower():
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await self._send_body(seen, rule, head, None)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """To the server; the same connection as before, if that is still open and the server means to keep it so."""
        held = None if self._server_leaves else self._server
        if held is not None and not held[0].at_eof() and not held[1].is_closing():
            return held
        if self._server is not None:
            self._server[1].close()
        self._server = await asyncio.open_connection(*self.proxy.upstream, limit=framing.LARGEST_HEAD)
        return self._server

    async def _ask(self, seen: Seen, rule: Rule, head: Head, raw: bytes) -> tuple[Head, AsyncIterator[Piece]]:
        """Hand the request on; the server's answer, its body still to come."""
        reader, writer = await self._connect()
        if rule.strip:
            for name in rule.strip:
                head.put(name, None)
            raw = head.render()
        writer.write(raw)
        if not is_chunked(head) and not int(head.get("content-length") or 0):
            reply = await self._reply(reader)
            seen.upstream_status = reply.status
            return reply, framing.answer_body(reader, reply, seen.method)
        asking = asyncio.ensure_future(self._reply(reader))
        sending = asyncio.ensure_future(self._send_body(seen, rule, head, writer))
        try:
            await asyncio.wait({asking, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
            else:
                self._late = sending
            reply = await asking
        except BaseException:
            forget(asking)
            forget(sending)
            raise
        seen.upstream_status = reply.status
        return reply, framing.answer_body(reader, reply, seen.method)

    async def _reply(self, reader: asyncio.StreamReader) -> Head:
        """The server's answer; the ones before it (100 Continue) are passed on."""
        while got := await read_head(reader):
            head, raw = got
            if head.status >= 200:
                self._server_leaves = head.last
                return head
            self.writer.write(raw)
        raise ConnectionResetError("the server closed without an answer")

    async def _answered_early(self) -> bool:
        """After an answer that came before the whole request: let the client finish, so that it reads the answer."""
        if self._late is None or self._late.done():
            return self._late is not None
        await asyncio.wait({self._late}, timeout=LINGER_SECONDS)
        return True

    async def _send_body(self, seen: Seen, rule: Rule, head: Head, writer: asyncio.StreamWriter | None) -> None:
        """Hand the request's body on, as far as the rule lets it and the server takes it."""
        pieces = framing.request_body(self.reader, head)
        if rule.request_body:
            pieces = await self._damaged(rule.request_body, pieces, chunked=is_chunked(head))
        async for piece in pieces:
            payload, end = up_to(rule.request_ends, seen.bytes_in, piece.payload)
            seen.bytes_in += len(payload)
            await self.proxy.up.take(len(payload))
            if writer is not None:
                try:
                    writer.write(piece.before + payload + (b"" if end else piece.after))
                    await writer.drain()
                except ConnectionError:
                    writer = None  # it has answered and hung up: the rest of the body is of no use to it
            if end:
                raise Broken(end.how, asking=True)

    async def _damaged(
        self, damage: Callable[[bytes], bytes], pieces: AsyncIterator[Piece], chunked: bool
    ) -> AsyncIterator[Piece]:
        body = await whole(pieces)
        changed = damage(body)
        if len(changed) != len(body):
            raise RuntimeError("a request's body keeps its length: the head that announces it has gone already")
        return of_bytes(split(changed, chunked=chunked) + [chunk(b"")] * chunked)

    async def _keep(self, keeping: list[Rule], reply: Head, pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
        """Read the whole answer and leave a copy with the rules that will repeat it."""
        body = await whole(pieces)
        headers = {name: value for name, value in reply.fields if name.lower() not in FRAMING_HEADERS}
        for rule in keeping:
            rule.kept = Answer(reply.status, headers, body)
        return of_bytes(remade(reply, body, "as_is"))

    async def _answer(self, seen: Seen, rule: Rule, reply: Head, pieces: AsyncIterator[Piece]) -> bool:
        """Send the answer as the rule wants it. Returns whether the connection can serve another request."""
        bodiless = seen.method == "HEAD" or reply.status in (204, 304)
        if rule.status:
            reply.start = answer_head(rule.status, {}).start
        for name, value in rule.headers.items():
            reply.put(name, value)
        if rule.whole_answer and not bodiless:
            body = await whole(pieces)
            pieces = of_bytes(remade(reply, rule.body(body) if rule.body else body, rule.framing))
        if rule.answer_ends and rule.answer_ends.after is None:
            await whole(pieces)  # so that the server has done all that it was asked
            raise Broken(rule.answer_ends.how, asking=False)
        self.writer.write(reply.render())
        seen.status = reply.status
        await self._send_answer(seen, rule, pieces)
        complete = bodiless or is_chunked(reply) or reply.get("content-length") == str(seen.bytes_out)
        return complete and rule.framing != "chunked_cut" and not reply.last

    async def _send_answer(self, seen: Seen, rule: Rule, pieces: AsyncIterator[Piece]) -> None:
        pace = Throttle(rule.rate)
        step = min(pace.step, self.proxy.down.step)
        async for piece in pieces:
            payload, end = up_to(rule.answer_ends, seen.bytes_out, piece.payload)
            self._write(piece.before)
            for at in range(0, len(payload), step):
                part = payload[at : at + step]
                await pace.take(len(part))
                await self.proxy.down.take(len(part))
                self._write(part)
                await self.writer.drain()
                seen.bytes_out += len(part)
            if end:
                raise Broken(end.how, asking=False)
            self._write(piece.after)
        await self.writer.drain()

    def _write(self, part: bytes | memoryview) -> None:
        """To the client, who may have left while the next bytes were waited for. Raises ConnectionError."""
        if self.writer.transport.is_closing():
            raise ConnectionAbortedError("the client has left")
        self.writer.write(part)
