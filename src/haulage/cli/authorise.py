"""`haulage connectors add` and `haulage connectors reauthorize`."""

import getpass
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from haulage.cli.choices import Flag, Json, Several
from haulage.cli.connectors import on_terminal, opened, say
from haulage.cli.copy import run_interruptibly
from haulage.cli.output import printable, say_json
from haulage.cli.resuming import resume
from haulage.cli.signing import actor, sign_in
from haulage.ledger import connectors as rows
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.operations import adding, authorise, connectors
from haulage.operations.connectors import Standing
from haulage.operations.locations import read_settings
from haulage.services.declaration import Service
from haulage.services.registry import PLACES
from haulage.services.registry import service as service_of

Usage = Annotated[Literal["read", "write"] | None, Parameter("--access")]


def add(
    service: str,
    name: str = "",
    /,
    *,
    set: Several = (),
    from_env: Flag = False,
    no_check: Flag = False,
    way: str | None = None,
    access: Usage = None,
    realm: str = "live",
    device: Flag = False,
    paste: Flag = False,
    no_browser: Flag = False,
    json: Json = False,
) -> None:
    """Connect an account: it is asked who it is, then its keys or tokens are kept sealed. NAME never changes.

    Args:
        service: One of `haulage connectors services`.
        name: What the connector is called, as in NAME:/bucket/path. After the account, where none is given.
        set: FIELD=VALUE; a secret as FIELD=env:VARIABLE or FIELD=file:PATH. On a terminal it is asked for otherwise.
        from_env: Take what the usual environment variables of the service say.
        no_check: Keep keys without asking the account.
        way: How to authorise, where the service knows several ways.
        access: read for a source; write for a destination. Where one signs in, read is what is asked for otherwise.
        realm: The sandbox to connect to, made known by `haulage realms add`; live for the vendors' own services.
        device: Sign in on another device, by a code.
        paste: Sign in with any browser, and paste the address that it ends at.
        no_browser: Show where to sign in, and open no browser.
    """
    chosen = _service(service, name)
    settings = connectors.from_environment(chosen, os.environ) if from_env else {}
    settings |= read_settings(chosen, set, os.environ)
    with opened() as ledger:
        if chosen.authorisation is not None:
            kind: Literal["read", "write"] = access or "read"
            if on_terminal() and not json:
                settings |= _needed(chosen, settings, realm)
            wanted = _way(way, device, paste)
            made = authorise.draft(ledger, chosen, settings, name=name, way=wanted, usage=kind, realm=realm)
            work = sign_in(ledger, made, device=device, paste=paste, browser=_browser(no_browser), as_json=json)
            _say_kept(ledger, run_interruptibly(work), "added", as_json=json)
            return
        _add_keys(ledger, chosen, name, settings, realm, access or "write", no_check, json)


def _way(way: str | None, device: bool, paste: bool) -> str | None:
    """Who wants to sign in at another place wants to sign in, whatever else the settings would do for."""
    return "device" if device else way or ("code" if paste else None)


def _browser(no_browser: bool) -> bool:
    return not no_browser and on_terminal()


def _service(service: str, name: str) -> Service:
    """The service; who gives the name first is told so."""
    if service not in PLACES and name in PLACES:
        raise Refused(
            f"{service!r} is no service", f"Give the service first: haulage connectors add {name} {service!r}"
        )
    return service_of(service)


def _add_keys(
    ledger: Ledger,
    chosen: Service,
    name: str,
    settings: dict[str, str],
    realm: str,
    usage: Literal["read", "write"],
    no_check: bool,
    as_json: bool,
) -> None:
    if on_terminal() and not as_json:
        settings |= _asked(chosen, settings)
    if not name:
        name = authorise.free_name(ledger, chosen.id)
    connectors.prepare(ledger, name, chosen, settings)
    adding.refuse_realm(ledger, chosen, realm)
    checked = _checked(chosen, settings, no_check)
    standing = Standing(usage=usage, realm=realm, identity=checked.identity)
    row = connectors.add(ledger, name, chosen, settings, actor(), standing)
    shown = connectors.shown(row)
    where = connectors.where_keys_are(ledger)
    if as_json:
        check = {"asked": checked.asked, "roots": checked.roots, "told": checked.told}
        say_json({"event": "added", **shown, "check": check})
        return
    say(printable(checked.told))
    place = "path" if chosen.whole_root or chosen.traits is None else f"{chosen.root_title}/path"
    say(f"Added {printable(name)}: {chosen.title}. Write {printable(name)}:/{place}.")
    if shown["secrets"] == "sealed":
        say(_keep(where))


