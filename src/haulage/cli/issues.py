"""`haulage migrations issues`: what has to be looked after in a migration, by its causes."""

from collections.abc import Iterator

from haulage.cli.apply import read_file
from haulage.cli.choices import File, Flag, Json
from haulage.cli.connectors import opened, say
from haulage.cli.copy import run_interruptibly
from haulage.cli.migrating import conduct
from haulage.cli.output import Exit, printable, say_json
from haulage.cli.signing import actor
from haulage.ledger.issues import Wrong
from haulage.ledger.store import Ledger
from haulage.model import mapping
from haulage.model.errors import Refused
from haulage.model.outcome import PassKind
from haulage.operations import issues as found_issues
from haulage.operations import migrations
from haulage.operations.issues import Group


def issues(
    name: str,
    /,
    *,
    issue: str = "",
    retry: Flag = False,
    fit: Flag = False,
    correct: File | None = None,
    json: Json = False,
) -> int:
    """Failures of the newest copies, grouped by cause, with the fix beside each.

    Args:
        name: The migration.
        issue: Only this one, as the list names it, with all that it concerns.
        retry: Copy the transfers that it concerns again; what succeeded in them is not sent again.
        fit: Give the items that it concerns the names at the destination that it offers, for later runs too, and copy
            their transfers again.
        correct: A CSV file with the header ID,Source Path,Destination Path: map transfers that could not begin to these
            paths, all or none, and start them; - for standard input.
    """
    with opened() as ledger:
        if correct is not None:
            return _corrected(ledger, name, correct, json)
        if retry or fit:
            return _acted(ledger, name, issue, fit, json)
        migration = migrations.of_name(ledger, name)
        if not issue:
            return _listed(found_issues.groups(ledger, migration), json)
        group = found_issues.group(ledger, migration, issue)
        if not json:
            say(_heading(group))
        for one in found_issues.everything(ledger, migration, group.cause):
            if json:
                say_json({"event": "issue_item", **found_issues.told_item(one)})
            else:
                say(_line(one))
    return Exit.OK


def _corrected(ledger: Ledger, name: str, file: File, as_json: bool) -> int:
    wishes = mapping.read(read_file(file), mapping.UPDATING)
    migration = migrations.of_name(ledger, name)
    changed = migrations.correct(ledger, migration.name, wishes, actor())
    return run_interruptibly(conduct(ledger, migration, changed, PassKind.COPY, as_json))


def _acted(ledger: Ledger, name: str, issue: str, fit: bool, as_json: bool) -> int:
    if not issue:
        raise Refused("no issue is named", "Name one with --issue, as the list names it.")
    migration = migrations.of_name(ledger, name)
    if fit:
        rows = found_issues.fit_names(ledger, migration, issue, actor())
    else:
        rows = found_issues.to_retry(ledger, migration, issue)
    return run_interruptibly(conduct(ledger, migration, rows, PassKind.COPY, as_json))


def _listed(groups: list[Group], as_json: bool) -> int:
    for one in groups:
        if as_json:
            say_json({"event": "issue", **found_issues.told(one)})
            continue
        for line in _told(one):
            say(line)
    if not groups and not as_json:
        say("Nothing has to be looked after: no failure in the newest copies.")
    return Exit.OK


def _heading(one: Group) -> str:
    side = f" (at the {one.cause.side})" if one.cause.side else ""
    items = f"{one.items:,} items of " if one.items else ""
    return f"{one.heading}{side}: {items}{one.transfers:,} transfers"


def _told(one: Group) -> Iterator[str]:
    yield _heading(one)
    yield f"  {one.meaning} {printable(one.fix)}".replace("   ", "  ")
    for sample in one.samples:
        yield f"    {_line(sample)}"
    more = (one.items or one.transfers) - len(one.samples)
    acts = [f"--issue {one.key}"] if more else []
    acts += [f"--issue {one.key} --fit"] if one.act == "fit" else []
    acts += [f"--issue {one.key} --retry"] if one.act != "none" else []
    yield f"    {f'and {more:,} more; ' if more else ''}{' or '.join(acts) or f'--issue {one.key}'}"


def _line(one: Wrong) -> str:
    path = "" if one.path is None else f": {printable(one.path)}"
    message = f" ({printable(one.message)})" if one.message else ""
    offered = f" -> {printable(one.offered)}" if one.offered is not None else ""
    return f"{one.row} {printable(one.source) or '(all)'}{path}{message}{offered}"
