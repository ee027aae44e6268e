"""Connectors: what is known of each link to an account; its secrets and tokens are sealed elsewhere and kept here."""

import unicodedata
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import dump, load
from haulage.ledger.schema import connectors, transfers
from haulage.ledger.store import now_us
from haulage.model.connector import ConnectorState, ConnectorStep, after
from haulage.model.errors import Refused


class ConnectorRow(msgspec.Struct, frozen=True):
    """A connector. settings: public ones by field name. sealed, tokens: see connectors.vault; None without secrets.

    The other fields: see ledger.schema. Times in UTC microseconds.
    """

    id: int
    name: str
    service: str
    realm: str
    owner: str
    state: ConnectorState
    reason: str | None
    state_us: int
    way: str
    usage: str
    settings: dict[str, str]
    sealed: bytes | None
    tokens: bytes | None
    version: int
    expires_us: int | None
    renewer: str | None
    renewer_until_us: int | None
    scopes: str | None
    account: str | None
    account_name: str | None
    revoke_pending: str | None
    created_us: int
    authorised_us: int | None
    moved_us: int | None

    @property
    def subject(self) -> str:
        """How the audit trail calls it."""
        return f"connector {self.id}"


def _row(row: Any) -> ConnectorRow:
    values = {name: getattr(row, name) for name in ConnectorRow.__struct_fields__}
    return ConnectorRow(**{**values, "settings": load(row.settings), "state": ConnectorState(row.state)})


def dumped(settings: dict[str, str]) -> str:
    """Settings as the column holds them."""
    return dump(settings)


def name_key(name: str) -> str:
    """Under which two names are the same one: without regard to case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _named(name: str) -> sa.ColumnElement[bool]:
    return (connectors.c.name_key == name_key(name)) & (connectors.c.state != ConnectorState.DELETED)


def taken(connection: sa.Connection, name: str) -> bool:
    """Whether a connector that is not deleted has that name, in any case."""
    return connection.scalar(sa.select(connectors.c.id).where(_named(name))) is not None


def refuse_taken(connection: sa.Connection, name: str) -> None:
    """Raises Refused where the name is taken."""
    if taken(connection, name):
        raise Refused(f"there is a connector {name!r} already", "Choose another name, or delete that one first.")


class NewConnector(msgspec.Struct, frozen=True):
    """What a connector begins with. usage: "read" or "write"."""

    name: str
    service: str
    settings: dict[str, str]
    realm: str = "live"
    owner: str = "local"
    way: str = "keys"
    usage: str = "write"


def add(connection: sa.Connection, new: NewConnector) -> int:
    """Add a connector in state "new", its secrets still to be sealed. Raises Refused where the name is taken."""
    refuse_taken(connection, new.name)
    now = now_us()
    values: dict[str, Any] = {**msgspec.structs.asdict(new), "settings": dump(new.settings)}
    values |= {"name_key": name_key(new.name), "state": ConnectorState.NEW, "state_us": now, "version": 0}
    made = connection.execute(connectors.insert().values(created_us=now, **values))
    return int(made.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has its key


def step(
    connection: sa.Connection, connector_id: int, taken_step: ConnectorStep, reason: str | None, now: int
) -> ConnectorState:
    """Take a step of the state machine. Raises Refused where the connector cannot take it. Returns the new state."""
    row = by_id(connection, connector_id)
    to = after(row.state, taken_step)
    if to is None:
        raise Refused(f"the connector {row.name!r} is {row.state.value.replace('_', ' ')}: it cannot be changed so")
    values = {"state": to, "reason": reason, **({"state_us": now} if to != row.state else {})}
    update(connection, connector_id, **values)
    return to


def update(connection: sa.Connection, connector_id: int, /, **values: Any) -> None:
    """Set columns. What has rules of its own has functions of its own: state, tokens."""
    connection.execute(connectors.update().where(connectors.c.id == connector_id).values(**values))


def keep_tokens(
    connection: sa.Connection, connector_id: int, version: int, tokens: bytes, expires_us: int | None
) -> bool:
    """Keep newer tokens in the place of those of that version, and end the renewal. False: another was first (T65)."""
    known = (connectors.c.id == connector_id) & (connectors.c.version == version)
    values = {"tokens": tokens, "expires_us": expires_us, "version": version + 1}
    said = connectors.update().where(known).values(**values, renewer=None, renewer_until_us=None)
    return connection.execute(said).rowcount == 1


def begin_renewal(
    connection: sa.Connection, connector_id: int, version: int, who: str, now: int, until_us: int
) -> bool:
    """Become, or stay, the one that renews the tokens of that version. False: another is at it, or was (T63)."""
    mine_already = connectors.c.renewer == who
    free = connectors.c.renewer_until_us.is_(None) | (connectors.c.renewer_until_us <= now) | mine_already
    mine = (connectors.c.id == connector_id) & (connectors.c.version == version) & free
    said = connectors.update().where(mine).values(renewer=who, renewer_until_us=until_us)
    return connection.execute(said).rowcount == 1


def end_renewal(connection: sa.Connection, connector_id: int, who: str) -> None:
    """Stop being the one that renews, without newer tokens."""
    mine = (connectors.c.id == connector_id) & (connectors.c.renewer == who)
    connection.execute(connectors.update().where(mine).values(renewer=None, renewer_until_us=None))


def wipe(connection: sa.Connection, connector_id: int) -> None:
    """Destroy secrets and tokens, in the freed pages of the file too; a renewal under way can keep nothing any more."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    nothing = {"sealed": None, "tokens": None, "expires_us": None, "renewer": None, "renewer_until_us": None}
    update(connection, connector_id, **nothing, version=connectors.c.version + 1, revoke_pending=None)


def by_id(connection: sa.Connection, connector_id: int) -> ConnectorRow:
    """The connector of that number, a deleted one too."""
    return _row(connection.execute(sa.select(connectors).where(connectors.c.id == connector_id)).one())


def get(connection: sa.Connection, name: str) -> ConnectorRow:
    """The connector of that name, in any case. Raises Refused."""
    row = connection.execute(sa.select(connectors).where(_named(name))).one_or_none()
    if row is None:
        raise Refused(f"there is no connector {name!r}", "See `haulage connectors list`, or write a URL.")
    return _row(row)


def every(connection: sa.Connection, *, deleted: bool = False) -> list[ConnectorRow]:
    """All connectors, by name; deleted ones too where they are asked for."""
    chosen = sa.select(connectors).order_by(connectors.c.name_key, connectors.c.id)
    if not deleted:
        chosen = chosen.where(connectors.c.state != ConnectorState.DELETED)
    return [_row(row) for row in connection.execute(chosen)]


def of_realm(connection: sa.Connection, realm: str) -> list[str]:
    """Names of the connectors of a realm that are not deleted."""
    in_it = (connectors.c.realm == realm) & (connectors.c.state != ConnectorState.DELETED)
    return list(connection.scalars(sa.select(connectors.c.name).where(in_it).order_by(connectors.c.name_key)))


def moved(connection: sa.Connection, transfer: int, at_us: int) -> None:
    """Data was moved, or there was none to move: the transfer's connectors are not idle."""
    ends = sa.select(transfers.c.source_connector, transfers.c.destination_connector).where(transfers.c.id == transfer)
    ids = [one for one in connection.execute(ends).one() if one is not None]
    if ids:
        connection.execute(connectors.update().where(connectors.c.id.in_(ids)).values(moved_us=at_us))
