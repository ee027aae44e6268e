"""Writing: whole or not at all, never over what is not ours, durable when it says so (T07, T08, T61, F46-F48)."""

import asyncio
import errno
import hashlib
import os
import resource
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from haulage.model.errors import (
    Conflict,
    Denied,
    DiskFailed,
    DiskFull,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    TooLarge,
    Transient,
)
from haulage.model.item import Carried, Written
from haulage.services.contract import ABSENT, Precondition
from haulage.services.local import writing as how
from haulage.services.local.drive import LocalDrive

ANYWAY = Precondition()
NOON_US = 1_700_000_000_123_456


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[LocalDrive]:
    """A drive on tmp_path."""
    drive = LocalDrive(str(tmp_path))
    yield drive
    await drive.close()


@pytest.fixture(params=["unnamed", "hidden", "hidden, no renameat2", "unnamed, no renameat2"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the file system offers: all of it, no files without a name (NFS), no renaming with a condition (FUSE)."""
    if "hidden" in request.param:
        monkeypatch.setattr(how, "_O_TMPFILE", 0)
    if "no renameat2" in request.param:
        monkeypatch.setattr(how, "_rename", lambda *_: False)
    return str(request.param)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def put(drive: LocalDrive, path: str, body: bytes, condition: Precondition = ANYWAY) -> Written:
    return await drive.put(path, body, Carried(), {"sha256": sha256(body)}, condition)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".haulage*")]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def modified_ns(path: Path) -> int:
    return path.stat().st_mtime_ns


def failing(number: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


async def test_what_is_confirmed_is_what_is_there(drive: LocalDrive, tmp_path: Path, system: str) -> None:
    """Size, hash, time, revision and id, as a later look tells them."""
    body = b"hello" * 1000
    written = await drive.put("a/b/c.txt", body, Carried(modified_us=NOON_US), {"sha256": sha256(body)}, ABSENT)
    assert (tmp_path / "a/b/c.txt").read_bytes() == body
    assert (tmp_path / "a/b/c.txt").stat().st_mtime_ns == NOON_US * 1000
    assert written.hashes == {"sha256": sha256(body)}
    assert (written.size, written.modified_us, written.path) == (5000, NOON_US, "a/b/c.txt")
    item = await drive.item("a/b/c.txt")
    assert item is not None
    assert (item.revision, item.id) == (written.revision, written.id)
    assert not written.parts_checked
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("modified_us", [0, -1, -86_400_000_000, 4_000_000_000_000_000, None])
async def test_times_of_all_ages(drive: LocalDrive, modified_us: int | None) -> None:
    """Before 1970 and after 2038 too; None leaves the time of writing."""
    written = await drive.put("a", b"x", Carried(modified_us=modified_us), {}, ABSENT)
    assert modified_us is None or written.modified_us == modified_us
    assert written.modified_us is not None


async def test_an_empty_file(drive: LocalDrive, tmp_path: Path, system: str) -> None:
    """T20: nought bytes arrive as a file."""
    assert (await put(drive, "empty", b"", ABSENT)).size == 0
    assert (tmp_path / "empty").read_bytes() == b""


async def test_a_memoryview_of_any_shape(drive: LocalDrive, tmp_path: Path) -> None:
    """The engine sends slices of its buffer."""
    await drive.put("a", memoryview(bytearray(b"0123456789"))[3:7], Carried(), {}, ABSENT)
    assert (tmp_path / "a").read_bytes() == b"3456"


async def test_a_wrong_hash_leaves_nothing(drive: LocalDrive, tmp_path: Path, system: str) -> None:
    """What reads back otherwise than announced is never given a name."""
    with pytest.raises(Mismatch, match="reads back with SHA-256"):
        await drive.put("a", b"body", Carried(), {"sha256": sha256(b"another")}, ABSENT)
    assert names_in(tmp_path) == set()


async def test_bytes_that_the_disk_lost_are_noticed(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash is of what reads back, not of what was sent: a disk that stores other bytes is caught."""
    honest = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, body, offset: honest(fd, bytes(len(body)), offset))
    with pytest.raises(Mismatch):
        await put(drive, "a", b"body", ABSENT)
    assert names_in(tmp_path) == set()


async def test_short_writes_are_continued(drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take fewer bytes than it was given."""
    honest = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, body, offset: honest(fd, body[:3], offset))
    await put(drive, "a", b"0123456789", ABSENT)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


async def test_absent_keeps_what_is_there(drive: LocalDrive, tmp_path: Path, system: str) -> None:
    """T52: a foreign file, folder or symlink is never overwritten."""
    (tmp_path / "file").write_text("theirs")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "folder", "link", "file/below"):
        with pytest.raises(Conflict):
            await put(drive, name, b"ours", ABSENT)
    assert (tmp_path / "file").read_text() == "theirs"
    assert (tmp_path / "link").readlink() == Path("nowhere")
    assert leftovers(tmp_path) == []


async def test_absent_at_the_very_moment(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """Somebody writes after we looked: theirs stays."""
    honest = how.make_ready

    def slow(fd: int, size: int, modified_us: int | None) -> None:
        honest(fd, size, modified_us)
        (tmp_path / "a").write_text("theirs")

    monkeypatch.setattr(how, "make_ready", slow)
    with pytest.raises(Conflict):
        await put(drive, "a", b"ours", ABSENT)
    assert (tmp_path / "a").read_text() == "theirs"
    assert leftovers(tmp_path) == []


async def test_eight_writers_one_winner(tmp_path: Path, system: str) -> None:
    """F56: with the precondition "absent" just one of eight handles wins, and its bytes are there."""
    drives = [LocalDrive(str(tmp_path)) for _ in range(8)]
    for name in map(str, range(20)):
        answers = await asyncio.gather(
            *(put(drive, name, bytes([number]) * 1000, ABSENT) for number, drive in enumerate(drives)),
            return_exceptions=True,
        )
        winners = [number for number, answer in enumerate(answers) if isinstance(answer, Written)]
        assert len(winners) == 1
        assert sum(isinstance(answer, Conflict) for answer in answers) == 7
        assert (tmp_path / name).read_bytes() == bytes(winners) * 1000
    assert leftovers(tmp_path) == []
    for drive in drives:
        await drive.close()


async def test_replacing_a_known_revision(drive: LocalDrive, tmp_path: Path, system: str) -> None:
    """The known one is replaced once; the same precondition fails the second time and changes nothing."""
    first = await put(drive, "a", b"one", ABSENT)
    second = await put(drive, "a", b"second", Precondition(revision=first.revision))
    assert second.revision != first.revision
    with pytest.raises(Conflict):
        await put(drive, "a", b"third", Precondition(revision=first.revision))
    with pytest.raises(Conflict):
        await put(drive, "none", b"third", Precondition(revision=first.revision))
    with pytest.raises(Conflict):
        await put(drive, "no/folder", b"third", Precondition(revision=first.revision))
    assert (tmp_path / "a").read_bytes() == b"second"
    assert names_in(tmp_path) == {"a"}


async def test_what_somebody_wrote_at_that_moment_comes_back(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F33: the swap shows that another's new version stood there; it is swapped back."""
    first = await put(drive, "a", b"one", ABSENT)
    honest = how.put_in_place

    def raced(folder: int, hidden: str, name: str, condition: Precondition) -> None:
        (tmp_path / "new").write_text("theirs, new")
        (tmp_path / "new").rename(tmp_path / "a")
        honest(folder, hidden, name, condition)

    monkeypatch.setattr(how, "put_in_place", raced)
    with pytest.raises(Conflict):
        await put(drive, "a", b"ours", Precondition(revision=first.revision))
    assert (tmp_path / "a").read_text() == "theirs, new"
    assert leftovers(tmp_path) == []


async def test_readers_see_the_old_or_the_new(drive: LocalDrive, tmp_path: Path, system: str) -> None:
    """I3, T08: at every instant one whole version stands at the name."""
    old, new = b"o" * 300_000, b"n" * 400_000
    await put(drive, "a", old)
    seen: set[bytes] = set()
    done = asyncio.Event()

    async def look() -> None:
        while not done.is_set():
            seen.add(await asyncio.to_thread((tmp_path / "a").read_bytes))

    looking = asyncio.create_task(look())
    for number in range(20):
        await put(drive, "a", old if number % 2 else new)
    done.set()
    await looking
    assert seen <= {old, new}


async def test_a_folder_is_never_replaced(drive: LocalDrive, tmp_path: Path, system: str) -> None:
    """Whatever the precondition."""
    (tmp_path / "d").mkdir()
    for condition in (ANYWAY, ABSENT, Precondition(revision="0:0:0")):
        with pytest.raises(Conflict):
            await put(drive, "d", b"x", condition)
    assert (tmp_path / "d").is_dir()
    assert leftovers(tmp_path) == []


async def test_without_links_and_conditional_renames_it_is_refused(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system on which a foreign file could be overwritten gets nothing."""
    monkeypatch.setattr(how, "_O_TMPFILE", 0)
    monkeypatch.setattr(how, "_rename", lambda *_: False)
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    with pytest.raises(Denied, match="neither link nor rename"):
        await put(drive, "a", b"x", ABSENT)
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EIO, DiskFailed),
        (errno.EROFS, Denied),
        (errno.EACCES, Denied),
        (errno.EFBIG, TooLarge),
        (errno.ESTALE, Transient),
        (errno.EMFILE, Transient),
        (errno.EILSEQ, NameRefused),
        (errno.ENOTTY, HaulageError),
    ],
)
@pytest.mark.parametrize("call", ["pwrite", "fsync", "preadv"])
async def test_what_the_system_says(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, call: str, number: int, kind: type
) -> None:
    """F46, F47: each failure has its meaning, leaves the old version, and nothing else. A failed sync is final."""
    await put(drive, "a", b"old")
    monkeypatch.setattr(os, call, failing(number))
    with pytest.raises(HaulageError) as caught:
        await put(drive, "a", b"new")
    assert type(caught.value) is kind
    assert caught.value.retryable is (kind is Transient)
    assert caught.value.item_only is (kind not in (DiskFull, DiskFailed))
    assert (tmp_path / "a").read_bytes() == b"old"
    assert leftovers(tmp_path) == []


async def test_a_file_size_limit_is_told(drive: LocalDrive, tmp_path: Path) -> None:
    """A real limit of the system, met by a real write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(TooLarge):
            await put(drive, "a", b"x" * 200_000, ABSENT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names_in(tmp_path) == set()


async def test_a_name_that_is_too_long(drive: LocalDrive) -> None:
    """The system's own answer becomes the model's word."""
    with pytest.raises(NameRefused):
        await put(drive, "é" * 128, b"x", ABSENT)
    with pytest.raises(NameRefused):
        await put(drive, "é" * 128 + "/a", b"x", ABSENT)


async def test_folders_and_their_times(drive: LocalDrive, tmp_path: Path) -> None:
    """Made with those above, again without complaint; times set after the contents stay."""
    await drive.create_folder("a/b", NOON_US)
    await drive.create_folder("a/b")
    await drive.create_folder("")
    await put(drive, "a/b/c.txt", b"x", ABSENT)
    await drive.set_folder_time("a/b", NOON_US)
    await drive.set_folder_time("", NOON_US + 1)
    assert modified_ns(tmp_path / "a" / "b") == NOON_US * 1000
    assert modified_ns(tmp_path) == (NOON_US + 1) * 1000
    with pytest.raises(Conflict):
        await drive.create_folder("a/b/c.txt")
    with pytest.raises(Gone):
        await drive.set_folder_time("none", NOON_US)
    assert not (tmp_path / "none").exists()


async def test_many_files_in_folders_that_are_made_at_once(drive: LocalDrive, tmp_path: Path) -> None:
    """Writers that need the same new folders do not disturb each other."""
    paths = [f"a/{number % 3}/b/{number}" for number in range(100)]
    await asyncio.gather(*(put(drive, path, path.encode(), ABSENT) for path in paths))
    assert files_in(tmp_path) == set(paths)


async def test_a_cancelled_write_has_no_effect_afterwards(drive: LocalDrive, tmp_path: Path) -> None:
    """F49: once the cancellation is through, what is there stays as it is."""
    for delay in (0.0, 0.0005, 0.002, 0.01):
        task = asyncio.create_task(put(drive, "a", os.urandom(4_000_000)))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        before = {name: modified_ns(tmp_path / name) for name in names_in(tmp_path)}
        await asyncio.sleep(0.05)
        assert {name: modified_ns(tmp_path / name) for name in names_in(tmp_path)} == before
        assert leftovers(tmp_path) == []
