"""Second runs: what is unchanged, and what only looks so."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from haulage.engine.context import Options
from haulage.model.errors import RootGone
from haulage.model.item import Carried, Item, Page, Written
from haulage.model.outcome import Status
from haulage.services.contract import Precondition
from tests.unit.engine.drives import MemoryDrive, Reading, copy, open_ledger


class Moves(MemoryDrive):
    """A source in which the file "a" gets other bytes between the listing and the first reading."""

    then: bytes | None = b"BBB"

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Reading]:
        """See MemoryDrive."""
        if self.then is not None:
            self.files["a"], self.then = self.then, None
        async with super().open(item, start) as content:
            yield content


async def test_a_file_that_changed_meanwhile_and_back_again_is_copied_again(tmp_path: Path) -> None:
    """Where equal bytes have equal revisions, it is listed as it was listed before; copied was something else (T73)."""
    ledger, source, target = open_ledger(tmp_path), Moves("memory://source", {"a": b"AAA"}), MemoryDrive("memory://to")
    assert (await copy(ledger, source, target)).said == {"a": "verified"}
    assert target.files == {"a": b"BBB"}
    source.files["a"] = b"AAA"
    assert (await copy(ledger, source, target)).said == {"a": "verified"}
    assert target.files == {"a": b"AAA"}
    assert (await copy(ledger, source, target)).status == Status.NOTHING_TO_COPY


async def test_a_folder_marker_beside_a_file_of_its_name_does_not_hide_the_file(tmp_path: Path) -> None:
    """In buckets "a" and "a/" may both be there; the file is as we left it."""
    ledger, source, target = (
        open_ledger(tmp_path),
        MemoryDrive("memory://from", {"a": b"1"}),
        MemoryDrive("memory://to"),
    )
    await copy(ledger, source, target)
    target.markers.add("a")
    assert (await copy(ledger, source, target)).said == {}
    source.files["a"] = b"2"
    assert (await copy(ledger, source, target)).said == {"a": "verified"}
    assert target.files == {"a": b"2"}


async def test_an_empty_folder_that_a_file_took_the_place_of_is_not_called_unchanged(tmp_path: Path) -> None:
    """Its path is listed at the destination, but not as a folder."""
    ledger, source, target = open_ledger(tmp_path), MemoryDrive("memory://from"), MemoryDrive("memory://to")
    source.markers.add("empty")
    assert (await copy(ledger, source, target)).said == {"empty": "verified"}
    target.markers.clear()
    target.files["empty"] = b"a file"
    assert (await copy(ledger, source, target)).said == {"empty": "verified"}
    assert target.markers == {"empty"}


class Hides(MemoryDrive):
    """A destination whose listing may lack everything, or that may not be there at all."""

    lacks = False
    away = False

    async def tree(self, cursor: str | None) -> Page:
        """See MemoryDrive."""
        if self.away:
            raise RootGone("not mounted")
        page = await super().tree(cursor)
        return Page([], None, False, "busy") if self.lacks else page


async def test_what_an_incomplete_listing_lacks_is_updated_and_not_kept_twice(tmp_path: Path) -> None:
    """It is still the revision that we left there (I12)."""
    ledger, source, target = open_ledger(tmp_path), MemoryDrive("memory://from", {"a": b"1"}), Hides("memory://to")
    await copy(ledger, source, target)
    source.files["a"], target.lacks = b"2", True
    ran = await copy(ledger, source, target)
    assert (ran.said, ran.status) == ({"a": "verified"}, Status.LISTING_INCOMPLETE)
    assert target.files == {"a": b"2"}


async def test_what_an_incomplete_listing_lacks_and_is_gone_is_written_anew(tmp_path: Path) -> None:
    """Nothing is there that could be updated."""
    ledger, source, target = open_ledger(tmp_path), MemoryDrive("memory://from", {"a": b"1"}), Hides("memory://to")
    await copy(ledger, source, target)
    source.files["a"], target.lacks = b"2", True
    target.files.clear()
    assert (await copy(ledger, source, target)).said == {"a": "verified"}
    assert target.files == {"a": b"2"}


async def test_a_dry_run_forgets_nothing_of_a_destination_that_is_away(tmp_path: Path) -> None:
    """A share that is not mounted: the copy after it updates what is there."""
    ledger, source, target = open_ledger(tmp_path), MemoryDrive("memory://from", {"a": b"1"}), Hides("memory://to")
    await copy(ledger, source, target)
    source.files["a"], target.away = b"2", True
    await copy(ledger, source, target, Options(plan_only=True))
    target.away = False
    assert (await copy(ledger, source, target)).said == {"a": "verified"}
    assert target.files == {"a": b"2"}


class Spoils(MemoryDrive):
    """A destination that stores other bytes than it was sent, and says so by their hash."""

    spoils = True

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See MemoryDrive."""
        written = await super().put(path, body, carried, digests, condition)
        if self.spoils:
            self.files[path] = b"X" + self.files[path][1:]
            written = self.written(path)
        return written


async def test_what_was_stored_wrongly_is_replaced_by_the_next_run(tmp_path: Path) -> None:
    """It is ours: it is neither kept beside the right one, nor called unchanged when the source goes back (F16)."""
    ledger, source, target = open_ledger(tmp_path), MemoryDrive("memory://from", {"a": b"1"}), Spoils("memory://to")
    assert (await copy(ledger, source, target)).said == {"a": "hash"}
    target.spoils = False
    assert (await copy(ledger, source, target)).said == {"a": "verified"}
    assert target.files == {"a": b"1"}
    source.files["a"], target.spoils = b"2", True
    assert (await copy(ledger, source, target)).said == {"a": "hash"}
    source.files["a"], target.spoils = b"1", False
    assert (await copy(ledger, source, target)).said == {"a": "verified"}
    assert target.files == {"a": b"1"}
