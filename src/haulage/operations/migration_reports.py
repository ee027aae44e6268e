"""The reports of a migration, written as files, row by row: never cut off, however many there are."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from haulage.ledger import issues, migration_rows
from haulage.ledger.issues import Wrong
from haulage.ledger.migration_rows import TransferRow
from haulage.ledger.schedules import ScheduleRow
from haulage.ledger.store import Ledger
from haulage.model.outcome import WRONG
from haulage.operations import history, migrations, schedules
from haulage.operations.issues import Group
from haulage.reports import files, migration
from haulage.reports.lines import cell

COLUMNS = migration.TABLE_COLUMNS
ISSUE_COLUMNS = (
    "ID",
    "Source Path",
    "Destination Path",
    "Name",
    "Size",
    "Cause",
    "Message",
    "What To Do",
    "Run",
    "Offered Name",
)
PORTION = 100
KINDS = ("migration", "errors", "table")


def write(
    ledger: Ledger,
    rows: Iterable[TransferRow],
    folder: Path,
    kinds: Sequence[str] = KINDS,
    shown: tuple[Sequence[str], Sequence[ScheduleRow]] = ((), ()),
) -> dict[str, Path]:
    """Write migration.csv, errors.csv and table.csv of these transfers to a folder; older ones are replaced.

    rows: gone through once for each of them. kinds: which of the three, or "columns": the columns that a person chose.
    shown: these, and the schedules of the migration. UTF-8 with a byte order mark, for spreadsheets. Raises DiskFull,
    Refused (cannot be written).
    """
    reports: dict[str, tuple[Sequence[str], Iterable[Sequence[str]]]] = {
        "columns": ([migration.SHOWN_COLUMNS[key] for key in shown[0]], chosen(rows, *shown)),
        "migration": (migration.MIGRATION_COLUMNS, _transfers(ledger, rows)),
        "errors": (migration.ERROR_COLUMNS, _errors(ledger, rows)),
        "table": (migration.TABLE_COLUMNS, table(rows)),
    }
    written = {}
    for name in kinds:
        columns, lines = reports[name]
        written[name] = folder / f"{name}.csv"
        with files.written(written[name]) as raw:
            text = io.TextIOWrapper(raw, "utf-8-sig", newline="")
            put(text, columns, lines)
            text.flush()
            text.detach()
    return written


def put(out: io.TextIOBase, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """A header and lines as CSV by RFC 4180."""
    writer = csv.writer(out, dialect="excel")
    writer.writerow(columns)
    writer.writerows(lines)


def table(rows: Iterable[TransferRow]) -> Iterable[Sequence[str]]:
    """The table as it is shown: see reports.migration.TABLE_COLUMNS."""
    return migration.table_lines((one, migrations.status_of(one)[1]) for one in rows)


def chosen(
    rows: Iterable[TransferRow], keys: Sequence[str], scheduled: Sequence[ScheduleRow]
) -> Iterable[Sequence[str]]:
    """The columns of the table that a person chose: see reports.migration.SHOWN_COLUMNS. scheduled: the migration's."""
    for one in rows:
        words = {"status": migrations.status_of(one)[1], "scanned": migrations.scanned_words(one)}
        yield migration.shown_line(one, keys, {**words, "schedule": schedules.of_row(scheduled, one.id)})


def issue_line(group: Group, one: Wrong) -> list[str]:
    """The cells under ISSUE_COLUMNS of what a cause concerns."""
    name = "" if one.path is None else one.path
    told = cell(one.source), cell(one.destination), cell(name), str(one.size), cell(group.heading), cell(one.message)
    run = "" if one.run is None else str(one.run)
    return [str(one.row), *told, cell(one.fix or group.fix), run, cell(one.offered)]


def _portions(rows: Iterable[TransferRow]) -> Iterator[list[TransferRow]]:
    """So many that they are asked about together."""
    remaining = iter(rows)
    while some := list(islice(remaining, PORTION)):
        yield some


def _transfers(ledger: Ledger, rows: Iterable[TransferRow]) -> Iterable[Sequence[str]]:
    for some in _portions(rows):
        copied = [one.transfer_id for one in some if one.transfer_id is not None]
        runs = ledger.read(migration_rows.copies, copied)
        for one in some:
            yield migration.migration_line(one, migrations.last_status(one), runs.get(one.transfer_id or 0, []))


def _errors(ledger: Ledger, rows: Iterable[TransferRow]) -> Iterable[Sequence[str]]:
    for some in _portions(rows):
        wrong = ledger.read(issues.with_wrong, [one.run.id for one in some if one.run is not None])
        for one in some:
            yield from _errors_of(ledger, one, wrong)


def _errors_of(ledger: Ledger, one: TransferRow, wrong: set[int]) -> Iterable[Sequence[str]]:
    if one.refused_status is not None:
        yield migration.refused_line(one)
    elif one.run is not None and one.run.id in wrong:
        for outcome in history.outcomes(ledger, one.run.id, [kind.value for kind in WRONG]):
            yield migration.error_line(one, outcome)
