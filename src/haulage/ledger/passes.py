"""Passes over migrations: which transfers wait, run and have ended in each, so that any process can go on with it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.audit import Actor
from haulage.ledger.codec import dump, load
from haulage.ledger.schema import migration_rows, pass_rows, passes, runs
from haulage.ledger.store import now_us
from haulage.model.errors import Refused
from haulage.model.outcome import QUEUED, UNENDED, PassKind, Status

OPEN = passes.c.ended_us.is_(None)
WAITS = pass_rows.c.status.in_([int(one) for one in QUEUED])
BUSY = pass_rows.c.status.in_([int(one) for one in (*UNENDED, Status.PAUSED)])
"""Rows that have not ended in their pass."""
IDLE = pass_rows.c.status == int(Status.PAUSED)
MOST_CRASHES = 3
"""A transfer whose process ended so often while it ran is not started again by itself: it may be what kills."""


class PassRow(msgspec.Struct, frozen=True):
    """A pass. server: whether a server makes it, and goes on with it; asked: in which status it is to stop.

    hours: JSON. ended_us: None while anything of it may still go on.
    """

    id: int
    migration_id: int
    kind: PassKind
    status: int
    message: str | None
    who: str
    origin: str
    server: bool
    owner: str | None
    at_once: int
    bandwidth: int | None
    hours: str | None
    schedule_id: int | None
    asked: int | None
    asked_by: str | None
    created_us: int
    ended_us: int | None


class Place(msgspec.Struct, frozen=True):
    """How a transfer stands in a pass that has not ended. pass_status: of the pass."""

    pass_id: int
    kind: PassKind
    status: int
    pass_status: int


class Asked(msgspec.Struct, frozen=True):
    """What somebody asks of a pass that goes on: to stop it, or some of its transfers, in these statuses."""

    status: int | None
    by: str
    rows: dict[int, int]


class DifferingSums(msgspec.Struct, frozen=True):
    """What differed before or after a cutover. looked: transfers looked at then; partly: of these, not seen whole."""

    looked: int
    users: int
    items: int
    bytes: int
    partly: int


def _row(row: Any) -> PassRow:
    values = {name: getattr(row, name) for name in PassRow.__struct_fields__}
    return PassRow(**{**values, "kind": PassKind(row.kind), "server": bool(row.server)})


def add(
    connection: sa.Connection, migration: int, kind: PassKind, actor: Actor, row_ids: Sequence[int], **values: Any
) -> int:
    """Begin a pass: all of these transfers are queued. values: further columns. Returns its number."""
    known = {"migration_id": migration, "kind": kind, "who": actor.who, "origin": actor.origin}
    said = passes.insert().values(**known, status=int(Status.RUNNING), created_us=now_us(), **values)
    made = int(connection.execute(said).inserted_primary_key[0])  # type: ignore[index] # one row has its key
    waiting = {"pass_id": made, "status": int(Status.QUEUED), "tries": 0, "crashes": 0}
    connection.execute(
        pass_rows.insert(), [{**waiting, "row_id": one, "place": place} for place, one in enumerate(row_ids)]
    )
    return made


def get(connection: sa.Connection, pass_id: int) -> PassRow:
    """The pass of that number. Raises Refused."""
    row = connection.execute(sa.select(passes).where(passes.c.id == pass_id)).one_or_none()
    if row is None:
        raise Refused(f"there is no pass {pass_id}", "See the passes of the migration.")
    return _row(row)


def of(connection: sa.Connection, migration: int, limit: int) -> list[PassRow]:
    """The newest passes of a migration, newest first."""
    chosen = sa.select(passes).where(passes.c.migration_id == migration).order_by(passes.c.id.desc()).limit(limit)
    return [_row(row) for row in connection.execute(chosen)]


def open_ones(connection: sa.Connection, migration: int | None = None) -> list[PassRow]:
    """Passes that have not ended, oldest first; of a migration, or all."""
    chosen = sa.select(passes).where(OPEN).order_by(passes.c.id)
    if migration is not None:
        chosen = chosen.where(passes.c.migration_id == migration)
    return [_row(row) for row in connection.execute(chosen)]


def places(connection: sa.Connection, migration: int, row_ids: Sequence[int] | None = None) -> dict[int, Place]:
    """How transfers stand that are in a pass of the migration which has not ended, by their numbers.

    row_ids: only of these.
    """
    chosen = sa.select(pass_rows, passes.c.kind, passes.c.status.label("pass_status")).join(
        passes, passes.c.id == pass_rows.c.pass_id
    )
    if row_ids is not None:
        some = sa.func.json_each(dump(list(row_ids))).table_valued("value")
        chosen = chosen.where(pass_rows.c.row_id.in_(sa.select(some.c.value)))
    found = connection.execute(chosen.where(OPEN & (passes.c.migration_id == migration) & BUSY))
    return {row.row_id: Place(row.pass_id, PassKind(row.kind), row.status, row.pass_status) for row in found}


def holding(transfer: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a pass that has not ended is to copy that transfer of the outer query."""
    copies = OPEN & (passes.c.kind != PassKind.SCAN) & pass_rows.c.ended_us.is_(None)
    return sa.exists().where(_of(transfer), passes.c.id == pass_rows.c.pass_id, copies)


