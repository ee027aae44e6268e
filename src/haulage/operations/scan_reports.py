"""The scan reports of a migration: what its newest scans found, as CSV files, a workbook and a page."""

import contextlib
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from haulage.ledger import runs as run_rows
from haulage.ledger import surveyed
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.runs import RunRow
from haulage.ledger.scratch import Scratch
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.errors import Refused
from haulage.model.outcome import Status, status_words
from haulage.operations import bulk
from haulage.operations.budgets import duration
from haulage.reports import scan_columns as tables
from haulage.reports import scan_files, scan_page
from haulage.reports.estimating import Bound, Estimator
from haulage.reports.lines import cell, utc_text
from haulage.reports.readiness import LARGE_BYTES, LARGE_ITEMS, WORDS, Readiness, judged
from haulage.reports.reviewing import MB, Destination, Found, Reviewer, destination
from haulage.reports.scan_page import Totals
from haulage.services.declaration import Service
from haulage.services.registry import service

STEP = 10_000
Progress = Callable[[int], None]
"""Called with how many items have been gone through. What it raises ends the work."""


class Written(msgspec.Struct, frozen=True):
    """The three files, and what they add up to."""

    zip: Path
    workbook: Path
    page: Path
    totals: Totals


def write(
    ledger: Ledger,
    migration: MigrationRow,
    rows: Iterable[TransferRow],
    folder: Path,
    progress: Progress = lambda count: None,
) -> Written:
    """Write ScanReport.zip, .xlsx and .html of these transfers to a folder; older ones are replaced.

    All numbers are of one moment, read in one pass; memory does not grow with the items. Raises Refused (no service to
    judge by, cannot be written), DiskFull, DiskFailed.
    """
    ends = service(migration.source_service), service(migration.destination_service)
    with _scratch(folder) as scratch:
        work = _Work(scratch, *ends, progress)
        with ledger.reading() as connection:
            for row in rows:
                work.user(connection, row)
        totals = work.totals(migration)
        packed = scan_files.write_zip(scratch, folder)
        book = scan_files.write_workbook(scratch, folder, totals.lines())
        page = scan_page.write(scratch, folder, totals, now_us())
    return Written(packed, book, page, totals)


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Scratch]:
    """What is put in order lies beside the reports meanwhile, for their owner only."""
    inside = folder / f".{secrets.token_hex(8)}"
    try:
        inside.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise Refused(f"nothing can be written to {folder}: {error.strerror}", "Name another folder.") from error
    try:
        scratch = Scratch(inside / "lines")
        try:
            yield scratch
        finally:
            scratch.close()
    finally:
        shutil.rmtree(inside, ignore_errors=True)


