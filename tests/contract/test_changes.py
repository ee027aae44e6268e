"""A service's record of changes, and moves in place: only of drives that have them."""

from typing import cast

import pytest

from haulage.model.errors import Conflict, Gone
from haulage.services.contract import Drive, Moves, MovesFolders, TellsChanges

from .conftest import Sees, declared
from .kit import body_of, put


async def test_nothing_happened(drive: Drive, reader: Drive) -> None:
    """Since the position: the next one is told, and is as good."""
    declared(isinstance(drive, TellsChanges), "record of changes")
    await put(drive, "a.bin", b"a")
    told = cast(TellsChanges, reader)
    position = await told.position()
    later = await told.quiet_since(position)
    assert later is not None
    assert await told.quiet_since(later) is not None


@pytest.mark.parametrize("what", ["new", "written over", "removed", "folder"])
async def test_something_happened(drive: Drive, reader: Drive, sees: Sees, what: str) -> None:
    """Whatever others did since is no quiet."""
    declared(isinstance(drive, TellsChanges), "record of changes")
    await put(drive, "a.bin", b"a")
    told = cast(TellsChanges, reader)
    position = await told.position()
    if what == "removed":
        await sees.remove("a.bin")
    elif what == "folder":
        await drive.create_folder("new")
    else:
        await sees.plant("a.bin" if what == "written over" else "deep/b.bin", b"other")
    assert await told.quiet_since(position) is None
    assert await told.quiet_since(await told.position()) is not None


async def test_a_file_is_moved(drive: Drive, reader: Drive, sees: Sees) -> None:
    """Into a folder that is made for it, under another name; it is the same file, and what is told of it is true."""
    declared(isinstance(drive, Moves), "moves in place")
    body = body_of(5000)
    await put(drive, "a.bin", body)
    before = await reader.item("a.bin")
    assert before is not None
    written = await cast(Moves, drive).move("a.bin", "deep/er/b.bin", before.revision)
    assert await sees.fetch("a.bin") is None
    assert await sees.fetch("deep/er/b.bin") == body
    now = await reader.item("deep/er/b.bin")
    assert now is not None
    assert (written.path, written.revision) == ("deep/er/b.bin", now.revision)
    assert (now.size, now.hashes, now.modified_us) == (before.size, before.hashes, before.modified_us)
    if drive.traits.lasting_ids:
        assert now.id == before.id


async def test_a_name_that_is_taken(drive: Drive, sees: Sees) -> None:
    """Neither is touched."""
    declared(isinstance(drive, Moves), "moves in place")
    await put(drive, "a.bin", b"one")
    await put(drive, "b.bin", b"other")
    with pytest.raises(Conflict):
        await cast(Moves, drive).move("a.bin", "b.bin", None)
    assert [await sees.fetch("a.bin"), await sees.fetch("b.bin")] == [b"one", b"other"]


async def test_another_revision_is_not_moved(drive: Drive, reader: Drive, sees: Sees) -> None:
    """Somebody has written meanwhile."""
    declared(isinstance(drive, Moves), "moves in place")
    await put(drive, "a.bin", b"one")
    before = await reader.item("a.bin")
    assert before is not None
    await sees.plant("a.bin", b"another")
    with pytest.raises(Conflict):
        await cast(Moves, drive).move("a.bin", "b.bin", before.revision)
    assert [await sees.fetch("a.bin"), await sees.fetch("b.bin")] == [b"another", None]


async def test_what_is_not_there_is_not_moved(drive: Drive) -> None:
    """Told as such."""
    declared(isinstance(drive, Moves), "moves in place")
    with pytest.raises(Gone):
        await cast(Moves, drive).move("nothing.bin", "b.bin", None)


async def test_a_folder_is_moved(drive: Drive, reader: Drive, sees: Sees) -> None:
    """With all that lies in it, in the revisions that it had; the old name may be used again."""
    declared(isinstance(drive, MovesFolders), "moves of folders")
    for path in ("old/a.bin", "old/in/b.bin"):
        await put(drive, path, path.encode())
    before = [await reader.item(path) for path in ("old/a.bin", "old/in/b.bin")]
    await cast(MovesFolders, drive).move_folder("old", "above/new")
    now = [await reader.item(path) for path in ("above/new/a.bin", "above/new/in/b.bin")]
    assert [one and (one.id, one.revision) for one in now] == [one and (one.id, one.revision) for one in before]
    assert await sees.fetch("above/new/in/b.bin") == b"old/in/b.bin"
    await put(drive, "old/c.bin", b"c")
    assert await sees.fetch("old/c.bin") == b"c"
    with pytest.raises(Conflict):
        await cast(MovesFolders, drive).move_folder("old", "above/new")
