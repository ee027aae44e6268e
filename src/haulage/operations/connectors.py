"""Connectors, as far as keys go: add, list, show, remove. Everything that is sealed is sealed here."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from haulage.connectors.vault import Vault
from haulage.engine.governor import ScopePacer
from haulage.ledger import connectors as rows
from haulage.ledger.codec import dump
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Connection, Ledger
from haulage.logs import keep_secret
from haulage.model.errors import Denied, Refused
from haulage.services.contract import Service
from haulage.services.registry import service

REALM = "live"


def _vault(ledger: Ledger) -> Vault:
    return Vault(ledger.path.parent / "vault.key")


def _identity(connector_id: int, service_id: str, settings: dict[str, str]) -> str:
    """What a secret is bound to: realm, connector, service and every public setting, the endpoint among them."""
    return dump([REALM, connector_id, service_id, sorted(settings.items())])


class Checked(msgspec.Struct, frozen=True):
    """What asking the account showed. roots: how many buckets etc. it lists; None where that was not to be had."""

    asked: bool
    roots: int | None
    told: str


def prepare(ledger: Ledger, name: str, chosen: Service, settings: Mapping[str, str]) -> None:
    """Raises Refused for what could never be kept, before the account is asked; its secrets are in no log from here."""
    keep_secret(settings.get(field.name, "") for field in chosen.fields if field.secret)
    if not name or re.search("[:/]", name) or not name.isprintable() or name != name.strip() or name.startswith("-"):
        shown = "".join(one if one.isprintable() else "?" for one in name)
        raise Refused(
            f"{shown!r} cannot be a name",
            "A name has neither ':' nor '/' in it, no '-' before it, no space around it and no invisible characters.",
        )
    missing = [field.title for field in chosen.fields if field.required and not settings.get(field.name)]
    if missing:
        raise Refused(
            f"missing: {', '.join(missing)}", f"Give them; `haulage connectors services` explains {chosen.id}."
        )
    for field in chosen.fields:
        if not field.secret and _holds_password(settings.get(field.name, "")):
            raise Refused(f"the {field.title} holds a user or password", "Give secrets in the fields made for them.")
    ledger.read(rows.refuse_taken, name)


def _holds_password(value: str) -> bool:
    if "://" not in value:
        return False
    try:
        return "@" in urlsplit(value).netloc
    except ValueError:
        return "@" in value


async def check(chosen: Service, settings: Mapping[str, str]) -> Checked:
    """Ask the account what it holds. Raises AuthLost for keys that are refused, Unreachable, Refused.

    A service without a question to ask is not asked. Keys that may not list (Denied) are good keys.
    """
    if chosen.roots is None:
        return Checked(False, None, f"{chosen.title} has no account to ask.")
    pacer = ScopePacer(chosen.title, lambda scope, seconds: None)
    try:
        roots = await chosen.roots(settings, pacer)
    except Denied as error:
        told = f"The keys are good, but may not list the {chosen.root_title}s: name one in the location."
        return Checked(True, None, f"{told} ({error.message})")
    return Checked(
        True, len(roots), f"The account lists {len(roots)} {chosen.root_title}{'' if len(roots) == 1 else 's'}."
    )


def add(ledger: Ledger, name: str, chosen: Service, settings: Mapping[str, str]) -> ConnectorRow:
    """Keep a connector. `settings` holds public and secret ones by field name. Raises Refused, VaultError."""
    prepare(ledger, name, chosen, settings)
    secret_names = {field.name for field in chosen.fields if field.secret}
    secrets = {key: value for key, value in settings.items() if key in secret_names and value}
    public = {key: value for key, value in settings.items() if key not in secret_names and value}

    def keep(connection: Connection) -> None:
        connector_id = rows.add(connection, name, chosen.id, public)
        if secrets:
            sealed = _vault(ledger).seal(secrets, _identity(connector_id, chosen.id, public))
            rows.set_sealed(connection, connector_id, sealed)

    ledger.do(keep)
    return ledger.do(rows.get, name)


def from_environment(chosen: Service, environment: Mapping[str, str]) -> dict[str, str]:
    """Settings by field name, from the usual variables of the service; the first that is set counts."""
    found = {}
    for field in chosen.fields:
        value = next((environment[variable] for variable in field.env if environment.get(variable)), None)
        if value is not None:
            found[field.name] = value
    return found


def settings_of(ledger: Ledger, name: str) -> tuple[Service, dict[str, str]]:
    """A connector's service and all its settings, opened. Raises Refused, VaultError."""
    row = ledger.do(rows.get, name)
    secrets = {}
    if row.sealed is not None:
        secrets = _vault(ledger).open(row.sealed, _identity(row.id, row.service, row.settings))
        keep_secret(secrets.values())
    return service(row.service), {**row.settings, **secrets}


def shown(row: ConnectorRow) -> dict[str, Any]:
    """A connector as people may see it: secrets only as set or not."""
    chosen = service(row.service)
    secrets = [field.name for field in chosen.fields if field.secret]
    return {
        "name": row.name,
        "service": row.service,
        "title": chosen.title,
        "settings": row.settings,
        "secrets": ("sealed" if row.sealed is not None else "none") if secrets else "none needed",
        "created_us": row.created_us,
    }


def one(ledger: Ledger, name: str) -> dict[str, Any]:
    """A connector as people may see it. Raises Refused."""
    return shown(ledger.read(rows.get, name))


def every(ledger: Ledger) -> list[dict[str, Any]]:
    """All connectors as people may see them."""
    return [shown(row) for row in ledger.read(rows.every)]


def remove(ledger: Ledger, name: str) -> dict[str, Any]:
    """Destroy a connector's credentials and forget it. Keys cannot be revoked from here: the answer says so."""
    row = ledger.do(rows.get, name)
    ledger.do(rows.remove, row.id)
    stay = "Keys stay valid at the service until you delete them there."
    return {**shown(row), "revoked": False, "note": stay if row.sealed is not None else "It had no keys."}


def explained(chosen: Service) -> dict[str, Any]:
    """A service as people may choose it: its fields, and where they are found."""
    fields = [
        {
            "name": field.name,
            "title": field.title,
            "help": field.help,
            "secret": field.secret,
            "required": field.required,
            "environment": list(field.env),
        }
        for field in chosen.fields
    ]
    return {
        "id": chosen.id,
        "title": chosen.title,
        "scheme": chosen.scheme,
        "root": chosen.root_title,
        "fields": fields,
    }


def key_file(ledger: Ledger) -> Path:
    """Where the vault's key lies: to be backed up apart from the ledger."""
    return ledger.path.parent / "vault.key"
