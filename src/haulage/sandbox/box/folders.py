"""Box's folders: items by marker and offset, create, change, move, copy, delete."""

from typing import Any

from haulage.sandbox.box.desk import API, paged
from haulage.sandbox.box.errors import inner, problem, refuse, wrong
from haulage.sandbox.box.links import apply_link
from haulage.sandbox.box.model import ROOT, Item
from haulage.sandbox.box.moving import MovingDesk
from haulage.sandbox.box.store import FIRST_MARKER, SORTS, behind, marker_after
from haulage.sandbox.box.texts import check_name, dated
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

LONG_MOVE_ITEMS = 10_000
LONG_MOVE_SECONDS = 60.0


class Folders(MovingDesk):
    """Source: developer.box.com/reference/resources/folder."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        one = "/2.0/folders/{id}"
        lock = "/2.0/folder_locks"
        return [
            Route("GET", API, f"{one}/items", "get_folders_id_items", "list-items", self.items),
            Route("POST", API, "/2.0/folders", "post_folders", "post-folders", self.create),
            Route("GET", API, one, "get_folders_id", "get-folder", self.get),
            Route("PUT", API, one, "put_folders_id", "put-folder", self.change),
            Route("DELETE", API, one, "delete_folders_id", "delete-folder", self.delete),
            Route("POST", API, f"{one}/copy", "post_folders_id_copy", "copy-folder", self.copy),
            Route("PUT", API, "/2.0/users/{user}/folders/0", "put_users_id_folders_0", "transfer", self.transfer),
            Route("GET", API, lock, "get_folder_locks", "folder-locks", self.locks),
            Route("POST", API, lock, "post_folder_locks", "folder-locks", self.lock),
            Route("DELETE", API, f"{lock}/{{id}}", "delete_folder_locks_id", "folder-locks", self.unlock),
        ]

    async def items(self, call: Call) -> Answer:
        """A page of a folder, by marker or by offset."""
        folder = self.item(call, call.params["id"], "folder")
        user, limit = self.user(call), self.limit(call)
        by_marker = call.query.get("usemarker", "").lower() == "true" or "marker" in call.query
        by = call.query.get("sort", "") or "name"
        if by not in SORTS:
            raise wrong(call, "sort", "is none of id, name, date, size")
        if by_marker and (call.query.get("offset") or (folder.parent == "" and call.query.get("sort"))):
            raise wrong(call, "sort" if call.query.get("sort") else "offset", "is not for marker-based paging")
        ids = self.store.sorted(folder, "name" if by_marker else by, user)
        ids = self._hidden(call, ids)
        if by_marker:
            return await self._by_marker(call, folder, ids, limit)
        if call.query.get("direction", "ASC").upper() == "DESC":
            items = self.store.state.items
            ids = sorted(reversed(ids), key=lambda one: ("folder", "file", "web_link").index(items[one].kind))
        offset = self.offset(call)
        entries = await self._entries(call, ids[offset : offset + limit])
        direction = call.query.get("direction", "ASC").upper()
        order = [{"by": "type", "direction": "ASC"}, {"by": by, "direction": direction}]
        return json_answer({**paged(entries, len(ids), offset, limit), "order": order})

    def _hidden(self, call: Call, ids: list[str]) -> list[str]:
        """Leave out what was made just now, where a fault says that listings come late."""
        if (late := call.fault("listed_late")) is None:
            return ids
        since = self.world.clock.now() - float(late.get("seconds", 30))
        return [one for one in ids if self.store.state.items[one].created_at < since]

    async def _by_marker(self, call: Call, folder: Item, ids: list[str], limit: int) -> Answer:
        start, marker = 0, call.query.get("marker", "")
        if marker:
            found = behind(self.store, ids, marker)
            if found is None or call.fault("cursor_expired") is not None:
                raise wrong(call, "marker", "is no marker of this list")
            start = found
        stop = start + limit
        following = marker_after(self.store.state.items[ids[stop - 1]]) if stop < len(ids) else None
        page = ids[start:stop]
        if call.fault("page_empty") is not None:
            page, following = [], marker or FIRST_MARKER
        if call.fault("page_missing") is not None and following:
            page = []
        if call.fault("page_twice") is not None and start:
            page = ids[max(start - limit, 0) : start] + page
        if call.fault("cursor_loop") is not None and marker:
            following = marker
        document: dict[str, Any] = {"entries": await self._entries(call, page), "limit": limit}
        if following:
            document["next_marker"] = following
        return json_answer(document)

    async def _entries(self, call: Call, ids: list[str]) -> list[dict[str, Any]]:
        items = [self.store.state.items[one] for one in ids]
        fields = self.fields(call)
        if fields is None or "sha1" in fields or "file_version" in fields:
            await self.hashed(one.content for one in items if one.kind == "file")
        self.saw(call, items)
        user = self.user(call)
        return [self.shapes.entry(one, user, call, fields) for one in items]

    async def create(self, call: Call) -> Answer:
        """A new folder."""
        document = await self.document(call)
        name = self.name(call, document)
        parent = self.parent(call, document)
        self.room(call, parent, name, several=True)
        made = self.make(call, parent, name)
        self.changed(call, made, "create", "ITEM_CREATE")
        return await self.shown(call, made, 201)

    async def get(self, call: Call) -> Answer:
        """One folder."""
        folder = self.item(call, call.params["id"], "folder")
        if (told := call.headers.get("If-None-Match")) and folder.parent and told.strip('"') == str(folder.etag):
            return Answer(304)
        ids = self.store.sorted(folder, "name", self.user(call))[:100]
        await self.hashed(self.store.state.items[one].content for one in ids)
        return await self.shown(call, folder)

    async def change(self, call: Call) -> Answer:
        """Rename, move, share, describe; a move of very much answers 503 and goes on."""
        document = await self.document(call)
        folder = self.item(call, call.params["id"], "folder", may="edit")
        if not folder.parent:
            raise refuse(call, 403, "access_denied_insufficient_permissions")
        self.free(call, folder)
        if "parent" not in document:
            self.matches(call, folder)
        moved = self._place(call, folder, document)
        extra = folder.extra
        if "description" in document or "tags" in document:
            extra = folder.more()
            extra.description = str(document.get("description", extra.description) or "")
            extra.tags = list(document.get("tags", extra.tags) or [])
        for name in ("can_non_owners_invite", "sync_state", "is_collaboration_restricted_to_enterprise"):
            if name in document:
                folder.more().settings[name] = document[name]
        if "shared_link" in document:
            apply_link(self, call, folder, document["shared_link"])
        self.edited(call, folder)
        if not moved:
            self.changed(call, folder, "metadata", "ITEM_MODIFY" if not document.get("name") else "")
        elif sum(1 for _ in self.store.within(folder)) > LONG_MOVE_ITEMS:
            folder.more().busy_until = self.world.clock.now() + LONG_MOVE_SECONDS
            raise refuse(call, 503, "unavailable", "The operation takes longer than we wait for it, and goes on")
        return await self.shown(call, folder)

    def _place(self, call: Call, folder: Item, document: dict[str, Any]) -> bool:
        """Give the folder its new name and place; whether either has changed."""
        name = check_name(call, document["name"]) if "name" in document else folder.name
        parent = self.store.state.items[folder.parent]
        if isinstance(document.get("parent"), dict):
            parent = self.parent(call, document)
        return self.place(call, folder, parent, name)

    async def delete(self, call: Call) -> Answer:
        """Into the trash."""
        folder = self.item(call, call.params["id"], "folder", may="edit")
        if not folder.parent:
            raise refuse(call, 403, "access_denied_insufficient_permissions")
        self.free(call, folder)
        self.matches(call, folder)
        if self.store.children[folder.id] and call.query.get("recursive", "").lower() != "true":
            raise refuse(call, 400, "folder_not_empty")
        if folder.extra and "delete" in folder.extra.folder_locks:
            raise refuse(call, 403, "access_denied_item_locked")
        self.trash(call, folder)
        return Answer(204)

    async def copy(self, call: Call) -> Answer:
        """A folder with all that is in it, under another name or elsewhere."""
        document = await self.document(call)
        folder = self.item(call, call.params["id"], "folder", may="read")
        if not folder.parent:
            return problem(call, 500, "internal_server_error", "Internal Server Error")
        parent = self.parent(call, document)
        if folder.id in {one.id for one in (parent, *self.store.above(parent))}:
            raise refuse(call, 400, "cyclical_folder_structure")
        name = check_name(call, document["name"]) if document.get("name") else folder.name
        self.room(call, parent, name, several=True)
        made = self.duplicate(call, folder, parent, name)
        self.store.happen("ITEM_COPY", made, self.user(call))
        return await self.shown(call, made, 201)

    async def transfer(self, call: Call) -> Answer:
        """All content of one user into a folder of another; for the enterprise's admins."""
        if self.record(call).role not in ("admin", "coadmin"):
            raise refuse(call, 403, "access_denied_insufficient_permissions")
        document = await self.document(call)
        users = self.store.state.users
        giver = users.get(call.params["user"])
        taker = users.get(str(inner(call, document, "owned_by").get("id", "")))
        if giver is None or taker is None:
            raise refuse(call, 404, "not_found")
        root, target = self.store.root(giver.id), self.store.root(taker.id)
        name = f"{giver.login} - {giver.name}'s Files and Folders"
        self.room(call, target, name, several=True)
        made = self.make(call, target, name)
        self.changed(call, made, "create", "ITEM_CREATE")
        for child in list(self.store.children[root.id].values()):
            one = self.store.state.items[child]
            self.place(call, one, made, one.name)
        return json_answer(self.shapes.item(made, taker.id, call, self.fields(call)))

    def locks(self, call: Call) -> Answer:
        """The locks of a folder."""
        folder = self.item(call, call.query.get("folder_id", ""), "folder")
        held = folder.extra is not None and bool(folder.extra.folder_locks)
        return json_answer({"entries": [self._lock(call, folder)] if held else [], "limit": 1000, "next_marker": None})

    def _lock(self, call: Call, folder: Item) -> dict[str, Any]:
        locked = folder.extra.folder_locks if folder.extra else []
        return {
            "folder": self.shapes.entry(folder, self.user(call), call),
            "id": f"{folder.id}9",
            "type": "folder_lock",
            "created_by": {"type": "user", "id": folder.owner},
            "created_at": dated(folder.modified_at),
            "locked_operations": {"move": "move" in locked, "delete": "delete" in locked},
            "lock_type": "freeze",
        }

    async def lock(self, call: Call) -> Answer:
        """Keep a folder from being moved and deleted."""
        document = await self.document(call)
        folder_id = str(inner(call, document, "folder").get("id", ROOT))
        folder = self.item(call, folder_id, "folder", may="own")
        asked = inner(call, document, "locked_operations") or {"move": True, "delete": True}
        folder.more().folder_locks = [name for name in ("move", "delete") if asked.get(name)]
        self.changed(call, folder, "metadata")
        return json_answer(self._lock(call, folder))

    def unlock(self, call: Call) -> Answer:
        """Take a folder's lock away."""
        found = call.params["id"]
        folder = self.item(call, found[:-1], "folder", may="own")
        if not folder.extra or not folder.extra.folder_locks:
            raise refuse(call, 404, "not_found")
        folder.extra.folder_locks = []
        self.changed(call, folder, "metadata")
        return Answer(204)
