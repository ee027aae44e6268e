"""Safe opening: every folder is opened by name in the one above it, and a symlink is never followed (S22, S23).

All of this blocks and runs in threads. It raises OSError as the system gave it; `reading` and `writing` say what
that means to the engine.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from haulage.model.errors import (
    Blocked,
    Conflict,
    Denied,
    DiskFailed,
    DiskFull,
    Gone,
    HaulageError,
    NameRefused,
    Refused,
    RootGone,
    TooLarge,
    Transient,
)

_O_PATH: int = getattr(os, "O_PATH", os.O_RDONLY)
THROUGH = _O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

UNFINISHED = re.compile(r"\.haulage-[0-9a-f]{32}\.part")
"""The names of our unfinished files; such a name is never listed and never accepted."""


class OutsideRoot(Exception):
    """A path that could not stand below any root, or that is kept for our own unfinished files."""


def split(path: str) -> list[str]:
    """The parts of a path below the root; "" has none. Raises OutsideRoot."""
    parts = path.split("/") if path else []
    for part in parts:
        if part in ("", ".", "..") or "\0" in part or UNFINISHED.fullmatch(part):
            raise OutsideRoot(f"{path!r} is no path below a folder")
    if not path.isascii() and not is_utf8(path):
        raise OutsideRoot(f"{path!r} cannot be written as UTF-8")
    return parts


def split_file(path: str) -> tuple[list[str], str]:
    """The folders above a file, and its name. Raises OutsideRoot."""
    parts = split(path)
    if not parts:
        raise OutsideRoot("the root folder is no file")
    return parts[:-1], parts[-1]


def is_utf8(name: str) -> bool:
    """False for a name whose bytes Python could not decode, and for lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class Tree:
    """The folders below one root. The root may be a symlink itself; it is resolved once and then held open,

    so that a share that is unmounted during a run is not mistaken for the folder under its mount point.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._lock = Lock()
        self._making = Lock()
        self._root_fd: int | None = None

    @contextmanager
    def folder(self, parts: list[str], *, make: bool = False, flags: int = FOLDER) -> Iterator[int]:
        """An open folder. make: folders that are missing are made, and are durable when `settle` returns."""
        held = self._hold()
        opened = -1
        try:
            if not parts:
                _refuse_removed(self.root, held)
            for number, part in enumerate(parts, 1):
                how = flags if number == len(parts) else THROUGH
                below = self._enter(part, held if opened < 0 else opened, how, make)
                if opened >= 0:
                    os.close(opened)
                opened = below
            yield held if opened < 0 else opened
        except FileNotFoundError:
            _refuse_removed(self.root, held)
            raise
        finally:
            if opened >= 0:
                os.close(opened)

    def settle(self) -> None:
        """Return when every folder that any thread has made so far is durable."""
        with self._making:
            pass

    def close(self) -> None:
        """Let go of the root; it is opened again when it is needed."""
        with self._lock:
            if self._root_fd is not None:
                os.close(self._root_fd)
                self._root_fd = None

    def _hold(self) -> int:
        with self._lock:
            if self._root_fd is None:
                try:
                    self._root_fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                except (FileNotFoundError, NotADirectoryError) as error:
                    raise RootGone(f"the folder {self.root} is not there: {error.strerror}") from error
            return self._root_fd

    def _enter(self, part: str, above: int, how: int, make: bool) -> int:
        try:
            return os.open(part, how, dir_fd=above)
        except FileNotFoundError:
            if not make:
                raise
        with self._making:
            with suppress(FileExistsError):
                os.mkdir(part, 0o777, dir_fd=above)
            sync_folder(above)
        return os.open(part, how, dir_fd=above)


def _refuse_removed(root: str, held: int) -> None:
    """A folder that was removed while it is open looks empty; for the root that must never pass as the truth."""
    if os.fstat(held).st_nlink == 0:
        raise RootGone(f"the folder {root} was removed")


def sync_folder(folder: int) -> None:
    """Make what was made, renamed or removed in the folder durable. `folder` may be open for passing through only."""
    opened = os.open(".", FOLDER, dir_fd=folder)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def make_root(root: str) -> None:
    """Make the root folder and those above it, durably; being there already is fine."""
    missing = []
    here = Path(root)
    while not here.exists():
        missing.append(here)
        here = here.parent
    if not here.is_dir():
        raise Refused(f"{here} is a file, not a folder", "Name a folder.")
    for folder in reversed(missing):
        if folder.is_symlink():
            raise RootGone(f"{folder} is a symlink that leads nowhere")
        folder.mkdir(exist_ok=True)
        above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(above)
        finally:
            os.close(above)


def revision(found: os.stat_result) -> str:
    """Size, time and inode. Not the time of the last change of attributes: chmod and hard links would touch it."""
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}"


def node_id(found: os.stat_result) -> str:
    """What stays the same when a node is renamed."""
    return f"{found.st_dev}:{found.st_ino}"


def kind_of_other(mode: int) -> str:
    """The word for what is neither a file nor a folder."""
    kinds = {
        stat.S_IFLNK: "symlink",
        stat.S_IFIFO: "fifo",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "character device",
        stat.S_IFBLK: "block device",
    }
    return kinds.get(stat.S_IFMT(mode), "unknown kind of node")


_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_THE_WAY = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENOTEMPTY}
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EILSEQ, errno.ENXIO}
_PASSING = {
    errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EBUSY, errno.ESTALE, errno.ETIMEDOUT,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOTCONN, errno.ECONNRESET, errno.EINTR,
}  # fmt: skip


def reading(error: OSError, path: str) -> HaulageError:
    """What a failed call means when it looked or read."""
    said = f"{path!r}: {error.strerror or error}"
    if error.errno in _DENIED:
        return Denied(said, "Let the account that runs Haulage read it, then run the same command again.")
    if error.errno in _NOT_THERE:
        return Gone(said)
    if error.errno == errno.EIO:
        return Blocked(said, "The disk or share failed to read it: check its health, then run the same command again.")
    return Transient(said) if error.errno in _PASSING else HaulageError(said)


def writing(error: OSError, path: str) -> HaulageError:
    """What a failed call means when it wrote. A failing disk is never asked again (F47)."""
    said = f"{path!r}: {error.strerror or error}"
    if error.errno in _FULL:
        return DiskFull(said)
    if error.errno == errno.EIO:
        return DiskFailed(said)
    if error.errno in _DENIED:
        return Denied(said, "Let the account that runs Haulage write there, then run the same command again.")
    if error.errno in _IN_THE_WAY:
        return Conflict(f"{said} (something else stands in the way)")
    if error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL):
        return NameRefused(said)
    if error.errno == errno.EFBIG:
        return TooLarge(said)
    passing = error.errno in _PASSING or error.errno == errno.ENOENT  # a folder that vanished is made again next time
    return Transient(said) if passing else HaulageError(said)
