"""Migrations as code: what a file would change is told first, then made true, all of it or nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from haulage.ledger import audit
from haulage.ledger import connectors as connector_rows
from haulage.ledger import migration_rows as rows
from haulage.ledger import schedules as schedule_rows
from haulage.ledger.audit import Actor
from haulage.ledger.codec import dump
from haulage.ledger.migration_rows import Cells, MigrationRow, TransferRow
from haulage.ledger.store import Connection, Ledger
from haulage.model import migration_file
from haulage.model.errors import Refused
from haulage.model.filters import Filters
from haulage.model.mapping import MappingRefused
from haulage.model.migration_file import Wanted, WantedTransfer
from haulage.model.outcome import Status
from haulage.model.person import Person
from haulage.operations import migration_schedules, migrations, standing
from haulage.operations.migration_schedules import Schedules

TOLD = 5


class Change(msgspec.Struct, frozen=True, gc=False):
    """A row that gets other cells. line: of the file."""

    id: int
    line: int
    before: Cells
    after: Cells

    @property
    def moves(self) -> bool:
        """Whether it gets other ends."""
        return (self.before.source, self.before.destination) != (self.after.source, self.after.destination)


class Plan(msgspec.Struct, frozen=True):
    """What a file would do. migration: its number; None: it is made. filters: before and after, where they change.

    unchanged: how many rows are as the file has them. left: rows that the file does not name, by number, which stay;
    remove: those that go, since that was asked for.
    """

    migration: int | None
    filters: tuple[Filters, Filters] | None
    add: tuple[Cells, ...]
    change: tuple[Change, ...]
    unchanged: int
    left: dict[int, Cells]
    remove: dict[int, Cells]
    schedules: Schedules = Schedules()

    @property
    def nothing(self) -> bool:
        """Whether everything is as the file has it."""
        rows_change = self.add or self.change or self.remove
        return not (self.migration is None or self.filters or rows_change) and self.schedules.nothing


def plan(ledger: Ledger, wanted: Wanted, *, remove: bool = False) -> Plan:
    """What the file would do now. Nothing is done. remove: rows that it does not name go.

    Raises MappingRefused (with lines: connectors that are not there or are others than the migration's, rows that
    have copied and cannot change) and Refused.
    """
    return ledger.read(_plan, wanted, remove)


def apply(
    ledger: Ledger, wanted: Wanted, shown: Plan, actor: Actor, *, remove: bool = False, person: Person | None = None
) -> None:
    """Make the file true, in one transaction. Raises what `plan` does, and Refused if that is not what was shown.

    person: in whose name schedules start that are added.
    """

    def make_true(connection: Connection) -> None:
        now = _plan(connection, wanted, remove)
        if now != shown:
            raise Refused("the migration was changed while the plan was shown", "Look at the plan again.")
        if now.nothing:
            return
        migration = now.migration if now.migration is not None else _made(connection, wanted, actor)
        if now.filters is not None:
            rows.keep_filters(connection, migration, dump(now.filters[1]))
        rows.remove(connection, list(now.remove))
        moved = [one.id for one in now.change if one.moves]
        rows.change_cells(connection, {one.id: one.after for one in now.change}, moved)
        rows.append_cells(connection, migration, now.add)
        if not now.schedules.nothing:
            ids = {(one.source, one.destination): one.id for one in rows.rows(connection, migration)}
            made = rows.by_id(connection, migration)
            migration_schedules.make_true(connection, now.schedules, made, ids, person, actor)
        counts = {"added": len(now.add), "changed": len(now.change), "removed": len(now.remove)}
        audit.append(connection, actor, "migration apply", f"migration {migration}", **counts)

    ledger.do(make_true)


def _made(connection: Connection, wanted: Wanted, actor: Actor) -> int:
    ends = [connector_rows.get(connection, name) for name in (wanted.source, wanted.destination)]
    filters = dump(wanted.filters or Filters())
    made = rows.add(connection, wanted.name, ends[0].id, ends[1].id, filters, actor.who)
    audit.append(connection, actor, "migration add", f"migration {made}", name=wanted.name)
    return made


def _plan(connection: Connection, wanted: Wanted, remove: bool) -> Plan:
    found = rows.find(connection, wanted.name)
    problems = _ends(connection, wanted, found)
    table = [] if found is None else rows.rows(connection, found.id)
    filters = _filters(wanted, found, table, problems)
    by_ends = {(one.source, one.destination): one for one in table}
    same = [(one, by_ends.pop((one.source, one.destination), None)) for one in wanted.transfers]
    pairs = [(one, row) for one, row in same if row is not None]
    fresh = [one for one, row in same if row is None]
    moved = _moved(fresh, list(by_ends.values()))
    for one, row in moved:
        if row.transfer_id is not None:
            said = f"transfer {row.id} has copied {row.source!r} to {row.destination!r} already; keep that row as it is"
            problems.append((one.line, f"{said}, and name this one besides"))
        elif row.place is not None and row.place.pass_status == Status.RUNNING:
            problems.append((one.line, f"transfer {row.id} is queued; pause or cancel it first"))
        del by_ends[row.source, row.destination]
    lines = {one.line for one, _ in moved}
    changes = [_change(one, row) for one, row in (*pairs, *moved)]
    left = sorted(by_ends.values(), key=lambda row: row.id)
    add = tuple(_new(one) for one in fresh if one.line not in lines)
    after = {one.id: (one.after.source, one.after.destination) for one in changes}
    after |= {} if remove else {row.id: (row.source, row.destination) for row in left}
    every = [*after.values(), *((one.source, one.destination) for one in add)]
    known = migration_schedules.of(connection, None if found is None else found.id)
    planned = migration_schedules.plan(known, wanted.schedules, after, every, problems, remove=remove)
    if problems:
        raise MappingRefused(sorted(problems))
    if remove:
        _refuse_copied(standing.as_they_are_within(connection, left))
    rest = {row.id: _cells(row) for row in left}
    return Plan(
        migration=None if found is None else found.id,
        filters=filters,
        add=add,
        change=tuple(one for one in changes if one.before != one.after),
        unchanged=sum(one.before == one.after for one in changes),
        left={} if remove else rest,
        remove=rest if remove else {},
        schedules=planned,
    )


def _ends(connection: Connection, wanted: Wanted, found: MigrationRow | None) -> list[tuple[int, str]]:
    """What is wrong with the name and the two connectors."""
    problems = []
    try:
        migrations.checked_name(wanted.name)
    except Refused as error:
        problems.append((wanted.lines["migration"], f"{error.message}. {error.fix}"))
    has = {} if found is None else {"source": found.source, "destination": found.destination}
    for side, name in (("source", wanted.source), ("destination", wanted.destination)):
        try:
            row = connector_rows.get(connection, name)
        except Refused as error:
            problems.append((wanted.lines[side], error.message))
            continue
        if side in has and row.name != has[side]:
            problems.append(
                (wanted.lines[side], f"the migration's {side} is {has[side]}, and stays; begin another one")
            )
        elif side == "destination" and row.usage != "write":
            problems.append((wanted.lines[side], f"the connector {name} may only read"))
    return problems


def _filters(
    wanted: Wanted, found: MigrationRow | None, table: Sequence[TransferRow], problems: list[tuple[int, str]]
) -> tuple[Filters, Filters] | None:
    """Before and after, if they change: with other filters, a transfer is another one."""
    if wanted.filters is None or found is None or wanted.filters == (now := migrations.filters_of(found)):
        return None
    copied = next((row.id for row in table if row.transfer_id is not None), None)
    if copied is not None:
        problems.append((wanted.lines["filters"], f"transfer {copied} has copied already, so the filters stay"))
    return now, wanted.filters


def _moved(fresh: Sequence[WantedTransfer], table: Sequence[TransferRow]) -> list[tuple[WantedTransfer, TransferRow]]:
    """New rows of the file that are rows of the table with another destination: their source is in both just once."""
    there = Counter(row.source for row in table)
    named = Counter(one.source for one in fresh)
    by_source = {row.source: row for row in table if there[row.source] == 1}
    return [(one, by_source[one.source]) for one in fresh if one.source in by_source and named[one.source] == 1]


def _refuse_copied(left: Sequence[TransferRow]) -> None:
    copied = [str(row.id) for row in left if row.transfer_id is not None]
    if copied:
        more = f" and {len(copied) - TOLD:,} more" if len(copied) > TOLD else ""
        raise Refused(
            f"the file leaves out transfers that have copied already: {', '.join(copied[:TOLD])}{more}",
            "Keep them in the file: their history stays.",
        )
    migrations.refuse_running(left, "removed")


def _cells(row: TransferRow) -> Cells:
    return Cells(row.source, row.destination, row.tags, row.notes)


def _new(one: WantedTransfer) -> Cells:
    return Cells(one.source, one.destination, one.tags or (), one.notes or "")


def _change(one: WantedTransfer, row: TransferRow) -> Change:
    tags = row.tags if one.tags is None else one.tags
    notes = row.notes if one.notes is None else one.notes
    return Change(row.id, one.line, _cells(row), Cells(one.source, one.destination, tags, notes))


def exported(ledger: Ledger, name: str) -> Iterator[str]:
    """A migration as a file, in pieces: applied, it changes nothing here, and makes the same elsewhere. Raises Refused.

    It is of one moment.
    """
    with ledger.reading() as connection:
        found = rows.get(connection, name)
        ends = found.source, found.destination
        planned = schedule_rows.of_migration(connection, found.id)
        timed = migration_schedules.wanted(planned, rows.ends(connection, found.id) if planned else {})
        transfers = _transfers(connection, found.id)
        yield from migration_file.write(found.name, *ends, migrations.filters_of(found), transfers, timed)


def _transfers(connection: Connection, migration: int) -> Iterator[WantedTransfer]:
    """All of a migration's, a portion at a time."""
    after = -1
    while some := rows.cells_after(connection, migration, after, migration_file.PORTION):
        yield from (WantedTransfer(0, one.source, one.destination, one.tags, one.notes) for _, one in some)
        after = some[-1][0]


def told(plan: Plan) -> dict[str, Any]:
    """A plan as a document, with every row."""
    return {
        "new": plan.migration is None,
        "migration": plan.migration,
        "nothing": plan.nothing,
        "filters": None if plan.filters is None else dict(zip(("before", "after"), plan.filters, strict=True)),
        "add": plan.add,
        "change": plan.change,
        "unchanged": plan.unchanged,
        "left": _rows(plan.left),
        "remove": _rows(plan.remove),
        "schedules": migration_schedules.told(plan.schedules),
    }


def _rows(found: Mapping[int, Cells]) -> list[dict[str, Any]]:
    return [{"id": row_id, **msgspec.structs.asdict(one)} for row_id, one in found.items()]
