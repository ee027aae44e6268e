"""The sandbox's time, which can be stepped and stopped."""

import time
from datetime import UTC, datetime


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


def rfc3339(seconds: float, digits: int = 0) -> str:
    """A time as `2026-11-25T19:20:21Z`, with so many digits of a second behind the point."""
    whole = datetime.fromtimestamp(seconds, UTC)
    if not digits:
        return whole.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{f'{whole.microsecond:06d}0'[:digits]}Z"


def http_date(seconds: float) -> str:
    """A time as HTTP headers have it (RFC 9110): `Wed, 25 Nov 2026 19:20:21 GMT`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
