"""Connectors: what can be connected, what there is, and those of keys; signing in is in operations.authorise."""

import re
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from haulage.connectors import lifecycle, sealing
from haulage.connectors.patience import Patience
from haulage.connectors.sealing import Tokens
from haulage.connectors.tokens import STANDS, unusable
from haulage.connectors.vault import VaultError
from haulage.ledger import audit
from haulage.ledger import connectors as rows
from haulage.ledger.audit import PROGRAM, Actor
from haulage.ledger.connectors import ConnectorRow, NewConnector
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.logs import keep_secret
from haulage.model.connector import USABLE, ConnectorStep, after
from haulage.model.errors import Denied, Refused
from haulage.operations import idling
from haulage.operations.vaults import vault_of
from haulage.services.authorisation import Identity
from haulage.services.declaration import Service
from haulage.services.quality import level
from haulage.services.registry import service

LONGEST_NAME = 100


class Checked(msgspec.Struct, frozen=True):
    """What asking the account showed. roots: how many buckets etc. it lists; None where that was not to be had.

    identity: who it is; None where nobody can tell.
    """

    asked: bool
    roots: int | None
    told: str
    identity: Identity | None = None


def check_name(ledger: Ledger, name: str) -> None:
    """Raises Refused for what cannot be a name, or is one already."""
    if (
        not name
        or len(name) > LONGEST_NAME
        or re.search("[:/]", name)
        or not name.isprintable()
        or name != name.strip()
        or name.startswith("-")
    ):
        shown = "".join(one if one.isprintable() else "?" for one in name)
        raise Refused(
            f"{shown!r} cannot be a name",
            "A name has neither ':' nor '/' in it, no '-' before it, no space around it and no invisible characters.",
        )
    ledger.read(rows.refuse_taken, name)


def check_settings(chosen: Service, settings: Mapping[str, str]) -> None:
    """Raises Refused for what could never be kept; the secrets in it are in no log from here."""
    keep_secret(settings.get(field.name, "") for field in chosen.fields if field.secret)
    missing = [field.title for field in chosen.fields if field.required and not settings.get(field.name)]
    if missing:
        raise Refused(
            f"missing: {', '.join(missing)}", f"Give them; `haulage connectors services` explains {chosen.id}."
        )
    for field in chosen.fields:
        if not field.secret and _holds_password(settings.get(field.name, "")):
            raise Refused(f"the {field.title} holds a user or password", "Give secrets in the fields made for them.")


def prepare(ledger: Ledger, name: str, chosen: Service, settings: Mapping[str, str]) -> None:
    """Both checks, before the account is asked."""
    check_settings(chosen, settings)
    check_name(ledger, name)


def _holds_password(value: str) -> bool:
    if "://" not in value:
        return False
    try:
        return "@" in urlsplit(value).netloc
    except ValueError:
        return "@" in value


async def check(chosen: Service, settings: Mapping[str, str]) -> Checked:
    """Ask the account what it holds and who it is. Raises AuthLost for keys that are refused, Unreachable, Refused.

    A service without a question to ask is not asked. Keys that may not list (Denied) are good keys.
    """
    if chosen.roots is None or not chosen.has_account:
        return Checked(False, None, f"{chosen.title} has no account to ask.")
    pacer = Patience(chosen.title)
    count, limited = None, ""
    try:
        count = len(await chosen.roots(settings, pacer))
    except Denied as error:
        limited = f" ({error.message})"
    found = unasked(chosen, settings).identity
    if chosen.ask_account is not None:
        found = await chosen.ask_account(settings, pacer)
    whose = "The account" if found is None else f"The account is {found.name}. It"
    if count is None:
        told = "" if found is None else f"The account is {found.name}. "
        told += f"The keys are good, but may not list the {chosen.root_title}s: name one in the location.{limited}"
        return Checked(True, None, told, found)
    return Checked(True, count, f"{whose} lists {count} {chosen.root_title}{'' if count == 1 else 's'}.", found)


def unasked(chosen: Service, settings: Mapping[str, str]) -> Checked:
    """What the settings alone tell of the account. Raises Refused for those that describe none."""
    found = chosen.account(settings) if chosen.account is not None else None
    return Checked(False, None, "The account was not asked: nobody knows yet whether the keys are good.", found)


