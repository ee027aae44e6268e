"""A folder of an Egnyte domain, as the contract wants it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import quote

from haulage.model.errors import Changed, Conflict, Gone, Mismatch, Refused, RootGone
from haulage.model.item import Carried, Item, Page, Written
from haulage.services.authorisation import Access
from haulage.services.contract import Budget, Content, Json, Precondition, Traits
from haulage.services.counted import CountedContent
from haulage.services.egnyte import changes, traits, uploads
from haulage.services.egnyte.calls import CONTENT, DAY, FILES, QPS, USED, Calls
from haulage.services.egnyte.items import Entry, Made, Stats, item_of, read_item, written_of
from haulage.services.egnyte.refusals import DOWNLOAD
from haulage.services.egnyte.tree import Tree
from haulage.services.reading import content_range
from haulage.services.transport import Answer, Request

PAGE_ITEMS = 1000
T = TypeVar("T")


class EgnyteDrive:
    """One tree, from a folder on. Names are compared there without regard to case."""

    traits: Traits = traits.TRAITS

    def __init__(self, access: Access, folder: str, identity: str) -> None:
        """folder: from the domain's root, without slashes around it."""
        self.identity = identity
        self._folder = folder
        self._calls = Calls(access)
        self._tree = Tree(self._calls, folder)
        self.taken: set[str] = set()  # see NoticesLoss
        self._tails: dict[tuple[str, str], memoryview] = {}
        self.calls: Mapping[str, int] = self._calls.transport.trace.calls

    def __repr__(self) -> str:
        return f"EgnyteDrive({self.identity!r})"

    async def check(self, *, write: bool, create: bool) -> None:
        """See the contract. The domain's root takes nothing, and /Shared and /Private take no files (Q5)."""
        if write and "/" not in self._folder:
            fix = "Name a folder below /Shared, or a user's below /Private: NAME:/Shared/folder."
            raise Refused(f"Egnyte takes no files directly in {self._tree.path('')}", fix)
        if create:
            await self._tree.make_root()
        await self._tree.root()

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Up to 1,000 children."""
        return await self._tree.page(folder, cursor, PAGE_ITEMS)

    async def item(self, path: str) -> Item | None:
        """One call."""
        try:
            found = await self._tree.entry(path)
        except Gone:
            return None
        return None if found.is_folder else item_of(path, found)

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        """One call; its answer's tag tells which version it is (Q9)."""
        if start and start == item.size:
            yield CountedContent(None, self._same(item, item_of(item.path, await self._facts(item))), start)
            return
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        async with self._calls.transport.stream(Request(DOWNLOAD, "GET", self._address(item), headers)) as streamed:
            now = read_item(item, streamed.answer.headers, _whole_size(streamed.answer))
            if now.revision is None:
                now = item_of(item.path, await self._facts(item))
            yield CountedContent(streamed, self._same(item, now), start)

    def _address(self, item: Item) -> str:
        if item.id is not None:
            return self._calls.url(CONTENT, f"/ids/file/{quote(item.id, safe='')}")
        return self._calls.url(CONTENT, self._tree.path(item.path))

    async def _facts(self, item: Item) -> Entry:
        """What is told of the file now. Raises Gone."""
        if item.id is None:
            return await self._tree.entry(item.path)
        url = self._calls.url(FILES, f"/ids/file/{quote(item.id, safe='')}", "list_content=false")
        return await self._calls.get("get metadata", url, Entry)

    def _same(self, asked: Item, now: Item) -> Item:
        if asked.revision is not None and now.revision != asked.revision:
            raise Changed(f"{asked.path}: another version is there than the one that was listed")
        return now

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See the contract. Folders have no times that can be set."""
        await self._tree.ensure(path)

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """One request, and before it the question what is there, where that matters: Egnyte has no conditions (Q8)."""
        dates = uploads.dated(carried)

        async def send() -> Made:
            where = await self._aim(path, condition)
            return await uploads.at_once(self._calls, where, body, digests["sha512"], dates)

        written = written_of(path, await self._in_folder(path, send), len(body), carried.modified_us)
        if written.hashes.get("sha512", digests["sha512"]) != digests["sha512"]:
            raise Mismatch(f"Egnyte has another file at {path} than the one that was sent")
        return written

    async def _in_folder(self, path: str, send: Callable[[], Awaitable[T]]) -> T:
        """Do what needs the folder above a path; once more, where that was removed since it was seen."""
        try:
            return await send()
        except RootGone:
            raise
        except Gone:
            self.taken.add(path.partition("/")[0])
            self._tree.forget(path.rpartition("/")[0])
            return await send()

    async def _aim(self, path: str, condition: Precondition) -> str:
        """Where a file goes, with its folder there. Raises Conflict where the condition does not hold."""
        await self._tree.ensure(path.rpartition("/")[0])
        await self._refuse_other(path, condition)
        return self._tree.path(path)

    async def _refuse_other(self, path: str, condition: Precondition) -> None:
        """Look at what stands there, where a condition asks for it. Raises Conflict."""
        if not condition.absent and condition.revision is None:
            return
        try:
            there = await self._tree.entry(path)
        except Gone:
            if condition.revision is not None:
                raise Conflict(f"{path}: it is not there any more") from None
            return
        if condition.absent:
            raise Conflict(f"{path}: something is there already")
        if there.is_folder or there.entry_id != condition.revision:
            raise Conflict(f"{path}: another version is there than the one to be replaced")

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """Makes no call for itself: the first chunk begins an upload."""
        await self._aim(path, condition)
        return {"path": path, "attempt": attempt, "size": size, "dates": uploads.dated(carried)}

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """The last part waits for `finish`, since it makes the file."""
        if offset + len(body) < state["size"]:

            async def send() -> Json:
                await self._tree.ensure(state["path"].rpartition("/")[0])
                where = self._tree.path(state["path"])
                return await uploads.chunk(self._calls, where, state, number, body, digest)

            return await self._in_folder(state["path"], send)
        uploads.begun(state, number)
        self._tails[_key(state)] = body
        sha512 = await asyncio.to_thread(lambda: hashlib.sha512(body).hexdigest())
        if digest is not None and digest != sha512:
            raise Mismatch("the bytes of a part are not those that its hash was made of")
        return {"number": number, "size": len(body), "sha512": sha512}

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """By the receipts that were kept: Egnyte does not tell (Q8). A last part that was kept back is none."""
        return uploads.held(state) if "dates" in state else None

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Sends the last chunk. What is to be replaced is looked at right before."""
        tail = self._tails.get(_key(state))
        checksum = uploads.whole(state, receipts, tail)
        where = await self._aim(state["path"], condition)
        made = await uploads.last(self._calls, where, state, receipts, tail or memoryview(b""), checksum)
        self._tails.pop(_key(state), None)
        return written_of(state["path"], made, state["size"], None, parts_checked=True)

    async def abort(self, state: Json) -> None:
        """Makes no call: there is none, and what was sent ends by itself in a day (Q8)."""
        self._tails.pop(_key(state), None)

    def budget(self) -> Budget:
        """See TellsBudget."""
        told = self._calls.told
        day = int(told.get(DAY, traits.CALLS_A_DAY))
        return Budget(told.get(QPS, traits.CALLS_A_SECOND), day, int(told.get(USED, 0)), traits.MORE_CALLS)

    async def totals(self) -> int:
        """See TellsTotals. The folder itself is counted along, so there are at most so many."""
        found = await self._tree.entry("")
        url = self._calls.url(FILES, f"/ids/folder/{quote(found.folder_id or '', safe='')}/stats")
        told = await self._calls.get("folder stats", url, Stats)
        return told.files + told.folders

    async def lineage(self) -> list[str]:
        """See TellsLineage. Paths are a domain's own, whoever asks; makes no call."""
        parts = self._folder.lower().split("/")
        return [self._calls.url("", "/".join(parts[:count])) for count in range(len(parts), 0, -1)]

    async def position(self) -> str:
        """See TellsChanges."""
        return await changes.position(self._calls)

    async def quiet_since(self, position: str) -> str | None:
        """See TellsChanges."""
        return await changes.quiet_since(self._calls, position, self._tree.path(""))

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        """See the contract. Egnyte never moves onto something; the revision is looked at right before."""
        found = await self._tree.entry(path)
        if found.is_folder or (revision is not None and found.entry_id != revision):
            raise Conflict(f"{path}: another version is there than the one that is to be moved")
        await self._moved(path, to)
        now = item_of(to, found)
        return Written(to, now.revision, now.size, now.hashes, now.modified_us, now.id)

    async def move_folder(self, path: str, to: str) -> None:
        """See the contract."""
        await self._moved(path, to)
        self._tree.forget(path)

    async def _moved(self, path: str, to: str) -> None:
        await self._tree.ensure(to.rpartition("/")[0])
        body = {"action": "move", "destination": self._tree.path(to)}
        await self._calls.act("move", self._tree.path(path), body)

    async def close(self) -> None:
        """See the contract."""
        self._tails.clear()
        await self._tree.close()
        await self._calls.transport.close()


def _key(state: Json) -> tuple[str, str]:
    return state["path"], state["attempt"]


def _whole_size(answer: Answer) -> int | None:
    """Of the file, as the answer with all or a part of it says; None where it does not."""
    if answer.status == 206:
        size = content_range(answer.headers.get("Content-Range", ""))[2]
        return int(size) if size is not None else None
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None
