"""The root is never left: hostile names, symlinks that are there, and symlinks that are planted mid-run (S22, S23)."""

import contextlib
import itertools
import os
import random
import socket
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haulage.model.errors import Changed, Conflict, Gone, HaulageError, NameRefused
from haulage.model.item import Carried, Item, Kind
from haulage.model.naming import fit
from haulage.services.contract import ABSENT, Precondition
from haulage.services.local.drive import TRAITS, LocalDrive

ANYWAY = Precondition()
PLAIN = Carried()


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[LocalDrive]:
    """A drive on tmp_path/"root"; beside it stands "outside", which nobody may touch."""
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    drive = LocalDrive(str(tmp_path / "root"))
    yield drive
    await drive.close()


def tree_of(folder: Path) -> dict[str, bytes | None]:
    """Every node below a folder, with its bytes where it is a file."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in folder.rglob("*")
    }


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def put(drive: LocalDrive, path: str, body: bytes = b"x", condition: Precondition = ABSENT) -> None:
    await drive.put(path, body, PLAIN, {}, condition)


def hostile_names(count: int) -> list[str]:
    """Paths that have left a root somewhere, and combinations of what they were made of."""
    pieces = (
        *(
            "..",
            ".",
            "",
            "．．",
            "‥",
            "%2e%2e",
            "..%2f",
            "%00",
            "\0",
            "..\0",
            "\\..",
            "..\\",
            "C:",
            "C:\\",
            "\\\\?\\C:\\x",
        ),
        *(
            "\\\\server\\share",
            "CON",
            "NUL",
            "nul.txt",
            "COM1",
            "LPT9",
            "aux.",
            "~",
            "~root",
            "$HOME",
            "a",
            "a ",
            "-rf",
        ),
        *(
            "\u202etxt.exe",
            "é",
            "\ud800",
            "\udce9",
            "x" * 300,
            "\r\n",
            "*",
            "?",
            "|id",
            "`id`",
            ".haulage-" + "0" * 32 + ".part",
        ),
        *("etc", "passwd", "root", "outside", "secret.txt", "．", "／", "∕", "..／", "\ufeff..", "..\u200b", "link"),
    )
    draw = random.Random(22)
    return ["/".join(draw.choices(pieces, k=draw.randint(1, 6))) for _ in range(count)]


async def test_hostile_names_write_nothing_outside(drive: LocalDrive, tmp_path: Path) -> None:
    """S22: 10,000 names, raw and fitted: refused with one of our errors, or written below the root."""
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    before = tree_of(tmp_path / "outside")
    beside = names_in(tmp_path)
    written = 0
    for number, name in enumerate(hostile_names(10_000)):
        chosen = name
        try:
            if number % 2:
                chosen = fit(name, TRAITS.names).path
            if number % 20 < 2:
                await put(drive, chosen)
                written += 1
            elif number % 2:
                await drive.item(chosen)
            else:
                await drive.create_folder(chosen)
        except (NameRefused, Conflict):
            continue
    assert written > 200
    assert tree_of(tmp_path / "outside") == before
    assert names_in(tmp_path) == beside


@pytest.mark.parametrize(
    "path",
    ["..", "../outside/new", "/etc/new", "a/../../new", "a//b", "./a", "a/.", "a\0b", "\udce9", "\ud800", "a/", ""],
)
async def test_paths_that_are_none_are_refused(drive: LocalDrive, tmp_path: Path, path: str) -> None:
    """What the planner did not fit is refused by name, in every method, and leaves no trace."""
    with pytest.raises(NameRefused):
        await put(drive, path)
    with pytest.raises(NameRefused):
        await drive.begin(path, 10, PLAIN, "attempt", ABSENT)
    with pytest.raises(Gone):
        async with drive.open(Item(path, Kind.FILE)):
            pass
    if path:  # "" is the root, a good folder
        with pytest.raises(NameRefused):
            await drive.create_folder(path)
        with pytest.raises(Gone):
            await drive.page(path, None)
    assert await drive.item(path) is None
    assert tree_of(tmp_path / "root") == {}


async def test_a_name_of_our_unfinished_files_is_refused(drive: LocalDrive) -> None:
    """It would never be listed: better refused than lost in silence."""
    with pytest.raises(NameRefused):
        await put(drive, "a/.haulage-" + "a" * 32 + ".part")
    await put(drive, ".haulage-notes.part")
    assert [item.path for item in (await drive.page("", None)).items] == [".haulage-notes.part"]


async def test_symlinks_are_listed_and_never_followed(drive: LocalDrive, tmp_path: Path) -> None:
    """S23: to a file, to a folder, to nothing, out of the root and within it."""
    root = tmp_path / "root"
    (root / "real").mkdir()
    (root / "real" / "a.txt").write_text("a")
    for name, target in {"out": "../outside", "file": "real/a.txt", "within": "real", "dead": "nowhere"}.items():
        (root / name).symlink_to(target)
    found = {item.path: item for item in (await drive.page("", None)).items}
    assert {path: item.note for path, item in found.items() if item.kind == Kind.OTHER} == {
        "out": "symlink to ../outside",
        "file": "symlink to real/a.txt",
        "within": "symlink to real",
        "dead": "symlink to nowhere",
    }
    assert await drive.item("file") is None
    assert await drive.item("out/secret.txt") is None
    for folder in ("out", "within"):
        with pytest.raises(Gone):
            await drive.page(folder, None)
    with pytest.raises(Changed):
        async with drive.open(found["file"]):
            pass
    with pytest.raises(Gone):
        async with drive.open(Item("out/secret.txt", Kind.FILE)):
            pass


@pytest.mark.parametrize(
    "condition", [ABSENT, ANYWAY, Precondition(revision="1:2:3")], ids=["absent", "any", "revision"]
)
async def test_nothing_is_written_through_a_symlink(drive: LocalDrive, tmp_path: Path, condition: Precondition) -> None:
    """A folder that is a symlink is in the way, for files, uploads in parts, folders and times."""
    (tmp_path / "root" / "out").symlink_to(tmp_path / "outside")
    before = tree_of(tmp_path / "outside")
    with pytest.raises(Conflict):
        await put(drive, "out/new.txt", condition=condition)
    with pytest.raises(Conflict):
        await drive.begin("out/new.bin", 10, PLAIN, "attempt", condition)
    with pytest.raises(Conflict):
        await drive.create_folder("out/new")
    with pytest.raises(HaulageError):
        await drive.set_folder_time("out", 1_000_000)
    assert tree_of(tmp_path / "outside") == before


async def test_a_symlink_as_target_is_kept_or_replaced_but_not_followed(drive: LocalDrive, tmp_path: Path) -> None:
    """With a precondition it is a conflict; without one the link itself is replaced."""
    (tmp_path / "root" / "a.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    with pytest.raises(Conflict):
        await put(drive, "a.txt")
    with pytest.raises(Conflict):
        await put(drive, "a.txt", condition=Precondition(revision="6:0:0"))
    await put(drive, "a.txt", b"mine", ANYWAY)
    assert (tmp_path / "outside" / "secret.txt").read_text() == "secret"
    assert (tmp_path / "root" / "a.txt").read_bytes() == b"mine"
    assert not (tmp_path / "root" / "a.txt").is_symlink()


async def test_symlinks_planted_while_writing(drive: LocalDrive, tmp_path: Path) -> None:
    """S22: another process swaps folders for symlinks, to and fro, while files and parts are written below them."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "d" / "e").mkdir(parents=True)
    before = tree_of(outside)
    stop = threading.Event()

    def swap() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            target = root / "d" / "e" if number % 2 else root / "d"
            with contextlib.suppress(OSError):  # the writer makes the folder again in the moment that it is away
                target.rename(tmp_path / f"kept-{number}")
                target.symlink_to(outside)
                target.unlink()
                (tmp_path / f"kept-{number}").rename(target)

    swapper = threading.Thread(target=swap)
    swapper.start()
    done = {"written": 0, "refused": 0}
    try:
        for number in range(600):
            try:
                if number % 3:
                    await put(drive, f"d/e/{number}.txt", b"x" * 100)
                else:
                    state = await drive.begin(f"d/e/{number}.bin", 4, PLAIN, str(number), ABSENT)
                    receipt = await drive.put_part(state, 1, 0, memoryview(b"abcd"), None)
                    await drive.finish(state, [receipt], {}, ABSENT)
                done["written"] += 1
            except HaulageError:
                done["refused"] += 1
    finally:
        stop.set()
        swapper.join()
    assert tree_of(outside) == before
    assert sum(done.values()) == 600
    assert min(done.values()) > 0


