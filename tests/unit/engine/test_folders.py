"""Folders: in what order they are made and get their times, and what a run that is stopped there leaves."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec

from haulage.engine.context import Context
from haulage.engine.folders import AT_ONCE, Folders
from haulage.ledger.items import Known
from haulage.model.errors import AuthLost, NameRefused
from haulage.model.item import Carried, Written
from haulage.model.outcome import Status
from haulage.services.contract import Precondition, Traits
from haulage.services.local.drive import LocalDrive
from tests.unit.engine.drives import TRAITS, MemoryDrive, copy, open_ledger

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


def with_files(folder: Path) -> tuple[LocalDrive, Watched]:
    """The same, and files at the root, in `a/b/c` and in `d`."""
    source, target = prepared(folder)
    for path in ("x", "a/b/c/x", "d/x", "d/y"):
        (folder / "source" / path).write_text(path)
    for path in sorted(FOLDERS, reverse=True):
        os.utime(folder / "source" / path, ns=(NOON_NS, NOON_NS))
    return source, target


async def test_folders_of_files_are_made_once_the_upper_ones_first(tmp_path: Path) -> None:
    """Those that files need are made before anybody decided on them, and not once more as the items that they are."""
    source, target = with_files(tmp_path)
    ran = await copy(open_ledger(tmp_path), source, target)
    assert (ran.status, ran.counts.successful) == (Status.SUCCESS, len(FOLDERS) + 4)
    assert sorted(target.made) == [(path, None) for path in FOLDERS]
    made = [path for path, _ in target.made]
    assert made.index("a") < made.index("a/b") < made.index("a/b/c")
    assert sorted(target.timed) == sorted(FOLDERS)
    assert times(tmp_path) == {NOON_NS}


class Still(Watched):
    """Likewise, where folders keep their times whatever is written into them."""

    traits: Traits = msgspec.structs.replace(LocalDrive.traits, folder_times_stay=True)


async def test_times_that_stay_are_not_set_last(tmp_path: Path) -> None:
    """Each is set with the folder's making, or right after it."""
    source, _ = with_files(tmp_path)
    target = Still(str(tmp_path / "target"))
    assert (await copy(open_ledger(tmp_path), source, target)).status == Status.SUCCESS
    assert target.timed == []
    assert sorted(path for path, at in target.made if at == NOON_NS // 1000) == sorted(FOLDERS)


class Refusing(Watched):
    """Likewise, where one folder is not to be had."""

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See LocalDrive."""
        await super().create_folder(path, modified_us)
        if path == "d":
            raise NameRefused("no folder may be called d")


async def test_a_folder_that_cannot_be_made_fails_alone(tmp_path: Path) -> None:
    """Told once, with the others done; asked for before its files, and once more as the item that it is."""
    source, _ = with_files(tmp_path)
    target = Refusing(str(tmp_path / "target"))
    ran = await copy(open_ledger(tmp_path), source, target)
    assert [path for path, told in ran.said.items() if told == NameRefused.code] == ["d"]
    assert ran.counts.failed == 1
    assert [path for path, _ in target.made].count("d") == 2
    assert "d" not in target.timed
    assert sorted(target.timed) == ["a", "a/b", "a/b/c"]


def test_a_deep_folder_is_begun_while_there_are_files_further_up(tmp_path: Path) -> None:
    """Else all that is in flight would end up waiting for one folder after the other."""
    context = SimpleNamespace(real_folders=True, target=Watched(str(tmp_path)))
    deep = [f"a/b/c/{number}" for number in range(AT_ONCE)]
    upper = [f"a/{number}" for number in range(5 * AT_ONCE)]
    paths = list(enumerate(deep + upper))
    known = [Known(at, path, "file", 1, None, None, {}, None, None, None, None, None) for at, path in paths]
    yielded = Folders(cast(Context, context)).with_files(known)
    order = [one.path if isinstance(one, Known) else f"{one}/" for one in yielded]
    assert order[0] == "a/"
    assert [order.index(path) for path in ("a/b/", "a/b/c/")] == [1, 2 + AT_ONCE]
    assert order[-AT_ONCE:] == deep
    assert len(order) == len(known) + 3


class Timeless(MemoryDrive):
    """Real folders without times; the last file is there when the folder is that no file needs."""

    traits: Traits = msgspec.structs.replace(TRAITS, folders="real")

    def __init__(self, identity: str) -> None:
        super().__init__(identity)
        self.made = asyncio.Event()

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See MemoryDrive."""
        self.called["create_folder"] += 1
        await super().create_folder(path, modified_us)
        if path == "empty":
            self.made.set()

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See MemoryDrive."""
        await asyncio.wait_for(self.made.wait(), 10)
        return await super().put(path, body, carried, digests, condition)


async def test_a_folder_without_files_is_made_beside_them(tmp_path: Path) -> None:
    """And once, though nobody sets its time; where files share their calls, it waits until they are there."""
    for path in ("a", "empty"):
        (tmp_path / "source" / path).mkdir(parents=True)
    (tmp_path / "source" / "a" / "x").write_text("x")
    source, target = LocalDrive(str(tmp_path / "source")), Timeless("memory://target")
    ran = await copy(open_ledger(tmp_path), source, target)
    assert (ran.status, ran.said["empty"], set(target.files)) == (Status.SUCCESS, "verified", {"a/x"})
    assert target.called["create_folder"] == 2
