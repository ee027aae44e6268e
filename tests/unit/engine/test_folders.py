"""Folders: in what order they are made and get their times, and what a run that is stopped there leaves."""

import os
from pathlib import Path

from haulage.model.errors import AuthLost
from haulage.model.outcome import Status
from haulage.services.local.drive import LocalDrive
from tests.unit.engine.drives import copy, open_ledger

FOLDERS = ("a", "a/b", "a/b/c", "d")
NOON_NS = 1_600_000_000_000_000_000


class Watched(LocalDrive):
    """A folder that notes what its folders are asked for. stops: setting the time of the last one ends the run once."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.made: list[tuple[str, int | None]] = []
        self.timed: list[str] = []
        self.stops = 0

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See LocalDrive."""
        self.made.append((path, modified_us))
        await super().create_folder(path, modified_us)

    async def set_folder_time(self, path: str, modified_us: int) -> None:
        """See LocalDrive."""
        if self.stops and len(self.timed) == len(FOLDERS) - 1:
            self.stops -= 1
            raise AuthLost("signed out")
        self.timed.append(path)
        await super().set_folder_time(path, modified_us)


def prepared(folder: Path) -> tuple[LocalDrive, Watched]:
    """Folders with a time of their own, and where they are to go."""
    for path in FOLDERS:
        (folder / "source" / path).mkdir(parents=True)
    for path in sorted(FOLDERS, reverse=True):
        os.utime(folder / "source" / path, ns=(NOON_NS, NOON_NS))
    (folder / "target").mkdir()
    return LocalDrive(str(folder / "source")), Watched(str(folder / "target"))


def times(folder: Path) -> set[int]:
    """Of all folders at the destination."""
    return {(folder / "target" / path).stat().st_mtime_ns for path in FOLDERS}


async def test_times_are_set_once_from_the_bottom_up(tmp_path: Path) -> None:
    """A folder is made without a time that would have to be set again."""
    source, target = prepared(tmp_path)
    assert (await copy(open_ledger(tmp_path), source, target)).status == Status.SUCCESS
    assert sorted(target.made) == [(path, None) for path in FOLDERS]
    assert sorted(target.timed) == sorted(FOLDERS)
    assert target.timed.index("a/b/c") < target.timed.index("a/b") < target.timed.index("a")
    assert times(tmp_path) == {NOON_NS}


async def test_a_run_that_is_stopped_among_the_times(tmp_path: Path) -> None:
    """No folder counts as done whose time may be missing: the next run sets them."""
    source, target = prepared(tmp_path)
    ledger, target.stops = open_ledger(tmp_path), 1
    assert (await copy(ledger, source, target)).status == Status.AUTHORISATION_FAILED
    assert (await copy(ledger, source, target)).status == Status.SUCCESS
    assert times(tmp_path) == {NOON_NS}
    assert (await copy(ledger, source, target)).status == Status.NOTHING_TO_COPY
