"""Copies that a service makes by itself, from one drive to another: only of drives that have them."""

import asyncio
from typing import Any, cast

import pytest

from haulage.model.errors import Conflict, Gone, SessionGone
from haulage.model.item import Carried, Item, Written
from haulage.services.contract import CopiesWithin, Drive

from .conftest import Sees, declared
from .kit import body_of, put

NOON_US = 1_600_000_000_000_000
MEANT: dict[str, Any] = {"path": "deep/er/b.bin", "attempt": "a77e", "copy": True}


async def source_of(drive: Drive, body: bytes) -> Item:
    """A file to be copied."""
    await put(drive, "a.bin", body, Carried(modified_us=NOON_US))
    item = await drive.item("a.bin")
    assert item is not None
    return item


async def made(drive: CopiesWithin, state: dict[str, Any]) -> Written:
    """What the service made."""
    for _ in range(100):
        if (told := await drive.copied(state)) is not None:
            return told
        await asyncio.sleep(0.05)
    raise AssertionError("the service does not end the copy")


async def test_a_copy_gets_its_place_at_the_end(drive: Drive, reader: Drive, sees: Sees) -> None:
    """Nothing is at the path before; then the whole file with its times, and nothing beside it."""
    declared(isinstance(drive, CopiesWithin), "copies within the service")
    copier, body = cast(CopiesWithin, drive), body_of(70_000)
    item = await source_of(drive, body)
    assert copier.copies_from(reader)
    state = await copier.begin_copy(reader, item, MEANT["path"], MEANT["attempt"])
    told = await made(copier, state)
    assert (told.size, told.hashes) == (item.size, item.hashes)
    assert await sees.fetch(MEANT["path"]) is None
    written = await copier.place(state, told, Carried(item.modified_us, item.created_us))
    now = await reader.item(MEANT["path"])
    assert now is not None
    assert (written.revision, written.hashes, written.size) == (now.revision, item.hashes, item.size)
    assert (now.modified_us, now.id) == (item.modified_us, told.id)
    assert await sees.fetch(MEANT["path"]) == body
    assert await sees.leftovers({"a.bin", MEANT["path"]}) == []
    assert (await copier.place(state, told, Carried())).id == told.id  # as when the answer was lost


async def test_a_copy_of_which_nobody_heard(drive: Drive, reader: Drive) -> None:
    """It is found by its attempt; one that was never asked for is told as such."""
    declared(isinstance(drive, CopiesWithin), "copies within the service")
    copier = cast(CopiesWithin, drive)
    item = await source_of(drive, b"abc")
    with pytest.raises(SessionGone):
        await copier.copied(dict(MEANT))
    await made(copier, await copier.begin_copy(reader, item, MEANT["path"], MEANT["attempt"]))
    told = await copier.copied(dict(MEANT))
    assert told is not None and told.hashes == item.hashes


async def test_a_copy_is_taken_away(drive: Drive, reader: Drive, sees: Sees) -> None:
    """By its attempt alone; what lies at its path is not touched, and neither is it by a copy that comes too late."""
    declared(isinstance(drive, CopiesWithin), "copies within the service")
    copier = cast(CopiesWithin, drive)
    item = await source_of(drive, b"abc")
    state = await copier.begin_copy(reader, item, MEANT["path"], MEANT["attempt"])
    told = await made(copier, state)
    await sees.plant(MEANT["path"], b"another's")
    with pytest.raises(Conflict):
        await copier.place(state, told, Carried())
    await drive.abort(dict(MEANT))
    await drive.abort(state)
    assert await sees.leftovers({"a.bin", MEANT["path"]}) == []
    assert await sees.fetch(MEANT["path"]) == b"another's"
    with pytest.raises(Gone):
        await copier.place(state, told, Carried())
