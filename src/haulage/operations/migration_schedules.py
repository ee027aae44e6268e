"""Schedules of migrations as commands and files set them: in whose name they start, and what a file would change."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from haulage.ledger import connectors as connector_rows
from haulage.ledger import people
from haulage.ledger import schedules as rows
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import MigrationRow
from haulage.ledger.schedules import ScheduleRow
from haulage.ledger.store import Connection, Ledger
from haulage.model.errors import Refused
from haulage.model.migration_file import WantedSchedule
from haulage.model.outcome import PassKind
from haulage.model.person import Person, Role
from haulage.model.schedule import Hours, Timing
from haulage.operations import rights, schedules


def starter(ledger: Ledger, source: str, destination: str, actor: Actor, named: str = "") -> Person:
    """In whose name a migration between these connectors starts: whom a command names, or whoever runs it.

    Raises Refused where there is no such person, or they may not start it.
    """
    every = ledger.read(people.every)
    found = [one for one in every if (one.name.casefold() == named.casefold() if named else one.owns(actor.who))]
    if not found:
        nobody = f"there is no person {named!r}" if named else f"{actor.who} is no person of the web application"
        raise Refused(
            f"{nobody}, in whose name it would start",
            "Name one with --person; the first one begins with the link that haulage up shows.",
        )
    if not found[0].role.covers(Role.OPERATOR):
        raise Refused(f"{found[0].name} may only look", "Name somebody else with --person.")
    ends = [ledger.read(connector_rows.get, one).name for one in (source, destination)]
    if not rights.works_between(ledger, found[0], *ends):
        raise Refused(
            f"{found[0].name} may not use both connectors of the migration",
            "Share them, or name somebody else with --person.",
        )
    return found[0]


def name_of(ledger: Ledger, person_id: int) -> str:
    """A person's name; empty where the account was deleted."""
    return next((one.name for one in ledger.read(people.every) if one.id == person_id), "")


Ends = tuple[str, str]


class Set(msgspec.Struct, frozen=True):
    """What a schedule is. ends: of the transfers that it starts, in order; None: all that there are then."""

    kind: PassKind
    timing: Timing
    hours: Hours | None
    ends: tuple[Ends, ...] | None

    def words(self) -> str:
        """In words."""
        count = "all users" if self.ends is None else f"{len(self.ends):,} user{'' if len(self.ends) == 1 else 's'}"
        within = "" if self.hours is None else f", within {self.hours.words()}"
        return f"{self.kind.value} {count} {self.timing.words()}{within}"


class Changed(msgspec.Struct, frozen=True):
    """A schedule that gets other times."""

    id: int
    before: Set
    after: Set


class Schedules(msgspec.Struct, frozen=True):
    """What a file would do to a migration's schedules. left, remove: by number, as rows of the table."""

    add: tuple[Set, ...] = ()
    change: tuple[Changed, ...] = ()
    unchanged: int = 0
    left: dict[int, Set] = {}
    remove: dict[int, Set] = {}

    @property
    def nothing(self) -> bool:
        """Whether everything is as the file has it."""
        return not (self.add or self.change or self.remove)


def plan(
    found: Sequence[ScheduleRow],
    wanted: Sequence[WantedSchedule] | None,
    after: Mapping[int, Ends],
    every: Sequence[Ends],
    problems: list[tuple[int, str]],
    *,
    remove: bool,
) -> Schedules:
    """What a file would do to schedules that a migration has.

    after: the transfers that there are already, as they will be; every: those too that are added. What is wrong is
    put to the problems. One of the same transfers and kind at other times is changed.
    """
    if wanted is None:
        return Schedules()
    there = {one.id: _set(one, after) for one in found}
    asked = [made for one in wanted if (made := _wanted(one, every, problems)) is not None]
    unchanged, fresh = 0, []
    for one in asked:
        same = next((number for number, each in there.items() if each == one), None)
        if same is None:
            fresh.append(one)
        else:
            del there[same]
            unchanged += 1
    add, change = [], []
    for one in fresh:
        alike = next((number for number, each in there.items() if (each.kind, each.ends) == (one.kind, one.ends)), None)
        if alike is None:
            add.append(one)
        else:
            change.append(Changed(alike, there.pop(alike), one))
    rest = {"left": {} if remove else there, "remove": there if remove else {}}
    return Schedules(tuple(add), tuple(change), unchanged, **rest)