def split(chosen: Service, settings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings that are no secrets, and those that are; empty ones are left out."""
    secret_names = {field.name for field in chosen.fields if field.secret}
    public = {key: value for key, value in settings.items() if key not in secret_names and value}
    return public, {key: value for key, value in settings.items() if key in secret_names and value}


class Standing(msgspec.Struct, frozen=True):
    """How a connector comes to be authorised. usage: "read" or "write"; scopes: as granted, where that is told."""

    way: str = "keys"
    usage: str = "write"
    realm: str = "live"
    identity: Identity | None = None
    tokens: Tokens | None = None
    scopes: tuple[str, ...] | None = None


KEYS = Standing()


def add(
    ledger: Ledger,
    name: str,
    chosen: Service,
    settings: Mapping[str, str],
    actor: Actor = PROGRAM,
    standing: Standing = KEYS,
) -> ConnectorRow:
    """Keep a connector. `settings` holds public and secret ones by field name. Raises Refused, VaultError."""
    prepare(ledger, name, chosen, settings)
    public, secrets = split(chosen, settings)

    def keep(connection: Connection) -> None:
        new = NewConnector(name, chosen.id, public, standing.realm, actor.who, standing.way, standing.usage)
        connector_id = rows.add(connection, new)
        sealing.put_secrets(connection, vault_of(ledger), connector_id, secrets, standing.tokens)
        _stand(connection, connector_id, standing)
        lifecycle.step(connection, connector_id, ConnectorStep.AUTHORISE, None, actor, **_facts(standing))

    ledger.do(keep)
    return ledger.do(rows.get, name)


def renew(
    ledger: Ledger, row: ConnectorRow, chosen: Service, settings: Mapping[str, str], actor: Actor, standing: Standing
) -> ConnectorRow:
    """Renew a connector's credentials in place: same connector, same transfers, same history.

    Raises Refused where another account signed in (S07), or the connector cannot be authorised again.
    """
    check_settings(chosen, settings)
    check_renewed(row, chosen, settings)
    refuse_another(row, chosen, standing.identity)
    public, secrets = split(chosen, settings)

    def keep(connection: Connection) -> None:
        rows.update(connection, row.id, settings=rows.dumped(public), way=standing.way, usage=standing.usage)
        sealing.put_secrets(connection, vault_of(ledger), row.id, secrets, standing.tokens)
        _stand(connection, row.id, standing)
        lifecycle.step(connection, row.id, ConnectorStep.REAUTHORISE, None, actor, **_facts(standing))

    ledger.do(keep)
    return ledger.read(rows.by_id, row.id)


def refuse_another(row: ConnectorRow, chosen: Service, found: Identity | None) -> None:
    """Raises Refused where the account is another than the connector's, as far as they can be told apart (S07)."""
    if found is None or row.account is None or found.id in ("", row.account):
        return
    told, do = f"these keys are of {found.name}", f"Give keys of {row.account_name}"
    if chosen.authorisation is not None:
        told, do = f"{found.name} signed in", f"Sign in as {row.account_name}"
    raise Refused(
        f"{told}, but the connector {row.name} is of {row.account_name}",
        f"{do}; for another account, add another connector. Nothing was changed.",
    )


def check_alive(row: ConnectorRow) -> None:
    """Raises Refused for a connector that is being deleted: that cannot be undone, so nobody is asked to sign in."""
    if after(row.state, ConnectorStep.REAUTHORISE) is None:
        raise Refused(
            f"the connector {row.name} {STANDS[row.state]}, and cannot be authorised again",
            f"Delete it to its end: `haulage connectors delete {shlex.quote(row.name)}`; then add another one.",
        )


def check_renewed(row: ConnectorRow, chosen: Service, settings: Mapping[str, str]) -> None:
    """Raises Refused where a connector of keys would be left without any: another endpoint gets no old ones."""
    check_alive(row)
    if chosen.authorisation is None and row.sealed is not None and not split(chosen, settings)[1]:
        raise Refused(
            f"the keys of {row.name} were given for the endpoint that it had, and are not sent to another",
            "Give them again, as in `haulage connectors add`.",
        )


def _stand(connection: Connection, connector_id: int, standing: Standing) -> None:
    scopes = None if standing.scopes is None else " ".join(standing.scopes)
    rows.update(connection, connector_id, authorised_us=now_us(), scopes=scopes, revoke_pending=None)
    if standing.identity is not None and (standing.identity.id or rows.by_id(connection, connector_id).account is None):
        pinned = standing.identity.id or None
        rows.update(connection, connector_id, account=pinned, account_name=standing.identity.name)


def _facts(standing: Standing) -> dict[str, Any]:
    account = None if standing.identity is None else standing.identity.name
    return {"way": standing.way, "usage": standing.usage, "realm": standing.realm, "account": account}


def from_environment(chosen: Service, environment: Mapping[str, str]) -> dict[str, str]:
    """Settings by field name, from the usual variables of the service; the first that is set counts."""
    found = {}
    for field in chosen.fields:
        value = next((environment[variable] for variable in field.env if environment.get(variable)), None)
        if value is not None:
            found[field.name] = value
    return found


def loaded(ledger: Ledger, name: str) -> tuple[ConnectorRow, Service, dict[str, str]]:
    """A connector that may be used, its service and all its settings, opened.

    Raises Refused (there is none), NeedsReauthorisation (with the prompt to authorise it again), VaultError.
    """
    row = ledger.read(rows.get, name)
    if row.state not in USABLE:
        raise unusable(row)
    if idling.over(row, now_us()):
        raise idling.due(row)
    return row, service(row.service), opened(ledger, row)


def opened(ledger: Ledger, row: ConnectorRow) -> dict[str, str]:
    """All settings of a connector as it is now, its secrets among them. Raises VaultError."""

    def read(connection: Connection) -> tuple[dict[str, str], dict[str, str]]:
        now = rows.by_id(connection, row.id)
        return now.settings, sealing.secrets_of(connection, vault_of(ledger), now)

    settings, secrets = lifecycle.read_again(ledger, read)
    keep_secret(secrets.values())
    return {**settings, **secrets}


def changed(ledger: Ledger, row: ConnectorRow, chosen: Service, changes: Mapping[str, str]) -> dict[str, str]:
    """A connector's settings with changes. Another endpoint gets none of the old secrets (S18)."""
    try:
        before = opened(ledger, row)
    except VaultError:
        before = dict(row.settings)
    moved = any(
        field.endpoint and changes.get(field.name, before.get(field.name)) != before.get(field.name)
        for field in chosen.fields
    )
    return {**(split(chosen, before)[0] if moved else before), **changes}


def settings_of(ledger: Ledger, name: str) -> tuple[Service, dict[str, str]]:
    """A connector's service and all its settings, opened. Raises what `loaded` does."""
    _, chosen, settings = loaded(ledger, name)
    return chosen, settings


def shown(row: ConnectorRow) -> dict[str, Any]:
    """A connector as people may see it: secrets only as set or not."""
    chosen = service(row.service)
    secrets = [field.name for field in chosen.fields if field.secret]
    held = row.sealed is not None or row.tokens is not None
    needed = bool(secrets) or chosen.authorisation is not None
    return {
        "name": row.name,
        "service": row.service,
        "title": chosen.title,
        "realm": row.realm,
        "state": row.state.value,
        "reason": row.reason,
        "account": row.account_name,
        "way": row.way,
        "usage": row.usage,
        "settings": row.settings,
        "secrets": ("sealed" if held else "none") if needed else "none needed",
        "scopes": None if row.scopes is None else row.scopes.split(),
        "token_expires_us": row.expires_us,
        "created_us": row.created_us,
        "authorised_us": row.authorised_us,
        "moved_us": row.moved_us,
        "revoke_pending": row.revoke_pending,
        **idling.told(row, now_us()),
    }


def one(ledger: Ledger, name: str) -> dict[str, Any]:
    """A connector as people may see it, with what has happened to it. Raises Refused."""
    row = ledger.read(rows.get, name)
    events = ledger.read(audit.of, row.subject)
    told = [{"at_us": one.at_us, "who": one.who, "event": one.event, **one.facts} for one in events]
    return {**shown(row), "history": told}


def every(ledger: Ledger) -> list[dict[str, Any]]:
    """All connectors as people may see them."""
    return [shown(row) for row in ledger.read(rows.every)]


def explained(chosen: Service) -> dict[str, Any]:
    """A service as people may choose it: how one authorises, its fields, and where they are found."""
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
    how = chosen.authorisation
    ways = [] if how is None else [{"way": one.id, "title": one.title, "needs": list(one.needs)} for one in how.ways]
    return {
        "id": chosen.id,
        "title": chosen.title,
        "scheme": chosen.scheme,
        "root": chosen.root_title,
        "fields": fields,
        "ways": ways,
        "files": chosen.traits is not None,
        "guide": None if how is None else how.guide,
        "quality": level(chosen),
    }


def where_keys_are(ledger: Ledger) -> str:
    """Where the vault's master key is: to be backed up apart from the ledger."""
    return vault_of(ledger).source.named
