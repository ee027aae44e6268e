"""Uploads in parts: one hidden file per attempt, beside its target, that says itself which of its parts are durable.

The file holds the content, and after it one slot for each part (offset, length, CRC-32 of both). A slot is written
only when its part is durable, so whatever a kill or a power cut leaves, a slot never speaks of bytes that are not
there. Parts may come in any order. `finish` cuts the slots off.
"""

import errno
import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from haulage.model.errors import Refused, SessionGone, ShortRead
from haulage.model.item import Written
from haulage.services.contract import Json, Precondition
from haulage.services.local.paths import UNFINISHED, Tree, split_file
from haulage.services.local.reading import OpenFile
from haulage.services.local.writing import (
    confirm,
    create_hidden,
    expect,
    make_ready,
    prove,
    put_in_place,
    remove_if_same,
    target_folder,
    unfinished_name,
    write_all,
)

MOST_PARTS = 50_000
_FIGURES = struct.Struct(">QQ")
_SLOT_BYTES = _FIGURES.size + 4
_SOMETHING_ELSE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}


def begin(tree: Tree, path: str, size: int, modified_us: int | None, attempt: str, condition: Precondition) -> Json:
    """Make the hidden file of this attempt. One that an earlier beginning of the same attempt left is replaced."""
    above, name = split_file(path)
    hidden = unfinished_name(attempt)
    with target_folder(tree, above, name, condition) as folder:
        try:
            fd = create_hidden(folder, hidden)
        except FileExistsError:
            os.unlink(hidden, dir_fd=folder)
            fd = create_hidden(folder, hidden)
        try:
            os.ftruncate(fd, size)
            os.fsync(fd)
            inode = os.fstat(fd).st_ino
        finally:
            os.close(fd)
        os.fsync(folder)
    tree.settle()
    return {"path": path, "unfinished": hidden, "inode": inode, "size": size, "modified_us": modified_us}


def put_part(tree: Tree, state: Json, number: int, offset: int, body: memoryview) -> Json:
    """Write one part and make it durable, then fill its slot."""
    size: int = state["size"]
    if not 1 <= number <= MOST_PARTS or offset < 0 or offset + len(body) > size:
        raise Refused(f"part {number} ({len(body)} bytes at {offset}) is not within {state['path']!r} of {size} bytes")
    with _session(tree, state) as (_, fd):
        slot = size + (number - 1) * _SLOT_BYTES
        if any(os.pread(fd, _SLOT_BYTES, slot)):
            write_all(fd, bytes(_SLOT_BYTES), slot)
            os.fdatasync(fd)
        write_all(fd, body, offset)
        os.fdatasync(fd)
        figures = _FIGURES.pack(offset, len(body))
        write_all(fd, figures + zlib.crc32(figures).to_bytes(4, "big"), slot)
    return _receipt(number, offset, len(body))


def parts(tree: Tree, state: Json) -> Mapping[int, Json] | None:
    """The parts that are there and durable; None when the hidden file is gone."""
    try:
        with _session(tree, state) as (_, fd):
            os.fdatasync(fd)
            count = min((os.fstat(fd).st_size - state["size"]) // _SLOT_BYTES, MOST_PARTS)
            slots = os.pread(fd, max(count, 0) * _SLOT_BYTES, state["size"])
    except SessionGone:
        return None
    found = {}
    for number, start in enumerate(range(0, len(slots) - _SLOT_BYTES + 1, _SLOT_BYTES), 1):
        figures, check = slots[start : start + _FIGURES.size], slots[start + _FIGURES.size : start + _SLOT_BYTES]
        if zlib.crc32(figures).to_bytes(4, "big") == check and any(figures):
            found[number] = _receipt(number, *_FIGURES.unpack(figures))
    return found


def reopen(tree: Tree, state: Json, receipts: Sequence[Json], condition: Precondition) -> OpenFile:
    """The hidden file, if the receipts cover it and the precondition holds. Raises ShortRead, Conflict, SessionGone."""
    with _session(tree, state) as (folder, fd):
        expect(folder, split_file(state["path"])[1], condition)
        _refuse_gaps(state, receipts)
        return OpenFile(os.dup(fd))


def publish(tree: Tree, state: Json, sha256: str, digests: Mapping[str, str], condition: Precondition) -> Written:
    """Make the file whole, durable and visible. sha256: of its content as it was read back."""
    path = state["path"]
    prove(path, sha256, digests)
    with _session(tree, state) as (folder, fd):
        make_ready(fd, state["size"], state["modified_us"])
        put_in_place(folder, state["unfinished"], split_file(path)[1], condition)
        written = confirm(folder, fd, path, sha256)
        os.fsync(folder)
    tree.settle()
    return written


def abort(tree: Tree, state: Json) -> None:
    """Remove the hidden file of this attempt, and nothing else."""
    if "unfinished" in state:
        with suppress(SessionGone), _session(tree, state) as (folder, _):
            remove_if_same(folder, state["unfinished"], state["inode"])
        return
    with suppress(FileNotFoundError, NotADirectoryError), tree.folder(split_file(state["path"])[0]) as folder:
        os.unlink(unfinished_name(state["attempt"]), dir_fd=folder)


@contextmanager
def _session(tree: Tree, state: Json) -> Iterator[tuple[int, int]]:
    """The folder and the hidden file of that state, both open. Raises SessionGone."""
    hidden = state["unfinished"]
    if not UNFINISHED.fullmatch(hidden):
        raise SessionGone(f"{hidden!r} is not the name of an unfinished file")
    gone = SessionGone(f"the unfinished file of {state['path']!r} is gone, or another one stands there")
    with ExitStack() as opened:
        try:
            folder = opened.enter_context(tree.folder(split_file(state["path"])[0]))
            fd = os.open(hidden, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError as error:
            raise (gone if error.errno in _SOMETHING_ELSE else error) from error
        opened.callback(os.close, fd)
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_ino != state["inode"] or found.st_size < state["size"]:
            raise gone
        yield folder, fd


def _receipt(number: int, offset: int, size: int) -> Json:
    return {"number": number, "offset": offset, "size": size}


def _refuse_gaps(state: Json, receipts: Sequence[Json]) -> None:
    end = 0
    for receipt in sorted(receipts, key=_offset):
        if receipt["offset"] != end:
            raise ShortRead(f"{state['path']!r}: the parts do not join at byte {end}")
        end += receipt["size"]
    if end != state["size"]:
        raise ShortRead(f"{state['path']!r}: the parts add up to {end} of {state['size']} bytes")


def _offset(receipt: Mapping[str, Any]) -> int:
    return int(receipt["offset"])
