"""Realms: where the services of a sandbox are."""

from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import dump, load
from haulage.ledger.schema import realms
from haulage.ledger.store import now_us


class RealmRow(msgspec.Struct, frozen=True):
    """A realm as it is kept. facts: see connectors.realms."""

    name: str
    facts: dict[str, Any]
    sealed: bytes
    created_us: int


def put(connection: sa.Connection, name: str, facts: dict[str, Any], sealed: bytes) -> None:
    """Keep a realm, in the place of the one of that name."""
    remove(connection, name)
    connection.execute(realms.insert().values(name=name, facts=dump(facts), sealed=sealed, created_us=now_us()))


def get(connection: sa.Connection, name: str) -> RealmRow | None:
    """The realm of that name."""
    row = connection.execute(sa.select(realms).where(realms.c.name == name)).one_or_none()
    return None if row is None else RealmRow(row.name, load(row.facts), row.sealed, row.created_us)


def every(connection: sa.Connection) -> list[RealmRow]:
    """All realms but the live one, by name."""
    found = connection.execute(sa.select(realms).order_by(realms.c.name))
    return [RealmRow(row.name, load(row.facts), row.sealed, row.created_us) for row in found]


def remove(connection: sa.Connection, name: str) -> bool:
    """Forget a realm. Whether there was one."""
    return connection.execute(realms.delete().where(realms.c.name == name)).rowcount == 1
