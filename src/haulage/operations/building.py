"""Scan reports that this process makes, in threads of its own: begun by people, told of as they go on."""

import asyncio
import secrets
import shutil
from pathlib import Path
from typing import Literal

import msgspec

from haulage.ledger import audit
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import MigrationRow
from haulage.ledger.store import Ledger, now_us
from haulage.model.errors import HaulageError, Refused
from haulage.operations import scan_reports
from haulage.operations.migration_table import Rows
from haulage.operations.runlog import log_of
from haulage.reports import scan_files

MOST_AT_ONCE = 2
File = Literal["zip", "xlsx", "html"]
NAMES: dict[File, str] = {"zip": scan_files.ZIP, "xlsx": scan_files.XLSX, "html": scan_files.HTML}
FACTS = "facts.json"


class Made(msgspec.Struct, frozen=True):
    """Reports that are there. filter: which users they are of. sizes: bytes by file."""

    folder: str
    at_us: int
    users: int
    items: int
    filter: str
    sizes: dict[str, int] = {}

    def path(self, file: File) -> Path:
        """Where one of the files lies."""
        return Path(self.folder) / NAMES[file]


class Build:
    """Reports that are being made. went: items gone through, of so many. problem: why they could not be made."""

    def __init__(self, items: int) -> None:
        self.items = items
        self.went = 0
        self.stopped = False
        self.problem: HaulageError | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.task is not None and not self.task.done()

    def progress(self, went: int) -> None:
        """See scan_reports.Progress. Raises Refused once it is to stop."""
        self.went = went
        if self.stopped:
            raise Refused("Haulage was stopped meanwhile", "Make the reports again.")


class Builds:
    """All that this process makes: one for each migration at a time, and MOST_AT_ONCE in all. The newest is kept."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._by_migration: dict[int, Build] = {}

    def _home(self, migration: int) -> Path:
        return self._ledger.path.parent / "reports" / f"migration-{migration}-scan"

    def last(self, migration: int) -> Build | None:
        """What goes on, or ended last, of a migration in this process."""
        return self._by_migration.get(migration)

    def made(self, migration: int) -> Made | None:
        """The newest reports of a migration that are whole."""
        found = [_read(one) for one in self._home(migration).glob(f"*/{FACTS}")]
        return max((one for one in found if one is not None), key=lambda one: one.at_us, default=None)

    def start(self, migration: MigrationRow, rows: Rows, items: int, filter: str, actor: Actor) -> None:
        """Begin to make them; items: of about so many. Raises Refused.

        That is while those of this migration, or too many others, are being made.
        """
        if (before := self.last(migration.id)) is not None and before.goes_on:
            raise Refused("reports of this migration are being made already", "Wait until they are there.")
        if sum(one.goes_on for one in self._by_migration.values()) >= MOST_AT_ONCE:
            raise Refused(f"{MOST_AT_ONCE} other reports are being made", "Try again when they are there.")
        begun = self._by_migration[migration.id] = Build(items)
        begun.task = asyncio.create_task(self._run(begun, migration, rows, filter, actor))

    async def _run(self, begun: Build, migration: MigrationRow, rows: Rows, filter: str, actor: Actor) -> None:
        try:
            await asyncio.to_thread(self._make, begun, migration, rows, filter, actor)
        except HaulageError as error:
            begun.problem = error
        except Exception as error:  # the log tells it whole, the page that it was
            log_of(self._ledger).bug(error, command="scan report")
            begun.problem = HaulageError("something unexpected ended it", "The server's log tells more.")

    def _make(self, begun: Build, migration: MigrationRow, rows: Rows, filter: str, actor: Actor) -> None:
        home = self._home(migration.id)
        folder = home / secrets.token_hex(8)
        try:
            written = scan_reports.write(self._ledger, migration, rows, folder, begun.progress)
            sizes: dict[str, int] = {name: (folder / file).stat().st_size for name, file in NAMES.items()}
            facts = Made(str(folder), now_us(), len(rows), written.totals.found.items, filter, sizes)
            (folder / FACTS).write_bytes(msgspec.json.encode(facts))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for other in home.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        self._ledger.do(audit.append, actor, "migration scan report", f"migration {migration.id}", users=len(rows))

    async def close(self) -> None:
        """The process ends: what is being made is given up."""
        going = [one for one in self._by_migration.values() if one.goes_on]
        for one in going:
            one.stopped = True
        await asyncio.gather(*(one.task for one in going if one.task is not None), return_exceptions=True)


def _read(path: Path) -> Made | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Made)
    except (OSError, msgspec.DecodeError):  # taken away by a newer one just now, or cut off by a kill: not there
        return None
