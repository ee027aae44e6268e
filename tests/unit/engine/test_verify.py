"""Verification: every kind of damage is found by what can find it, and nothing is said that was not checked."""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from haulage.engine import verify as verify_module
from haulage.engine.context import Options
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.model.errors import Changed, Denied, Gone, HaulageError, LeaseLost, Transient
from haulage.model.filters import Filters
from haulage.model.item import Item, Page
from haulage.model.naming import NameRules
from haulage.model.outcome import Status
from haulage.services.local.drive import LocalDrive

from .sides import Sides, rot, write

MIB = 1024 * 1024
FILES: dict[str, bytes | None] = {
    "a.txt": b"first",
    "b.txt": b"other",
    "empty": b"",
    "empty folder": None,
    "sub/deep/x": os.urandom(5000),
    "sub/large": os.urandom(3 * MIB + 7),
    "sub/Grüße 日本.txt": b"x" * 1000,
}
ITEMS = 9
"""Of FILES, with the folders that they lie in."""


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    """Both folders, the source filled."""
    two = Sides(tmp_path)
    two.fill(FILES)
    return two


class Bent(LocalDrive):
    """A drive that lies or fails where it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.asked: Counter[str] = Counter()
        self.hashes: dict[str, dict[str, str]] = {}
        self.listing_hashes: dict[str, dict[str, str]] = {}
        self.refused: dict[str, HaulageError] = {}
        self.unreadable: dict[str, list[HaulageError]] = {}
        self.hidden: set[str] = set()
        self.twice = False
        self.lacking: str | None = None

    async def page(self, folder: str, cursor: str | None) -> Page:
        if folder in self.refused:
            raise self.refused[folder]
        page = await super().page(folder, cursor)
        items = [
            msgspec.structs.replace(item, hashes=self.listing_hashes.get(item.path, item.hashes))
            for item in page.items
            if item.path not in self.hidden
        ]
        items = items * 2 if self.twice else items
        return Page(items, page.cursor, self.lacking is None, self.lacking)

    async def item(self, path: str) -> Item | None:
        self.asked[path] += 1
        found = await super().item(path)
        return None if found is None else msgspec.structs.replace(found, hashes=self.hashes.get(path, found.hashes))

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Any]:  # type: ignore[override] # a wrapper
        if self.unreadable.get(item.path):
            raise self.unreadable[item.path].pop(0)
        async with super().open(item, start) as content:
            yield content


async def test_after_a_copy_everything_is_verified_and_nothing_is_read(sides: Sides) -> None:
    """What was proven when it was copied and is unchanged needs no bytes."""
    await sides.copy()
    ran = await sides.verify()
    assert ran.status == Status.SUCCESS
    assert ran.counts["listed"] == ran.counts["successful"] == len(ran.outcomes) == ITEMS
    assert (ran.counts["weak"], ran.counts["extra"], ran.counts["read_bytes"]) == (0, 0, 0)
    body = FILES["sub/large"] or b""
    evidence = ran.of("sub/large").evidence
    assert evidence["proof"] == "proven when copied, unchanged on both sides since"
    assert evidence["sha256_when_copied"] == hashlib.sha256(body).hexdigest()
    assert sides.found() == 0


async def test_deep_reads_both_sides(sides: Sides) -> None:
    """Every byte of both sides, and the hash that it has is kept."""
    await sides.copy()
    ran = await sides.verify(deep=True)
    assert ran.status == Status.SUCCESS
    total = sum(len(body or b"") for body in FILES.values())
    assert ran.counts["read_bytes"] == 2 * total
    for path, body in FILES.items():
        if body:
            evidence = ran.of(path).evidence
            assert evidence["proof"] == "both sides read, sha256"
            assert evidence["sha256"] == evidence["sha256_when_copied"] == hashlib.sha256(body).hexdigest()
    assert ran.of("empty").evidence["proof"] == "empty"


async def test_without_a_copy_only_the_size_is_known(sides: Sides, tmp_path: Path) -> None:
    """Two folders of unknown history: equal sizes are called just that, until they are read."""
    write(sides.target, FILES)
    ran = await sides.verify()
    assert ran.status == Status.SUCCESS
    assert ran.counts["weak"] == 5
    assert ran.of("a.txt").outcome == "verified_weak"
    assert ran.of("a.txt").code == "size_only"
    assert "--deep" in (ran.of("a.txt").fix or "")
    assert ran.of("empty").outcome == ran.of("sub").outcome == "verified"
    deep = await sides.verify(deep=True)
    assert (deep.status, deep.counts["weak"], deep.counts["successful"]) == (Status.SUCCESS, 0, ITEMS)


@pytest.mark.parametrize("at", [0, MIB - 1, MIB, 3 * MIB + 6], ids=["first", "chunk end", "chunk start", "last"])
async def test_a_flipped_bit_is_found_by_reading(sides: Sides, at: int) -> None:
    """Bit rot keeps size and time: without --deep nothing tells of it, and with it every byte does."""
    await sides.copy()
    rot(sides.target / "sub/large", at)
    assert (await sides.verify()).status == Status.SUCCESS
    ran = await sides.verify(deep=True)
    assert ran.status == Status.SOME_UPLOAD_ERRORS
    outcome = ran.of("sub/large")
    assert (outcome.outcome, outcome.code, outcome.side) == ("failed", "hash", "destination")
    assert "the source still has those that were copied" in (outcome.message or "")
    assert outcome.evidence["destination_sha256"] != outcome.evidence["sha256"]
    assert (ran.counts["failed"], ran.counts["successful"]) == (1, ITEMS - 1)


async def test_a_bit_flipped_at_the_source_is_told_apart(sides: Sides) -> None:
    """The hash of when it was copied tells which side has changed."""
    await sides.copy()
    rot(sides.source / "sub/large", 100)
    outcome = (await sides.verify(deep=True)).of("sub/large")
    assert outcome.code == "hash"
    assert "the destination still has those that were copied" in (outcome.message or "")


async def test_a_missing_file_and_folder(sides: Sides) -> None:
    """Gone at the destination."""
    await sides.copy()
    (sides.target / "a.txt").unlink()
    (sides.target / "empty folder").rmdir()
    ran = await sides.verify()
    assert ran.status == Status.SOME_UPLOAD_ERRORS
    assert {path for path, said in ran.said.items() if said == "missing"} == {"a.txt", "empty folder"}
    assert ran.of("a.txt").fix == "Run haulage copy with the same locations and filters."
    await sides.copy()
    assert (await sides.verify()).status == Status.SUCCESS


async def test_what_was_never_copied_is_missing(sides: Sides) -> None:
    """And no call is wasted on it."""
    target = Bent(sides.target)
    ran = await sides.verify(target=target)
    assert set(ran.said.values()) == {"missing"}
    assert len(ran.outcomes) == ITEMS
    assert not target.asked


async def test_a_truncated_file(sides: Sides) -> None:
    """Another size is seen in the listing."""
    await sides.copy()
    os.truncate(sides.target / "sub/large", 3 * MIB)
    outcome = (await sides.verify()).of("sub/large")
    assert (outcome.code, outcome.side) == ("size", "destination")
    assert "changed at the destination since it was copied" in (outcome.message or "")
    assert "remove the other at the destination" in (outcome.fix or "")


async def test_an_emptied_file(sides: Sides) -> None:
    """An empty file at the destination is never taken for one with content, and the other way round."""
    await sides.copy()
    (sides.target / "a.txt").write_bytes(b"")
    (sides.target / "empty").write_bytes(b"x")
    said = (await sides.verify()).said
    assert (said["a.txt"], said["empty"]) == ("size", "size")


async def test_swapped_files_are_found_without_deep(sides: Sides) -> None:
    """Two files of one size changed places: both have another revision now, so both are read."""
    await sides.copy()
    first, second = sides.target / "a.txt", sides.target / "b.txt"
    first.rename(sides.target / "aside")
    second.rename(first)
    (sides.target / "aside").rename(second)
    ran = await sides.verify()
    assert (ran.said["a.txt"], ran.said["b.txt"]) == ("hash", "hash")
    assert ran.counts["read_bytes"] == 4 * len(b"first")


async def test_a_rewritten_file_with_the_same_bytes_is_read_and_verified(sides: Sides) -> None:
    """Another revision is a reason to look, not a failure."""
    await sides.copy()
    (sides.target / "a.txt").unlink()
    (sides.target / "a.txt").write_bytes(b"first")
    outcome = (await sides.verify()).of("a.txt")
    assert (outcome.outcome, outcome.evidence["proof"]) == ("verified", "both sides read, sha256")


async def test_a_newer_version_at_the_source(sides: Sides) -> None:
    """Of the same size or another: it has to be copied, and that is what is said."""
    await sides.copy()
    (sides.source / "a.txt").write_bytes(b"First")
    (sides.source / "b.txt").write_bytes(b"longer than before")
    ran = await sides.verify()
    assert (ran.said["a.txt"], ran.said["b.txt"]) == ("hash", "size")
    for path in ("a.txt", "b.txt"):
        assert "changed at the source since it was copied" in (ran.of(path).message or "")
        assert "newer version" in (ran.of(path).fix or "")


async def test_extra_items_are_listed_and_are_no_failure(sides: Sides) -> None:
    """They have outcomes of their own, outside of the sum."""
    await sides.copy()
    write(sides.target, {"more/extra.bin": b"123", "sub/deep/extra": b"4567"})
    ran = await sides.verify()
    assert ran.status == Status.SUCCESS
    extras = {one.path: one for one in ran.outcomes if not one.listed}
    assert set(extras) == {"more", "more/extra.bin", "sub/deep/extra"}
    assert {one.code for one in extras.values()} == {"extra_at_destination"}
    assert (ran.counts["extra"], ran.counts["extra_bytes"], ran.counts["listed"]) == (3, 7, ITEMS)
    assert ran.counts["skipped"] == 0


async def test_a_folder_where_a_file_should_be(sides: Sides) -> None:
    """And the other way round: what is there instead is an extra item besides."""
    await sides.copy()
    (sides.target / "a.txt").unlink()
    (sides.target / "a.txt").mkdir()
    (sides.target / "empty folder").rmdir()
    (sides.target / "empty folder").symlink_to("b.txt")
    ran = await sides.verify()
    failed = {one.path: one.code for one in ran.outcomes if one.outcome == "failed"}
    assert failed == {"a.txt": "kind", "empty folder": "kind"}
    assert {one.path for one in ran.outcomes if not one.listed} == {"a.txt", "empty folder"}


async def test_a_symlink_where_a_file_should_be(sides: Sides) -> None:
    """What it leads to may have the right bytes: it is not the file."""
    await sides.copy()
    (sides.target / "a.txt").unlink()
    (sides.target / "a.txt").symlink_to(sides.source / "a.txt")
    ran = await sides.verify(deep=True)
    assert ran.of("a.txt").code == "kind"


async def test_filters_leave_out_and_are_told(sides: Sides) -> None:
    """What is left out is skipped on the source's side, and not an extra item at the destination."""
    await sides.copy()
    ran = await sides.verify(options=Options(Filters(exclude=("sub", "a.txt"))))
    assert ran.status == Status.SUCCESS
    assert {path for path, said in ran.said.items() if said == "filter"} == {
        "a.txt",
        "sub",
        "sub/deep",
        "sub/deep/x",
        "sub/large",
        "sub/Grüße 日本.txt",
    }
    assert (ran.counts["skipped"], ran.counts["extra"]) == (6, 0)


