"""A Dropbox, or what a member of a team sees of it, as the contract wants it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from haulage.model.errors import Changed, Conflict, Gone, Mismatch, NameRefused, RootGone, SessionGone
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.services.authorisation import Access
from haulage.services.contract import Content, Json, Precondition, Traits
from haulage.services.counted import CountedContent
from haulage.services.dropbox import sharing, uploads
from haulage.services.dropbox.calls import Calls
from haulage.services.dropbox.exporting import DEFAULT, exported
from haulage.services.dropbox.items import (
    Account,
    Listing,
    Made,
    Metadata,
    Position,
    Session,
    item_of,
    written_of,
)
from haulage.services.dropbox.refusals import FolderThere
from haulage.services.dropbox.traits import PARALLEL, TRAITS

PAGE_ITEMS = 2000
FEW = 4  # attempts of the first call: a person waits for it
Acting = Callable[[Calls], Awaitable[bool]]
"""Sets the headers that say for whom calls are made; returns whether that is in somebody's own tree."""


class DropboxDrive:
    """One tree, from a folder on. Paths are compared there without regard to case and Unicode form."""

    traits: Traits = TRAITS

    def __init__(self, access: Access, folder: str, identity: str, acting: Acting | None = None) -> None:
        """folder: without slashes around it. acting: called before the first call; without it, it is one's own tree."""
        self.identity = identity
        self._calls = Calls(access)
        self._commits = uploads.Commits(self._calls)
        self._folder = folder
        self._whole_home = not folder
        self._acting = acting
        self._of_team = acting is not None
        self._form = access.settings.get("export_format") or DEFAULT
        self.root_is_new = False
        self._root_there = False
        self._looking = asyncio.Lock()
        self._beginning = asyncio.Semaphore(PARALLEL)
        self._folders: set[str] = set()  # those that we made, or that Dropbox made for a file of ours
        self.calls: Mapping[str, int] = self._calls.transport.trace.calls

    def __repr__(self) -> str:
        return f"DropboxDrive({self.identity!r})"

    async def _ready(self) -> Calls:
        if self._acting is not None:
            self._whole_home = await self._acting(self._calls) and not self._folder
            self._acting = None
        return self._calls

    def _path(self, path: str) -> str:
        """The path in Dropbox's form: "" for the root, else with a slash before it. Raises NameRefused."""
        if path and not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise NameRefused(f"{path!r} would become another name at the service")
        whole = "/".join(part for part in (self._folder, path) if part)
        return f"/{whole}" if whole else ""

    async def check(self, *, write: bool, create: bool) -> None:
        """See the contract."""
        calls = await self._ready()
        where = self._path("")
        if not where:
            await calls.ask("files/list_folder", {"path": "", "limit": 1}, Listing, attempts=FEW)
            return
        try:
            found = await calls.ask("files/get_metadata", {"path": where}, Metadata, attempts=FEW)
        except Gone:
            if not create:
                raise RootGone(f"there is no folder {where!r} in the Dropbox") from None
            self.root_is_new = await self._make(where)
            return
        if found.tag != "folder":
            raise RootGone(f"{where!r} is no folder")

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Up to some 2,000 children. A page may be empty and not the last."""
        calls = await self._ready()
        if cursor is not None:
            found = await calls.ask("files/list_folder/continue", {"cursor": cursor}, Listing)
        else:
            argument = {"path": self._path(folder), "limit": PAGE_ITEMS, "include_mounted_folders": True}
            found = await calls.ask("files/list_folder", argument, Listing)
        if found.has_more and found.cursor == cursor:
            return Page([], None, False, "the service told to ask for the same page again")
        below = f"{folder}/" if folder else ""
        items = [item_of(below + one.name, one) for one in found.entries if one.tag != "deleted"]
        if self._whole_home and not folder and not found.has_more:
            items += await sharing.untold(calls, team=self._of_team)
        return Page(items, found.cursor if found.has_more else None)

    async def lineage(self) -> list[str]:
        """See TellsLineage. A call for each folder, and one for the tree that it is in."""
        calls, parts = await self._ready(), self._folder.split("/") if self._folder else []
        found: list[str] = []
        for count in range(len(parts), 0, -1):
            try:
                argument = {"path": f"/{'/'.join(parts[:count])}"}
                found.append((await calls.ask("files/get_metadata", argument, Metadata)).place)
            except Gone:
                found = [""]
        if (chosen := calls.headers.get("Dropbox-API-Path-Root")) is not None:
            return [*found, str(json.loads(chosen)["namespace_id"])]
        return [*found, (await calls.ask("users/get_current_account", None, Account)).root.home_namespace_id]

    async def position(self) -> str:
        """Of the folder alone, with all below it (Q11)."""
        argument = {"path": self._path(""), "recursive": True, "include_mounted_folders": True}
        return (await (await self._ready()).ask("files/list_folder/get_latest_cursor", argument, Position)).cursor

    async def quiet_since(self, position: str) -> str | None:
        """See the contract. Pages that tell nothing may come before one that does."""
        calls, found = await self._ready(), Listing([], position, has_more=True)
        try:
            while found.has_more and not found.entries:
                found = await calls.ask("files/list_folder/continue", {"cursor": found.cursor}, Listing)
        except SessionGone:
            return None
        return None if found.entries else found.cursor

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        """See the contract. Dropbox takes no condition here, so what is there is looked at right before."""
        calls, where = await self._root(), self._path(path)
        found = await calls.ask("files/get_metadata", {"path": where}, Metadata)
        if found.tag != "file" or (revision is not None and found.rev != revision):
            raise Conflict(f"{path}: another revision is there than the one that is to be moved")
        argument = {"from_path": found.id or where, "to_path": self._path(to), "autorename": False}
        moved = await calls.ask("files/move_v2", argument, Made, repeatable=False)
        return written_of(to, moved.metadata)

    async def item(self, path: str) -> Item | None:
        """See the contract."""
        try:
            argument = {"path": self._path(path)}
            found = await (await self._ready()).ask("files/get_metadata", argument, Metadata)
        except Gone:
            return None
        item = item_of(path, found)
        return item if item.kind is Kind.FILE else None

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        """One call; its answer tells which revision it is."""
        calls = await self._ready()
        where = item.id or self._path(item.path)
        if item.size is None:
            async with exported(calls, item, where, self._form) as document:
                yield document
            return
        if start and start == item.size:
            yield await self._at_end(calls, item, where)
            return
        async with calls.transport.stream(calls.reading({"path": where}, start)) as streamed:
            told = streamed.answer.headers.get("Dropbox-API-Result")
            if told is None:
                raise Mismatch(f"{item.path}: the answer does not say which revision it is")
            found = calls.decoded(told.encode("latin-1"), "download", Metadata)
            yield CountedContent(streamed, self._same(item, found), start)

    async def _at_end(self, calls: Calls, item: Item, where: str) -> Content:
        found = await calls.ask("files/get_metadata", {"path": where}, Metadata)
        return CountedContent(None, self._same(item, found), item.size or 0)

    def _same(self, asked: Item, found: Metadata) -> Item:
        now = item_of(asked.path, found)
        if asked.revision is not None and now.revision != asked.revision:
            raise Changed(f"{asked.path}: another revision is there than the one that was listed")
        return now

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See the contract. Folders have no times at Dropbox."""
        await self._root()
        where = self._path(path)
        if where and path not in self._folders:
            await self._make(where)
            self._folders.add(path)

    async def _make(self, where: str) -> bool:
        """Returns whether it is new."""
        try:
            await self._calls.ask("files/create_folder_v2", {"path": where, "autorename": False}, Made)
        except FolderThere:
            return False
        except Conflict:
            found = await self._calls.ask("files/get_metadata", {"path": where}, Metadata)
            if found.tag != "folder":
                raise
            return False
        return True

    async def _root(self) -> Calls:
        """The location's root has to be there: Dropbox itself would make whatever is missing."""
        calls = await self._ready()
        if self._root_there:
            return calls
        async with self._looking:
            if not self._root_there and (where := self._path("")):
                await calls.ask("files/get_metadata", {"path": where}, Metadata)
            self._root_there = True
        return calls

    def _above_is_there(self, path: str) -> None:
        """A file is there, so what is above it are folders."""
        above = path.rpartition("/")[0]
        while above and above not in self._folders:
            self._folders.add(above)
            above = above.rpartition("/")[0]

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """A closed session, and a share in the next commit."""
        where = self._path(path)
        calls = await self._root()
        await self._still_there(calls, where, condition)
        async with self._beginning:
            session = await uploads.small(calls, body, digests.get("dropbox"))
        commit = uploads.commit_of(where, carried, condition)
        found = await self._commits.finish(session, len(body), commit)
        self._above_is_there(path)
        return written_of(path, found)

    async def _still_there(self, calls: Calls, where: str, condition: Precondition) -> None:
        """Dropbox writes a revision anew whose file was removed; that is not ours to do (Q9). Raises Conflict."""
        if condition.revision is None:
            return
        try:
            await calls.ask("files/get_metadata", {"path": where}, Metadata)
        except Gone:
            raise Conflict(f"{where}: it is not there any more") from None

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """A session; what shall become of it is said when it is finished."""
        where = self._path(path)
        calls = await self._root()
        session = await calls.send("files/upload_session/start", {"close": False}, b"", Session, repeatable=True)
        times = uploads.commit_of(where, carried, condition).get("client_modified")
        return {"path": path, "attempt": attempt, "size": size, "session": session.session_id, "modified": times}

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """See the contract."""
        await uploads.append(await self._ready(), state, offset, body, digest)
        return {"number": number, "size": len(body)}

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """What the session says it has; a part that it has only the beginning of counts for nothing."""
        if "session" not in state:
            return None
        return await uploads.held(await self._ready(), state, self.traits.part_bytes(state["size"]))

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See the contract."""
        where = self._path(state["path"])
        await self._still_there(await self._ready(), where, condition)
        commit = uploads.commit_of(where, Carried(), condition)
        if state["modified"] is not None:
            commit["client_modified"] = state["modified"]
        found = await uploads.finish(await self._ready(), state, commit)
        self._above_is_there(state["path"])
        return written_of(state["path"], found, parts_checked=True)

    async def abort(self, state: Json) -> None:
        """Makes no call: there is none, and what was sent ends by itself in a week (Q8)."""

    async def close(self) -> None:
        """See the contract."""
        await self._commits.close()
        await self._calls.transport.close()
