"""Two local folders, a ledger, and the runs between them, in this process."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from haulage.engine.context import Options
from haulage.engine.copying import run_copy
from haulage.engine.counts import Watch
from haulage.engine.verify import run_verify
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.codec import dump
from haulage.ledger.runs import RunRow, TransferKey
from haulage.ledger.store import Ledger
from haulage.ledger.work import OutcomeRow
from haulage.model.outcome import RunKind, Status
from haulage.services.contract import Drive
from haulage.services.local.drive import LocalDrive


class Ran:
    """What came of a run."""

    def __init__(self, row: RunRow, status: Status, outcomes: list[OutcomeRow]) -> None:
        self.row = row
        self.status = status
        self.outcomes = outcomes
        self.counts: Mapping[str, Any] = row.counts

    def of(self, path: str) -> OutcomeRow:
        """The only outcome at that path."""
        (outcome,) = [one for one in self.outcomes if one.path == path]
        return outcome

    @property
    def said(self) -> dict[str, str]:
        """Per path: the outcome, or the code where there is one."""
        assert len({one.path for one in self.outcomes}) == len(self.outcomes)
        return {one.path: one.code or one.outcome for one in self.outcomes}


class Sides:
    """A source and a destination below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.target = folder / "destination"
        self.source.mkdir()
        self.target.mkdir()
        self.ledger = Ledger.open(folder / "ledger.db")

    def fill(self, files: Mapping[str, bytes | None]) -> None:
        """Write files at the source; None makes a folder."""
        write(self.source, files)

    async def copy(self) -> Ran:
        """Copy, as `haulage copy` does."""
        options = Options()
        run = self._start(RunKind.COPY, options)
        source, target = LocalDrive(str(self.source)), LocalDrive(str(self.target))
        status, stopped = await run_copy(self.ledger, run, source, target, options, Watch())
        assert stopped is None
        return self._ran(run, status)

    async def verify(
        self,
        *,
        deep: bool = False,
        source: Drive | None = None,
        target: Drive | None = None,
        options: Options | None = None,
    ) -> Ran:
        """Verify, with these drives or plain ones."""
        options = options or Options()
        run = self._start(RunKind.VERIFY, options)
        source = source or LocalDrive(str(self.source))
        target = target or LocalDrive(str(self.target))
        before = self.items()
        status, stopped = await run_verify(self.ledger, run, source, target, options, Watch(), deep=deep)
        assert stopped is None
        assert self.items() == before, "a verification alters no item"
        return self._ran(run, status)

    def _start(self, kind: RunKind, options: Options) -> RunRow:
        key = TransferKey(str(self.source), str(self.target), dump(options.filters), "source", "destination")
        return self.ledger.do(run_rows.start, self.ledger.do(run_rows.transfer_id, key), kind, "test")

    def _ran(self, run: RunRow, status: Status) -> Ran:
        outcomes = self.ledger.read(lambda connection: list(work.outcome_rows(connection, run.id)))
        row = self.ledger.read(run_rows.get, run.id)
        assert row.status == status
        listed = [one for one in outcomes if one.listed]
        assert len(listed) + row.counts["unchanged"] >= row.counts["listed"]
        return Ran(row, status, outcomes)

    def items(self) -> list[Any]:
        """All items of the ledger, as they stand."""
        return self.ledger.read(lambda connection: connection.exec_driver_sql("SELECT * FROM items").fetchall())

    def found(self) -> int:
        """Rows that a run left in the table of what it found."""
        return self.ledger.read(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM found").scalar())


def write(root: Path, files: Mapping[str, bytes | None]) -> None:
    """Write files below root; None makes a folder."""
    for path, body in files.items():
        place = root / path
        (place if body is None else place.parent).mkdir(parents=True, exist_ok=True)
        if body is not None:
            place.write_bytes(body)


def rot(place: Path, at: int = 0) -> None:
    """Flip a bit, as a disk does: neither size nor time tell of it."""
    before = place.stat()
    with place.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (place.stat().st_size, place.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
