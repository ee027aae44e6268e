"""Writing a file so that nobody ever sees half of it: unnamed or hidden first, durable, read back, then in place.

All of this blocks and runs in threads; errors of the system come out as OSError.
"""

import ctypes
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from haulage.model.errors import Conflict, Denied, Mismatch
from haulage.model.item import Written
from haulage.services.contract import Precondition
from haulage.services.local.paths import THROUGH, Tree, node_id, revision, split_file

PRIVATE = 0o600
_READ_BACK_BYTES = 256 * 1024
_NO_REPLACE = 1
_EXCHANGE = 2
_NOT_OFFERED = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
_NO_UNNAMED = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.ENOSYS}
_O_TMPFILE: int = getattr(os, "O_TMPFILE", 0)
_libc: Any = ctypes.CDLL(None, use_errno=True)


def write_whole(
    tree: Tree,
    path: str,
    body: bytes | memoryview,
    modified_us: int | None,
    digests: Mapping[str, str],
    condition: Precondition,
) -> Written:
    """Write a file of which all bytes are at hand; see `Drive.put`. What it returns is durable."""
    above, name = split_file(path)
    with target_folder(tree, above, name, condition) as folder:
        with _Fresh(folder) as fresh:
            write_all(fresh.fd, body, 0)
            make_ready(fresh.fd, len(body), modified_us)
            sha256 = prove(path, read_back(fresh.fd, len(body)), digests)
            fresh.publish(name, condition)
            written = confirm(folder, fresh.fd, path, sha256)
        os.fsync(folder)
    tree.settle()
    return written


@contextmanager
def target_folder(tree: Tree, above: list[str], name: str, condition: Precondition) -> Iterator[int]:
    """The folder to write `name` into, made where it may be missing, if the precondition holds as yet."""
    if condition.revision is not None:
        try:
            with tree.folder(above, flags=THROUGH):
                pass
        except FileNotFoundError:
            raise Conflict(f"{name!r} is no longer there, nor is its folder") from None
    with tree.folder(above, make=condition.revision is None) as folder:
        expect(folder, name, condition)
        yield folder


class _Fresh:
    """A new file: without a name, so that a kill leaves nothing behind; hidden where that is not offered."""

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._hidden: str | None = None
        self.fd = self._unnamed()
        if self.fd < 0:
            self._hidden = unfinished_name()
            self.fd = create_hidden(folder, self._hidden)

    def publish(self, name: str, condition: Precondition) -> None:
        """Give it its name. Raises Conflict."""
        unnamed = f"/proc/self/fd/{self.fd}"
        if self._hidden is None and condition.absent:
            os.link(unnamed, name, dst_dir_fd=self._folder, follow_symlinks=True)
            return
        if self._hidden is None:
            self._hidden = unfinished_name()
            os.link(unnamed, self._hidden, dst_dir_fd=self._folder, follow_symlinks=True)
        put_in_place(self._folder, self._hidden, name, condition)
        self._hidden = None

    def __enter__(self) -> "_Fresh":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._hidden is not None:
                remove_if_same(self._folder, self._hidden, os.fstat(self.fd).st_ino)
        finally:
            os.close(self.fd)

    def _unnamed(self) -> int:
        if not (_O_TMPFILE and _has_fd_links()):
            return -1
        try:
            return os.open(".", _O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, PRIVATE, dir_fd=self._folder)
        except OSError as error:
            if error.errno in _NO_UNNAMED:
                return -1
            raise


def unfinished_name(attempt: str | None = None) -> str:
    """The name of an unfinished file: of this attempt, or one that nobody can guess."""
    known = secrets.token_hex(16) if attempt is None else hashlib.sha256(attempt.encode()).hexdigest()[:32]
    return f".haulage-{known}.part"


def write_all(fd: int, body: bytes | memoryview, offset: int) -> None:
    """Write every byte at that offset."""
    left = memoryview(body).cast("B")
    while left:
        count = os.pwrite(fd, left, offset)
        offset += count
        left = left[count:]


def make_ready(fd: int, size: int, modified_us: int | None) -> None:
    """Give the file its exact size, its ordinary mode and its time, and make all of it durable.

    The time is set before the sync, so that one sync keeps both. Owner and special modes are never set.
    """
    found = os.fstat(fd)
    if found.st_size != size:
        os.ftruncate(fd, size)
    os.fchmod(fd, ordinary_mode())
    if modified_us is not None:
        os.utime(fd, ns=(found.st_atime_ns, modified_us * 1000))
    os.fsync(fd)


def read_back(fd: int, size: int) -> str:
    """The SHA-256 of the first `size` bytes as the system now gives them."""
    digest = hashlib.sha256()
    read_into(digest, fd, 0, size)
    return digest.hexdigest()


