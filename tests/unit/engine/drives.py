"""A drive in memory, like a bucket: conditional writes, uploads in parts, a flat listing. Tests override its calls."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from haulage.engine.context import Options
from haulage.engine.copying import run_copy
from haulage.engine.counts import Watch
from haulage.engine.meter import digest
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.codec import dump
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.model.errors import Changed, Conflict, Gone, HaulageError, Mismatch, SessionGone
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.model.naming import NameRules
from haulage.model.outcome import RunKind, Status
from haulage.services.contract import Precondition, Traits

PART_BYTES = 64 * 1024
TRAITS = Traits(
    names=NameRules(empty_parts=True, folder_beside_file=True),
    folders="markers",
    times=1,
    metadata=True,
    largest_file=1 << 40,
    single_put_limit=PART_BYTES,
    put_hashes=("md5",),
    part_hash="crc32c",
    part_bytes=lambda size: PART_BYTES,
)


class Reading:
    """An opened file."""

    def __init__(self, item: Item, pieces: Sequence[bytes]) -> None:
        self.item = item
        self.carried = Carried()
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The bytes."""
        for piece in self._pieces:
            yield piece


class MemoryDrive:
    """Files by path. The revision of a file is the MD5 of its bytes, as with S3: equal bytes, equal revision.

    markers: paths of folder markers. uploads: unfinished ones by attempt. page_items: how long a page is.
    """

    traits: Traits = TRAITS

    def __init__(self, identity: str, files: Mapping[str, bytes] | None = None, page_items: int = 1000) -> None:
        self.identity = identity
        self.files: dict[str, bytes] = dict(files or {})
        self.markers: set[str] = set()
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.page_items = page_items
        self.called: Counter[str] = Counter()
        self.calls: Mapping[str, int] = self.called

    def facts(self, path: str) -> Item:
        """The item at that path."""
        md5 = hashlib.md5(self.files[path], usedforsecurity=False).hexdigest()
        return Item(path, Kind.FILE, len(self.files[path]), revision=md5, hashes={"md5": md5})

    def pieces(self, path: str, start: int) -> Sequence[bytes]:
        """What a reader gets."""
        body = self.files[path][start:]
        return [body] if body else []

    async def check(self, *, write: bool, create: bool) -> None:
        """It is always there."""

    async def tree(self, cursor: str | None) -> Page:
        """In the order of keys; a marker's key is its path and a slash."""
        keys = sorted([*self.files, *(f"{path}/" for path in self.markers)])
        start = int(cursor or 0)
        some = keys[start : start + self.page_items]
        items = [self.facts(key) if key in self.files else Item(key[:-1], Kind.FOLDER) for key in some]
        after = start + len(some)
        return Page(items, str(after) if after < len(keys) else None)

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Only the flat listing is used."""
        raise AssertionError("a drive that lists its tree is asked for it")

    async def item(self, path: str) -> Item | None:
        """The file."""
        self.called["item"] += 1
        return self.facts(path) if path in self.files else None

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Reading]:
        """Pinned to the item's revision."""
        self.called["open"] += 1
        if item.path not in self.files:
            raise Gone(item.path)
        now = self.facts(item.path)
        if item.revision is not None and now.revision != item.revision:
            raise Changed(item.path)
        yield Reading(now, self.pieces(item.path, start))

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """A marker."""
        self.markers.add(path)

    def expect(self, path: str, condition: Precondition) -> None:
        """Raise Conflict where the precondition does not hold."""
        there = self.facts(path).revision if path in self.files else None
        if (condition.absent and there) or (condition.revision is not None and there != condition.revision):
            raise Conflict(path)

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """The service checks the MD5."""
        self.called["put"] += 1
        self.expect(path, condition)
        if digest("md5", body) != digests["md5"]:
            raise Mismatch(path)
        self.files[path] = bytes(body)
        return self.written(path)

    def written(self, path: str, *, parts_checked: bool = False) -> Written:
        """The answer to a write."""
        there = self.facts(path)
        return Written(
            path, there.revision, there.size, {} if parts_checked else there.hashes, None, None, parts_checked
        )

    async def begin(
        self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition
    ) -> dict[str, Any]:
        """Nothing is visible yet."""
        self.uploads[attempt] = {}
        return {"path": path, "attempt": attempt}

    async def put_part(
        self, state: dict[str, Any], number: int, offset: int, body: memoryview, checksum: str | None
    ) -> dict[str, Any]:
        """The service checks the part."""
        self.called["put_part"] += 1
        if state["attempt"] not in self.uploads:
            raise SessionGone(state["path"])
        assert digest("crc32c", body) == checksum
        self.uploads[state["attempt"]][number] = bytes(body)
        return {"number": number, "size": len(body)}

    async def parts(self, state: dict[str, Any]) -> Mapping[int, dict[str, Any]] | None:
        """The parts that are held."""
        held = self.uploads.get(state["attempt"])
        return None if held is None else {n: {"number": n, "size": len(body)} for n, body in held.items()}

    async def finish(
        self, state: dict[str, Any], receipts: Sequence[Any], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """The parts become a file."""
        self.called["finish"] += 1
        if state["attempt"] not in self.uploads:
            raise SessionGone(state["path"])
        self.expect(state["path"], condition)
        held = self.uploads.pop(state["attempt"])
        self.files[state["path"]] = b"".join(held[number] for number in sorted(held))
        return self.written(state["path"], parts_checked=True)

    async def abort(self, state: dict[str, Any]) -> None:
        """The parts are let go."""
        self.uploads.pop(state["attempt"], None)

    async def close(self) -> None:
        """Nothing is held."""


class Ran(msgspec.Struct):
    """What came of a run: its status, what stopped it, its counters, and per path the outcome or its code."""

    status: Status
    stopped: HaulageError | None
    counts: Any
    said: dict[str, str]


def open_ledger(folder: Path) -> Ledger:
    """A ledger in that folder."""
    return Ledger.open(folder / "ledger.db")


async def copy(ledger: Ledger, source: Any, target: Any, options: Options | None = None) -> Ran:
    """Copy as `haulage copy` does, and check that the outcomes add up."""
    options = options or Options()
    key = TransferKey(source.identity, target.identity, dump(options.filters), source.identity, target.identity)
    kind = RunKind.SCAN if options.plan_only else RunKind.COPY
    run = ledger.do(run_rows.start, ledger.do(run_rows.transfer_id, key), kind, "test")
    watch = Watch()
    status, stopped = await run_copy(ledger, run, source, target, options, watch)
    rows = ledger.read(lambda connection: list(work.outcome_rows(connection, run.id)))
    if stopped is None and not options.plan_only:
        unlisted = {"unchanged"}
        told = [row for row in rows if row.listed and row.outcome not in unlisted]
        assert len(told) + watch.counts.unchanged == watch.counts.listed
    return Ran(status, stopped, watch.counts, {row.path: row.code or row.outcome for row in rows})
