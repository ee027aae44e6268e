"""Connectors: named links to accounts, their public settings beside their sealed secrets."""

import unicodedata

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import dump, load
from haulage.ledger.schema import connectors
from haulage.ledger.store import now_us
from haulage.model.errors import Refused


class ConnectorRow(msgspec.Struct, frozen=True):
    """A connector. settings: public ones by field name. sealed: see connectors.vault; None without secrets."""

    id: int
    name: str
    service: str
    settings: dict[str, str]
    sealed: bytes | None
    created_us: int


def _row(row: sa.Row[tuple[int, str, str, str, str, bytes, int]]) -> ConnectorRow:
    return ConnectorRow(row.id, row.name, row.service, load(row.settings), row.sealed, row.created_us)


def name_key(name: str) -> str:
    """Under which two names are the same one: without regard to case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def refuse_taken(connection: sa.Connection, name: str) -> None:
    """Raises Refused where the name is taken."""
    if connection.scalar(sa.select(connectors.c.id).where(connectors.c.name_key == name_key(name))) is not None:
        raise Refused(f"there is a connector {name!r} already", "Choose another name, or remove that one first.")


def add(connection: sa.Connection, name: str, service: str, settings: dict[str, str]) -> int:
    """Add a connector, its secrets still to be sealed. Raises Refused where the name is taken (in any case)."""
    refuse_taken(connection, name)
    values = {"name": name, "name_key": name_key(name), "service": service, "settings": dump(settings)}
    made = connection.execute(connectors.insert().values(created_us=now_us(), **values))
    return int(made.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has its key


def set_sealed(connection: sa.Connection, connector_id: int, sealed: bytes) -> None:
    """Keep the sealed secrets."""
    connection.execute(connectors.update().where(connectors.c.id == connector_id).values(sealed=sealed))


def get(connection: sa.Connection, name: str) -> ConnectorRow:
    """The connector of that name, in any case. Raises Refused."""
    row = connection.execute(sa.select(connectors).where(connectors.c.name_key == name_key(name))).one_or_none()
    if row is None:
        raise Refused(f"there is no connector {name!r}", "See `haulage connectors list`, or write a URL.")
    return _row(row)


def every(connection: sa.Connection) -> list[ConnectorRow]:
    """All connectors, by name."""
    return [_row(row) for row in connection.execute(sa.select(connectors).order_by(connectors.c.name_key))]


def remove(connection: sa.Connection, connector_id: int) -> None:
    """Remove a connector and its sealed secrets."""
    connection.execute(connectors.delete().where(connectors.c.id == connector_id))
