"""What a certificate reads of the ledger: page by page, none dearer than another."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from haulage.ledger import certified, checks, work
from haulage.ledger import items as item_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.items import Marks
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.ledger.work import Settled
from haulage.model.item import Item, Kind
from haulage.model.outcome import Outcome, OutcomeKind, RunKind, Status

KEY = TransferKey("s3://a", "s3://b", "{}", "s3://a", "s3://b")
NAMES = ["z", "a/b", "é", "a", "a b", "Z", "😀"]


@pytest.mark.parametrize("page", [1, 2, 7, 8])
def test_what_was_left_alone_is_paged_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Each once, whatever the size of a page; and no page sorts all items of the transfer."""
    monkeypatch.setattr(certified, "PAGE", page)
    ledger = Ledger.open(tmp_path / "ledger.db")
    transfer = ledger.do(run_rows.transfer_id, KEY)
    first = ledger.do(run_rows.start, transfer, RunKind.COPY, "host:1")
    listed = [Item(name, Kind.FILE, 10, 1, "r1", {"md5": "aa"}) for name in NAMES]
    ledger.do(item_rows.merge_source, transfer, listed, Marks(0))
    known = ledger.do(item_rows.to_decide, transfer, 0, False)
    done = [Settled(Outcome(one.id, one.path, OutcomeKind.VERIFIED, 10), "r1", "t1") for one in known]
    ledger.do(work.commit, first.id, done, {"successful": len(done)}, {})
    ledger.do(run_rows.finish, first.id, Status.SUCCESS, {"successful": len(done)}, None)
    second = ledger.do(run_rows.start, transfer, RunKind.COPY, "host:1")

    asked: list[tuple[str, object]] = []
    with ledger.transaction() as connection:
        sa.event.listen(connection.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    copies = ledger.read(checks.copies, transfer)
    rows, after = ledger.read(certified.unchanged, transfer, second.id, copies, None)
    while after is not None:
        more, after = ledger.read(certified.unchanged, transfer, second.id, copies, after)
        rows += more
    assert [one.path for one in rows] == sorted(NAMES)
    assert {one.outcome for one in rows} == {OutcomeKind.VERIFIED}
    pages = [(text, given) for text, given in asked if "FROM items" in text and "LIMIT" in text]
    assert pages
    with ledger.transaction() as connection:
        for text, given in pages:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all()  # type: ignore[arg-type]
            assert not [step for step in plan if "TEMP B-TREE" in step.detail], plan
    ledger.close()
