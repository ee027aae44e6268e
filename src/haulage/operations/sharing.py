"""Connectors that somebody else may use too: in their own transfers, without ever seeing a secret."""

from haulage.ledger import audit, people, shares
from haulage.ledger.audit import Actor
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Connection, Ledger
from haulage.model.errors import Missing, Refused
from haulage.model.person import Person, Role


def share(ledger: Ledger, row: ConnectorRow, owner: Person, name: str, actor: Actor) -> Person:
    """Share a connector of `owner` with the person of that name. Raises Refused."""

    def let(connection: Connection) -> Person:
        to = people.by_name(connection, name)
        if to is None or to.id == owner.id:
            raise Refused(f"there is nobody else called {name!r} here", "Give a name as an administrator sees it.")
        if to.role == Role.VIEWER:
            raise Refused(f"{to.name} is a viewer, who moves no files", "An administrator can change that.")
        shares.share(connection, row.id, to.id)
        audit.append(connection, actor, "connector share", row.subject, name=row.name, to=to.name)
        return to

    return ledger.do(let)


def unshare(ledger: Ledger, row: ConnectorRow, person_id: int, actor: Actor) -> None:
    """Share it with them no longer: from their next request on. Raises Missing."""

    def stop(connection: Connection) -> None:
        if not shares.unshare(connection, row.id, person_id):
            raise Missing("it is not shared with them")
        audit.append(connection, actor, "connector unshare", row.subject, name=row.name, person=person_id)

    ledger.do(stop)
