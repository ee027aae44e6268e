"""The ledger: one SQLite file that holds what is known and done. Transactions run one after the other in a thread."""

import asyncio
import contextlib
import errno
import functools
import os
import sqlite3 as _system_sqlite
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from haulage.ledger.schema import metadata
from haulage.model.errors import DiskFailed, DiskFull, HaulageError, LedgerUnusable, Missing

try:
    from pysqlite3 import dbapi2 as sqlite
except ImportError:  # no wheel for this machine: use Python's own if it is new enough (checked in `_engine`)
    sqlite = _system_sqlite

HEAD = "0014"
"""The newest migration; an older ledger is brought up to it, a newer one is refused."""

OLDEST_SAFE_SQLITE = (3, 51, 3)
"""Before it, two processes writing at once can corrupt a WAL (sqlite.org/wal.html#walresetbug)."""

BUSY_SECONDS = 60
LEAST_ROOM_BYTES = 64 * 1024
"""With less, the ledger cannot even be opened: its index of the WAL takes 32 KiB."""
QUICK_CHECK_BYTES = 64 * 1024 * 1024
WRITABLE = "Let the account that runs Haulage read and write it, or name another state folder with HAULAGE_HOME."
SIGNS = {
    "readonly": WRITABLE,
    "unable to open": WRITABLE,
    "locked": "Another process holds it: wait until that has ended, then run the same command again.",
}
"""What SQLite says of a ledger that is sound and cannot be used just now, and what to do then."""

Connection = sa.Connection
"""What transaction functions are given; other rooms hand it on and look no further."""

P = ParamSpec("P")
T = TypeVar("T")


def now_us() -> int:
    """UTC microseconds since the epoch."""
    return time.time_ns() // 1000


