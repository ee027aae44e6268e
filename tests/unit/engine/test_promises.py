"""The read-only part of the contract: a drive that breaks a promise is told, whichever it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from haulage.engine.promises import promises
from haulage.model.errors import AuthLost, Denied
from haulage.model.item import Item, Page
from haulage.services.local.drive import LocalDrive
from tests.unit.engine.sides import write


class Told:
    """A real drive, whose answers a test changes on their way."""

    def __init__(self, folder: Path) -> None:
        write(folder, {"a.bin": b"0123456789" * 100, "b/c.bin": b"c", "b/d.bin": b"dd"})
        self.drive = LocalDrive(str(folder))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.drive, name)

    async def page(self, folder: str, cursor: str | None) -> Page:
        return await self.drive.page(folder, cursor)


class Twice(Told):
    async def page(self, folder: str, cursor: str | None) -> Page:
        page = await self.drive.page(folder, cursor)
        return Page(page.items + page.items[:1])


class Elsewhere(Told):
    async def page(self, folder: str, cursor: str | None) -> Page:
        return await self.drive.page("b", cursor) if not folder else await self.drive.page(folder, cursor)


class Circling(Told):
    async def page(self, folder: str, cursor: str | None) -> Page:
        return Page([], "again")


class Endless(Told):
    asked = 0

    async def page(self, folder: str, cursor: str | None) -> Page:
        self.asked += 1
        return Page([], str(self.asked))


class Short(Told):
    async def page(self, folder: str, cursor: str | None) -> Page:
        return Page([], None, False, "a server was asleep")


class Empty(Told):
    """As if nothing were there: what is missing looks like an empty folder."""

    async def page(self, folder: str, cursor: str | None) -> Page:
        return await self.drive.page(folder, cursor) if "haulage-" not in folder else Page([])


class Liar(Told):
    """Everything is there, and one byte larger."""

    async def item(self, path: str) -> Item | None:
        found = await self.drive.item(path)
        return None if found is None else msgspec.structs.replace(found, size=(found.size or 0) + 1)


class Forgetful(Told):
    async def item(self, path: str) -> Item | None:
        return None


class Shifted(Told):
    """Reading on begins a byte too early."""

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Any]:
        async with self.drive.open(item, max(0, start - 1)) as content:
            yield content


class Wrong(Told):
    """A hash that the content does not have."""

    async def page(self, folder: str, cursor: str | None) -> Page:
        page = await self.drive.page(folder, cursor)
        return Page([msgspec.structs.replace(one, hashes={"md5": "0" * 32}) for one in page.items], page.cursor)

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Any]:
        async with self.drive.open(item, start) as content:
            content.item = item
            yield content


class Closed(Told):
    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Any]:
        raise Denied("may not be read")
        yield


@pytest.mark.parametrize(
    ("kind", "broken", "words"),
    [
        (Twice, 0, "listed twice"),
        (Elsewhere, 0, "lies elsewhere"),
        (Circling, 0, "in a circle"),
        (Endless, 0, "in a circle"),
        (Short, 0, "a server was asleep"),
        (Liar, 2, "told otherwise"),
        (Forgetful, 2, "is not there when it is asked for"),
        (Empty, 3, "folder that is not there is listed"),
        (Wrong, 4, "promised md5"),
        (Closed, 4, "may not be read"),
        (Shifted, 5, "other bytes at byte"),
    ],
)
async def test_a_broken_promise_is_told(tmp_path: Path, kind: type[Told], broken: int, words: str) -> None:
    tried = await promises(kind(tmp_path))
    assert (tried[broken].state, words in tried[broken].told) == ("broken", True), tried


async def test_what_ends_everything_is_raised(tmp_path: Path) -> None:
    drive = Told(tmp_path)

    async def refused(folder: str, cursor: str | None) -> Page:
        raise AuthLost("no more")

    drive.page = refused  # type: ignore[method-assign] # one call of this drive goes wrong
    with pytest.raises(AuthLost):
        await promises(drive)


async def test_people_who_work_meanwhile_are_no_failure(tmp_path: Path) -> None:
    """A file that is written between two listings is another revision, not a broken promise."""
    drive, calls = Told(tmp_path), 0
    listing = drive.drive.page

    async def meanwhile(folder: str, cursor: str | None) -> Page:
        nonlocal calls
        calls += 1
        (tmp_path / "a.bin").write_bytes(b"x" * calls)
        return await listing(folder, cursor)

    drive.page = meanwhile  # type: ignore[method-assign] # likewise
    states = [one.state for one in await promises(drive)]
    assert "broken" not in states
    assert states[1] == "not tried"
