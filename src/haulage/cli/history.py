"""`haulage runs`, `haulage log` and `haulage report`."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from haulage.cli.output import Exit, printable, say_json, size_text, time_text
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Ledger
from haulage.ledger.work import OutcomeRow
from haulage.model.errors import Refused
from haulage.model.outcome import status_words
from haulage.operations import history
from haulage.operations.home import open_ledger
from haulage.reports.lines import CsvLines, began_us, info, json_line, kinds_of, row_status, utc_text
from haulage.reports.summary import duration_seconds

Flag = Annotated[bool, Parameter(negative="")]
Json = Annotated[bool, Parameter("--json", negative="", help="JSON lines on standard output, for machines.")]
WIDTH_WITHOUT_TERMINAL = 10_000
"""Whoever reads the table from a pipe wants each run in one line."""
NARROWEST_TABLE = 100
"""On a terminal with fewer columns, the cells of a table would be cut to pieces."""


@contextmanager
def _ledger() -> Iterator[Ledger]:
    ledger = open_ledger()
    try:
        yield ledger
    finally:
        ledger.close()


def runs(*, limit: int = 20, json: Json = False) -> int:
    """Show the newest runs, newest first.

    Args:
        limit: How many at most.
    """
    with _ledger() as ledger:
        newest = history.runs(ledger, limit)
    if json:
        for run in newest:
            say_json(_facts(run))
    elif newest and sys.stdout.isatty() and shutil.get_terminal_size().columns < NARROWEST_TABLE:
        sys.stdout.write("".join(map(_block, newest)))
    elif newest:
        _table(newest)
    else:
        sys.stdout.write("There is no run yet. Start one: haulage copy SOURCE DESTINATION\n")
    return Exit.OK


def _facts(run: RunRow) -> dict[str, Any]:
    return {
        **{"run": run.id, "kind": run.kind, "status": run.status, "status_text": status_words(run.status, run.kind)},
        **{"source": run.source, "destination": run.destination, "message": run.message},
        **{"started_us": run.started_us, "ended_us": run.ended_us, "beat_us": run.beat_us},
        **{"duration_seconds": duration_seconds(run), "counts": run.counts},
    }


def _block(run: RunRow) -> str:
    """A run in lines of its own."""
    counts = run.counts
    failed = counts.get("failed", 0) + counts.get("changed_at_source", 0)
    lines = (
        f"{run.id}  {run.kind}  {run.status} {status_words(run.status, run.kind)}",
        f"   {_local(run.started_us)}, {time_text(duration_seconds(run))}",
        *(f"   {printable(one)}" for one in (run.source, run.destination) if one),
        f"   {counts.get('successful', 0):,} verified, {counts.get('unchanged', 0):,} unchanged",
        f"   {failed:,} failed, {size_text(counts.get('sent_bytes', 0))} sent",
    )
    return "\n".join(lines) + "\n"


def _table(newest: list[RunRow]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("Run", "Kind", "Status", "Started", "Duration", "Source", "Destination"):
        table.add_column(title, overflow="fold", justify="right" if title == "Run" else "left")
    for title in ("Verified", "Unchanged", "Failed", "Sent"):
        table.add_column(title, overflow="fold", justify="right")
    for run in newest:
        counts, style = run.counts, _style(run.status)
        failed = counts.get("failed", 0) + counts.get("changed_at_source", 0)
        cells = (
            *(str(run.id), run.kind, f"{run.status} {status_words(run.status, run.kind)}", _local(run.started_us)),
            *(time_text(duration_seconds(run)), printable(run.source), printable(run.destination)),
            *(f"{counts.get('successful', 0):,}", f"{counts.get('unchanged', 0):,}", f"{failed:,}"),
            size_text(counts.get("sent_bytes", 0)),
        )
        table.add_row(*(Text(cell, style=style if at == 2 else "") for at, cell in enumerate(cells)))
    width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    Console(file=sys.stdout, width=width).print(table)


def _style(status: int) -> str:
    if 300 <= status < 400:
        return "blue"
    return "green" if status < 200 else "yellow" if status < 300 else "red"


def _local(moment_us: int) -> str:
    return datetime.fromtimestamp(moment_us / 1_000_000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def log(
    run: history.Which, /, *, failures: Flag = False, skipped: Flag = False, csv: Flag = False, json: Json = False
) -> int:
    """Show what became of each item in a run: Status, Start, End (UTC), Size, Name, Additional Info.

    Unchanged items are counted in the run, not listed.

    Args:
        run: The number of the run, or "last".
        failures: Only what failed or kept changing at the source.
        skipped: Only what was skipped by a rule, or cannot be copied.
        csv: As CSV (RFC 4180, UTF-8). Names that a spreadsheet would take for formulas get a ' before them.
    """
    if csv and json:
        raise Refused("the log is either CSV or JSON", "Leave out one of --csv and --json.")
    with _ledger() as ledger:
        found = history.find(ledger, run)
        rows = history.outcomes(ledger, found.id, kinds_of(failures=failures, skipped=skipped))
        if json:
            for row in rows:
                sys.stdout.buffer.write(json_line(row))
        elif csv:
            _as_csv(rows)
        else:
            for row in rows:
                sys.stdout.write(_line(row))
            _closing(found)
    return Exit.OK


def _as_csv(rows: Iterator[OutcomeRow]) -> None:
    sys.stdout.flush()
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
    try:
        lines = CsvLines(out)
        for row in rows:
            lines.write(row)
    finally:
        out.detach()


def _line(row: OutcomeRow) -> str:
    times = f"{utc_text(began_us(row)) or '-':24}  {utc_text(row.at_us)}"
    said = f"  {printable(info(row))}" if info(row) else ""
    code = f" ({row.code})" if row.code else ""
    return f"{row_status(row):17}  {times}  {size_text(row.size):>10}  {printable(row.path)}{said}{code}\n"


def _closing(run: RunRow) -> None:
    if unchanged := run.counts.get("unchanged", 0):
        sys.stderr.write(f"Besides, {unchanged:,} unchanged items, which are counted and not listed.\n")


def report(run: history.Which, /, *, output: Path | None = None, json: Json = False) -> int:
    """Write the report of a run: a page to read (HTML), a table (CSV) and all exact facts (JSONL).

    Args:
        run: The number of the run, or "last".
        output: The folder to write to, instead of one in the state folder.
    """
    with _ledger() as ledger:
        written = history.report(ledger, run, output)
    if json:
        say_json({"event": "report", **msgspec.structs.asdict(written)})
    else:
        sys.stdout.write(_told(written))
    return Exit.OK


def _told(written: history.Report) -> str:
    facts = written.facts
    terms = ", ".join(f"{term['items']:,} {term['name'].replace('_', ' ')}" for term in facts["sum"])
    lines = [
        f"Run {facts['run']}: {facts['status_text']} (status {facts['status']}).",
        f"Listed {facts['listed']:,} items: {terms}"
        + (f", {facts['not_reached']:,} not reached." if facts["not_reached"] else "."),
    ]
    for cause in facts["problems"]:
        at = f" at the {cause['side']}" if cause["side"] and " at the " not in cause["heading"] else ""
        lines.append(f"{cause['items']:,} x {cause['heading']}{at}: {printable(cause['fix'])}")
    lines += [f"  {path}" for path in (written.html, written.csv, written.jsonl)]
    return "\n".join(lines) + "\n"
