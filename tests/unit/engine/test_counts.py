"""What a run counts, and what its last words make of it."""

from haulage.cli.copy import ended_text
from haulage.engine.counts import Counts
from haulage.ledger.runs import RunRow
from haulage.model.outcome import Outcome, OutcomeKind, Status
from haulage.operations.transfers import Ended


def test_what_was_verified_weakly_is_told() -> None:
    """Of two files one was proven by its size alone: whoever reads only the end of the run learns that."""
    counts = Counts(listed=2)
    counts.add(Outcome(1, "a", OutcomeKind.VERIFIED, 1))
    counts.add(Outcome(2, "b", OutcomeKind.VERIFIED_WEAK, 1))
    assert (counts.successful, counts.weak) == (2, 1)
    row = RunRow(1, 1, "copy", Status.SUCCESS, 0, 1, 1, counts.as_json(), None, "/a", "/b")
    assert "Verified weakly, by size or no strong hash: 1." in ended_text(Ended(row, Status.SUCCESS, None), False)
