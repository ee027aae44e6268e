"""Migrations and their rows: which transfers a person moves together, and how each stands."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger import passes, schedules, surveyed
from haulage.ledger.bulk import ForEach
from haulage.ledger.codec import dump, load
from haulage.ledger.passes import Place
from haulage.ledger.schema import connectors, migration_rows, migrations, runs, standings
from haulage.ledger.store import now_us
from haulage.model.errors import Refused
from haulage.model.outcome import RunKind

ALIVE = migrations.c.ended_us.is_(None)


class MigrationRow(msgspec.Struct, frozen=True):
    """A migration. source, destination: names of the connectors; services: their services' ids. filters: JSON."""

    id: int
    name: str
    source: str
    destination: str
    source_service: str
    destination_service: str
    filters: str
    owner: str
    created_us: int


class TransferRow(msgspec.Struct, frozen=True):
    """A row of a migration. source, destination: paths inside the connectors.

    transfer_id, scan_id: by which the runs of its copies and scans are known. run, scan: its newest run and scan;
    None: it never ran. refused: why the last start led to no run.
    place: how it stands in a pass that has not ended; None where it is in none.
    """

    id: int
    source: str
    destination: str
    tags: tuple[str, ...]
    notes: str
    transfer_id: int | None
    scan_id: int | None
    run: "Standing | None"
    scan: "Standing | None"
    refused_status: int | None
    refused: str | None
    place: Place | None = None


class Standing(msgspec.Struct, frozen=True):
    """How a run of a row stands. Times in UTC microseconds; counts: see engine.counts."""

    id: int
    status: int
    started_us: int
    ended_us: int | None
    counts: dict[str, Any]
    message: str | None


def _select() -> sa.Select[Any]:
    first, second = connectors.alias("first"), connectors.alias("second")
    both = migrations.join(first, migrations.c.source_connector == first.c.id)
    both = both.join(second, migrations.c.destination_connector == second.c.id)
    return sa.select(
        *(migrations.c[name] for name in ("id", "name", "filters", "owner", "created_us")),
        first.c.name.label("source"),
        second.c.name.label("destination"),
        first.c.service.label("source_service"),
        second.c.service.label("destination_service"),
    ).select_from(both)


def _migration(row: Any) -> MigrationRow:
    return MigrationRow(**{name: getattr(row, name) for name in MigrationRow.__struct_fields__})


def add(connection: sa.Connection, name: str, source: int, destination: int, filters: str, owner: str) -> int:
    """Keep a migration between two connectors. Raises Refused for a name that is taken."""
    free(connection, name)
    values = {"name": name, "name_key": name.casefold(), "source_connector": source, "owner": owner}
    values |= {"destination_connector": destination, "filters": filters, "created_us": now_us()}
    made = connection.execute(migrations.insert().values(**values))
    return int(made.inserted_primary_key[0])  # type: ignore[index] # one row has its key


def free(connection: sa.Connection, name: str) -> None:
    """Raises Refused for a name that is taken."""
    taken = sa.select(migrations.c.id).where((migrations.c.name_key == name.casefold()) & ALIVE)
    if connection.scalar(taken) is not None:
        raise Refused(f"there is a migration {name!r} already", "Choose another name.")


def get(connection: sa.Connection, name: str) -> MigrationRow:
    """The migration of that name. Raises Refused."""
    found = find(connection, name)
    if found is None:
        raise Refused(f"there is no migration {name[:80]!r}", "See `haulage migrations list`.")
    return found


def by_id(connection: sa.Connection, migration: int) -> MigrationRow:
    """The migration of that number. Raises Refused."""
    row = connection.execute(_select().where((migrations.c.id == migration) & ALIVE)).one_or_none()
    if row is None:
        raise Refused(f"there is no migration {migration}", "See `haulage migrations list`.")
    return _migration(row)


def every(connection: sa.Connection) -> list[MigrationRow]:
    """All migrations, by name."""
    return [_migration(row) for row in connection.execute(_select().where(ALIVE).order_by(migrations.c.name_key))]


def using(connection: sa.Connection, connector_id: int) -> list[str]:
    """Migrations that a connector takes part in, as people know them."""
    ends = (migrations.c.source_connector == connector_id) | (migrations.c.destination_connector == connector_id)
    return [f"migration {name}" for name in connection.scalars(sa.select(migrations.c.name).where(ends & ALIVE))]


def rename(connection: sa.Connection, migration: int, name: str) -> None:
    """Call it otherwise. Raises Refused for a name that another one has."""
    other = (migrations.c.name_key == name.casefold()) & ALIVE & (migrations.c.id != migration)
    if connection.scalar(sa.select(migrations.c.id).where(other)) is not None:
        raise Refused(f"there is a migration {name!r} already", "Choose another name.")
    values = {"name": name, "name_key": name.casefold()}
    connection.execute(migrations.update().where(migrations.c.id == migration).values(**values))


