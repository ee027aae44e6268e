"""People who may sign in, the links they begin with, and who may act for whom."""

from typing import Any

import sqlalchemy as sa

from haulage.ledger.schema import claims, delegates, people
from haulage.ledger.store import now_us
from haulage.model.errors import Refused
from haulage.model.person import Notices, Person, Role

ALIVE = people.c.ended_us.is_(None)


def person_of(row: Any) -> Person:
    """A row of the table."""
    second, notices = row.second is not None, Notices(row.notices)
    facts = row.local, row.created_us, row.email, row.subject is not None
    return Person(row.id, row.name, Role(row.role), second, notices, *facts)


def add(connection: sa.Connection, name: str, role: Role, local: str | None = None) -> Person:
    """A new person, without a password yet. Raises Refused where the name is taken."""
    if by_name(connection, name) is not None:
        raise Refused(f"there is a person {name!r} already", "Choose another name.")
    values = {"name": name, "name_key": name.casefold(), "role": role, "local": local, "notices": Notices.ERRORS}
    made = connection.execute(people.insert().values(created_us=now_us(), **values))
    return get(connection, int(made.inserted_primary_key[0]))  # type: ignore[index] # an insert of one row has its key


def get(connection: sa.Connection, person_id: int) -> Person:
    """The person of that number. Raises Refused for one whose account was deleted."""
    row = connection.execute(sa.select(people).where((people.c.id == person_id) & ALIVE)).one_or_none()
    if row is None:
        raise Refused("there is no such person", "See the list of people.")
    return person_of(row)


def by_name(connection: sa.Connection, name: str) -> Person | None:
    """The person of that name, in any case."""
    row = connection.execute(sa.select(people).where((people.c.name_key == name.casefold()) & ALIVE)).one_or_none()
    return None if row is None else person_of(row)


def every(connection: sa.Connection) -> list[Person]:
    """All people, by name."""
    return [person_of(row) for row in connection.execute(sa.select(people).where(ALIVE).order_by(people.c.name_key))]


def by_subject(connection: sa.Connection, issuer: str, subject: str) -> Person | None:
    """Whom an issuer of OpenID Connect means."""
    known = (people.c.issuer == issuer) & (people.c.subject == subject) & ALIVE
    row = connection.execute(sa.select(people).where(known)).one_or_none()
    return None if row is None else person_of(row)


def any_at_all(connection: sa.Connection) -> bool:
    """Whether anybody was ever here: then nobody can begin as the first administrator any more."""
    return connection.scalar(sa.select(sa.func.count()).select_from(people)) != 0


def secrets(connection: sa.Connection, person_id: int) -> tuple[str | None, bytes | None, int | None]:
    """The password's hash, the sealed secret of one-time codes, and the newest slot whose code was used."""
    chosen = sa.select(people.c.password, people.c.second, people.c.second_slot)
    row = connection.execute(chosen.where((people.c.id == person_id) & ALIVE)).one()
    return row.password, row.second, row.second_slot


def update(connection: sa.Connection, person_id: int, /, **values: Any) -> None:
    """Set columns."""
    connection.execute(people.update().where(people.c.id == person_id).values(**values))


def use_slot(connection: sa.Connection, person_id: int, slot: int) -> bool:
    """Use a one-time code's time slot up. False where it, or a later one, was used before."""
    unused = people.c.second_slot.is_(None) | (people.c.second_slot < slot)
    said = people.update().where((people.c.id == person_id) & unused).values(second_slot=slot)
    return connection.execute(said).rowcount == 1


def end(connection: sa.Connection, person_id: int) -> None:
    """An account is deleted: its secrets go, its name stays in what was recorded."""
    update(connection, person_id, ended_us=now_us(), password=None, second=None, email=None, issuer=None, subject=None)
    its = (delegates.c.person_id == person_id) | (delegates.c.delegate_id == person_id)
    connection.execute(delegates.delete().where(its))
    connection.execute(claims.delete().where(claims.c.person_id == person_id))


def sealed(connection: sa.Connection) -> list[tuple[int, bytes]]:
    """Everybody's sealed secret of one-time codes, by person."""
    rows = connection.execute(sa.select(people.c.id, people.c.second).where(people.c.second.is_not(None)))
    return [(row.id, row.second) for row in rows]


def offer(connection: sa.Connection, key_hash: str, person_id: int | None, local: str | None, expires_us: int) -> None:
    """Keep a one-time link, in the place of an earlier one for the same person."""
    same = claims.c.person_id.is_(None) if person_id is None else claims.c.person_id == person_id
    connection.execute(claims.delete().where(same | (claims.c.expires_us <= now_us())))
    values = {"key_hash": key_hash, "person_id": person_id, "local": local, "expires_us": expires_us}
    connection.execute(claims.insert().values(**values))


def offered(connection: sa.Connection, key_hash: str) -> tuple[int | None, str | None] | None:
    """Whom a one-time link is for, and who was shown it. None where it was used, or its time is over."""
    known = (claims.c.key_hash == key_hash) & (claims.c.expires_us > now_us())
    row = connection.execute(sa.select(claims).where(known)).one_or_none()
    return None if row is None else (row.person_id, row.local)


def take_offer(connection: sa.Connection, key_hash: str) -> bool:
    """Use a link up. False where it was used before."""
    return connection.execute(claims.delete().where(claims.c.key_hash == key_hash)).rowcount == 1


def delegate(connection: sa.Connection, person_id: int, to: int) -> None:
    """Let that administrator act for the person."""
    its = (delegates.c.person_id == person_id) & (delegates.c.delegate_id == to)
    connection.execute(delegates.delete().where(its))
    connection.execute(delegates.insert().values(person_id=person_id, delegate_id=to, created_us=now_us()))


def undelegate(connection: sa.Connection, person_id: int, to: int) -> None:
    """Let them act no longer."""
    its = (delegates.c.person_id == person_id) & (delegates.c.delegate_id == to)
    connection.execute(delegates.delete().where(its))


def acting_for(connection: sa.Connection, delegate_id: int) -> list[Person]:
    """For whom an administrator may act."""
    both = people.join(delegates, delegates.c.person_id == people.c.id)
    mine = sa.select(people).select_from(both).where((delegates.c.delegate_id == delegate_id) & ALIVE)
    return [person_of(row) for row in connection.execute(mine.order_by(people.c.name_key))]


def delegates_of(connection: sa.Connection, person_id: int) -> list[Person]:
    """Who may act for a person."""
    both = people.join(delegates, delegates.c.delegate_id == people.c.id)
    theirs = sa.select(people).select_from(both).where((delegates.c.person_id == person_id) & ALIVE)
    return [person_of(row) for row in connection.execute(theirs.order_by(people.c.name_key))]
