"""Who may see and use what: deny by default, and what is not there cannot be told from what is another's (S40, S41)."""

from typing import Any

from haulage.ledger import connectors as connector_rows
from haulage.ledger import people, schedules
from haulage.ledger import runs as run_rows
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.runs import RunRow
from haulage.ledger.schedules import ScheduleRow
from haulage.ledger.store import Ledger
from haulage.model.errors import Missing, Refused
from haulage.model.location import parse
from haulage.model.person import Person, Role
from haulage.operations import connectors, history
from haulage.operations.signing_in import Who
from haulage.services.registry import service


def connector(ledger: Ledger, who: Who, name: str) -> ConnectorRow:
    """A connector of that person's. An administrator uses none of the others'. Raises Missing."""
    try:
        row = ledger.read(connector_rows.get, name)
    except Refused as error:
        raise Missing(f"there is no connector {name!r}") from error
    if not who.person.owns(row.owner):
        raise Missing(f"there is no connector {name!r}")
    return row


def own_connectors(ledger: Ledger, who: Who) -> list[dict[str, Any]]:
    """A person's connectors, as they may be seen."""
    return [connectors.shown(row) for row in ledger.read(connector_rows.every) if who.person.owns(row.owner)]


def others_connectors(ledger: Ledger, who: Who) -> list[dict[str, Any]]:
    """That others' connectors exist: for administrators."""
    if who.person.role != Role.ADMIN:
        return []
    rows = [row for row in ledger.read(connector_rows.every) if not who.person.owns(row.owner)]
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
        mine = [row.id for row in ledger.read(connector_rows.every, deleted=True) if who.person.owns(row.owner)]
        found = ledger.read(run_rows.newest, limit, before, mine)
    return [history.as_it_is(ledger, one) for one in found]


def _may_see(ledger: Ledger, person: Person, found: RunRow) -> bool:
    if person.role == Role.ADMIN:
        return True
    key = ledger.read(run_rows.transfer_key, found.transfer_id)
    ends = [key.source_connector, key.destination_connector]
    if found.kind == "scan" and not key.destination:
        ends = ends[:1]
    owners = [None if one is None else ledger.read(connector_rows.by_id, one).owner for one in ends]
    return all(one is not None and person.owns(one) for one in owners)


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
