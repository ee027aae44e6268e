"""The fault plan: which faults to put at which calls. Set through the control API.

The numbers F01 to F62 name the faults of the project's catalogue; PRESETS says what each is here. A service may say it
in its own words (Simulator.presets): throttling is a 403 at one and a 429 at another.
"""

import random
from fnmatch import fnmatchcase
from typing import Any

import msgspec

ON_THE_WIRE = {
    "answer": "answer with `status`, `headers`, `body` (text, or a JSON value); `applied`: after the effect",
    "throttle": "the service's own throttling answer; `retry_after`: seconds, any text, or null for none",
    "failure": "the service's own answer for `status` (500, 502, 503, 504 ...); `applied`: after the effect",
    "break": "break the connection `at` request, applied or answer, `after` so many bytes; `how`: close, reset, stall",
    "delay": "answer `seconds` later",
    "slow": "send the body at `bytes_per_second`",
    "truncate": "send only `after` bytes of the body; `framing`: length (the whole one), short (fits), chunked",
    "extend": "send `by` bytes more than the body has, with a length that fits",
    "flip": "flip a bit of the body's byte `at`",
}
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "F01": ("throttle", {"retry_after": None}),
    "F02": ("throttle", {"retry_after": 2}),
    "F03": ("throttle", {"retry_after": "date", "seconds": 3}),
    "F04": ("throttle", {"retry_after": "120junk"}),
    "F05": ("throttle", {"retry_after": None}),
    "F06": ("failure", {"status": 503, "applied": False}),
    "F07": ("failure", {"status": 503, "applied": True}),
    "F08": ("async_failure", {}),
    "F09": ("break", {"at": "request", "after": 1, "how": "reset"}),
    "F10": ("break", {"at": "answer", "after": 1, "how": "reset"}),
    "F11": ("truncate", {"after": 1, "framing": "length"}),
    "F12": ("truncate", {"after": 1, "framing": "chunked"}),
    "F13": ("extend", {"by": 7}),
    "F14": ("break", {"at": "answer", "after": 0, "how": "stall"}),
    "F15": ("slow", {"bytes_per_second": 100}),
    "F16": ("checksum_wrong", {}),
    "F17": ("range_ignored", {}),
    "F18": ("token_expired", {}),
    "F20": ("break", {"at": "applied", "how": "reset"}),
    "F21": ("grant_revoked", {}),
    "F22": ("failure", {"status": 503, "applied": False}),
    "F23": ("scope_missing", {}),
    "F24": ("session_lost", {}),
    "F25": ("break", {"at": "applied", "how": "reset"}),
    "F26": ("part_lost", {}),
    "F28": ("page_twice", {}),
    "F29": ("cursor_loop", {}),
    "F30": ("listed_late", {"seconds": 30}),
    "F35": ("quota_full", {}),
    "F36": ("daily_limit", {}),
    "F37": ("denied", {}),
    "F39": ("locked", {}),
    "F44": ("answer", {"status": 200, "headers": {"Content-Type": "application/json"}, "body": "[" * 100_000}),
    "F45": ("break", {"at": "applied", "how": "close"}),
}


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where a fault strikes. service, operation, path, method, actor: patterns with * and ?.

    nth: only the n-th call that matches (from 1); times: this often at the most; probability: of each matching call,
    decided by the seed. fault: a number of the catalogue, a name of ON_THE_WIRE, or one that the service knows.
    details: what the fault needs, over what its preset says.
    """

    fault: str
    service: str = "*"
    operation: str = "*"
    path: str = "*"
    method: str = "*"
    actor: str = "*"
    nth: int | None = None
    times: int | None = None
    probability: float = 1.0
    details: dict[str, Any] = {}
    id: str = ""
    seen: int = 0
    struck: int = 0

    def matches(self, service: str, operation: str, method: str, path: str, actor: str) -> bool:
        """Whether a call is one that this rule is about."""
        return (
            fnmatchcase(service, self.service)
            and fnmatchcase(operation, self.operation)
            and fnmatchcase(method, self.method)
            and fnmatchcase(path, self.path)
            and fnmatchcase(actor, self.actor)
        )


class Strike(msgspec.Struct, frozen=True):
    """A fault that strikes a call."""

    fault: str
    name: str
    details: dict[str, Any]


class FaultPlan:
    """The rules in force, in the order in which they were set."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - faults are chosen, not secrets
        self._count = 0
        self.rules: list[Rule] = []

    def add(self, rule: Rule) -> Rule:
        """Set a rule; it gets an id if it has none."""
        self._count += 1
        rule.id = rule.id or f"rule-{self._count}"
        self.rules = [one for one in self.rules if one.id != rule.id] + [rule]
        return rule

    def remove(self, rule_id: str) -> bool:
        """Take a rule back; False if there is none of that id."""
        kept = [one for one in self.rules if one.id != rule_id]
        gone, self.rules = len(kept) < len(self.rules), kept
        return gone

    def strikes(
        self,
        presets: dict[str, tuple[str, dict[str, Any]]],
        service: str,
        operation: str,
        method: str,
        path: str,
        actor: str,
    ) -> list[Strike]:
        """The faults that strike this call; counts it for each rule that it matches."""
        struck = []
        for rule in self.rules:
            if not rule.matches(service, operation, method, path, actor):
                continue
            rule.seen += 1
            if (rule.nth is not None and rule.seen != rule.nth) or (
                rule.times is not None and rule.struck >= rule.times
            ):
                continue
            if rule.probability < 1 and self._random.random() >= rule.probability:
                continue
            rule.struck += 1
            name, details = presets.get(rule.fault) or PRESETS.get(rule.fault) or (rule.fault, {})
            struck.append(Strike(rule.fault, name, {**details, **rule.details}))
        return struck
