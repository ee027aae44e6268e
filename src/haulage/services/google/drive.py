"""A person's Drive, a shared drive, or what is shared with the person, as the contract wants it."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any
from urllib.parse import quote

from haulage.model.errors import Changed, Conflict, Gone, HaulageError, NameRefused, RootGone, SessionGone, ShortRead
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.model.outcome import Side
from haulage.services.authorisation import Access
from haulage.services.contract import Content, Drive, Json, Precondition, Traits
from haulage.services.counted import CountedContent
from haulage.services.google import traits
from haulage.services.google.account import DRIVE
from haulage.services.google.calls import Calls, address
from haulage.services.google.copying import Copies
from haulage.services.google.exporting import exported
from haulage.services.google.exports import Exports
from haulage.services.google.files import File, item_of, size_of, time_us, written_of
from haulage.services.google.lookups import ORPHANS, SHARED
from haulage.services.google.names import Naming, chosen
from haulage.services.google.places import Place
from haulage.services.google.refusals import DOWNLOAD, IdInUse
from haulage.services.google.tree import ORPHANED, Tree
from haulage.services.google.uploads import Uploads, facts_of, whole_receipts
from haulage.services.transport import Request

PAGE_ITEMS = 1000


class GoogleDrive:
    """One tree of Google's, from a folder on."""

    traits: Traits = traits.TRAITS

    def __init__(self, access: Access, place: Place, identity: str, exports: Exports) -> None:
        self.identity = identity
        self.exports = exports
        self._calls = Calls(access)
        self._tree = Tree(self._calls, place, exports)
        self._uploads = Uploads(self._calls)
        self._copies = Copies(self._calls, self._tree)
        self._namings: dict[str, Naming] = {}
        self.root_is_new = False
        self.calls: Mapping[str, int] = self._calls.transport.trace.calls

    @property
    def taken(self) -> set[str]:
        """See NoticesLoss."""
        return self._tree.taken

    def __repr__(self) -> str:
        return f"GoogleDrive({self.identity!r})"

    async def check(self, *, write: bool, create: bool) -> None:
        """See the contract."""
        try:
            folder_id = await self._tree.root()
            await self._tree.lookups.page(folder_id, None, 1)
        except RootGone:
            if not create:
                raise
            self.root_is_new = await self._tree.make_root()

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Up to 1,000 children, the oldest first. The cursor: where the page before it ended, and Google's token."""
        folder_id = await self._tree.folder(folder)
        created, _, token = (cursor or "").partition(" ")
        naming = await self._naming(folder, folder_id, int(created)) if cursor else Naming(self.exports)
        try:
            found = await self._tree.lookups.page(folder_id, token or None, PAGE_ITEMS, order="createdTime")
        except HaulageError as error:
            if cursor is not None and type(error) is HaulageError:
                why = f"the service does not go on with the listing where it stood ({error.message})"
                return Page([], None, False, why)
            raise
        if not found.files and cursor is None and folder_id not in (SHARED, ORPHANS):
            await self._still_a_folder(folder, folder_id)
        if found.next_token is not None and found.next_token == token:
            return Page([], None, False, "the service told to ask for the same page again")
        below = f"{folder}/" if folder else ""
        items = []
        for file in sorted(found.files, key=lambda one: one.age):
            path = below + naming.part(file)
            if self._tree.within_itself(folder, file):
                items.append(Item(path, Kind.OTHER, id=file.id, note="a folder that lies within itself"))
                continue
            self._tree.note(path, file)
            items.append(item_of(path, file, self.exports))
        self._namings[folder] = naming
        if found.next_token is None:
            del self._namings[folder]
            if not folder and self._tree.is_all:
                orphaned, incomplete = await self._orphaned(naming)
                items += orphaned
                found.incomplete = found.incomplete or incomplete
        last = max((time_us(one.created) or 0 for one in found.files), default=int(created or 0))
        following = f"{last} {found.next_token}" if found.next_token else None
        if found.incomplete:
            return Page(items, following, False, "the service says that its search was incomplete")
        return Page(items, following)

    async def _orphaned(self, naming: Naming) -> tuple[list[Item], bool]:
        """The folder that stands for what lies in none (Q20), where there is such a thing, under a free name.

        And whether the search for it was incomplete.
        """
        token, incomplete = "", False
        while True:
            found = await self._tree.lookups.page(ORPHANS, token or None, PAGE_ITEMS)
            incomplete = incomplete or found.incomplete or (bool(token) and found.next_token == token)
            if found.files:
                names = (ORPHANED if number == 1 else f"{ORPHANED} ({number})" for number in count(1))
                free = next(one for one in names if not naming.has(one))
                return [Item(free, Kind.FOLDER, id=ORPHANS)], incomplete
            if found.next_token is None or incomplete:
                return [], incomplete
            token = found.next_token

    async def _naming(self, folder: str, folder_id: str, until_us: int) -> Naming:
        """Who has which name so far. After a restart that is listed once more, up to where the cursor stands."""
        if (known := self._namings.get(folder)) is not None:
            return known
        naming, token = Naming(self.exports), ""
        while True:
            found = await self._tree.lookups.page(folder_id, token or None, PAGE_ITEMS, order="createdTime")
            for file in sorted(found.files, key=lambda one: one.age):
                naming.part(file)
            last = max((time_us(one.created) or 0 for one in found.files), default=0)
            if found.next_token is None or found.next_token == token or last > until_us:
                return naming
            token = found.next_token or ""

    async def _still_a_folder(self, folder: str, folder_id: str) -> None:
        found = await self._tree.get(folder_id)
        if found.trashed or not found.is_folder:
            raise Gone(f"{folder!r} is no folder, or no more")

    async def item(self, path: str) -> Item | None:
        """See the contract."""
        if (found := await self._there(path)) is None:
            self._tree.forget(path)
            return None
        item = item_of(path, found, self.exports)
        return item if item.kind is Kind.FILE else None

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        """Two calls: what is read is fixed when the answer begins; which revision that is, is asked then (Q10)."""
        file_id = item.id or await self._tree.file_id(item.path)
        if item.size is None and (document := await self._tree.get(file_id)).is_native:
            async with self._exported(item, document) as content:
                yield content
            return
        if start and start == item.size:
            yield CountedContent(None, await self._same(item, file_id), start)
            return
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        url = address(f"{DRIVE}/files/{quote(file_id, safe='')}", {"alt": "media"})
        async with self._calls.transport.stream(Request(DOWNLOAD, "GET", url, headers)) as streamed:
            yield CountedContent(streamed, await self._same(item, file_id), start)

    @asynccontextmanager
    async def _exported(self, item: Item, found: File) -> AsyncIterator[Content]:
        """A document, as a file (Q17). It was the listed one before the export began, and after."""
        async with exported(self._calls, found, self._now(item, found)) as content:
            await self._same(item, found.id)
            yield content

    async def _same(self, item: Item, file_id: str) -> Item:
        """The file as it is now. Raises Gone, Changed."""
        return self._now(item, await self._tree.get(file_id))

    def _now(self, item: Item, found: File) -> Item:
        if found.trashed:
            raise Gone(f"{item.path}: it is in the trash")
        now = item_of(item.path, found, self.exports)
        if now.kind is not Kind.FILE or (item.revision is not None and now.revision != item.revision):
            raise Changed(f"{item.path}: another revision is there than the one that was listed")
        return now

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See the contract."""
        await self._tree.ensure(path)
        if modified_us is not None and path:
            await self.set_folder_time(path, modified_us)

    async def set_folder_time(self, path: str, modified_us: int) -> None:
        """See the contract."""
        if (await self._tree.set_time(await self._tree.folder(path), modified_us)).trashed:
            raise self._tree.taken_away(path)

    async def _aim(self, path: str, carried: Carried, condition: Precondition) -> tuple[str | None, dict[str, Any]]:
        """The id of the file whose content is replaced, None for a new one; and the facts to send. Raises Conflict."""
        above, _, name = path.rpartition("/")
        if "" in path.split("/"):
            raise NameRefused(f"{path!r} holds an empty name")
        folder_id = await self._tree.ensure(above)
        facts = facts_of(name, carried)
        if not condition.absent:
            there = await self._tree.find(path)
            self._refuse_other(path, there, condition)
            if there is not None:
                return self._file(path, there).id, facts
        new_id = await self._tree.new_id(folder_id)
        self._tree.fresh.writes(folder_id, name)
        return None, {**facts, "name": name, "parents": [folder_id], "id": new_id}

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """One request, and for a new file the question whether another one has its name (Q6, Q8).

        In a folder that this drive has made, and nobody else was seen in, it knows who has which name (Q21).
        """
        file_id, facts = await self._aim(path, carried, condition)
        try:
            made = await self._uploads.at_once(file_id, facts, body)
        except IdInUse:
            if "id" not in facts:
                raise
            made = await self._tree.get(facts["id"])
        except Gone:
            raise self._tree.taken_away(path) from None
        else:
            if "id" in facts and self._tree.fresh.alone(facts["parents"][0], facts["name"]):
                return self._written(path, made)
        return await self._settled(path, made, facts)

    async def _settled(self, path: str, made: File, facts: Mapping[str, Any]) -> Written:
        """A new file stays where no older one has its name; else it is taken back. Raises Conflict."""
        if "id" in facts:
            folder_id, part = facts["parents"][0], path.rpartition("/")[2]
            first = chosen(part, await self._tree.lookups.named(folder_id, part), self.exports)
            if first is not None and first.id != made.id:
                await self._tree.remove(made.id)
                raise Conflict(f"{path}: something is there already")
        return self._written(path, made)

    def _written(self, path: str, made: File) -> Written:
        if made.trashed:
            raise self._tree.taken_away(path)
        self._tree.note(path, made)
        return written_of(path, made, self.exports)

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """A session. Its address is its own permission for this one file, and part of the state."""
        file_id, facts = await self._aim(path, carried, condition)
        session = await self._uploads.begin(file_id, facts, size)
        part_bytes = traits.part_bytes(size)
        state = {"path": path, "attempt": attempt, "size": size, "part_bytes": part_bytes, "session": session}
        return {**state, "made": {name: facts[name] for name in ("id", "parents") if name in facts}}

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """See the contract."""
        return {"number": number, **await self._uploads.part(state, offset, body)}

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """Whole parts only: what is there of the next one is gone on with. All, where it has become a file (Q8)."""
        if "session" not in state:
            return None
        if (held := await self._uploads.held(state)) is None and await self._became(state) is not None:
            return whole_receipts(state)
        return held

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Sends the last bytes. What is to be replaced is looked at once more right before."""
        total, path, tail = (
            sum(receipt["size"] for receipt in receipts),
            state["path"],
            str(receipts[-1].get("tail", "")),
        )
        made = None if tail else await self._became(state)
        if total != state["size"] or not (tail or made):
            raise ShortRead(f"{path}: the parts hold {total} bytes of {state['size']}")
        if condition.revision is not None:
            self._refuse_other(path, await self._tree.find(path), condition)
        return await self._settled(path, made or await self._finished(state, tail), state["made"])

    async def _finished(self, state: Json, tail: str) -> File:
        """The file that the last bytes make; also where Google knows no session any more that has become one."""
        try:
            return await self._uploads.finish(state, base64.b64decode(tail))
        except SessionGone:
            if (made := await self._became(state)) is None:
                raise
            return made

    async def _became(self, state: Json) -> File | None:
        """The new file that an upload has become, by the id that was chosen before (Q8), where it was made."""
        if "id" not in (known := state.get("made", {})):
            return None
        try:
            made = await self._tree.get(known["id"])
        except Gone:
            return None
        as_made = made.name == state["path"].rpartition("/")[2] and made.parents == known["parents"]
        return made if as_made and not made.trashed and size_of(made) == state["size"] else None

    async def abort(self, state: Json) -> None:
        """No call ends a session; what was sent ends by itself in a week (Q9).

        What has become a file stays, but where an older one has its name: then nobody knows ours, and it is taken back.
        """
        self._uploads.forget(state)
        if (made := await self._became(state)) is not None:
            others = await self._tree.lookups.named(made.parents[0], made.name)
            if (first := chosen(made.name, others, self.exports)) is not None and first.id != made.id:
                await self._tree.remove(made.id)

    async def lineage(self) -> list[str]:
        """See TellsLineage. A call for each folder above; ids are the same with everybody."""
        return await self._tree.lineage()

    async def position(self) -> str:
        """See TellsChanges."""
        return await self._tree.position()

    async def quiet_since(self, position: str) -> str | None:
        """See TellsChanges."""
        return await self._tree.quiet_since(position)

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        """See Moves. Drive holds no condition here, so what is there is looked at right before."""
        found = await self._tree.find(path)
        if found is None:
            raise Gone(f"{path}: it is not there any more")
        self._refuse_other(path, found, Precondition(revision=revision))
        return self._written(to, await self._tree.move(found, path, to))

    async def move_folder(self, path: str, to: str) -> None:
        """See MovesFolders."""
        found = await self._tree.find(path)
        if found is None or not found.is_folder:
            raise Gone(f"{path}: no folder is there")
        await self._tree.move(found, path, to)

    async def document(self, item: Item) -> File:
        """The document that was listed, as it is now. Raises Gone, Changed."""
        found = await self._tree.get(item.id or await self._tree.file_id(item.path))
        self._now(item, found)
        return found

    async def copy_document(self, source: Drive, item: Item, path: str, condition: Precondition) -> Written | None:
        """See CopiesDocuments: whatever the account that writes here can read too (Q18)."""
        if not isinstance(source, GoogleDrive):
            return None
        try:
            found = await source.document(item)
        except HaulageError as error:
            error.side = Side.SOURCE
            raise
        there = await self._there(path)
        self._refuse_other(path, there, condition)
        made = await self._copies.made(found, path, there, absent=condition.absent)
        return None if made is None else self._written(path, made)

    async def _there(self, path: str) -> File | None:
        try:
            return await self._tree.find(path)
        except RootGone:
            raise
        except Gone:
            return None

    async def close(self) -> None:
        """See the contract."""
        await self._tree.close()
        await self._calls.transport.close()

    def _refuse_other(self, path: str, there: File | None, condition: Precondition) -> None:
        """Raises Conflict where something else stands there than what a write may replace."""
        item = item_of(path, there, self.exports) if there is not None else None
        if item is not None and item.kind is not Kind.FILE:
            raise Conflict(f"{path}: something is there, and no file")
        if condition.revision is not None and (item is None or item.revision != condition.revision):
            raise Conflict(f"{path}: another revision is there than the one to be replaced, or none")

    def _file(self, path: str, there: File) -> File:
        """What is there, if bytes can take its place: what is sent into a document is converted. Raises Conflict."""
        if there.is_native:
            raise Conflict(f"{path}: a document of Google is there, and no file")
        return there
