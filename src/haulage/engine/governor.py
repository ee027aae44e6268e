"""The governor: finds by itself how many items to have in flight, and obeys what services ask for."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from haulage.model.errors import NeedsReauthorisation

LEAST_FIRST_LIMIT = 16
MOST_FIRST_LIMIT = 192
HOPED_ITEMS_PER_SECOND = 2000
CALLS_PER_ITEM = 2
HIGHEST_LIMIT = 256
LOWEST_LIMIT = 2
LONGEST_BACKOFF_SECONDS = 60.0
RATE_MARGIN = 1.03
WINDOW_SECONDS = 60.0
"""Of the quotas that most services state."""
STEADY_SECONDS = 5.0
"""A budget that lasted so long was used up by a steady rate."""


def first_limit(answer_seconds: float) -> int:
    """How many items to begin with, where an answer takes so long: as many as a good rate of small ones keeps busy."""
    busy = HOPED_ITEMS_PER_SECOND * CALLS_PER_ITEM * answer_seconds
    return int(min(MOST_FIRST_LIMIT, max(LEAST_FIRST_LIMIT, busy)))


class Concurrency:
    """How many items may be in flight, learned from the rate at which work gets done.

    It begins with `first` and doubles while doubling pays; then holds, and now and then tries a quarter more for a
    round and keeps it if that was better. It halves when the service throttles.
    """

    def __init__(self, first: int = LEAST_FIRST_LIMIT, highest: int = HIGHEST_LIMIT) -> None:
        """highest: what both services allow."""
        self._highest = highest
        self.limit = first = min(first, highest)
        self.in_flight = 0
        self._free = asyncio.Event()
        self._phase = "doubling"
        self._before = first
        self._rate = 0.0
        self._held_rounds = 0
        self._begin_round()

    def _begin_round(self) -> None:
        self._finished, self._done, self._since = 0, 0.0, monotonic()
        self._waited = False

    async def acquire(self) -> None:
        """Wait for a place."""
        while self.in_flight >= self.limit:
            self._waited = True
            self._free.clear()
            await self._free.wait()
        self.in_flight += 1

    def release(self, work: float) -> None:
        """Give the place back. work: how much was done, in units of one small item."""
        self.in_flight -= 1
        self._finished += 1
        self._done += work
        self._free.set()
        if self._finished >= max(16, 2 * self.limit):
            rate = self._done / max(monotonic() - self._since, 1e-6)
            if self._waited:  # otherwise the limit was not what held it up
                self._judge(rate)
            self._begin_round()

    def _judge(self, rate: float) -> None:
        if self._phase == "hold":
            self._rate = rate
            self._held_rounds += 1
            if self._held_rounds >= 6 and self.limit < self._highest:
                self._phase, self._before = "trying", self.limit
                self.limit = min(self._highest, self.limit + max(1, self.limit // 4))
        elif self._phase == "trying":
            if rate < 1.08 * self._rate:
                self.limit = self._before
            self._hold(rate)
        elif rate > 1.25 * self._rate and self.limit < self._highest:
            self._rate, self._before = rate, self.limit
            self.limit = min(self._highest, self.limit * 2)
        else:
            self.limit = self._before
            self._hold(rate)

    def _hold(self, rate: float) -> None:
        self._phase, self._rate, self._held_rounds = "hold", rate, 0

    def throttled(self) -> None:
        """The service said that it is too much."""
        self.limit = max(LOWEST_LIMIT, self.limit // 2)
        self._hold(0.0)
        self._begin_round()


class ScopePacer:
    """Holds back all calls of one budget scope while its service wants none. Implements services.contract.Pacer.

    on_pause(scope, seconds, slower): told of every wait, to show it, to note it for other processes and, if slower, to
    do less at once. wait_seconds: what is left of a wait that an earlier run was asked for. longest_backoff_seconds:
    how long it waits at most when the service does not say.

    Where the service says how long, it is waited for exactly so long. Where it does not, one call asks after 1 s, 2 s,
    4 s and so on, each with up to a second of jitter, and the others leave when that one is answered: the truncated
    exponential backoff that vendors ask for (developers.google.com/workspace/drive/api/guides/limits, 2026-05). Most
    quotas are of a minute, so a wait that would end shortly before the next minute begins lasts until then; and a
    budget that lasted for a while was not overrun by too many at once.
    """

    def __init__(
        self,
        scope: str,
        on_pause: Callable[[str, float, bool], None],
        wait_seconds: float = 0.0,
        longest_backoff_seconds: float = LONGEST_BACKOFF_SECONDS,
    ) -> None:
        self.scope = scope
        self._on_pause = on_pause
        self._longest_backoff_seconds = longest_backoff_seconds
        self._until = monotonic() + wait_seconds
        self._refusals = 0  # without a number, one after another, each of a call that was to ask
        self._wait, self._asked_until = 0.0, 0.0
        self._answered_since: float | None = None
        self._goes_on = asyncio.Event()
        self._step, self._next = 0.0, 0.0

    async def ready(self) -> None:
        """Return when the scope may be called."""
        while (left := max(self._until, self._next, self._asked_until) - monotonic()) > 0:
            if not self._refusals:
                await asyncio.sleep(left)
                continue  # another call may have made it longer meanwhile
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._goes_on.wait()
        now = monotonic()
        if self._refusals:  # this one asks; if nothing comes back, another one does after as long again
            self._asked_until = now + self._wait
        if self._step:
            self._next = now + self._step

    def at_most(self, calls_a_second: float) -> None:
        """See Pacer. A little less: on the way some calls come closer together."""
        self._step = RATE_MARGIN / calls_a_second

    def throttled(self, wait_seconds: float | None) -> None:
        """Wait exactly as long as asked, or longer each time when it did not say."""
        now, slower = monotonic(), True
        if wait_seconds is None:
            if now < self._until:
                return  # of a call that left before the wait began: it tells nothing new
            steady = self._answered_since is not None and now - self._answered_since >= STEADY_SECONDS
            slower = not (self._refusals or steady)
            wait_seconds = self._wait = self._backoff(now)
            self._asked_until = 0.0
            self._goes_on.clear()
            self._refusals += 1
        until = now + wait_seconds
        if until > self._until:
            self._until = until
            self._on_pause(self.scope, wait_seconds, slower)

    def _backoff(self, now: float) -> float:
        """How long to wait after one refusal more. Never shorter than the doubling alone would have it."""
        least, longest = 2.0 ** min(self._refusals, 10), self._longest_backoff_seconds
        if least + 1 > longest:
            return random.uniform(0.8, 1.0) * longest  # noqa: S311 - jitter, not a secret
        if self._answered_since is not None:
            left = self._answered_since + WINDOW_SECONDS - now
            if least <= left < 3 * least:  # else there is time for one more question before
                least = left
        return min(longest, least + random.uniform(0.0, 1.0))  # noqa: S311 - likewise

    def heard(self, wait_seconds: float) -> None:
        """Another process that uses this scope was asked to wait so long from now on."""
        until = monotonic() + wait_seconds
        if until > self._until + 0.1:  # else it is what we know
            self._until = until
            self._on_pause(self.scope, wait_seconds, True)

    def answered(self) -> None:
        """A call went well: all may leave, unless it left before the wait began."""
        now = monotonic()
        if now < self._until:
            return
        if self._refusals:
            self._refusals, self._asked_until, self._answered_since = 0, 0.0, now
            self._goes_on.set()
        elif self._answered_since is None:
            self._answered_since = now


class Permit:
    """Whether a connector may still be used. refusal: why not, and what to do; whoever learns of it sets it."""

    def __init__(self) -> None:
        self.refusal: tuple[str, str] | None = None


class PermittedPacer:
    """A pacer of one connector's calls: none is made once the connector may not be used any more."""

    def __init__(self, permit: Permit, pacer: ScopePacer) -> None:
        self._permit = permit
        self._pacer = pacer

    async def ready(self) -> None:
        """See Pacer. Raises NeedsReauthorisation."""
        await self._pacer.ready()
        if self._permit.refusal is not None:
            raise NeedsReauthorisation(*self._permit.refusal)

    def throttled(self, wait_seconds: float | None) -> None:
        """See Pacer."""
        self._pacer.throttled(wait_seconds)

    def answered(self) -> None:
        """See Pacer."""
        self._pacer.answered()

    def at_most(self, calls_a_second: float) -> None:
        """See Pacer."""
        self._pacer.at_most(calls_a_second)


class Memory:
    """Bounds the bytes of bodies that are held at once, first come, first served."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def _fits(self, count: int) -> bool:
        return self._held == 0 or self._held + count <= self._limit_bytes

    async def take(self, count: int) -> None:
        """Wait until `count` bytes may be held; a body larger than the limit is let in alone."""
        if not self._waiting and self._fits(count):
            self._held += count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(count)
            raise

    def give(self, count: int) -> None:
        """Let them go."""
        self._held -= count
        while self._waiting and (self._waiting[0][1].cancelled() or self._fits(self._waiting[0][0])):
            wanted, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._held += wanted
                turn.set_result(None)


class Bandwidth:
    """A token bucket for bytes; without a limit it costs nothing."""

    def __init__(self, bytes_per_second: int | None) -> None:
        self._rate = bytes_per_second
        self._next = monotonic()

    async def spend(self, count: int) -> None:
        """Wait until `count` bytes fit into the rate."""
        if self._rate is None:
            return
        now = monotonic()
        self._next = max(self._next, now - 0.1) + count / self._rate
        if self._next > now:
            await asyncio.sleep(self._next - now)
