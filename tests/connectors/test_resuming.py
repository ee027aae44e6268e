"""An authorisation that ends under a run: the run pauses, and goes on by itself when it is authorised again."""

import time
from pathlib import Path

from haulage.ledger import runs as run_rows
from haulage.operations import connectors
from testbed.sandbox import Sandbox
from tests.connectors.people import Office
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
