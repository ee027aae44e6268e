"""Schedules: transfers that start by themselves, and the loop that starts them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim

from haulage.ledger import audit, migration_table
from haulage.ledger import schedules as rows
from haulage.ledger.audit import Actor
from haulage.ledger.codec import dump
from haulage.ledger.migration_rows import MigrationRow
from haulage.ledger.schedules import ScheduleRow
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.errors import HaulageError, Refused
from haulage.model.filters import Filters
from haulage.model.outcome import PassKind
from haulage.model.person import Person
from haulage.model.schedule import DAY_MINUTES, Every, Hours, Timing
from haulage.operations.runlog import log_of

LOOK_SECONDS = 5.0
STARTING_US = 600 * 1_000_000
"""How long a slot is held while both sides are asked. A process that ends meanwhile leaves it to the next one."""


def next_us(timing: Timing, after_us: int) -> int:
    """When it is next, after that moment; both in UTC microseconds. In a changing hour, cron's rules hold."""
    after = datetime.fromtimestamp(after_us / 1_000_000, ZoneInfo(timing.zone))
    return int(next(CronSim(timing.cron(), after)).astimezone(UTC).timestamp() * 1_000_000)


@cache
def zones() -> list[str]:
    """The time zones that one chooses from."""
    return ["UTC", *sorted(one for one in available_timezones() if "/" in one and not one.startswith("Etc/"))]


def check(timing: Timing) -> None:
    """Raises Refused for what is no time."""
    days = {Every.WEEK: 7, Every.MONTH: 31}.get(timing.every, 31)
    if not (0 <= timing.minute < 60 and 0 <= timing.hour < 24 and 1 <= timing.day <= days):
        raise Refused("that is no time of a schedule", "Choose an hour, a minute and a day that there are.")
    if timing.zone not in available_timezones():
        raise Refused(f"there is no time zone {timing.zone[:60]!r}", "Choose one such as Europe/Berlin.")


def add(
    ledger: Ledger, person: Person, source: str, destination: str, filters: Filters, timing: Timing, actor: Actor
) -> ScheduleRow:
    """Have a transfer start by itself. Whoever calls has seen to it that both sides may be used. Raises Refused."""
    check(timing)

    def keep(connection: Connection) -> ScheduleRow:
        first = next_us(timing, now_us())
        made = rows.add(connection, person.id, source, destination, dump(filters), timing, first)
        audit.append(connection, actor, "schedule add", f"schedule {made}", source=source, destination=destination)
        return rows.get(connection, made)

    return ledger.do(keep)


def check_hours(hours: Hours | None) -> None:
    """Raises Refused for hours that there are not, or that never or always are."""
    if hours is None:
        return
    if not (0 <= hours.opens < DAY_MINUTES and 0 <= hours.closes < DAY_MINUTES) or hours.opens == hours.closes:
        raise Refused("those are no hours in which something may run", "Choose two different times of the day.")
    if hours.zone not in available_timezones():
        raise Refused(f"there is no time zone {hours.zone[:60]!r}", "Choose one such as Europe/Berlin.")


def add_for_migration(
    ledger: Ledger,
    person: Person,
    migration: MigrationRow,
    row_ids: Sequence[int] | None,
    kind: PassKind,
    timing: Timing,
    hours: Hours | None,
    actor: Actor,
) -> ScheduleRow:
    """Have transfers of a migration start by themselves: these, or all that there are then (None). Raises Refused.

    Whoever calls has seen to it that both connectors may be used.
    """
    check(timing)
    check_hours(hours)
    return ledger.do(keep_for_migration, person, migration, row_ids, kind, timing, hours, actor)


def keep_for_migration(
    connection: Connection,
    person: Person,
    migration: MigrationRow,
    row_ids: Sequence[int] | None,
    kind: PassKind,
    timing: Timing,
    hours: Hours | None,
    actor: Actor,
) -> ScheduleRow:
    """The same of what was checked, as a part of something larger."""
    ends = f"{migration.source}:/", f"{migration.destination}:/"
    chosen = None if row_ids is None else dump(list(row_ids))
    more: dict[str, Any] = {"migration_id": migration.id, "row_ids": chosen, "kind": kind.value}
    kept = None if hours is None else dump(hours)
    made = rows.add(
        connection, person.id, *ends, migration.filters, timing, next_us(timing, now_us()), hours=kept, **more
    )
    audit.append(connection, actor, "schedule add", f"schedule {made}", migration=migration.id)
    return rows.get(connection, made)


def change(ledger: Ledger, row: ScheduleRow, timing: Timing, hours: Hours | None, actor: Actor) -> ScheduleRow:
    """Have a schedule start at other times, and its runs go on in other hours. What it starts stays. Raises Refused."""
    check(timing)
    check_hours(hours)
    if hours is not None and row.migration_id is None:
        raise Refused("a single copy runs at any time", "Leave out the hours; only a migration's schedule has some.")

    return ledger.do(keep_change, row.id, timing, hours, actor)


