"""`haulage up` killed, or stopped, in the middle of a copy: when it begins again, the copy goes on by itself."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from haulage.ledger import passes
from haulage.ledger import runs as run_rows
from haulage.ledger.audit import Actor
from haulage.model.mapping import Wish
from haulage.model.outcome import Status
from haulage.operations import connectors, migrations
from haulage.operations.running import STOPPED
from haulage.services.registry import service
from tests.connectors.people import Office
from tests.e2e.program import PROGRAM
from tests.web.house import PASSWORD, House, Visitor
from tests.web.test_going_on import ended, until


@asynccontextmanager
async def up(office: Office, how: signal.Signals) -> AsyncIterator[dict[str, Any]]:
    """A process of it: what it says of itself. In the end that signal is sent."""
    environment = {**os.environ, "HAULAGE_HOME": str(office.home)}
    words = ("up", "--json", "--port", "0", "--no-browser")
    process = await asyncio.create_subprocess_exec(*PROGRAM, *words, env=environment, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        yield {**told, "process": process.pid}
    finally:
        process.send_signal(how)
        await asyncio.wait_for(process.wait(), 60)


async def claim(visitor: Visitor, told: dict[str, Any]) -> None:
    """Ada begins, as the first administrator."""
    link = urlsplit(told["claim"]).path
    await visitor.get(link)
    await visitor.post(link, name="ada", password=PASSWORD, again=PASSWORD)
    await visitor.get("/wizard")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_copy_goes_on_after_a_restart(
    office: Office, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """Nothing is sent twice but what was under way; whoever started it is named in the audit trail."""
    monkeypatch.setenv("HAULAGE_HOME", str(office.home))
    account = office.people("onedrive-business", "user")[0]
    await office.connect("onedrive-business", account, name="work")
    await office.connect("google-drive", office.people("google-drive", "user")[0], "write", name="home")
    office.sandbox.settings(service="google", latency_seconds=1)
    try:
        async with up(office, how) as told:
            visitor = Visitor(House(office.ledger, told["url"], None))  # type: ignore[arg-type] # it runs elsewhere
            await claim(visitor, told)
            to = f"home:/My Drive/{how.name}"
            begun = await visitor.post("/wizard/start", source="work:/", destination=to)
            assert begun.headers["location"] == "/runs/1"
            await until(lambda: office.ledger.read(run_rows.get, 1).counts.get("successful"))
            await visitor.close()
    finally:
        office.sandbox.settings(service="google", latency_seconds=0)
    left = office.ledger.read(run_rows.get, 1)
    assert (left.message, left.status) == (
        (STOPPED, Status.PAUSED) if how == signal.SIGTERM else (None, Status.RUNNING)
    )
    async with up(office, signal.SIGTERM):
        again = await until(lambda: ended(office.ledger, 2), 180)
    assert again.status in (Status.SUCCESS, Status.UNSUPPORTED_ITEMS)
    assert again.counts["unchanged"] + again.counts["adopted"] >= left.counts["successful"] > 0


USERS, FILES = 30, 40


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_pass_goes_on_after_restarts(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """30 users, and two processes that end in the middle: every user ends exactly once, every file is there once."""
    monkeypatch.setenv("HAULAGE_HOME", str(office.home))
    ledger = office.ledger
    wishes = []
    for number in range(USERS):
        (tmp_path / "here" / f"user{number}").mkdir(parents=True)
        for file in range(FILES):
            (tmp_path / "here" / f"user{number}" / f"{file}.txt").write_text(f"{number} {file}")
        inside = str(tmp_path).lstrip("/")
        wishes.append(Wish(number, f"{inside}/here/user{number}", f"{inside}/there/user{number}"))
    started = 0

    def some_ended() -> bool:
        told = ledger.read(passes.tally, 1)
        return told.get(Status.SUCCESS, 0) > started and told.get(Status.RUNNING, 0) > 0

    async with up(office, how) as told:
        visitor = Visitor(House(ledger, told["url"], None))  # type: ignore[arg-type] # it runs elsewhere
        await claim(visitor, told)
        for name in ("here", "there"):
            connectors.add(ledger, name, service("local"), {}, Actor("ada", "cli"))
        migrations.create(ledger, "m", "here", "there", Actor("ada", "cli"))
        migrations.add(ledger, "m", wishes, Actor("ada", "cli"))
        begun = await visitor.post("/migrations/1/begin", kind="copy", every="true", count=str(USERS))
        assert begun.status_code == 303
        await visitor.close()
        await until(some_ended)
    started = ledger.read(passes.tally, 1)[Status.SUCCESS]
    assert 0 < started < USERS and ledger.read(passes.get, 1).ended_us is None
    async with up(office, how):
        await until(some_ended)
    async with up(office, signal.SIGTERM):
        await until(lambda: ledger.read(passes.get, 1).ended_us, 180)
    told = ledger.read(passes.tally, 1)  # one whose last commit was in time had nothing left to copy
    assert set(told) <= {Status.SUCCESS, Status.NOTHING_TO_COPY} and sum(told.values()) == USERS
    for row in migrations.table(ledger, "m")[1]:
        assert row.run is not None and row.run.ended_us is not None and row.place is None
        assert row.run.counts["listed"] == row.run.counts["successful"] + row.run.counts["unchanged"] == FILES
    assert len(list((tmp_path / "there").rglob("*.txt"))) == USERS * FILES
