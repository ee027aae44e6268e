"""Pages of a run's log: what they show, and how much there is in all."""

from pathlib import Path

import pytest

from haulage.ledger import work
from haulage.ledger.schema import outcomes
from haulage.ledger.store import Ledger
from haulage.ledger.work import Search

NAMES = [f"Folder_%/file {number:02}" for number in range(25)]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A log of 25 items, every fifth of which failed, and another run's."""
    made = Ledger.open(tmp_path / "ledger.db")
    base = {"listed": 1, "adopted": 0, "at_us": 1}
    rows = [
        {
            **base,
            "run_id": 1,
            "item_id": n,
            "path": name,
            "size": 100 - n,
            "outcome": "failed" if n % 5 == 0 else "verified",
        }
        for n, name in enumerate(NAMES)
    ]
    rows.append({**base, "run_id": 2, "item_id": 3, "path": NAMES[3], "size": 0, "outcome": "failed"})
    made.do(lambda connection: connection.execute(outcomes.insert(), rows))
    return made


@pytest.mark.parametrize(
    ("search", "items", "count"),
    [
        (Search(limit=10), range(10), 25),
        (Search(limit=10, start=20), range(20, 25), 25),
        (Search(limit=10, start=15), range(15, 25), 25),
        (Search(limit=25), range(25), 25),
        (Search(limit=10, start=30), (), 25),
        (Search("FILE 1", limit=10), range(10, 20), 10),
        (Search("file 1", limit=4, start=8), (18, 19), 10),
        (Search("_%/", limit=2), (0, 1), 25),
        (Search("nothing"), (), 0),
        (Search("nothing", start=5), (), 0),
        (Search(kinds=("failed",), limit=3), (0, 5, 10), 5),
        (Search(sort="size", limit=3), (24, 23, 22), 25),
        (Search(sort="path", descending=True, limit=2, start=1), (23, 22), 25),
        (Search(sort="outcome", limit=6), (0, 5, 10, 15, 20, 1), 25),
    ],
)
def test_a_page_and_the_count(ledger: Ledger, search: Search, items: tuple[int, ...], count: int) -> None:
    """In the order that was asked for, whichever page it is; the count is that of all pages."""
    rows, found = ledger.read(work.outcome_page, 1, search)
    assert [(one.item_id, one.path) for one in rows] == [(number, NAMES[number]) for number in items]
    assert found == count
