"""The drive: what the contract asks, carried to threads and back. Nothing blocks the event loop."""

import asyncio
import errno
import hashlib
import os
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from haulage.model.errors import Changed, Denied, Gone, HaulageError, NameRefused, Refused, RootGone
from haulage.model.item import Carried, Item, Page, Written
from haulage.model.naming import NameRules
from haulage.services.contract import Json, Pacer, Precondition, Traits
from haulage.services.local import parts as in_parts
from haulage.services.local.listing import Listing, file_item
from haulage.services.local.paths import (
    THROUGH,
    OutsideRoot,
    Tree,
    make_root,
    node_id,
    reading,
    split,
    split_file,
    sync_folder,
    writing,
)
from haulage.services.local.reading import CHUNK_BYTES, Opened, open_file, read_chunk
from haulage.services.local.writing import read_into, write_whole

MIB = 1024 * 1024
_LEAST_PART_BYTES = 8 * MIB
# Measured with 8 KB files: writers wait for syncs, which the disk takes together (1: 2,200 a second, 8: 5,800,
# 32: 6,200); readers of cached files only fight for the interpreter (1: 92 us a file, 4: 160, 16: 215).
_WRITERS = 16
_READERS = 4
_HASH_HOP_BYTES = 64 * MIB
_KERNEL = frozenset({"dev", "proc", "sys"})

T = TypeVar("T")
Means = Callable[[OSError, str], HaulageError]


