"""Ledgers with a made history, for the tests of reports."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from haulage.engine.counts import Counts
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.ledger.work import OutcomeRow, Settled
from haulage.model.outcome import Outcome, RunKind, Status

KEY = TransferKey("file:///from", "s3://host/bucket", "{}", "/from", "s3://bucket")


class History:
    """A ledger and one run in it."""

    def __init__(self, home: Path, kind: RunKind = RunKind.COPY, key: TransferKey = KEY) -> None:
        self.ledger = Ledger.open(home / "ledger.db")
        self.transfer = self.ledger.do(run_rows.transfer_id, key)
        self.run = self.ledger.do(run_rows.start, self.transfer, kind, "test:1").id
        self.counts = Counts(source_complete=True, target_complete=True)

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """Record outcomes, as the engine does; they count as listed."""
        settled = []
        for outcome in outcomes:
            self.counts.listed += 1
            self.counts.listed_bytes += outcome.size
            self.counts.add(outcome)
            settled.append(Settled(outcome))
        self.ledger.do(work.commit, self.run, settled, self.counts.as_json(), {})

    def end(self, status: Status = Status.SUCCESS) -> None:
        """End the run."""
        self.ledger.do(run_rows.finish, self.run, status, self.counts.as_json(), None)


def row(path: str = "a", outcome: str = "verified", **facts: Any) -> OutcomeRow:
    """An outcome as it is recorded."""
    plain: dict[str, Any] = {
        **{"item_id": 1, "path": path, "target": None, "outcome": outcome, "size": 0, "code": None, "message": None},
        **{"fix": None, "side": None, "listed": True, "adopted": False, "at_us": 0, "evidence": {}},
    }
    return OutcomeRow(**{**plain, **facts})
