"""The scan report of a migration as a standalone page: charts drawn as SVG, no script, names as text only."""

from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from haulage.ledger.scratch import Scratch
from haulage.model.words import size_text
from haulage.reports import files, scan_files
from haulage.reports import scan_columns as tables
from haulage.reports.page import number, template, visible
from haulage.reports.reviewing import SIZES, Found

USERS, OWNERS, NOTHING, UNSCANNED = "users", "owners", "nothing", "unscanned"
SHOWN = 50
BARS = 20
DAY = 86_400


class Totals(msgspec.Struct, frozen=True):
    """What all users come to. counted: users by how they stand. seconds, bound_by: at least so long, and why."""

    name: str
    source: str
    destination: str
    service: str
    users: int
    found: Found
    counted: dict[str, int]
    seconds: int
    bound_by: str
    estimated: bool
    at_once: int

    def lines(self) -> list[tuple[str, float | str]]:
        """For the first sheet of a workbook."""
        found, counted = self.found, self.counted
        return [
            ("Migration", self.name),
            ("Users", self.users),
            ("Users whose scan failed", counted.get("failed", 0)),
            ("Users never scanned to the end", counted.get("unscanned", 0)),
            ("Users with errors", counted.get("errors", 0)),
            ("Users with warnings", counted.get("warnings", 0)),
            ("Users that are ready", counted.get("ready", 0)),
            ("Users with nothing", counted.get("nothing", 0)),
            ("Large owners (over 400,000 items or 5 TB)", counted.get("large", 0)),
            ("Files", found.files),
            ("Folders", found.folders),
            ("Bytes", found.bytes),
            ("Data (TB)", round(found.bytes / 10**12, 3)),
            ("Files too large", found.too_large),
            ("Paths too long", found.long_paths),
            ("Names to be fitted", found.names),
            ("Duplicate names", found.duplicates),
            ("Native documents", found.native),
            ("Items that cannot be copied", found.uncopyable),
            ("Folders that could not be listed", counted.get("unlisted", 0)),
            ("At least so many seconds", self.seconds if self.seconds else "not known"),
            ("Bound by", self.bound_by),
        ]


class Bar(msgspec.Struct, frozen=True):
    """A bar of a chart: its label, its value in words, and its share of the longest in per mille."""

    label: str
    value: str
    share: int


def write(scratch: Scratch, folder: Path, totals: Totals, written_us: int) -> Path:
    """ScanReport.html. Raises DiskFull, Refused."""
    with files.written(folder / scan_files.HTML) as out:
        out.write(render(scratch, totals, written_us).encode())
    return folder / scan_files.HTML


def render(scratch: Scratch, totals: Totals, written_us: int) -> str:
    """The page. Lists hold the worst SHOWN; all are in the CSV files and the workbook."""

    def first(table: str) -> list[Any]:
        return list(islice(scan_files.lines(scratch, table), SHOWN))

    extensions = [
        (f".{name}" if name else "(none)", size, _told(count, size))
        for name, count, size in islice(scratch.sums(tables.EXTENSIONS), BARS)
    ]
    owners = list(islice(scratch.lines(USERS), BARS))
    shown = (tables.LONG, tables.COMMON, tables.NAMES, tables.DUPLICATES, tables.NATIVE, tables.LARGE)
    lists = (OWNERS, NOTHING, UNSCANNED, USERS)
    page: str = _template().render(
        t=totals,
        written_us=written_us,
        columns=tables.TABLES,
        lists={name: first(name) for name in (*shown, *lists)},
        counts={name: scratch.count(name) for name in (*shown, *lists)},
        sizes=_bars([(_size_label(at), count, number(count)) for at, count in enumerate(totals.found.sizes)]),
        extensions=_bars(extensions),
        owners=_bars([(one[0], one[3], _told(one[2], one[3])) for one in owners]),
    )
    return page.lstrip()


def _told(count: int, size: int) -> str:
    return f"{count:,} items, {size_text(size)}"


def _size_label(at: int) -> str:
    if at == 0:
        return "empty"
    low = f"{_short(SIZES[at - 1])} to " if SIZES[at - 1] else ""
    return f"over {_short(SIZES[-1])}" if at == len(SIZES) else f"{low}{_short(SIZES[at])}"


def _short(size: int) -> str:
    """Powers of ten: 100 kB, 10 MB."""
    for unit, each in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= each:
            return f"{size // each} {unit}"
    return f"{size} B"


def _bars(rows: Sequence[tuple[str, int, str]]) -> list[Bar]:
    most = max((value for _, value, _ in rows), default=0) or 1
    return [Bar(label, told, round(1000 * value / most)) for label, value, told in rows]


def long_text(seconds: int) -> str:
    """At least so long: 5 minutes, 3 hours, 12 days."""
    if seconds >= 2 * DAY:
        return f"{-(-seconds // DAY):,} days"
    if seconds >= 7_200:
        return f"{-(-seconds // 3_600)} hours"
    return f"{max(1, -(-seconds // 60))} minutes"


@cache
def _template() -> Any:
    return template("scan.html", visible=lambda text: visible(str(text)), long=long_text)
