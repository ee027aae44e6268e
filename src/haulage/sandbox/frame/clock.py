"""The sandbox's time, which can be stepped and stopped."""

import time
from datetime import UTC, datetime
from functools import lru_cache


class Clock:
    """The machine's time plus an offset, or a time that stands still until it is stepped.

    All times are Unix seconds. A stopped clock gives the same trace for the same calls, whatever the machine does.
    """

    def __init__(self, stopped_at: float | None = None) -> None:
        """stopped_at: the time at which it stands still; None: it runs with the machine's."""
        self._stopped_at = stopped_at
        self._offset_seconds = 0.0

    @property
    def stopped(self) -> bool:
        """Whether it stands still."""
        return self._stopped_at is not None

    def now(self) -> float:
        """The time now, in Unix seconds."""
        return time.time() + self._offset_seconds if self._stopped_at is None else self._stopped_at

    def step(self, seconds: float) -> None:
        """Let time pass at once."""
        if self._stopped_at is None:
            self._offset_seconds += seconds
        else:
            self._stopped_at += seconds

    def stop(self, at: float | None = None) -> None:
        """Stand still, now or at that time."""
        self._stopped_at = self.now() if at is None else at

    def go(self) -> None:
        """Run on from the time that it shows."""
        if self._stopped_at is not None:
            self._offset_seconds, self._stopped_at = self._stopped_at - time.time(), None


@lru_cache(maxsize=1 << 14)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(seconds: float, digits: int = 0) -> str:
    """A time as `2026-11-25T19:20:21Z`, with so many digits of a second (6 at most) behind the point."""
    micros = round(seconds * 1_000_000)
    whole = _to_the_second(micros // 1_000_000)
    return f"{whole}.{f'{micros % 1_000_000:06d}'[:digits]}Z" if digits else f"{whole}Z"


@lru_cache(maxsize=1 << 14)
def http_date(seconds: int) -> str:
    """A time as HTTP headers have it (RFC 9110): `Wed, 25 Nov 2026 19:20:21 GMT`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
