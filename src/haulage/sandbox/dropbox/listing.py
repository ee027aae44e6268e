"""Dropbox's listings: pages, cursors, changes since, longpoll, metadata of one entry, revisions."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec

from haulage.sandbox.dropbox.desk import Desk, View
from haulage.sandbox.dropbox.model import Entry, Revision, Trace
from haulage.sandbox.dropbox.shapes import Shapes, lowered
from haulage.sandbox.dropbox.store import Store
from haulage.sandbox.dropbox.texts import dated
from haulage.sandbox.dropbox.wire import (
    READABLE,
    ROOTED,
    Arg,
    bad_input,
    check_path,
    failure,
    nested,
    route,
    tag_of,
    tagged,
)
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call

STANDARD_LIMIT = 500
LARGEST_LIMIT = 2000
LARGE_PAGE = 20
GRAVE = "\U0010ffff"


class ListFolder(Arg):
    """ListFolderArg."""

    path: str
    recursive: bool = False
    include_media_info: bool = False
    include_deleted: bool = False
    include_has_explicit_shared_members: bool = False
    include_mounted_folders: bool = True
    limit: int | None = None
    shared_link: dict[str, Any] | None = None
    include_property_groups: Any = None
    include_non_downloadable_files: bool = True
    include_restorable_info: bool = False


class Continue(Arg):
    """A cursor."""

    cursor: str


class Longpoll(Arg):
    """ListFolderLongpollArg."""

    cursor: str
    timeout: int = 30


class GetMetadata(Arg):
    """GetMetadataArg."""

    path: str
    include_media_info: bool = False
    include_deleted: bool = False
    include_has_explicit_shared_members: bool = False
    include_property_groups: Any = None


class ListRevisions(Arg):
    """ListRevisionsArg."""

    path: str
    mode: Any = "path"
    limit: int = 10
    before_rev: str | None = None
    include_restorable_info: bool = False


class Cursor(msgspec.Struct, array_like=True):
    """Where a listing stands. after: keys of the last entry shown; None: the listing is over, changes follow `seen`.

    skipped: how many entries of the change behind `seen` were shown already.
    """

    account: str
    view: str
    folder: str
    seen: int
    limit: int
    flags: int
    after: list[str] | None
    skipped: int = 0

    def text(self) -> str:
        """As clients get it."""
        return "AA" + base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")


RECURSIVE, DELETED, MOUNTED, ALL_FILES, EXPLICIT = 1, 2, 4, 8, 16


class Listing(Desk):
    """Source: dropbox.com/developers/documentation/http/documentation#files-list_folder."""

    def __init__(self, store: Store, shapes: Shapes) -> None:
        super().__init__(store)
        self._shapes = shapes

    def routes(self) -> list[Route]:
        """The routes."""
        read, name = "files.metadata.read", "files/list_folder"
        latest, poll = f"{name}/get_latest_cursor", f"{name}/longpoll"
        return [
            route(name, "list-folder", ListFolder, self.first, read),
            route(f"{name}/continue", "list-folder", Continue, self.following, read),
            route(latest, "list-folder", ListFolder, self.latest, read),
            route(poll, "longpoll", Longpoll, self.longpoll, style="longpoll", open=True),
            route("files/get_metadata", "get-metadata", GetMetadata, self.get_metadata, read),
            route("files/list_revisions", "list-revisions", ListRevisions, self.revisions, read),
        ]

    def _begun(self, call: Call, arg: ListFolder) -> tuple[View, Cursor]:
        check_path(call, arg.path, form=ROOTED)
        if arg.limit is not None and not 1 <= arg.limit <= LARGEST_LIMIT:
            raise bad_input(call, "request body", f"limit: {arg.limit} is not within range [1, {LARGEST_LIMIT}]")
        if arg.path == "/":
            said = 'Specify the root folder as an empty string rather than as "/".'
            raise bad_input(call, "request body", f"path: {said}")
        view = self.view(call)
        folder = self.existing(call, view, arg.path)
        if not folder.folder:
            raise failure(call, nested("path", "not_folder"))
        pairs = (
            (arg.recursive, RECURSIVE), (arg.include_deleted, DELETED), (arg.include_mounted_folders, MOUNTED),
            (arg.include_non_downloadable_files, ALL_FILES), (arg.include_has_explicit_shared_members, EXPLICIT),
        )  # fmt: skip
        flags = sum(bit for wanted, bit in pairs if wanted)
        seen, limit = self.store.state.changes, arg.limit or STANDARD_LIMIT
        return view, Cursor(view.person.account, view.root.id, folder.id, seen, limit, flags, [])

    async def first(self, call: Call, arg: ListFolder) -> Any:
        """The first page of a folder."""
        view, cursor = self._begun(call, arg)
        return await self._page(call, view, cursor)

    async def latest(self, call: Call, arg: ListFolder) -> Any:
        """A cursor for the changes from now on."""
        _, cursor = self._begun(call, arg)
        cursor.after = None
        return {"cursor": cursor.text()}

    def _cursor(self, call: Call, text: str) -> Cursor:
        """Raises Refusal: a cursor that is none is told by `reset`."""
        if not text:
            raise bad_input(call, "request body", "cursor: '' is not at least 1 character")
        try:
            body = text.removeprefix("AA")
            found = msgspec.msgpack.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=Cursor)
        except (ValueError, msgspec.DecodeError):
            raise bad_input(call, "request body", 'cursor: Invalid "cursor" parameter') from None
        if call.fault("cursor_expired") is not None:
            raise failure(call, tagged("reset"))
        return found

    async def following(self, call: Call, arg: Continue) -> Any:
        """The next page, or the changes since."""
        cursor = self._cursor(call, arg.cursor)
        view = self.view(call)
        entries = self.store.state.entries
        root, folder = entries.get(cursor.view), entries.get(cursor.folder)
        if cursor.account != view.person.account or root is None:
            raise failure(call, tagged("reset"))
        if folder is None or not self.store.lives(folder):
            raise failure(call, nested("path", "not_found"))
        view = View(view.person, root)
        if call.fault("cursor_loop") is not None:
            made = await self._page(call, view, cursor)
            return {**made, "cursor": arg.cursor, "has_more": True}
        if cursor.after is None:
            return await self._changes(call, view, cursor, folder)
        return await self._page(call, view, cursor)

    async def _page(self, call: Call, view: View, cursor: Cursor) -> dict[str, Any]:
        folder = self.store.state.entries[cursor.folder]
        base = self.place(view, folder)
        begins = cursor.after == []
        limit = 0 if call.fault("page_empty") is not None else self._about(cursor)
        shown: list[tuple[Entry, str | None]] = []
        last, more = cursor.after or [], limit == 0
        if begins and limit and cursor.flags & RECURSIVE and folder.id != view.root.id:
            shown.append((folder, base))
            last = [""]  # before the first of its entries, and no more the beginning
        for keys, entry, path in self._tree(folder, base, cursor.flags, last):
            if len(shown) >= limit:
                more = True
                break
            last = keys
            if self._wanted(call, entry, cursor.flags):
                shown.append((entry, path))
        cursor.after = last if more else None
        if call.fault("page_missing") is not None:
            shown = []
        if call.fault("page_twice") is not None:
            shown += shown
        await self.hashed(entry.content for entry, _ in shown if not entry.folder)
        explicit = bool(cursor.flags & EXPLICIT)
        entries = [self._shapes.metadata(call, entry, path, explicit=explicit) for entry, path in shown]
        return {"entries": entries, "cursor": cursor.text(), "has_more": more}

    def _about(self, cursor: Cursor) -> int:
        """How long a page gets: `limit` is approximate."""
        less = self.world.ids.number("dropbox", "page", cursor.folder, cursor.after, below=4)
        return cursor.limit - cursor.limit // 20 * less // 3 if cursor.limit >= LARGE_PAGE else cursor.limit

    def _wanted(self, call: Call, entry: Entry, flags: int) -> bool:
        if not flags & ALL_FILES and entry.extra and entry.extra.export_as:
            return False
        if (late := call.fault("listed_late")) is not None:
            return entry.server_modified < self.world.clock.now() - float(late.get("seconds", 30))
        return bool(flags & MOUNTED) or not entry.mount

    def _tree(
        self, folder: Entry, path: str | None, flags: int, after: list[str]
    ) -> Iterator[tuple[list[str], Entry, str | None]]:
        """What is in a folder, behind the place that the keys of `after` lead to; in a fixed order."""
        key = after[0] if after else None
        deep = bool(flags & RECURSIVE)
        if key is not None and deep:
            child = self.store.children[self.store.inside(folder).id].get(key)
            if child is not None and (below := self.store.state.entries[child]).folder:
                for keys, entry, where in self._tree(below, _joined(path, below.name), flags, after[1:]):
                    yield [key, *keys], entry, where
        if key is None or not key.startswith(GRAVE):
            for one, entry in self.store.after(folder, key):
                where = _joined(path, entry.name)
                yield [one], entry, where
                if deep and entry.folder and (flags & MOUNTED or not entry.mount):
                    for keys, below, place in self._tree(entry, where, flags, []):
                        yield [one, *keys], below, place
        if flags & DELETED:
            graves = self.store.state.graves.get(self.store.inside(folder).id, {})
            for one in sorted(graves):
                if key is None or GRAVE + one > key:
                    entry = self.store.state.entries[graves[one]]
                    yield [GRAVE + one], entry, _joined(path, entry.name)

    # Changes since

    async def _changes(self, call: Call, view: View, cursor: Cursor, folder: Entry) -> dict[str, Any]:
        shown: list[dict[str, Any]] = []
        more, skipped = False, cursor.skipped
        for trace in self._traces(view, cursor, folder):
            place = 0
            async for made in self._told(call, view, cursor, folder, trace):
                place += 1
                if place <= skipped:
                    continue
                if len(shown) >= cursor.limit:
                    more = True
                    break
                shown.append(made)
            if more:
                cursor.skipped = place - 1
                break
            cursor.seen, cursor.skipped, skipped = trace.number, 0, 0
        if not more:
            cursor.seen = max(cursor.seen, self.store.state.changes)
        return {"entries": shown, "cursor": cursor.text(), "has_more": more}

    def _namespaces(self, view: View, cursor: Cursor, folder: Entry) -> set[str]:
        inside = self.store.inside(folder)
        found = {inside.ns}
        if cursor.flags & RECURSIVE and cursor.flags & MOUNTED:
            found |= set(self.store.mounts.get(view.person.account, {}))
        return found

    def _traces(self, view: View, cursor: Cursor, folder: Entry) -> list[Trace]:
        """The changes behind the cursor that may concern it, in their order."""
        inside = self.store.inside(folder)
        found: list[Trace] = []
        for ns in self._namespaces(view, cursor, folder):
            for trace in reversed(self.store.state.traces.get(ns, [])):
                if trace.number <= cursor.seen:
                    break
                if cursor.flags & RECURSIVE or trace.folder == inside.id:
                    found.append(trace)
        return sorted(found, key=lambda one: one.number)

    async def _told(
        self, call: Call, view: View, cursor: Cursor, folder: Entry, trace: Trace
    ) -> AsyncIterator[dict[str, Any]]:
        """What a change comes to for this listing: nothing, one entry, or a whole tree."""
        entries = self.store.state.entries
        parent, entry = entries.get(trace.folder), entries.get(trace.entry)
        if parent is None or not self.store.lives(parent) or (where := self.place(view, parent)) is None:
            return
        base = self.place(view, folder)
        if base is None or not f"{lowered(where)}/".startswith(f"{lowered(base)}/"):
            return
        path = _joined(where, trace.name) or ""
        if trace.gone:
            yield {".tag": "deleted", "name": trace.name, "path_lower": lowered(path), "path_display": path}
            return
        if entry is None or not self.store.lives(entry) or entry.parent != trace.folder:
            return
        await self.hashed([entry.content])
        explicit = bool(cursor.flags & EXPLICIT)
        yield self._shapes.metadata(call, entry, path, explicit=explicit)
        if trace.tree and cursor.flags & RECURSIVE:
            for _, below, place in self._tree(entry, path, cursor.flags & ~DELETED, []):
                await self.hashed([below.content])
                yield self._shapes.metadata(call, below, place, explicit=explicit)

    async def longpoll(self, call: Call, arg: Longpoll) -> Any:
        """Waits until there are changes for a cursor, or the time is over; needs no token."""
        if not 30 <= arg.timeout <= 480:
            raise bad_input(call, "request body", f"timeout: {arg.timeout} is not within range [30, 480]")
        cursor = self._cursor(call, arg.cursor)
        self.store.grow()
        person, entries = self.store.state.people[cursor.account], self.store.state.entries
        root, folder = entries.get(cursor.view), entries.get(cursor.folder)
        if root is None or folder is None:
            raise failure(call, tagged("reset"))
        begun = self.world.clock.now()
        for _ in range(int(arg.timeout / 0.2)):
            if self._traces(View(person, root), cursor, folder):
                return {"changes": True}
            if self.world.clock.now() - begun >= arg.timeout:
                break
            await asyncio.sleep(0.2)
        return {"changes": False}

    # One entry

    async def get_metadata(self, call: Call, arg: GetMetadata) -> Any:
        """Of a file, folder or (if wanted) deleted entry; the root has none."""
        check_path(call, arg.path, form=READABLE)
        view = self.view(call)
        entry = self.find(call, view, arg.path, gone=arg.include_deleted)
        if entry is None or call.fault("denied") is not None:
            raise failure(call, nested("path", "not_found"))
        if entry.id == view.root.id:
            raise failure(call, nested("path", "malformed_path"))
        await self.hashed([entry.content])
        path = self.place(view, entry)
        if arg.path.startswith("rev:") and (found := self.store.of_rev(arg.path[4:])) is not None:
            await self.hashed([found[1].content])
            return tagged("file") | self._shapes.file(call, entry, path, found[1])
        return self._shapes.metadata(call, entry, path, explicit=arg.include_has_explicit_shared_members)

    async def revisions(self, call: Call, arg: ListRevisions) -> Any:
        """The revisions of a file, newest first, also of one that is deleted."""
        check_path(call, arg.path, form=READABLE)
        mode = tag_of(arg.mode)
        if mode not in ("path", "id") or not 1 <= arg.limit <= 100:
            raise bad_input(call, "request body", "mode or limit: out of range")
        view = self.view(call)
        entry = self.find(call, view, arg.path, gone=True)
        if entry is None:
            raise failure(call, nested("path", "not_found"))
        if entry.folder:
            raise failure(call, nested("path", "not_file"))
        found = [Revision(entry.rev, entry.content, entry.client_modified, entry.server_modified)]
        found += entry.extra.past if entry.extra else []
        if arg.before_rev is not None:
            at = next((index for index, one in enumerate(found) if one.rev == arg.before_rev), None)
            if at is None:
                raise failure(call, tagged("invalid_before_rev"))
            found = found[at + 1 :]
        page = found[: arg.limit]
        await self.hashed(one.content for one in page)
        path = self.place(view, entry)
        made: dict[str, Any] = {
            "is_deleted": bool(entry.gone_at),
            "entries": [self._shapes.file(call, entry, path, one) for one in page],
            "has_more": len(found) > arg.limit,
        }
        return {**made, "server_deleted": dated(entry.gone_at)} if entry.gone_at else made


def _joined(path: str | None, name: str) -> str | None:
    return None if path is None else f"{path}/{name}"
