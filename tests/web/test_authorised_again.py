"""A pass that was paused since an authorisation was lost goes on by itself once its connector is authorised again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from haulage.connectors import lifecycle
from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger import connectors as connector_rows
from haulage.ledger import passes as rows
from haulage.ledger import schema
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Ledger
from haulage.model.errors import NeedsReauthorisation
from haulage.model.outcome import PassKind, Status
from haulage.operations import authorised_again, bulk, connectors, migrations, passes, transfers
from haulage.operations.home import pass_held
from haulage.operations.locations import Given
from haulage.services.registry import service
from tests.web.house import TEST, House, served
from tests.web.test_going_on import until
from tests.web.test_passes import filled, is_over, passes_words, tally


class Lost:
    """Copies that find the authorisation of "here" lost, while the connector says so. tried: how often."""

    def __init__(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried = 0
        self._ledger = ledger
        self._copy = transfers.copy
        monkeypatch.setattr(transfers, "copy", self.copy)
        ledger.do(lifecycle.lose, self.row().id, "the token was revoked")

    def row(self) -> ConnectorRow:
        """The connector."""
        return self._ledger.read(connector_rows.get, "here")

    async def copy(self, ledger: Ledger, *rest: Any, **more: Any) -> Any:
        """The real one, once it may."""
        self.tried += 1
        if self.row().state != "authorised":
            raise NeedsReauthorisation("the token was revoked", "Authorise it again.")
        return await self._copy(ledger, *rest, **more)

    def give_back(self) -> None:
        """As somebody authorises it again, in whatever process."""
        connectors.renew(self._ledger, self.row(), service("local"), {}, TEST, connectors.KEYS)


def status(ledger: Ledger, pass_id: int) -> int:
    """Of a pass."""
    return ledger.read(rows.get, pass_id).status


async def test_it_goes_on_by_itself(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before; once it is authorised, all users end; what the command line began waits for its person."""
    ledger = house.ledger
    monkeypatch.setattr(authorised_again, "LOOK_SECONDS", 0.05)
    filled(house, tmp_path, 3)
    lost = Lost(ledger, monkeypatch)
    migration, found = migrations.table(ledger, "m")
    theirs = passes.begin(ledger, migration, found[2:], PassKind.COPY, TEST, server=False)
    await bulk.make(ledger, theirs.id, lambda *_: None)
    async with served(ledger) as server:
        begun = await server.app.state.passes.start(migration, found[:2], PassKind.COPY, TEST)
        await until(lambda: status(ledger, begun.id) == Status.PAUSED_REAUTHORISE)
        assert "Authorise the connector again, and it goes on by itself" in passes_words(ledger)
        tried = lost.tried
        await asyncio.sleep(0.3)  # several looks
        assert lost.tried == tried
        lost.give_back()
        await until(lambda: is_over(ledger, begun.id))
        assert tally(ledger, begun.id) == {Status.SUCCESS: 2}
        assert status(ledger, theirs.id) == Status.PAUSED_REAUTHORISE
    assert (tmp_path / "there" / "user1" / "1.txt").read_text() == "1 1"


