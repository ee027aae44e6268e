"""A running sandbox, and the record of which clients that we did not write have exercised which endpoint."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.sandbox import Sandbox

WITNESSES = Path(__file__).resolve().parents[2] / "docs" / "witnesses.tsv"
RECORD = "HAULAGE_RECORD_WITNESSES"


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """All services, 12 people, seed 7, no quotas."""
    with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox; faults, latency and quotas that a test sets are gone afterwards."""
    yield shared_sandbox
    shared_sandbox.no_faults()
    shared_sandbox.settings(latency_seconds=0, quotas_off=True)


@pytest.fixture
def witness(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[str]:
    """For a test in which a client that we did not write calls the sandbox: param = its name ("rclone 1.75").

    Afterwards every endpoint that docs/witnesses.tsv says this test exercises must have been answered without an
    error. With HAULAGE_RECORD_WITNESSES=1 (and -n 0) the file is brought up to date instead.
    """
    name, test = str(request.param), request.node.nodeid.split("[")[0]
    begun = sandbox.calls
    yield name
    seen = {(one["service"], one["operation"]) for one in sandbox.history(after=begun) if 0 < one["status"] < 400}
    rows = {tuple(line.split("\t")) for line in WITNESSES.read_text().splitlines()} if WITNESSES.exists() else set()
    mine = {(service, operation) for service, operation, _, where in rows if where == test}
    if os.environ.get(RECORD):
        others = {row for row in rows if row[3] != test}
        made = {(service, operation, name, test) for service, operation in seen}
        WITNESSES.write_text("".join("\t".join(row) + "\n" for row in sorted(others | made)))
    else:
        assert seen, "the witness called nothing"
        assert mine, f"docs/witnesses.tsv has no row of {test}: run it with {RECORD}=1 and -n 0"
        assert mine <= seen, f"recorded for this test, but not exercised by it: {sorted(mine - seen)}"
