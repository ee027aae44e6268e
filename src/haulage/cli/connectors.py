"""`haulage connectors`: named links to accounts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import cyclopts

from haulage.cli.choices import Flag, Json
from haulage.cli.copy import run_interruptibly
from haulage.cli.output import Exit, printable, say_json, size_text
from haulage.cli.signing import actor
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.operations import browsing, checking, connectors, departures
from haulage.operations.home import open_ledger
from haulage.services.registry import services as all_services

app = cyclopts.App(
    name="connectors", help="Named links to accounts, written NAME:/path in a location; keys and tokens are sealed."
)
app.command("haulage.cli.authorise:add", name="add")
app.command("haulage.cli.authorise:reauthorize", name="reauthorize")


@contextmanager
def opened() -> Iterator[Ledger]:
    """The ledger of this home, while the body runs."""
    ledger = open_ledger()
    try:
        yield ledger
    finally:
        ledger.close()


def say(line: str = "") -> None:
    """A line on standard output."""
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
        where = f"{one['scheme']}://, or NAME:/{one['root']}/path" if not one["ways"] else f"NAME:/{one['root']}/path"
        say(f"{one['id']}: {one['title']} ({where})")
        say(f"  quality: {one['quality'] or 'below bronze'}")
        if not one["files"]:
            say("  accounts can be connected; their files cannot be reached yet")
        for way in one["ways"]:
            needs = f" (needs {', '.join(way['needs'])})" if way["needs"] else ""
            say(f"  by {way['way']}: {way['title']}{needs}")
        for field in one["fields"]:
            words = [word for word in ("secret", "required") if field[word]]
            marks = f" [{', '.join(words)}]" if words else ""
            say(f"  {field['name']}{marks}: {field['title']}. {field['help']}")
            if field["environment"]:
                say(f"    --from-env: {', '.join(field['environment'])}")
        if not one["fields"]:
            say("  nothing to be set")
        say()


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """The connectors that there are, how they stand, and how long they may stay idle."""
    with opened() as ledger:
        run_interruptibly(departures.deauthorise_idle(ledger))
        found = connectors.every(ledger)
    if json:
        say_json({"connectors": found})
        return
    for one in found:
        say("  ".join(_words(one)))
    if not found:
        say("There are none. Add one with: haulage connectors add SERVICE NAME")


def _words(one: dict[str, Any]) -> Iterator[str]:
    yield printable(one["name"])
    yield one["title"]
    yield one["state"].replace("_", " ")
    if one["account"]:
        yield printable(one["account"])
    if one["realm"] != "live":
        yield f"[{one['realm']}]"
    yield "read only" if one["usage"] == "read" else "read and write"
    yield f"last transfer {_day(one['moved_us'])}" if one["moved_us"] else "no transfer yet"
    if one["idle_days_left"] is not None:
        warning = " (soon deauthorised)" if one["idle_warning"] else ""
        yield f"{one['idle_days_left']} days to idle{warning}"
    if one["token_expires_us"]:
        yield f"token until {_moment(one['token_expires_us'])}"
    if one["revoke_pending"]:
        yield "revoke pending"


def _day(moment_us: int) -> str:
    return f"{datetime.fromtimestamp(moment_us / 1_000_000, UTC):%Y-%m-%d}"


def _moment(moment_us: int) -> str:
    return f"{datetime.fromtimestamp(moment_us / 1_000_000, UTC):%Y-%m-%d %H:%M} UTC"


@app.command
def show(name: str, /, *, json: Json = False) -> None:
    """What is known of a connector and what has happened to it; of its secrets, only whether there are any.

    Args:
        name: The connector.
    """
    with opened() as ledger:
        found = connectors.one(ledger, name)
    if json:
        say_json({"connector": found})
        return
    for line in _described(found):
        say(line)


def _described(found: dict[str, Any]) -> Iterator[str]:
    yield f"{printable(found['name'])}: {found['title']} ({found['service']}), added {_moment(found['created_us'])}"
    yield f"  state: {found['state'].replace('_', ' ')}" + (
        f", because {printable(found['reason'])}" if found["reason"] else ""
    )
    if found["account"]:
        yield f"  account: {printable(found['account'])}"
    yield f"  realm: {found['realm']}"
    yield f"  authorised by {found['way']}, for {'reading' if found['usage'] == 'read' else 'reading and writing'}"
    for key, value in sorted(found["settings"].items()):
        yield f"  {key}: {printable(value)}"
    yield f"  secrets: {found['secrets']}"
    if found["scopes"]:
        yield f"  granted: {printable(' '.join(found['scopes']))}"
    if found["token_expires_us"]:
        yield f"  access token until: {_moment(found['token_expires_us'])}"
    yield f"  last transfer: {_moment(found['moved_us']) if found['moved_us'] else 'none'}"
    if found["idle_days_left"] is not None:
        yield f"  deauthorised if idle for {found['idle_days_left']} more days"
    if found["revoke_pending"]:
        yield f"  revoke pending: {printable(found['revoke_pending'])}"
    for event in found["history"]:
        yield f"  {_moment(event['at_us'])}  {event['event']}  by {printable(event['who'])}"


@app.command
def check(connector: str, /, *, json: Json = False) -> int:
    """Ask an account who it is, and try on it what its service promises of reading. Nothing is written.

    Args:
        connector: The connector, or a place of it as NAME:/path.
    """
    with opened() as ledger:
        report = run_interruptibly(checking.check(ledger, connector))
    if json:
        say_json({"event": "checked", **checking.told(report)})
    else:
        for line in _checked(report):
            say(line)
    return Exit.OK if report.sound else Exit.FAILURES


def _checked(report: checking.Report) -> Iterator[str]:
    yield printable(report.account.told)
    if report.told:
        yield printable(report.told)
    if report.place is not None:
        yield f"Tried at {printable(report.place)}:"
    for one in report.tried:
        yield f"  {one.state:9}  {one.promise}: {printable(one.told)}"


@app.command
def browse(location: str, /, *, limit: int = 200, json: Json = False) -> None:
    """What is at NAME:/path: the first items of a folder, or the buckets, users and sites of an account.

    Args:
        location: Where to look.
        limit: How many at most.
    """
    most = browsing.checked_count(limit)
    with opened() as ledger:
        found = run_interruptibly(browsing.browse(ledger, location, most))
    if json:
        say_json(browsing.told(found))
        return
    for root in found.roots:
        say(printable(root))
    for item in found.items:
        say(f"{printable(item.path)}{'/' if item.size is None else f'  {size_text(item.size)}'}")
    if found.more:
        say(f"... and more: only the first {most} are shown.")


@app.command
def delete(name: str, /, *, yes: Flag = False, locally: Flag = False, json: Json = False) -> int:
    """Revoke a connector's authorisation and destroy its secrets. What it copied stays, and so do its runs.

    Args:
        name: The connector.
        yes: Do not ask.
        locally: Destroy what is here although the service cannot be told.
    """
    with opened() as ledger:
        found = connectors.one(ledger, name)
        if not yes:
            _confirm(found["name"])
        left = run_interruptibly(departures.delete(ledger, name, actor(), anyway=locally))
    if json:
        say_json({"event": "deleted" if left.gone else "revoke_failed", **departures.told(left)})
        return Exit.OK if left.gone else Exit.STOPPED
    shown = printable(left.row.name)
    if left.gone:
        say(f"Deleted {shown}. {printable(left.note)}")
    else:
        say(f"{shown} is not deleted yet. {printable(left.note)}")
        say("Run the same command again to try again, or with --locally to destroy what is here anyway.")
    if left.security_page and not left.revoked:
        say(f"Remove the application by hand: {left.security_page}")
    return Exit.OK if left.gone else Exit.STOPPED


def _confirm(name: str) -> None:
    """Raises Refused unless the person types the connector's name."""
    if not on_terminal():
        raise Refused(f"deleting {name!r} cannot be undone", "Add --yes if it is meant.")
    sys.stderr.write(f"Its secrets are destroyed, and that cannot be undone. Type {printable(name)!r} to delete it: ")
    sys.stderr.flush()
    if sys.stdin.readline().rstrip("\n") != name:
        raise Refused(f"{name!r} was not deleted", "Type its name just as it is shown.")
