"""What went wrong in the newest copies of a migration's transfers: counted by cause, and handed out page by page."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import load
from haulage.ledger.schema import WRONG_OUTCOMES, items, migration_rows, outcomes, runs
from haulage.model.outcome import OFFERED, RunKind, Status
from haulage.model.state import ItemState

OF_WRONG = sa.text(f"outcomes.{WRONG_OUTCOMES}")  # as the index has it, so that SQLite takes it
STOPPED = (Status.LISTING_INCOMPLETE, Status.QUOTA_EXCEEDED, Status.PAUSED_REAUTHORISE, Status.PAUSED_NO_SPACE)
"""Besides 4xx: how a copy ends that has to be looked after as a whole."""


class Cause(msgspec.Struct, frozen=True):
    """Why items went wrong, or with `status` alone, why transfers did."""

    outcome: str = ""
    code: str | None = None
    side: str | None = None
    status: int | None = None


class Counted(msgspec.Struct, frozen=True):
    """A cause, how many items it concerns (0: transfers as a whole), and how many transfers."""

    cause: Cause
    items: int
    transfers: int


class Wrong(msgspec.Struct, frozen=True):
    """An item that went wrong, or a transfer (path and item None). row, source: the migration's row."""

    row: int
    source: str
    destination: str
    run: int | None
    item: int | None
    path: str | None
    target: str | None
    size: int
    message: str | None
    fix: str | None
    copied: bool
    offered: str | None = None
    """Another path at the destination that a person may choose for it."""


def _newest(migration: int) -> sa.CTE:
    """Rows that copied, with their newest copies: row_id, run_id."""
    link = (runs.c.transfer_id == migration_rows.c.transfer_id) & (runs.c.kind == RunKind.COPY)
    chosen = sa.select(migration_rows.c.id.label("row_id"), sa.func.max(runs.c.id).label("run_id"))
    joined = chosen.select_from(migration_rows.join(runs, link)).where(migration_rows.c.migration_id == migration)
    return joined.group_by(migration_rows.c.id).cte("newest").prefix_with("MATERIALIZED")


def counted(connection: sa.Connection, migration: int) -> list[Counted]:
    """All causes, those of whole transfers first, then by how many items they concern."""
    return [*_transfers(connection, migration), *_items(connection, migration)]


def _newest_runs(migration: int) -> sa.Select[Any]:
    """The newest copies of its rows, by id."""
    link = (runs.c.transfer_id == migration_rows.c.transfer_id) & (runs.c.kind == RunKind.COPY)
    newest = sa.select(sa.func.max(runs.c.id)).select_from(migration_rows.join(runs, link))
    return newest.where(migration_rows.c.migration_id == migration).group_by(migration_rows.c.id)


_OFFER: sa.ColumnElement[Any] = sa.func.json_extract(outcomes.c.evidence, f"$.{OFFERED}")


def _offers(migration: int, cause: Cause) -> tuple[Any, ...]:
    """Items that went wrong so, untouched since, for which another name is offered."""
    refused = (OF_WRONG, outcomes.c.run_id.in_(_newest_runs(migration)), *_same(cause), _OFFER.is_not(None))
    untouched = (items.c.done_revision.is_(None), items.c.done_target_revision.is_(None))
    as_left = (items.c.state == int(ItemState.SETTLED), *untouched)
    return (*refused, items.c.id == outcomes.c.item_id, items.c.path == outcomes.c.path, *as_left)


def offered(connection: sa.Connection, migration: int, cause: Cause) -> tuple[int, list[int]]:
    """For how many items that went wrong so another name is offered, and the rows that they are of, by id."""
    of = sa.select(outcomes.c.run_id, sa.func.count().label("number")).where(*_offers(migration, cause))
    each = of.group_by(outcomes.c.run_id).subquery()
    joined = migration_rows.join(runs, runs.c.transfer_id == migration_rows.c.transfer_id)
    joined = joined.join(each, each.c.run_id == runs.c.id)
    chosen = sa.select(migration_rows.c.id, each.c.number).select_from(joined)
    its = chosen.where(migration_rows.c.migration_id == migration).order_by(migration_rows.c.id)
    found = connection.execute(its).all()
    return sum(row.number for row in found), [row.id for row in found]


def take_offers(connection: sa.Connection, migration: int, cause: Cause) -> int:
    """Have those items bear the offered names from now on. Returns how many."""
    taken = items.update().where(*_offers(migration, cause)).values(target=_OFFER, target_key=_OFFER, chosen=1)
    return connection.execute(taken).rowcount


def _items(connection: sa.Connection, migration: int) -> list[Counted]:
    newest = _newest_runs(migration)
    cause = (outcomes.c.outcome, outcomes.c.code, outcomes.c.side)
    each = (  # a run at a time, in the order of the index
        sa.select(*cause, sa.func.count().label("number"))
        .where(OF_WRONG, outcomes.c.run_id.in_(newest))
        .group_by(outcomes.c.run_id, *cause)
        .subquery()
    )
    summed = sa.func.sum(each.c.number)
    grouped = sa.select(each.c.outcome, each.c.code, each.c.side, summed, sa.func.count())
    found = connection.execute(grouped.group_by(each.c.outcome, each.c.code, each.c.side).order_by(summed.desc()))
    return [Counted(Cause(outcome, code, side), count, of) for outcome, code, side, count, of in found]


_LOOKED_AFTER = tuple(int(one) for one in STOPPED)


