"""Passes that were paused since an authorisation was lost: they go on by themselves once it is there again."""

import asyncio

import msgspec

from haulage.ledger import connectors as connector_rows
from haulage.ledger import migration_rows
from haulage.ledger import passes as rows
from haulage.ledger.audit import Actor
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.passes import PassRow
from haulage.ledger.store import Connection, Ledger
from haulage.model.connector import USABLE
from haulage.model.errors import HaulageError
from haulage.model.outcome import UNENDED, PassKind, Status
from haulage.operations.home import pass_held
from haulage.operations.runlog import log_of
from haulage.operations.server_passes import Passes

LOOK_SECONDS = 5.0

Authorised = tuple[tuple[int, int | None], ...]
"""The connectors that a pass needs, and when each was authorised."""


class Waiting(msgspec.Struct, frozen=True):
    """A pass that waits for an authorisation. users: of it; lost: its connectors that cannot be used even now."""

    row: PassRow
    migration: str
    users: int
    lost: list[str]


class AuthorisedAgain:
    """Looks after a server's passes; whoever authorises a connector may do so in another process."""

    def __init__(self, ledger: Ledger, passes: Passes) -> None:
        self._ledger, self._passes = ledger, passes
        self._tried: dict[int, Authorised] = {}
        self._told: dict[int, str] = {}

    async def look(self) -> list[int]:
        """Go on with those whose connectors can be used again; once for each authorisation, lest it is lost at once.

        Returns the passes' numbers.
        """
        gone_on = []
        for row, authorised in await asyncio.to_thread(self._ledger.read, _able):
            if self._tried.get(row.id) == authorised or pass_held(row.id):
                continue
            try:
                await self._passes.resume(row, Actor(row.who, "reauthorise"), paused=False)
            except HaulageError as error:  # too many go on, or somebody was first: it is looked at again
                if self._told.get(row.id) != error.message:
                    log_of(self._ledger).warn("pass not gone on with", number=row.id, message=error.message)
                self._told[row.id] = error.message
                continue
            self._tried[row.id] = authorised
            gone_on.append(row.id)
        return gone_on

    async def keep_looking(self) -> None:
        """Look every few seconds, until cancelled; what goes wrong now, is tried again then."""
        while True:
            try:
                await self.look()
            except HaulageError as error:
                log_of(self._ledger).warn("paused passes were not looked at", message=error.message)
            except Exception as error:
                log_of(self._ledger).bug(error, command="passes")
            await asyncio.sleep(LOOK_SECONDS)


def waiting(ledger: Ledger, connector_id: int) -> list[Waiting]:
    """The passes that wait for an authorisation and need that connector, oldest first."""
    return ledger.read(_waiting, connector_id)


def _waiting(connection: Connection, connector_id: int) -> list[Waiting]:
    found = []
    for row, connectors in _paused(connection):
        if connector_id in [one.id for one in connectors]:
            named = migration_rows.by_id(connection, row.migration_id).name
            users = len(rows.rows_in(connection, row.id, (*UNENDED, Status.PAUSED)))
            lost = [one.name for one in connectors if one.state not in USABLE]
            found.append(Waiting(row, named, users, lost))
    return found


def _paused(connection: Connection) -> list[tuple[PassRow, list[ConnectorRow]]]:
    """Passes that wait for an authorisation, and the connectors that they need."""
    found = [one for one in rows.open_ones(connection) if one.status == Status.PAUSED_REAUTHORISE]
    return [(one, _needed(connection, one)) for one in found]


def _able(connection: Connection) -> list[tuple[PassRow, Authorised]]:
    """A server's passes that wait for an authorisation, all of whose connectors can be used now."""
    needed = [(one, found) for one, found in _paused(connection) if one.server]
    return [
        (one, tuple((connector.id, connector.authorised_us) for connector in found))
        for one, found in needed
        if all(connector.state in USABLE for connector in found)
    ]


def _needed(connection: Connection, row: PassRow) -> list[ConnectorRow]:
    migration = migration_rows.by_id(connection, row.migration_id)
    sides = [migration.source] if row.kind == PassKind.SCAN else [migration.source, migration.destination]
    return [connector_rows.get(connection, name) for name in sides]
