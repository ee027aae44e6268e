"""The vault: secrets sealed with AES-256-GCM under a master key, bound to the connector that they belong to."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from haulage.connectors.keys import KEY_BYTES, FileKeys, KeySource, VaultError

__all__ = ["KEY_BYTES", "Vault", "VaultError"]

NONCE_BYTES = 12
NAME_BYTES = 8
VERSION = b"\x02"
WRAPPED_BYTES = KEY_BYTES + 16
HEAD_BYTES = 1 + NAME_BYTES + NONCE_BYTES + WRAPPED_BYTES


def key_name(key: bytes) -> bytes:
    """How a sealed value names its master key, without telling anything of it."""
    return hashlib.sha256(b"haulage vault key" + key).digest()[:NAME_BYTES]


class Vault:
    """Seals and opens the secrets of connectors.

    A sealed value is version, name of the master key, nonce, a data key of its own wrapped by the master key, nonce,
    and the ciphertext; the connector's identity is associated data of both, so a row moved to another connector does
    not open. Seal inside a write transaction: then a change of the master key is either before it or after it.
    """

    def __init__(self, source: KeySource | Path) -> None:
        self.source = FileKeys(source) if isinstance(source, Path) else source

    def seal(self, values: Mapping[str, str], identity: str) -> bytes:
        """Seal secrets by field name for the connector of that identity. Raises VaultError."""
        data_key, nonce = AESGCM.generate_key(256), os.urandom(NONCE_BYTES)
        head = self._wrapped(data_key, identity, make=True)
        return (
            head
            + nonce
            + AESGCM(data_key).encrypt(nonce, msgspec.json.encode(dict(values)), _bound(b"secret", identity))
        )

    def open(self, sealed: bytes, identity: str) -> dict[str, str]:
        """What was sealed for that identity. Raises VaultError: wrong key, altered row, another connector's."""
        data_key = self._unwrapped(sealed, identity)
        nonce, body = sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES], sealed[HEAD_BYTES + NONCE_BYTES :]
        try:
            plain = AESGCM(data_key).decrypt(nonce, body, _bound(b"secret", identity))
        except InvalidTag:
            raise VaultError("the secret was not sealed with this key for this connector") from None
        return msgspec.json.decode(plain, type=dict[str, str])

    def rewrapped(self, sealed: bytes, identity: str) -> bytes:
        """The same secret under the newest master key; its ciphertext stays. Raises VaultError."""
        if sealed[1 : 1 + NAME_BYTES] == key_name(self.source.keys(make=False)[0]):
            return sealed
        data_key = self._unwrapped(sealed, identity)
        return self._wrapped(data_key, identity, make=False) + sealed[HEAD_BYTES:]

    def ready(self, sealed: bytes | None) -> None:
        """Raises VaultError unless what is sealed already can be opened here: no key, no start (S11)."""
        if sealed is not None:
            self._key_of(sealed)

    def _key_of(self, sealed: bytes) -> bytes:
        name = sealed[1 : 1 + NAME_BYTES]
        found = next((key for key in self.source.keys(make=False) if key_name(key) == name), None)
        if found is None:
            raise VaultError("the secret was not sealed with this key for this connector")
        return found

    def _wrapped(self, data_key: bytes, identity: str, *, make: bool) -> bytes:
        master, nonce = self.source.keys(make=make)[0], os.urandom(NONCE_BYTES)
        head = VERSION + key_name(master)
        return head + nonce + AESGCM(master).encrypt(nonce, data_key, head + _bound(b"key", identity))

    def _unwrapped(self, sealed: bytes, identity: str) -> bytes:
        if sealed[:1] != VERSION or len(sealed) < HEAD_BYTES + NONCE_BYTES:
            raise VaultError("the sealed secret has an unknown form")
        master, head = self._key_of(sealed), sealed[: 1 + NAME_BYTES]
        nonce, wrapped = sealed[len(head) : len(head) + NONCE_BYTES], sealed[len(head) + NONCE_BYTES : HEAD_BYTES]
        try:
            return AESGCM(master).decrypt(nonce, wrapped, head + _bound(b"key", identity))
        except InvalidTag:
            raise VaultError("the secret was not sealed with this key for this connector") from None


def _bound(kind: bytes, identity: str) -> bytes:
    return kind + VERSION + identity.encode()
