"""Leaving: connectors that are deleted by a person, or deauthorised because they were left idle.

What the service knows is revoked first, then what is kept here is destroyed. Where the service cannot be told, the
credentials stay sealed, serve that one call alone, and the call can be made again (S08).
"""

from typing import Any

import msgspec

from haulage.connectors import lifecycle
from haulage.ledger import audit, migration_rows
from haulage.ledger import connectors as rows
from haulage.ledger import schedules as schedule_rows
from haulage.ledger.audit import PROGRAM, Actor
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.connector import ConnectorState, ConnectorStep
from haulage.model.errors import HaulageError, NeedsReauthorisation, Refused
from haulage.operations import accounts, connectors, idling
from haulage.services.authorisation import Revokes
from haulage.services.declaration import Service
from haulage.services.registry import service

OWN_CONSENT = ("secret", "certificate", "jwt")
"""Ways in which no person signed in: their tokens end by themselves, and new ones are had any time."""
STAYS = "Nothing was revoked: the application speaks for itself, and stays allowed until that is ended at the service."
KEYS_STAY = "Keys stay valid at the service until you delete them there."


class Left(msgspec.Struct, frozen=True):
    """How far leaving came. revoked: at the service; gone: here. note: what a person should know, in sentences."""

    row: ConnectorRow
    revoked: bool
    gone: bool
    note: str
    security_page: str | None = None


async def delete(ledger: Ledger, name: str, actor: Actor, *, anyway: bool = False) -> Left:
    """Delete a connector, or try again to. anyway: destroy what is here although the service could not be told.

    Irreversible: no run can use it from here on, whatever the service answers. What it copied stays, and so do its
    runs. Raises Refused where there is none, or a schedule or migration uses it.
    """
    row = ledger.read(rows.get, name)
    if used := [*ledger.read(schedule_rows.using, row.name), *ledger.read(migration_rows.using, row.id)]:
        raise Refused(f"the connector {row.name} is used by {', '.join(used)}", "Delete that first.")

    def leave(connection: Connection) -> ConnectorRow:
        lifecycle.step(connection, row.id, ConnectorStep.LEAVE, row.reason, actor)
        return rows.by_id(connection, row.id)

    row = ledger.do(leave)
    left = await _end_at_service(ledger, row, actor)
    if not left.gone and not anyway:
        return left

    def remove(connection: Connection) -> ConnectorRow:
        rows.wipe(connection, row.id)
        lifecycle.step(connection, row.id, ConnectorStep.REMOVE, None, actor, revoked=left.revoked)
        return rows.by_id(connection, row.id)

    return msgspec.structs.replace(left, row=ledger.do(remove), gone=True)


async def deauthorise_idle(ledger: Ledger, now: int | None = None) -> list[Left]:
    """Deauthorise what has moved no data for too long, and try again what could not be revoked then."""
    now = now_us() if now is None else now
    done = []
    for row in ledger.read(rows.every):
        again = row.state == ConnectorState.DEAUTHORISED and row.revoke_pending is not None
        if not again and not idling.over(row, now):
            continue
        if not again:
            ledger.do(lifecycle.step, row.id, ConnectorStep.IDLE, idling.reason(), PROGRAM)
        left = await _end_at_service(ledger, ledger.read(rows.by_id, row.id), PROGRAM)
        if left.gone:
            ledger.do(rows.wipe, row.id)
        done.append(left)
    return done


async def _end_at_service(ledger: Ledger, row: ConnectorRow, actor: Actor) -> Left:
    """Revoke at the service, or say why that is not done. Where the call fails, that is noted on the connector."""
    chosen = service(row.service)
    how = chosen.authorisation
    if how is None:
        return Left(row, False, True, KEYS_STAY if row.sealed is not None else "It had no keys.")
    page = how.security_page
    if row.tokens is None:
        return Left(row, False, True, "It had no tokens any more.", page)
    if how.shared_grant and (sharing := _sharing(ledger, row)):
        told = f"Nothing was revoked: that would end {', '.join(sharing)} too, of the same account and application."
        return Left(row, False, True, told, page)
    try:
        told_service = await _revoked(ledger, row, chosen)
    except HaulageError as error:
        ledger.do(rows.update, row.id, revoke_pending=error.message)
        ledger.do(audit.append, actor, "connector revoke failed", row.subject, name=row.name, reason=error.message)
        note = f"The authorisation could not be revoked at {chosen.title}: {error.message}."
        return Left(ledger.read(rows.by_id, row.id), False, False, note, page)
    ledger.do(audit.append, actor, "connector revoke", row.subject, name=row.name, at_service=told_service)
    return Left(row, told_service, True, STAYS if row.way in OWN_CONSENT else how.revoking, page)


async def _revoked(ledger: Ledger, row: ConnectorRow, chosen: Service) -> bool:
    """Whether the service was told. Tokens that it takes no more have ended already, which is as good."""
    settings = connectors.opened(ledger, row)
    account = accounts.open_account(ledger, row, settings, accounts.quiet_pacer(chosen), leaving=True)
    try:
        if not isinstance(account, Revokes) or row.way in OWN_CONSENT:
            return False
        await account.revoke()
        return True
    except NeedsReauthorisation:
        return True
    finally:
        await account.close()


def _sharing(ledger: Ledger, row: ConnectorRow) -> list[str]:
    """Other connectors that live by the same person's grant to the same application."""
    mine = row.realm, row.account, row.settings.get("client_id")
    alive = {ConnectorState.AUTHORISED, ConnectorState.NEEDS_REAUTHORISATION}
    return [
        one.name
        for one in ledger.read(rows.every)
        if one.id != row.id and one.state in alive and (one.realm, one.account, one.settings.get("client_id")) == mine
    ]


def told(left: Left) -> dict[str, Any]:
    """As a document."""
    seen = connectors.shown(left.row)
    return {
        **seen,
        "revoked": left.revoked,
        "deleted": left.gone,
        "note": left.note,
        "security_page": left.security_page,
    }
