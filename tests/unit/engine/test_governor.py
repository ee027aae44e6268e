"""The governor: grows while that pays, obeys what services ask, bounds memory and bandwidth."""

import asyncio
import heapq
import itertools
import random
import selectors
import time
from collections.abc import Coroutine
from typing import Any
from unittest.mock import patch

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


class Timed:
    """A clock that nobody waits for: where all sleep, it is at once when the first of them wakes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(governor, "monotonic", lambda: self.now)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it in a loop of its own, by this clock."""
        selector = selectors.SelectSelector()
        select = selector.select

        def at_once(timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            self.now += timeout or 0.0
            return select(0)

        with patch.object(selector, "select", at_once):
            loop = asyncio.SelectorEventLoop(selector)
            with patch.object(loop, "time", lambda: self.now):
                try:
                    loop.run_until_complete(work)
                finally:
                    loop.close()


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
    pacer = ScopePacer("scope", lambda scope, seconds, _: told.append((scope, seconds)))
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


class Minutes(Timed):
    """A service that takes so many calls in each minute, which begins with the first of them, and names no wait.

    answered, refused: when a call came that was; told: the waits that it led to, and whether less was wanted at once.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, calls: int, seconds: float = 60.0) -> None:
        super().__init__(monkeypatch)
        self._calls, self._seconds = calls, seconds
        self._began, self._used = float("-inf"), 0
        self.answered: list[float] = []
        self.refused: list[float] = []
        self.told: list[tuple[float, bool]] = []
        self.pacer = ScopePacer("scope", lambda _, seconds, slower: self.told.append((seconds, slower)))

    async def call(self) -> None:
        """One call, until it is answered, as the transport makes it."""
        while True:
            await self.pacer.ready()
            await asyncio.sleep(0.02)
            if self.now >= self._began + self._seconds:
                self._began, self._used = self.now, 0
            self._used += 1
            taken, at = self._used <= self._calls, self.now
            await asyncio.sleep(random.Random(len(self.answered)).uniform(0.02, 0.2))
            if taken:
                self.answered.append(at)
                return self.pacer.answered()
            self.refused.append(at)
            self.pacer.throttled(None)

    async def work(self, calls: int, at_once: int) -> None:
        """So many calls, so many at once."""

        async def some() -> None:
            for _ in range(calls // at_once):
                await self.call()

        await asyncio.gather(*(some() for _ in range(at_once)))


@pytest.mark.parametrize("at_once", [2, 16, 64])
def test_the_calls_of_each_minute_are_used_though_nothing_says_when_it_ends(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """At least 95 % over three full minutes after the first; and few calls ask whether it goes on."""
    minutes = Minutes(monkeypatch, 640)
    minutes.run(minutes.work(640 * 6, at_once))
    first = minutes.answered[0]
    assert minutes.answered[-1] - first > 240
    used = sum(60 <= one - first < 240 for one in minutes.answered)
    assert used >= 0.95 * 640 * 3
    asked = [seconds for seconds, _ in minutes.told]
    assert len(asked) <= 5 * 7
    assert len(minutes.refused) <= len(asked) + 6 * at_once
    overrun = [slower for _, slower in minutes.told if slower]
    assert bool(overrun) == (at_once > 2), "what was used up after more than a few seconds was not overrun"


def test_without_a_number_the_wait_grows_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """F01: one call asks each time, and what was on its way when the wait began does not make it longer."""
    minutes = Minutes(monkeypatch, 0, float("inf"))
    with pytest.raises(TimeoutError):
        minutes.run(asyncio.wait_for(minutes.work(100, 50), 600))
    waits = [seconds for seconds, _ in minutes.told]
    assert all(2**number <= wait <= 2**number + 1 for number, wait in enumerate(waits[:6]))
    assert all(48 <= wait <= 60 for wait in waits[6:])
    assert len(waits) > 10
    assert [slower for _, slower in minutes.told] == [True] + [False] * (len(waits) - 1)
    assert len(minutes.refused) == 50 + len(waits) - 1
    apart = [after - before for before, after in itertools.pairwise(minutes.refused[49:])]
    assert all(abs(gap - wait) < 0.5 for wait, gap in zip(waits, apart, strict=False))


def test_where_it_goes_on_soon_nobody_waits_for_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that takes so many a second is asked again after a second or two."""
    minutes = Minutes(monkeypatch, 100, 1.0)
    minutes.run(minutes.work(1000, 50))
    assert minutes.answered[-1] - minutes.answered[0] < 40
    assert max(seconds for seconds, _ in minutes.told) <= 3.0
    assert any(slower for _, slower in minutes.told)


async def test_if_the_one_that_asks_is_never_heard_of_another_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have failed for another reason, or hang."""
    pacer = ScopePacer("scope", lambda *_: None, longest_backoff_seconds=0.05)
    pacer.throttled(None)
    begun = time.monotonic()
    await asyncio.wait_for(asyncio.gather(*(pacer.ready() for _ in range(4))), 10)
    assert time.monotonic() - begun >= 4 * 0.04
    pacer.answered()
    await asyncio.wait_for(asyncio.gather(*(pacer.ready() for _ in range(100))), 1)


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