def _set(row: ScheduleRow, after: Mapping[int, Ends]) -> Set:
    ends = None if row.row_ids is None else tuple(sorted(after[one] for one in row.row_ids if one in after))
    return Set(row.kind, row.timing.plain(), row.hours, ends)


def _wanted(one: WantedSchedule, every: Sequence[Ends], problems: list[tuple[int, str]]) -> Set | None:
    before = len(problems)
    try:
        schedules.check(one.timing)
        schedules.check_hours(one.hours)
    except Refused as error:
        problems.append((one.line, f"{error.message}. {error.fix}"))
    ends: set[Ends] = set()
    for source, destination in one.only or ():
        its = [each for each in every if each[0] == source and destination in (None, each[1])]
        if not its:
            to = "" if destination is None else f" to {destination!r}"
            problems.append((one.line, f"only: there is no transfer of {source!r}{to}"))
        ends.update(its)
    if len(problems) > before:
        return None
    return Set(one.kind, one.timing, one.hours, None if one.only is None else tuple(sorted(ends)))


def make_true(
    connection: Connection,
    planned: Schedules,
    migration: MigrationRow,
    ids: Mapping[Ends, int],
    person: Person | None,
    actor: Actor,
) -> None:
    """Do what was planned. ids: the transfers' numbers; person: in whose name what is added starts. Raises Refused."""
    for one in planned.add:
        if person is None:
            raise Refused("nobody is named in whose name it would start", "Name somebody.")
        chosen = None if one.ends is None else sorted(ids[each] for each in one.ends)
        schedules.keep_for_migration(connection, person, migration, chosen, one.kind, one.timing, one.hours, actor)
    for each in planned.change:
        schedules.keep_change(connection, each.id, each.after.timing, each.after.hours, actor)
    for number in planned.remove:
        schedules.keep_removed(connection, number, actor)


def wanted(found: Sequence[ScheduleRow], table: Mapping[Ends, int]) -> list[WantedSchedule]:
    """Schedules as a file has them; not those whose transfers are all gone. table: the number of each transfer."""
    after = {number: ends for ends, number in sorted(table.items(), key=lambda one: one[1])}
    made = []
    for one in sorted(found, key=lambda row: row.id):
        each = _set(one, after)
        if each.ends != ():
            only = None if each.ends is None else tuple(_only(each.ends, list(after.values())))
            made.append(WantedSchedule(0, each.kind, each.timing, each.hours, only))
    return made


def _only(ends: Sequence[Ends], every: Sequence[Ends]) -> Sequence[tuple[str, str | None]]:
    """Sources alone, where all of their transfers are meant."""
    chosen, counts, theirs = set(ends), dict[str, int](), dict[str, int]()
    for source, destination in every:
        counts[source] = counts.get(source, 0) + 1
        theirs[source] = theirs.get(source, 0) + ((source, destination) in chosen)
    whole = {source for source, count in counts.items() if theirs[source] == count}
    return list(dict.fromkeys((source, None if source in whole else to) for source, to in ends))


def told(planned: Schedules) -> dict[str, Any]:
    """As a document."""
    return {
        "add": planned.add,
        "change": planned.change,
        "unchanged": planned.unchanged,
        "left": [{"id": number, **msgspec.structs.asdict(one)} for number, one in planned.left.items()],
        "remove": [{"id": number, **msgspec.structs.asdict(one)} for number, one in planned.remove.items()],
    }


def of(connection: Connection, migration: int | None) -> list[ScheduleRow]:
    """A migration's schedules; none of one that is not there yet."""
    return [] if migration is None else rows.of_migration(connection, migration)
