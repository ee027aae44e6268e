"""A bucket can hold a file and the marker of a folder of its name: nothing of it is left out in silence."""

from pathlib import Path

import msgspec
import pytest

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.engine.verify import run_verify
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.codec import dump
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.model.item import Item, Kind, Page
from haulage.model.outcome import RunKind, Status
from haulage.services.local.drive import LocalDrive

from .drives import MemoryDrive, copy, open_ledger

BOTH = {"both": b"content", "both!": b"between the two", "other": b""}


class Backwards(MemoryDrive):
    """A listing in another order than by key, as directory buckets give it: the marker comes before the file."""

    async def tree(self, cursor: str | None) -> Page:
        keys = sorted([*self.files, *(f"{path}/" for path in self.markers)], reverse=True)
        items = [self.facts(key) if key in self.files else Item(key[:-1], Kind.FOLDER) for key in keys]
        start = int(cursor or 0)
        after = start + self.page_items
        return Page(items[start:after], str(after) if after < len(items) else None)


async def verified(
    ledger: Ledger, source: MemoryDrive, target: MemoryDrive | LocalDrive
) -> tuple[Status, dict[str, str]]:
    """Verify as `haulage verify` does: the status, and per path the outcome or its code."""
    key = TransferKey(source.identity, target.identity, dump(Options().filters), source.identity, target.identity)
    run = ledger.do(run_rows.start, ledger.do(run_rows.transfer_id, key), RunKind.VERIFY, "test")
    status, stopped = await run_verify(ledger, run, source, target, Options(), Watch(), deep=True)
    assert stopped is None
    rows = ledger.read(lambda connection: list(work.outcome_rows(connection, run.id)))
    return status, {row.path: row.code or row.outcome for row in rows}


@pytest.mark.parametrize("kind", [MemoryDrive, Backwards])
@pytest.mark.parametrize("page_items", [1, 2, 1000])
@pytest.mark.parametrize("to_a_disk", [False, True])
async def test_a_file_and_a_marker_of_its_name(
    tmp_path: Path, kind: type[MemoryDrive], page_items: int, to_a_disk: bool
) -> None:
    source = kind("memory://source", BOTH, page_items)
    source.markers |= {"both", "empty"}
    (tmp_path / "there").mkdir()
    target = LocalDrive(str(tmp_path / "there")) if to_a_disk else MemoryDrive("memory://target")
    source.traits = msgspec.structs.replace(source.traits, single_put_limit=1 << 20)
    ledger = open_ledger(tmp_path)
    try:
        first = await copy(ledger, source, target)
        assert (first.status, first.counts.listed) == (Status.UNSUPPORTED_ITEMS, 5)
        assert first.said == {**dict.fromkeys((*BOTH, "empty"), "verified"), "both/": "not_a_file"}
        again = await copy(ledger, source, target)
        assert (again.counts.listed, again.counts.unchanged, again.counts.unsupported) == (5, 4, 1)
        if isinstance(target, MemoryDrive):
            assert target.files == BOTH and target.markers == {"empty"}
        if kind is MemoryDrive:
            assert await verified(ledger, source, target) == (Status.UNSUPPORTED_ITEMS, first.said)
        if isinstance(target, MemoryDrive) and kind is MemoryDrive:
            target.markers.add("both")  # somebody made it there too
            assert (await verified(ledger, source, target))[1]["both"] == "verified"
    finally:
        await target.close()
        ledger.close()