def _checked(chosen: Service, settings: Mapping[str, str], no_check: bool) -> connectors.Checked:
    """Who the account is and what it holds, or as much of it as is known without asking it."""
    return connectors.unasked(chosen, settings) if no_check else run_interruptibly(connectors.check(chosen, settings))


def _keep(where: str) -> str:
    return f"Its secrets are sealed with {where}: back that up, apart from the ledger."


def _say_kept(ledger: Ledger, kept: authorise.Kept, event: str, *, as_json: bool) -> None:
    shown = connectors.shown(kept.row)
    if as_json:
        say_json({"event": event, **shown, "wider": list(kept.wider)})
        return
    verb = "Added" if event == "added" else "Authorised again"
    say(f"{verb} {printable(kept.row.name)}: {shown['title']}, {printable(kept.identity.name)}.")
    if kept.row.usage == "read":
        say("It was authorised for reading: as a destination it has to be authorised again with --access write.")
    if kept.wider:
        say(f"The service granted more than was asked for: {printable(', '.join(kept.wider))}.")
    if event == "added":
        say(_keep(connectors.where_keys_are(ledger)))


def _needed(chosen: Service, settings: Mapping[str, str], realm: str) -> dict[str, str]:
    """What a sign-in cannot do without, asked of a person; a sandbox tells it itself."""
    found: dict[str, str] = {}
    for field in chosen.fields:
        if realm == "live" and field.required and not settings.get(field.name):
            ask = getpass.getpass if field.secret else input
            found[field.name] = ask(f"{field.title}{' (not shown)' if field.secret else ''}: ").strip()
    return found


def _asked(chosen: Service, settings: dict[str, str]) -> dict[str, str]:
    """Secrets typed by a person, without echo: required ones that are missing, and else until there is one at all."""
    secrets = [field for field in chosen.fields if field.secret]
    given = {field.name: settings[field.name] for field in secrets if settings.get(field.name)}
    found: dict[str, str] = {}
    for field in secrets:
        if field.name in given or ((given or found) and not field.required):
            continue
        or_not = "" if field.required else ", Enter for none"
        if typed := getpass.getpass(f"{field.title} (not shown{or_not}): "):
            found[field.name] = typed
    return found


def reauthorize(
    name: str,
    /,
    *,
    set: Several = (),
    from_env: Flag = False,
    no_check: Flag = False,
    way: str | None = None,
    access: Usage = None,
    device: Flag = False,
    paste: Flag = False,
    no_browser: Flag = False,
    no_resume: Flag = False,
    json: Json = False,
) -> int:
    """Renew a connector's authorisation in place, by the same account; what was paused for it goes on.

    Args:
        name: The connector.
        set: FIELD=VALUE for what has changed, such as a new client secret; secrets as in `add`.
        from_env: Take what the usual environment variables of the service say.
        no_check: Keep keys without asking the account.
        way: How to authorise, where it is to be another way than before.
        access: read or write, where it is to be another one than before.
        device: Sign in on another device, by a code.
        paste: Sign in with any browser, and paste the address that it ends at.
        no_browser: Show where to sign in, and open no browser.
        no_resume: Leave what was paused for it paused.
    """
    with opened() as ledger:
        row = ledger.read(rows.get, name)
        chosen = service_of(row.service)
        changes = connectors.from_environment(chosen, os.environ) if from_env else {}
        changes |= read_settings(chosen, set, os.environ)
        if chosen.authorisation is not None:
            made = authorise.again(ledger, name, changes, way=_way(way, device, paste), usage=access)
            work = sign_in(ledger, made, device=device, paste=paste, browser=_browser(no_browser), as_json=json)
            _say_kept(ledger, run_interruptibly(work), "reauthorised", as_json=json)
        else:
            _renew_keys(ledger, row, chosen, changes, access, no_check, json)
        return 0 if no_resume else resume(ledger, row.id, as_json=json)


def _renew_keys(
    ledger: Ledger,
    row: Any,
    chosen: Service,
    changes: dict[str, str],
    access: Literal["read", "write"] | None,
    no_check: bool,
    as_json: bool,
) -> None:
    settings = connectors.changed(ledger, row, chosen, changes)
    if on_terminal() and not as_json:
        settings |= _asked(chosen, settings)
    connectors.check_renewed(row, chosen, settings)
    checked = _checked(chosen, settings, no_check)
    standing = Standing(usage=access or row.usage, realm=row.realm, identity=checked.identity)
    renewed = connectors.renew(ledger, row, chosen, settings, actor(), standing)
    if as_json:
        say_json({"event": "reauthorised", **connectors.shown(renewed), "told": checked.told})
    else:
        say(printable(checked.told))
        say(f"Authorised again {printable(row.name)}: {chosen.title}.")
