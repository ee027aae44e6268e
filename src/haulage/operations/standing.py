"""How the transfers of a migration stand now: a run without an end whose process is gone was killed."""

from collections.abc import Callable, Sequence

import msgspec

from haulage.ledger import runs as run_rows
from haulage.ledger.migration_rows import Standing, TransferRow
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Connection, Ledger
from haulage.model.outcome import Status
from haulage.operations.home import transfer_held


def as_they_are(ledger: Ledger, found: Sequence[TransferRow]) -> list[TransferRow]:
    """These transfers, each with how its runs stand now."""
    return _corrected(found, lambda number: ledger.read(run_rows.get, number))


def as_they_are_within(connection: Connection, found: Sequence[TransferRow]) -> list[TransferRow]:
    """Likewise, in a transaction that writes: no run can be ended by its process meanwhile."""
    return _corrected(found, lambda number: run_rows.get(connection, number))


def _corrected(found: Sequence[TransferRow], get: Callable[[int], RunRow]) -> list[TransferRow]:
    return [
        msgspec.structs.replace(one, run=_now(one.run, get), scan=_now(one.scan, get)) if _open(one) else one
        for one in found
    ]


def _open(row: TransferRow) -> bool:
    return any(run is not None and run.ended_us is None for run in (row.run, row.scan))


def _now(run: Standing | None, get: Callable[[int], RunRow]) -> Standing | None:
    if run is None or run.ended_us is not None or transfer_held(get(run.id).transfer_id):
        return run
    row = get(run.id)  # it may have ended, and let go, just now
    if row.ended_us is not None:
        return msgspec.structs.replace(run, status=row.status, ended_us=row.ended_us, message=row.message)
    return msgspec.structs.replace(run, status=int(Status.CRASHED), ended_us=row.beat_us)
