"""What the cases are written with: places, and helpers that write, read and list as the engine does."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import google_crc32c

from haulage.engine.meter import digest
from haulage.model.item import Carried, Item, Kind, Written
from haulage.services.contract import Drive, ListsTree, Precondition
from haulage.services.declaration import Service

ANYWAY = Precondition()
NOTHING = Carried()
MIB = 1024 * 1024
MOST_PAGES = 1000


class FreePacer:
    """Lets every call out at once, but waits where the service asked for it."""

    def __init__(self) -> None:
        self.throttles = 0
        self._until = 0.0

    async def ready(self) -> None:
        await asyncio.sleep(max(0.0, self._until - time.monotonic()))

    def throttled(self, wait_seconds: float | None) -> None:
        self.throttles += 1
        self._until = time.monotonic() + (0.05 if wait_seconds is None else wait_seconds)

    def answered(self) -> None:
        return None

    def at_most(self, calls_a_second: float) -> None:
        return None


@dataclass(frozen=True)
class Place:
    """A root of one service on one server, and how to open it.

    least_part_bytes: what the service demands of every part but the last. secrets: texts that may stand nowhere.
    endpoint: the settings' field that holds the server's address; None for a service without one.
    """

    server: str
    service: Service
    settings: Mapping[str, str]
    root: str
    least_part_bytes: int
    endpoint: str | None = None
    port: str | None = None
    """The settings' field that holds the server's port, for a service without a URL as endpoint."""
    spellings: tuple[Mapping[str, str], ...] = ()
    """Other settings that name the same place."""
    files: str | None = None
    """The folder of this machine where roots lie as files; None where the server keeps them in its own way."""
    secrets: tuple[str, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    """Settings with a key that the server refuses."""
    page_size: tuple[str, str] = ("", "")
    """Module and name of the constant that says how many entries a page is asked to have."""
    part_size: tuple[str, str] | None = None
    """Module and name of the constant that says how large a part is at least; set to `least_part_bytes` for the cases.

    Only where a drive knows an upload's parts by how many bytes the server holds.
    """

    def at(self, root: str) -> "Place":
        """The same account, another root."""
        return replace(self, root=root)

    def having(self, **settings: str) -> "Place":
        """The same root, with other settings."""
        return replace(self, settings={**self.settings, **settings})

    def through(self, port: int) -> "Place":
        """The same root, reached at another port of this machine (a proxy, or nothing at all)."""
        if self.port is not None:
            return self.having(**{self.port: str(port)})
        assert self.endpoint is not None
        parts = urlsplit(self.settings[self.endpoint])
        return self.having(**{self.endpoint: f"{parts.scheme}://127.0.0.1:{port}{parts.path}"})

    def open(self) -> Drive:
        """A new handle, as a new process would get it."""
        return self.service.open_drive(self.settings, self.root, FreePacer())


def digests(body: bytes | memoryview) -> dict[str, str]:
    """The hashes that the engine computes of everything it sends."""
    return {
        "sha512": hashlib.sha512(body).hexdigest(),
        "sha256": hashlib.sha256(body).hexdigest(),
        "md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        "sha1": hashlib.sha1(body, usedforsecurity=False).hexdigest(),
        "crc32c": f"{google_crc32c.value(bytes(body)):08x}",
        "quickxor": digest("quickxor", body),
        "dropbox": digest("dropbox", body),
    }


def body_of(size: int, seed: int = 1) -> bytes:
    """Bytes that differ everywhere, so that a shift, swap or repetition shows."""
    return hashlib.shake_128(seed.to_bytes(8, "big")).digest(size)


async def put(
    drive: Drive, path: str, body: bytes, carried: Carried = NOTHING, condition: Precondition = ANYWAY
) -> Written:
    """Write a small file as the engine does: all hashes known before."""
    return await drive.put(path, body, carried, digests(body), condition)


async def next_revision(drive: Drive) -> None:
    """Wait until an overwrite has another revision, where those are made of size and time alone."""
    await asyncio.sleep(1.05 * drive.traits.revision_step / 1_000_000)


async def put_all(drive: Drive, files: Mapping[str, bytes], at_once: int = 16) -> None:
    """Write many small files, some at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(path: str, body: bytes) -> None:
        async with gate:
            await put(drive, path, body)

    await asyncio.gather(*(one(path, body) for path, body in files.items()))