async def test_symlinks_planted_while_reading(drive: LocalDrive, tmp_path: Path) -> None:
    """The same for the source: a secret outside is never read."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "d").mkdir()
    (root / "d" / "secret.txt").write_text("public")
    item = await drive.item("d/secret.txt")
    assert item is not None
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (root / "d").rename(root / "d2")
            (root / "d").symlink_to(outside)
            (root / "d").unlink()
            (root / "d2").rename(root / "d")

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = set()
    try:
        for _ in range(1000):
            for asked in (item, Item("d/secret.txt", Kind.FILE)):
                try:
                    async with drive.open(asked) as content:
                        seen |= {bytes(chunk) async for chunk in content.chunks()}
                except (Gone, Changed):
                    continue
    finally:
        stop.set()
        swapper.join()
    assert seen <= {b"public"}


async def test_special_files_are_told_and_never_opened(drive: LocalDrive, tmp_path: Path) -> None:
    """A fifo without a writer would hang whoever opens it."""
    os.mkfifo(tmp_path / "root" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "root" / "sock"))
        found = {item.path: item for item in (await drive.page("", None)).items}
    assert {path: (item.kind, item.note) for path, item in found.items()} == {
        "pipe": (Kind.OTHER, "fifo"),
        "sock": (Kind.OTHER, "socket"),
    }
    for path in found:
        assert await drive.item(path) is None
        with pytest.raises(Changed, match=r"is a (fifo|socket) now"):
            async with drive.open(Item(path, Kind.FILE)):
                pass
    with pytest.raises(Conflict):
        await put(drive, "pipe")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make device nodes")
async def test_devices_are_told(drive: LocalDrive, tmp_path: Path) -> None:
    """A device would give endless bytes."""
    os.mknod(tmp_path / "root" / "zero", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    assert [item.note for item in (await drive.page("", None)).items] == ["character device"]


async def test_special_modes_are_never_set(drive: LocalDrive, tmp_path: Path) -> None:
    """S23: what arrives is an ordinary file of the one who runs Haulage."""
    old = os.umask(0o022)
    try:
        await put(drive, "a")
        await drive.create_folder("d")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "root" / "a").stat().st_mode) & 0o7111 == 0
    assert (tmp_path / "root" / "a").stat().st_uid == os.geteuid()
    assert stat.S_IMODE((tmp_path / "root" / "d").stat().st_mode) == 0o755
