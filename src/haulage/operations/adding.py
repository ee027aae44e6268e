"""Connectors from a server's forms: as the command line makes them, but with nothing of the server's own machine."""

from collections.abc import Mapping

import msgspec

from haulage.ledger.audit import Actor
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.operations import authorise, connectors
from haulage.operations.authorise import Draft
from haulage.operations.connectors import Standing
from haulage.operations.realms import realm_of
from haulage.services.authorisation import AccessKind
from haulage.services.declaration import Service
from haulage.services.registry import service, services


class Wanted(msgspec.Struct, frozen=True):
    """What somebody asks for. settings: by field name, secrets among them; name: empty for one after the account."""

    settings: Mapping[str, str]
    name: str = ""
    way: str | None = None
    usage: AccessKind = "write"
    realm: str = "live"

    def __repr__(self) -> str:
        """Without the settings."""
        return f"Wanted({self.name!r})"


def offered() -> list[Service]:
    """Services that a server connects to: those of accounts, not the folders of its own machine."""
    return sorted((one for one in services().values() if one.fields), key=lambda one: one.title)


def signs_in(chosen: Service, wanted: Wanted) -> bool:
    """Whether a person has to sign in at the service, in their browser."""
    if chosen.authorisation is None:
        return False
    way = next((one for one in chosen.authorisation.ways if one.id == wanted.way), None)
    return way.interactive if way is not None else any(one.id == "code" for one in chosen.authorisation.ways)


def _way(chosen: Service, wanted: Wanted) -> str | None:
    """In a browser it is never the way of another device."""
    return wanted.way or ("code" if signs_in(chosen, wanted) else None)


def draft(ledger: Ledger, chosen: Service, wanted: Wanted) -> Draft:
    """A connector to be signed in for. Raises Refused."""
    _refuse_machine(chosen, wanted.settings)
    facts = {"name": wanted.name, "way": _way(chosen, wanted), "realm": wanted.realm}
    return authorise.draft(ledger, chosen, wanted.settings, usage=wanted.usage, **facts)  # type: ignore[arg-type] # of their kinds


def draft_again(ledger: Ledger, row: ConnectorRow, wanted: Wanted) -> Draft:
    """A connector to be signed in for again. Raises Refused."""
    chosen = service(row.service)
    _refuse_machine(chosen, wanted.settings)
    return authorise.again(ledger, row.name, wanted.settings, way=_way(chosen, wanted), usage=wanted.usage)


async def add(ledger: Ledger, chosen: Service, wanted: Wanted, actor: Actor) -> str:
    """Keep a connector that no person signs in for, once its account has answered. Returns its name. Raises Refused."""
    if chosen.authorisation is not None:
        kept = await authorise.by_itself(ledger, draft(ledger, chosen, wanted), actor)
        return kept.row.name
    _refuse_machine(chosen, wanted.settings)
    _refuse_no_secret(chosen, wanted.settings)
    name = wanted.name or authorise.free_name(ledger, chosen.id)
    connectors.prepare(ledger, name, chosen, wanted.settings)
    refuse_realm(ledger, chosen, wanted.realm)
    checked = await connectors.check(chosen, wanted.settings)
    standing = Standing(usage=wanted.usage, realm=wanted.realm, identity=checked.identity)
    return connectors.add(ledger, name, chosen, wanted.settings, actor, standing).name


async def renew(ledger: Ledger, row: ConnectorRow, wanted: Wanted, actor: Actor) -> None:
    """Renew what no person signs in for, once its account has answered. Raises Refused."""
    chosen = service(row.service)
    if chosen.authorisation is not None:
        await authorise.by_itself(ledger, draft_again(ledger, row, wanted), actor)
        return
    _refuse_machine(chosen, wanted.settings)
    settings = connectors.changed(ledger, row, chosen, wanted.settings)
    _refuse_no_secret(chosen, settings)
    checked = await connectors.check(chosen, settings)
    standing = Standing(usage=wanted.usage, realm=row.realm, identity=checked.identity)
    connectors.renew(ledger, row, chosen, settings, actor, standing)


def refuse_realm(ledger: Ledger, chosen: Service, name: str) -> None:
    """Raises Refused for a realm that is not known, or does not have the service."""
    realm_of(ledger, name).told(chosen.id)


def _refuse_machine(chosen: Service, settings: Mapping[str, str]) -> None:
    """Nothing that names a file or profile of the server."""
    known = {one.name for one in chosen.fields if not one.machine}
    if unknown := sorted(set(settings) - known):
        raise Refused(f"not to be set here: {', '.join(unknown)[:200]}", f"Choose from {', '.join(sorted(known))}.")


def _refuse_no_secret(chosen: Service, settings: Mapping[str, str]) -> None:
    """Without any, the server's own machine credentials would be used."""
    secrets = [one for one in chosen.fields if one.secret]
    if secrets and not any(settings.get(one.name) for one in secrets):
        raise Refused(f"missing: {' or '.join(one.title for one in secrets)}", "Give keys of the account.")
