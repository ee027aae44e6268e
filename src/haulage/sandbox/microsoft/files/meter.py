"""What calls cost in resource units, and what an application or user may spend.

Source: learn.microsoft.com "Avoid getting throttled or blocked in SharePoint Online" (2026-07). The amounts are those
of a tenant of up to 1,000 licences.
"""

from haulage.sandbox.frame.budgets import Budgets, Limit
from haulage.sandbox.frame.wire import Answer, Call

SOURCE = "throttling"
TOLD_FROM = 0.8  # of the application's minute is used: from then on RateLimit headers are sent
LIMITS = (
    Limit(name="app-minute-units", amount=1250, window_seconds=60, source=SOURCE, refused_count=True),
    Limit(name="app-day-units", amount=1_200_000, window_seconds=86_400, source=SOURCE, refused_count=True),
    Limit(name="tenant-5-minute-units", amount=18_750, window_seconds=300, source=SOURCE, refused_count=True),
    Limit(name="user-5-minute-requests", amount=3000, window_seconds=300, source=SOURCE, refused_count=True),
    Limit(name="sharing-5-minute-requests", amount=300, window_seconds=300, source=SOURCE, refused_count=True),
    Limit(name="app-hour-bytes-in", amount=400 << 30, window_seconds=3600, source=SOURCE),
    Limit(name="app-hour-bytes-out", amount=400 << 30, window_seconds=3600, source=SOURCE),
)
LONGEST_WAIT = 3600


class Meter:
    """Charges calls. Budgets are counted for an application in a tenant, for a tenant, and for a user in it."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    def charge(self, call: Call, *, tenant: str, user: str, units: float, sharing: bool) -> str:
        """Spend what the call costs; the event's scope is application and tenant.

        Returns "", or the Retry-After of a call that has to wait.
        """
        event, budgets = call.event, self._budgets
        event.units = units
        now, pair = event.time, event.scope
        waits = [
            budgets.charge("app-minute-units", pair, units, now),
            budgets.charge("app-day-units", pair, units, now),
            budgets.charge("tenant-5-minute-units", tenant, units, now),
        ]
        if user:
            waits.append(budgets.charge("user-5-minute-requests", f"{user}@{tenant}", 1, now))
        if sharing:
            waits.append(budgets.charge("sharing-5-minute-requests", pair, 1, now))
        longest = max(waits)
        return str(min(int(longest) + 1, LONGEST_WAIT)) if longest else ""

    def spend_bytes(self, name: str, call: Call, size: int, scope: str) -> str:
        """Spend bytes in or out; as `charge`. name: app-hour-bytes-in or app-hour-bytes-out."""
        wait = self._budgets.charge(name, scope, size, call.event.time)
        return str(min(int(wait) + 1, LONGEST_WAIT)) if wait else ""

    def tell(self, call: Call, answer: Answer) -> None:
        """Add RateLimit headers where the application's minute is nearly used up."""
        scope = call.event.scope
        left = self._budgets.left("app-minute-units", scope, call.event.time) if scope else None
        if left is None:
            return
        amount, remaining, seconds = left
        if remaining <= amount * (1 - TOLD_FROM):
            answer.headers["RateLimit-Limit"] = f"{amount:.0f}"
            answer.headers["RateLimit-Remaining"] = f"{remaining:.0f}"
            answer.headers["RateLimit-Reset"] = f"{max(seconds, 1):.0f}"
