"""The vault of an installation: which keys it has, and changing them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from haulage.connectors import realms, sealing
from haulage.connectors.keys import FileKeys, key_source
from haulage.connectors.vault import Vault
from haulage.ledger import audit, certified, people
from haulage.ledger import authorisations as pending_rows
from haulage.ledger import connectors as rows
from haulage.ledger import realms as realm_rows
from haulage.ledger.audit import Actor
from haulage.ledger.store import Connection, Ledger

SIGNING = ("signing key",)
"""What the key that signs certificates is bound to."""


def vault_of(ledger: Ledger) -> Vault:
    """The vault beside a ledger, with the keys that the operator's environment names."""
    return Vault(key_source(ledger.path.parent))


def ready(ledger: Ledger) -> str:
    """No key, no start (S11): raises VaultError unless everything sealed can be opened here. Says where the key is."""
    vault = vault_of(ledger)
    for sealed in ledger.read(_sealed):
        vault.ready(sealed)
    return vault.source.named


def _sealed(connection: Connection) -> list[bytes]:
    signing = certified.signing_key(connection)
    held = [one for row in rows.every(connection) for one in (row.sealed, row.tokens) if one is not None]
    return [
        *held,
        *(row.sealed for row in realm_rows.every(connection)),
        *(one for _, one in people.sealed(connection)),
        *([] if signing is None else [signing.sealed]),
    ]


def rotate(ledger: Ledger, actor: Actor) -> dict[str, Any]:
    """Change the master key: seal everything's data key anew, then destroy the old key. Safe to be killed anywhere.

    A key file gets a new key before the old one, everything is sealed anew in one transaction, and the old key goes.
    Run again after a kill, it goes on. Of keys that others keep (environment, program), the first is the new one.
    """
    vault = vault_of(ledger)
    with _alone(ledger):
        if isinstance(vault.source, FileKeys):
            vault.source.begin_change()
        changed = ledger.do(_rewrap, vault, actor)
        if isinstance(vault.source, FileKeys):
            vault.source.end_change()
    return {"resealed": changed, "key": vault.source.named}


def _rewrap(connection: Connection, vault: Vault, actor: Actor) -> int:
    changed = 0
    for row in rows.every(connection):
        values = {}
        for part in sealing.PARTS:
            held = getattr(row, part)
            if held is not None:
                values[part] = vault.rewrapped(held, sealing.bound_to(connection, row, part))
        if values:
            rows.update(connection, row.id, **values)
            changed += len(values)
    for realm in realm_rows.every(connection):
        bound = sealing.other(connection, *realms.bound(realm.name))
        realm_rows.put(connection, realm.name, realm.facts, vault.rewrapped(realm.sealed, bound))
        changed += 1
    for person_id, second in people.sealed(connection):
        bound = sealing.other(connection, "second", person_id)
        people.update(connection, person_id, second=vault.rewrapped(second, bound))
        changed += 1
    if (signing := certified.signing_key(connection)) is not None:
        certified.keep_signing_key(connection, vault.rewrapped(signing.sealed, sealing.other(connection, *SIGNING)))
        changed += 1
    pending_rows.forget_all(connection)  # a sign-in under way is begun again sooner than sealed anew
    audit.append(connection, actor, "keys rotate", "vault", resealed=changed)
    return changed


@contextmanager
def _alone(ledger: Ledger) -> Iterator[None]:
    """One change of the key at a time."""
    lock = os.open(ledger.path.parent / ".vault.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
