"""A OneDrive or document library as the contract wants it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from haulage.model.errors import (
    Blocked,
    Changed,
    Conflict,
    Denied,
    Gone,
    Mismatch,
    RootGone,
    SessionGone,
)
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.services.authorisation import Access
from haulage.services.contract import ABSENT, Content, Drive, Json, Precondition, Traits
from haulage.services.counted import CountedContent
from haulage.services.microsoft import copies, uploads
from haulage.services.microsoft.graph import DriveFacts, Graph
from haulage.services.microsoft.items import SELECT, Children, Delta, DriveItem, item_of, time_text, written_of
from haulage.services.microsoft.places import Place
from haulage.services.microsoft.reading import refuse_other, same_tag
from haulage.services.microsoft.refusals import SessionRefused
from haulage.services.microsoft.traits import within_path
from haulage.services.microsoft.whole import FIELDS, Enumeration, Nodes, tells_revisions
from haulage.services.transport import Request

PAGE_ITEMS = 1000
SHORTCUTS_TOO = {"Prefer": "Include-Feature=AddToOneDrive"}


class GraphDrive:
    """One drive, from a folder on. Paths are Graph's own; names are compared there without regard to case."""

    def __init__(self, access: Access, place: Place, identity: str, traits: Traits) -> None:
        self.traits = self._traits = traits
        self.identity = identity
        self._graph = Graph(access, place)
        self._account = access.account
        self._ids: dict[str, str] = {}
        self.calls: Mapping[str, int] = self._graph.transport.trace.calls
        self._located: asyncio.Task[DriveFacts] | None = None
        self._known: set[str] = set()
        self._made: dict[str, asyncio.Task[None]] = {}
        self._kept: dict[str, tuple[int, memoryview]] = {}
        self._next: dict[str, int] = {}
        self._enumeration = Enumeration()

    def __repr__(self) -> str:
        return f"GraphDrive({self.identity!r})"

    async def check(self, *, write: bool, create: bool) -> None:
        """See the contract."""
        await self._facts()
        try:
            found = await self._get("")
        except Gone:
            if not create:
                raise RootGone(f"there is no folder {self._graph.root()!r} in the drive") from None
            return await self._ensure(self._graph.root())
        if found.folder is None:
            raise RootGone(f"{self._graph.root()!r} is no folder")
        self._known.add(self._graph.root().casefold())

    async def _ready(self) -> Graph:
        """Calls about the drive, once it is found."""
        await self._facts()
        return self._graph

    async def _facts(self) -> DriveFacts:
        """The drive, found at the first call. A failure to find it is everybody's, and is not kept."""
        if self._located is None:
            self._located = asyncio.ensure_future(self._locate())
        try:
            return await asyncio.shield(self._located)
        except BaseException:
            if self._located is not None and self._located.done():
                self._located = None
            raise

    async def _locate(self) -> DriveFacts:
        """The names' limit is known from then on: a path counts from the host on, with the site and the library."""
        facts = await self._graph.locate()
        self.traits = within_path(self._traits, facts.web_url or "", self._graph.root())
        return facts

    async def room(self) -> int | None:
        """As the drive's quota tells it now (Q21)."""
        quota = (await (await self._ready()).facts()).quota
        return quota.free if quota is not None else None

    async def _get(self, path: str, *, more: str = "") -> DriveItem:
        graph = await self._ready()
        return await graph.get("GetItem", f"{graph.url(path)}?$select={SELECT}{more}", DriveItem)

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Up to 1,000 children. The cursor is the address of the next page, as Graph gave it."""
        graph = await self._ready()
        url = cursor or f"{graph.url(folder, 'children')}?$top={PAGE_ITEMS}&$select={SELECT}"
        found = await graph.get("ListChildren", url, Children)
        empty = not found.value and cursor is None
        if empty and graph.path(folder).casefold() not in self._known and (await self._get(folder)).folder is None:
            raise Gone(f"{folder!r} is no folder")
        if found.next_link is not None and found.next_link == cursor:
            return Page([], None, False, "the service told to ask for the same page again")
        below = f"{folder}/" if folder else ""
        items = [item_of(below + one.name, one) for one in found.value]
        self._known.update(graph.path(one.path).casefold() for one in items if one.kind is Kind.FOLDER)
        return Page(items, found.next_link)

    async def whole(self, cursor: str | None) -> Page | None:
        """By delta, where the location is a whole drive and its files tell their revisions there (Q19)."""
        graph = await self._ready()
        if graph.root():
            return None
        url = cursor or f"{graph.whole_url('', 'delta')}?$top={PAGE_ITEMS}&$select={FIELDS}"
        try:
            nodes = await graph.get("Delta", url, Nodes, headers=SHORTCUTS_TOO)
        except Gone:
            if cursor is None:
                return None
            return Page([], None, again=("",))  # the record was lost on the way: folder by folder, from the root
        if cursor is None:
            if not tells_revisions(nodes.value):
                return None
            self._enumeration = Enumeration()
        page = self._enumeration.page(nodes)
        self._known.update(one.path.casefold() for one in page.items if one.kind is Kind.FOLDER)
        return page

    async def position(self) -> str:
        """The address of what will have changed since now, in the whole drive (Q16)."""
        found = await self._delta((await self._ready()).whole_url("", "delta") + "?token=latest&$select=id")
        if found.next_position is None:
            raise Mismatch("Microsoft: the answer to Delta does not say where the record stands")
        return found.next_position

    async def quiet_since(self, position: str) -> str | None:
        """See the contract. One call; a position lasts some weeks, then the service answers 410."""
        await self._ready()
        try:
            found = await self._delta(position)
            while not found.value and found.next_link is not None:
                found = await self._delta(found.next_link)
        except Gone:
            return None
        return None if found.value else found.next_position

    async def _delta(self, url: str) -> Delta:
        return await self._graph.get("Delta", url, Delta)

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        """See the contract. By id and tag, so that nothing else is moved."""
        found = await self._get(path)
        if found.file is None or (revision is not None and found.revision != revision):
            raise Conflict(f"{path}: another revision is there than the one that is to be moved")
        return written_of(to, await self._rename(found, to))

    async def move_folder(self, path: str, to: str) -> None:
        """See the contract."""
        found = await self._get(path)
        if found.folder is None:
            raise Conflict(f"{path}: no folder is there")
        await self._rename(found, to)
        old = self._graph.path(path).casefold()
        self._known = {one for one in self._known if one != old and not one.startswith(f"{old}/")}

    async def _rename(self, found: DriveItem, to: str) -> DriveItem:
        graph = await self._above(to)
        above, _, name = to.rpartition("/")
        body = {
            "name": name,
            "parentReference": {"id": (await self._get(above)).id},
            "@microsoft.graph.conflictBehavior": "fail",
        }
        headers = {"If-Match": found.e_tag} if found.e_tag else {}
        answer = await graph.send("MoveItem", "PATCH", graph.by_id(found.id), body, headers)
        return graph.decoded(answer, "MoveItem", DriveItem)

    async def item(self, path: str) -> Item | None:
        """See the contract."""
        try:
            found = item_of(path, await self._get(path))
        except Gone:
            return None
        return found if found.kind is Kind.FILE else None

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        """Two calls: what is there now, with an address to read it at, and the reading."""
        graph = await self._ready()
        where = graph.by_id(item.id) if item.id else graph.url(item.path)
        url = f"{where}?$select={SELECT},@microsoft.graph.downloadUrl"
        found = await graph.get("GetItem", url, DriveItem)
        now = item_of(item.path, found)
        if now.kind is not Kind.FILE or (item.revision is not None and now.revision != item.revision):
            raise Changed(f"{item.path}: another revision is there than the one that was listed")
        if found.malware is not None:
            raise Blocked(f"{item.path}: the service flagged it as harmful and does not hand it out")
        if found.download_url is None:
            raise Blocked(f"{item.path}: the service gives no address to read it at")
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        if start == now.size:
            yield CountedContent(None, now, start)
            return
        request = Request("DownloadContent", "GET", found.download_url, headers, bare=True)
        async with graph.transport.stream(request) as streamed:
            if not same_tag(streamed.answer, found.e_tag):  # no proof of a change: not all drives tell it in one form
                refuse_other(streamed.answer, found.e_tag, item.path)
                if (await graph.get("GetItem", url, DriveItem)).revision != now.revision:
                    raise Changed(f"{item.path}: it was changed while it was opened")
            yield CountedContent(streamed, now, start)

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See the contract."""
        await self._folder_at(path)
        if modified_us is not None:
            await self.set_folder_time(path, modified_us)

    async def set_folder_time(self, path: str, modified_us: int) -> None:
        """See the contract."""
        graph, text = await self._ready(), time_text(modified_us)
        if text is not None:
            facet = {"fileSystemInfo": {"lastModifiedDateTime": text}}
            await graph.send("UpdateItem", "PATCH", graph.url(path), facet, repeatable=True)

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """A session with one fragment, so that times come along; an empty file in one request, for want of sessions.

        Both make one version where the drive keeps versions, but for the empty file with times, which makes two (Q10).
        """
        graph = await self._above(path)
        if not len(body):
            return await self._put_empty(graph, path, carried, condition)
        url = await uploads.begin(graph, path, len(body), carried, condition)
        try:
            found = await uploads.send(graph, url, 0, memoryview(body), len(body))
        except SessionRefused as error:
            raise Denied(error.message) from error
        if found is None:
            raise Mismatch(f"{path}: the service took all bytes and made no file of them")
        return written_of(path, found)

    async def _put_empty(self, graph: Graph, path: str, carried: Carried, condition: Precondition) -> Written:
        headers = await uploads.revised(graph, path, condition) | {"Content-Type": "application/octet-stream"}
        behaviour = "fail" if condition == ABSENT else "replace"
        url = f"{graph.url(path, 'content')}?@microsoft.graph.conflictBehavior={behaviour}"
        answer = await graph.transport.call(Request("PutContent", "PUT", url, headers, b"", repeatable=False))
        found = graph.decoded(answer, "PutContent", DriveItem)
        if times := uploads.times_of(carried):
            where = graph.by_id(found.id)
            answer = await graph.send("UpdateItem", "PATCH", where, {"fileSystemInfo": times}, repeatable=True)
            found = graph.decoded(answer, "UpdateItem", DriveItem)
        return written_of(path, found)

    def copies_from(self, source: Drive) -> bool:
        """See CopiesWithin. Of one account: a tenant's, or one person's."""
        return isinstance(source, GraphDrive) and bool(self._account) and source._account == self._account

    async def begin_copy(self, source: Drive, item: Item, path: str, attempt: str) -> Json:
        """See CopiesWithin."""
        if not isinstance(source, GraphDrive) or item.id is None:
            raise Denied("a copy within the service needs a drive of the service at both ends")
        graph, above = await self._above(path), path.rpartition("/")[0]
        if (folder := self._ids.get(above)) is None:
            folder = self._ids[above] = (await self._get(above)).id
        state = {"path": path, "attempt": attempt, "copy": True}
        return await copies.begin(graph, await source._ready(), item.id, folder, state)

    async def copied(self, state: Json) -> Written | None:
        """See CopiesWithin."""
        graph, monitor = await self._ready(), state.get("monitor")
        if monitor is not None and not await copies.ended(graph, monitor):
            return None
        found = await copies.found(graph, state)
        return written_of(copies.path_of(state), found) if found is not None else None

    async def place(self, state: Json, made: Written, carried: Carried) -> Written:
        """See CopiesWithin. Addressed by path, so that it ends nowhere else should the folder be moved."""
        graph, path = await self._ready(), state["path"]
        body = {
            "name": path.rpartition("/")[2],
            "fileSystemInfo": uploads.times_of(carried),
            "@microsoft.graph.conflictBehavior": "fail",
        }
        try:
            url = graph.url(copies.path_of(state))
            answer = await graph.send("UpdateItem", "PATCH", url, body, repeatable=True)
        except Gone:
            found = await self._get(path)  # the answer may have been lost, and the request sent again
            if found.id != made.id:
                raise
            return written_of(path, found)
        return written_of(path, graph.decoded(answer, "UpdateItem", DriveItem))

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """A session. Its address is its own permission for this one file, and part of the state."""
        graph = await self._above(path)
        url = await uploads.begin(graph, path, size, carried, condition)
        self._next[url] = 0
        return {"path": path, "attempt": attempt, "size": size, "url": url, "absent": condition.absent}

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """The last part is kept for `finish`, which makes the file of it."""
        graph, url, size = await self._ready(), state["url"], state["size"]
        if offset + len(body) == size:
            if self._next.get(url) != offset and await uploads.expected(graph, url, size) < offset:
                raise SessionGone(f"{state['path']}: parts before the last one are missing")
            self._kept[url] = (offset, body)
        else:
            await uploads.send(graph, url, offset, body, size)
            self._next[url] = offset + len(body)
        return {"number": number, "size": len(body)}

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """What the session says it has; a part that it has only the beginning of counts for nothing."""
        if "url" not in state:
            return None
        return await uploads.held(await self._ready(), state, self.traits.part_bytes(state["size"]))

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Sends the last part. What is to be replaced is looked at once more right before."""
        graph = await self._ready()
        kept = self._kept.get(state["url"])
        if kept is None:
            raise SessionGone(f"{state['path']}: the last part is not at hand")
        await uploads.revised(graph, state["path"], condition)
        if condition.absent and not state["absent"] and await self.item(state["path"]) is not None:
            raise Conflict(f"{state['path']}: something is there already")
        found = await uploads.send(graph, state["url"], *kept, state["size"])
        if found is None:
            raise Mismatch(f"{state['path']}: the service took all bytes and made no file of them")
        self._forget(state["url"])
        return written_of(state["path"], found)

    async def abort(self, state: Json) -> None:
        """Ends the session of this attempt; one that nobody heard of ends by itself. A copy is deleted."""
        if "copy" in state:
            await copies.forget(await self._ready(), state)
        if "url" in state:
            self._forget(state["url"])
            await uploads.forget(await self._ready(), state["url"])

    def _forget(self, url: str) -> None:
        self._kept.pop(url, None)
        self._next.pop(url, None)

    async def close(self) -> None:
        """See the contract."""
        for task in (*self._made.values(), *filter(None, [self._located])):
            task.cancel()
        await self._graph.transport.close()

    async def _above(self, path: str) -> Graph:
        """See to the folder above a file."""
        await self._folder_at(path.rpartition("/")[0])
        return self._graph

    async def _folder_at(self, path: str) -> None:
        """Make the folder and those above it, up to the location's root, which has to be there (F34)."""
        graph = await self._ready()
        root = graph.root()
        if root and root.casefold() not in self._known:
            await self._get("")
            self._known.add(root.casefold())
        await self._ensure(graph.path(path))

    async def _ensure(self, whole: str) -> None:
        """The same for a path in the drive: each is made once, however many ask for it (F34)."""
        key = whole.casefold()
        if not whole or key in self._known:
            return
        if (task := self._made.get(key)) is None:
            task = self._made[key] = asyncio.ensure_future(self._make(whole))
        try:
            await asyncio.shield(task)
        finally:
            if task.done():
                self._made.pop(key, None)
        self._known.add(key)

    async def _make(self, whole: str) -> None:
        graph, (above, _, name) = self._graph, whole.rpartition("/")
        await self._ensure(above)
        body = {"name": name, "folder": {}, "@microsoft.graph.conflictBehavior": "fail"}
        try:
            await graph.send("CreateFolder", "POST", graph.whole_url(above, "children"), body, repeatable=True)
        except Conflict:
            there = await graph.get("GetItem", f"{graph.whole_url(whole)}?$select={SELECT}", DriveItem)
            if there.folder is None:
                raise
