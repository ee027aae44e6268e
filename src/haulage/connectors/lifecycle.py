"""The steps of a connector's life, each in one transaction with its line in the audit trail."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from haulage.connectors.vault import VaultError
from haulage.ledger import audit
from haulage.ledger import connectors as rows
from haulage.ledger.audit import PROGRAM, Actor
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.connector import ConnectorState, ConnectorStep

T = TypeVar("T")
CHANGES_OF_KEY = 3
"""So many may fall into one reading."""


def step(
    connection: Connection, connector_id: int, taken: ConnectorStep, reason: str | None, actor: Actor, /, **facts: Any
) -> ConnectorState:
    """Take a step, and say so in the audit trail. Raises Refused where the state does not allow it."""
    before = rows.by_id(connection, connector_id)
    state = rows.step(connection, connector_id, taken, reason, now_us())
    said = {"name": before.name, "service": before.service, "from": before.state.value, "to": state.value}
    if reason:
        said["reason"] = reason
    audit.append(connection, actor, f"connector {taken.value}", before.subject, **said, **facts)
    return state


def lose(connection: Connection, connector_id: int, reason: str) -> None:
    """The service takes the credentials no more. Said once, however many notice it."""
    if rows.by_id(connection, connector_id).state == ConnectorState.AUTHORISED:
        step(connection, connector_id, ConnectorStep.LOSE, reason, PROGRAM)


def read_again(ledger: Ledger, function: Callable[[Connection], T]) -> T:
    """Read what is sealed. Where the master key was changed between reading the row and the key, read once more.

    The function reads the row itself: one that was read before is sealed with a key that is gone.
    """
    for _ in range(CHANGES_OF_KEY):
        with suppress(VaultError):
            return ledger.read(function)
    return ledger.read(function)