def own_runs(connection: sa.Connection, migration: int) -> list[int]:
    """All runs of the transfers that no other migration has, by number."""
    others = sa.alias(migration_rows)
    shared = sa.exists().where((others.c.migration_id != migration) & _of(others))
    linked = sa.exists().where((migration_rows.c.migration_id == migration) & _of(migration_rows))
    return list(connection.scalars(sa.select(runs.c.id).where(linked & ~shared).order_by(runs.c.id)))


def _of(table: Any) -> Any:
    """Whether a run is of a transfer that a row has."""
    return (table.c.transfer_id == runs.c.transfer_id) | (table.c.scan_id == runs.c.transfer_id)


def end(connection: sa.Connection, migration: int) -> None:
    """Delete a migration and its rows. The runs of its transfers stay."""
    passes.end_all(connection, migration)
    schedules.end_of_migration(connection, migration)
    connection.execute(migration_rows.delete().where(migration_rows.c.migration_id == migration))
    connection.execute(migrations.update().where(migrations.c.id == migration).values(ended_us=now_us()))
    surveyed.forget_unused(connection)


def end_using(connection: sa.Connection, connector_ids: Sequence[int]) -> None:
    """Delete all migrations from or to one of these connectors."""
    ends = migrations.c.source_connector.in_(connector_ids) | migrations.c.destination_connector.in_(connector_ids)
    for migration in connection.scalars(sa.select(migrations.c.id).where(ends & ALIVE)).all():
        end(connection, migration)


def ends(
    connection: sa.Connection, migration: int, among: Sequence[tuple[str, str]] | None = None
) -> dict[tuple[str, str], int]:
    """The source and destination of each row, or of those that have one of these pairs, and its number."""
    chosen = sa.select(migration_rows.c.source, migration_rows.c.destination, migration_rows.c.id)
    chosen = chosen.where(migration_rows.c.migration_id == migration)
    if among is not None:
        each = sa.func.json_each(dump(among)).table_valued("value")
        pair = [sa.func.json_extract(each.c.value, f"$[{at}]") for at in (0, 1)]
        wanted = sa.select(pair[0].label("source"), pair[1].label("destination")).cte("wanted")
        same = (migration_rows.c.source == wanted.c.source) & (migration_rows.c.destination == wanted.c.destination)
        chosen = chosen.join(wanted.prefix_with("MATERIALIZED"), same)
    return {(source, destination): row_id for source, destination, row_id in connection.execute(chosen)}


def append(connection: sa.Connection, migration: int, wanted: Iterable[tuple[str, str, str]]) -> None:
    """Add rows: source, destination and tags. None of them may be there already."""
    rows = [
        {"migration_id": migration, "source": source, "destination": destination, "tags": tags, "notes": ""}
        for source, destination, tags in wanted
    ]
    if rows:
        connection.execute(migration_rows.insert(), rows)


_add_rows = ForEach(migration_rows.insert(), "migration_id", "source", "destination", "tags", "notes")
_set_row = ForEach(
    migration_rows.update()
    .where(migration_rows.c.id == sa.bindparam("row_id"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("source", "destination", "tags", "notes")}),
    *("new_source", "new_destination", "new_tags", "new_notes", "row_id"),
)
_aside = ForEach(
    migration_rows.update()
    .where(migration_rows.c.id == sa.bindparam("row_id"))
    .values(source=sa.bindparam("aside"), scan_id=sa.null(), refused_status=sa.null(), refused=sa.null()),
    *("aside", "row_id"),
)


class Cells(msgspec.Struct, frozen=True, gc=False):
    """What a person writes into a row of a migration."""

    source: str
    destination: str
    tags: tuple[str, ...] = ()
    notes: str = ""

    def row(self) -> tuple[str, str, str, str]:
        """As the ledger keeps it."""
        return self.source, self.destination, ", ".join(self.tags), self.notes


def cells_after(connection: sa.Connection, migration: int, after: int, limit: int) -> list[tuple[int, Cells]]:
    """What is written into the rows above a number, by number, so many at most."""
    names = ("id", "source", "destination", "tags", "notes")
    chosen = sa.select(*(migration_rows.c[name] for name in names)).where(migration_rows.c.migration_id == migration)
    found = connection.execute(chosen.where(migration_rows.c.id > after).order_by(migration_rows.c.id).limit(limit))
    return [
        (row_id, Cells(source, destination, tuple(tags.split(", ")) if tags else (), notes))
        for row_id, source, destination, tags, notes in found
    ]


def append_cells(connection: sa.Connection, migration: int, wanted: Iterable[Cells]) -> None:
    """Add rows, with all that is written into them. None of their ends may be there already."""
    _add_rows.run(connection, [(migration, *one.row()) for one in wanted])


def change_cells(connection: sa.Connection, wanted: Mapping[int, Cells], moved: Iterable[int]) -> None:
    """Write rows anew, by id. moved: those that get other ends; what was known of theirs is forgotten."""
    _aside.run(connection, [(f"\x00{row_id}", row_id) for row_id in moved])  # so that they can change places
    _set_row.run(connection, [(*one.row(), row_id) for row_id, one in wanted.items()])


