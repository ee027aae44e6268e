"""Writes the scan reports of a migration: a zip of CSV files, a workbook, and a page. Row by row, never cut off."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from haulage.ledger.scratch import Scratch
from haulage.reports import files
from haulage.reports import scan_columns as tables
from haulage.reports.lines import cell
from haulage.reports.reviewing import MB
from haulage.reports.workbook import Book

ZIP, XLSX, HTML = "ScanReport.zip", "ScanReport.xlsx", "ScanReport.html"
STAMP = (1980, 1, 1, 0, 0, 0)
"""Of the files in the zip: the same lines make the same bytes."""


def lines(scratch: Scratch, table: str) -> Iterator[Sequence[Any]]:
    """The lines of a table, the worst first."""
    if table != tables.EXTENSIONS:
        yield from scratch.lines(table)
        return
    for name, count, size in scratch.sums(tables.EXTENSIONS):
        yield cell(f".{name}" if name else "(none)"), count, size, round(size / MB, 2)


def write_zip(scratch: Scratch, folder: Path) -> Path:
    """ScanReport.zip: a CSV of each table, UTF-8 with a byte order mark. Raises DiskFull, Refused."""
    with files.written(folder / ZIP) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for table, columns in tables.TABLES.items():
            info = zipfile.ZipInfo(f"{table}.csv", STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            with packed.open(info, "w", force_zip64=True) as raw:
                text = io.TextIOWrapper(raw, "utf-8-sig", newline="", write_through=False)
                writer = csv.writer(text, dialect="excel")
                writer.writerow(columns)
                writer.writerows(lines(scratch, table))
                text.flush()
                text.detach()
    return folder / ZIP


def write_workbook(scratch: Scratch, folder: Path, totals: Sequence[tuple[str, float | str]]) -> Path:
    """ScanReport.xlsx: totals, then each table as a sheet. Raises DiskFull, Refused."""
    with files.drafted(folder / XLSX) as draft:
        book = Book(draft, folder)
        book.table("Totals", ("What", "How Much"), totals)
        for table, columns in tables.TABLES.items():
            book.table(table, columns, lines(scratch, table))
        book.close()
    return folder / XLSX