async def test_what_cannot_be_copied_is_unsupported(sides: Sides) -> None:
    """A symlink at the source."""
    (sides.source / "link").symlink_to("a.txt")
    await sides.copy()
    ran = await sides.verify()
    assert ran.status == Status.UNSUPPORTED_ITEMS
    assert (ran.of("link").code, ran.of("link").message) == ("not_a_file", "symlink to a.txt")


async def test_names_that_were_fitted_are_found_through_the_ledger(sides: Sides) -> None:
    """The ledger knows what an item is called at the destination."""
    write(sides.target, {"a.txt": b"of somebody else"})
    await sides.copy()
    ran = await sides.verify()
    assert ran.status == Status.SUCCESS
    mine = [one for one in ran.outcomes if one.listed and one.path == "a.txt"]
    assert [one.target for one in mine] == ["a (2).txt"]
    assert [one.path for one in ran.outcomes if not one.listed] == ["a.txt"]


async def test_hashes_in_both_listings_are_enough(sides: Sides) -> None:
    """Equal ones prove, other ones refute; nothing is asked or read."""
    write(sides.target, FILES)
    source, target = Bent(sides.source), Bent(sides.target)
    source.listing_hashes = {"a.txt": {"md5": "11", "sha1": "5"}, "b.txt": {"md5": "22"}}
    target.listing_hashes = {"a.txt": {"md5": "11"}, "b.txt": {"md5": "33", "sha256": "7"}}
    ran = await sides.verify(source=source, target=target)
    assert ran.of("a.txt").evidence["proof"] == "md5, as both sides tell it"
    assert ran.of("b.txt").code == "hash"
    assert not source.asked["a.txt"] + target.asked["a.txt"] + source.asked["b.txt"] + target.asked["b.txt"]


