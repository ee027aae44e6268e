"""Schedules: which transfer starts again by itself, and when."""

from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import load
from haulage.ledger.schema import schedules
from haulage.ledger.store import now_us
from haulage.model.errors import Refused
from haulage.model.outcome import PassKind
from haulage.model.schedule import Every, Hours, Timing

ALIVE = schedules.c.ended_us.is_(None)


class ScheduleRow(msgspec.Struct, frozen=True):
    """A schedule. filters: JSON. told: why the last start failed; None where it did not.

    migration_id: what is started is a pass of this migration, of these transfers (None: of all that there are then);
    None: a single copy. hours: when its runs may go on; None: at any time.
    """

    id: int
    person_id: int
    source: str
    destination: str
    filters: str
    timing: Timing
    next_us: int
    last_us: int | None
    told: str | None
    migration_id: int | None = None
    row_ids: tuple[int, ...] | None = None
    kind: PassKind = PassKind.COPY
    hours: Hours | None = None


def _row(row: Any) -> ScheduleRow:
    timing = Timing(Every(row.every), row.minute, row.hour, row.day, row.zone)
    places = row.source, row.destination, row.filters
    known = row.id, row.person_id, *places, timing, row.next_us, row.last_us, row.told
    rows = None if row.row_ids is None else tuple(load(row.row_ids))
    return ScheduleRow(*known, row.migration_id, rows, PassKind(row.kind or PassKind.COPY), hours_of(row.hours))


def hours_of(text: str | None) -> Hours | None:
    """Hours as they are kept; None: at any time."""
    return None if text is None else msgspec.convert(load(text), Hours)


def add(
    connection: sa.Connection,
    person_id: int,
    source: str,
    destination: str,
    filters: str,
    when: Timing,
    next_us: int,
    **more: Any,
) -> int:
    """Keep a schedule. more: further columns. Returns its number."""
    values = {**more, "source": source, "destination": destination, "filters": filters, **msgspec.structs.asdict(when)}
    said = schedules.insert().values(person_id=person_id, next_us=next_us, created_us=now_us(), **values)
    return int(connection.execute(said).inserted_primary_key[0])  # type: ignore[index] # one row has its key


def change(connection: sa.Connection, schedule_id: int, when: Timing, next_us: int, hours: str | None) -> None:
    """From now on it starts at other times; hours: as they are kept."""
    values = {**msgspec.structs.asdict(when), "next_us": next_us, "hours": hours, "told": None}
    connection.execute(schedules.update().where((schedules.c.id == schedule_id) & ALIVE).values(**values))


def get(connection: sa.Connection, schedule_id: int) -> ScheduleRow:
    """The schedule of that number. Raises Refused."""
    row = connection.execute(sa.select(schedules).where((schedules.c.id == schedule_id) & ALIVE)).one_or_none()
    if row is None:
        raise Refused(f"there is no schedule {schedule_id}", "See the list of schedules.")
    return _row(row)


def every(connection: sa.Connection) -> list[ScheduleRow]:
    """All schedules, the next one first."""
    return [_row(row) for row in connection.execute(sa.select(schedules).where(ALIVE).order_by(schedules.c.next_us))]


def of_migration(connection: sa.Connection, migration: int) -> list[ScheduleRow]:
    """Those of a migration, the next one first."""
    its = ALIVE & (schedules.c.migration_id == migration)
    return [_row(row) for row in connection.execute(sa.select(schedules).where(its).order_by(schedules.c.next_us))]


def end_of_migration(connection: sa.Connection, migration: int) -> None:
    """The migration is deleted: its schedules end."""
    its = (schedules.c.migration_id == migration) & ALIVE
    connection.execute(schedules.update().where(its).values(ended_us=now_us()))


def due(connection: sa.Connection, now: int) -> list[ScheduleRow]:
    """Those whose time has come."""
    chosen = sa.select(schedules).where(ALIVE & (schedules.c.next_us <= now)).order_by(schedules.c.next_us)
    return [_row(row) for row in connection.execute(chosen)]


def take(connection: sa.Connection, row: ScheduleRow, until_us: int) -> bool:
    """Hold a slot while it is being started, so that nobody else does: False where another was first.

    Where the process ends meanwhile, it is due again at `until_us`. A missed slot runs once.
    """
    mine = (schedules.c.id == row.id) & (schedules.c.next_us == row.next_us) & ALIVE
    return connection.execute(schedules.update().where(mine).values(next_us=until_us)).rowcount == 1


def took(connection: sa.Connection, schedule_id: int, until_us: int, next_us: int, told: str | None) -> None:
    """What was held until then was started, or could not be (told: why); unless a person gave it other times."""
    held = (schedules.c.id == schedule_id) & (schedules.c.next_us == until_us) & ALIVE
    connection.execute(schedules.update().where(held).values(next_us=next_us, last_us=now_us(), told=told))


def end(connection: sa.Connection, schedule_id: int) -> None:
    """It starts nothing any more."""
    connection.execute(schedules.update().where(schedules.c.id == schedule_id).values(ended_us=now_us()))


def end_all(connection: sa.Connection, person_id: int) -> None:
    """All of a person's end."""
    connection.execute(schedules.update().where((schedules.c.person_id == person_id) & ALIVE).values(ended_us=now_us()))


def using(connection: sa.Connection, name: str) -> list[str]:
    """Schedules that a connector of that name takes part in, as people know them."""
    begins = f"{name.casefold()}:"
    return [
        f"schedule {one.id} ({one.source} to {one.destination})"
        for one in every(connection)
        if one.source.casefold().startswith(begins) or one.destination.casefold().startswith(begins)
    ]
