"""The vault: what is sealed opens again for its own connector with its own key, and for nothing else."""

import multiprocessing
import os
import stat
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from haulage.connectors.vault import KEY_BYTES, Vault, VaultError

CANARY = "canary-5up3r-53cr37"
MINE = '["live",1,"s3",[["endpoint_url","https://a"]]]'


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """A vault whose key is made at its first use."""
    return Vault(tmp_path / "state" / "vault.key")


def test_what_is_sealed_opens_again(vault: Vault, tmp_path: Path) -> None:
    """In another process too, which has the key file alone."""
    secrets = {"secret_access_key": CANARY, "session_token": "Grüße 日本 \0 \n", "empty": ""}
    sealed = vault.seal(secrets, MINE)
    assert Vault(tmp_path / "state" / "vault.key").open(sealed, MINE) == secrets
    assert CANARY.encode() not in sealed


def test_the_same_secret_is_never_sealed_alike(vault: Vault) -> None:
    """Neither nonce nor data key comes twice, so nobody sees that two connectors share a key."""
    first, second = (vault.seal({"key": CANARY}, MINE) for _ in range(2))
    assert not {first[start : start + 12] for start in range(1, len(first) - 12)} & {
        second[start : start + 12] for start in range(1, len(second) - 12)
    }


@pytest.mark.parametrize(
    "other",
    [
        '["live",2,"s3",[["endpoint_url","https://a"]]]',
        '["live",1,"azure-blob",[["endpoint_url","https://a"]]]',
        '["live",1,"s3",[["endpoint_url","https://evil"]]]',
        '["live",1,"s3",[]]',
        '["sandbox",1,"s3",[["endpoint_url","https://a"]]]',
        "",
    ],
    ids=["another connector", "another service", "another endpoint", "fewer settings", "another realm", "none"],
)
def test_it_opens_for_its_own_identity_only(vault: Vault, other: str) -> None:
    """A row that was moved or altered does not open."""
    sealed = vault.seal({"key": CANARY}, MINE)
    with pytest.raises(VaultError) as caught:
        vault.open(sealed, other)
    assert CANARY not in repr(caught.value) + str(caught.value.fix)


def test_every_altered_byte_is_noticed(vault: Vault) -> None:
    """Also in the wrapped data key, the nonces and the version."""
    sealed = vault.seal({"key": CANARY}, MINE)
    for position in range(len(sealed)):
        altered = sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]
        with pytest.raises(VaultError):
            vault.open(altered, MINE)


@pytest.mark.parametrize("length", [0, 1, 13, 60, 61, 73])
def test_a_cut_value_is_refused(vault: Vault, length: int) -> None:
    """With a sentence, whatever is left of it."""
    with pytest.raises(VaultError):
        vault.open(vault.seal({"key": CANARY}, MINE)[:length], MINE)


def test_another_key_does_not_open(vault: Vault, tmp_path: Path) -> None:
    """A key file of another installation."""
    sealed = vault.seal({"key": CANARY}, MINE)
    other = Vault(tmp_path / "other" / "vault.key")
    other.seal({}, MINE)
    with pytest.raises(VaultError, match="not sealed with this key"):
        other.open(sealed, MINE)


def test_the_key_file_is_private_and_whole(vault: Vault, tmp_path: Path) -> None:
    """0600 in a folder that is 0700, whatever the umask, with nothing left beside it."""
    before = os.umask(0)
    try:
        vault.seal({"key": CANARY}, MINE)
    finally:
        os.umask(before)
    file = tmp_path / "state" / "vault.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert len(file.read_bytes()) == KEY_BYTES
    assert [one.name for one in file.parent.iterdir()] == ["vault.key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(vault: Vault, tmp_path: Path, mode: int) -> None:
    """For sealing and for opening, and the fix says what to do."""
    sealed = vault.seal({"key": CANARY}, MINE)
    file = tmp_path / "state" / "vault.key"
    file.chmod(mode)
    for use in (lambda: vault.open(sealed, MINE), lambda: vault.seal({}, MINE)):
        with pytest.raises(VaultError, match="can be read by others") as caught:
            use()
        assert caught.value.fix == f"Run chmod 600 {file}."
    file.chmod(0o600)
    assert vault.open(sealed, MINE) == {"key": CANARY}


@pytest.mark.parametrize("body", [b"", b"short", b"x" * 33])
def test_a_file_that_holds_no_key_is_refused(vault: Vault, tmp_path: Path, body: bytes) -> None:
    """And left alone: it may be somebody's mistake that can be undone."""
    file = tmp_path / "state" / "vault.key"
    file.parent.mkdir()
    file.touch(0o600)
    file.write_bytes(body)
    with pytest.raises(VaultError, match="does not hold a key"):
        vault.seal({"key": CANARY}, MINE)
    assert file.read_bytes() == body


def test_opening_never_makes_a_key(vault: Vault, tmp_path: Path) -> None:
    """A lost key is told; a new one would only hide the loss."""
    sealed = vault.seal({"key": CANARY}, MINE)
    file = tmp_path / "state" / "vault.key"
    file.unlink()
    with pytest.raises(VaultError, match="cannot be read"):
        vault.open(sealed, MINE)
    assert not file.exists()


def test_neither_the_vault_nor_its_errors_show_a_secret(vault: Vault, tmp_path: Path) -> None:
    """repr, str and arguments."""
    vault.seal({"key": CANARY}, MINE)
    key = (tmp_path / "state" / "vault.key").read_bytes()
    with pytest.raises(VaultError) as caught:
        vault.open(vault.seal({"key": CANARY}, "other"), MINE)
    shown = f"{vault!r} {vault.__dict__} {caught.value!r} {caught.value} {caught.value.__context__!r}"
    assert CANARY not in shown
    assert key.hex() not in shown
    assert repr(key) not in shown


def _seal(key_file: Path, ready: "Barrier", number: int) -> None:
    ready.wait(timeout=30)
    sealed = Vault(key_file).seal({"key": CANARY}, MINE)
    key_file.with_name(f"sealed-{number}").write_bytes(sealed)


def test_processes_that_make_the_key_at_once_agree(tmp_path: Path) -> None:
    """Eight of them: one key is made, and all that was sealed opens with it."""
    spawning = multiprocessing.get_context("fork")
    key_file = tmp_path / "vault.key"
    ready = spawning.Barrier(8)
    workers = [spawning.Process(target=_seal, args=(key_file, ready, number)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 8
    for number in range(8):
        assert Vault(key_file).open((tmp_path / f"sealed-{number}").read_bytes(), MINE) == {"key": CANARY}
    assert sorted(one.name for one in tmp_path.iterdir()) == [*(f"sealed-{n}" for n in range(8)), "vault.key"]