async def test_a_weak_hash_proves_nothing(sides: Sides) -> None:
    """One that cannot prove content and order is not taken for one that can."""
    write(sides.target, FILES)
    source, target = Bent(sides.source), Bent(sides.target)
    source.listing_hashes = target.listing_hashes = {"a.txt": {"quickxor": "11"}}
    ran = await sides.verify(source=source, target=target)
    assert ran.of("a.txt").outcome == "verified_weak"


async def test_better_hashes_are_asked_for(sides: Sides) -> None:
    """A look-up may tell more than the listing."""
    write(sides.target, FILES)
    source, target = Bent(sides.source), Bent(sides.target)
    source.hashes = {"a.txt": {"sha256": "11"}, "b.txt": {"sha256": "22"}}
    target.hashes = {"a.txt": {"sha256": "11"}, "b.txt": {"sha256": "33"}}
    ran = await sides.verify(source=source, target=target)
    assert ran.of("a.txt").evidence["proof"] == "sha256, as both sides tell it"
    assert ran.of("b.txt").code == "hash"
    assert ran.of("sub/large").outcome == "verified_weak"
    assert source.asked["sub/large"] == 0, "the destination tells no hash, so none of the source would help"


async def test_one_side_is_read_where_the_other_tells_a_hash(sides: Sides) -> None:
    """A changed file is held against the source's own hash, and the source is not read."""
    await sides.copy()
    for path in ("a.txt", "b.txt"):
        (sides.target / path).unlink()
        (sides.target / path).write_bytes(b"first")
    source = Bent(sides.source)
    source.listing_hashes = {
        path: {"md5": hashlib.md5(FILES[path] or b"", usedforsecurity=False).hexdigest()} for path in ("a.txt", "b.txt")
    }
    ran = await sides.verify(source=source)
    assert ran.of("a.txt").evidence["proof"] == "the destination read, against what the source tells, md5"
    assert ran.of("b.txt").code == "hash"
    assert ran.counts["read_bytes"] == 10