def _stopped(migration: int) -> sa.CTE:
    """Rows that have to be looked after as a whole: row_id, run_id and status. What was refused since comes first."""
    newest = _newest(migration)
    joined = migration_rows.outerjoin(newest, newest.c.row_id == migration_rows.c.id)
    joined = joined.outerjoin(runs, (runs.c.id == newest.c.run_id) & runs.c.ended_us.is_not(None))
    refused = migration_rows.c.refused_status
    status = sa.func.coalesce(refused, runs.c.status)
    chosen = sa.select(migration_rows.c.id.label("row_id"), newest.c.run_id, status.label("status"))
    wrong = (runs.c.status >= int(Status.GENERAL_FAILURE)) | runs.c.status.in_(_LOOKED_AFTER) | refused.is_not(None)
    return chosen.select_from(joined).where(migration_rows.c.migration_id == migration, wrong).cte("stopped")


def _transfers(connection: sa.Connection, migration: int) -> list[Counted]:
    stopped = _stopped(migration)
    number = sa.func.count()
    grouped = sa.select(stopped.c.status, number).group_by(stopped.c.status).order_by(number.desc())
    return [Counted(Cause(status=status), 0, count) for status, count in connection.execute(grouped)]


def with_wrong(connection: sa.Connection, run_ids: Sequence[int]) -> set[int]:
    """Those of these runs in which something went wrong."""
    found = sa.select(outcomes.c.run_id).where(OF_WRONG, outcomes.c.run_id.in_(run_ids)).distinct()
    return set(connection.scalars(found))


def rows_of(connection: sa.Connection, migration: int, cause: Cause, most: int | None = None) -> list[int]:
    """The rows of a migration that a cause concerns, by id; most: the first so many."""
    if cause.status is not None:
        stopped = _stopped(migration)
        chosen = sa.select(stopped.c.row_id).where(stopped.c.status == cause.status).order_by(stopped.c.row_id)
        return list(connection.scalars(chosen.limit(most)))
    chosen = sa.select(migration_rows.c.id).where(migration_rows.c.migration_id == migration)
    copied = migration_rows.c.transfer_id.is_not(None)
    its = sa.exists().where(outcomes.c.run_id == _newest_of(migration_rows.c.transfer_id), OF_WRONG, *_same(cause))
    return list(connection.scalars(chosen.where(copied, its).order_by(migration_rows.c.id).limit(most)))


def _newest_of(transfer: sa.ColumnElement[Any]) -> sa.ScalarSelect[int]:
    """The newest copy of a transfer of the outer query."""
    its = (runs.c.transfer_id == transfer) & (runs.c.kind == RunKind.COPY)
    return sa.select(sa.func.max(runs.c.id)).where(its).correlate(migration_rows).scalar_subquery()


def _same(cause: Cause) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        outcomes.c.outcome == cause.outcome,
        outcomes.c.code.is_not_distinct_from(cause.code),
        outcomes.c.side.is_not_distinct_from(cause.side),
    )


def wrong(connection: sa.Connection, row_ids: Sequence[int], cause: Cause, start: int, limit: int) -> list[Wrong]:
    """Of what a cause concerns, a page: items, or transfers as a whole; by row. row_ids: what `rows_of` told."""
    if cause.status is not None:
        return _wrong_transfers(connection, row_ids[start : start + limit])
    found: list[Wrong] = []
    for row_id in row_ids:
        here = _count(connection, row_id, cause) if start else 0
        if start and start >= here:
            start -= here
            continue
        found += _wrong_items(connection, row_id, cause, start, limit - len(found))
        start = 0
        if len(found) >= limit:
            break
    return found


def _run_of(row_id: int) -> sa.ScalarSelect[int]:
    """The newest copy of a row."""
    link = (runs.c.transfer_id == migration_rows.c.transfer_id) & (runs.c.kind == RunKind.COPY)
    chosen = sa.select(sa.func.max(runs.c.id)).select_from(migration_rows.join(runs, link))
    return chosen.where(migration_rows.c.id == row_id).scalar_subquery()


def _count(connection: sa.Connection, row_id: int, cause: Cause) -> int:
    its = outcomes.c.run_id == _run_of(row_id)
    counting = sa.select(sa.func.count()).select_from(outcomes).where(its, OF_WRONG, *_same(cause))
    return connection.scalar(counting) or 0


def _wrong_items(connection: sa.Connection, row_id: int, cause: Cause, start: int, limit: int) -> list[Wrong]:
    row = connection.execute(sa.select(migration_rows).where(migration_rows.c.id == row_id)).one()
    chosen = sa.select(outcomes).where(outcomes.c.run_id == _run_of(row_id), OF_WRONG, *_same(cause))
    found = connection.execute(chosen.order_by(outcomes.c.item_id).offset(start).limit(limit))
    return [
        Wrong(
            *(row.id, row.source, row.destination, one.run_id, one.item_id, one.path, one.target),
            *(one.size, one.message, one.fix, True, load(one.evidence).get(OFFERED)),
        )
        for one in found
    ]


def _wrong_transfers(connection: sa.Connection, row_ids: Sequence[int]) -> list[Wrong]:
    last = runs.alias("last")
    joined = migration_rows.outerjoin(last, last.c.id == _newest_of(migration_rows.c.transfer_id))
    chosen = sa.select(migration_rows, last.c.id.label("run_id"), last.c.message).select_from(joined)
    found: list[Wrong] = []
    for begin in range(0, len(row_ids), 500):
        some = migration_rows.c.id.in_(row_ids[begin : begin + 500])
        found += [
            Wrong(
                *(row.id, row.source, row.destination, row.run_id, None, None, None),
                *(0, row.refused if row.refused is not None else row.message, None, row.transfer_id is not None),
            )
            for row in connection.execute(chosen.where(some).order_by(migration_rows.c.id))
        ]
    return found
