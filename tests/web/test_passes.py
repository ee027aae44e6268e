"""Passes over migrations: they outlive the process that makes them, and every process tells the same of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from haulage.ledger import passes as rows
from haulage.ledger.audit import Actor
from haulage.ledger.schema import schedules as schedule_table
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.errors import Refused
from haulage.model.mapping import Wish
from haulage.model.outcome import PassKind, RunKind, Status
from haulage.model.person import Role
from haulage.model.schedule import Hours
from haulage.operations import bulk, departures, migrations, passes, rerunning, schedules, transfers
from haulage.web.rendering import render
from tests.web.house import TEST, House, Visitor, served, words
from tests.web.test_going_on import until

COPY, SCAN = PassKind.COPY, PassKind.SCAN


def filled(house: House, folder: Path, users: int, files: int = 2) -> None:
    """A migration of Ada's with so many users, each with some files at the source."""
    for name in ("here", "there"):
        house.folder(name, "ada", folder / name)
    migrations.create(house.ledger, "m", "here", "there", Actor("ada", "test"))
    wishes = []
    for number in range(users):
        (folder / "here" / f"user{number}").mkdir()
        for file in range(files):
            (folder / "here" / f"user{number}" / f"{file}.txt").write_text(f"{number} {file}")
        inside = str(folder).lstrip("/")
        wishes.append(Wish(number, f"{inside}/here/user{number}", f"{inside}/there/user{number}"))
    migrations.add(house.ledger, "m", wishes, TEST)


@pytest.fixture
async def ada(house: House, tmp_path: Path) -> AsyncIterator[Visitor]:
    """An operator with a migration of six users."""
    house.person("ada", Role.OPERATOR)
    filled(house, tmp_path, 6)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    yield visitor
    await visitor.close()


class Held:
    """Copies that wait until they are let go; counted by destination."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = asyncio.Event()
        self.begun = Counter[str]()
        self._copy = transfers.copy
        monkeypatch.setattr(transfers, "copy", self.copy)

    async def copy(self, ledger: Ledger, source: Any, destination: Any, *rest: Any, **more: Any) -> Any:
        """The real one, once it may."""
        self.begun[destination.location] += 1
        await self.go.wait()
        return await self._copy(ledger, source, destination, *rest, **more)


def tally(ledger: Ledger, pass_id: int = 1) -> dict[int, int]:
    """How its users stand."""
    return ledger.read(rows.tally, pass_id)


def is_over(ledger: Ledger, pass_id: int = 1) -> bool:
    """Whether it has ended."""
    return ledger.read(rows.get, pass_id).ended_us is not None


def statuses(ledger: Ledger) -> list[int | None]:
    """Of all users."""
    return [migrations.status_of(one)[0] for one in migrations.table(ledger, "m")[1]]


async def test_it_goes_on_in_the_next_process(ada: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped: what ran and what waited is queued again, told so, and ends once each in the next process."""
    held, ledger = Held(monkeypatch), ada.house.ledger
    async with served(ledger) as first:
        _, found = migrations.table(ledger, "m")
        await first.app.state.passes.start(migrations.named(ledger)[0], found, COPY, Actor("ada", "web"))
        await until(lambda: len(held.begun) == bulk.AT_ONCE)
        assert Counter(statuses(ledger)) == {Status.PRECHECKS: 4, Status.QUEUED: 2}
        assert "Another process on this machine runs it" in words(await ada.get("/migrations/1"))
    assert tally(ledger) == {Status.QUEUED: 6}
    assert "was interrupted" in words(await ada.get("/migrations/1"))
    held.go.set()
    async with served(ledger):
        await until(lambda: is_over(ledger))
    assert tally(ledger) == {Status.SUCCESS: 6}
    assert statuses(ledger) == [Status.SUCCESS] * 6
    assert len(list((tmp_path / "there").rglob("*.txt"))) == 12
    assert "The last start has ended: 6 succeeded" in words(await ada.get("/migrations/1"))


