"""What a run counts while it goes, and what it tells whoever watches."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from haulage.engine.governor import Permit, ScopePacer
from haulage.model.errors import HaulageError
from haulage.model.outcome import SUCCESSFUL, Outcome, OutcomeKind, Status
from haulage.model.words import until_text

BYTES_OF = {
    OutcomeKind.SKIPPED: "skipped_bytes",
    OutcomeKind.UNSUPPORTED: "unsupported_bytes",
    OutcomeKind.FAILED: "failed_bytes",
    OutcomeKind.CHANGED_AT_SOURCE: "failed_bytes",
}


class Counts(msgspec.Struct):
    """Counters of a run: items and bytes. `listed` = unchanged + the sum of the outcomes, once the run has ended."""

    listed: int = 0
    listed_bytes: int = 0
    folders_listed: int = 0
    unchanged: int = 0
    unchanged_bytes: int = 0
    planned: int = 0
    planned_bytes: int = 0
    needed_bytes: int = 0
    free_bytes: int | None = None
    successful: int = 0
    successful_bytes: int = 0
    adopted: int = 0
    weak: int = 0
    kept_both: int = 0
    destination_changed: int = 0
    skipped: int = 0
    skipped_bytes: int = 0
    unsupported: int = 0
    unsupported_bytes: int = 0
    failed: int = 0
    failed_bytes: int = 0
    changed_at_source: int = 0
    gone_at_source: int = 0
    removed_at_source: int = 0
    sent_bytes: int = 0
    resumed_bytes: int = 0
    source_complete: bool = False
    target_complete: bool = False
    source_calls: dict[str, int] = {}
    target_calls: dict[str, int] = {}
    incomplete: list[str] = []

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        if outcome.kind in SUCCESSFUL:
            self.successful += 1
            self.successful_bytes += outcome.size
            self.adopted += outcome.adopted
            self.weak += outcome.kind == OutcomeKind.VERIFIED_WEAK
            self.kept_both += outcome.code == "kept_both"
        elif outcome.kind == OutcomeKind.UNCHANGED:
            self.unchanged += 1
            self.unchanged_bytes += outcome.size
        else:
            self.destination_changed += outcome.code == "destination_changed"
            setattr(self, outcome.kind, getattr(self, outcome.kind) + 1)
            if (name := BYTES_OF.get(outcome.kind)) is not None:
                setattr(self, name, getattr(self, name) + outcome.size)

    def settled(self) -> int:
        """Items that have an outcome."""
        ended_well = self.unchanged + self.successful
        return ended_well + self.skipped + self.unsupported + self.failed + self.changed_at_source + self.gone_at_source

    def as_json(self) -> dict[str, Any]:
        """For the ledger and for events."""
        return msgspec.structs.asdict(self)


Listener = Callable[[str, dict[str, Any]], None]
"""Called with an event's name and its facts, see docs/reference/events."""


class Watch:
    """What a run shows of itself: counters, rates, and the sentence that says what it waits for."""

    def __init__(self, listener: Listener | None = None) -> None:
        self.counts = Counts()
        self.began = time.monotonic()
        self.waiting: str | None = None
        self.waiting_until = 0.0
        self.on_pause: list[Callable[[], None]] = []
        self.sides: set[str] = set()
        self.answer_seconds = 0.0
        """How long the slower of the two ends took to answer, as seen before the run began."""
        self.pacers: dict[str, ScopePacer] = {}
        self.permits: dict[int, Permit] = {}
        """Whether each connector of this run may still be used."""
        self.pauses: tuple[tuple[type[HaulageError], Status], ...] = ()
        """Errors that pause this run instead of ending it for good: a connector's lost authorisation."""
        self.stopping: tuple[Status, str] | None = None
        """As what a run that is being cancelled ends, and why; None: as canceled."""
        self._listeners = [listener] if listener is not None else []

    def listen(self, listener: Listener) -> None:
        """Tell one more listener of what happens from now on."""
        self._listeners.append(listener)

    def paused(self, scope: str, seconds: float, called: str, *, slower: bool = True) -> None:
        """A service asked for a wait. called: the service, as people name it. slower: do less at once from now on."""
        self.waiting_until = time.monotonic() + seconds
        self.waiting = f"{called} until {until_text(seconds)}"
        for slow_down in self.on_pause if slower else ():
            slow_down()
        self.tell("waiting", scope=scope, seconds=round(seconds, 1), waits_for=self.waiting)

    def waits_for(self) -> str | None:
        """What the run waits for just now, and until when: "Microsoft until 14:02:11 UTC"."""
        return self.waiting if time.monotonic() < self.waiting_until else None

    def tell(self, event: str, **facts: Any) -> None:
        """Hand an event to whoever listens."""
        for listener in self._listeners:
            listener(event, facts)

    def outcome(self, outcome: Outcome) -> None:
        """Count an outcome, and tell at once of one that a person has to look at."""
        self.counts.add(outcome)
        if outcome.side is not None:
            self.sides.add(outcome.side)
        if outcome.kind in (OutcomeKind.FAILED, OutcomeKind.CHANGED_AT_SOURCE, OutcomeKind.UNSUPPORTED):
            facts = {"code": outcome.code, "message": outcome.message, "fix": outcome.fix}
            self.tell("problem", path=outcome.path, outcome=outcome.kind.value, **facts)
