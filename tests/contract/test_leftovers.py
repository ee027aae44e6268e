"""What a run could not remove any more, since every connection broke: the next run of the same transfer does."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from haulage.services.contract import Drive, FindsLeftovers
from haulage.services.leftovers import Leftovers

from .conftest import Opens
from .kit import Place, everything, files, put

MINE, OTHERS = "an installation 1", "an installation 2"


@pytest.fixture
def root(place: Place, drive: Drive) -> Path:
    """The place's folder on this machine, where it is a server of files."""
    if place.files is None or not isinstance(drive, FindsLeftovers):
        pytest.skip("it leaves nothing, or nothing that can be looked at here")
    return Path(place.files) / place.root


def left_by(owner: str, root: Path, folders: Sequence[str]) -> list[Path]:
    """What an earlier process of that owner left: half a file in each folder, and names that it tried out."""
    earlier = Leftovers()
    earlier.belong_to(owner)
    parts = [root / folder / earlier.name() for folder in folders]
    for part in parts:
        part.write_bytes(b"half a fi")
    tried = root / earlier.name("probe")
    (tried / "a\u0308").mkdir(parents=True)
    for made in (tried, *tried.iterdir(), *parts):
        made.chmod(0o777)  # the server is another user here
    return [*parts, tried]


async def test_what_an_earlier_run_left_is_removed(place: Place, root: Path, drive: Drive, make_drive: Opens) -> None:
    """Of this owner's alone, wherever a listing came by it, and nothing that is under way or to be gone on with."""
    await put(drive, "a/b/file", b"whole")
    await drive.create_folder("holds nothing else")
    mine = left_by(MINE, root, ["", "a", "a/b", "holds nothing else"])
    others = left_by(OTHERS, root, ["", "a/b"])
    upload, journal = root / f".haulage-{'5' * 32}.part", root / f".haulage-{'5' * 32}.parts"
    upload.write_bytes(b"of an upload in parts")
    journal.write_bytes(b"")
    if place.service.id == "ftp":
        mine.append(root / f".haulage-{'6' * 32}.parts")
        mine[-1].write_bytes(b"of an upload that got its name")
    later = make_drive()
    assert isinstance(later, FindsLeftovers)
    later.belongs_to(MINE)
    await later.check(write=True, create=False)
    assert files(await everything(later)) == {"a/b/file"}
    await later.remove_leftovers()
    assert not any(path.exists() for path in mine)
    assert all(path.exists() for path in [*others, upload, journal])
    assert files(await everything(later)) == {"a/b/file"}
    await later.remove_leftovers()  # nothing more is found


async def test_what_is_under_way_is_not_left(root: Path, drive: Drive) -> None:
    """A listing of the same run may come by a file that is being written."""
    assert isinstance(drive, FindsLeftovers)
    drive.belongs_to(MINE)
    await put(drive, "a/file", b"whole")
    leftovers: Leftovers = drive._leftovers  # type: ignore[attr-defined]
    under_way = root / "a" / leftovers.name()
    under_way.write_bytes(b"half a fi")
    assert files(await everything(drive)) == {"a/file"}
    await drive.remove_leftovers()
    assert under_way.exists()
    under_way.unlink()


async def test_what_may_not_be_removed(root: Path, make_drive: Opens) -> None:
    """It stays hidden, and ends no run."""
    [part, tried] = left_by(MINE, root, [""])
    part.unlink()
    (part / "not ours").mkdir(parents=True)
    later = make_drive()
    assert isinstance(later, FindsLeftovers)
    later.belongs_to(MINE)
    assert files(await everything(later)) == set()
    await later.remove_leftovers()
    assert not tried.exists()
    assert (part / "not ours").exists()
