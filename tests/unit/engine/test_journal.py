"""The journal: what was proven gets into the ledger, whatever ends the run."""

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from haulage.engine.counts import Counts
from haulage.engine.journal import FLUSH_SECONDS, Journal
from haulage.ledger import items as item_rows
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.items import Marks
from haulage.ledger.runs import TransferKey
from haulage.ledger.work import Settled
from haulage.model.item import Item, Kind
from haulage.model.outcome import Outcome, OutcomeKind, RunKind
from tests.unit.engine.drives import open_ledger


async def test_a_commit_that_waits_for_its_turn_is_not_lost_when_the_run_is_stopped(tmp_path: Path) -> None:
    """Ctrl-C while the ledger is busy with something else: outcomes that were handed in are kept (F49)."""
    ledger = open_ledger(tmp_path)
    transfer = ledger.do(run_rows.transfer_id, TransferKey("from", "to", "{}", "from", "to"))
    run = ledger.do(run_rows.start, transfer, RunKind.COPY, "test")
    ledger.do(item_rows.merge_source, transfer, [Item("a", Kind.FILE, 1, revision="r")], Marks(0))
    unit = ledger.do(work.claim, ledger.do(work.plan_unit, run.id, ledger.do(item_rows.to_decide, transfer, 0, False)))
    context: Any = SimpleNamespace(ledger=ledger, run=run, counts=Counts())
    journal, busy = Journal(context), threading.Event()
    journal.open_unit(unit)
    await journal.put(unit.id, Settled(Outcome(unit.items[0].id, "a", OutcomeKind.VERIFIED, 1), "r", "t"))
    something_else = asyncio.create_task(ledger.run(lambda connection: busy.wait(10)))
    keeper = asyncio.create_task(journal.keep())
    await asyncio.sleep(FLUSH_SECONDS + 0.1)
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    busy.set()
    await journal.flush()
    await something_else
    assert [row["items"] for row in ledger.do(work.totals, run.id)] == [1]
    ledger.close()
