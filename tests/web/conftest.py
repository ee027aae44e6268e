"""A server for each test; the sandbox's fixtures are those of the connectors' tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from haulage.ledger.store import Ledger
from haulage.operations import passwords
from tests.connectors.conftest import office, sandbox, shared_sandbox
from tests.web.house import House, served

__all__ = ["office", "sandbox", "shared_sandbox"]


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2id with the least memory and time there is: these tests hash many passwords."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A server with an empty ledger."""
    home = tmp_path / "state"
    monkeypatch.setenv("HAULAGE_HOME", str(home))
    ledger = Ledger.open(home / "ledger.db")
    try:
        async with served(ledger) as running:
            yield running
    finally:
        ledger.close()
