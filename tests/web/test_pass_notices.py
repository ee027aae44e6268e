"""Notices of passes over migrations: one each, to whoever began it, as that person wants."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from haulage.ledger import passes as rows
from haulage.ledger import schema
from haulage.ledger.audit import Actor
from haulage.ledger.store import Connection
from haulage.model.outcome import PassKind, Status
from haulage.model.person import Notices, Role
from haulage.operations import bulk, migrations, notices, passes
from haulage.operations.passes import Shown
from tests.web.house import TEST, House, Visitor, served
from tests.web.mail import mail_server
from tests.web.test_authorised_again import Lost, status
from tests.web.test_going_on import until
from tests.web.test_passes import Held, filled, is_over

COMPLETION, ERRORS, NEVER = Notices.COMPLETION, Notices.ERRORS, Notices.NEVER


async def test_one_for_all_its_users(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is told with its counts; that it waits, with what it waits for; only on errors: not a good one."""
    ledger = house.ledger
    decided: list[bool] = []
    tell = notices.tell_of_pass

    async def noting(*told: Any) -> bool:
        decided.append(await tell(*told))
        return decided[-1]

    monkeypatch.setattr(notices, "tell_of_pass", noting)
    house.person("ada", Role.OPERATOR)
    filled(house, tmp_path, 3)
    shutil.rmtree(tmp_path / "here" / "user2")
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    migration, found = migrations.table(ledger, "m")
    async with mail_server() as server, served(ledger, public_url="https://haulage.example") as there:
        monkeypatch.setenv("HAULAGE_SMTP_URL", f"smtp://127.0.0.1:{server.port}")
        monkeypatch.setenv("HAULAGE_SMTP_FROM", "haulage@example.com")
        await visitor.post("/account/notices", notices="errors", email="ada@example.org")

        async def through(chosen: list[Any], kind: PassKind = PassKind.COPY) -> int:
            before = len(decided)
            begun = await there.app.state.passes.start(migration, chosen, kind, Actor("ada", "web"))
            await until(lambda: len(decided) > before)
            return int(begun.id)

        await through(found[:2])
        assert (decided, server.kept) == ([False], [])
        await through(found)
        assert decided == [False, True]
        ((to, told),) = server.kept
        assert (to, told["Subject"]) == (
            "ada@example.org",
            "Haulage: migration 1: copy ended, 1 of 3 users to be looked at",
        )
        lines = told.get_content().splitlines()
        assert lines[2:6] == ["Users: 3", "Succeeded: 2", "With issues: 0", "Failed: 1"]
        assert "What to do: https://haulage.example/migrations/1/issues" in lines

        Lost(ledger, monkeypatch)
        waits = await through(found[:2])
        assert status(ledger, waits) == Status.PAUSED_REAUTHORISE
        _, told = server.kept[-1]
        assert told["Subject"].strip() == "Haulage: migration 1: copy paused: a connector has to be authorised again"
        assert "Waiting: 2" in told.get_content().splitlines()
        assert decided == [False, True, True]
    await visitor.close()


async def test_what_people_stop_is_told_to_nobody(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor that the server is stopped, whose successor goes on with it."""
    ledger, heard = house.ledger, []

    async def hears(_ledger: Any, pass_id: int, _url: str) -> bool:
        shown = passes.show(ledger, ledger.read(rows.get, pass_id))
        heard.append((shown.row.status, notices.wanted_of_pass(COMPLETION, shown)))
        return True

    monkeypatch.setattr(notices, "tell_of_pass", hears)
    filled(house, tmp_path, 2)
    held = Held(monkeypatch)
    migration, found = migrations.table(ledger, "m")
    async with served(ledger) as there:
        begun = await there.app.state.passes.start(migration, found, PassKind.COPY, TEST)
        await until(lambda: len(held.begun) == 2)
    assert heard == []
    async with served(ledger) as there:
        making = there.app.state.passes
        await until(lambda: sum(held.begun.values()) == 4)
        await making.stop(ledger.read(rows.get, begun.id), Status.PAUSED, TEST)
        await until(lambda: heard == [(Status.PAUSED, False)])
        await making.resume(ledger.read(rows.get, begun.id), TEST)
        await until(lambda: sum(held.begun.values()) == 6)
        await making.stop(ledger.read(rows.get, begun.id), Status.CANCELED, TEST)
        await until(lambda: heard[1:] == [(Status.CANCELED, False)])
    assert is_over(ledger, begun.id)


def ended_so(connection: Connection, run_id: int, /, **values: Any) -> None:
    """A run's end is another one."""
    connection.execute(schema.runs.update().where(schema.runs.c.id == run_id).values(**values))


async def test_what_is_wanted(house: House, tmp_path: Path) -> None:
    """By wish and standing: a user that a person paused is nobody's news, one that paused by itself is."""
    ledger = house.ledger
    filled(house, tmp_path, 2)
    migration, found = migrations.table(ledger, "m")
    begun = passes.begin(ledger, migration, found, PassKind.COPY, TEST, server=True)
    passes.stop_rows(ledger, migration, [found[0].id], Status.PAUSED, TEST)
    await bulk.make(ledger, begun.id, lambda *_: None)

    def shown() -> Shown:
        return passes.show(ledger, ledger.read(rows.get, begun.id))

    one = shown()
    assert (one.row.status, one.paused, one.succeeded) == (Status.PAUSED, 1, 1)
    assert [notices.wanted_of_pass(wish, one) for wish in (COMPLETION, ERRORS, NEVER)] == [True, False, False]
    assert ledger.read(rows.stuck, begun.id) == 0
    (run,) = (row.run for row in migrations.table(ledger, "m")[1] if row.run is not None)
    for message, count in (("many files are empty at the source now", 1), ("paused by a person", 0)):
        ledger.do(ended_so, run.id, status=int(Status.PAUSED), message=message)
        ledger.do(rows.change, begun.id, found[1].id, status=int(Status.PAUSED))
        assert ledger.read(rows.stuck, begun.id) == count
    assert notices.wanted_of_pass(ERRORS, one, stuck=1)
    ledger.do(rows.stop, begun.id, Status.PAUSED, "the disk of the ledger cannot be written")
    ledger.do(rows.change, begun.id, found[0].id, status=int(Status.QUEUED))
    assert notices.wanted_of_pass(ERRORS, shown())
    ledger.do(rows.stop, begun.id, Status.PAUSED, "paused by ada")
    assert not notices.wanted_of_pass(COMPLETION, shown())
