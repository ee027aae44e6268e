"""Realms: what an operator makes known, and which one a connector belongs to."""

from pathlib import Path
from typing import Any

from haulage.connectors import realms as realms_of
from haulage.connectors import sealing
from haulage.connectors.realms import LIVE, Realm
from haulage.ledger import audit
from haulage.ledger import connectors as connector_rows
from haulage.ledger import realms as rows
from haulage.ledger.audit import Actor
from haulage.ledger.store import Connection, Ledger
from haulage.logs import keep_secret
from haulage.model.errors import Refused
from haulage.operations.vaults import vault_of


def add(ledger: Ledger, path: Path, name: str, actor: Actor) -> Realm:
    """Make a sandbox known by its own line of JSON, or say anew where it is. Raises Refused."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Refused(f"{path} cannot be read: {told}", "Save what `haulage sandbox up --json` prints.") from None
    realm = realms_of.parse(name, text)
    keep_secret(realms_of.secrets(realm).values())

    def keep(connection: Connection) -> None:
        bound = sealing.other(connection, *realms_of.bound(name))
        sealed = vault_of(ledger).seal(realms_of.secrets(realm), bound)
        rows.put(connection, name, realms_of.facts(realm), sealed)
        audit.append(
            connection, actor, "realm add", f"realm {name}", proxy=realm.proxy, services=sorted(realm.services)
        )

    ledger.do(keep)
    return realm


def realm_of(ledger: Ledger, name: str) -> Realm:
    """The realm of that name. Raises Refused where it is not known (any more), VaultError."""
    return Realm() if name == LIVE else ledger.read(_restored, ledger, name)


def _restored(connection: Connection, ledger: Ledger, name: str) -> Realm:
    row = rows.get(connection, name)
    if row is None:
        raise Refused(f"there is no realm {name!r}", "Make it known with `haulage realms add FILE`.")
    opened = vault_of(ledger).open(row.sealed, sealing.other(connection, *realms_of.bound(name)))
    keep_secret(opened.values())
    return realms_of.restored(name, row.facts, opened)


def every(ledger: Ledger) -> list[dict[str, Any]]:
    """All realms, the live one first, as people may see them."""
    found = [{"name": LIVE, "proxy": None, "services": None, "connectors": _users(ledger, LIVE)}]
    for row in ledger.read(rows.every):
        services = sorted(row.facts["services"])
        told = {"name": row.name, "proxy": row.facts["proxy"], "services": services}
        found.append({**told, "connectors": _users(ledger, row.name)})
    return found


def _users(ledger: Ledger, name: str) -> list[str]:
    return ledger.read(connector_rows.of_realm, name)


def remove(ledger: Ledger, name: str, actor: Actor) -> None:
    """Forget a realm. Raises Refused while a connector belongs to it."""

    def forget(connection: Connection) -> None:
        if used := connector_rows.of_realm(connection, name):
            raise Refused(f"the realm {name} has connectors: {', '.join(used)}", "Delete them first.")
        if not rows.remove(connection, name):
            raise Refused(f"there is no realm {name!r}", "See `haulage realms list`.")
        audit.append(connection, actor, "realm remove", f"realm {name}")

    ledger.do(forget)
