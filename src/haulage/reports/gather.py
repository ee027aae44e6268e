"""Goes once through the outcomes of a run and keeps what a page can show of them: counts, and a few examples each."""

import msgspec

from haulage.ledger.work import OutcomeRow
from haulage.model.outcome import SUCCESSFUL, WRONG, OutcomeKind

EXAMPLES = 100
"""Items that a page shows of a group; all are in the CSV and JSONL files beside it."""


class Group(msgspec.Struct):
    """Items of one cause. examples: the first EXAMPLES of them."""

    outcome: str
    code: str | None
    side: str | None
    items: int = 0
    size: int = 0
    examples: list[OutcomeRow] = []

    def add(self, row: OutcomeRow) -> None:
        """Count one more."""
        self.items += 1
        self.size += row.size
        if len(self.examples) < EXAMPLES:
            self.examples.append(row)


class Gathered:
    """What one pass over the outcomes found. Its size does not depend on how many there are.

    problems: failed and changed at the source, by code and side. left_out: skipped and unsupported. gone: listed, then
    removed at the source. beyond: what is not in this run's listing, such as items removed since an earlier run.
    proofs: how many items were proven by what, by (outcome, proof).
    """

    def __init__(self) -> None:
        self.problems: dict[tuple[str, str | None, str | None], Group] = {}
        self.left_out: dict[tuple[str, str | None, str | None], Group] = {}
        self.gone: dict[tuple[str, str | None, str | None], Group] = {}
        self.beyond: dict[tuple[str, str | None, str | None], Group] = {}
        self.proofs: dict[tuple[str, str], int] = {}
        self.renamed = Group("renamed", None, None)
        self.kept_both = Group("kept_both", "kept_both", None)
        self.weak = Group(OutcomeKind.VERIFIED_WEAK, None, None)

    def add(self, row: OutcomeRow) -> None:
        """Take in one outcome."""
        place = self._place(row)
        if place is not None:
            key = (row.outcome, row.code, row.side)
            if key not in place:
                place[key] = Group(*key)
            place[key].add(row)
        elif row.outcome in SUCCESSFUL:
            self._proven(row)
        if row.code == "kept_both":
            self.kept_both.add(row)
        elif row.target is not None and row.target != row.path:
            self.renamed.add(row)

    def _place(self, row: OutcomeRow) -> dict[tuple[str, str | None, str | None], Group] | None:
        if not row.listed:
            return self.beyond
        if row.outcome in WRONG:
            return self.problems
        if row.outcome in (OutcomeKind.SKIPPED, OutcomeKind.UNSUPPORTED):
            return self.left_out
        return self.gone if row.outcome == OutcomeKind.GONE_AT_SOURCE else None

    def _proven(self, row: OutcomeRow) -> None:
        proof = (row.outcome, str(row.evidence.get("proof") or "made as a folder"))
        self.proofs[proof] = self.proofs.get(proof, 0) + 1
        if row.outcome == OutcomeKind.VERIFIED_WEAK:
            self.weak.add(row)


def ranked(groups: dict[tuple[str, str | None, str | None], Group]) -> list[Group]:
    """The largest first."""
    return sorted(groups.values(), key=lambda group: (-group.items, group.outcome, group.code or "", group.side or ""))
