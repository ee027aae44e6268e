"""Reading: just the revision that was listed, whole, or an error (T22, T23, T25, T73)."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from haulage.model.errors import Blocked, Changed, Denied, Gone, HaulageError, ShortRead, Transient
from haulage.model.item import Item, Kind
from haulage.services.local import reading as how
from haulage.services.local.drive import LocalDrive
from haulage.services.local.reading import CHUNK_BYTES, OpenFile

MIB = 1024 * 1024


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[LocalDrive]:
    """A drive on tmp_path."""
    drive = LocalDrive(str(tmp_path))
    yield drive
    await drive.close()


async def found(drive: LocalDrive, path: str) -> Item:
    item = await drive.item(path)
    assert item is not None
    return item


async def read(drive: LocalDrive, item: Item, start: int = 0) -> bytes:
    async with drive.open(item, start) as content:
        return b"".join([bytes(chunk) async for chunk in content.chunks()])


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_facts_of_a_file(drive: LocalDrive, tmp_path: Path) -> None:
    """What the system says, in the model's words; nothing is guessed."""
    (tmp_path / "a.txt").write_bytes(b"hello")
    os.utime(tmp_path / "a.txt", ns=(0, 1_234_567_891_234_567))
    item = await found(drive, "a.txt")
    assert (item.kind, item.size, item.modified_us) == (Kind.FILE, 5, 1_234_567_891_234)
    assert item.hashes == {}
    async with drive.open(item) as content:
        assert content.item == item
        assert content.carried.modified_us == 1_234_567_891_234
        assert content.carried.content_type is None
    assert await drive.item("none") is None
    assert await drive.item("") is None
    (tmp_path / "d").mkdir()
    assert await drive.item("d") is None
    assert await drive.item("a.txt/below") is None


async def test_a_small_file_is_one_hop(drive: LocalDrive, tmp_path: Path) -> None:
    """The hot path of many small files: opened, compared, read and checked in one go."""
    (tmp_path / "a").write_bytes(b"x" * MIB)
    item = await found(drive, "a")
    before = dict(drive.calls)
    assert await read(drive, item) == b"x" * MIB
    assert {name: count - before.get(name, 0) for name, count in drive.calls.items()} == {"stat": 0, "open": 1}


@pytest.mark.parametrize("start", [0, 1, MIB, 2 * MIB, 2 * MIB + 4, 2 * MIB + 5])
async def test_from_any_byte(drive: LocalDrive, tmp_path: Path, start: int) -> None:
    """Chunks of at most 1 MiB, none empty."""
    body = os.urandom(2 * MIB + 5)
    (tmp_path / "a").write_bytes(body)
    async with drive.open(await found(drive, "a"), start) as content:
        chunks = [chunk async for chunk in content.chunks()]
    assert b"".join(chunks) == body[start:]
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)


async def test_a_start_behind_the_end(drive: LocalDrive, tmp_path: Path) -> None:
    """There is nothing that could stand there."""
    (tmp_path / "a").write_bytes(b"abc")
    with pytest.raises(ShortRead):
        await read(drive, await found(drive, "a"), 4)


def touch(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def make_older(path: Path) -> None:
    was = path.stat()
    path.with_name("old").write_bytes(b"0" * was.st_size)
    path.with_name("old").rename(path)
    os.utime(path, ns=(0, was.st_mtime_ns - 10**15))


def replace_with_same_time(path: Path) -> None:
    was = path.stat()
    path.with_name("new").write_bytes(b"0" * was.st_size)
    os.utime(path.with_name("new"), ns=(was.st_atime_ns, was.st_mtime_ns))
    path.with_name("new").rename(path)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"+")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: list[Callable[[Path], None]] = [touch, make_older, replace_with_same_time, grow, make_folder]


@pytest.mark.parametrize("change", CHANGES)
async def test_changed_since_the_listing(drive: LocalDrive, tmp_path: Path, change: Callable[[Path], None]) -> None:
    """T22, T73: newer, older, another of the same size and time, longer, or no file any more."""
    (tmp_path / "a").write_bytes(b"1" * 1000)
    item = await found(drive, "a")
    change(tmp_path / "a")
    with pytest.raises(Changed):
        await read(drive, item)


async def test_chmod_and_hard_links_are_no_change(drive: LocalDrive, tmp_path: Path) -> None:
    """A backup by hard links must not make a second run copy everything again."""
    (tmp_path / "a").write_bytes(b"1" * 1000)
    item = await found(drive, "a")
    (tmp_path / "a").chmod(0o400)
    os.link(tmp_path / "a", tmp_path / "b")
    assert (await found(drive, "a")).revision == item.revision
    assert await read(drive, item) == b"1" * 1000


def write_and_reset_time(path: Path) -> None:
    was = path.stat()
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def shorten(path: Path) -> None:
    os.truncate(path, 10)


