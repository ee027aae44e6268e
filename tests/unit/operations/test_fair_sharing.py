"""One huge user and many small ones in a pass with few places: the small ones do not wait for the huge one."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from haulage.ledger import passes as pass_rows
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import TransferRow
from haulage.ledger.store import Ledger
from haulage.model.mapping import Wish
from haulage.model.outcome import PassKind, Status
from haulage.operations import bulk, connectors, migration_table, migrations, passes
from haulage.services.registry import service

ME = Actor("me", "test")
COUNTED = ("successful", "unchanged", "skipped", "unsupported", "failed", "changed_at_source", "gone_at_source")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """Two connectors, and a migration between them without users."""
    monkeypatch.setenv("HAULAGE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    opened = Ledger.open(tmp_path / "home" / "ledger.db")
    for name in ("here", "there"):
        connectors.add(opened, name, service("local"), {}, ME)
    migrations.create(opened, "m", "here", "there", ME)
    yield opened
    opened.close()


class Crowd(msgspec.Struct, frozen=True):
    """Who there is: a huge user, begun first, and small ones. bandwidth: of each, in bytes a second."""

    huge: int = 100
    size: int = 10_000
    users: int = 4
    files: int = 5
    bandwidth: int | None = 100_000

    def fill(self, ledger: Ledger, folder: Path) -> None:
        """With files at the source, and rows in the table."""
        inside, wishes = str(folder).lstrip("/"), []
        for number, count in enumerate([self.huge, *[self.files] * self.users]):
            for part in range(0, count, 500):
                into = folder / "here" / f"u{number}" / str(part)
                into.mkdir(parents=True)
                for file in range(part, min(part + 500, count)):
                    (into / f"{file}.txt").write_text(f"{number} {file}".ljust(self.size if number == 0 else 0))
            wishes.append(Wish(number, f"{inside}/here/u{number}", f"{inside}/there/u{number}"))
        migrations.add(ledger, "m", wishes, ME)


async def made(ledger: Ledger, crowd: Crowd, at_once: int) -> dict[int, float]:
    """Make a pass over all of them. When each ended, in seconds since the beginning."""
    began, ends = time.monotonic(), dict[int, float]()

    def heard(row: TransferRow, event: str, about: object) -> None:
        if event == "ended":
            ends[row.id] = time.monotonic() - began

    migration, rows = migration_table.of_name(ledger, "m")
    how: dict[str, Any] = {"at_once": at_once, "bandwidth": crowd.bandwidth}
    begun = passes.begin(ledger, migration, rows.ids, PassKind.COPY, ME, server=False, **how)
    await bulk.make(ledger, begun.id, heard)
    assert ledger.read(pass_rows.tally, begun.id) == {Status.SUCCESS: crowd.users + 1}
    return ends


def consistent(ledger: Ledger, folder: Path, crowd: Crowd) -> None:
    """Outcomes add up to what was listed, of each user and of all, and everything is there."""
    files = 0
    for row in migration_table.of_name(ledger, "m")[1]:
        assert row.run is not None and row.transfer_id is not None
        told = ledger.read(work.totals, row.run.id)
        counts = ledger.read(run_rows.get, row.run.id).counts
        assert sum(counts[name] for name in COUNTED) == counts["listed"] == sum(one["items"] for one in told)
        there = sum(1 for one in (folder / "there" / f"u{row.id - 1}").rglob("*.txt") if one.is_file())
        assert there == (crowd.huge if row.id == 1 else crowd.files)
        files += there
    assert migration_table.sums(ledger, 1).complete == crowd.users + 1
    assert files == crowd.huge + crowd.users * crowd.files


ISSUE = Crowd(20_000, 0, 20, 20, None)
"""As issues have it; as quick as the disk is."""
SLOW = (pytest.mark.slow, pytest.mark.timeout(1800))


@pytest.mark.parametrize("crowd", [Crowd(), pytest.param(ISSUE, marks=SLOW)])
def test_small_users_end_long_before_a_huge_one(ledger: Ledger, tmp_path: Path, crowd: Crowd) -> None:
    """Two places, one of which the huge user has all the time: the other is enough for all."""
    crowd.fill(ledger, tmp_path)
    ends = asyncio.run(made(ledger, crowd, 2))
    last = max(ends[row_id] for row_id in ends if row_id != 1)
    print(f"{crowd.huge:,} files after {ends[1]:.1f} s, {crowd.users} users x {crowd.files} after {last:.1f} s")
    assert last < 0.8 * ends[1]
    consistent(ledger, tmp_path, crowd)


def test_one_place_alone_is_shared_too(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has it for long gets no more than that: another place is opened for the others."""
    monkeypatch.setattr(bulk, "LONG_SECONDS", 0.2)
    monkeypatch.setattr(bulk, "LOOK_SECONDS", 0.1)
    crowd = Crowd()
    crowd.fill(ledger, tmp_path)
    ends = asyncio.run(made(ledger, crowd, 1))
    assert max(ends, key=lambda row_id: ends[row_id]) == 1
    consistent(ledger, tmp_path, crowd)
