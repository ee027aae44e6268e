"""`haulage connectors`: named links to accounts."""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import cyclopts

from haulage.cli.choices import Flag, Json, Several
from haulage.cli.copy import run_interruptibly
from haulage.cli.output import printable, say_json
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.operations import connectors
from haulage.operations.home import open_ledger
from haulage.operations.locations import read_settings
from haulage.services.contract import Service
from haulage.services.registry import service as service_of
from haulage.services.registry import services as all_services

app = cyclopts.App(
    name="connectors", help="Named links to accounts, written NAME:/path in a location; keys are sealed."
)


@contextmanager
def _opened() -> Iterator[Ledger]:
    ledger = open_ledger()
    try:
        yield ledger
    finally:
        ledger.close()


def _say(line: str = "") -> None:
    sys.stdout.write(line + "\n")


def on_terminal() -> bool:
    """Whether there is a person to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@app.command
def services(*, json: Json = False) -> None:
    """The services that can be connected, and what each of them wants to know."""
    told = [connectors.explained(one) for one in all_services().values()]
    if json:
        say_json({"services": told})
        return
    for one in told:
        _say(f"{one['id']}: {one['title']} ({one['scheme']}://, or NAME:/{one['root']}/path)")
        for field in one["fields"]:
            words = [word for word in ("secret", "required") if field[word]]
            marks = f" [{', '.join(words)}]" if words else ""
            _say(f"  {field['name']}{marks}: {field['title']}. {field['help']}")
            if field["environment"]:
                _say(f"    --from-env: {', '.join(field['environment'])}")
        if not one["fields"]:
            _say("  nothing to be set")
        _say()


@app.command
def add(
    name: str,
    service: str,
    /,
    *,
    set: Several = (),
    from_env: Flag = False,
    no_check: Flag = False,
    json: Json = False,
) -> None:
    """Connect an account: its keys are checked by asking it, then kept sealed. NAME never changes afterwards.

    Args:
        name: What the connector is called, as in NAME:/bucket/path.
        service: One of `haulage connectors services`.
        set: FIELD=VALUE; a secret as FIELD=env:VARIABLE or FIELD=file:PATH. On a terminal it is asked for otherwise.
        from_env: Take what the usual environment variables of the service say.
        no_check: Keep it without asking the account.
    """
    chosen = service_of(service)
    settings = connectors.from_environment(chosen, os.environ) if from_env else {}
    settings |= read_settings(chosen, set, os.environ)
    if on_terminal() and not json:
        settings |= _asked(chosen, settings)
    with _opened() as ledger:
        connectors.prepare(ledger, name, chosen, settings)
        checked = connectors.Checked(
            False, None, "The account was not asked: nobody knows yet whether the keys are good."
        )
        if not no_check:
            checked = run_interruptibly(connectors.check(chosen, settings))
        row = connectors.add(ledger, name, chosen, settings)
        shown = connectors.shown(row)
        key_file = str(connectors.key_file(ledger))
    if json:
        check = {"asked": checked.asked, "roots": checked.roots, "told": checked.told}
        say_json({"event": "added", **shown, "check": check})
        return
    _say(f"{checked.told}")
    _say(f"Added {printable(name)}: {chosen.title}. Write {printable(name)}:/{chosen.root_title}/path.")
    if shown["secrets"] == "sealed":
        _say(f"Its secrets are sealed with {key_file}: back that file up, apart from the ledger.")


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


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """The connectors that there are."""
    with _opened() as ledger:
        found = connectors.every(ledger)
    if json:
        say_json({"connectors": found})
        return
    for one in found:
        settings = " ".join(f"{key}={printable(value)}" for key, value in sorted(one["settings"].items()))
        _say(f"{printable(one['name'])}  {one['title']}  {settings}".rstrip())
    if not found:
        _say("There are none. Add one with: haulage connectors add NAME SERVICE")


@app.command
def show(name: str, /, *, json: Json = False) -> None:
    """What is known of a connector; of its secrets, only whether there are any.

    Args:
        name: The connector.
    """
    with _opened() as ledger:
        found = connectors.one(ledger, name)
    if json:
        say_json({"connector": found})
        return
    for line in _described(found):
        _say(line)


def _described(found: dict[str, Any]) -> Iterator[str]:
    made = datetime.fromtimestamp(found["created_us"] / 1_000_000, UTC)
    yield f"{printable(found['name'])}: {found['title']} ({found['service']}), added {made:%Y-%m-%d %H:%M} UTC"
    for key, value in sorted(found["settings"].items()):
        yield f"  {key}: {printable(value)}"
    yield f"  secrets: {found['secrets']}"


@app.command
def remove(name: str, /, *, yes: Flag = False, json: Json = False) -> None:
    """Destroy a connector and its sealed keys. What it copied stays, and so do its runs.

    Args:
        name: The connector.
        yes: Do not ask.
    """
    with _opened() as ledger:
        found = connectors.one(ledger, name)
        if not yes:
            _confirm(found["name"])
        removed = connectors.remove(ledger, name)
    if json:
        say_json({"event": "removed", **removed})
    else:
        _say(f"Removed {printable(removed['name'])}. {removed['note']}")


def _confirm(name: str) -> None:
    """Raises Refused unless the person types the connector's name."""
    if not on_terminal():
        raise Refused(f"removing {name!r} cannot be undone", "Add --yes if it is meant.")
    sys.stderr.write(f"Its keys are destroyed, and that cannot be undone. Type {printable(name)!r} to remove it: ")
    sys.stderr.flush()
    if sys.stdin.readline().rstrip("\n") != name:
        raise Refused(f"{name!r} was not removed", "Type its name just as it is shown.")
