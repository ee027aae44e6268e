"""Where the vault's master keys come from: a file, the environment, or a program of the operator's (a KMS).

A source gives one key, or several while they are being changed: the first one seals, all of them open.
"""

import base64
import binascii
import contextlib
import os
import secrets
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from haulage.model.errors import HaulageError

KEY_BYTES = 32
MOST_KEYS = 2
COMMAND_SECONDS = 30


class VaultError(HaulageError):
    """A secret cannot be sealed or opened."""

    code = "vault"
    default_fix = "Restore the vault's key file from a backup, or delete the connector and add it again."
    item_only = False


class KeySource(Protocol):
    """Where master keys are."""

    named: str
    """As a person finds it, without the key."""

    def keys(self, *, make: bool) -> list[bytes]:
        """The keys, the one that seals first. make: where there is none yet, one may be made. Raises VaultError."""
        ...


def sync_folder(folder: Path) -> None:
    """Make the names in it durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileKeys:
    """A file of one key, or of the new and the old one; 0600, made at its first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.named = f"the vault's key file {path}"

    def keys(self, *, make: bool) -> list[bytes]:
        """See KeySource."""
        try:
            if make and not self.path.exists():
                self._put(secrets.token_bytes(KEY_BYTES), over=False)
            mode = self.path.stat().st_mode & 0o077
            held = self.path.read_bytes()
        except OSError as error:
            raise VaultError(f"{self.named} cannot be read: {error.strerror}") from error
        if mode:
            raise VaultError(f"{self.named} can be read by others", f"Run chmod 600 {self.path}.")
        if len(held) not in range(KEY_BYTES, MOST_KEYS * KEY_BYTES + 1, KEY_BYTES):
            raise VaultError(f"{self.named} does not hold a key of {KEY_BYTES} bytes")
        return [held[start : start + KEY_BYTES] for start in range(0, len(held), KEY_BYTES)]

    def begin_change(self) -> None:
        """Put a new key before the one that is there; where a change was begun before, go on with that one."""
        held = self.keys(make=True)
        if len(held) < MOST_KEYS:
            self._put(secrets.token_bytes(KEY_BYTES) + held[0], over=True)

    def end_change(self) -> None:
        """Destroy the old key. Nothing may be sealed under it any more."""
        self._put(self.keys(make=False)[0], over=True)
        for left in self.path.parent.glob(f".{self.path.name}.*"):  # of a change that was killed: it holds keys too
            left.unlink(missing_ok=True)

    def _put(self, content: bytes, *, over: bool) -> None:
        """The file, whole or not at all; unless over, never in the place of another one."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            if over:
                draft.replace(self.path)
            else:
                with contextlib.suppress(FileExistsError):  # another process made it first: that one counts
                    os.link(draft, self.path)
            sync_folder(self.path.parent)  # what is sealed with it may be durable before the name is
        finally:
            draft.unlink(missing_ok=True)


class TextKeys:
    """Keys as text: base64 of 32 bytes each, the one that seals first, separated by commas or spaces."""

    def __init__(self, text: str, named: str) -> None:
        self._text = text
        self.named = named

    def __repr__(self) -> str:
        """Without the keys."""
        return f"TextKeys({self.named!r})"

    def keys(self, *, make: bool) -> list[bytes]:
        """See KeySource; such keys are never made here."""
        return _decoded(self._text, self.named)


class CommandKeys:
    """A program of the operator's that prints the keys, as TextKeys are written: a key management service's client."""

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)
        self._keys: list[bytes] | None = None
        self.named = "the program in HAULAGE_VAULT_KEY_COMMAND"

    def keys(self, *, make: bool) -> list[bytes]:
        """See KeySource. Asked once a process: what such a service costs is not paid for every secret."""
        if self._keys is None:
            try:
                ran = subprocess.run(self._words, capture_output=True, timeout=COMMAND_SECONDS, check=True)  # noqa: S603 - the operator's own words
            except (OSError, subprocess.SubprocessError) as error:
                raise VaultError(
                    f"{self.named} failed ({type(error).__name__})", "Run it by hand, and mend it."
                ) from None
            self._keys = _decoded(ran.stdout.decode(errors="replace"), self.named)
        return self._keys


def _decoded(text: str, named: str) -> list[bytes]:
    try:
        keys = [base64.b64decode(one, validate=True) for one in text.replace(",", " ").split()]
    except binascii.Error:
        keys = []
    if not keys or {len(one) for one in keys} != {KEY_BYTES}:
        fix = "Give base64 of 32 random bytes: head -c 32 /dev/urandom | base64"
        raise VaultError(f"{named} does not hold a key of {KEY_BYTES} bytes", fix)
    return keys


def key_source(folder: Path, environment: Mapping[str, str] | None = None) -> KeySource:
    """Where the keys of the installation with that state folder are, by the operator's environment."""
    environment = os.environ if environment is None else environment
    if text := environment.get("HAULAGE_VAULT_KEY"):
        return TextKeys(text, "HAULAGE_VAULT_KEY")
    if command := environment.get("HAULAGE_VAULT_KEY_COMMAND"):
        return CommandKeys(command)
    return FileKeys(Path(environment.get("HAULAGE_VAULT_KEY_FILE") or folder / "vault.key"))
