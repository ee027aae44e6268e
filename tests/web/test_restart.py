"""`haulage up` killed, or stopped, in the middle of a copy: when it begins again, the copy goes on by itself."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from haulage.ledger import runs as run_rows
from haulage.model.outcome import Status
from haulage.operations.running import STOPPED
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
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    finally:
        process.send_signal(how)
        await asyncio.wait_for(process.wait(), 60)


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
            link = urlsplit(told["claim"]).path
            await visitor.get(link)
            await visitor.post(link, name="ada", password=PASSWORD, again=PASSWORD)
            await visitor.get("/wizard")
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
