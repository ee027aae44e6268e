"""The Migration Manager: begun from the wizard, filtered, paged, renamed and deleted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haulage.ledger import migration_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.audit import Actor
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Connection
from haulage.model.mapping import Wish
from haulage.model.outcome import RunKind
from haulage.model.person import Role
from haulage.operations import migrations
from haulage.operations.home import transfer_lock
from tests.web.house import TEST, House, Visitor, words


@pytest.fixture
async def ada(house: House, tmp_path: Path) -> AsyncIterator[Visitor]:
    """An operator with two connectors, signed in."""
    house.person("ada", Role.OPERATOR)
    for name in ("here", "there"):
        house.folder(name, "ada", tmp_path / name)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    yield visitor
    await visitor.close()


async def test_from_the_wizard_into_a_migration_and_out_of_it(ada: Visitor) -> None:
    """Begun once, opened from then on; renamed; deleted by the word alone."""
    both = {"source": "here", "destination": "there"}
    assert "/migrations/continue" in (await ada.get("/wizard", **both)).text
    for _ in range(2):
        begun = await ada.post("/migrations/continue", **both)
        assert (begun.status_code, begun.headers["location"]) == (303, "/migrations/1")
    assert "here to there" in words(await ada.get("/migrations/1"))
    assert (await ada.post("/migrations/1/rename", name="Wave <1>")).status_code == 303
    assert "Wave <1>" in words(await ada.get("/migrations"))
    taken = await ada.post("/migrations", name="wave <1>", **both)
    assert taken.status_code == 422 and "already" in words(taken)
    assert (await ada.post("/migrations", name="Wave 2", **both)).headers["location"] == "/migrations/2"
    assert (await ada.post("/migrations/continue", **both)).headers["location"] == "/migrations"
    assert (await ada.post("/migrations/1/delete", confirm="delete")).status_code == 422
    assert (await ada.post("/migrations/1/delete", confirm="DELETE")).status_code == 303
    assert (await ada.get("/migrations/1")).status_code == 404
    assert (await ada.get(f"/migrations/{10**23}")).status_code == 404
    assert "Wave <1>" not in words(await ada.get("/migrations"))


async def test_the_table_is_filtered_and_paged(ada: Visitor) -> None:
    """100 rows a page; counters follow the filter; what cannot be read is told, with all rows."""
    ledger = ada.house.ledger
    migrations.create(ledger, "m", "here", "there", TEST)
    migrations.add(ledger, "m", [Wish(0, f"user{n}@a", f"user{n}@b") for n in range(250)], TEST)
    first = words(await ada.get("/migrations/1"))
    assert "250 users; shown are 1 to 100" in first and "user99@a" in first and "user100@a" not in first
    assert "user249@b" in words(await ada.get("/migrations/1", start=200))
    some = words(await ada.get("/migrations/1", filter="source:/user24.@/ status:never"))
    assert "10 users match the filter." in some and "Transfers10New10" in some.replace(" ", "")
    wrong = await ada.get("/migrations/1", filter="sauce:x")
    assert wrong.status_code == 422 and "Did you mean source" in words(wrong) and "250 users" in words(wrong)


async def test_a_run_that_was_killed_is_no_running_one(ada: Visitor) -> None:
    """The table and the list say so before anybody has written it down, and the migration can be deleted."""
    ledger = ada.house.ledger
    migrations.create(ledger, "m", "here", "there", Actor("ada", "web"))
    migrations.add(ledger, "m", [Wish(0, "a", "b")], TEST)

    def start(connection: Connection) -> int:
        transfer = run_rows.transfer_id(connection, TransferKey("file:///a", "file:///b", "{}", "here:/a", "there:/b"))
        migration_rows.change(connection, 1, transfer_id=transfer, scan_id=transfer)
        for kind in (RunKind.SCAN, RunKind.COPY):
            run_rows.start(connection, transfer, kind, "somebody")
        return transfer

    transfer = ledger.do(start)
    with transfer_lock(transfer):
        assert "Running1" in words(await ada.get("/migrations/1")).replace(" ", "")
        assert (await ada.post("/migrations/1/delete", confirm="DELETE")).status_code == 422
    told = words(await ada.get("/migrations/1"))
    assert "Crashed or was killed" in told and "Failures1" in told.replace(" ", "")
    assert "1 running" not in words(await ada.get("/migrations"))
    assert (await ada.post("/migrations/1/delete", confirm="DELETE")).status_code == 303


async def test_who_may_change_one(ada: Visitor, tmp_path: Path) -> None:
    """Others see nothing of it; an administrator sees it, deletes it, and starts nothing with others' connectors."""
    migrations.create(ada.house.ledger, "m", "here", "there", TEST)
    for name, role, seen in (("eve", Role.OPERATOR, 404), ("root2", Role.ADMIN, 200)):
        ada.house.person(name, role)
        await ada.sign_in(name)
        assert (await ada.get("/migrations/1")).status_code == seen
        assert ("/migrations/1" in (await ada.get("/migrations")).text) == (seen == 200)
        foreign = await ada.post("/migrations", name="x", source="here", destination="there")
        assert foreign.status_code == 404
    await ada.sign_in("ada")
    theirs = await ada.post("/migrations/1/delete", confirm="DELETE")  # begun by another, with connectors of hers
    assert theirs.status_code == 403
