"""Quotas: what a scope may spend in a window of time, and until when it was asked to wait."""

import msgspec

GRACE_SECONDS = 0.01


class Limit(msgspec.Struct, kw_only=True):
    """So many units in each window of so many seconds, per scope. amount: None for no limit. source: the vendor's page.

    refused_count: a call that is refused costs its units all the same.
    """

    name: str
    amount: float | None
    window_seconds: float
    source: str
    refused_count: bool = False


class _Window:
    __slots__ = ("start", "used")

    def __init__(self, start: float) -> None:
        self.start = start
        self.used = 0.0


class Budgets:
    """The limits of one service, settable while it runs, and what its scopes have used of them."""

    def __init__(self, limits: list[Limit]) -> None:
        self.limits = {limit.name: limit for limit in limits}
        self._windows: dict[tuple[str, str], _Window] = {}
        self._held: dict[str, float] = {}

    def charge(self, name: str, scope: str, units: float, now: float) -> float:
        """Spend units of a scope. Returns 0, or how many seconds there are to wait when it is used up."""
        limit = self.limits[name]
        if limit.amount is None:
            return 0.0
        window = self._window(limit, scope, now)
        if window.used + units <= limit.amount:
            window.used += units
            return 0.0
        if limit.refused_count:
            window.used += units
        return max(window.start + limit.window_seconds - now, 0.05)

    def left(self, name: str, scope: str, now: float) -> tuple[float, float, float] | None:
        """Of a limit: the amount, what is left of it, and the seconds until it is whole again; None without a limit."""
        limit = self.limits[name]
        if limit.amount is None:
            return None
        window = self._window(limit, scope, now)
        return limit.amount, max(limit.amount - window.used, 0.0), window.start + limit.window_seconds - now

    def _window(self, limit: Limit, scope: str, now: float) -> _Window:
        window = self._windows.get((limit.name, scope))
        if window is None or not 0 <= now - window.start < limit.window_seconds:
            window = self._windows[limit.name, scope] = _Window(now)
        return window

    def hold(self, scope: str, until: float) -> None:
        """The scope was asked to wait until then."""
        self._held[scope] = max(until, self._held.get(scope, 0.0))

    def early(self, scope: str, now: float) -> bool:
        """Whether a call of the scope comes before the time it was asked to wait for."""
        return now < self._held.get(scope, 0.0) - GRACE_SECONDS

    def reset(self) -> None:
        """Forget what was used and who was asked to wait."""
        self._windows.clear()
        self._held.clear()
