"""Runs that were stopped, and what the next ones make of it."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from haulage.engine.context import Options
from haulage.ledger import runs as run_rows
from haulage.model.errors import AuthLost
from haulage.model.item import Page
from haulage.model.outcome import Status
from tests.unit.engine.drives import MemoryDrive, copy, open_ledger


class Closable(MemoryDrive):
    """It refuses every write once it is closed to us."""

    closed = True

    async def put(self, *arguments: object, **named: object) -> object:  # type: ignore[override] # handed on as it is
        """See MemoryDrive."""
        if self.closed:
            raise AuthLost("the key was withdrawn")
        return await super().put(*arguments, **named)  # type: ignore[arg-type] # likewise


def numbered(text: str, count: int = 1500) -> dict[str, bytes]:
    """Many small files."""
    return {f"f{number:04}": f"{text} {number}".encode() for number in range(count)}


async def test_what_a_stopped_run_had_planned_never_gets_into_another_transfer(tmp_path: Path) -> None:
    """Unit numbers are used again: the planned items of a run that was stopped must not be found under one (I4, I8)."""
    ledger = open_ledger(tmp_path)
    source, closable = MemoryDrive("memory://source", numbered("one"), 100), Closable("memory://target")
    assert (await copy(ledger, source, closable)).status == Status.AUTHORISATION_FAILED
    other, other_target = MemoryDrive("memory://other", numbered("two"), 100), MemoryDrive("memory://other-target")
    assert (await copy(ledger, other, other_target)).status == Status.SUCCESS
    assert other_target.files == other.files
    closable.closed = False
    assert (await copy(ledger, source, closable)).status == Status.SUCCESS
    assert closable.files == source.files


class Slow(MemoryDrive):
    """A source that takes its time to list, and may leave out its first items and say so."""

    lacks = 0

    async def tree(self, cursor: str | None) -> Page:
        """See MemoryDrive."""
        await asyncio.sleep(0.03)
        page = await super().tree(cursor)
        if not self.lacks or cursor is not None:
            return page
        return msgspec.structs.replace(page, items=page.items[self.lacks :], complete=False, why_incomplete="busy")


async def test_what_an_earlier_run_listed_is_planned_only_when_it_is_listed_again(tmp_path: Path) -> None:
    """A dry run, or one that was killed, leaves items to decide on; some of them may be gone since (I1)."""
    ledger, target = open_ledger(tmp_path), MemoryDrive("memory://target")
    source = Slow("memory://source", numbered("one", 40), 10)
    await copy(ledger, source, target, Options(plan_only=True))
    for number in range(0, 40, 4):
        del source.files[f"f{number:04}"]
    ran = await copy(ledger, source, target)
    assert (ran.status, set(ran.said.values())) == (Status.SUCCESS, {"verified"})
    assert target.files == source.files


async def test_what_only_an_earlier_run_listed_is_no_part_of_an_incomplete_one(tmp_path: Path) -> None:
    """The listing says that it lacks something: the rest is copied, the sum is right, the status tells."""
    ledger, target = open_ledger(tmp_path), MemoryDrive("memory://target")
    source = Slow("memory://source", numbered("one", 40), 10)
    await copy(ledger, source, target, Options(plan_only=True))
    source.lacks = 3
    ran = await copy(ledger, source, target)
    assert (ran.status, ran.counts.listed, len(target.files)) == (Status.LISTING_INCOMPLETE, 37, 37)
    source.lacks = 0
    assert (await copy(ledger, source, target)).status == Status.SUCCESS
    assert target.files == source.files


async def test_a_run_that_is_stopped_twice_has_an_end(tmp_path: Path) -> None:
    """Paused, then canceled, or Ctrl-C by somebody in a hurry: what is written down of its end, nobody cuts short."""
    ledger = open_ledger(tmp_path)
    source, target = Slow("memory://source", numbered("one"), 10), MemoryDrive("memory://target")
    running = asyncio.create_task(copy(ledger, source, target))
    await asyncio.sleep(0.3)
    ledger.later(lambda _: time.sleep(0.5))  # whatever else is to be written is before the run's end
    for _ in range(3):
        running.cancel()
        await asyncio.sleep(0.1)
    with pytest.raises(asyncio.CancelledError):
        await running
    run = ledger.read(run_rows.newest, 1)[0]
    assert (run.status, run.ended_us is not None) == (Status.CANCELED, True)
