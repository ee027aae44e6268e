"""S12: the master key is changed online; killed anywhere, everything still opens, and the old key is worth nothing."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from haulage.connectors.keys import KEY_BYTES
from haulage.connectors.vault import Vault, VaultError
from haulage.ledger import connectors as rows
from haulage.ledger.audit import PROGRAM
from haulage.ledger.store import Ledger
from haulage.operations import certificates, connectors, vaults
from haulage.services.registry import service
from tests.connectors.doomed import killed

COUNT = 4
KILLS = [
    ("haulage.connectors.keys:FileKeys.begin_change", "before", 1),
    ("haulage.connectors.keys:FileKeys.begin_change", "after", 1),
    ("haulage.connectors.keys:sync_folder", "before", 1),
    ("haulage.connectors.keys:os.fsync", "before", 1),
    ("haulage.connectors.keys:os.fsync", "after", 1),
    ("haulage.ledger.connectors:update", "after", 1),
    ("haulage.ledger.connectors:update", "after", COUNT),
    ("haulage.operations.vaults:_rewrap", "before", 1),
    ("haulage.operations.vaults:_rewrap", "after", 1),
    ("haulage.connectors.keys:FileKeys.end_change", "before", 1),
    ("haulage.connectors.keys:FileKeys.end_change", "after", 1),
    ("haulage.connectors.keys:sync_folder", "before", 2),
]


@pytest.fixture
def signing() -> list[str]:
    """The public key of the installation, once there is one."""
    return []


@pytest.fixture
def state(tmp_path: Path, signing: list[str]) -> Iterator[Path]:
    """A ledger with some connectors of keys."""
    folder = tmp_path / "state"
    ledger = Ledger.open(folder / "ledger.db")
    for number in range(COUNT):
        connectors.add(ledger, f"c{number}", service("s3"), {"access_key_id": "A", "secret_access_key": secret(number)})
    signing.append(certificates.public_key(ledger))
    ledger.close()
    yield folder


def secret(number: int) -> str:
    return f"canary-secret-of-{number}"


def rotate(state: Path) -> None:
    ledger = Ledger.open(state / "ledger.db")
    vaults.rotate(ledger, PROGRAM)
    ledger.close()


def everything_opens(state: Path, signing: list[str]) -> None:
    ledger = Ledger.open(state / "ledger.db")
    try:
        vaults.ready(ledger)
        for number in range(COUNT):
            assert connectors.settings_of(ledger, f"c{number}")[1]["secret_access_key"] == secret(number)
        assert [certificates.public_key(ledger)] == signing
    finally:
        ledger.close()


def test_killed_twelve_times(state: Path, signing: list[str]) -> None:
    """One after the other, each going on from what the one before left; then once to its end."""
    first = (state / "vault.key").read_bytes()
    drafts = 0
    for where, when, call in KILLS:
        killed(where, when, lambda: rotate(state), call)
        everything_opens(state, signing)
        drafts += len(list(state.glob(".vault.key.*")))
    assert drafts
    rotate(state)
    everything_opens(state, signing)
    now = (state / "vault.key").read_bytes()
    assert len(now) == KEY_BYTES
    assert now != first
    assert [one.name for one in state.iterdir() if "vault.key" in one.name] == ["vault.key"]  # no draft with a key
    old = state.parent / "old.key"
    old.touch(0o600)
    old.write_bytes(first)
    ledger = Ledger.open(state / "ledger.db")
    sealed = ledger.read(rows.get, "c0").sealed
    ledger.close()
    assert sealed is not None
    with pytest.raises(VaultError, match="not sealed with this key"):
        Vault(old).ready(sealed)


async def test_used_while_it_changes(state: Path) -> None:
    """Online: whoever opens a secret while the key changes finds it, every time."""
    ledger = Ledger.open(state / "ledger.db")

    def use() -> int:
        return sum(connectors.settings_of(ledger, "c1")[1]["secret_access_key"] == secret(1) for _ in range(60))

    def change() -> None:
        for _ in range(5):
            rotate(state)

    found, _ = await asyncio.gather(asyncio.to_thread(use), asyncio.to_thread(change))
    assert found == 60
    ledger.close()


def test_no_key_no_start(state: Path) -> None:
    """S11: another key, or none: said in one sentence, and none is made in its place."""
    file = state / "vault.key"
    file.rename(state.parent / "kept")
    ledger = Ledger.open(state / "ledger.db")
    with pytest.raises(VaultError, match="cannot be read"):
        vaults.ready(ledger)
    assert not file.exists()
    file.touch(0o600)
    file.write_bytes(b"x" * KEY_BYTES)
    with pytest.raises(VaultError, match="not sealed with this key"):
        vaults.ready(ledger)
    ledger.close()