@pytest.mark.parametrize("change", [touch, grow, shorten, write_and_reset_time])
async def test_changed_while_it_is_read(drive: LocalDrive, tmp_path: Path, change: Callable[[Path], None]) -> None:
    """T22: told at the latest with the last byte, so it never passes for a good copy."""
    (tmp_path / "a").write_bytes(b"1" * (3 * MIB))
    item = await found(drive, "a")
    seen = 0
    with pytest.raises(Changed):
        async with drive.open(item) as content:
            async for chunk in content.chunks():
                if not seen:
                    change(tmp_path / "a")
                seen += len(chunk)
    assert seen < 3 * MIB


@pytest.mark.parametrize("change", [replace_with_same_time, Path.unlink])
async def test_replaced_or_removed_while_it_is_read(
    drive: LocalDrive, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """The listed version is still held open, and is read to its end."""
    (tmp_path / "a").write_bytes(b"1" * (3 * MIB))
    pieces = []
    async with drive.open(await found(drive, "a")) as content:
        async for chunk in content.chunks():
            if not pieces:
                change(tmp_path / "a")
            pieces.append(chunk)
    assert b"".join(pieces) == b"1" * (3 * MIB)


async def test_gone_since_the_listing(drive: LocalDrive, tmp_path: Path) -> None:
    """T25: the file, or the folder above it."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"x")
    item = await found(drive, "d/a")
    (tmp_path / "d" / "a").unlink()
    with pytest.raises(Gone):
        await read(drive, item)
    (tmp_path / "d").rmdir()
    with pytest.raises(Gone):
        await read(drive, item)
    with pytest.raises(Gone):
        await drive.page("d", None)


async def test_a_disk_that_ends_early(drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T01: fewer bytes than the size says, though nothing was changed."""
    (tmp_path / "a").write_bytes(b"x" * 1000)
    item = await found(drive, "a")
    honest = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, offset: honest(fd, max(0, min(size, 600 - offset)), offset))
    with pytest.raises(ShortRead, match="ended at byte 600 of 1000"):
        await read(drive, item)


async def test_more_bytes_than_the_size_says(drive: LocalDrive) -> None:
    """F13: files of the kernel say that they hold nothing; that must not arrive as an empty file."""
    kernel = LocalDrive("/proc/self")
    item = await kernel.item("status")
    assert item is not None
    assert item.size == 0
    with pytest.raises((ShortRead, Changed)):
        await read(kernel, item)
    await kernel.close()


async def test_short_reads_of_the_system_are_continued(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may give fewer bytes than asked for."""
    body = os.urandom(5000)
    (tmp_path / "a").write_bytes(body)
    honest = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, offset: honest(fd, min(size, 999), offset))
    assert await read(drive, await found(drive, "a")) == body


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EIO, Blocked),
        (errno.EACCES, Denied),
        (errno.ESTALE, Transient),
        (errno.ENOENT, Gone),
        (errno.ENOTTY, HaulageError),
    ],
)
async def test_what_the_system_says(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type
) -> None:
    """One item's trouble: the run goes on with the others. A bad sector is told with what to do about it."""
    (tmp_path / "a").write_bytes(b"x")
    item = await found(drive, "a")

    def fail(*_: object) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(HaulageError) as caught:
        await read(drive, item)
    assert type(caught.value) is kind
    assert caught.value.item_only
    assert number != errno.EIO or "health" in caught.value.fix


async def test_no_file_stays_open(drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a whole read, a read given up, an error, and a cancellation while it is being opened."""
    (tmp_path / "a").write_bytes(b"x" * (3 * MIB))
    item = await found(drive, "a")
    before = open_files()
    await read(drive, item)
    async with drive.open(item):
        pass
    with pytest.raises(ShortRead):
        await read(drive, item, 4 * MIB)
    for _ in range(20):
        task = asyncio.create_task(read(drive, item))
        await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.05)
    assert open_files() == before


async def test_content_that_is_not_opened(drive: LocalDrive, tmp_path: Path) -> None:
    """A mistake in the caller does not read some other file."""
    (tmp_path / "a").write_bytes(b"x")
    content = drive.open(await found(drive, "a"))
    with pytest.raises(Changed, match="is not open"):
        async for _ in content.chunks():
            pass


def test_closing_twice_closes_once() -> None:
    """The number may be another file's by then."""
    file = OpenFile(os.open("/", os.O_RDONLY))
    number = file.fd
    file.close()
    other = os.open("/", os.O_RDONLY)
    assert other == number
    file.close()
    os.close(other)


def test_the_look_for_a_write_is_strict(tmp_path: Path) -> None:
    """Equal facts, and only those, mean that nothing wrote."""
    (tmp_path / "a").write_bytes(b"x")
    before = (tmp_path / "a").stat()
    assert not how._was_written(before, before)
