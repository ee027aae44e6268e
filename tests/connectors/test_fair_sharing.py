"""One huge user and many small ones share a service's budget: an organisation's Drive on the sandbox, two at a time."""

import asyncio
import time
from pathlib import Path

import pytest

from haulage.ledger import passes as pass_rows
from haulage.ledger import work
from haulage.ledger.migration_rows import TransferRow
from haulage.model.mapping import Wish
from haulage.model.outcome import PassKind, Status
from haulage.operations import bulk, connectors, migration_table, migrations, passes
from haulage.services.registry import service
from tests.connectors.people import ADA, Office

USERS, FILES, HUGE = 20, 20, 20_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_small_users_end_long_before_a_huge_one(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that was listed has one outcome each, of every user and of all."""
    monkeypatch.setenv("HAULAGE_HOME", str(office.home))
    ledger, ends, inside = office.ledger, dict[int, float](), str(tmp_path).lstrip("/")
    office.connect_workspace("company")
    connectors.add(ledger, "here", service("local"), {}, ADA)
    migrations.create(ledger, "m", "here", "company", ADA)
    people = [one["user"] for one in office.people("google-drive", "user")]
    wishes = []
    for number, count in enumerate([HUGE, *[FILES] * USERS]):
        (tmp_path / "here" / f"u{number}").mkdir(parents=True)
        for file in range(count):
            (tmp_path / "here" / f"u{number}" / f"{file}.txt").write_text(f"{number} {file}")
        to = people[0] if number == 0 else people[1 + number % (len(people) - 1)]
        wishes.append(Wish(number, f"{inside}/here/u{number}", f"{to}/My Drive/{number}"))
    migrations.add(ledger, "m", wishes, ADA)
    migration, rows = migration_table.of_name(ledger, "m")
    begun = passes.begin(ledger, migration, rows.ids, PassKind.COPY, ADA, server=False, at_once=2)
    began = time.monotonic()

    def heard(row: TransferRow, event: str, about: object) -> None:
        if event == "ended":
            ends[row.id] = time.monotonic() - began

    asyncio.run(bulk.make(ledger, begun.id, heard))
    last = max(when for row_id, when in ends.items() if row_id != 1)
    print(f"{HUGE:,} files of one after {ends[1]:.1f} s, {USERS} users x {FILES} after {last:.1f} s")
    assert ledger.read(pass_rows.tally, begun.id) == {Status.SUCCESS: USERS + 1}
    assert last < 0.75 * ends[1]
    for row in rows:
        assert row.run is not None
        told = {one["outcome"]: one["items"] for one in ledger.read(work.totals, row.run.id)}
        assert sum(told.values()) == row.run.counts["listed"] == (HUGE if row.id == 1 else FILES)
    assert migration_table.sums(ledger, 1).items == HUGE + USERS * FILES
