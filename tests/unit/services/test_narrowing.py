"""Near a stated quota calls leave one after the other, and only there."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from haulage.services.transport import narrowing
from haulage.services.transport.narrowing import Narrowing, Stated

MOST = 20
AT_ONCE = 8


class Service:
    """Takes `most` calls of a kind, and counts what was on its way when it refused, and at most."""

    def __init__(self, gate: Narrowing, most: int | None = None) -> None:
        self.gate, self.most = gate, most
        self.taken = self.under_way = self.highest = self.at_refusal = 0
        self.over = asyncio.Event()

    async def call(self, operation: str, body_bytes: int = 0) -> None:
        """One call, which takes a moment."""
        async with self.gate.leave(operation, body_bytes) as leaving:
            if self.over.is_set():
                return
            self.under_way += 1
            self.highest = max(self.highest, self.under_way)
            await asyncio.sleep(0.002)
            if self.most is not None and self.taken == self.most:
                self.at_refusal = self.under_way
                self.over.set()
                leaving.refused()
                self.gate.refused()
            else:
                self.taken += 1
                leaving.taken()
            self.under_way -= 1

    async def calls(self, operation: str, count: int) -> None:
        """So many, several at once."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with places:
                await self.call(operation)

        await asyncio.gather(*(one() for _ in range(count)))


async def test_a_refusal_finds_no_other_call_on_its_way() -> None:
    """Many at once until the quota is nearly used up; the one that is refused is alone."""
    service = Service(Narrowing([Stated(MOST, 60)]), MOST)
    await service.calls("any", 3 * MOST)
    assert (service.taken, service.at_refusal, service.highest) == (MOST, 1, AT_ONCE)


async def test_what_is_not_in_force_holds_nothing_back() -> None:
    """Where more is taken than is stated, many go at once again; once one is refused, it is in force for good."""
    gate = Narrowing([Stated(MOST, 60)])
    service = Service(gate)
    await service.calls("any", MOST + 1)
    service.highest = 0
    await service.calls("any", 2 * AT_ONCE)
    assert service.highest == AT_ONCE
    gate.refused()
    service.highest = 0
    await service.calls("any", 2 * AT_ONCE)
    assert service.highest == 1


async def test_other_operations_do_not_count_but_wait() -> None:
    """Whatever is refused, all calls of the scope are to wait then: so near one quota every call leaves alone."""
    service = Service(Narrowing([Stated(MOST, 60, frozenset({"upload"}))]))
    await service.calls("read", 3 * MOST)
    assert service.highest == AT_ONCE
    await service.calls("upload", MOST)
    service.highest = 0
    await service.calls("read", 2 * AT_ONCE)
    assert service.highest == 1


async def test_large_bodies_are_not_waited_for() -> None:
    """A part that takes a minute to send stops no other call."""
    gate = Narrowing([Stated(MOST, 60)])
    service = Service(gate)
    await service.calls("any", MOST)
    async with gate.leave("part", 32 * 1024 * 1024):
        await asyncio.wait_for(service.call("any"), 5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which stands."""
    now = [1000.0]
    monkeypatch.setattr(narrowing, "monotonic", lambda: now[0])
    yield now


async def test_a_minute_later_many_go_at_once_again(clock: list[float]) -> None:
    """What was taken before counts no more."""
    service = Service(Narrowing([Stated(MOST, 60)]))
    await service.calls("any", MOST)
    clock[0] += 61
    service.highest = 0
    await service.calls("any", AT_ONCE)
    assert service.highest == AT_ONCE


@asynccontextmanager
async def _held(gate: Narrowing) -> AsyncIterator[None]:
    async with gate.leave("any"):
        yield


async def test_a_call_that_is_given_up_lets_the_next_one_leave() -> None:
    """Cancelled while it is alone, and while it waits."""
    gate = Narrowing([Stated(MOST, 60)])
    service = Service(gate)
    await service.calls("any", MOST)
    async with _held(gate):
        waiting = asyncio.ensure_future(service.call("any"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await asyncio.wait_for(service.call("any"), 5)