def read_into(digest: Any, fd: int, start: int, end: int) -> None:
    """Hash the bytes from start to end. Raises Mismatch when the file ends before."""
    buffer = memoryview(bytearray(min(_READ_BACK_BYTES, max(end - start, 1))))
    while start < end:
        count = os.preadv(fd, [buffer[: end - start]], start)
        if count == 0:
            raise Mismatch(f"of {end} bytes that were written only {start} can be read back")
        digest.update(buffer[:count])
        start += count


def prove(path: str, sha256: str, digests: Mapping[str, str]) -> str:
    """The hash that was read back, if it is the one that was announced. Raises Mismatch."""
    announced = digests.get("sha256", sha256)
    if announced.lower() != sha256:
        raise Mismatch(f"{path!r}: what was written reads back with SHA-256 {sha256}, announced was {announced}")
    return sha256


def expect(folder: int, name: str, condition: Precondition) -> None:
    """Raise Conflict when the precondition does not hold, before anything is written."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        if condition.revision is not None:
            raise Conflict(f"{name!r} is no longer there") from None
        return
    if stat.S_ISDIR(found.st_mode):
        raise Conflict(f"{name!r} is a folder at the destination")
    if condition.absent:
        raise Conflict(f"{name!r} is there already")
    if condition.revision is not None and not _is_revision(found, condition.revision):
        raise Conflict(f"{name!r} is not the revision that was expected")


def put_in_place(folder: int, hidden: str, name: str, condition: Precondition) -> None:
    """Give the hidden file its name, if the precondition holds at that very moment. Raises Conflict.

    Replacing a known revision swaps the two names and looks at what came out: had somebody else written in the
    meantime, theirs is swapped back.
    """
    if condition.absent:
        if not _rename(folder, hidden, name, _NO_REPLACE):
            _link_in_place(folder, hidden, name)
    elif condition.revision is None:
        os.rename(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
    elif _swap(folder, hidden, name):
        if not _is_revision(os.stat(hidden, dir_fd=folder, follow_symlinks=False), condition.revision):
            _rename(folder, hidden, name, _EXCHANGE)
            raise Conflict(f"{name!r} was replaced at this moment by somebody else")
        os.unlink(hidden, dir_fd=folder)
    else:
        expect(folder, name, condition)
        os.rename(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)


def confirm(folder: int, fd: int, path: str, sha256: str) -> Written:
    """What the file is now. Raises Conflict when its name already belongs to another."""
    found = os.fstat(fd)
    try:
        named = os.stat(path.rpartition("/")[2], dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        raise Conflict(f"{path!r} was taken away by somebody else at the moment it was written") from None
    if (named.st_dev, named.st_ino) != (found.st_dev, found.st_ino):
        raise Conflict(f"{path!r} was replaced by somebody else at the moment it was written")
    return Written(
        path,
        revision=revision(found),
        size=found.st_size,
        hashes={"sha256": sha256},
        modified_us=found.st_mtime_ns // 1000,
        id=node_id(found),
    )


@cache
def ordinary_mode() -> int:
    """What a new file of this process gets: 0666 less its umask."""
    return 0o666 & ~_umask()


@cache
def _has_fd_links() -> bool:
    return Path("/proc/self/fd").is_dir()


def _umask() -> int:
    """Read without setting it, which would disturb other threads; where that is not offered, the common value."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o022


def create_hidden(folder: int, hidden: str) -> int:
    """A new file of that name, for us alone to read. Raises FileExistsError."""
    return os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE, dir_fd=folder)


def remove_if_same(folder: int, hidden: str, inode: int) -> None:
    """Remove an unfinished file, if it is still the one that was made."""
    with suppress(FileNotFoundError):
        if os.stat(hidden, dir_fd=folder, follow_symlinks=False).st_ino == inode:
            os.unlink(hidden, dir_fd=folder)


def _is_revision(found: os.stat_result, wanted: str) -> bool:
    return stat.S_ISREG(found.st_mode) and revision(found) == wanted


def _swap(folder: int, hidden: str, name: str) -> bool:
    try:
        return _rename(folder, hidden, name, _EXCHANGE)
    except FileNotFoundError:
        raise Conflict(f"{name!r} was removed at this moment by somebody else") from None


def _link_in_place(folder: int, hidden: str, name: str) -> None:
    try:
        os.link(hidden, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        raise Denied(
            f"{name!r}: this file system can neither link nor rename without replacing ({error.strerror})",
            "Choose another file system: on this one nothing could keep a foreign file from being overwritten.",
        ) from error
    os.unlink(hidden, dir_fd=folder)


def _rename(folder: int, old: str, new: str, flags: int) -> bool:
    """Linux's renameat2; False when this system or file system does not offer the flag."""
    call = getattr(_libc, "renameat2", None)
    if call is None:
        return False
    if call(folder, os.fsencode(old), folder, os.fsencode(new), flags) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_OFFERED:
        return False
    raise OSError(number, os.strerror(number), new)
