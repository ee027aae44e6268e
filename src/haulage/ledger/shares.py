"""With whom connectors are shared: they may use them as their own, but not authorise, share or delete them."""

import sqlalchemy as sa

from haulage.ledger.people import ALIVE, person_of
from haulage.ledger.schema import people, shares
from haulage.ledger.store import now_us
from haulage.model.person import Person


def share(connection: sa.Connection, connector_id: int, person_id: int) -> None:
    """Share a connector with a person; again changes nothing."""
    unshare(connection, connector_id, person_id)
    values = {"connector_id": connector_id, "person_id": person_id, "created_us": now_us()}
    connection.execute(shares.insert().values(**values))


def unshare(connection: sa.Connection, connector_id: int, person_id: int) -> bool:
    """Share it with them no longer. False where it was not."""
    its = (shares.c.connector_id == connector_id) & (shares.c.person_id == person_id)
    return connection.execute(shares.delete().where(its)).rowcount == 1


def end_all(connection: sa.Connection, person_id: int) -> None:
    """Nothing is shared with that person any more."""
    connection.execute(shares.delete().where(shares.c.person_id == person_id))


def people_of(connection: sa.Connection, connector_id: int) -> list[Person]:
    """With whom a connector is shared, by name."""
    both = people.join(shares, shares.c.person_id == people.c.id)
    chosen = sa.select(people).select_from(both).where((shares.c.connector_id == connector_id) & ALIVE)
    return [person_of(row) for row in connection.execute(chosen.order_by(people.c.name_key))]


def connectors_of(connection: sa.Connection, person_id: int) -> set[int]:
    """Numbers of the connectors that are shared with a person."""
    return set(connection.scalars(sa.select(shares.c.connector_id).where(shares.c.person_id == person_id)))
