"""Reading a file that is pinned to one revision: what is not that revision any more is never handed out."""

import os
import stat

import msgspec

from haulage.model.errors import Changed, ShortRead
from haulage.model.item import Item
from haulage.services.local.listing import file_item
from haulage.services.local.paths import THROUGH, Tree, kind_of_other, split_file

CHUNK_BYTES = 1024 * 1024
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class OpenFile:
    """A file descriptor closed at the latest when nobody holds it: the one who asked may have been cancelled."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def close(self) -> None:
        """Close it; more than once is fine."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    __del__ = close


class Opened(msgspec.Struct, frozen=True):
    """An opened file. first: its bytes from `start` when they fit into one chunk, already checked; else None."""

    file: OpenFile
    item: Item
    before: os.stat_result
    first: bytes | None


def open_file(tree: Tree, item: Item, start: int) -> Opened:
    """Open the file, compare it with `item`, and read it at once if it is small. Raises Changed, ShortRead, OSError."""
    above, name = split_file(item.path)
    with tree.folder(above, flags=THROUGH) as folder:
        _refuse_other(item.path, os.stat(name, dir_fd=folder, follow_symlinks=False))
        file = OpenFile(os.open(name, _OPEN, dir_fd=folder))
    try:
        return _compared(file, item, start)
    except BaseException:
        file.close()
        raise


def _compared(file: OpenFile, item: Item, start: int) -> Opened:
    before = os.fstat(file.fd)
    _refuse_other(item.path, before)
    found = file_item(item.path, before)
    if item.revision is not None and found.revision != item.revision:
        raise Changed(f"{item.path!r} is no longer the version that was listed")
    if start > before.st_size:
        raise ShortRead(f"{item.path!r} ends at byte {before.st_size}, before byte {start}")
    opened = Opened(file, found, before, None)
    if before.st_size - start > CHUNK_BYTES:
        return opened
    first = read_chunk(opened, start)
    file.close()
    return Opened(file, found, before, first)


def read_chunk(opened: Opened, offset: int) -> bytes:
    """Up to 1 MiB from there on; with the last byte the file is checked once more. Raises Changed, ShortRead."""
    wanted = min(CHUNK_BYTES, opened.before.st_size - offset)
    pieces = []
    while wanted:
        piece = os.pread(opened.file.fd, wanted, offset)
        if not piece:
            end(opened)
            raise ShortRead(f"{opened.item.path!r} ended at byte {offset} of {opened.before.st_size}")
        pieces.append(piece)
        offset += len(piece)
        wanted -= len(piece)
    if offset == opened.before.st_size:
        end(opened)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def end(opened: Opened) -> None:
    """After the last byte: raise Changed if anything wrote to the file meanwhile, ShortRead if it goes on."""
    after = os.fstat(opened.file.fd)
    if _was_written(opened.before, after):
        raise Changed(f"{opened.item.path!r} was changed while it was read")
    if os.pread(opened.file.fd, 1, after.st_size):
        raise ShortRead(f"{opened.item.path!r} is longer than the {after.st_size} bytes that it says it has")


def _was_written(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether anything may have written to the file between the two looks at it.

    Within one read the time of the last attribute change counts too: it tells of a write whose mtime was reset. Not
    so when the number of names changed: a file that is replaced or removed while it is read is still the one listed.
    """
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return True
    return before.st_nlink == after.st_nlink and before.st_ctime_ns != after.st_ctime_ns


def _refuse_other(path: str, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise Changed(f"{path!r} is a folder now")
    if not stat.S_ISREG(found.st_mode):
        raise Changed(f"{path!r} is a {kind_of_other(found.st_mode)} now")
