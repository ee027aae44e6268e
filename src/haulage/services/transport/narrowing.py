"""Where a quota that a service states is used up, calls leave one after the other: a refusal finds no other on its way.

Services refuse whatever comes after the quota was used up, also what left before anybody could know. Whether the stated
quota is in force for an account shows when it is used up: where more is taken, it is not, and nothing is held back.
"""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import msgspec

LARGE_BYTES = 1024 * 1024
"""What such a body belongs to arrived long before it ends, so it is not waited for."""


class Stated(msgspec.Struct, frozen=True):
    """So many calls in so many seconds, as the service states it. operations: of those alone; none named: of all."""

    most: int
    seconds: float
    operations: frozenset[str] = frozenset()

    def covers(self, operation: str) -> bool:
        """Whether calls of it count."""
        return not self.operations or operation in self.operations


class _Used:
    """What of one quota was used lately.

    A call came to the service between its leaving and its answer. So it may count until a span after the answer; and
    calls that left, and were taken, within one span have come within one.
    """

    def __init__(self, stated: Stated) -> None:
        self.stated = stated
        self.on_their_way = 0
        self.in_force = True
        self.refused = False
        self._answered: deque[float] = deque(maxlen=stated.most)
        self._left: list[float] = []

    def is_used_up(self) -> bool:
        """Whether one call more may be one too many."""
        since = monotonic() - self.stated.seconds
        while self._answered and self._answered[0] < since:
            self._answered.popleft()
        return self.in_force and len(self._answered) + self.on_their_way >= self.stated.most

    def may_count(self) -> None:
        """A call is over that the service may have taken."""
        self._answered.append(monotonic())

    def taken(self, left: float) -> None:
        """It took a call that left then."""
        since = monotonic() - self.stated.seconds
        insort(self._left, left)
        while self._left and (self._left[0] < since or len(self._left) > self.stated.most + 1):
            del self._left[0]
        if len(self._left) > self.stated.most:
            self.in_force = self.refused  # once refused it is: a minute of the service's began within ours


class Leaving:
    """One call on its way. What it is not told of its end, the service may have taken."""

    def __init__(self, used: Sequence[_Used]) -> None:
        self._used = used
        self._left = monotonic()
        self._refused = False
        for one in used:
            one.on_their_way += 1

    def taken(self) -> None:
        """The service took it."""
        for one in self._used:
            one.taken(self._left)

    def refused(self) -> None:
        """The service wants fewer, and did not count this one."""
        self._refused = True

    def end(self) -> None:
        """It was answered, or given up."""
        for one in self._used:
            one.on_their_way -= 1
            if not self._refused:
                one.may_count()


class Narrowing:
    """Lets the calls of one transport out: many at once, and where a stated quota is used up one alone."""

    def __init__(self, stated: Sequence[Stated] = ()) -> None:
        self._used = [_Used(one) for one in stated]
        self._under_way, self._alone = 0, False
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def leave(self, operation: str, body_bytes: int = 0, *, counts: bool = True) -> AsyncIterator[Leaving]:
        """Wait until the call may go out. It is on its way until it is answered, and what that means was told.

        counts: the service counts it.
        """
        mine = [one for one in self._used if counts and one.stated.covers(operation)]
        waits = body_bytes <= LARGE_BYTES or any(one.stated.operations for one in mine)
        while waits and not self._may_leave():
            self._changed.clear()
            await self._changed.wait()
        if waits:
            self._alone = self._is_used_up()
            self._under_way += 1
        leaving = Leaving(mine)
        try:
            yield leaving
        finally:
            leaving.end()
            if waits:
                self._under_way, self._alone = self._under_way - 1, False
                self._changed.set()

    def refused(self) -> None:
        """The service wants fewer: what it states is in force."""
        for one in self._used:
            one.in_force = one.refused = True

    def _is_used_up(self) -> bool:
        return any(one.is_used_up() for one in self._used)

    def _may_leave(self) -> bool:
        return not self._alone and (self._under_way == 0 or not self._is_used_up())
