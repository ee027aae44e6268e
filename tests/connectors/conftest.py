"""One sandbox for all tests of a worker, and an installation of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.sandbox import Sandbox
from tests.connectors.people import Office


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """All services, 12 people, no quotas."""
    with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox; faults that a test sets are gone afterwards."""
    yield shared_sandbox
    shared_sandbox.no_faults()


@pytest.fixture
def office(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An installation that waits for nobody long; in the end none of its files may hold a secret that was seen."""
    monkeypatch.setenv("HAULAGE_BACKOFF_SECONDS", "0.02")
    monkeypatch.setenv("HAULAGE_ATTEMPTS", "4")
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    made = Office(folder, sandbox)
    yield made
    leaks = made.leaks()
    made.ledger.close()
    assert leaks == []