async def test_an_item_proven_by_size_only_stays_so(sides: Sides) -> None:
    """A copy that could only compare sizes is no proof later on."""
    await sides.copy()
    with sides.ledger.transaction() as connection:
        connection.exec_driver_sql("UPDATE outcomes SET outcome = 'verified_weak' WHERE path = 'a.txt'")
    ran = await sides.verify()
    assert (ran.of("a.txt").outcome, ran.of("b.txt").outcome) == ("verified_weak", "verified")


async def test_an_item_without_a_recorded_proof_is_not_verified_by_its_revision(sides: Sides) -> None:
    """The log of the run that copied it is gone: then nothing proves it."""
    await sides.copy()
    with sides.ledger.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM outcomes")
    ran = await sides.verify()
    assert ran.of("a.txt").outcome == "verified_weak"


async def test_an_item_listed_twice_counts_once(sides: Sides) -> None:
    """A listing that repeats itself adds no outcomes."""
    await sides.copy()
    source = Bent(sides.source)
    source.twice = True
    ran = await sides.verify(source=source)
    assert (ran.counts["listed"], len(ran.outcomes), ran.status) == (ITEMS, ITEMS, Status.SUCCESS)


async def test_an_incomplete_source(sides: Sides) -> None:
    """Nothing follows from what it lacks: no item of the destination is called extra."""
    await sides.copy()
    source = Bent(sides.source)
    source.hidden, source.lacking = {"a.txt"}, "the service said so"
    ran = await sides.verify(source=source)
    assert ran.status == Status.LISTING_INCOMPLETE
    assert ran.counts["extra"] == 0
    assert "source: the service said so" in ran.counts["incomplete"]


