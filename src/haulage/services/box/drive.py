"""A Box, or what a user of an enterprise has in it, as the contract wants it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

import msgspec

from haulage.model.errors import Blocked, Changed, Conflict, Denied, Gone, Mismatch, NameRefused, RootGone
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.services.authorisation import Access
from haulage.services.box import changes, traits, tree, uploads
from haulage.services.box.calls import DOWNLOADS, Calls
from haulage.services.box.items import FIELDS, Entry, item_of, written_of
from haulage.services.box.notes import making
from haulage.services.box.refusals import BYTES, DOWNLOAD, NameInUse
from haulage.services.box.tree import Tree
from haulage.services.contract import Content, Drive, Json, Precondition, Traits
from haulage.services.counted import CountedContent
from haulage.services.transport import Request

PAGE_ITEMS = 1000
Acting = Callable[[Calls], Awaitable[None]]
"""Sets the headers that say for whom calls are made."""


class BoxDrive:
    """One tree, from a folder on. Names are compared there without regard to case."""

    traits: Traits = traits.TRAITS

    def __init__(self, access: Access, folder: str, identity: str, acting: Acting | None = None) -> None:
        """folder: without slashes around it. acting: called before the first call."""
        self.identity = identity
        self._calls = Calls(access)
        self._tree = Tree(self._calls, folder)
        self._acting = acting
        self._form = access.settings.get("notes_format") or making.DEFAULT
        self._makes_notes_files = False
        self.taken: set[str] = set()  # see NoticesLoss
        self.root_is_new = False
        self.calls: Mapping[str, int] = self._calls.transport.trace.calls

    def __repr__(self) -> str:
        return f"BoxDrive({self.identity!r})"

    async def _ready(self) -> Calls:
        if self._acting is not None:
            await self._acting(self._calls)
            self._acting = None
        return self._calls

    async def check(self, *, write: bool, create: bool) -> None:
        """See the contract."""
        calls = await self._ready()
        try:
            root = await self._tree.root()
        except RootGone:
            if not create:
                raise
            self.root_is_new = await self._tree.make_root()
            return
        await calls.get("GetFolder", f"folders/{root}?fields=id,type", Entry, attempts=tree.FEW)

    def leads_to(self, target: Drive) -> None:
        """See MakesFiles: Box Notes (Q14)."""
        self._makes_notes_files = self._form == making.DEFAULT and not isinstance(target, BoxDrive)

    def _listed(self, path: str, found: Entry) -> Item:
        item = item_of(path, found)
        is_note = item.kind is Kind.FILE and path.lower().endswith(making.ENDING)
        return msgspec.structs.replace(item, size=None, hashes={}) if is_note and self._makes_notes_files else item

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Up to 1,000 children; of a user's root all of them, since names have to be told apart there."""
        await self._ready()
        folder_id = await self._tree.folder(folder)
        if folder_id == tree.TOP:
            return Page(
                [self._listed(one.name, one) for one in await self._tree.top() if one.status in (None, "active")], None
            )
        found = await self._tree.page(folder_id, cursor, PAGE_ITEMS)
        if found.marker and found.marker == cursor:
            return Page([], None, False, "the service told to ask for the same page again")
        below = f"{folder}/" if folder else ""
        there = [one for one in found.entries if one.status in (None, "active")]
        self._tree.learn({below + one.name: one.id for one in there if one.type == "folder"})
        items = [self._listed(below + one.name, one) for one in there]
        return Page(items, found.marker or None)

    async def lineage(self) -> list[str]:
        """See TellsLineage. Ids are the same with everybody, but for a root's."""
        await self._ready()
        return await self._tree.lineage()

    async def position(self) -> str:
        """See TellsChanges: of the whole account, since its record tells of ids and not of folders."""
        return await changes.position(await self._ready())

    async def quiet_since(self, position: str) -> str | None:
        """See TellsChanges."""
        return await changes.quiet_since(await self._ready(), position)

    async def item(self, path: str) -> Item | None:
        """Two calls: who has the name, and the facts about it."""
        calls = await self._ready()
        try:
            found = await self._tree.find(path)
            if found is None or found.type != "file":
                return None
            now = await self._facts(calls, found.id)
            return None if self._tree.renamed(now) else self._listed(path, now)
        except RootGone:
            raise
        except Gone:
            return None

    async def _facts(self, calls: Calls, file_id: str) -> Entry:
        return await calls.get("GetFile", f"files/{file_id}?fields={FIELDS}", Entry)

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        """Three calls: where that version is read, the reading, and whether it still is the current one (Q9)."""
        calls = await self._ready()
        file_id = item.id or await self._file_id(item.path)
        if start and start == item.size:
            yield CountedContent(None, await self._same(calls, item, file_id), start)
            return
        address = await self._address(calls, file_id, item.revision)
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        async with calls.transport.stream(Request(BYTES, "GET", address, headers, bare=True)) as streamed:
            content = CountedContent(streamed, await self._same(calls, item, file_id), start)
            yield content if item.size is not None else await making.as_word(content, self._fetched)

    async def _fetched(self, file_id: str, largest: int) -> bytes | None:
        """What a note shows: a file that its reader may not be allowed to see, or that is gone."""
        try:
            facts = item_of(file_id, await self._facts(self._calls, file_id))
            if facts.kind is not Kind.FILE or facts.size is None or facts.size > largest:
                return None
            async with self.open(facts) as content:
                return b"".join([bytes(chunk) async for chunk in content.chunks()])
        except (Gone, Denied, Blocked):
            return None

    async def _same(self, calls: Calls, item: Item, file_id: str) -> Item:
        """The file as it is now. Raises Gone, Changed."""
        now = item_of(item.path, await self._facts(calls, file_id))
        if item.revision is not None and now.revision != item.revision:
            raise Changed(f"{item.path}: another version is there than the one that was listed")
        return now

    async def _file_id(self, path: str) -> str:
        found = await self._tree.find(path)
        if found is None or found.type != "file":
            raise Gone(f"{path}: it is not there any more")
        return found.id

    async def _address(self, calls: Calls, file_id: str, version: str | None) -> str:
        """Where the bytes of a version are; the address itself is the permission."""
        url = f"https://api.box.com/2.0/files/{file_id}/content" + (f"?version={version}" if version else "")
        answer = await calls.transport.call(Request(DOWNLOAD, "GET", url, dict(calls.headers)))
        where = answer.headers.get("Location", "")
        if not where.startswith("https://") or not where.split("/")[2].endswith("boxcloud.com"):
            raise Mismatch(f"Box: a download is to be had at another place than {DOWNLOADS[0]}")
        return where

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See the contract. Folders have no times that can be set."""
        await self._ready()
        await self._tree.ensure(path)

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """One request, and before an overwrite the question what is there."""
        calls = await self._ready()
        with self._forgetting(path):
            folder_id, name = await self._aim(path)
            there = None if condition.absent else await self._replaced(calls, path, condition)
            dates = uploads.dates_of(carried)
            if there is None:
                facts = {"name": name, "parent": {"id": folder_id}, **dates}
                made = await uploads.at_once(calls, None, facts, body, digests["sha1"], None)
            else:
                etag = there.etag if condition.revision is not None else None
                made = await uploads.at_once(calls, there.id, {"name": name, **dates}, body, digests["sha1"], etag)
        return written_of(path, made)

    @contextmanager
    def _forgetting(self, path: str) -> Iterator[None]:
        """A folder above it that was taken away is made anew when it is written again (F34)."""
        try:
            yield
        except RootGone:
            raise
        except Gone:
            self.taken.add(path.partition("/")[0])
            self._tree.forget(path.partition("/")[0])
            raise

    async def _aim(self, path: str) -> tuple[str, str]:
        """The id of the folder that a file goes to, and the name in it."""
        above, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            raise NameRefused(f"{path!r} would become another name at the service")
        return await self._tree.ensure(above), name

    async def _replaced(self, calls: Calls, path: str, condition: Precondition) -> Entry | None:
        """The file that a write replaces; None for a new one. Raises Conflict."""
        try:
            found = await self._tree.find(path)
            if found is not None and found.type != "file":
                raise Conflict(f"{path}: something is there, and no file")
            there = await self._facts(calls, found.id) if found is not None else None
        except RootGone:
            raise
        except Gone:
            there = None
        if condition.revision is not None and (there is None or there.revision != condition.revision):
            raise Conflict(f"{path}: another version is there than the one to be replaced, or none")
        return there

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """A session, of a new file or of a new version. Box says how large its parts are."""
        calls = await self._ready()
        with self._forgetting(path):
            folder_id, name = await self._aim(path)
            there = None if condition.absent else await self._replaced(calls, path, condition)
            opened = await uploads.begin(calls, there.id if there else None, folder_id, name, size)
        if self.traits.part_bytes(size) % opened.part_size:
            raise Mismatch(f"Box wants parts of {opened.part_size} bytes, which Haulage cannot cut")
        state = {"path": path, "attempt": attempt, "size": size, "session": opened.id, "part_bytes": opened.part_size}
        return {**state, "file": there.id if there else None, "dates": uploads.dates_of(carried)}

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """See the contract."""
        pieces = await uploads.part(await self._ready(), state, offset, body, digest)
        return uploads.receipt_of(number, pieces)

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """See the contract."""
        if "session" not in state:
            return None
        return await uploads.held(await self._ready(), state, self.traits.part_bytes(state["size"]))

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See the contract."""
        calls, path, etag = await self._ready(), state["path"], None
        if condition.revision is not None:
            there = await self._replaced(calls, path, condition)
            etag = there.etag if there is not None else None
            if there is None or there.id != state["file"]:
                raise Conflict(f"{path}: it was another file that was to be replaced")
        elif condition.absent and state["file"] is not None:
            raise Conflict(f"{path}: something is there already")
        made = await uploads.commit(calls, state, receipts, digests["sha1"], etag)
        return written_of(path, made, parts_checked=True)

    async def abort(self, state: Json) -> None:
        """Of an upload of which nobody heard whether it was begun nothing can be found; it ends in a week (Q8)."""
        if "session" in state:
            await uploads.abort(await self._ready(), state)

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        """See the contract. Box takes no condition here, so what is there is looked at right before."""
        calls = await self._ready()
        found = await self._facts(calls, await self._file_id(path))
        if revision is not None and found.revision != revision:
            raise Conflict(f"{path}: another version is there than the one that is to be moved")
        moved = written_of(to, await self._placed(calls, "files", found.id, to))
        self._tree.forget(path)
        return moved

    async def move_folder(self, path: str, to: str) -> None:
        """See the contract."""
        calls = await self._ready()
        await self._placed(calls, "folders", await self._tree.folder(path), to)
        self._tree.forget(path)

    async def _placed(self, calls: Calls, kind: str, item_id: str, to: str) -> Entry:
        folder_id, name = await self._aim(to)
        body = {"name": name, "parent": {"id": folder_id}}
        try:
            return await calls.send("Move", "PUT", f"{kind}/{item_id}?fields={FIELDS}", body, Entry)
        except NameInUse as error:
            raise Conflict(error.message) from error

    async def close(self) -> None:
        """See the contract."""
        await self._tree.close()
        await self._calls.transport.close()
