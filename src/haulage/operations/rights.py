"""Who may see and use what: deny by default, and what is not there cannot be told from what is another's (S40, S41)."""

from typing import Any

from haulage.connectors.tokens import unusable
from haulage.ledger import connectors as connector_rows
from haulage.ledger import migration_rows, people, schedules, shares
from haulage.ledger import runs as run_rows
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.migration_rows import MigrationRow
from haulage.ledger.runs import RunRow
from haulage.ledger.schedules import ScheduleRow
from haulage.ledger.store import Ledger
from haulage.model.connector import USABLE, Usage
from haulage.model.errors import Missing, NotAllowed, Refused
from haulage.model.location import overlap, parse
from haulage.model.person import Person, Role
from haulage.operations import connectors, history
from haulage.operations.locations import ReadOnly
from haulage.operations.signing_in import Who
from haulage.services.registry import service


def connector(ledger: Ledger, who: Who, name: str, *, own: bool = False) -> ConnectorRow:
    """A connector that the person may use: their own, or one that is shared with them; own: their own alone.

    An administrator uses none of the others'. Raises Missing.
    """
    try:
        row = ledger.read(connector_rows.get, name)
    except Refused as error:
        raise Missing(f"there is no connector {name!r}") from error
    if not who.person.owns(row.owner) and (own or row.id not in ledger.read(shares.connectors_of, who.person.id)):
        raise Missing(f"there is no connector {name!r}")
    return row


def _usable(ledger: Ledger, person: Person, *, deleted: bool = False) -> list[ConnectorRow]:
    """A person's connectors, and those that are shared with them."""
    shared = ledger.read(shares.connectors_of, person.id)
    rows = ledger.read(connector_rows.every, deleted=deleted)
    return [row for row in rows if person.owns(row.owner) or row.id in shared]


def own_connectors(ledger: Ledger, who: Who) -> list[dict[str, Any]]:
    """A person's connectors as they may be seen, and those that are shared with them; mine: which is which."""
    rows = _usable(ledger, who.person)
    return [{**connectors.shown(row), "owner": row.owner, "mine": who.person.owns(row.owner)} for row in rows]


def others_connectors(ledger: Ledger, who: Who) -> list[dict[str, Any]]:
    """That others' connectors exist: for administrators."""
    if who.person.role != Role.ADMIN:
        return []
    usable = {row.id for row in _usable(ledger, who.person)}
    rows = [row for row in ledger.read(connector_rows.every) if row.id not in usable]
    return [
        {"name": row.name, "title": service(row.service).title, "owner": row.owner, "state": row.state.value}
        for row in rows
    ]


def location(ledger: Ledger, who: Who, text: str) -> ConnectorRow:
    """The connector of a location: only those are reached through a server. Raises Missing, Refused."""
    parsed = parse(text)
    if parsed.connector is None:
        raise Refused("only locations of connectors can be used here", "Write connector-name:/path.")
    return connector(ledger, who, parsed.connector)


def may_copy(ledger: Ledger, who: Who, source: str, destination: str) -> None:
    """Both connectors the person's own and usable, neither place inside the other (S41). Raises Missing, Refused."""
    rows = [location(ledger, who, one) for one in (source, destination)]
    unfit = next((row for row in rows if row.state not in USABLE), None)
    if unfit is not None:
        raise unusable(unfit)
    if rows[1].usage == Usage.READ:
        raise ReadOnly(rows[1].name)
    if rows[0].id == rows[1].id and (why := overlap(source, destination)) is not None:
        raise Refused(why, "Choose two separate places.")


def run(ledger: Ledger, who: Who, run_id: int) -> RunRow:
    """A run whose connectors are that person's; an administrator sees all. Raises Missing."""
    try:
        found = history.find(ledger, run_id)
    except Refused as error:
        raise Missing(f"there is no run {run_id}") from error
    if not _may_see(ledger, who.person, found):
        raise Missing(f"there is no run {run_id}")
    return found