async def test_what_was_killed_is_queued_again_but_not_for_ever(ada: Visitor) -> None:
    """As a kill leaves it: a row that ran each time its process was killed has crashed; the others end."""
    ledger = ada.house.ledger
    _, found = migrations.table(ledger, "m")
    passes.begin(ledger, migrations.named(ledger)[0], found, COPY, TEST, server=True)

    def killed(connection: Connection) -> None:
        rows.claim(connection, 1, "test")
        rows.change(connection, 1, found[0].id, status=int(Status.RUNNING))

    for _ in range(rows.MOST_CRASHES):
        ledger.do(killed)
    async with served(ledger):
        await until(lambda: is_over(ledger))
    assert tally(ledger) == {Status.SUCCESS: 5, Status.CRASHED: 1}


async def test_canceled_while_it_comes_to_a_pause(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ran takes its time to end. Whoever cancels the pass meanwhile, or a user of it, is heard."""
    house.person("ada", Role.OPERATOR)
    filled(house, tmp_path, 6)
    ledger, stopping, end = house.ledger, asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(bulk, "LOOK_SECONDS", 0.05)

    async def slow(*_: object, **__: object) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopping.set()
            await end.wait()
            raise

    monkeypatch.setattr(transfers, "copy", slow)
    migration, found = migrations.table(ledger, "m")
    for number, some in ((1, found[:3]), (2, found[3:])):
        stopping.clear(), end.clear()
        passes.begin(ledger, migration, some, COPY, TEST, server=True, at_once=2)
        making = asyncio.create_task(bulk.make(ledger, number, lambda *_: None))
        await until(lambda number=number: tally(ledger, number).get(Status.PRECHECKS) == 2)
        passes.stop(ledger, ledger.read(rows.get, number), Status.PAUSED, TEST)
        await asyncio.wait_for(stopping.wait(), 10)
        if number == 1:
            passes.stop(ledger, ledger.read(rows.get, 1), Status.CANCELED, TEST)
        else:
            passes.stop_rows(ledger, migration, [found[3].id], Status.CANCELED, TEST)
        end.set()
        await making
    assert (ledger.read(rows.get, 1).status, tally(ledger, 1)) == (Status.CANCELED, {Status.CANCELED: 3})
    assert (ledger.read(rows.get, 2).status, is_over(ledger, 2)) == (Status.PAUSED, False)
    assert tally(ledger, 2) == {Status.CANCELED: 1, Status.QUEUED: 2}


@pytest.mark.parametrize("status", [Status.PAUSED, Status.CANCELED])
async def test_what_was_asked_of_a_process_that_was_killed(ada: Visitor, tmp_path: Path, status: Status) -> None:
    """The next server does it: it goes on with nothing that somebody wanted stopped."""
    ledger = ada.house.ledger
    migration, found = migrations.table(ledger, "m")
    ran, one = found[0].id, found[1].id

    def killed(connection: Connection, pass_id: int) -> None:
        rows.claim(connection, pass_id, "test")
        for row_id in (ran, one):
            rows.change(connection, pass_id, row_id, status=int(Status.RUNNING))

    passes.begin(ledger, migration, found[:2], COPY, TEST, server=True)
    ledger.do(killed, 1)
    ledger.do(rows.ask_rows, 1, [one], status)
    async with served(ledger):
        await until(lambda: tally(ledger).get(Status.SUCCESS) == 1)
    assert tally(ledger) == {Status.SUCCESS: 1, status: 1}
    passes.begin(ledger, migration, found[:2], COPY, TEST, server=True)
    ledger.do(killed, 2)
    ledger.do(rows.ask, 2, status, "ada")
    async with served(ledger):
        await until(lambda: ledger.read(rows.get, 2).status == status)
    assert ledger.read(rows.get, 2).message == f"{'paused' if status == Status.PAUSED else 'canceled'} by ada"
    assert tally(ledger, 2) == {Status.QUEUED if status == Status.PAUSED else Status.CANCELED: 2}
    assert not (tmp_path / "there" / "user1").exists()


async def test_another_process_is_told_of_and_stopped(
    ada: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command line makes one: the page says so; pausing and canceling reach it; it is resumed on the page."""
    held, ledger = Held(monkeypatch), ada.house.ledger
    monkeypatch.setattr(bulk, "LOOK_SECONDS", 0.05)
    migration, found = migrations.table(ledger, "m")
    begun = passes.begin(ledger, migration, found, COPY, Actor("ada", "cli"), server=False, at_once=2)
    making = asyncio.create_task(bulk.make(ledger, begun.id, lambda *_: None))
    await until(lambda: len(held.begun) == 2)
    page = words(await ada.get("/migrations/1"))
    assert "2 running, 4 queued, 0 done. Another process on this machine runs it" in page
    assert "begun by ada from the command line" in page
    twice = await ada.post("/migrations/1/begin", kind="copy", every="true", count="6")
    assert twice.status_code == 422 and "run already" in words(twice)
    assert passes.stop_rows(ledger, migration, [found[0].id, found[5].id], Status.CANCELED, TEST) == 2
    await until(lambda: tally(ledger).get(Status.CANCELED) == 2)
    assert (await ada.post("/migrations/1/passes/1/pause")).status_code == 303
    done = await making
    assert len(done.left) == 4 and Counter(statuses(ledger))[Status.PAUSED] == 4
    assert "was paused: paused by ada. 4 have not ended" in words(await ada.get("/migrations/1"))
    held.go.set()
    assert (await ada.post("/migrations/1/passes/1/resume")).status_code == 303
    await until(lambda: is_over(ledger))
    assert tally(ledger) == {Status.CANCELED: 2, Status.SUCCESS: 4}
    assert (await ada.post("/migrations/1/passes/1/resume")).status_code == 422
    assert (await ada.post("/migrations/1/passes/2/pause")).status_code == 404


async def test_canceled_and_begun_anew(ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Canceled as a whole: what waited is canceled. What a paused pass holds, a new one takes, each user once."""
    held, ledger = Held(monkeypatch), ada.house.ledger
    start = {"kind": "copy", "every": "true", "count": "6"}
    assert (await ada.post("/migrations/1/begin", **start)).status_code == 303
    await until(lambda: len(held.begun) == bulk.AT_ONCE)
    assert (await ada.post("/migrations/1/passes/1/cancel")).status_code == 303
    assert tally(ledger) == {Status.CANCELED: 6} and is_over(ledger)
    assert "canceled by ada: 0 succeeded, 0 with some problems, 0 failed, 6 canceled" in words(
        await ada.get("/migrations/1")
    )
    assert (await ada.post("/migrations/1/begin", **start)).status_code == 303
    await until(lambda: sum(held.begun.values()) == 2 * bulk.AT_ONCE)
    assert "is queued, so nothing can be deleted" in words(await ada.post("/migrations/1/delete", confirm="DELETE"))
    assert (await ada.post("/migrations/1/passes/2/pause")).status_code == 303
    held.go.set()
    some = {"kind": "copy", "row": [1, 2], "count": "2"}
    assert (await ada.post("/migrations/1/begin", **some)).status_code == 303
    await until(lambda: is_over(ledger, 3))
    assert (tally(ledger, 2), tally(ledger, 3)) == ({Status.QUEUED: 4}, {Status.SUCCESS: 2})
    assert (await ada.post("/migrations/1/passes/2/resume")).status_code == 303
    await until(lambda: is_over(ledger, 2))
    assert [one.run is not None and one.run.status for one in migrations.table(ledger, "m")[1]] == [100] * 6
    assert (await ada.post("/migrations/1/begin", kind="scan", row=[3], count="1")).status_code == 303
    await until(lambda: is_over(ledger, 4))
    scanned = migrations.table(ledger, "m")[1][2]
    assert migrations.last_status(scanned, RunKind.SCAN)[0] == Status.SUCCESS and scanned.place is None


async def test_again_after_the_others(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ended with errors that may pass is started again, up to three times, after those that wait."""
    filled(house, tmp_path, 3)
    order: list[str] = []
    ended = transfers.copy

    async def failing(ledger: Ledger, source: Any, destination: Any, *rest: Any, **more: Any) -> Any:
        order.append(destination.location[-1])
        found = await ended(ledger, source, destination, *rest, **more)
        return transfers.Ended(found.run, Status.SOME_UPLOAD_ERRORS) if destination.location[-1] == "0" else found

    monkeypatch.setattr(transfers, "copy", failing)
    monkeypatch.setattr(rerunning, "worthwhile", lambda _, ended: ended.status == Status.SOME_UPLOAD_ERRORS)
    migration, found = migrations.table(house.ledger, "m")
    begun = passes.begin(house.ledger, migration, found, COPY, TEST, server=False, at_once=1)
    done = await bulk.make(house.ledger, begun.id, lambda *_: None)
    assert order == ["0", "1", "2", "0", "0", "0"]
    assert (len(done.succeeded), done.issues) == (2, [found[0].id])
    assert tally(house.ledger) == {Status.SUCCESS: 2, Status.SOME_UPLOAD_ERRORS: 1}


async def test_a_migration_on_a_schedule_within_hours(
    ada: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown, started when its time has come, told to wait outside of its hours, paused when they end, gone on with."""
    ledger, opened = ada.house.ledger, [False]
    monkeypatch.setattr(schedules, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(bulk, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(Hours, "is_open", lambda *_: opened[0])
    monkeypatch.setattr(Hours, "changes_us", lambda *_: now_us() + 3_600_000_000)
    assert "Nights and weekends only" in words(await ada.get("/migrations/1/what", kind="copy", every=True))
    when = {"when": "schedule", "repeat": "weekly", "at": "20:30", "day": "5", "zone": "Europe/Berlin"}
    when |= {"hours": "some", "opens": "20:00", "closes": "06:00", "weekends": "true", "kind": "copy"}
    wrong = await ada.post("/migrations/1/begin", every="true", count="6", **{**when, "closes": "20:00"})
    assert wrong.status_code == 422 and "no hours in which something may run" in words(wrong)
    assert (await ada.post("/migrations/1/begin", row=[1, 2, 3], count="3", **when)).status_code == 303
    told = "Start 3 users weekly, Friday at 20:30 (Europe/Berlin), within 20:00 to 06:00 and all weekend"
    assert told in words(await ada.get("/migrations/1")) and "start 3 users" in words(await ada.get("/schedules"))
    found = schedules.of_migration(ledger, 1)
    assert [schedules.of_row(found, one) for one in (1, 4)] == ["weekly, Friday at 20:30 (Europe/Berlin)", ""]
    with pytest.raises(Refused, match="schedule 1"):
        await departures.delete(ledger, "here", TEST)
    ledger.do(lambda connection: connection.execute(schedule_table.update().values(next_us=now_us() - 1)))
    held = Held(monkeypatch)
    async with served(ledger):
        await until(lambda: ledger.read(rows.of, 1, 1))
        await until(lambda: "It waits for its hours, 20:00 to 06:00" in passes_words(ledger))
        assert tally(ledger) == {Status.QUEUED: 3} and not held.begun
        opened[0] = True
        await until(lambda: len(held.begun) == 3)
        opened[0] = False
        await until(lambda: tally(ledger) == {Status.QUEUED: 3})
        held.go.set()
        opened[0] = True
        await until(lambda: is_over(ledger))
    assert tally(ledger) == {Status.SUCCESS: 3}
    assert (await ada.post("/schedules/1/delete")).status_code == 303
    assert schedules.of_migration(ledger, 1) == []


def passes_words(ledger: Ledger) -> str:
    """What the page says of passes."""
    return render("_work.html", passes=passes.shown(ledger, 1))


async def test_cutover_lists_what_differs(house: House, tmp_path: Path) -> None:
    """Before and after: what is new or changed, and what could not be copied."""
    filled(house, tmp_path, 2)
    migration, found = migrations.table(house.ledger, "m")
    first = passes.begin(house.ledger, migration, found, COPY, TEST, server=False)
    await bulk.make(house.ledger, first.id, lambda *_: None)
    (tmp_path / "here" / "user0" / "new.txt").write_text("new")
    (tmp_path / "here" / "user0" / "1.txt").write_text("changed since")
    begun = passes.begin(house.ledger, migration, found, PassKind.CUTOVER, TEST, server=False)
    done = await bulk.make(house.ledger, begun.id, lambda *_: None)
    assert len(done.succeeded) == 2
    told = list(passes.differences(house.ledger, passes.newest(house.ledger, migration)))
    assert [(one.row_id, one.when, one.items, sorted(one.paths)) for one in told] == [
        (1, "before", 2, ["1.txt", "new.txt"]),
        (1, "after", 0, []),
        (2, "before", 0, []),
        (2, "after", 0, []),
    ]
    assert all(one.whole for one in told) and told[0].bytes == len("new") + len("changed since")
    assert (tmp_path / "there" / "user0" / "1.txt").read_text() == "changed since"