def keep_change(
    connection: Connection, schedule_id: int, timing: Timing, hours: Hours | None, actor: Actor
) -> ScheduleRow:
    """The same of what was checked, as a part of something larger."""
    rows.get(connection, schedule_id)  # nobody deleted it meanwhile
    rows.change(connection, schedule_id, timing, next_us(timing, now_us()), None if hours is None else dump(hours))
    facts = {"when": timing.words(), "hours": None if hours is None else hours.words()}
    audit.append(connection, actor, "schedule change", f"schedule {schedule_id}", **facts)
    return rows.get(connection, schedule_id)


def of_migration(ledger: Ledger, migration: int) -> list[ScheduleRow]:
    """The schedules of a migration, the next one first."""
    return ledger.read(rows.of_migration, migration)


def chosen(ledger: Ledger, migration: MigrationRow, row: ScheduleRow) -> list[int]:
    """The transfers that a schedule starts, by number, that there are now. Raises Refused where there are none."""
    wanted = None if row.row_ids is None else set(row.row_ids)
    every = ledger.read(migration_table.ids, migration.id, (), {})
    found = [one for one in every if wanted is None or one in wanted]
    if not found:
        raise Refused("none of its users is in the migration any more", "Delete the schedule.")
    return found


def of_row(found: Sequence[ScheduleRow], row_id: int) -> str:
    """When a transfer starts by itself, in words; empty where it does not. found: those of its migration."""
    return "; ".join(one.timing.words() for one in by_row(found, [row_id])[row_id])


def by_row(found: Sequence[ScheduleRow], row_ids: Sequence[int]) -> dict[int, list[ScheduleRow]]:
    """Which of a migration's schedules start each of these transfers."""
    its: dict[int, list[ScheduleRow]] = {row_id: [] for row_id in row_ids}
    for one in found:
        for row_id in its if one.row_ids is None else its.keys() & one.row_ids:
            its[row_id].append(one)
    return its


def remove(ledger: Ledger, schedule_id: int, actor: Actor) -> None:
    """It starts nothing any more."""

    ledger.do(keep_removed, schedule_id, actor)


def keep_removed(connection: Connection, schedule_id: int, actor: Actor) -> None:
    """The same, as a part of something larger."""
    rows.end(connection, schedule_id)
    audit.append(connection, actor, "schedule remove", f"schedule {schedule_id}")


Start = Callable[[ScheduleRow], Awaitable[Any]]
"""Starts the transfer of a schedule. Raises HaulageError where it cannot be started."""


async def start_due(ledger: Ledger, start: Start, now: int | None = None) -> int:
    """Start what is due; one that was missed starts once, one that still runs not again. Returns how many started."""
    now = now_us() if now is None else now

    async def begin(row: ScheduleRow) -> bool:
        until, told = now + STARTING_US, None
        if not await ledger.run(rows.take, row, until):
            return False
        try:
            await start(row)
        except HaulageError as error:
            told = f"{error.message}. {error.fix}"
        except Exception as error:
            log_of(ledger).bug(error, command="schedules")
            told = "something unexpected happened; the server's log tells more"
        await ledger.run(rows.took, row.id, until, next_us(row.timing, now), told)
        return told is None

    due = await asyncio.to_thread(ledger.read, rows.due, now)
    return sum(await asyncio.gather(*map(begin, due)))  # a service that does not answer keeps no other waiting


async def keep_starting(ledger: Ledger, start: Start) -> None:
    """Look for what is due every few seconds, until cancelled; what goes wrong now, is tried again then."""
    while True:
        try:
            await start_due(ledger, start)
        except HaulageError as error:
            log_of(ledger).warn("no schedule was looked at", message=error.message)
        except Exception as error:
            log_of(ledger).bug(error, command="schedules")
        await asyncio.sleep(LOOK_SECONDS)


def told(row: ScheduleRow) -> dict[str, Any]:
    """As a document."""
    return {
        "id": row.id,
        "source": row.source,
        "destination": row.destination,
        "every": row.timing.every.value,
        "when": row.timing.words(),
        "minute": row.timing.minute,
        "hour": row.timing.hour,
        "day": row.timing.day,
        "zone": row.timing.zone,
        "next_us": row.next_us,
        "last_us": row.last_us,
        "problem": row.told,
        "migration": row.migration_id,
        "kind": row.kind.value,
        "users": None if row.row_ids is None else len(row.row_ids),
        "hours": None if row.hours is None else row.hours.words(),
        "window": row.hours,
    }