def runs(ledger: Ledger, who: Who, limit: int, before: int | None = None) -> list[RunRow]:
    """The newest runs that the person may see, newest first; before: only those of a smaller number."""
    if who.person.role == Role.ADMIN:
        found = ledger.read(run_rows.newest, limit, before)
    else:
        mine = [row.id for row in _usable(ledger, who.person, deleted=True)]
        found = ledger.read(run_rows.newest, limit, before, mine)
    return [history.as_it_is(ledger, one) for one in found]


def _may_see(ledger: Ledger, person: Person, found: RunRow) -> bool:
    if person.role == Role.ADMIN:
        return True
    key = ledger.read(run_rows.transfer_key, found.transfer_id)
    ends = [key.source_connector, key.destination_connector]
    if found.kind == "scan" and not key.destination:
        ends = ends[:1]
    return set(ends) <= {row.id for row in _usable(ledger, person, deleted=True)}


def migration(ledger: Ledger, who: Who, migration_id: int) -> MigrationRow:
    """A migration whose connectors the person may use; an administrator sees all. Raises Missing."""
    try:
        row = ledger.read(migration_rows.by_id, migration_id)
    except Refused as error:
        raise Missing(f"there is no migration {migration_id}") from error
    if who.person.role != Role.ADMIN and not works_on(ledger, who, row):
        raise Missing(f"there is no migration {migration_id}")
    return row


def migrations(ledger: Ledger, who: Who) -> list[MigrationRow]:
    """The migrations that the person may see, by name."""
    usable = {row.name for row in _usable(ledger, who.person)}
    every = ledger.read(migration_rows.every)
    return [one for one in every if who.person.role == Role.ADMIN or {one.source, one.destination} <= usable]


def works_on(ledger: Ledger, who: Who, row: MigrationRow) -> bool:
    """Whether the person may use both of its connectors: what changes its table, or starts it, needs that."""
    return works_between(ledger, who.person, row.source, row.destination)


def works_between(ledger: Ledger, person: Person, source: str, destination: str) -> bool:
    """Whether the person may use both connectors."""
    return {source, destination} <= {one.name for one in _usable(ledger, person)}


def work_on(ledger: Ledger, who: Who, migration_id: int) -> MigrationRow:
    """A migration both of whose connectors the person may use; an administrator uses none of the others'.

    Raises Missing.
    """
    row = migration(ledger, who, migration_id)
    if not works_on(ledger, who, row):
        raise Missing(f"there is no migration {migration_id} between connectors of yours")
    return row


def may_begin(ledger: Ledger, who: Who, row: MigrationRow, kind: str) -> None:
    """Raises Missing, Refused where a connector that a pass of that kind needs cannot be used as it stands."""
    sides = [row.source] if kind == "scan" else [row.source, row.destination]
    rows = [connector(ledger, who, name) for name in sides]
    unfit = next((one for one in rows if one.state not in USABLE), None)
    if unfit is not None:
        raise unusable(unfit)


def keep(ledger: Ledger, who: Who, migration_id: int) -> MigrationRow:
    """A migration that the person may rename and delete: their own; an administrator all. Raises Missing, Refused."""
    row = migration(ledger, who, migration_id)
    if who.person.role != Role.ADMIN and not who.person.owns(row.owner):
        raise NotAllowed(f"the migration is {row.owner}'s", "Ask them, or an administrator.")
    return row


def schedule(ledger: Ledger, who: Who, schedule_id: int) -> ScheduleRow:
    """A person's schedule; an administrator's are all. Raises Missing."""
    try:
        row = ledger.read(schedules.get, schedule_id)
    except Refused as error:
        raise Missing(f"there is no schedule {schedule_id}") from error
    if row.person_id != who.person.id and who.person.role != Role.ADMIN:
        raise Missing(f"there is no schedule {schedule_id}")
    return row


def own_schedules(ledger: Ledger, who: Who) -> list[ScheduleRow]:
    """A person's schedules; an administrator sees all."""
    found = ledger.read(schedules.every)
    return [one for one in found if one.person_id == who.person.id or who.person.role == Role.ADMIN]


def person(ledger: Ledger, person_id: int) -> Person:
    """A person. Raises Missing."""
    try:
        return ledger.read(people.get, person_id)
    except Refused as error:
        raise Missing("there is no such person") from error
