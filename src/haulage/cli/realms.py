"""`haulage realms`: sandboxes that connectors can belong to."""

from pathlib import Path

import cyclopts

from haulage.cli.choices import Json
from haulage.cli.connectors import opened, say
from haulage.cli.output import printable, say_json
from haulage.cli.signing import actor
from haulage.operations import realms

app = cyclopts.App(name="realms", help="Where connectors' services live: the vendors' own, or a sandbox.")


@app.command
def add(file: Path, /, *, name: str = "sandbox", json: Json = False) -> None:
    """Make a sandbox known, or say anew where it is.

    Args:
        file: What `haulage sandbox up --json` printed.
        name: What the realm is called; connectors are added to it with --realm NAME.
    """
    with opened() as ledger:
        realm = realms.add(ledger, file, name, actor())
    services = sorted(realm.services)
    if json:
        say_json({"event": "realm_added", "name": name, "proxy": realm.proxy, "services": services})
    else:
        say(f"Added the realm {name}: {', '.join(services) or 'no services'}.")


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """The realms that are known."""
    with opened() as ledger:
        found = realms.every(ledger)
    if json:
        say_json({"realms": found})
        return
    for one in found:
        where = "the vendors' own services" if one["proxy"] is None else f"a sandbox at {one['proxy']}"
        say(f"{printable(one['name'])}  {where}  {len(one['connectors'])} connectors")


@app.command
def remove(name: str, /, *, json: Json = False) -> None:
    """Forget a sandbox that no connector belongs to.

    Args:
        name: The realm.
    """
    with opened() as ledger:
        realms.remove(ledger, name, actor())
    if json:
        say_json({"event": "realm_removed", "name": name})
    else:
        say(f"Removed the realm {printable(name)}.")
