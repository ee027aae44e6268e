"""The layers around kept connections: retries, sharing, breaking, deadlines; with a protocol made up for it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from haulage.model.errors import AuthLost, HaulageError, OutcomeUnknown, Throttled, Transient, Unreachable
from haulage.model.item import Carried, Item, Kind
from haulage.services.links import Links
from haulage.services.transport import Limits
from tests.contract.kit import FreePacer

QUICK = Limits(backoff_seconds=0.001, longest_backoff_seconds=0.001, idle_seconds=0.2, connect_seconds=0.2)


class Broken(Exception):
    """The made-up protocol's own error."""


class Line:
    """A connection that counts what is done with it."""

    def __init__(self) -> None:
        self.usable = True
        self.closed = False
        self.busy = 0
        self.most_busy = 0

    async def close(self) -> None:
        self.usable, self.closed = False, True


class Exchange:
    """Hands out lines, or refuses to."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.refusals: list[Exception] = []
        self.room = 100

    async def dial(self) -> Line:
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        if sum(not line.closed for line in self.lines) >= self.room:
            raise Broken
        self.lines.append(Line())
        return self.lines[-1]


def judge(error: Exception, path: str) -> HaulageError | None:
    return Transient(f"broke at {path}") if isinstance(error, Broken) else None


def links_of(exchange: Exchange, most: int = 3, shared: int = 2, pacer: Any = None) -> Links[Line]:
    return Links(exchange.dial, judge, pacer or FreePacer(), most=most, shared=shared, limits=QUICK)


def failing(*errors: Exception) -> Callable[[Line, Any], Any]:
    left = list(errors)

    async def do(line: Line, _: Any) -> Line:
        if left:
            raise left.pop(0)
        return line

    return do


async def work(line: Line, _: Any) -> Line:
    line.busy += 1
    line.most_busy = max(line.most_busy, line.busy)
    await asyncio.sleep(0.01)
    line.busy -= 1
    return line


async def test_a_connection_is_kept() -> None:
    exchange = Exchange()
    links = links_of(exchange)
    first = await links.call("work", "a", work)
    assert await links.call("work", "a", work) is first
    assert len(exchange.lines) == 1
    await links.close()
    assert exchange.lines[0].closed


async def test_more_are_opened_as_they_are_needed_and_shared() -> None:
    exchange = Exchange()
    links = links_of(exchange)
    await asyncio.gather(*(links.call("work", "a", work) for _ in range(20)))
    assert len(exchange.lines) == 3
    assert max(line.most_busy for line in exchange.lines) == 2


async def test_a_break_is_tried_again_on_another_connection() -> None:
    exchange = Exchange()
    links = links_of(exchange)
    line = await links.call("work", "a", failing(Broken(), Broken()))
    assert line is exchange.lines[2]
    await asyncio.sleep(0)
    assert [one.closed for one in exchange.lines] == [True, True, False]


async def test_a_break_of_what_may_not_be_repeated_is_unknown() -> None:
    links = links_of(Exchange())
    with pytest.raises(OutcomeUnknown):
        await links.call("work", "a", failing(Broken()), repeatable=False)


async def test_attempts_end() -> None:
    exchange = Exchange()
    links = links_of(exchange)
    with pytest.raises(Transient, match="broke at a"):
        await links.call("work", "a", failing(*[Broken() for _ in range(20)]))
    assert len(exchange.lines) == QUICK.attempts


async def test_being_throttled_is_no_attempt_and_reaches_the_pacer() -> None:
    pacer = FreePacer()
    links = links_of(Exchange(), pacer=pacer)
    await links.call("work", "a", failing(*[Throttled("slow", 0.0) for _ in range(20)]))
    assert pacer.throttles == 20


async def test_what_is_final_is_not_tried_again() -> None:
    exchange = Exchange()
    exchange.refusals = [AuthLost("no")]
    with pytest.raises(AuthLost):
        await links_of(exchange).call("work", "a", work)
    assert exchange.lines == []


async def test_an_error_of_ours_is_not_hidden() -> None:
    links = links_of(Exchange())
    with pytest.raises(KeyError):
        await links.call("work", "a", failing(KeyError("bug")))


async def test_a_refused_connection_lowers_the_number() -> None:
    """A server that takes only two: the third is not asked for again and again, and all calls get through."""
    exchange = Exchange()
    exchange.room = 2
    links = links_of(exchange, most=8, shared=1)
    await asyncio.gather(*(links.call("work", "a", work) for _ in range(12)))
    assert len(exchange.lines) == 2


async def test_silence_is_no_answer() -> None:
    exchange = Exchange()
    links = links_of(exchange)

    async def silent(line: Line, _: Any) -> None:
        await asyncio.sleep(10)

    with pytest.raises(Transient, match="no answer"):
        await links.call("work", "a", silent, attempts=2)
    assert len(exchange.lines) == 2


async def test_a_call_that_moves_on_may_take_its_time() -> None:
    links = links_of(Exchange())

    async def slow(line: Line, progress: Any) -> str:
        for _ in range(4):
            await asyncio.sleep(0.1)
            progress.sent(100_000)
        return "done"

    assert await links.call("work", "a", slow, attempts=1) == "done"
    assert links.trace.sent_bytes == 400_000


async def test_a_server_that_lets_nobody_in_is_named() -> None:
    async def never() -> Line:
        await asyncio.sleep(10)
        raise AssertionError

    links: Links[Line] = Links(never, judge, FreePacer(), most=1, shared=1, limits=QUICK)
    with pytest.raises(Unreachable, match="let us in"):
        await links.call("work", "a", work, attempts=1)


class Reading:
    """An opened file of the made-up protocol."""

    def __init__(self, pieces: list[Any]) -> None:
        self.item = Item("a", Kind.FILE, 10)
        self.carried = Carried()
        self.pieces = pieces
        self.closed = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                yield piece

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("end", [Broken(), 5.0], ids=["break", "silence"])
async def test_a_body_that_breaks_is_transient(end: Any) -> None:
    exchange = Exchange()
    links, reading, got = links_of(exchange), Reading([b"12345", end]), b""

    async def do(line: Line) -> Reading:
        return reading

    with pytest.raises(Transient):
        async with links.stream("read", "a", do) as content:
            async for chunk in content.chunks():
                got += chunk
    assert (got, reading.closed) == (b"12345", True)
    await asyncio.sleep(0)
    assert exchange.lines[0].closed


async def test_a_file_is_opened_though_the_first_connection_fails() -> None:
    """The server turned us away for a moment, as after a break: asked again, as every call is."""
    exchange = Exchange()
    links, reading = links_of(exchange), Reading([b"12345"])
    exchange.refusals = [Broken()]

    async def do(line: Line) -> Reading:
        return reading

    async with links.stream("read", "a", do) as content:
        assert [chunk async for chunk in content.chunks()] == [b"12345"]
    assert len(exchange.lines) == 1


async def test_whoever_reads_may_take_its_time() -> None:
    links, reading = links_of(Exchange()), Reading([b"1", b"2"])

    async def do(line: Line) -> Reading:
        return reading

    got = []
    async with links.stream("read", "a", do) as content:
        async for chunk in content.chunks():
            await asyncio.sleep(0.3)
            got.append(chunk)
    assert got == [b"1", b"2"]
    assert links.trace.received_bytes == 2


async def test_whoever_is_cancelled_gives_his_turn_to_the_next() -> None:
    """Nobody waits for ever: neither behind one that is cancelled while waiting, nor behind one just called."""
    links = links_of(Exchange(), most=1, shared=1)
    busy = asyncio.Event()

    async def hold(line: Line, _: Any) -> None:
        await busy.wait()

    first = asyncio.ensure_future(links.call("work", "a", hold))
    await asyncio.sleep(0.01)
    waiting = [asyncio.ensure_future(links.call("work", "a", work)) for _ in range(3)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    busy.set()
    await first
    waiting[1].cancel()  # its turn has come, and it does not know yet
    assert await asyncio.wait_for(waiting[2], 5)


async def test_a_failed_connection_lets_the_next_try() -> None:
    exchange = Exchange()
    exchange.refusals = [AuthLost("no") for _ in range(5)]
    links = links_of(exchange, most=1, shared=4)
    ended = await asyncio.gather(*(links.call("work", "a", work) for _ in range(6)), return_exceptions=True)
    assert [type(one) for one in ended].count(AuthLost) == 5
    assert len(exchange.lines) == 1


async def test_whoever_is_cancelled_when_room_is_made_just_goes() -> None:
    """Cancelled and passed over within one turn of the loop: nothing is left of the waiting, and nothing breaks."""
    exchange = Exchange()
    links, free = links_of(exchange, most=1, shared=1), asyncio.Event()

    async def hold(line: Line, _: Any) -> None:
        await free.wait()

    holding = asyncio.ensure_future(links.call("hold", "a", hold))
    await asyncio.sleep(0.01)
    waiting = asyncio.ensure_future(links.call("wait", "b", work))
    await asyncio.sleep(0.01)
    waiting.cancel()
    links._wake()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    free.set()
    await holding
    assert await links.call("next", "c", work)
    await links.close()
