"""Near a quota that a service states, calls leave one after the other, so that a refusal finds no other on its way.

Services refuse whatever comes after the quota was used up, also what left before anybody could know. Whether the stated
quota is in force for an account shows when it is used up: where more is taken, it is not, and nothing is held back.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import msgspec

BEFORE, BEYOND = 2, 1
"""From how many calls before the quota is used up they leave alone; after how many beyond it, it is not in force."""
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
    """What of one quota was used lately."""

    def __init__(self, stated: Stated) -> None:
        self.stated = stated
        self.on_their_way = 0
        self.in_force = True
        self.refused = False
        self._taken: deque[float] = deque()

    def is_near(self) -> bool:
        since = monotonic() - self.stated.seconds
        while self._taken and self._taken[0] < since:
            self._taken.popleft()
        return self.in_force and len(self._taken) + self.on_their_way >= self.stated.most - BEFORE

    def taken(self) -> None:
        self._taken.append(monotonic())
        if len(self._taken) > self.stated.most + BEYOND:
            self.in_force = self.refused  # once refused it is: a minute of the service's began within ours
            self._taken.popleft()


class Narrowing:
    """Lets the calls of one transport out: many at once, and near a stated quota one alone."""

    def __init__(self, stated: Sequence[Stated] = ()) -> None:
        self._used = [_Used(one) for one in stated]
        self._under_way, self._alone = 0, False
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def leave(self, operation: str, body_bytes: int = 0) -> AsyncIterator[None]:
        """Wait until the call may go out. It is on its way until it is answered, and what that means was told."""
        mine = [one for one in self._used if one.stated.covers(operation)]
        named = any(one.stated.operations for one in mine)
        if not self._used or (body_bytes > LARGE_BYTES and not named):
            yield
            return
        while not self._may_leave():
            self._changed.clear()
            await self._changed.wait()
        self._alone = self._near()
        self._under_way += 1
        for one in mine:
            one.on_their_way += 1
        try:
            yield
        finally:
            self._under_way, self._alone = self._under_way - 1, False
            for one in mine:
                one.on_their_way -= 1
            self._changed.set()

    def taken(self, operation: str) -> None:
        """The service took such a call."""
        for one in self._used:
            if one.stated.covers(operation):
                one.taken()

    def refused(self) -> None:
        """The service wants fewer: what it states is in force."""
        for one in self._used:
            one.in_force = one.refused = True

    def _near(self) -> bool:
        return any(one.is_near() for one in self._used)

    def _may_leave(self) -> bool:
        return not self._alone and (self._under_way == 0 or not self._near())