class Ledger:
    """An open ledger. `await ledger.run(function, ...)` calls function(connection, ...) in one write transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._engine = _engine(path)
        self._failed: DiskFailed | None = None

    @classmethod
    def open(cls, path: Path) -> "Ledger":
        """Open or make the ledger at `path` (0600), and bring it up to date.

        Raises LedgerUnusable (damaged, newer than this program, not a ledger, not allowed), DiskFull or DiskFailed.
        """
        try:
            _make_file(path)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _full(path) from error
            fix = WRITABLE if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else None
            raise _unusable(path, error.strerror or str(error), fix) from error
        ledger = cls(path)
        try:
            ledger._prepare()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def _prepare(self) -> None:
        with _translated(self.path):
            if self.path.stat().st_size <= QUICK_CHECK_BYTES:
                self.check()
            version = self.read(_version)
            if version is not None and version > HEAD:
                raise LedgerUnusable(
                    f"the ledger {self.path} was written by a newer Haulage (version {version}, this one knows {HEAD})",
                    "Use the newer program, or name another state folder with HAULAGE_HOME.",
                )
            if version is None:  # kept in the file; a foreign file was refused before
                _outside_transactions(self._engine, "PRAGMA journal_mode=WAL")
            if version != HEAD:
                _migrate(self._engine, self.path, version)

    def check(self) -> None:
        """Let SQLite look for damage. Raises LedgerUnusable."""
        with self.reading() as connection:
            verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if verdict != "ok":
            raise _unusable(self.path, f"it is damaged ({verdict})")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Errors of the database become the model's. After a disk error nothing is asked of it any more (F47).

        What a sync has failed for may be lost although the next sync succeeds: only a new start may trust the file.
        """
        if self._failed is not None:
            raise DiskFailed(self._failed.message, self._failed.fix)
        try:
            with _translated(self.path):
                yield
        except DiskFailed as error:
            self._failed = error
            raise

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One write transaction, from the calling thread."""
        with self._guarded(), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One read transaction, from the calling thread: all its reads see the ledger as it was at the first of them.

        It neither waits for writers nor keeps them waiting. While it lasts, the ledger's WAL file cannot be emptied:
        who hands rows to somebody slow reads them page by page, in a transaction each.
        """
        with self._guarded(), self._engine.connect() as plain:
            connection = plain.execution_options(reading=True)
            with connection.begin():
                yield connection

    def read(self, function: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call function(connection, ...) in one read transaction, from the calling thread."""
        with self.reading() as connection:
            return function(connection, *args, **kwargs)

    def do(self, function: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call function(connection, ...) in one write transaction, from the calling thread."""
        with self.transaction() as connection:
            return function(connection, *args, **kwargs)

    async def run(self, function: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call function(connection, ...) in one write transaction, in the ledger's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self.do(function, *args, **kwargs))

    def later(self, function: Callable[Concatenate[sa.Connection, P], Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have it done soon, in the ledger's thread, by a caller that cannot wait. For notes that may be lost."""
        self._thread.submit(lambda: self.do(function, *args, **kwargs))

    def close(self) -> None:
        """Finish what is under way and let go of the file."""
        self._thread.shutdown(wait=True)
        self._engine.dispose()


def _engine(path: Path) -> sa.Engine:
    version = tuple(int(part) for part in sqlite.sqlite_version.split("."))
    if version < OLDEST_SAFE_SQLITE:
        raise LedgerUnusable(
            f"SQLite {sqlite.sqlite_version} can damage a ledger that two processes write",
            "Install the package pysqlite3, which brings a newer SQLite.",
        )
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        module=sqlite,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-16000")
        connection.execute("PRAGMA mmap_size=0")
        connection.create_function("folded", 1, str.casefold, deterministic=True)
        connection.create_function("found_in", 2, _found_in, deterministic=True)

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


@functools.lru_cache(maxsize=64)
def _finder(pattern: str) -> Callable[[bytes], object]:
    from haulage.model.row_filter import finder

    return finder(pattern)


def _found_in(pattern: str, text: bytes) -> bool:
    """The regular expressions of filters, in the database: asked of each row, so nothing is imported here."""
    return _finder(pattern)(text) is not None


def _version(connection: sa.Connection) -> str | None:
    tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='table'").scalars().all()
    if "alembic_version" in tables:
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if tables:
        raise LedgerUnusable("the file is an SQLite database, but not a ledger of Haulage")
    return None


def _outside_transactions(engine: sa.Engine, statement: str, *values: str) -> None:
    connection = engine.raw_connection()
    try:
        connection.cursor().execute(statement, values)
    finally:
        connection.close()


def _migrate(engine: sa.Engine, path: Path, version: str | None) -> None:
    """A backup file first (of a ledger that holds something), then everything in one transaction."""
    if version is not None:
        backup = path.with_name(f"{path.name}.before-{HEAD}")
        backup.unlink(missing_ok=True)
        _outside_transactions(engine, "VACUUM INTO ?", str(backup))
        backup.chmod(0o600)
    with engine.begin() as connection:
        now = _version(connection)
        if now is None:
            make(connection)
        elif now != HEAD:  # else another process was first
            upgrade(connection)


def make(connection: sa.Connection) -> None:
    """All tables of a new ledger, the same that `upgrade` makes; loading Alembic alone takes a fifth of a start."""
    metadata.create_all(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{HEAD}')")  # noqa: S608 - a constant


def upgrade(connection: sa.Connection) -> None:
    """Bring a ledger of any older version, or an empty file, up to date."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make_file(path: Path) -> None:
    """Make the file, and the folders above it, if they are missing; all of them durable."""
    if path.exists():
        os.close(os.open(path, os.O_RDWR))
        return
    folders = [path.parent, *(above.parent for above in path.parents if not above.exists())]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for folder in folders:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _full(path: Path) -> DiskFull:
    return DiskFull(f"no space left on the disk of the ledger {path}")


def _failed(path: Path) -> DiskFailed:
    """What SQLite calls an error of the disk may be that it is full: then that is what a person has to know."""
    with contextlib.suppress(OSError):
        room = os.statvfs(path.parent)
        if room.f_bavail * room.f_frsize < LEAST_ROOM_BYTES:
            return DiskFailed(f"no space left on the disk of the ledger {path}", DiskFull.default_fix)
    return DiskFailed(f"the disk of the ledger {path} reports an error")


def _unusable(path: Path, why: str, fix: str | None = None) -> LedgerUnusable:
    return LedgerUnusable(f"the ledger {path} cannot be used: {why}", fix)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except HaulageError:
        raise
    except OverflowError as error:  # it keeps numbers of 64 bits
        raise Missing("there is nothing of so large a number") from error
    except (DBAPIError, sqlite.Error) as error:
        text = str(getattr(error, "orig", None) or error)
        if "disk is full" in text:
            raise _full(path) from error
        if "disk I/O error" in text:
            raise _failed(path) from error
        fix = next((told for sign, told in SIGNS.items() if sign in text), None)
        raise _unusable(path, text, fix) from error
