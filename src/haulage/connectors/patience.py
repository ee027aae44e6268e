"""How long somebody who waits for one answer is kept waiting: not for ever, as a run of millions of files may be."""

import asyncio
import random
import time

from haulage.model.errors import Unreachable
from haulage.services.transport import Limits, limits

LONGEST_WAIT_SECONDS = 120.0


class Patience:
    """The Pacer of a few calls that a person waits for: signing in, asking who it is, revoking, looking at a folder.

    It waits as long as it is asked to, up to LONGEST_WAIT_SECONDS in all; where the service names no time, longer each
    time. As many refusals in a row as one request has attempts are the end of it. who: the service, in a sentence.
    """

    def __init__(self, who: str, within: Limits | None = None) -> None:
        self._who = who
        self._until = 0.0
        self._waited = 0.0
        self._refusals = 0
        self._limits = within or limits()

    async def ready(self) -> None:
        """See Pacer. Raises Unreachable where that takes too long."""
        left = self._until - time.monotonic()
        if self._refusals >= self._limits.attempts or self._waited + max(left, 0) > LONGEST_WAIT_SECONDS:
            told = f" for {left:.0f} s" if left >= 1 else ""
            raise Unreachable(f"{self._who} wants to be left alone{told}", "Try again later.")
        if left > 0:
            self._waited += left
            await asyncio.sleep(left)

    def throttled(self, wait_seconds: float | None) -> None:
        """See Pacer."""
        self._refusals += 1
        if wait_seconds is None:
            longest = min(self._limits.longest_backoff_seconds, self._limits.backoff_seconds * 2**self._refusals)
            wait_seconds = random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
        self._until = max(self._until, time.monotonic() + wait_seconds)

    def answered(self) -> None:
        """See Pacer."""
        self._refusals = 0

    def at_most(self, calls_a_second: float) -> None:
        """See Pacer. The few calls here are not counted: one that is too many is refused, and waits."""