async def test_users_that_a_person_paused_stay_so(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited for the connector goes on, and nothing else."""
    ledger = house.ledger
    monkeypatch.setattr(authorised_again, "LOOK_SECONDS", 0.05)
    filled(house, tmp_path, 2)
    lost = Lost(ledger, monkeypatch)
    migration, found = migrations.table(ledger, "m")
    async with served(ledger) as server:
        begun = await server.app.state.passes.start(migration, found, PassKind.COPY, TEST)
        await until(lambda: status(ledger, begun.id) == Status.PAUSED_REAUTHORISE and not pass_held(begun.id))
        assert passes.stop_rows(ledger, migration, [found[0].id], Status.PAUSED, TEST) == 1
        assert status(ledger, begun.id) == Status.PAUSED_REAUTHORISE
        lost.give_back()
        await until(lambda: status(ledger, begun.id) == Status.PAUSED)
        assert tally(ledger, begun.id) == {Status.SUCCESS: 1, Status.PAUSED: 1}
    assert not (tmp_path / "there" / "user0").exists()


async def test_lost_at_once_again(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One try for each authorisation: what is refused all the same does not go round for ever."""
    ledger = house.ledger
    filled(house, tmp_path, 1)
    lost = Lost(ledger, monkeypatch)
    migration, found = migrations.table(ledger, "m")
    async with served(ledger) as server:
        making = server.app.state.passes
        begun = await making.start(migration, found, PassKind.COPY, TEST)
        await until(lambda: status(ledger, begun.id) == Status.PAUSED_REAUTHORISE)
        looking = authorised_again.AuthorisedAgain(ledger, making)
        assert await looking.look() == []
        lost.give_back()
        monkeypatch.setattr(Lost, "row", lambda _: ConnectorRow(*[None] * 24))
        assert await looking.look() == [begun.id]
        await until(lambda: status(ledger, begun.id) == Status.PAUSED_REAUTHORISE)
        assert await looking.look() == []


async def paused(house: House, folder: Path) -> int:
    """A user of a migration was copied by a pass, then once more on its own, which waits for "here"; its number."""
    ledger = house.ledger
    filled(house, folder, 1)
    migration, found = migrations.table(ledger, "m")
    begun = passes.begin(ledger, migration, found, PassKind.COPY, TEST, server=False)
    await bulk.make(ledger, begun.id, lambda *_: None)
    source, destination = f"here:{folder}/here/user0", f"there:{folder}/there/user0"
    await transfers.copy(ledger, Given(source, "source"), Given(destination, "destination"), Options(), Watch())
    (row,) = migrations.table(ledger, "m")[1]
    assert row.run is not None and row.run.id == 2
    wait(ledger, row.run.id)
    return ledger.read(connector_rows.get, "here").id


def wait(ledger: Ledger, run_id: int) -> None:
    """That run waits for an authorisation."""
    waits = schema.runs.update().where(schema.runs.c.id == run_id)
    ledger.do(lambda connection: connection.execute(waits.values(status=int(Status.PAUSED_REAUTHORISE))))


async def test_a_user_that_was_copied_on_its_own(house: House, tmp_path: Path) -> None:
    """It goes on when its connector is authorised again, though a migration has it."""
    here = await paused(house, tmp_path)
    (tmp_path / "here" / "user0" / "new.txt").write_text("new")
    assert await house.app.state.runner.resume_for(here, TEST)
    await until(lambda: (tmp_path / "there" / "user0" / "new.txt").exists())
    await until(lambda: transfers.paused_for(house.ledger, here) == [])


async def test_what_a_pass_holds_is_left_to_it(house: House, tmp_path: Path) -> None:
    """A pass that waits goes on with its users as a whole; one that scans them copies none of them."""
    ledger, here = house.ledger, await paused(house, tmp_path)
    migration, found = migrations.table(ledger, "m")
    passes.begin(ledger, migration, found, PassKind.SCAN, TEST, server=False)
    assert len(transfers.paused_for(ledger, here)) == 1
    begun = passes.begin(ledger, migration, found, PassKind.COPY, TEST, server=False)
    assert transfers.paused_for(ledger, here) == []
    passes.stop(ledger, ledger.read(rows.get, begun.id), Status.CANCELED, TEST)
    assert len(transfers.paused_for(ledger, here)) == 1


async def test_what_was_canceled_stays_so(house: House, tmp_path: Path) -> None:
    """A user that lost the authorisation in a pass, which was canceled then, does not go on by itself."""
    ledger = house.ledger
    filled(house, tmp_path, 1)
    migration, found = migrations.table(ledger, "m")
    begun = passes.begin(ledger, migration, found, PassKind.COPY, TEST, server=False)
    await bulk.make(ledger, begun.id, lambda *_: None)
    (row,) = migrations.table(ledger, "m")[1]
    assert row.run is not None
    wait(ledger, row.run.id)
    here = ledger.read(connector_rows.get, "here").id
    assert len(transfers.paused_for(ledger, here)) == 1
    ledger.do(rows.change, begun.id, row.id, status=int(Status.CANCELED))
    assert transfers.paused_for(ledger, here) == []
