"""`haulage migrations`: many transfers between two connectors, named, run and reported on together."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cyclopts
import msgspec

from haulage.cli import migrating
from haulage.cli.apply import read_file
from haulage.cli.choices import EVERYTHING, File, FilterOptions, Flag, Json
from haulage.cli.connectors import opened, say
from haulage.cli.copy import run_interruptibly
from haulage.cli.output import printable, say_json, size_text
from haulage.cli.signing import actor
from haulage.ledger.migration_rows import TransferRow
from haulage.ledger.migration_table import Sums
from haulage.model import mapping
from haulage.model.errors import Refused
from haulage.model.mapping import Wish
from haulage.model.matching import Match
from haulage.operations import applying, migration_reports, migration_table, migrations, scan_reports, schedules
from haulage.operations.home import home
from haulage.reports.migration import SHOWN_COLUMNS

app = cyclopts.App(name="migrations", help="Many users or folders, moved together.")
app.command(migrating.scan)
app.command(migrating.start)
app.command(migrating.cutover)
app.command(migrating.passes)
app.command(migrating.pause)
app.command(migrating.resume)
app.command(migrating.cancel)
app.command("haulage.cli.issues:issues", name="issues")
app.command("haulage.cli.scheduling:app", name="schedule")


@app.command
def create(name: str, source: str, destination: str, /, *, chosen: FilterOptions = EVERYTHING) -> None:
    """Begin a migration, without transfers yet.

    Args:
        name: What it is called.
        source: The connector that everything comes from.
        destination: The connector that everything goes to.
    """
    with opened() as ledger:
        made = migrations.create(ledger, name, source, destination, actor(), chosen.filters())
    say(f"Began {printable(made.name)}. Next: haulage migrations discover, or add it a CSV file.")


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """All migrations, and how they stand."""
    with opened() as ledger:
        found = [(one, migration_table.sums(ledger, one.id)) for one in migrations.named(ledger)]
    if json:
        say_json({"migrations": [{**msgspec.structs.asdict(one), "totals": totals} for one, totals in found]})
        return
    for one, totals in found:
        say(f"{printable(one.name)}  {printable(one.source)} to {printable(one.destination)}  {_counted(totals)}")
    if not found:
        say("There are none. Begin one with: haulage migrations create NAME SOURCE DESTINATION")


def _counted(totals: Sums) -> str:
    paused = f"{totals.paused:,} paused, " if totals.paused else ""
    return (
        f"{totals.transfers:,} transfers: {totals.new:,} new, {totals.running:,} running, "
        f"{paused}{totals.complete:,} complete, "
        f"{totals.issues:,} with issues, {totals.failures:,} failed; {totals.items:,} items, {size_text(totals.bytes)}"
    )


@app.command
def show(name: str, /, *, filter: str = "", json: Json = False) -> None:
    """The transfers of a migration.

    Args:
        name: The migration.
        filter: Show only some: text, COLUMN:text, /regex/, COLUMN:/regex/; several must all hold.
    """
    with opened() as ledger:
        migration, rows = migration_table.of_name(ledger, name, filter)
        for one in rows:
            if json:
                say_json(migrations.told(one))
            else:
                say("  ".join(_words(one)))
        totals = migration_table.sums(ledger, migration.id, filter)
    if json:
        say_json({"migration": migration.name, "totals": totals})
    else:
        say(_counted(totals))


def _words(row: TransferRow) -> Iterable[str]:
    yield f"{row.id:>6}"
    yield migrations.status_of(row)[1]
    yield f"{printable(row.source) or '(all)'} -> {printable(row.destination) or '(top)'}"
    if row.run is not None:
        yield f"{row.run.counts.get('successful', 0):,} copied, {row.run.counts.get('failed', 0):,} failed"
    if row.tags:
        yield f"[{printable(', '.join(row.tags))}]"
    if row.notes:
        yield printable(row.notes)


@app.command
def discover(name: str, /, *, add: Flag = False, by_name: Flag = False, json: Json = False) -> None:
    """Find out who is on both sides, and match them by e-mail address, alias, then local part.

    Args:
        name: The migration.
        add: Add those that match and are not there yet. Without it, they are shown only.
        by_name: Add those also that have nothing in common but their display name.
    """
    with opened() as ledger:
        migration = migrations.of_name(ledger, name)
        found = run_interruptibly(migrations.discovered(ledger, migration))
        chosen = [*found.taken, *(found.offered if by_name else [])]
        there = migrations.sources(ledger, migration)
        fresh = [one for one in chosen if one.source.path not in there]
        if add and fresh:
            wishes = [Wish(0, one.source.path, one.destination.path) for one in fresh]
            migrations.add(ledger, name, wishes, actor())
    if json:
        say_json({"added": len(fresh) if add else 0, **msgspec.structs.asdict(found)})
        return
    _section("Unmatched at the source", [printable(one.path) for one in found.sources])
    _section("Unmatched at the destination", [printable(one.path) for one in found.destinations])
    _section("The same display name only: --by-name takes them", [_pair(one) for one in found.offered])
    _section("Matched", [_pair(one) for one in found.taken])
    say(f"Added {len(fresh):,}." if add else f"{len(fresh):,} can be added: --add")


def _pair(one: Match) -> str:
    return f"{printable(one.source.path)} -> {printable(one.destination.path)} (by {one.how})"


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        say(f"{title}: {len(lines):,}")
        for line in lines:
            say(f"  {line}")


@app.command
def add(name: str, file: File, /) -> None:
    """Add the transfers of a CSV file: all of them, or none and why.

    Args:
        name: The migration.
        file: With the header Source Path,Destination Path,Tags; - for standard input.
    """
    wishes = mapping.read(read_file(file), mapping.ADDING)
    with opened() as ledger:
        say(f"Added {migrations.add(ledger, name, wishes, actor()):,} transfers.")


@app.command
def update(name: str, file: File, /) -> None:
    """Change paths of transfers that have not copied anything yet: all of a CSV file, or none and why.

    Args:
        name: The migration.
        file: With the header ID,Source Path,Destination Path; - for standard input.
    """
    wishes = mapping.read(read_file(file), mapping.UPDATING)
    with opened() as ledger:
        say(f"Changed {migrations.update(ledger, name, wishes, actor()):,} transfers.")


@app.command
def export(name: str, /, *, filter: str = "", yaml: Flag = False, columns: str = "") -> None:
    """The transfers as CSV on standard output: ID, paths, tags, notes and status, which `update` takes back.

    Args:
        name: The migration.
        filter: Only some, as in `show`; of the CSV alone.
        yaml: Instead, the whole migration as the file that `haulage apply` takes.
        columns: Instead, the migration table report: these columns of the table, separated by commas, in their order,
            of status, id, source, destination, scanned, files, files_failed, files_skipped, data, data_failed,
            data_skipped, last, schedule, tags, notes.
    """
    keys = [one.strip() for one in columns.split(",") if one.strip()]
    if unknown := next((one for one in keys if one not in SHOWN_COLUMNS), None):
        raise Refused(f"there is no column {unknown[:40]!r}", f"Choose from {', '.join(SHOWN_COLUMNS)}.")
    if yaml and filter:
        raise Refused("a migration's file holds all of its transfers", "Leave out --filter, or --yaml.")
    with opened() as ledger:
        if yaml:
            for piece in applying.exported(ledger, name):
                sys.stdout.buffer.write(piece.encode())
            return
        row, rows = migration_table.of_name(ledger, name, filter)
        header: Sequence[str] = migration_reports.COLUMNS
        lines = migration_reports.table(rows)
        if keys:
            header = [SHOWN_COLUMNS[key] for key in keys]
            lines = migration_reports.chosen(rows, keys, schedules.of_migration(ledger, row.id))
        with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as out:
            migration_reports.put(out, header, lines)


@app.command
def remove(name: str, ids: tuple[int, ...], /) -> None:
    """Take out transfers that have not copied anything.

    Args:
        name: The migration.
        ids: Their numbers.
    """
    with opened() as ledger:
        say(f"Took out {migrations.remove(ledger, name, ids, actor()):,} transfers.")


@app.command
def mark(name: str, /, *, filter: str, tags: str | None = None, notes: str | None = None) -> None:
    """Set the tags or notes of transfers.

    Args:
        name: The migration.
        filter: Which ones, as in `show`; "" for all.
        tags: Separated by commas; "" for none.
        notes: A line of text; "" for none.
    """
    with opened() as ledger:
        migration = migrations.of_name(ledger, name)
        ids = migration_table.shown(ledger, migration.id, filter)
        chosen = None if tags is None else mapping.tags_of(tags)
        say(f"Marked {migrations.mark(ledger, name, ids, actor(), tags=chosen, notes=notes):,} transfers.")


@app.command
def rename(name: str, wanted: str, /) -> None:
    """Call a migration otherwise.

    Args:
        name: The migration.
        wanted: What it is called from now on.
    """
    with opened() as ledger:
        migrations.rename(ledger, name, wanted, actor())
    say(f"Renamed to {printable(wanted)}.")


@app.command
def delete(name: str, /, *, confirm: str = "") -> None:
    """Delete a migration for good, with the logs of its runs. Files, connectors and the runs in the list stay.

    Args:
        name: The migration.
        confirm: The word DELETE.
    """
    with opened() as ledger:
        migrations.delete(ledger, name, confirm, actor())
    say(f"Deleted {printable(name)}.")


@app.command
def report(name: str, /, *, filter: str = "", output: Path | None = None, json: Json = False) -> None:
    """Write the migration report, the error report and the table as CSV.

    Args:
        name: The migration.
        filter: Only some transfers, as in `show`.
        output: The folder to write to, instead of one in the state folder.
    """
    with opened() as ledger:
        migration, rows = migration_table.of_name(ledger, name, filter)
        folder = output or home() / "reports" / f"migration-{migration.id}"
        written: dict[str, Any] = {
            kind: str(path) for kind, path in migration_reports.write(ledger, rows, folder).items()
        }
    if json:
        say_json({"event": "report", **written})
        return
    for path in written.values():
        say(path)


@app.command
def scan_report(name: str, /, *, filter: str = "", output: Path | None = None, json: Json = False) -> None:
    """Write what the newest scans found: ScanReport.zip with a CSV of each table, ScanReport.xlsx and ScanReport.html.

    Args:
        name: The migration.
        filter: Only some transfers, as in `show`.
        output: The folder to write to, instead of one in the state folder.
    """
    with opened() as ledger:
        migration, rows = migration_table.of_name(ledger, name, filter)
        folder = output or home() / "reports" / f"migration-{migration.id}"
        written = scan_reports.write(ledger, migration, rows, folder)
    if json:
        files = {"zip": str(written.zip), "xlsx": str(written.workbook), "html": str(written.page)}
        say_json({"event": "report", **files, "totals": dict(written.totals.lines())})
        return
    for path in (written.zip, written.workbook, written.page):
        say(str(path))