@dataclass
class Upload:
    """An upload in parts as the engine drives it: its state survives only as JSON text."""

    drive: Drive
    state_text: str
    body: bytes
    part_bytes: int
    receipts: dict[int, str] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Any]:
        """The state, read anew as after a restart."""
        return dict(json.loads(self.state_text))

    @property
    def numbers(self) -> range:
        """All part numbers."""
        return range(1, -(-len(self.body) // self.part_bytes) + 1)

    async def send(self, number: int, body: bytes | None = None) -> None:
        """Send one part, or other bytes in its place."""
        offset = (number - 1) * self.part_bytes
        piece = memoryview(self.body)[offset : offset + self.part_bytes] if body is None else memoryview(body)
        algorithm = self.drive.traits.part_hash
        digest = digests(piece)[algorithm] if algorithm else None
        receipt = await self.drive.put_part(self.state, number, offset, piece, digest)
        if not self.drive.traits.parts_told:
            kept = {**self.state.get("receipts", {}), str(number): receipt}
            self.state_text = json.dumps({**self.state, "receipts": kept})
        self.receipts[number] = json.dumps(receipt)

    async def send_all(self, numbers: Iterable[int] | None = None) -> None:
        """Send several parts one after the other, all by default."""
        for number in self.numbers if numbers is None else numbers:
            await self.send(number)

    async def finish(self, condition: Precondition = ANYWAY) -> Written:
        """Ask for the file to be made of the parts that were sent."""
        receipts = [json.loads(self.receipts[number]) for number in sorted(self.receipts)]
        return await self.drive.finish(self.state, receipts, digests(self.body), condition)


async def begin(
    drive: Drive,
    path: str,
    body: bytes,
    part_bytes: int,
    attempt: str = "attempt-1",
    carried: Carried = NOTHING,
    condition: Precondition = ANYWAY,
) -> Upload:
    """Start an upload of `body` in parts of `part_bytes`."""
    state = await drive.begin(path, len(body), carried, attempt, condition)
    return Upload(drive, json.dumps(state), body, part_bytes)


async def all_held(upload: Upload) -> bool:
    """Whether the destination says that it holds every part, each whole.

    Where parts are taken in order alone, the last one may be kept back for `finish`, which makes the file of it.
    """
    held = {number: receipt["size"] for number, receipt in (await upload.drive.parts(upload.state) or {}).items()}
    sizes = {
        number: min(upload.part_bytes, len(upload.body) - (number - 1) * upload.part_bytes) for number in upload.numbers
    }
    last = max(sizes)
    return held == sizes or (upload.drive.traits.parts_in_order and {**held, last: sizes[last]} == sizes)


async def listed(drive: Drive, folder: str = "") -> dict[str, Item]:
    """The children of a folder by path, every page; each must come once, and the listing must be complete."""
    return _once([page async for page in pages(drive, folder)])


async def pages(drive: Drive, folder: str | None) -> Any:
    """The pages of one folder, or of the whole tree when `folder` is None."""
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await (drive.tree(cursor) if folder is None else drive.page(folder, cursor))  # type: ignore[attr-defined] # chosen by trait
        yield page
        cursor = page.cursor
        if cursor is None:
            return
    raise AssertionError(f"the listing did not end within {MOST_PAGES} pages")


def _once(found: list[Any]) -> dict[str, Item]:
    items: dict[str, Item] = {}
    for page in found:
        assert page.complete, page.why_incomplete
        for item in page.items:
            assert item.path not in items, f"listed twice: {item.path!r}"
            items[item.path] = item
    return items


async def walked(drive: Drive) -> dict[str, Item]:
    """Everything below the root, folder by folder."""
    found: dict[str, Item] = {}
    waiting = [""]
    while waiting:
        children = await listed(drive, waiting.pop())
        assert not children.keys() & found.keys(), "an item is listed in two folders"
        found |= children
        waiting += [path for path, item in children.items() if item.kind == Kind.FOLDER]
    return found


async def tree(drive: Drive) -> dict[str, Item]:
    """Everything in the flat listing of a drive that has one."""
    assert isinstance(drive, ListsTree)
    return _once([page async for page in pages(drive, None)])


async def everything(drive: Drive) -> dict[str, Item]:
    """Everything below the root, in the way the engine would list it."""
    return await (tree(drive) if isinstance(drive, ListsTree) else walked(drive))


def files(items: Mapping[str, Item]) -> set[str]:
    """The paths of the files among them."""
    return {path for path, item in items.items() if item.kind == Kind.FILE}


async def read(drive: Drive, item: Item, start: int = 0) -> bytes:
    """The bytes from `start` on; chunks are neither empty nor over 1 MiB."""
    pieces = []
    async with drive.open(item, start) as content:
        async for chunk in content.chunks():
            assert 0 < len(chunk) <= MIB
            pieces.append(bytes(chunk))
    return b"".join(pieces)


async def read_path(drive: Drive, path: str) -> bytes:
    """The whole file that stands at `path` now."""
    item = await drive.item(path)
    assert item is not None, f"there is nothing at {path!r}"
    return await read(drive, item)


def proves(drive: Drive, written: Written, body: bytes) -> bool:
    """Whether the confirmation proves that just these bytes arrived; a wrong statement in it fails the case.

    Where the drive's traits promise no more than a size, a size is all that can be asked.
    """
    assert written.size in (None, len(body))
    known = digests(body)
    for algorithm, value in written.hashes.items():
        assert algorithm not in known or value == known[algorithm], f"{algorithm} confirmed wrongly"
    if written.size == len(body) and (not body or drive.traits.confirms == "size"):
        return True
    return written.parts_checked or bool(written.hashes.keys() & known.keys())


def base64_of(hex_digest: str) -> str:
    """A hash as HTTP headers carry it."""
    return base64.b64encode(bytes.fromhex(hex_digest)).decode()
