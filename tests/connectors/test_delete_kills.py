"""A deletion that is killed anywhere is finished by the same command; nobody uses what is being deleted meanwhile."""

import asyncio

import pytest

from haulage.ledger import connectors as rows
from haulage.ledger.store import Ledger
from haulage.model.errors import NeedsReauthorisation, Refused
from haulage.operations import accounts, connectors, departures
from testbed.sandbox import Sandbox
from tests.connectors.doomed import killed
from tests.connectors.people import ADA, VENDORS, Office

LEFT = ("haulage.operations.departures:_end_at_service", "before", 1)
TOLD = ("haulage.operations.departures:_revoked", "answered", 1)
WIPED = ("haulage.ledger.connectors:wipe", "after", 1)


@pytest.mark.parametrize(("where", "when", "call"), [LEFT, TOLD, WIPED], ids=["left", "told", "wiped"])
async def test_killed_while_deleting(office: Office, sandbox: Sandbox, where: str, when: str, call: int) -> None:
    kept = await office.connect("box", office.people("box", "user")[0], name="mine")
    path = office.ledger.path

    def work() -> None:
        ledger = Ledger.open(path)
        asyncio.run(departures.delete(ledger, "mine", ADA))

    await asyncio.to_thread(killed, where, when, work, call)
    row = office.ledger.read(rows.by_id, kept.row.id)
    assert row.state == "deleting"
    assert row.tokens is not None  # still there for the call that ends the authorisation, and for nothing else
    with pytest.raises(NeedsReauthorisation, match="is being deleted"):
        await accounts.check(office.ledger, "mine")
    left = await departures.delete(office.ledger, "mine", ADA)
    assert (left.gone, left.revoked, left.row.state) == (True, True, "deleted")
    assert left.row.sealed is None and left.row.tokens is None
    with pytest.raises(Refused):
        connectors.one(office.ledger, "mine")
    assert VENDORS["box"] == "box"