class _Work:
    """One pass over transfers."""

    def __init__(self, scratch: Scratch, source: Service, target: Service, progress: Progress) -> None:
        if source.traits is None or target.traits is None:
            raise Refused("files cannot be reached at one of the two services yet", "Choose another migration.")
        self._scratch, self._progress, self._service = scratch, progress, target
        self._to: Destination = destination(target.title, target.traits)
        self._estimator = Estimator(source.traits.quotas, target.traits.quotas, bulk.AT_ONCE)
        self._all = Found()
        self._went, self._users = 0, 0
        self._counted: dict[str, int] = {}

    def user(self, connection: Connection, row: TransferRow) -> None:
        """One transfer: its items, then its line in the summary."""
        self._users += 1
        run_id = surveyed.kept_of(connection, row.id)
        if run_id is None:
            self._unscanned(row)
            return
        run = run_rows.get(connection, run_id)
        reviewer = Reviewer(
            self._scratch,
            (username(row.source), str(row.id)),
            self._to,
            self._service.path_before(row.destination),
            lambda name: surveyed.held(connection, run_id, name),
        )
        for item in surveyed.items_of(connection, run_id):
            reviewer.take(item)
            self._went += 1
            if self._went % STEP == 0:
                self._progress(self._went)
        reviewer.end()
        self._scanned(row, run, reviewer.found)

    def _scanned(self, row: TransferRow, run: RunRow, found: Found) -> None:
        survey = run.counts.get("survey") or {}
        unlisted = survey.get("unlisted_folders", {}).get("count", 0)
        counted = {"refused": found.long_paths, "too_large": found.too_large, "unlisted": unlisted}
        counted |= {"fitted": found.names, "duplicates": found.duplicates}
        counted |= {"uncopyable": found.uncopyable, "native": found.native}
        ready = judged(run.status, found.items, found.bytes, counted)
        bound = self._estimator.add(found.items, found.bytes)
        worst = 0 if ready.level == "ready" else 1 if ready.level == "warnings" else 3
        status = status_words(run.status, run.kind)
        self._line(row, worst, status, str(run.status), run.ended_us, found, ready, unlisted, bound)
        self._note(row, found, ready, bound, unlisted)

    def _note(self, row: TransferRow, found: Found, ready: Readiness, bound: Bound, unlisted: int) -> None:
        """Into the sums, and the lists of the page."""
        for name in Found.__struct_fields__:
            if name != "sizes":
                setattr(self._all, name, getattr(self._all, name) + getattr(found, name))
        self._all.sizes = [one + more for one, more in zip(self._all.sizes, found.sizes, strict=True)]
        self._count(ready.level)
        self._count("unlisted", unlisted)
        told = row.source or "(all)", row.id, found.items, found.bytes
        self._scratch.put(scan_page.USERS, found.bytes, (*told, bound.seconds, bound.words))
        if found.items > LARGE_ITEMS or found.bytes > LARGE_BYTES:
            self._count("large")
            self._scratch.put(scan_page.OWNERS, found.bytes, told)
        if not found.items:
            self._count("nothing")
            self._scratch.put(scan_page.NOTHING, 0, told)

    def _unscanned(self, row: TransferRow) -> None:
        """It was never listed to its end; why, as far as that is known."""
        status, code = "Never scanned", ""
        if row.refused_status is not None:
            status, code = f"{status_words(row.refused_status, 'scan')}: {row.refused}", str(row.refused_status)
        elif row.scan is not None and row.scan.ended_us is None:
            status, code = "Scanning", str(int(Status.RUNNING))
        elif row.scan is not None:
            status, code = status_words(row.scan.status, "scan"), str(row.scan.status)
            status += f": {row.scan.message}" if row.scan.message else ""
        failed = bool(code) and int(code) >= Status.GENERAL_FAILURE
        self._count("failed" if failed else "unscanned")
        self._scratch.put(scan_page.UNSCANNED, int(failed), (row.source or "(all)", row.id, status))
        self._line(row, 4 if failed else 2, status, code, None, None, None, 0, None)

    def _line(
        self,
        row: TransferRow,
        worst: int,
        status: str,
        code: str,
        at_us: int | None,
        found: Found | None,
        ready: Readiness | None,
        unlisted: int,
        bound: Bound | None,
    ) -> None:
        notes = "; ".join(one for one in (ready.text if ready else "", row.notes) if one)
        numbers: list[int | str] = [""] * 8
        if found is not None:
            numbers = [found.folders, found.bytes, found.too_large, found.long_paths, found.names, found.duplicates]
            numbers += [found.native, found.uncopyable]
        amounts: list[float | str] = [found.files, round(found.bytes / MB, 2)] if found is not None else ["", ""]
        told: list[int | str] = ["", "", ""] if bound is None else [bound.seconds, duration(bound.seconds), bound.words]
        if bound is not None and not bound.seconds:
            told[:2] = ["", ""]
        words = WORDS[ready.level] if ready is not None else "Not known"
        self._scratch.put(
            tables.SUMMARY,
            worst,
            (
                *(cell(status), cell(row.source), cell(row.destination), *amounts, cell(notes), ""),
                *(cell(username(row.source)), str(row.id), words, code, utc_text(at_us), *numbers),
                *(unlisted if found is not None else "", *told, cell(", ".join(row.tags))),
            ),
        )

    def _count(self, name: str, more: int = 1) -> None:
        self._counted[name] = self._counted.get(name, 0) + more

    def totals(self, migration: MigrationRow) -> Totals:
        """What all of them come to."""
        bound = self._estimator.all()
        return Totals(
            *(migration.name, migration.source, migration.destination, self._to.title, self._users, self._all),
            *(self._counted, bound.seconds, bound.words, self._estimator.knows, bulk.AT_ONCE),
        )


def username(source: str) -> str:
    """Whose a source path is: its first part, where it is somebody's; else the path."""
    head = source.partition("/")[0]
    return head if head and not head.endswith(":") else source
