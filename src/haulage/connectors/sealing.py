"""Which sealed value belongs where: every one is bound to installation, realm, connector, settings and field (S10)."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from haulage.connectors.vault import Vault
from haulage.ledger import connectors as rows
from haulage.ledger.codec import dump
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.installation import installation_id
from haulage.ledger.store import Connection

Part = Literal["sealed", "tokens"]
PARTS: tuple[Part, ...] = ("sealed", "tokens")


class Tokens(msgspec.Struct, frozen=True):
    """What a service issued. refresh: empty where there is none; expires_us, seconds: when access ends, of how long."""

    access: str
    refresh: str = ""
    expires_us: int | None = None
    seconds: float = 0.0

    def __repr__(self) -> str:
        """Without the tokens."""
        return f"Tokens(expires_us={self.expires_us})"


def bound_to(connection: Connection, row: ConnectorRow, part: Part) -> str:
    """What a connector's sealed value is bound to. Changing the endpoint, or any setting, makes it unreadable (S18)."""
    return dump([installation_id(connection), row.realm, row.id, row.service, sorted(row.settings.items()), part])


def other(connection: Connection, *names: Any) -> str:
    """What a sealed value that belongs to no connector is bound to."""
    return dump([installation_id(connection), *names])


def secrets_of(connection: Connection, vault: Vault, row: ConnectorRow) -> dict[str, str]:
    """The secrets that were typed, by field name. Raises VaultError."""
    return vault.open(row.sealed, bound_to(connection, row, "sealed")) if row.sealed is not None else {}


def tokens_of(connection: Connection, vault: Vault, row: ConnectorRow) -> Tokens | None:
    """The tokens that the service issued; None where there are none. Raises VaultError."""
    if row.tokens is None:
        return None
    held = vault.open(row.tokens, bound_to(connection, row, "tokens"))
    return Tokens(held["access"], held.get("refresh", ""), row.expires_us, float(held["seconds"]))


def sealed_tokens(connection: Connection, vault: Vault, row: ConnectorRow, tokens: Tokens) -> bytes:
    """Tokens as they are kept in that row."""
    held = {"access": tokens.access, "refresh": tokens.refresh, "seconds": str(tokens.seconds)}
    return vault.seal(held, bound_to(connection, row, "tokens"))


def put_secrets(
    connection: Connection, vault: Vault, connector_id: int, secrets: Mapping[str, str], tokens: Tokens | None
) -> None:
    """Seal secrets and tokens into a row, in the place of what it had. Its settings have been written before."""
    row = rows.by_id(connection, connector_id)
    sealed = vault.seal(secrets, bound_to(connection, row, "sealed")) if secrets else None
    rows.update(connection, connector_id, sealed=sealed)
    if tokens is None:
        rows.update(connection, connector_id, tokens=None, expires_us=None, version=row.version + 1)
        return
    rows.keep_tokens(
        connection, connector_id, row.version, sealed_tokens(connection, vault, row, tokens), tokens.expires_us
    )