async def test_an_incomplete_destination(sides: Sides) -> None:
    """What its listing lacks is asked for, and found."""
    await sides.copy()
    target = Bent(sides.target)
    target.hidden, target.lacking = {"a.txt", "empty folder"}, "the service said so"
    ran = await sides.verify(target=target)
    assert ran.status == Status.LISTING_INCOMPLETE
    assert (ran.said["a.txt"], ran.said["empty folder"]) == ("verified", "not_listed")


async def test_a_file_that_the_listing_forgot_is_asked_for(sides: Sides) -> None:
    """A copied file is missing only if a look-up of its own says so too."""
    await sides.copy()
    target = Bent(sides.target)
    target.hidden = {"a.txt"}
    assert (await sides.verify(target=target)).said["a.txt"] == "verified"


@pytest.mark.parametrize(("error", "outcome"), [(Denied("no"), "failed"), (Gone("went"), "gone_at_source")])
async def test_a_source_folder_that_cannot_be_listed(sides: Sides, error: HaulageError, outcome: str) -> None:
    """The folder has that outcome, although its parent showed it; what is in it is not called extra."""
    await sides.copy()
    source = Bent(sides.source)
    source.refused = {"sub/deep": error}
    ran = await sides.verify(source=source)
    assert ran.status == Status.LISTING_INCOMPLETE
    assert (ran.of("sub/deep").outcome, ran.of("sub/deep").code, ran.counts["extra"]) == (outcome, error.code, 0)
    assert ran.counts["listed"] == ITEMS - 1 == len(ran.outcomes)


async def test_a_passing_failure_is_tried_again(sides: Sides) -> None:
    """Twice broken, and verified the third time."""
    await sides.copy()
    target = Bent(sides.target)
    target.unreadable = {"a.txt": [Transient("cut"), Transient("cut")], "b.txt": [Transient("cut")] * 3}
    ran = await sides.verify(target=target, deep=True)
    assert (ran.of("a.txt").outcome, ran.of("b.txt").outcome) == ("verified", "failed")
    assert (ran.of("b.txt").code, ran.of("b.txt").side) == ("transient", "destination")
    assert ran.status == Status.SOME_UPLOAD_ERRORS


async def test_what_cannot_be_read_at_the_source(sides: Sides) -> None:
    """It is said at which end, and the run goes on."""
    await sides.copy()
    source = Bent(sides.source)
    source.unreadable = {"a.txt": [Denied("locked")]}
    ran = await sides.verify(source=source, deep=True)
    assert (ran.of("a.txt").code, ran.of("a.txt").side) == ("permission", "source")
    assert (ran.status, ran.counts["successful"]) == (Status.SOME_DOWNLOAD_ERRORS, ITEMS - 1)


async def test_removed_while_the_run_goes_on(sides: Sides) -> None:
    """Gone at the source is no failure; gone at the destination is one."""
    await sides.copy()

    class Vanishing(Bent):
        async def item(self, path: str) -> Item | None:
            return None

    source, target = Vanishing(sides.source), Vanishing(sides.target)
    source.unreadable = {"a.txt": [Gone("went")]}
    assert (await sides.verify(source=source, deep=True)).said["a.txt"] == "gone"
    target.unreadable = {"b.txt": [Gone("went")]}
    assert (await sides.verify(target=target, deep=True)).said["b.txt"] == "missing"


async def test_what_keeps_changing_is_told(sides: Sides) -> None:
    """Three times another revision: then it is said at which end it changes."""
    await sides.copy()
    source, target = Bent(sides.source), Bent(sides.target)
    source.unreadable = {"a.txt": [Changed("again") for _ in range(3)]}
    target.unreadable = {"b.txt": [Changed("again") for _ in range(3)], "sub/large": [Changed("once")]}
    ran = await sides.verify(source=source, target=target, deep=True)
    assert (ran.of("a.txt").outcome, ran.of("a.txt").code) == ("changed_at_source", "changed_at_source")
    assert (ran.of("b.txt").outcome, ran.of("b.txt").code) == ("failed", "changed_at_destination")
    assert ran.of("sub/large").outcome == "verified"
    assert ran.status == Status.SOME_ERRORS_BOTH


