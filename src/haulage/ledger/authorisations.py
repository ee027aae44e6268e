"""Sign-ins that were begun: each is taken once, within its time."""

from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import dump, load
from haulage.ledger.schema import authorisations


class Pending(msgspec.Struct, frozen=True):
    """A sign-in under way. bound: whose it is and what for; sealed: what finishing it needs."""

    bound: dict[str, Any]
    sealed: bytes
    expires_us: int


def begin(connection: sa.Connection, state_hash: str, pending: Pending, now: int) -> None:
    """Keep a sign-in that begins, and forget those whose time is over."""
    connection.execute(authorisations.delete().where(authorisations.c.expires_us <= now))
    values = {"bound": dump(pending.bound), "sealed": pending.sealed, "expires_us": pending.expires_us}
    connection.execute(authorisations.insert().values(state_hash=state_hash, **values))


def take(connection: sa.Connection, state_hash: str, whose: dict[str, Any], now: int) -> Pending | None:
    """The sign-in of that state, which nobody can take again (S02).

    whose: what it has to be bound to. None where there is none in time, or it is somebody else's: that one stays.
    """
    row = connection.execute(sa.select(authorisations).where(authorisations.c.state_hash == state_hash)).one_or_none()
    if row is None or row.expires_us <= now:
        return None
    bound = load(row.bound)
    if any(bound.get(name) != value for name, value in whose.items()):
        return None
    connection.execute(authorisations.delete().where(authorisations.c.state_hash == state_hash))
    return Pending(bound, row.sealed, row.expires_us)


def forget_all(connection: sa.Connection) -> None:
    """Forget every sign-in under way."""
    connection.execute(authorisations.delete())
