"""The identity of this installation."""

import secrets

import sqlalchemy as sa

from haulage.ledger.schema import installation
from haulage.ledger.store import now_us


def installation_id(connection: sa.Connection) -> str:
    """Which installation this is. In a write transaction it is made where it is missing; else it may be empty."""
    known = connection.scalar(sa.select(installation.c.id))
    if known is None and not connection.get_execution_options().get("reading", False):
        known = secrets.token_hex(16)
        connection.execute(installation.insert().values(id=known, created_us=now_us()))
    return known or ""
