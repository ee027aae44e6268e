"""A file for what a report puts in order: lines by measure, and totals by name. Memory does not grow with it."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from haulage.ledger import store
from haulage.model.errors import DiskFailed, DiskFull

BATCH = 2_000
Cells = Sequence[str | float]
_sqlite: Any = store.sqlite  # type: ignore[attr-defined] # the one that the ledger itself uses


class Scratch:
    """Lines of several tables, written once, then read in order. Used by one thread, and removed with its folder."""

    def __init__(self, path: Path) -> None:
        """path: of a file that is not there yet, in a folder for its owner only. Raises DiskFull, DiskFailed."""
        self._waiting: list[tuple[str, int, str]] = []
        with _translated(path):
            self._file = _sqlite.connect(str(path), isolation_level=None, check_same_thread=False)
            for statement in (
                "PRAGMA journal_mode=OFF",
                "PRAGMA synchronous=OFF",
                "PRAGMA cache_size=-8000",
                "CREATE TABLE lines (place TEXT, measure INTEGER, cells TEXT)",
                "CREATE TABLE sums (place TEXT, name TEXT, files INTEGER, bytes INTEGER, "
                "PRIMARY KEY (place, name)) WITHOUT ROWID",
                "CREATE TABLE taken (key TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID",
                "BEGIN",
            ):
                self._file.execute(statement)
        self._path = path

    def put(self, table: str, measure: int, cells: Cells) -> None:
        """Add a line. Raises DiskFull, DiskFailed."""
        self._waiting.append((table, measure, json.dumps(list(cells))))
        if len(self._waiting) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        with _translated(self._path):
            self._file.executemany("INSERT INTO lines VALUES (?, ?, ?)", waiting)

    def lines(self, table: str) -> Iterator[list[Any]]:
        """The lines of a table, those of the greatest measure first, and equals in the order in which they came."""
        self._flush()
        with _translated(self._path):
            for (cells,) in self._file.execute(
                "SELECT cells FROM lines WHERE place = ? ORDER BY measure DESC, rowid", (table,)
            ):
                yield json.loads(cells)

    def count(self, table: str) -> int:
        """How many lines it has."""
        self._flush()
        with _translated(self._path):
            return int(self._file.execute("SELECT count(*) FROM lines WHERE place = ?", (table,)).fetchone()[0])

    def add(self, place: str, sums: Mapping[str, Iterable[int]]) -> None:
        """Add numbers of files and bytes to the totals of names."""
        rows = [(place, name, *counted) for name, counted in sums.items()]
        with _translated(self._path):
            self._file.executemany(
                "INSERT INTO sums VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET files = files + excluded.files, bytes = bytes + excluded.bytes",
                rows,
            )

    def sums(self, place: str) -> Iterator[tuple[str, int, int]]:
        """Name, files and bytes of all totals, the most bytes first."""
        with _translated(self._path):
            yield from self._file.execute(
                "SELECT name, files, bytes FROM sums WHERE place = ? ORDER BY bytes DESC, files DESC, name", (place,)
            )

    def take(self, key: str, path: str) -> str | None:
        """Lay claim to a key for a path. Returns which path has it already, and then nothing changes."""
        with _translated(self._path):
            row = self._file.execute("SELECT path FROM taken WHERE key = ?", (key,)).fetchone()
            if row is not None:
                return str(row[0])
            self._file.execute("INSERT INTO taken VALUES (?, ?)", (key, path))
            return None

    def forget_taken(self) -> None:
        """Of the next user, other keys are taken."""
        with _translated(self._path):
            self._file.execute("DELETE FROM taken")

    def close(self) -> None:
        """Let go of the file, and remove it."""
        self._file.close()
        self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except _sqlite.Error as error:
        if "disk is full" in str(error):
            raise DiskFull(f"no space left for the report in {path.parent}") from error
        raise DiskFailed(f"the report cannot be put in order in {path.parent}: {error}") from error