def part_bytes(size: int) -> int:
    """8 MiB, and more only for files that would have over 50,000 parts."""
    return max(_LEAST_PART_BYTES, -(-size // in_parts.MOST_PARTS // MIB) * MIB)


TRAITS = Traits(
    names=NameRules(forbidden="\0", longest_part=255, longest_path=4095, unit="bytes"),
    folders="real",
    times=1,
    metadata=False,
    largest_file=16 * 1024 * 1024 * MIB,
    single_put_limit=_LEAST_PART_BYTES,
    put_hashes=("sha256",),
    part_hash=None,
    part_bytes=part_bytes,
)


def open_drive(settings: Mapping[str, str], root: str, pacer: Pacer) -> "LocalDrive":
    """The folder `root`: an absolute path, or one without its first "/", as a connector's location has it.

    Raises Refused. Neither settings nor pacer are needed.
    """
    return LocalDrive(root if root.startswith("/") else f"/{root}")


async def top_folders(_settings: Mapping[str, str], _pacer: Pacer) -> list[str]:
    """Names of the folders at the top of this machine, but those in which the kernel shows itself as files."""
    return await asyncio.to_thread(_top_folders)


def _top_folders() -> list[str]:
    with os.scandir("/") as entries:
        return sorted(one.name for one in entries if one.name not in _KERNEL and one.is_dir(follow_symlinks=False))


def _setting_time(error: OSError, path: str) -> HaulageError:
    """A folder that is not there is Gone here: nothing will make it."""
    found = reading(error, path)
    return found if isinstance(found, Gone) else writing(error, path)


class LocalDrive:
    """One folder and all below it, but nothing that a symlink in it leads to."""

    traits: Traits = TRAITS

    def __init__(self, root: str) -> None:
        if not root.startswith("/") or "\0" in root:
            raise Refused(f"{root!r} is not an absolute path", "Name the folder by its whole path, from / on.")
        real = os.path.realpath(root)
        self.identity = "file://" + real.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        self._calls: Counter[str] = Counter()
        self.calls: Mapping[str, int] = self._calls
        self._root = root
        self._tree = Tree(root)
        self._listing = Listing(self._tree)
        self._threads: dict[Means, ThreadPoolExecutor] = {}

    def __repr__(self) -> str:
        return f"LocalDrive({self.identity!r})"

    async def lineage(self) -> list[str]:
        """See `TellsLineage`: a folder that is mounted at a second place is the same there."""
        return await asyncio.to_thread(self._lineage)

    async def check(self, *, write: bool, create: bool) -> None:
        """See the contract. Being allowed is asked of the system; nothing is written to find out."""
        await self._hop("check", self._root, writing if create else reading, self._check, write, create)

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Up to 1,000 children, sorted by name."""
        return await self._hop("scandir", folder, reading, self._listing.page, folder, cursor)

    async def item(self, path: str) -> Item | None:
        """The regular file at that path; None for everything else."""
        try:
            return await self._hop("stat", path, reading, self._look, path)
        except Gone:
            return None

    def open(self, item: Item, start: int = 0) -> "LocalContent":
        """A file of at most 1 MiB is read in the one hop that opens it."""
        return LocalContent(self, item, start)

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """Made with the mode that the umask leaves; durable on return."""
        await self._hop("mkdir", path, writing, self._make_folder, path, modified_us)

    async def set_folder_time(self, path: str, modified_us: int) -> None:
        """Set the folder's modification time; its access time stays."""
        await self._hop("utime", path, _setting_time, self._make_folder, path, modified_us, False)

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Durable on return, folders included; `hashes` is what was read back."""
        arguments = (self._tree, path, body, carried.modified_us, digests, condition)
        return await self._hop("write", path, writing, write_whole, *arguments)

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """The hidden file is named by the attempt, and stands beside the target."""
        arguments = (self._tree, path, size, carried.modified_us, attempt, condition)
        return await self._hop("begin", path, writing, in_parts.begin, *arguments)

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """The receipt comes when the part is durable."""
        return await self._hop(
            "write", state["path"], writing, in_parts.put_part, self._tree, state, number, offset, body
        )

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """What the hidden file holds."""
        return await self._hop("parts", state["path"], writing, in_parts.parts, self._tree, state)

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Reads the whole file back; the hash is compared with `digests` and returned."""
        path, size = state["path"], state["size"]
        file = await self._hop("open", path, writing, in_parts.reopen, self._tree, state, receipts, condition)
        try:
            digest = hashlib.sha256()
            for start in range(0, size, _HASH_HOP_BYTES):
                stop = min(start + _HASH_HOP_BYTES, size)
                await self._hop("read", path, writing, read_into, digest, file.fd, start, stop)
            arguments = (self._tree, state, digest.hexdigest(), digests, condition)
            return await self._hop("rename", path, writing, in_parts.publish, *arguments)
        finally:
            file.close()

    async def abort(self, state: Json) -> None:
        """Removes the hidden file of this very attempt."""
        await self._hop("unlink", state["path"], writing, in_parts.abort, self._tree, state)

    async def close(self) -> None:
        """Waits for what runs in threads."""
        for threads in self._threads.values():
            await asyncio.to_thread(threads.shutdown)
        self._threads.clear()
        self._tree.close()

    async def _hop(self, call: str, path: str, means: Means, function: Callable[..., T], *arguments: Any) -> T:
        """Run it in a thread; what the system says against it becomes one of the model's errors.

        A write that is cancelled is waited for, so that it has no effect later, behind the back of what comes next.
        """
        self._calls[call] += 1
        try:
            running = asyncio.get_running_loop().run_in_executor(self._pool(means), function, *arguments)
            return await (running if means is reading else _to_its_end(running))
        except OutsideRoot as error:
            raise (Gone(str(error)) if means is reading else NameRefused(str(error))) from None
        except OSError as error:
            raise means(error, path) from error

    def _pool(self, means: Means) -> ThreadPoolExecutor:
        threads = self._threads.get(means)
        if threads is None:
            count = _READERS if means is reading else _WRITERS
            threads = self._threads[means] = ThreadPoolExecutor(count, thread_name_prefix="local")
        return threads

    def _check(self, write: bool, create: bool) -> None:
        root = Path(self._root)
        try:
            if create:
                make_root(self._root)
            there = root.exists()
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise Refused(f"{self._root!r} cannot be a path: {error.strerror}", "Name a shorter one.") from error
        if not there:
            raise RootGone(f"the folder {self._root} does not exist")
        if not root.is_dir():
            raise Refused(f"{self._root} is a file, not a folder", "Name the folder that holds it.")
        if not os.access(root, os.R_OK | os.X_OK, effective_ids=True):
            raise Denied(f"the folder {self._root} cannot be read", "Let the account that runs Haulage read it.")
        if write and not os.access(root, os.W_OK, effective_ids=True):
            raise Denied(f"the folder {self._root} cannot be written", "Let the account that runs Haulage write there.")

    def _lineage(self) -> list[str]:
        real = Path(os.path.realpath(self._root))
        return [_node_at(real), *filter(None, map(_node_at, real.parents))]

    def _look(self, path: str) -> Item | None:
        above, name = split_file(path)
        with self._tree.folder(above, flags=THROUGH) as folder:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        return file_item(path, found) if stat.S_ISREG(found.st_mode) else None

    def _make_folder(self, path: str, modified_us: int | None, make: bool = True) -> None:
        with self._tree.folder(split(path), make=make) as folder:
            if modified_us is not None:
                os.utime(folder, ns=(os.fstat(folder).st_atime_ns, modified_us * 1000))
                sync_folder(folder)
        self._tree.settle()


def _node_at(folder: Path) -> str:
    try:
        return node_id(folder.stat())
    except OSError:
        return ""


async def _to_its_end(running: asyncio.Future[T]) -> T:
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


class LocalContent:
    """A file being read, pinned to the revision of the item that was asked for."""

    item: Item
    carried: Carried

    def __init__(self, drive: LocalDrive, item: Item, start: int) -> None:
        self._drive = drive
        self._asked = item
        self._start = start
        self._opened: Opened | None = None

    async def __aenter__(self) -> "LocalContent":
        drive, asked = self._drive, self._asked
        self._opened = await drive._hop("open", asked.path, reading, open_file, drive._tree, asked, self._start)
        self.item = self._opened.item
        self.carried = Carried(modified_us=self.item.modified_us)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened is not None:
            self._opened.file.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """See the contract; once. Raises Changed, at the latest with the last byte."""
        opened, drive = self._opened, self._drive
        if opened is None:
            raise Changed(f"{self._asked.path!r} is not open")
        if opened.first is not None:
            if opened.first:
                yield opened.first
            return
        path, size = self.item.path, opened.before.st_size
        for offset in range(self._start, size, CHUNK_BYTES):
            yield await drive._hop("read", path, reading, read_chunk, opened, offset)