def keep_filters(connection: sa.Connection, migration: int, filters: str) -> None:
    """Take other items from now on."""
    connection.execute(migrations.update().where(migrations.c.id == migration).values(filters=filters))


def find(connection: sa.Connection, name: str) -> MigrationRow | None:
    """The migration of that name, if there is one."""
    row = connection.execute(_select().where((migrations.c.name_key == name.casefold()) & ALIVE)).one_or_none()
    return None if row is None else _migration(row)


def change(connection: sa.Connection, /, row_id: int, **values: Any) -> None:
    """Set columns of a row."""
    connection.execute(migration_rows.update().where(migration_rows.c.id == row_id).values(**values))


def change_all(connection: sa.Connection, row_ids: Sequence[int], /, **values: Any) -> None:
    """Set columns of rows, to the same values in all of them."""
    connection.execute(migration_rows.update().where(migration_rows.c.id.in_(_listed(row_ids))).values(**values))


def remove(connection: sa.Connection, row_ids: Sequence[int]) -> None:
    """Take rows out, of passes that have not ended, too."""
    passes.withdraw_all(connection, row_ids, "its users were taken out of the migration")
    connection.execute(migration_rows.delete().where(migration_rows.c.id.in_(_listed(row_ids))))
    surveyed.forget_unused(connection)


def rows(connection: sa.Connection, migration: int, ids: Sequence[int] | None = None) -> list[TransferRow]:
    """Rows of a migration with their newest run and scan, by id: all, or those of these numbers that are there."""
    chosen = sa.select(migration_rows).where(migration_rows.c.migration_id == migration).order_by(migration_rows.c.id)
    if ids is not None:
        chosen = chosen.where(migration_rows.c.id.in_(_listed(ids)))
    found = connection.execute(chosen).all()
    copies = _newest(connection, [row.transfer_id for row in found], RunKind.COPY)
    scans = _newest(connection, [row.scan_id for row in found], RunKind.SCAN)
    places = passes.places(connection, migration, ids)
    return [
        TransferRow(
            *(row.id, row.source, row.destination, tuple(row.tags.split(", ")) if row.tags else (), row.notes),
            *(row.transfer_id, row.scan_id, copies.get(row.transfer_id), scans.get(row.scan_id)),
            *(row.refused_status, row.refused, places.get(row.id)),
        )
        for row in found
    ]


class Marked(msgspec.Struct, frozen=True):
    """What is told of a row without its runs. transfer_id: None: it never copied."""

    id: int
    tags: tuple[str, ...]
    transfer_id: int | None


def marked(connection: sa.Connection, migration: int, ids: Sequence[int]) -> list[Marked]:
    """Those rows of a migration that have one of these numbers, by id: in little time however many they are."""
    chosen = sa.select(migration_rows.c.id, migration_rows.c.tags, migration_rows.c.transfer_id)
    its = (migration_rows.c.migration_id == migration) & migration_rows.c.id.in_(_listed(ids))
    found = connection.execute(chosen.where(its).order_by(migration_rows.c.id))
    return [Marked(row.id, tuple(row.tags.split(", ")) if row.tags else (), row.transfer_id) for row in found]


def one(connection: sa.Connection, row_id: int) -> TransferRow:
    """A row, without how it stands. Raises Refused."""
    row = connection.execute(sa.select(migration_rows).where(migration_rows.c.id == row_id)).one_or_none()
    if row is None:
        raise Refused(f"there is no transfer {row_id}", "See its list.")
    tags = tuple(row.tags.split(", ")) if row.tags else ()
    ends = row.id, row.source, row.destination
    links = row.transfer_id, row.scan_id
    return TransferRow(*ends, tags, row.notes, *links, None, None, row.refused_status, row.refused)


def _listed(numbers: Sequence[int]) -> Any:
    """Numbers as a table of the database: there may be more of them than a statement may have values."""
    return sa.select(sa.func.json_each(dump(list(numbers))).table_valued("value").c.value)


def _newest(connection: sa.Connection, links: Sequence[int | None], kind: RunKind) -> dict[int | None, Standing]:
    """The newest run of that kind of each of these transfers."""
    known = [one for one in links if one is not None]
    newest = sa.select(standings.c.run_id).where(
        standings.c.transfer_id.in_(_listed(known)) & (standings.c.kind == kind.value)
    )
    found = connection.execute(sa.select(runs).where(runs.c.id.in_(newest)))
    return {row.transfer_id: _standing(row) for row in found}


def _standing(row: Any) -> Standing:
    return Standing(row.id, row.status, row.started_us, row.ended_us, load(row.counts), row.message)


def copies(connection: sa.Connection, transfer_ids: Sequence[int]) -> dict[int, list[Standing]]:
    """All copy runs of each of these transfers, oldest first."""
    its = runs.c.transfer_id.in_(_listed(transfer_ids)) & (runs.c.kind == RunKind.COPY)
    found = dict[int, list[Standing]]()
    for row in connection.execute(sa.select(runs).where(its).order_by(runs.c.id)):
        found.setdefault(row.transfer_id, []).append(_standing(row))
    return found
