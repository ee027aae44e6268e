"""What starts by itself: schedules whose time has come, and runs that the end of a process cut short."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger import audit
from haulage.ledger import runs as run_rows
from haulage.ledger import schedules as schedule_rows
from haulage.ledger.schema import runs
from haulage.ledger.schema import schedules as schedule_table
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.filters import Filters
from haulage.model.outcome import Status
from haulage.model.person import Role
from haulage.model.schedule import Every, Timing
from haulage.operations import connectors, schedules, transfers
from haulage.operations.locations import Given
from haulage.operations.running import STOPPED
from tests.web.house import TEST, House, Visitor, served, words


async def until(ready: Callable[[], Any], seconds: float = 60) -> Any:
    """What it returns as soon as that is something."""
    async with asyncio.timeout(seconds):
        while not (found := ready()):  # noqa: ASYNC110 - the ledger has no event for it
            await asyncio.sleep(0.05)
    return found


def ended(ledger: Ledger, number: int) -> Any:
    """The newest run, if it has that number and has ended."""
    newest = ledger.read(run_rows.newest, 1)
    return newest[0] if newest and newest[0].id == number and newest[0].ended_us else None


def set_run(ledger: Ledger, number: int, **values: Any) -> None:
    """As another process would have left it."""

    def write(connection: Connection) -> None:
        connection.execute(update(runs).where(runs.c.id == number).values(**values))

    ledger.do(write)


async def test_a_schedule_whose_time_has_come_starts_a_run(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock stepped past it: it starts once, not for each slot that was missed; the page says when it is next."""
    monkeypatch.setattr(schedules, "LOOK_SECONDS", 0.05)
    ada = house.person("ada", Role.OPERATOR)
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    (tmp_path / "a" / "file").write_text("content")
    timing = Timing(Every.HOUR, minute=5, zone="Europe/Berlin")
    made = schedules.add(house.ledger, ada, source, target, Filters(), timing, TEST)
    long_ago = now_us() - 30 * 3600 * 1_000_000

    def step(connection: Connection) -> None:
        mine = update(schedule_table).where(schedule_table.c.id == made.id)
        connection.execute(mine.values(next_us=long_ago, told=None))

    house.ledger.do(step)
    async with served(house.ledger):
        run = await until(lambda: ended(house.ledger, 1))
        assert (run.status, run.counts["successful"]) == (Status.SUCCESS, 1)
        after = house.ledger.read(schedule_rows.get, made.id)
        assert after.next_us > now_us() > (after.last_us or 0) > long_ago
        assert (tmp_path / "b" / "file").read_text() == "content"
        events = house.ledger.read(audit.of, "run 1")
        assert [(one.who, one.origin, one.event) for one in events] == [("ada", "schedule", "run start")]

        connectors.loaded(house.ledger, "to")
        (tmp_path / "b" / "file").unlink()
        (tmp_path / "b").rmdir()
        (tmp_path / "a" / "file").unlink()
        (tmp_path / "a").rmdir()
        house.ledger.do(step)
        await until(lambda: house.ledger.read(schedule_rows.get, made.id).told)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    assert str(tmp_path / "a") in words(await visitor.get("/schedules"))
    await visitor.close()


async def test_what_a_process_left_goes_on_in_the_next(house: House, tmp_path: Path) -> None:
    """Killed or stopped: started again, once, for whoever started it. Paused by a person, or by hand: left alone."""
    house.person("ada", Role.OPERATOR)
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    (tmp_path / "a" / "file").write_text("content")
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    ledger = house.ledger
    assert (await visitor.post("/wizard/start", source=source, destination=target)).status_code == 303
    await until(lambda: ended(ledger, 1))
    killed = {"ended_us": None, "status": int(Status.RUNNING)}
    stopped = {"ended_us": now_us(), "status": int(Status.PAUSED), "message": STOPPED}
    for number, left in enumerate((killed, stopped), 1):
        set_run(ledger, number, **left)
        async with served(ledger):
            again = await until(lambda number=number: ended(ledger, number + 1))
        assert again.status == Status.NOTHING_TO_COPY
        events = ledger.read(audit.of, f"run {number + 1}")
        assert [(one.who, one.origin) for one in events if one.event == "run start"] == [("ada", "restart")]
    set_run(ledger, 3, status=int(Status.PAUSED), message="paused by ada")
    by_hand = await transfers.copy(
        ledger, Given(target, "source"), Given(f"to:{tmp_path}/c", "destination"), Options(), Watch()
    )
    set_run(ledger, by_hand.run.id, **killed)
    async with served(ledger) as next_house:
        assert await next_house.app.state.runner.resume_interrupted() == []
    await visitor.close()


async def test_what_kills_again_and_again_is_left(house: House, tmp_path: Path) -> None:
    """Three kills in a row: it may be the run that kills, and a person decides."""
    house.person("ada", Role.OPERATOR)
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    for _ in range(3):
        begun = await visitor.post("/wizard/start", source=source, destination=target)
        number = int(begun.headers["location"].rsplit("/", 1)[1])
        await until(lambda number=number: ended(house.ledger, number))
        set_run(house.ledger, number, status=int(Status.CRASHED))
    assert await house.app.state.runner.resume_interrupted() == []
    set_run(house.ledger, 2, status=int(Status.SUCCESS))
    assert await house.app.state.runner.resume_interrupted() == [4]
    await until(lambda: ended(house.ledger, 4))
    await visitor.close()
