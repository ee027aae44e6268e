"""The governor: grows while that pays, obeys what services ask, bounds memory and bandwidth."""

import asyncio
import heapq
import itertools
import time

import pytest

from haulage.engine import governor
from haulage.engine.governor import (
    HIGHEST_LIMIT,
    LEAST_FIRST_LIMIT,
    Bandwidth,
    Concurrency,
    Memory,
    ScopePacer,
    first_limit,
)


class Service:
    """A service in virtual time: each item takes so long, and `places` of them are worked on at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, item_seconds: float, places: int = 1_000_000) -> None:
        self.now = 0.0
        self._item_seconds = item_seconds
        self._free_at = [0.0] * min(places, 1_000)
        self._under_way: list[float] = []
        monkeypatch.setattr(governor, "monotonic", lambda: self.now)

    async def work(self, concurrency: Concurrency, items: int) -> int:
        """Push items through. Returns the most that were under way at once."""
        most = 0
        for _ in range(items):
            admitted = asyncio.create_task(concurrency.acquire())
            await asyncio.sleep(0)
            while not admitted.done():
                self._finish_one(concurrency)
                await asyncio.sleep(0)
            begin = max(self.now, heapq.heappop(self._free_at))
            heapq.heappush(self._free_at, begin + self._item_seconds)
            heapq.heappush(self._under_way, begin + self._item_seconds)
            most = max(most, concurrency.in_flight)
        while self._under_way:
            self._finish_one(concurrency)
        return most

    def _finish_one(self, concurrency: Concurrency) -> None:
        self.now = max(self.now, heapq.heappop(self._under_way))
        concurrency.release(1.0)


async def test_it_grows_far_where_the_service_only_is_slow_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(monkeypatch, 0.1)
    assert await service.work(Concurrency(), 1500) == HIGHEST_LIMIT


async def test_it_stays_small_where_more_at_once_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(monkeypatch, 0.004, places=4)
    assert await service.work(Concurrency(), 3000) <= 2 * LEAST_FIRST_LIMIT


def test_it_begins_with_more_where_answers_take_longer() -> None:
    assert [first_limit(seconds) for seconds in (0.0, 0.001, 0.02, 0.05, 3.0)] == [16, 16, 80, 192, 192]


async def test_it_halves_when_throttled_and_never_stops() -> None:
    concurrency = Concurrency()
    for _ in range(10):
        concurrency.throttled()
    assert concurrency.limit == 2
    for _ in range(10):
        await asyncio.wait_for(concurrency.acquire(), 1)
        concurrency.release(1.0)


async def test_a_scope_waits_as_long_as_it_was_asked() -> None:
    """F02."""
    told: list[tuple[str, float]] = []
    pacer = ScopePacer("scope", lambda scope, seconds: told.append((scope, seconds)))
    pacer.throttled(0.2)
    pacer.throttled(0.1)
    begun = time.monotonic()
    await asyncio.gather(*(pacer.ready() for _ in range(5)))
    assert time.monotonic() - begun >= 0.19
    assert told == [("scope", 0.2)]


async def test_calls_leave_evenly_where_a_service_says_how_many() -> None:
    """Whoever comes first goes first, and a later word of the service holds from then on."""
    pacer = ScopePacer("scope", lambda *_: None)
    pacer.at_most(50)
    left: list[float] = []

    async def call() -> None:
        await pacer.ready()
        left.append(time.monotonic())

    await asyncio.gather(*(call() for _ in range(6)))
    assert all(after - before >= 0.019 for before, after in itertools.pairwise(left))
    pacer.at_most(1e6)
    begun = time.monotonic()
    await asyncio.gather(*(pacer.ready() for _ in range(6)))
    assert time.monotonic() - begun < 5


async def test_without_a_number_the_wait_grows_up_to_a_minute() -> None:
    """F01."""
    told: list[float] = []
    pacer = ScopePacer("scope", lambda _, seconds: told.append(seconds))
    for _ in range(200):
        pacer.throttled(None)
    assert 0.1 <= told[0] <= 1.0
    assert max(told) <= 60.0
    assert max(told) > 10.0


async def test_memory_is_given_in_order_and_never_over_the_limit() -> None:
    memory, order, held, most = Memory(100), [], 0, 0

    async def one(name: int, count: int) -> None:
        nonlocal held, most
        await memory.take(count)
        held += count
        most = max(most, held)
        order.append(name)
        await asyncio.sleep(0.001)
        held -= count
        memory.give(count)

    await asyncio.gather(*(one(number, 60 if number % 3 == 0 else 20) for number in range(30)))
    assert sorted(order) == list(range(30))
    assert most <= 100
    await asyncio.wait_for(memory.take(1_000), 1)


async def test_a_cancelled_wait_for_memory_takes_nothing() -> None:
    memory = Memory(10)
    await memory.take(10)
    waiting = asyncio.create_task(memory.take(5))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    memory.give(10)
    await asyncio.wait_for(memory.take(10), 1)


async def test_bandwidth_holds_the_rate() -> None:
    bandwidth, begun = Bandwidth(1_000_000), time.monotonic()
    for _ in range(10):
        await bandwidth.spend(50_000)
    assert time.monotonic() - begun >= 0.35
    begun = time.monotonic()
    await Bandwidth(None).spend(10**12)
    assert time.monotonic() - begun < 0.1
