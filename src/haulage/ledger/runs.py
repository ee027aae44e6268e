"""Transfers and their runs. A transfer is one source root to one destination root; a run is one execution of it."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger import passes, standings
from haulage.ledger.codec import dump, load
from haulage.ledger.schema import found, items, migration_rows, runs, scanned, transfers, units
from haulage.ledger.store import now_us
from haulage.model.errors import LeaseLost, Refused
from haulage.model.outcome import RunKind, Side, Status

RUNS_LOOKED_AT = 20


class TransferKey(msgspec.Struct, frozen=True):
    """What makes a transfer the same one: both drives' identities and the filters (normalised JSON)."""

    source: str
    destination: str
    filters: str
    source_shown: str
    destination_shown: str
    source_connector: int | None = None
    destination_connector: int | None = None


class RunRow(msgspec.Struct, frozen=True):
    """A run as it is recorded. counts: see engine.counts. Times in UTC microseconds."""

    id: int
    transfer_id: int
    kind: str
    status: int
    started_us: int
    ended_us: int | None
    beat_us: int
    counts: dict[str, Any]
    message: str | None
    source: str
    destination: str


def transfer_id(connection: sa.Connection, key: TransferKey) -> int:
    """The transfer of that key, made if it is new."""
    same = (
        (transfers.c.source == key.source)
        & (transfers.c.destination == key.destination)
        & (transfers.c.filters == key.filters)
    )
    known = connection.execute(sa.select(transfers).where(same)).one_or_none()
    if known is not None:
        reached = key.source_connector, key.destination_connector
        if reached != (known.source_connector, known.destination_connector):  # the same places, reached another way now
            connection.execute(
                transfers.update().where(transfers.c.id == known.id).values(**msgspec.structs.asdict(key))
            )
        return int(known.id)
    made = connection.execute(transfers.insert().values(created_us=now_us(), **msgspec.structs.asdict(key)))
    return int(made.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has its key


def transfer_key(connection: sa.Connection, transfer: int) -> TransferKey:
    """What makes that transfer what it is."""
    row = connection.execute(sa.select(transfers).where(transfers.c.id == transfer)).one()
    shown = row.source_shown, row.destination_shown
    return TransferKey(
        row.source, row.destination, row.filters, *shown, row.source_connector, row.destination_connector
    )


def paused_for(connection: sa.Connection, connector_id: int) -> list[TransferKey]:
    """Transfers whose newest run copied and waits for that connector to be authorised again, oldest first.

    Not what a pass of a migration holds, which goes on with it as a whole, nor what was canceled there.
    """
    latest = runs.alias("latest")  # a name of its own: the outer query reads from runs too
    newest = sa.select(sa.func.max(latest.c.id)).where(latest.c.transfer_id == transfers.c.id).scalar_subquery()
    its = (transfers.c.source_connector == connector_id) | (transfers.c.destination_connector == connector_id)
    waits = (runs.c.status == int(Status.PAUSED_REAUTHORISE)) & (runs.c.kind == RunKind.COPY)
    both = transfers.join(runs, runs.c.transfer_id == transfers.c.id)
    theirs = passes.holding(transfers.c.id) | passes.canceled(transfers.c.id, runs.c.id)
    known = (runs.c.id == newest) & its & waits & ~theirs
    chosen = sa.select(transfers.c.id).select_from(both).where(known).order_by(runs.c.id)
    return [transfer_key(connection, one) for one in connection.scalars(chosen)]


def interrupted(connection: sa.Connection, told: str) -> list[int]:
    """Copies that did not end by themselves and were not started again since, oldest first.

    Those without an end, which may go on or be killed; those that a kill was noticed of; and those that were paused
    with that message.
    """
    later = runs.alias("later")
    newer = sa.exists().where((later.c.transfer_id == runs.c.transfer_id) & (later.c.id > runs.c.id))
    paused = (runs.c.status == int(Status.PAUSED)) & (runs.c.message == told)
    cut = runs.c.ended_us.is_(None) | (runs.c.status == int(Status.CRASHED)) | paused
    chosen = sa.select(runs.c.id).where(cut & (runs.c.kind == RunKind.COPY) & ~newer).order_by(runs.c.id)
    return list(connection.scalars(chosen))


def crashes_in_a_row(connection: sa.Connection, transfer: int, most: int) -> int:
    """How many of a transfer's newest runs were killed, one after the other; at most so many are looked at."""
    newest_ones = sa.select(runs.c.status).where(runs.c.transfer_id == transfer).order_by(runs.c.id.desc()).limit(most)
    return len(list(takewhile(lambda status: status == Status.CRASHED, connection.scalars(newest_ones))))


def positions(connection: sa.Connection, transfer: int) -> dict[Side, str | None]:
    """Where the services' records of changes stood when both sides of the transfer were last known wholly."""
    row = connection.execute(sa.select(transfers).where(transfers.c.id == transfer)).one()
    return {Side.SOURCE: row.source_position, Side.DESTINATION: row.destination_position}


def keep_positions(connection: sa.Connection, transfer: int, known: Mapping[Side, str]) -> None:
    """Remember where they stood; of a side that is not told, what was remembered stays."""
    if known:
        values = {f"{side.value}_position": position for side, position in known.items()}
        connection.execute(transfers.update().where(transfers.c.id == transfer).values(values))


def start(connection: sa.Connection, transfer: int, kind: RunKind, owner: str) -> RunRow:
    """Begin a run and fence off the earlier ones: whoever still works on one of them can commit nothing any more.

    The caller holds the transfer's lock, so an earlier run without an end was killed: it ends as CRASHED here.
    """
    now = now_us()
    unfinished = (runs.c.transfer_id == transfer) & runs.c.ended_us.is_(None)
    crashed = connection.scalars(sa.select(runs.c.id).where(unfinished)).all()
    if crashed:
        connection.execute(
            runs.update().where(runs.c.id.in_(crashed)).values(ended_us=runs.c.beat_us, status=int(Status.CRASHED))
        )
        _clear(connection, crashed)
        connection.execute(scanned.delete().where(scanned.c.run_id.in_(crashed)))
    epoch = 1 + (connection.scalar(sa.select(sa.func.max(runs.c.epoch)).where(runs.c.transfer_id == transfer)) or 0)
    made = connection.execute(
        runs.insert().values(
            transfer_id=transfer,
            kind=kind,
            status=int(Status.RUNNING),
            started_us=now,
            owner=owner,
            epoch=epoch,
            beat_us=now,
            counts="{}",
        )
    )
    run_id = int(made.inserted_primary_key[0])  # type: ignore[index] # likewise
    for one in (*crashed, run_id):
        standings.keep(connection, one)
    return get(connection, run_id)


def beat(connection: sa.Connection, run_id: int, counts: dict[str, Any] | None = None) -> None:
    """Say that the run lives, and fence: raises LeaseLost if it was ended by another. First act of every commit."""
    values: dict[str, Any] = {"beat_us": now_us()}
    if counts is not None:
        values["counts"] = dump(counts)
    alive = (runs.c.id == run_id) & runs.c.ended_us.is_(None)
    if connection.execute(runs.update().where(alive).values(**values)).rowcount != 1:
        raise LeaseLost(f"run {run_id} was taken over")
    if counts is not None:
        standings.keep(connection, run_id)


def finish(connection: sa.Connection, run_id: int, status: Status, counts: dict[str, Any], message: str | None) -> None:
    """End the run. What was only needed while it ran goes away."""
    beat(connection, run_id, counts)
    connection.execute(
        runs.update().where(runs.c.id == run_id).values(ended_us=now_us(), status=int(status), message=message)
    )
    standings.keep(connection, run_id)
    _clear(connection, [run_id])


def _clear(connection: sa.Connection, ended: Sequence[int]) -> None:
    """What was only needed while those runs went on goes away. Items leave their units: a number is used again."""
    connection.execute(found.delete().where(found.c.run_id.in_(ended)))
    theirs = sa.select(units.c.id).where(units.c.run_id.in_(ended))
    connection.execute(items.update().where(items.c.unit_id.in_(theirs)).values(unit_id=None))
    connection.execute(units.delete().where(units.c.run_id.in_(ended)))


def remark(connection: sa.Connection, run_id: int, message: str) -> None:
    """Say something of a run that has ended, and said nothing itself."""
    silent = (runs.c.id == run_id) & runs.c.ended_us.is_not(None) & runs.c.message.is_(None)
    connection.execute(runs.update().where(silent).values(message=message))


def later(connection: sa.Connection, run: RunRow) -> int | None:
    """The newest run of the same transfer and kind that began after that one."""
    same = (runs.c.transfer_id == run.transfer_id) & (runs.c.kind == run.kind)
    found: int | None = connection.scalar(sa.select(sa.func.max(runs.c.id)).where(same & (runs.c.id > run.id)))
    return found


def last_listed(connection: sa.Connection, source: str) -> int | None:
    """How many items that source had when it was listed to its end the last time; None where it never was."""
    chosen = sa.select(runs.c.counts).join(transfers).where(transfers.c.source == source).order_by(runs.c.id.desc())
    for text in connection.scalars(chosen.limit(RUNS_LOOKED_AT)):
        counts = load(text)
        if counts.get("source_complete"):
            return int(counts["listed"])
    return None


_SELECT = sa.select(runs, transfers.c.source_shown, transfers.c.destination_shown).join(transfers)


def _row(row: Any) -> RunRow:
    return RunRow(
        id=row.id,
        transfer_id=row.transfer_id,
        kind=row.kind,
        status=row.status,
        started_us=row.started_us,
        ended_us=row.ended_us,
        beat_us=row.beat_us,
        counts=load(row.counts),
        message=row.message,
        source=row.source_shown,
        destination=row.destination_shown,
    )


def get(connection: sa.Connection, run_id: int) -> RunRow:
    """One run. Raises Refused if there is none of that number."""
    row = connection.execute(_SELECT.where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise Refused(f"there is no run {run_id}", "See `haulage runs` for the runs that there are.")
    return _row(row)


def newest(
    connection: sa.Connection, limit: int, before: int | None = None, connectors: Sequence[int] | None = None
) -> list[RunRow]:
    """The newest runs, newest first. before: of smaller numbers; connectors: only between those of these numbers."""
    chosen = _SELECT.order_by(runs.c.id.desc()).limit(limit)
    if before is not None:
        chosen = chosen.where(runs.c.id < before)
    if connectors is not None:
        alone = (runs.c.kind == RunKind.SCAN) & (transfers.c.destination == "")
        ends = transfers.c.destination_connector.in_(connectors) | alone
        chosen = chosen.where(transfers.c.source_connector.in_(connectors) & ends)
    return [_row(row) for row in connection.execute(chosen)]


def of_transfers(connection: sa.Connection, links: Sequence[int]) -> list[RunRow]:
    """All runs of these transfers, newest first."""
    chosen = _SELECT.where(runs.c.transfer_id.in_(links)).order_by(runs.c.id.desc())
    return [_row(row) for row in connection.execute(chosen)]


def of_rows(connection: sa.Connection, migration: int, row_ids: Sequence[int]) -> list[tuple[int, int]]:
    """All runs of these transfers of a migration: the number of each transfer, and of the run."""
    linked = (migration_rows.c.transfer_id == runs.c.transfer_id) | (migration_rows.c.scan_id == runs.c.transfer_id)
    its = (migration_rows.c.migration_id == migration) & migration_rows.c.id.in_(row_ids)
    chosen = sa.select(migration_rows.c.id, runs.c.id).select_from(migration_rows.join(runs, linked)).where(its)
    return [(row_id, run_id) for row_id, run_id in connection.execute(chosen.order_by(migration_rows.c.id, runs.c.id))]
