"""Roots: found, made, missing, removed under our hands, and what the account may not do (T34, F37)."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from haulage.model.errors import Denied, Refused, RootGone
from haulage.model.item import Carried
from haulage.services.contract import ABSENT, Drive, Precondition, SetsFolderTimes
from haulage.services.local import LOCAL
from haulage.services.local.drive import LocalDrive

ANYWAY = Precondition()
PLAIN = Carried()


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[LocalDrive]:
    """A drive on tmp_path/"root"."""
    (tmp_path / "root").mkdir()
    drive = LocalDrive(str(tmp_path / "root"))
    yield drive
    await drive.close()


async def put(drive: LocalDrive, path: str, body: bytes = b"x", condition: Precondition = ABSENT) -> None:
    await drive.put(path, body, PLAIN, {}, condition)


async def test_the_root_itself_may_be_a_symlink(tmp_path: Path) -> None:
    """The person named it; it is the same drive as the folder that it leads to."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    drive = LocalDrive(f"{tmp_path}/link/")
    await drive.check(write=True, create=False)
    await put(drive, "a.txt")
    assert (tmp_path / "real" / "a.txt").exists()
    assert drive.identity == LocalDrive(str(tmp_path / "real")).identity == f"file://{tmp_path}/real"
    await drive.close()


async def test_a_root_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """As input, not as something that may pass."""
    for create in (False, True):
        with pytest.raises(Refused, match="too long"):
            await LocalDrive(f"{tmp_path}/{'x' * 300}").check(write=create, create=create)


async def test_roots_that_cannot_be(tmp_path: Path) -> None:
    """A file, nothing, a dead link and a relative path each get their own clear sentence."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "dead").symlink_to("nowhere")
    for root in ("relative", "", "/a\0b"):
        with pytest.raises(Refused, match="is not an absolute path"):
            LocalDrive(root)
    expected = {
        "file": (Refused, "is a file"),
        "none": (RootGone, "does not exist"),
        "dead": (RootGone, "does not exist"),
    }
    for name, (kind, said) in expected.items():
        drive = LocalDrive(str(tmp_path / name))
        with pytest.raises(kind, match=said):
            await drive.check(write=True, create=False)
        with pytest.raises(RootGone):
            await drive.page("", None)
        await drive.close()
    for name, kind in {"file/below": Refused, "dead": RootGone}.items():
        drive = LocalDrive(str(tmp_path / name))
        with pytest.raises(kind):
            await drive.check(write=True, create=True)
        await drive.close()


async def test_a_root_is_made_when_asked(tmp_path: Path) -> None:
    """With all folders above it; asking again is fine."""
    drive = LocalDrive(str(tmp_path / "a" / "b" / "c"))
    await drive.check(write=True, create=True)
    await drive.check(write=True, create=True)
    assert (tmp_path / "a" / "b" / "c").is_dir()
    await drive.close()


async def test_a_root_that_vanishes_is_not_an_empty_root(drive: LocalDrive, tmp_path: Path) -> None:
    """T34: a removed folder that is still held open looks empty; that must never pass for the truth."""
    assert (await drive.page("", None)).items == []
    (tmp_path / "root").rmdir()
    with pytest.raises(RootGone):
        await drive.page("", None)
    for path in ("a", "d/a"):
        with pytest.raises(RootGone):
            await put(drive, path)
    with pytest.raises(RootGone):
        await drive.item("d/a")


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder of an ordinary account, which this process becomes: root is allowed everything."""
    folder = Path(tempfile.mkdtemp())
    was = os.geteuid()
    if was == 0:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if was == 0:
        os.seteuid(0)
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


async def test_what_is_not_allowed_is_told(own_folder: Path) -> None:
    """F37: an unreadable file or folder, and an unwritable one, concern one item each."""
    for name in ("closed", "fixed"):
        (own_folder / name).mkdir()
        (own_folder / name / "a.txt").write_text("a")
    (own_folder / "mute.txt").write_text("a")
    (own_folder / "mute.txt").chmod(0)
    (own_folder / "closed").chmod(0)
    (own_folder / "fixed").chmod(0o500)
    drive = LocalDrive(str(own_folder))
    await drive.check(write=True, create=False)
    found = {item.path: item for item in (await drive.page("", None)).items}
    assert {path: item.empty for path, item in found.items()} == {"closed": False, "fixed": False, "mute.txt": False}
    with pytest.raises(Denied):
        await drive.page("closed", None)
    with pytest.raises(Denied):
        await drive.item("closed/a.txt")
    with pytest.raises(Denied):
        async with drive.open(found["mute.txt"]):
            pass
    for path in ("fixed/b.txt", "fixed/d/b.txt", "closed/b.txt"):
        with pytest.raises(Denied):
            await put(drive, path)
    with pytest.raises(Denied):
        await drive.begin("fixed/b.bin", 10, PLAIN, "attempt", ABSENT)
    await drive.close()
    for name, write in {"closed": False, "fixed": True}.items():
        below = LocalDrive(str(own_folder / name))
        with pytest.raises(Denied):
            await below.check(write=write, create=False)
        await below.close()


def test_the_declaration_keeps_the_contract(tmp_path: Path) -> None:
    """The registry's entry, and the trait that it claims."""
    drive = LOCAL.open_drive({}, str(tmp_path), None)  # type: ignore[arg-type]  # a local drive needs no pacer
    assert isinstance(drive, Drive)
    assert isinstance(drive, SetsFolderTimes)
    assert LOCAL.scheme == "file"
    assert repr(drive) == f"LocalDrive('file://{tmp_path}')"
