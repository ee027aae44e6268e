"""Files that are changed or removed while they are copied, at either end, and what stands in their way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from haulage.model.errors import Denied, Gone
from haulage.model.item import Item
from haulage.model.outcome import Status
from haulage.services.local.drive import LocalDrive
from tests.unit.engine.drives import MemoryDrive, Reading, copy, open_ledger


class Denies(MemoryDrive):
    """A source that lists a file, has it no more when it is read, and cannot be asked about it."""

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Reading]:
        """See MemoryDrive."""
        if item.path == "a":
            raise Gone("a")
        async with super().open(item, start) as content:
            yield content

    async def item(self, path: str) -> Item | None:
        """See MemoryDrive."""
        raise Denied("not yours")


async def test_a_question_about_one_file_that_fails_does_not_end_the_run(tmp_path: Path) -> None:
    """The file has failed; the others are copied."""
    source, target = Denies("memory://source", {"a": b"1", "b": b"2"}), MemoryDrive("memory://target")
    ran = await copy(open_ledger(tmp_path), source, target)
    assert (ran.status, ran.said) == (Status.SOME_DOWNLOAD_ERRORS, {"a": "permission", "b": "verified"})


class Withholds(Denies):
    """A source that lists and describes a file, and says that it is not there whenever it is to be read."""

    async def item(self, path: str) -> Item | None:
        """See MemoryDrive."""
        return await MemoryDrive.item(self, path)


async def test_what_is_there_and_cannot_be_read_is_not_gone(tmp_path: Path) -> None:
    """An FTP server says 550 to a file without rights as to one that is missing: it counts as failed."""
    source, target = Withholds("memory://source", {"a": b"1", "b": b"2"}), MemoryDrive("memory://target")
    ran = await copy(open_ledger(tmp_path), source, target)
    assert (ran.status, ran.said) == (Status.SOME_DOWNLOAD_ERRORS, {"a": "permission", "b": "verified"})


class Numbered(MemoryDrive):
    """A source whose files have ids that last. "replaced" is another file under the same name by the time of the read.

    read: what was asked for, by path and id.
    """

    traits = msgspec.structs.replace(MemoryDrive.traits, lasting_ids=True)

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.ids = {path: f"id of {path}" for path in self.files}
        self.read: list[tuple[str, str | None]] = []

    def facts(self, path: str) -> Item:
        """See MemoryDrive."""
        return msgspec.structs.replace(super().facts(path), id=self.ids[path])

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Reading]:
        """See MemoryDrive."""
        self.read.append((item.path, item.id))
        if item.path == "replaced" and item.id == "id of replaced":
            self.ids["replaced"] = "another id"
            raise Gone(item.path)
        async with super().open(item, start) as content:
            yield content


async def test_files_are_read_by_the_ids_that_were_listed(tmp_path: Path) -> None:
    """No service has to look for their paths; one that was replaced meanwhile is read by the id that it has now."""
    large = bytes(200 * 1024)
    source = Numbered("memory://source", {"a": b"1", "large": large, "replaced": b"2"})
    target = MemoryDrive("memory://target")
    assert (await copy(open_ledger(tmp_path), source, target)).status == Status.SUCCESS
    assert target.files == source.files
    named = [("a", "id of a"), ("large", "id of large"), ("replaced", "another id"), ("replaced", "id of replaced")]
    assert sorted(source.read) == named


class Unlike(MemoryDrive):
    """A destination without hashes, in which "a" is taken away between being looked at and being read."""

    def facts(self, path: str) -> Item:
        """See MemoryDrive."""
        found = super().facts(path)
        return Item(path, found.kind, found.size, revision=found.revision)

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Reading]:
        """See MemoryDrive."""
        self.files.pop(item.path)
        async with super().open(item, start) as content:
            yield content


async def test_what_vanishes_at_the_destination_while_it_is_compared_is_written(tmp_path: Path) -> None:
    """It is not told as removed at the source."""
    source, target = MemoryDrive("memory://source", {"a": b"1"}), Unlike("memory://target", {"a": b"2"})
    assert (await copy(open_ledger(tmp_path), source, target)).status == Status.SUCCESS
    assert target.files == {"a": b"1"}


class Takes(LocalDrive):
    """A folder in which somebody removes the folder "gone" as soon as it was made."""

    async def set_folder_time(self, path: str, modified_us: int) -> None:
        """See LocalDrive."""
        if path == "gone":
            raise Gone("gone")
        await super().set_folder_time(path, modified_us)


async def test_a_folder_that_is_taken_away_fails_alone(tmp_path: Path) -> None:
    """Its time cannot be set; the run goes on, and the sum is right."""
    for folder in ("source/gone", "source/stays", "target"):
        (tmp_path / folder).mkdir(parents=True)
    ran = await copy(open_ledger(tmp_path), LocalDrive(str(tmp_path / "source")), Takes(str(tmp_path / "target")))
    assert (ran.status, ran.said) == (Status.SOME_UPLOAD_ERRORS, {"gone": "gone", "stays": "verified"})


async def test_a_file_in_the_way_of_a_folder_and_the_reverse_fail_alone(tmp_path: Path) -> None:
    """Nothing is overwritten, the rest is copied, and nobody tries twenty names for it."""
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source / "folder", source / "empty", target / "file"):
        folder.mkdir(parents=True)
    (source / "folder/inside").write_bytes(b"1")
    (source / "file").write_bytes(b"2")
    (target / "folder").write_bytes(b"a file of another")
    drive = LocalDrive(str(target))
    ran = await copy(open_ledger(tmp_path), LocalDrive(str(source)), drive)
    assert ran.status == Status.SOME_UPLOAD_ERRORS
    assert ran.said == {"folder": "conflict", "folder/inside": "conflict", "file": "conflict", "empty": "verified"}
    assert (target / "folder").read_bytes() == b"a file of another"
    assert drive.calls["write"] <= 2 * 3
