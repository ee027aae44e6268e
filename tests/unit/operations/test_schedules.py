"""A slot of a schedule is started once, and is not lost where the process ends in the middle of starting it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from haulage.ledger import schedules as rows
from haulage.ledger.audit import Actor
from haulage.ledger.schedules import ScheduleRow
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.model.filters import Filters
from haulage.model.person import Person, Role
from haulage.model.schedule import Every, Timing
from haulage.operations import people, schedules

TEST = Actor("test", "test")
MONTHLY = Timing(Every.MONTH, hour=3, day=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty one."""
    made = Ledger.open(tmp_path / "ledger.db")
    yield made
    made.close()


@pytest.fixture
def due(ledger: Ledger) -> ScheduleRow:
    """A schedule of somebody's; its next slot is the time that the tests look at."""
    person: Person
    person, _ = people.invite(ledger, "ada", Role.OPERATOR, TEST)
    return schedules.add(ledger, person, "a:/", "b:/", Filters(), MONTHLY, TEST)


async def test_a_slot_is_started_once(ledger: Ledger, due: ScheduleRow) -> None:
    started: list[int] = []

    async def start(row: ScheduleRow) -> None:
        started.append(row.id)
        assert await schedules.start_due(ledger, start, due.next_us) == 0  # another process looks meanwhile

    assert await schedules.start_due(ledger, start, due.next_us) == 1
    assert await schedules.start_due(ledger, start, due.next_us) == 0
    now = ledger.read(rows.get, due.id)
    assert started == [due.id]
    assert now.next_us == schedules.next_us(MONTHLY, due.next_us)
    assert now.last_us is not None


async def test_a_slot_whose_start_was_cut_short_is_due_again(ledger: Ledger, due: ScheduleRow) -> None:
    """A kill while both sides are asked, which may take minutes: not a month without a run."""

    async def never(row: ScheduleRow) -> None:
        await asyncio.Event().wait()

    cut = asyncio.create_task(schedules.start_due(ledger, never, due.next_us))
    await asyncio.sleep(0.2)
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    started: list[int] = []

    async def start(row: ScheduleRow) -> None:
        started.append(row.id)

    assert await schedules.start_due(ledger, start, due.next_us + 1) == 0  # it may still be at it
    assert await schedules.start_due(ledger, start, due.next_us + schedules.STARTING_US) == 1
    assert started == [due.id]


@pytest.mark.parametrize("error", [Refused("no place", "Choose one."), RuntimeError("a bug")])
async def test_what_cannot_be_started_says_so_and_waits_for_its_next_slot(
    ledger: Ledger, due: ScheduleRow, error: Exception
) -> None:
    async def start(row: ScheduleRow) -> None:
        raise error

    assert await schedules.start_due(ledger, start, due.next_us) == 0
    now = ledger.read(rows.get, due.id)
    assert now.next_us == schedules.next_us(MONTHLY, due.next_us)
    assert now.told in ("no place. Choose one.", "something unexpected happened; the server's log tells more")


async def test_times_that_a_person_gives_meanwhile_hold(ledger: Ledger, due: ScheduleRow) -> None:
    async def start(row: ScheduleRow) -> None:
        await asyncio.to_thread(schedules.change, ledger, row, Timing(Every.DAY, hour=4), None, TEST)

    assert await schedules.start_due(ledger, start, due.next_us) == 1
    assert ledger.read(rows.get, due.id).timing.every is Every.DAY
    assert ledger.read(rows.get, due.id).next_us < due.next_us
