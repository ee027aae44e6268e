"""The audit trail: who did what, appended in the transaction that did it. Each row's hash covers all before it."""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import dump, load
from haulage.ledger.schema import audit
from haulage.ledger.store import now_us

FIRST = "0" * 64


class Actor(msgspec.Struct, frozen=True):
    """Who acts, and from where: cli, web, api, or "program" for what happens by itself."""

    who: str
    origin: str


PROGRAM = Actor("haulage", "program")


class AuditRow(msgspec.Struct, frozen=True):
    """One event. subject: what it happened to, such as "connector 3"; facts hold no secrets."""

    id: int
    at_us: int
    who: str
    origin: str
    event: str
    subject: str
    facts: dict[str, Any]
    hash: str


def _hash(before: str, values: tuple[Any, ...]) -> str:
    return hashlib.sha256(dump([before, *values]).encode()).hexdigest()


def append(connection: sa.Connection, /, actor: Actor, event: str, subject: str, **facts: Any) -> None:
    """Add an event. The one writer at a time that a write transaction allows keeps the chain unbroken."""
    last = connection.scalar(sa.select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)) or FIRST
    values = (now_us(), actor.who, actor.origin, event, subject, dump(facts))
    names = ("at_us", "who", "origin", "event", "subject", "facts")
    connection.execute(audit.insert().values(hash=_hash(last, values), **dict(zip(names, values, strict=True))))


def _row(row: Any) -> AuditRow:
    return AuditRow(row.id, row.at_us, row.who, row.origin, row.event, row.subject, load(row.facts), row.hash)


def of(connection: sa.Connection, subject: str) -> list[AuditRow]:
    """What happened to a subject, oldest first."""
    found = connection.execute(sa.select(audit).where(audit.c.subject == subject).order_by(audit.c.id))
    return [_row(row) for row in found]


def broken(connection: sa.Connection) -> Iterator[int]:
    """Numbers of rows that are not as they were written, or that follow on one that is missing."""
    before, expected = FIRST, 1
    for row in connection.execute(sa.select(audit).order_by(audit.c.id)):
        values = (row.at_us, row.who, row.origin, row.event, row.subject, row.facts)
        if row.hash != _hash(before, values) or row.id != expected:
            yield row.id
        before, expected = row.hash, row.id + 1
