"""Where the state lives: one folder for the ledger, the vault's key, locks and logs."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from haulage.ledger.store import Ledger
from haulage.model.errors import AlreadyRunning, DiskFull, LedgerUnusable

LOCK_ATTEMPTS = 3
LOCK_PAUSE_SECONDS = 0.02


def home() -> Path:
    """HAULAGE_HOME, else haulage in the XDG state folder."""
    if chosen := os.environ.get("HAULAGE_HOME"):
        return Path(chosen).expanduser().absolute()
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "haulage"


def open_ledger() -> Ledger:
    """The ledger of this home. Raises LedgerUnusable, DiskFull."""
    return Ledger.open(home() / "ledger.db")


@contextmanager
def transfer_lock(transfer_id: int) -> Iterator[None]:
    """Hold a transfer for this process; the system lets go of it when the process ends, however it ends.

    Raises AlreadyRunning at once if another process holds it.
    """
    with _lock(f"transfer-{transfer_id}", "this transfer"):
        yield


@contextmanager
def pass_lock(pass_id: int) -> Iterator[None]:
    """Hold a pass over a migration likewise."""
    with _lock(f"pass-{pass_id}", "this pass"):
        yield


@contextmanager
def _lock(name: str, called: str) -> Iterator[None]:
    folder = home() / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space left on the disk of the state folder {home()}") from error
        raise LedgerUnusable(f"the state folder {home()} cannot be written: {error.strerror}") from error
    try:
        _take(descriptor, called)
        with suppress(OSError):  # a full disk: the lock holds without its holder's name
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, called: str) -> None:
    """Take the lock, or raise AlreadyRunning. Whoever only looks (`_held`) has it for an instant: try again."""
    for attempt in range(LOCK_ATTEMPTS):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt + 1 < LOCK_ATTEMPTS:
                time.sleep(LOCK_PAUSE_SECONDS)
    holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
    raise AlreadyRunning(f"{called} is already running (process {holder or 'unknown'})")


def transfer_held(transfer_id: int) -> bool:
    """Whether a process of this machine is running the transfer just now."""
    return _held(f"transfer-{transfer_id}")


def pass_held(pass_id: int) -> bool:
    """Whether a process of this machine makes the pass just now."""
    return _held(f"pass-{pass_id}")


def _held(name: str) -> bool:
    try:
        descriptor = os.open(home() / "locks" / name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LedgerUnusable(f"the state folder {home()} cannot be read: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
