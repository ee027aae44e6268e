"""An authorisation that ends under a run: the run pauses, and goes on by itself when it is authorised again."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger import connectors as rows
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.model.errors import NeedsReauthorisation
from haulage.model.outcome import OutcomeKind
from haulage.operations import authorise, browsing, connectors, transfers
from haulage.operations.authorise import Kept
from haulage.operations.locations import Given
from haulage.operations.transfers import Ended
from testbed.sandbox import Sandbox
from tests.connectors.people import VENDORS, Office
from tests.connectors.terminal import Terminal


def files(folder: Path) -> set[Path]:
    """Whole files below it."""
    return {one for one in folder.rglob("*") if one.is_file() and not one.name.startswith(".haulage")}


def until_some(folder: Path, count: int) -> None:
    """Wait for that many files."""
    end = time.monotonic() + 60
    while len(files(folder)) < count:
        assert time.monotonic() < end, files(folder)
        time.sleep(0.02)


def test_revoked_at_the_service_in_the_middle_of_a_run(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    """T64, F21: noticed at the next call; the run is paused, nothing has failed, and nothing is sent twice."""
    haulage, account = Terminal(office), office.people("dropbox", "user")[0]
    assert haulage.add("dropbox", "mine", account, "--paste").code == 0
    target = tmp_path / "there"
    target.mkdir()
    sandbox.settings(service="dropbox", latency_seconds=0.1)
    try:
        running = haulage.start("copy", "mine:/", str(target), "--json")
        until_some(target, 3)
        sandbox.do("dropbox", "revoke_grant", user=account["user"])
        out, _ = running.communicate(timeout=120)
    finally:
        sandbox.settings(service="dropbox", latency_seconds=0)
    assert running.returncode == 4
    assert '"status":311' in out
    assert "haulage connectors reauthorize mine" in out
    (paused,) = office.ledger.read(run_rows.newest, 5)
    assert paused.counts["failed"] == 0
    shown = connectors.one(office.ledger, "mine")
    assert shown["state"] == "needs_reauthorisation"
    assert [one["event"] for one in shown["history"]].count("connector lose") == 1
    refused = haulage("copy", "mine:/", str(target))
    assert (refused.code, "haulage connectors reauthorize mine" in refused.err) == (4, True)

    again = haulage.sign_in(("connectors", "reauthorize", "mine", "--paste"), account)
    assert again.code == 0, again.err + again.out
    assert again.ended["status"] in (100, 102)
    counts, done = again.counts, paused.counts["successful"]
    assert (counts["failed"], counts["unchanged"]) == (0, done)
    assert counts["successful"] == counts["listed"] - counts["unsupported"] - done > 0


ROLES = {"office365": "admin", "box-enterprise": "admin", "dropbox-business": "admin"}
ALWAYS = ("box", "google-drive", "onedrive-business", "egnyte")
LONG = ("onedrive", "office365", "box-enterprise", "dropbox-business")
EVERY = [*ALWAYS, *(pytest.param(one, marks=pytest.mark.slow) for one in LONG)]


async def until(folder: Path, count: int, running: "asyncio.Task[Ended]") -> None:
    """Wait for that many files, while the run goes on."""
    async with asyncio.timeout(60):
        while len(files(folder)) < count:
            assert not running.done(), running.result()
            await asyncio.sleep(0.01)


async def place_with_files(office: Office, name: str) -> str:
    """A location that holds some: the drive itself, or the first of its users' that does."""
    found = await browsing.browse(office.ledger, f"{name}:/")
    for root in found.roots or [""]:
        items = (await browsing.browse(office.ledger, f"{name}:/{root}")).items
        if len(items) >= 4:
            return f"{name}:/{root}"
    raise AssertionError(f"nothing to copy in {found.roots}")


REFUSED_BY_THE_SERVICE = {"blocked", "permission"}
"""Some generated files may not be read by anybody."""


def failures(office: Office, ended: Ended) -> set[str]:
    """The codes of what failed in a run."""
    found, _ = office.ledger.read(work.outcome_page, ended.run.id, work.Search("", (OutcomeKind.FAILED,)))
    return {one.code or "" for one in found}


async def lost_in_the_middle(
    office: Office, kept: Kept, account: dict[str, Any], source: str, target: str, seen: Path
) -> Ended:
    """Copy, and end the authorisation at the service when two files have come to `seen`; how the run ended."""
    vendor = VENDORS[kept.row.service]
    office.sandbox.settings(service=vendor, latency_seconds=0.1)
    try:
        sides = Given(source, "source"), Given(target, "destination")
        running = asyncio.create_task(transfers.copy(office.ledger, *sides, Options(), Watch()))
        await until(seen, 2, running)
        for deed in ("revoke_grant", "expire_tokens"):
            office.sandbox.do(vendor, deed, user=account["user"])
        return await running
    finally:
        office.sandbox.settings(service=vendor, latency_seconds=0)


@pytest.mark.parametrize("service_id", EVERY)
async def test_lost_while_it_is_read(office: Office, sandbox: Sandbox, service_id: str, tmp_path: Path) -> None:
    """F21 at every service whose files are reached: paused, marked, nothing failed; then from where it stood."""
    account = office.people(service_id, ROLES.get(service_id, "user"))[0]
    kept = await office.connect(service_id, account, name="mine")
    source, target = await place_with_files(office, "mine"), tmp_path / "there"
    target.mkdir()
    ended = await lost_in_the_middle(office, kept, account, source, str(target), target)
    assert int(ended.status) == 311
    assert failures(office, ended) <= REFUSED_BY_THE_SERVICE
    assert isinstance(ended.stopped, NeedsReauthorisation)
    assert office.ledger.read(rows.by_id, kept.row.id).state == "needs_reauthorisation"
    done = ended.run.counts["successful"]

    before = sandbox.calls
    with pytest.raises(NeedsReauthorisation):  # nobody starts what cannot work
        await transfers.copy(
            office.ledger, Given(source, "source"), Given(str(target), "destination"), Options(), Watch()
        )
    assert sandbox.calls == before
    await office.sign_in(authorise.again(office.ledger, "mine", {}), account)
    ((first, second, options),) = transfers.paused_for(office.ledger, kept.row.id)
    again = await transfers.copy(office.ledger, first, second, options, Watch())
    counts = again.run.counts
    assert counts["unchanged"] == done
    assert counts["successful"] > 0
    assert failures(office, again) <= REFUSED_BY_THE_SERVICE
    assert transfers.paused_for(office.ledger, kept.row.id) == []
