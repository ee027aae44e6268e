"""Sessions of browsers, tokens of programs, and failed sign-ins. Keys are kept as hashes only."""

from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import dump, load
from haulage.ledger.schema import api_tokens, sessions, sign_in_failures
from haulage.ledger.store import now_us

WRITE_SEEN_US = 30_000_000


class Session(msgspec.Struct, frozen=True):
    """A browser that somebody signed in with. facts: where a sign-in at a service goes on afterwards."""

    key_hash: str
    person_id: int
    acting_for: int | None
    created_us: int
    seen_us: int
    address: str
    agent: str
    facts: dict[str, Any]


def _session(row: Any) -> Session:
    times = row.created_us, row.seen_us
    return Session(row.key_hash, row.person_id, row.acting_for, *times, row.address, row.agent, load(row.facts))


def begin(connection: sa.Connection, key_hash: str, person_id: int, address: str, agent: str, oldest_us: int) -> None:
    """A new session; those that were begun before `oldest_us` go."""
    now = now_us()
    connection.execute(sessions.delete().where(sessions.c.created_us <= oldest_us))
    values = {"key_hash": key_hash, "person_id": person_id, "address": address, "agent": agent[:200], "facts": "{}"}
    connection.execute(sessions.insert().values(created_us=now, seen_us=now, **values))


def get(connection: sa.Connection, key_hash: str) -> Session | None:
    """The session of that key, whatever its age."""
    row = connection.execute(sa.select(sessions).where(sessions.c.key_hash == key_hash)).one_or_none()
    return None if row is None else _session(row)


def update(connection: sa.Connection, key_hash: str, /, **values: Any) -> None:
    """Set columns; facts as a dict."""
    if "facts" in values:
        values["facts"] = dump(values["facts"])
    connection.execute(sessions.update().where(sessions.c.key_hash == key_hash).values(**values))


def of(connection: sa.Connection, person_id: int) -> list[Session]:
    """A person's sessions, newest first."""
    mine = sa.select(sessions).where(sessions.c.person_id == person_id).order_by(sessions.c.seen_us.desc())
    return [_session(row) for row in connection.execute(mine)]


def end(connection: sa.Connection, person_id: int, key_hash: str | None = None, but: str | None = None) -> int:
    """End a person's session of that key, or all of them but one. Returns how many."""
    its = sessions.c.person_id == person_id
    if key_hash is not None:
        its &= sessions.c.key_hash == key_hash
    if but is not None:
        its &= sessions.c.key_hash != but
    return connection.execute(sessions.delete().where(its)).rowcount


def end_acting(connection: sa.Connection, person_id: int, delegate_id: int | None = None) -> None:
    """Whoever acts for that person stops."""
    its = sessions.c.acting_for == person_id
    if delegate_id is not None:
        its &= sessions.c.person_id == delegate_id
    connection.execute(sessions.update().where(its).values(acting_for=None))


def failed(connection: sa.Connection, places: list[str], forget_before_us: int) -> None:
    """A sign-in failed there."""
    connection.execute(sign_in_failures.delete().where(sign_in_failures.c.at_us < forget_before_us))
    connection.execute(sign_in_failures.insert(), [{"place": one, "at_us": now_us()} for one in places])


def failures(connection: sa.Connection, place: str, since_us: int) -> list[int]:
    """When sign-ins failed there, oldest first."""
    its = (sign_in_failures.c.place == place) & (sign_in_failures.c.at_us >= since_us)
    return list(connection.scalars(sa.select(sign_in_failures.c.at_us).where(its).order_by(sign_in_failures.c.at_us)))


def forgive(connection: sa.Connection, place: str) -> None:
    """Forget failures there."""
    connection.execute(sign_in_failures.delete().where(sign_in_failures.c.place == place))


class TokenRow(msgspec.Struct, frozen=True):
    """A program's token, without its key."""

    id: int
    person_id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_us: int
    expires_us: int
    used_us: int | None


def _token(row: Any) -> TokenRow:
    times = row.created_us, row.expires_us, row.used_us
    return TokenRow(row.id, row.person_id, row.name, row.prefix, tuple(row.scopes.split()), *times)


def add_token(connection: sa.Connection, /, **values: Any) -> int:
    """Keep a token; the columns but created_us are given."""
    made = connection.execute(api_tokens.insert().values(created_us=now_us(), **values))
    return int(made.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has its key


def token(connection: sa.Connection, key_hash: str) -> TokenRow | None:
    """The token of that key, if it was not ended."""
    alive = (api_tokens.c.key_hash == key_hash) & api_tokens.c.ended_us.is_(None)
    row = connection.execute(sa.select(api_tokens).where(alive)).one_or_none()
    return None if row is None else _token(row)


def used(connection: sa.Connection, token_id: int) -> None:
    """Note that it was used."""
    connection.execute(api_tokens.update().where(api_tokens.c.id == token_id).values(used_us=now_us()))


def tokens_of(connection: sa.Connection, person_id: int) -> list[TokenRow]:
    """A person's tokens, newest first."""
    mine = (api_tokens.c.person_id == person_id) & api_tokens.c.ended_us.is_(None)
    return [
        _token(row) for row in connection.execute(sa.select(api_tokens).where(mine).order_by(api_tokens.c.id.desc()))
    ]


def end_tokens(connection: sa.Connection, person_id: int, token_id: int | None = None) -> int:
    """End a person's token of that number, or all of them. Returns how many."""
    its = (api_tokens.c.person_id == person_id) & api_tokens.c.ended_us.is_(None)
    if token_id is not None:
        its &= api_tokens.c.id == token_id
    return connection.execute(api_tokens.update().where(its).values(ended_us=now_us())).rowcount