def canceled(transfer: sa.ColumnElement[Any], run: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether that transfer of the outer query was canceled in a pass, and that run was its last there."""
    its = (pass_rows.c.run_id == run) & (pass_rows.c.status == int(Status.CANCELED))
    return sa.exists().where(_of(transfer), its)


def _of(transfer: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return (migration_rows.c.transfer_id == transfer) & (pass_rows.c.row_id == migration_rows.c.id)


def tally(connection: sa.Connection, pass_id: int) -> dict[int, int]:
    """How many of its transfers have each status."""
    said = sa.select(pass_rows.c.status, sa.func.count()).where(pass_rows.c.pass_id == pass_id)
    return {status: count for status, count in connection.execute(said.group_by(pass_rows.c.status))}


def stuck(connection: sa.Connection, pass_id: int) -> int:
    """How many of its transfers are paused by themselves, for a person to look at, and not by a person."""
    link = pass_rows.join(runs, runs.c.id == pass_rows.c.run_id)
    its = (pass_rows.c.pass_id == pass_id) & IDLE & (runs.c.status >= int(Status.RUNNING))
    by_itself = ~sa.func.coalesce(runs.c.message, "").like("paused by %")
    return connection.scalar(sa.select(sa.func.count()).select_from(link).where(its & by_itself)) or 0


def rows_in(connection: sa.Connection, pass_id: int, statuses: Sequence[int]) -> list[int]:
    """Its transfers in one of these statuses, in the order of the queue."""
    its = (pass_rows.c.pass_id == pass_id) & pass_rows.c.status.in_([int(one) for one in statuses])
    return list(connection.scalars(sa.select(pass_rows.c.row_id).where(its).order_by(pass_rows.c.place)))


def claim(connection: sa.Connection, pass_id: int, owner: str) -> PassRow:
    """Whoever holds the pass's lock makes it from now on: what ran in a process that is gone is queued again.

    A transfer that ran in MOST_CRASHES processes that ended so is not: it has crashed. What was asked of that process
    stays asked. Raises Refused where it ended.
    """
    its = pass_rows.c.pass_id == pass_id
    stopped = {"status": pass_rows.c.asked, "asked": None, "ended_us": _ended_as(pass_rows.c.asked)}
    connection.execute(pass_rows.update().where(its & pass_rows.c.asked.is_not(None) & BUSY).values(**stopped))
    ran = its & pass_rows.c.status.in_([int(Status.RUNNING), int(Status.PRECHECKS)])
    connection.execute(pass_rows.update().where(ran).values(crashes=pass_rows.c.crashes + 1))
    often = ran & (pass_rows.c.crashes >= MOST_CRASHES)
    connection.execute(pass_rows.update().where(often).values(status=int(Status.CRASHED), ended_us=now_us()))
    connection.execute(pass_rows.update().where(ran).values(status=int(Status.QUEUED)))
    connection.execute(pass_rows.update().where(its).values(asked=None))
    mine = (passes.c.id == pass_id) & OPEN
    values = {"status": int(Status.RUNNING), "message": None, "owner": owner}
    if connection.execute(passes.update().where(mine).values(**values)).rowcount != 1:
        raise Refused(f"pass {pass_id} has ended", "Start the users again.")
    return get(connection, pass_id)


def _ended_as(status: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """When a transfer ended that stands so from now on; NULL for one that is paused."""
    return sa.case((status == int(Status.PAUSED), sa.null()), else_=now_us())


def resume(connection: sa.Connection, pass_id: int, row_ids: Sequence[int] | None = None) -> int:
    """Queue again what was paused on its own: these transfers, or all of them. Returns how many.

    What was asked of the pass before is asked no more.
    """
    connection.execute(passes.update().where(passes.c.id == pass_id).values(asked=None, asked_by=None))
    its = (pass_rows.c.pass_id == pass_id) & (pass_rows.c.status == int(Status.PAUSED))
    if row_ids is not None:
        its &= pass_rows.c.row_id.in_(row_ids)
    return connection.execute(pass_rows.update().where(its).values(status=int(Status.QUEUED), asked=None)).rowcount


def hand_over(connection: sa.Connection, pass_id: int, *, server: bool) -> None:
    """From now on it is a server's, or not."""
    connection.execute(passes.update().where(passes.c.id == pass_id).values(server=int(server)))


def take(connection: sa.Connection, pass_id: int) -> int | None:
    """The next transfer that waits, which runs from now on; None where none waits.

    Those that are started again come after those that were not started yet.
    """
    chosen = sa.select(pass_rows.c.row_id).where((pass_rows.c.pass_id == pass_id) & WAITS)
    row_id = connection.scalar(chosen.order_by(pass_rows.c.status, pass_rows.c.place).limit(1))
    if row_id is not None:
        change(connection, pass_id, row_id, status=int(Status.PRECHECKS))
    return row_id


def change(connection: sa.Connection, /, pass_id: int, row_id: int, **values: Any) -> None:
    """Set columns of a transfer in a pass."""
    its = (pass_rows.c.pass_id == pass_id) & (pass_rows.c.row_id == row_id)
    connection.execute(pass_rows.update().where(its).values(**values))


def tries(connection: sa.Connection, pass_id: int, row_id: int) -> int:
    """How many runs of a transfer ended in this pass so that it was started again."""
    its = (pass_rows.c.pass_id == pass_id) & (pass_rows.c.row_id == row_id)
    return int(connection.scalar(sa.select(pass_rows.c.tries).where(its)) or 0)


def facts(connection: sa.Connection, pass_id: int, row_id: int) -> dict[str, Any]:
    """What is kept of a transfer in a pass; empty for nothing."""
    its = (pass_rows.c.pass_id == pass_id) & (pass_rows.c.row_id == row_id)
    return dict(load(connection.scalar(sa.select(pass_rows.c.facts).where(its))))


def facts_page(connection: sa.Connection, pass_id: int, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """What is kept of its transfers of larger numbers, by their numbers."""
    its = (pass_rows.c.pass_id == pass_id) & (pass_rows.c.row_id > after) & pass_rows.c.facts.is_not(None)
    chosen = sa.select(pass_rows.c.row_id, pass_rows.c.facts).where(its).order_by(pass_rows.c.row_id).limit(limit)
    return [(row.row_id, load(row.facts)) for row in connection.execute(chosen)]


def _at(when: str, what: str) -> sa.ColumnElement[Any]:
    return sa.func.json_extract(pass_rows.c.facts, f"$.{when}.{what}")


def differing_sums(connection: sa.Connection, pass_id: int, when: str) -> DifferingSums:
    """What differed "before" or "after" a cutover, of all its transfers that were looked at then."""
    items, size, whole = (_at(when, what) for what in ("items", "bytes", "whole"))
    differ, partly = (sa.func.coalesce(sa.func.sum(sa.case((one, 1), else_=0)), 0) for one in (items > 0, whole == 0))
    sums = [sa.func.coalesce(sa.func.sum(one), 0) for one in (items, size)]
    said = sa.select(sa.func.count(items), differ, *sums, partly).where(pass_rows.c.pass_id == pass_id)
    return DifferingSums(*connection.execute(said).one())


def differing_page(connection: sa.Connection, pass_id: int, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """What is kept of transfers of larger numbers that differed at some time, or that were not seen whole."""
    moments = [(_at(when, "items") > 0) | (_at(when, "whole") == 0) for when in ("before", "after")]
    its = (pass_rows.c.pass_id == pass_id) & (pass_rows.c.row_id > after) & sa.or_(*moments)
    chosen = sa.select(pass_rows.c.row_id, pass_rows.c.facts).where(its).order_by(pass_rows.c.row_id).limit(limit)
    return [(row.row_id, load(row.facts)) for row in connection.execute(chosen)]


def newest_of(connection: sa.Connection, migration: int, kind: PassKind) -> PassRow | None:
    """The pass of that kind that was begun last; None where there is none."""
    its = (passes.c.migration_id == migration) & (passes.c.kind == kind)
    row = connection.execute(sa.select(passes).where(its).order_by(passes.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _row(row)


def finish(connection: sa.Connection, pass_id: int) -> bool:
    """End a pass none of whose transfers waits or runs; with those that are paused alone it is paused.

    False where some wait again.
    """
    told = tally(connection, pass_id)
    if any(told.get(int(one)) for one in UNENDED):
        return False
    if paused := told.get(int(Status.PAUSED)):
        stop(connection, pass_id, Status.PAUSED, f"{paused:,} of its users are paused")
    else:
        stop(connection, pass_id, Status.SUCCESS, None)
    return True


def stop(connection: sa.Connection, pass_id: int, status: Status, message: str | None) -> None:
    """It does not go on: paused, canceled or ended. Of a canceled one, what waited or was paused is canceled too."""
    ends = status not in (Status.PAUSED, Status.PAUSED_REAUTHORISE, Status.PAUSED_NO_SPACE)
    values = {"status": int(status), "message": message, "asked": None, "asked_by": None}
    connection.execute(
        passes.update().where(passes.c.id == pass_id).values(ended_us=now_us() if ends else None, **values)
    )
    if ends:
        left = (pass_rows.c.pass_id == pass_id) & BUSY
        connection.execute(pass_rows.update().where(left).values(status=int(Status.CANCELED), ended_us=now_us()))


def ask(connection: sa.Connection, pass_id: int, status: Status, by: str) -> None:
    """Ask whoever makes it to stop it in that status."""
    connection.execute(passes.update().where((passes.c.id == pass_id) & OPEN).values(asked=int(status), asked_by=by))


def ask_rows(
    connection: sa.Connection, pass_id: int, row_ids: Sequence[int], status: Status, *, held: bool = True
) -> int:
    """Pause or cancel transfers of a pass: those that wait at once, those that run are asked. Returns how many.

    held: whether a process makes it; else nothing of it runs.
    """
    changed = 0
    for start in range(0, len(row_ids), 500):
        its = (pass_rows.c.pass_id == pass_id) & pass_rows.c.row_id.in_(row_ids[start : start + 500])
        runs = its & pass_rows.c.status.in_([int(Status.RUNNING), int(Status.PRECHECKS)])
        if held:
            changed += connection.execute(pass_rows.update().where(runs).values(asked=int(status))).rowcount
        still = BUSY if not held else WAITS if status == Status.PAUSED else WAITS | IDLE
        values = {"status": int(status), "ended_us": None if status == Status.PAUSED else now_us()}
        changed += connection.execute(pass_rows.update().where(its & still).values(**values)).rowcount
    return changed


def asked(connection: sa.Connection, pass_id: int) -> Asked:
    """What is asked of it just now."""
    row = get(connection, pass_id)
    its = (pass_rows.c.pass_id == pass_id) & pass_rows.c.asked.is_not(None)
    rows = {one.row_id: one.asked for one in connection.execute(sa.select(pass_rows).where(its))}
    return Asked(row.asked, row.asked_by or "somebody", rows)


def withdraw(
    connection: sa.Connection, pass_id: int, row_ids: Sequence[int], why: str = "its users were started again"
) -> None:
    """These transfers leave a pass that nobody makes, such as for another one: one with nothing left has ended."""
    for start in range(0, len(row_ids), 500):
        its = (pass_rows.c.pass_id == pass_id) & pass_rows.c.row_id.in_(row_ids[start : start + 500])
        connection.execute(pass_rows.delete().where(its))
    if not any(tally(connection, pass_id).get(int(one)) for one in (*UNENDED, Status.PAUSED)):
        stop(connection, pass_id, Status.SUCCESS, why)


def withdraw_all(connection: sa.Connection, row_ids: Sequence[int], why: str) -> None:
    """These transfers leave all passes that have not ended."""
    some = sa.func.json_each(dump(list(row_ids))).table_valued("value")
    link = pass_rows.join(passes, passes.c.id == pass_rows.c.pass_id)
    chosen = sa.select(pass_rows.c.pass_id).distinct().select_from(link)
    for pass_id in connection.scalars(chosen.where(OPEN & pass_rows.c.row_id.in_(sa.select(some.c.value)))).all():
        withdraw(connection, pass_id, row_ids, why)


def end_all(connection: sa.Connection, migration: int) -> None:
    """The migration is deleted: its passes end."""
    for one in open_ones(connection, migration):
        stop(connection, one.id, Status.CANCELED, "the migration was deleted")
