"""How long users take at least, by the documented quotas of both services, and which of those binds."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from haulage.services.contract import Quota

DAY_SECONDS = 86_400
UNKNOWN = "no documented quota"


class Bound(msgspec.Struct, frozen=True):
    """At least so long, and why."""

    seconds: int
    words: str


class Estimator:
    """Adds up users. at_once: so many of them run at the same time."""

    def __init__(self, source: Sequence[Quota], destination: Sequence[Quota], at_once: int) -> None:
        self._quotas: list[tuple[Quota, Literal["read", "write"]]] = [(one, "read") for one in source if one.read]
        self._quotas += [(one, "write") for one in destination if one.write]
        self._at_once = at_once
        self._amounts = [0.0] * len(self._quotas)
        self._longest = [0.0] * len(self._quotas)
        self._together = [0.0] * len(self._quotas)

    @property
    def knows(self) -> bool:
        """Whether any quota is documented of these services."""
        return bool(self._quotas)

    def add(self, items: int, size: int) -> Bound:
        """One user more. Returns how long this one takes, alone."""
        alone = []
        for number, (quota, way) in enumerate(self._quotas):
            each = quota.read if way == "read" else quota.write
            amount = each * (size if quota.of == "bytes" else items)
            seconds = _seconds(quota, amount)
            self._amounts[number] += amount
            self._longest[number] = max(self._longest[number], seconds)
            self._together[number] += seconds
            alone.append((seconds, quota.words))
        return _worst(alone)

    def all(self) -> Bound:
        """All of them: what is a user's runs at the same time for several, what is the account's is shared."""
        found = []
        for number, (quota, _) in enumerate(self._quotas):
            shared = self._together[number] / self._at_once
            mine = max(self._longest[number], shared)
            seconds = _seconds(quota, self._amounts[number]) if quota.per == "account" else mine
            found.append((seconds, quota.words))
        return _worst(found)


def _seconds(quota: Quota, amount: float) -> float:
    """Of a day's quota, what is left of the first day is there at once; shorter ones are spread evenly."""
    if quota.seconds >= DAY_SECONDS:
        return max(0, -(-amount // quota.most) - 1) * quota.seconds
    return amount / quota.most * quota.seconds


def _worst(found: Sequence[tuple[float, str]]) -> Bound:
    seconds, words = max(found, default=(0.0, UNKNOWN), key=lambda one: one[0])
    return Bound(-int(-seconds // 1), words if seconds else UNKNOWN)
