"""The vault: secrets sealed with AES-256-GCM under a key file, bound to the connector that they belong to."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from haulage.model.errors import HaulageError

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = b"\x01"


class VaultError(HaulageError):
    """A secret cannot be sealed or opened."""

    code = "vault"
    default_fix = "Restore the vault's key file from a backup, or delete the connector and add it again."
    item_only = False


def sync_folder(folder: Path) -> None:
    """Make the names in it durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Vault:
    """Seals and opens the secrets of connectors.

    A sealed value is version, nonce, a data key of its own wrapped by the master key, and the ciphertext; the
    connector's identity is associated data of both, so a row moved to another connector does not open.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def _master(self, *, make: bool) -> AESGCM:
        try:
            if make and not self._key_file.exists():
                self._make_key()
            mode = self._key_file.stat().st_mode & 0o077
            key = self._key_file.read_bytes()
        except OSError as error:
            raise VaultError(f"the vault's key file {self._key_file} cannot be read: {error.strerror}") from error
        if mode:
            fix = f"Run chmod 600 {self._key_file}."
            raise VaultError(f"the vault's key file {self._key_file} can be read by others", fix)
        if len(key) != KEY_BYTES:
            raise VaultError(f"the vault's key file {self._key_file} does not hold a key of {KEY_BYTES} bytes")
        return AESGCM(key)

    def _make_key(self) -> None:
        """A new key, whole or not at all, never over an existing one."""
        self._key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._key_file.with_name(f".{self._key_file.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):  # another process made it first: that one counts
                os.link(draft, self._key_file)
            sync_folder(self._key_file.parent)  # what is sealed with it may be durable before the name is
        finally:
            draft.unlink()

    def seal(self, values: Mapping[str, str], identity: str) -> bytes:
        """Seal secrets by field name for the connector of that identity. Raises VaultError."""
        master, bound = self._master(make=True), VERSION + identity.encode()
        data_key, wrap_nonce, nonce = AESGCM.generate_key(256), os.urandom(NONCE_BYTES), os.urandom(NONCE_BYTES)
        wrapped = master.encrypt(wrap_nonce, data_key, b"key" + bound)
        body = AESGCM(data_key).encrypt(nonce, msgspec.json.encode(dict(values)), b"secret" + bound)
        return VERSION + wrap_nonce + wrapped + nonce + body

    def open(self, sealed: bytes, identity: str) -> dict[str, str]:
        """What was sealed for that identity. Raises VaultError: wrong key file, altered row, another connector's."""
        bound, wrapped_end = VERSION + identity.encode(), 1 + NONCE_BYTES + KEY_BYTES + 16
        master = self._master(make=False)
        try:
            if sealed[:1] != VERSION or len(sealed) < wrapped_end + NONCE_BYTES:
                raise VaultError("the sealed secret has an unknown form")
            data_key = master.decrypt(
                sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES : wrapped_end], b"key" + bound
            )
            nonce, body = sealed[wrapped_end : wrapped_end + NONCE_BYTES], sealed[wrapped_end + NONCE_BYTES :]
            plain = AESGCM(data_key).decrypt(nonce, body, b"secret" + bound)
        except InvalidTag:
            raise VaultError("the secret was not sealed with this key for this connector") from None
        return msgspec.json.decode(plain, type=dict[str, str])
