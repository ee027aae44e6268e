"""`haulage migrations schedule`: a migration that is scanned or started by itself."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import cyclopts
from cyclopts import Parameter

from haulage.cli.choices import Json
from haulage.cli.connectors import opened, say
from haulage.cli.output import printable, say_json
from haulage.cli.signing import actor
from haulage.ledger.schedules import ScheduleRow
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.model.outcome import PassKind
from haulage.model.schedule import Every, Hours, Timing, day_of, minutes_of, window_of
from haulage.operations import migration_schedules, migration_table, migrations, schedules

app = cyclopts.App(name="schedule", help="A migration that is scanned or started by itself, by a server that is up.")

Repeat = Literal["hourly", "daily", "weekly", "monthly"]
Kind = Literal["scan", "copy", "cutover"]
EVENINGS = Timing(Every.DAY, hour=20)


@Parameter(name="*")
@dataclass(frozen=True)
class TimeOptions:
    """When it starts, and in which hours it may go on."""

    every: Repeat | None = None
    """How often; daily where nothing is said."""
    at: str | None = None
    """The time of day, such as 20:00; of hourly ones only its minutes count."""
    day: str | None = None
    """Of weekly ones the day, such as Monday; of monthly ones its number, or last."""
    zone: str | None = None
    """The time zone of all these times, such as Europe/Berlin; UTC where nothing is said."""
    hours: str | None = None
    """In which hours its runs may go on, such as 20:00-06:00; any for all of them."""
    weekends: bool | None = None
    """With hours: on Saturdays and Sundays all day, which is so where nothing is said."""

    def timing(self, before: Timing = EVENINGS) -> Timing:
        """When it starts; what is not said is as it was. Raises Refused."""
        every = before.every if self.every is None else Every(self.every)
        minutes = before.hour * 60 + before.minute if self.at is None else minutes_of(self.at)
        kept = before.day if every == before.every else 1
        day = kept if self.day is None else day_of(every, self.day)
        return Timing(every, minutes % 60, minutes // 60, day, self.zone or before.zone)

    def window(self, before: Hours | None = None, zone: str = EVENINGS.zone) -> Hours | None:
        """In which hours it may go on, likewise. zone: of the times before. Raises Refused."""
        if self.hours == "any" or (self.hours is None and before is None):
            if self.weekends is not None:
                raise Refused("weekends belong to hours", "Say --hours as well, such as --hours 20:00-06:00.")
            return None
        was = before or Hours(zone=self.zone or zone)
        opens, closes = (was.opens, was.closes) if self.hours is None else window_of(self.hours)
        weekends = was.weekends if self.weekends is None else self.weekends
        return Hours(opens, closes, weekends, self.zone if self.zone and was.zone == zone else was.zone)


AS_BEFORE = TimeOptions()


@app.command
def add(
    name: str,
    /,
    *,
    kind: Kind = "copy",
    filter: str = "",
    times: TimeOptions = AS_BEFORE,
    person: str = "",
    json: Json = False,
) -> None:
    """Have a migration start by itself.

    Args:
        name: The migration.
        kind: What is done with its transfers.
        filter: Only those transfers that there are now, as in `show`; else all that there are then.
        person: In whose name it starts, where that is not yours.
    """
    with opened() as ledger:
        migration = migrations.of_name(ledger, name)
        chosen = migration_table.shown(ledger, migration.id, filter) if filter else None
        if filter and not chosen:
            raise Refused("no transfer is chosen", "Add some, or change --filter.")
        whose = migration_schedules.starter(ledger, migration.source, migration.destination, actor(), person)
        facts = chosen, PassKind(kind), times.timing(), times.window(), actor()
        _tell(ledger, schedules.add_for_migration(ledger, whose, migration, *facts), "Added", json)


@app.command(name="list")
def list_(name: str, /, *, json: Json = False) -> None:
    """The schedules of a migration, the next one first.

    Args:
        name: The migration.
    """
    with opened() as ledger:
        migration = migrations.of_name(ledger, name)
        found = schedules.of_migration(ledger, migration.id)
        if json:
            say_json({"schedules": [schedules.told(one) for one in found]})
            return
        for one in found:
            say(_words(ledger, one))
    if not found:
        say(f"It starts by nobody but people. Change that with: haulage migrations schedule add {printable(name)}")


@app.command
def change(name: str, number: int, /, *, times: TimeOptions = AS_BEFORE, json: Json = False) -> None:
    """Have a schedule start at other times, or its runs go on in other hours. What is not said stays.

    Args:
        name: The migration.
        number: Of the schedule, as the list has it.
    """
    with opened() as ledger:
        row = _one(ledger, name, number)
        made = times.timing(row.timing), times.window(row.hours, row.timing.zone)
        _tell(ledger, schedules.change(ledger, row, *made, actor()), "Changed", json)


@app.command
def remove(name: str, number: int, /) -> None:
    """Let a schedule start nothing any more. What it has started goes on.

    Args:
        name: The migration.
        number: Of the schedule, as the list has it.
    """
    with opened() as ledger:
        row = _one(ledger, name, number)
        schedules.remove(ledger, row.id, actor())
    say(f"Removed: it started {row.timing.words()}.")


def _one(ledger: Ledger, name: str, number: int) -> ScheduleRow:
    migration = migrations.of_name(ledger, name)
    found = [one for one in schedules.of_migration(ledger, migration.id) if one.id == number]
    if not found:
        raise Refused(f"this migration has no schedule {number}", "See haulage migrations schedule list.")
    return found[0]


def _tell(ledger: Ledger, row: ScheduleRow, what: str, as_json: bool) -> None:
    if as_json:
        say_json({"event": f"schedule_{what.lower()}", **schedules.told(row)})
    else:
        say(f"{what}: {_words(ledger, row).lstrip()}")


def _words(ledger: Ledger, row: ScheduleRow) -> str:
    users = "all users" if row.row_ids is None else _counted(len(row.row_ids))
    within = "" if row.hours is None else f", within {row.hours.words()}"
    following = f"{datetime.fromtimestamp(row.next_us / 1_000_000, UTC):%Y-%m-%d %H:%M} UTC"
    whose = printable(migration_schedules.name_of(ledger, row.person_id))
    problem = f"; the last start failed: {printable(row.told)}" if row.told else ""
    return f"{row.id:>6}  {row.kind.value} {users} {row.timing.words()}{within}; next {following}, for {whose}{problem}"


def _counted(count: int) -> str:
    return f"{count:,} {'user' if count == 1 else 'users'}"
