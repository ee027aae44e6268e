"""Writes the report of a run: CSV for spreadsheets, JSONL for machines, HTML for people. One pass, bounded memory."""

import contextlib
import errno
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from haulage.ledger.work import OutcomeRow
from haulage.model.errors import DiskFull, HaulageError, Refused
from haulage.model.naming import NameRules
from haulage.reports.gather import Gathered
from haulage.reports.lines import CsvLines, json_line
from haulage.reports.page import render
from haulage.reports.summary import Sum

BUFFER_BYTES = 256 * 1024


class Written(msgspec.Struct, frozen=True):
    """Where the three files lie, and what the pass over the outcomes found."""

    html: Path
    csv: Path
    jsonl: Path
    gathered: Gathered


def write(
    folder: Path,
    facts: Mapping[str, Any],
    added: Sum,
    rows: Iterable[OutcomeRow],
    rules: NameRules | None,
    written_us: int,
) -> Written:
    """Write run-N.csv, run-N.jsonl and run-N.html to the folder, for their owner only; older ones are replaced.

    The CSV is UTF-8 with a byte order mark, without which spreadsheets take names for another encoding; the JSONL,
    with exact names, has none. Each file appears when it is whole. Raises DiskFull, Refused (cannot be written).
    """
    stem = f"run-{facts['run']}"
    html, csv, jsonl = (folder / f"{stem}.{ending}" for ending in ("html", "csv", "jsonl"))
    gathered = Gathered()
    with _translated(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _whole(csv) as table, _whole(jsonl) as lines:
            text = io.TextIOWrapper(table, "utf-8-sig", newline="")
            cells = CsvLines(text)
            for row in rows:
                cells.write(row)
                lines.write(json_line(row))
                gathered.add(row)
            text.flush()
            text.detach()
        with _whole(html) as page:
            files = (csv.name, jsonl.name)
            page.write(render(facts, added, gathered, rules, written_us, files).encode())
    return Written(html, csv, jsonl, gathered)


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file of a report, for its owner only; it appears when it is whole. Raises DiskFull, Refused."""
    with _translated(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _whole(path) as out:
            yield out


@contextlib.contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """A name for a file that others write; it gets its own when it is whole. Raises DiskFull, Refused."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with _translated(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            yield draft
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when it is whole, and leaves nothing behind when it does not get that far."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", buffering=BUFFER_BYTES) as out:
            yield out
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except HaulageError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space left for the report in {folder}") from error
        raise Refused(
            f"the report cannot be written to {folder}: {error.strerror}", "Name another folder with --output."
        ) from error
