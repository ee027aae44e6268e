"""The engine's scan and plan over a drive that is made up: `python -m bench.synthetic STEP ITEMS HOME`.

Steps, in this order on one HOME: plan (a first run: everything is listed, decided on and cut into units; nothing is
copied), again (a run after that one was killed), copied (no run: all is marked as copied), unchanged (a run then).
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import uvloop

from haulage.engine.context import Context, Options
from haulage.engine.counts import Watch
from haulage.engine.plan import Planner
from haulage.engine.scan import scan_source, scan_target
from haulage.ledger import items as item_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.items import Marks
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Connection, Ledger
from haulage.model.item import Item, Kind, Page
from haulage.model.outcome import RunKind
from haulage.services.s3.drive import TRAITS

PAGE = 1000
FOLDER_FILES = 200


class SyntheticDrive:
    """Lists `count` files in pages of 1,000, and does nothing else. See `contract.ListsTree`."""

    traits = TRAITS

    def __init__(self, identity: str, count: int) -> None:
        self.identity = identity
        self.calls: Mapping[str, int] = {}
        self._count = count

    async def tree(self, cursor: str | None) -> Page:
        """The next page."""
        start = int(cursor or 0)
        end = min(start + PAGE, self._count)
        await asyncio.sleep(0)
        return Page([_item(number) for number in range(start, end)], str(end) if end < self._count else None)


def _item(number: int) -> Item:
    folder = number // FOLDER_FILES
    path = f"department-{folder // 1000:03}/project-{folder:06}/document-{number:08}.docx"
    revision = f"{number:032x}"
    return Item(path, Kind.FILE, 1000 + number % 50_000, 1_700_000_000_000_000 + number, revision, {"md5": revision})


async def _run(ledger: Ledger, items: int, at_target: int) -> Watch:
    """Scan both sides and plan; units are made and not worked on."""
    source, target = SyntheticDrive("synthetic://a", items), SyntheticDrive("synthetic://b", at_target)
    key = TransferKey(source.identity, target.identity, "{}", source.identity, target.identity)
    transfer = await ledger.run(run_rows.transfer_id, key)
    run = await ledger.run(run_rows.start, transfer, RunKind.COPY, "bench")
    watch, marks = Watch(), Marks(await ledger.run(item_rows.last_id))
    context = Context(ledger, run, source, target, Options(), watch, marks)  # type: ignore[arg-type] # lists, no more
    planner = Planner(context)

    async def take() -> None:
        while await context.units.get() is not None:
            continue

    async with asyncio.TaskGroup() as stages:
        for stage in (scan_source(context), scan_target(context), planner.run(), take()):
            stages.create_task(stage)
    return watch


def _pretend_copied(connection: Connection) -> None:
    """Everything lies at the destination, in the revision that the listing will show."""
    facts = "done_revision = revision, done_size = size, done_target_revision = revision"
    connection.exec_driver_sql(f"UPDATE items SET state = 3, unit_id = NULL, {facts}")  # noqa: S608 - no input in it


def main() -> None:
    """Print seconds, peak memory and what was counted, as JSON."""
    step, items, home = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    ledger = Ledger.open(home / "ledger.db")
    if step == "copied":
        ledger.do(_pretend_copied)
        ledger.close()
        return
    began = time.monotonic()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        watch = runner.run(_run(ledger, items, items if step == "unchanged" else 0))
    counts = msgspec.structs.asdict(watch.counts)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {"wall": time.monotonic() - began, "cpu": used.ru_utime + used.ru_stime, "rss_mb": used.ru_maxrss / 1024}
    ledger.close()
    if (counts["unchanged"] if step == "unchanged" else counts["planned"]) != items:
        raise SystemExit(f"not everything was decided on: {counts}")
    print(json.dumps({name: round(value, 2) for name, value in cost.items()}))


if __name__ == "__main__":
    main()
