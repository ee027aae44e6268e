"""A pass that was paused since an authorisation was lost goes on by itself once its connector is authorised again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from haulage.connectors import lifecycle
from haulage.ledger import connectors as connector_rows
from haulage.ledger import passes as rows
from haulage.ledger import runs as run_rows
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Ledger
from haulage.model.errors import NeedsReauthorisation
from haulage.model.outcome import PassKind, Status
from haulage.operations import authorised_again, bulk, connectors, migrations, passes, transfers
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


async def test_its_users_are_no_single_copies(house: House, tmp_path: Path) -> None:
    """What goes on with paused single copies leaves the transfers of a migration to their pass."""
    ledger = house.ledger
    filled(house, tmp_path, 1)
    migration, found = migrations.table(ledger, "m")
    begun = passes.begin(ledger, migration, found, PassKind.COPY, TEST, server=False)
    await bulk.make(ledger, begun.id, lambda *_: None)
    (row,) = migrations.table(ledger, "m")[1]
    here = ledger.read(connector_rows.get, "here").id
    assert row.run is not None
    run = run_rows.runs.update().where(run_rows.runs.c.id == row.run.id)
    ledger.do(lambda connection: connection.execute(run.values(status=int(Status.PAUSED_REAUTHORISE))))
    assert transfers.paused_for(ledger, here) == []
    migrations.delete(ledger, "m", "DELETE", TEST)
    assert len(transfers.paused_for(ledger, here)) == 1