async def test_two_items_never_share_one_at_the_destination(sides: Sides) -> None:
    """Without a copy nobody knows which of the two names was fitted: the second is missing, not verified."""
    files: dict[str, bytes | None] = {"x:y": b"same", "x_y": b"same"}
    sides.fill(files)
    write(sides.target, {**FILES, "x_y": b"same"})
    target = Bent(sides.target)
    target.traits = msgspec.structs.replace(target.traits, names=NameRules(forbidden=":"))
    ran = await sides.verify(target=target, deep=True)
    assert (ran.said["x:y"], ran.said["x_y"], ran.counts["extra"]) == ("verified", "missing", 0)
    target.lacking = "so"
    assert (await sides.verify(target=target, deep=True)).said["x_y"] == "missing"


async def test_a_name_that_cannot_be_fitted(sides: Sides) -> None:
    """It is not at the destination, and never can be."""
    write(sides.target, {"a.txt": b"first"})
    target = Bent(sides.target)
    target.traits = msgspec.structs.replace(target.traits, names=NameRules(longest_part=5))
    ran = await sides.verify(target=target)
    assert (ran.said["empty folder"], ran.said["a.txt"]) == ("name_refused", "size_only")


async def test_a_lease_that_was_lost_ends_it(sides: Sides) -> None:
    """Another process took the run over: nothing more is recorded by this one."""
    await sides.copy()

    class Slow(Bent):
        async def page(self, folder: str, cursor: str | None) -> Page:
            if folder == "sub/deep":
                with sides.ledger.transaction() as connection:
                    connection.exec_driver_sql("UPDATE runs SET ended_us = 1 WHERE ended_us IS NULL")
            return await super().page(folder, cursor)

    with pytest.raises(LeaseLost):
        await sides.verify(source=Slow(sides.source))


async def test_a_run_that_is_cancelled_keeps_what_it_found(sides: Sides) -> None:
    """Ctrl-C: the run has an end, and the outcomes up to it."""
    await sides.copy()
    reached = asyncio.Event()

    class Stuck(Bent):
        async def page(self, folder: str, cursor: str | None) -> Page:
            if folder == "sub":
                reached.set()
                await asyncio.Event().wait()
            return await super().page(folder, cursor)

    task = asyncio.ensure_future(sides.verify(source=Stuck(sides.source)))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (run,) = sides.ledger.read(run_rows.newest, 1)
    assert (run.status, run.ended_us is not None) == (Status.CANCELED, True)
    kept = sides.ledger.read(lambda connection: list(work.outcome_rows(connection, run.id)))
    assert {one.path for one in kept} == {"a.txt", "b.txt", "empty", "empty folder", "sub"}
    assert sides.found() == 0


async def test_many_pages(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    """More items than a page holds, on both sides, with extras and failures in between."""
    monkeypatch.setattr(verify_module, "FLUSH_ITEMS", 7)
    files: dict[str, bytes | None] = {f"many/{number:05}": b"%d" % number for number in range(2300)}
    sides.fill(files)
    await sides.copy()
    for number in range(0, 2300, 100):
        (sides.target / f"many/{number:05}").unlink()
        (sides.target / f"many/x{number:05}").write_bytes(b"extra")
    ran = await sides.verify()
    assert ran.counts["listed"] == ITEMS + 2301
    assert (ran.counts["failed"], ran.counts["extra"]) == (23, 23)
    assert len(ran.outcomes) == ITEMS + 2301 + 23


async def test_nothing_is_written(sides: Sides) -> None:
    """Neither side is touched, not even the times of folders."""
    await sides.copy()

    def state() -> list[tuple[str, int, int, int]]:
        places = [*sides.source.rglob("*"), *sides.target.rglob("*"), sides.source, sides.target]
        return sorted((str(place), (s := place.stat()).st_mtime_ns, s.st_ctime_ns, s.st_size) for place in places)

    (sides.target / "a.txt").unlink()
    before = state()
    await sides.verify()
    await sides.verify(deep=True)
    assert state() == before
