"""A pass over 500 users with 200 files each: the page stays live, the counters add up, the server stays small."""

import asyncio
import signal
import time
from pathlib import Path

import httpx
import pytest

from haulage.ledger import passes
from haulage.ledger import runs as run_rows
from haulage.ledger.audit import Actor
from haulage.model.mapping import Wish
from haulage.model.outcome import Status
from haulage.operations import connectors, migration_table, migrations
from haulage.services.registry import service
from tests.connectors.people import Office
from tests.web.house import House, Visitor, words
from tests.web.test_restart import claim, up

USERS, ITEMS = 500, 200
LARGEST_BYTES = 500 * 1000 * 1000
SLOWEST_SECONDS = 5.0
"""Of the page while it runs, at worst, on a machine that does other things too."""


def resident(process: int) -> int:
    """How much memory a process has in use, in bytes; Linux tells."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("Linux tells no VmRSS")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("there", ["local", "google-drive"])
async def test_many_users_in_one_pass(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """Each user's outcomes add up to what was listed, and those of all users to all files."""
    monkeypatch.setenv("HAULAGE_HOME", str(office.home))
    ledger, wishes, inside = office.ledger, [], str(tmp_path).lstrip("/")
    for number in range(USERS):
        (tmp_path / "here" / f"u{number}").mkdir(parents=True)
        for item in range(ITEMS):
            (tmp_path / "here" / f"u{number}" / f"{item}.txt").write_text(f"{number} {item}")
        wishes.append(
            Wish(number, f"{inside}/here/u{number}", f"{inside if there == 'local' else 'many'}/there/u{number}")
        )
    took, largest, lived = [], 0, 0
    async with up(office, signal.SIGTERM) as told:
        process = told["process"]
        visitor = Visitor(House(ledger, told["url"], None))  # type: ignore[arg-type] # it runs elsewhere
        await claim(visitor, told)
        connectors.add(ledger, "here", service("local"), {}, Actor("ada", "cli"))
        if there == "local":
            connectors.add(ledger, "there", service("local"), {}, Actor("ada", "cli"))
        else:
            await office.connect(there, office.people(there, "user")[0], "write", "there")
        migrations.create(ledger, "m", "here", "there", Actor("ada", "cli"))
        migrations.add(ledger, "m", wishes, Actor("ada", "cli"))
        visitor.http.timeout = httpx.Timeout(60)
        assert (
            await visitor.post("/migrations/1/begin", kind="copy", every="true", count=str(USERS))
        ).status_code == 303
        began = time.monotonic()
        while ledger.read(passes.get, 1).ended_us is None:
            asked = time.monotonic()
            page = words(await visitor.get("/migrations/1"))
            took.append(time.monotonic() - asked)
            lived += "Migrating 500 users:" in page
            largest = max(largest, resident(process))
            await asyncio.sleep(0.5)
        seconds = time.monotonic() - began
        await visitor.close()
    took.sort()
    told_of = (
        f"{seconds:.0f} s, {largest / 1e6:.0f} MB, page median {took[len(took) // 2]:.3f} s, worst {took[-1]:.3f} s"
    )
    print(f"{USERS} users x {ITEMS} items: {told_of}, {len(took)} pages")
    assert lived >= len(took) - 1 and took[-1] < SLOWEST_SECONDS, told_of
    assert largest < LARGEST_BYTES, told_of
    assert ledger.read(passes.tally, 1) == {Status.SUCCESS: USERS}
    rows = migrations.table(ledger, "m")[1]
    for row in rows:
        assert row.run is not None and row.run.counts["listed"] == ITEMS
        outcomes = (
            "successful",
            "unchanged",
            "skipped",
            "unsupported",
            "failed",
            "changed_at_source",
            "gone_at_source",
        )
        assert sum(row.run.counts[name] for name in outcomes) == ITEMS
    assert len(ledger.read(run_rows.newest, 2 * USERS)) == USERS
    assert migration_table.sums(ledger, 1).items == USERS * ITEMS
