"""What a run comes to, in numbers that add up: from the outcomes that are recorded, not from progress counters."""

from collections.abc import Sequence
from typing import Any

import msgspec

from haulage.ledger.runs import RunRow, TransferKey
from haulage.model.outcome import OutcomeKind, RunKind, status_words
from haulage.reports.lines import OUTCOME_TEXT


class Term(msgspec.Struct, frozen=True):
    """One term of the sum that makes up what was listed. name: stable, for machines."""

    name: str
    label: str
    items: int
    size: int


class Sum(msgspec.Struct, frozen=True):
    """Listed = the terms + what was not reached. excess: outcomes beyond what was listed, which must never be."""

    listed: int
    listed_bytes: int
    terms: list[Term]
    not_reached: int
    excess: int

    @property
    def adds_up(self) -> bool:
        """Whether every listed item is accounted for."""
        return self.not_reached == 0 and self.excess == 0


def add_up(run: RunRow, totals: Sequence[dict[str, Any]]) -> Sum:
    """The sum of a run. totals: see ledger.work.totals; unchanged items have no rows and are counted in the run."""
    counts = run.counts
    found: dict[tuple[str, bool], tuple[int, int]] = {}
    for row in totals:
        if row["listed"]:
            key = (row["outcome"], bool(row["adopted"]))
            items, size = found.get(key, (0, 0))
            found[key] = (items + row["items"], size + row["bytes"])
    unchanged, unchanged_bytes = found.pop((OutcomeKind.UNCHANGED, False), (0, 0))
    terms = []
    for outcome in OutcomeKind:
        for adopted in (False, True):
            if (outcome, adopted) in found:
                name = f"{outcome}_adopted" if adopted else outcome.value
                terms.append(Term(name, _label(outcome, adopted, run.kind), *found[outcome, adopted]))
    listed, listed_bytes = counts.get("listed", 0), counts.get("listed_bytes", 0)
    if run.kind == RunKind.SCAN and not run.destination:
        terms = _surveyed(counts, terms)
    else:
        if run.kind == RunKind.SCAN:
            terms.insert(0, Term("planned", "To be copied", counts.get("planned", 0), counts.get("planned_bytes", 0)))
        unchanged = max(unchanged, counts.get("unchanged", 0))
        unchanged_bytes = max(unchanged_bytes, counts.get("unchanged_bytes", 0))
        terms.insert(0, Term("unchanged", "Unchanged since an earlier run", unchanged, unchanged_bytes))
    accounted = sum(term.items for term in terms)
    return Sum(listed, listed_bytes, terms, max(0, listed - accounted), max(0, accounted - listed))


def _surveyed(counts: dict[str, Any], terms: list[Term]) -> list[Term]:
    """The terms of a scan of one location, which records only what cannot be copied; filters are counted in the run."""
    skipped = Term("skipped", "Left out by filters", counts.get("skipped", 0), 0)
    told = sum(term.items for term in terms) + skipped.items
    rest = max(0, counts.get("listed", 0) - told)
    size = max(0, counts.get("listed_bytes", 0) - sum(term.size for term in terms))
    fine = Term("copyable", "Nothing stands in the way of copying", rest, size)
    return [fine, *([skipped] if skipped.items else []), *terms]


def _label(outcome: OutcomeKind, adopted: bool, kind: str) -> str:
    text = OUTCOME_TEXT[outcome]
    if adopted:
        return f"{text}; was at the destination already"
    if outcome == OutcomeKind.VERIFIED:
        return text if kind == RunKind.VERIFY else f"{text}; copied in this run"
    if outcome == OutcomeKind.VERIFIED_WEAK:
        return f"{text} (by size, or by a hash that cannot prove order)"
    return text


def duration_seconds(run: RunRow) -> float:
    """How long the run took, or has been going on as far as its beat tells."""
    return max(0, (run.ended_us or run.beat_us) - run.started_us) / 1_000_000


def facts(run: RunRow, key: TransferKey, added: Sum) -> dict[str, Any]:
    """A run as a document: what, when, how it ended, and the sum."""
    seconds, sent = duration_seconds(run), run.counts.get("sent_bytes", 0)
    return {
        "run": run.id,
        "kind": run.kind,
        "status": run.status,
        "status_text": status_words(run.status, run.kind),
        "message": run.message,
        "source": run.source,
        "destination": run.destination,
        "source_identity": key.source,
        "destination_identity": key.destination,
        "filters": msgspec.json.decode(key.filters) if key.filters else {},
        "started_us": run.started_us,
        "ended_us": run.ended_us,
        "duration_seconds": seconds,
        "listed": added.listed,
        "listed_bytes": added.listed_bytes,
        "sum": [{"name": term.name, "items": term.items, "bytes": term.size} for term in added.terms],
        "not_reached": added.not_reached,
        "excess": added.excess,
        "adds_up": added.adds_up,
        "sent_bytes": sent,
        "resumed_bytes": run.counts.get("resumed_bytes", 0),
        "bytes_per_second": round(sent / seconds) if seconds else None,
        "survey": run.counts.get("survey"),
        "source_calls": run.counts.get("source_calls", {}),
        "destination_calls": run.counts.get("target_calls", {}),
        "incomplete": run.counts.get("incomplete", []),
        "listing_complete": bool(run.counts.get("source_complete") and run.counts.get("target_complete")),
    }
