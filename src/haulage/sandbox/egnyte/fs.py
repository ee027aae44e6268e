"""Egnyte's file system: metadata, listings, and what is done to items without their bytes."""

from typing import Any

from haulage.sandbox.egnyte.desk import DENIED, FILES, Desk, flag, whole
from haulage.sandbox.egnyte.model import PRIVATE, ROOT, SHARED, Item, Lock, Version
from haulage.sandbox.egnyte.names import key_of
from haulage.sandbox.egnyte.people import HOST
from haulage.sandbox.egnyte.wire import refuse
from haulage.sandbox.frame.clock import http_date
from haulage.sandbox.frame.routing import Handler, Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

DEFAULT_COUNT, LARGEST_COUNT = 100, 1_000
LOCK_SECONDS = 3_600
SORTS = ("name", "path", "size", "last_modified", "created_time")


class FileSystem(Desk):
    """/pubapi/v1/fs and /pubapi/v2/fs."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        made = [
            Route("GET", HOST, "/pubapi/v1/fs/ids/folder/{id}/stats", "folder stats", "fs", self.stats, FILES),
            Route("PATCH", HOST, "/pubapi/v1/fs/{path*}", "set folder options", "fs", self.options, FILES),
        ]
        for version in ("v1", "v2"):
            base = f"/pubapi/{version}/fs"
            kinds: list[tuple[str, str, Handler]] = [
                ("GET", "get metadata or list", self.get),
                ("POST", "folder and file actions", self.act),
                ("DELETE", "delete", self.delete),
            ]
            for method, operation, handler in kinds:
                for path in ("/ids/file/{id}", "/ids/folder/{id}", "/{path*}"):
                    made.append(Route(method, HOST, base + path, operation, "fs", handler, FILES))
            made.append(Route("GET", HOST, base, "get metadata or list", "fs", self.get, FILES))
        return made

    async def get(self, call: Call) -> Answer:
        """A file, or a folder with a page of its children."""
        item = self.item(call)
        if not item.is_folder:
            return await self._file(call, item)
        told = self._options(item) | self._extras(call, item)
        if flag(call, "list_content", default=True):
            told |= await self._children(call, item)
        self.saw(call, [item])
        return json_answer(told)

    def _extras(self, call: Call, item: Item) -> dict[str, Any]:
        return {"permission": self.store.level(self.user(call), item)} if flag(call, "include_perm") else {}

    def folder(self, item: Item) -> dict[str, Any]:
        """The facts of a folder. Times are whole milliseconds; its change has another name than a file's."""
        told: dict[str, Any] = {
            "name": item.name,
            "lastModified": int(item.modified_at * 1000),
            "uploaded": int(item.uploaded_at * 1000),
            "path": self.store.path(item),
            "folder_id": item.id,
            "is_folder": True,
        }
        return told | ({"parent_id": item.parent} if item.parent else {})

    async def file(self, call: Call, item: Item) -> dict[str, Any]:
        """The facts of a file: of its current version, and what stays over versions."""
        version = item.current
        await self.store.hash([version])
        locked = item.lock is not None and item.lock.until > call.event.time
        told = self._version(call, version) | {
            "path": self.store.path(item),
            "name": item.name,
            "locked": locked,
            "group_id": item.id,
            "parent_id": item.parent,
            "num_versions": len(item.versions),
        }
        if locked and item.lock is not None and flag(call, "include_locks"):
            holder = self.service.directory.users.get(item.lock.user)
            if holder is not None:
                told["lock_info"] = {
                    "owner_id": holder.id,
                    "first_name": holder.given,
                    "last_name": holder.family,
                    "email": holder.email,
                }
        return told | self._extras(call, item)

    def _version(self, call: Call, version: Version) -> dict[str, Any]:
        checksum = self.store.checksum(version)
        if call.fault("checksum_wrong") is not None:
            checksum = checksum[:-1] + ("0" if checksum[-1] != "0" else "1")
        told: dict[str, Any] = {
            "checksum": checksum,
            "size": version.content.size,
            "is_folder": False,
            "entry_id": version.entry,
            "last_modified": http_date(version.modified_at),
            "uploaded": int(version.uploaded_at * 1000),
            "uploaded_by": version.uploaded_by,
        }
        if call.fault("checksum_absent") is not None:
            del told["checksum"]
        return told

    async def _file(self, call: Call, item: Item) -> Answer:
        """With its older versions; the current one is not among them."""
        wanted = call.query.get("entry_id") or call.query.get("key")
        if wanted:
            version = next((one for one in item.versions if one.entry == wanted), None)
            if version is None:
                raise refuse(404, "The version was not found")
            await self.store.hash([version])
            told = await self.file(call, item)
            return json_answer(told | self._version(call, version))
        told = await self.file(call, item)
        if flag(call, "list_content", default=True) and len(item.versions) > 1:
            older = item.versions[-2::-1]
            await self.store.hash(older)
            told["versions"] = [self._version(call, one) for one in older]
        self.saw(call, [item])
        return json_answer(told)

    async def _children(self, call: Call, folder: Item) -> dict[str, Any]:
        """A page of the children: offset counts folders, then files, as one sequence."""
        count, offset = min(whole(call, "count", DEFAULT_COUNT), LARGEST_COUNT), whole(call, "offset", 0)
        folders, files = self._seen(call, folder)
        ids = _window(folders, files, offset, offset + count)
        if call.fault("page_twice") is not None and offset:
            ids = [*_window(folders, files, offset - 1, offset), *ids[:-1]]
        if call.fault("page_missing") is not None:
            ids = ids[::2]
        if call.fault("page_empty") is not None:
            ids = []
        page = [self.store.state.items[one] for one in ids]
        told: dict[str, Any] = {"count": len(page), "offset": offset, "total_count": len(folders) + len(files)}
        if shown := [self.folder(one) for one in page if one.is_folder]:
            told["folders"] = shown
        if shown := [await self.file(call, one) for one in page if not one.is_folder]:
            told["files"] = shown
        self.saw(call, page)
        return told

    def _seen(self, call: Call, folder: Item) -> tuple[list[str], list[str]]:
        """The ids of the folders and files that the caller sees, in the order that is asked for."""
        user, items = self.user(call), self.store.state.items
        folders, files = self._sorted(call, folder)
        if user.kind != "admin":
            folders = [one for one in folders if self.store.visible(user, items[one])]
            files = files if self.store.allowed(user, folder, "Viewer Only") else []
        if (late := call.fault("listed_late")) is not None:
            since = call.event.time - float(late.get("seconds", 30))
            files = [one for one in files if items[one].current.uploaded_at < since]
        return folders, files

    def _sorted(self, call: Call, folder: Item) -> tuple[list[str], list[str]]:
        chosen, backwards = call.query.get("sort_by", "name"), call.query.get("sort_direction", "").startswith("desc")
        if chosen not in SORTS:
            raise refuse(400, f"sort_by {chosen!r} is not supported")
        folders, files = self.store.ordered(folder)
        if chosen in ("name", "path") and not backwards:
            return folders, files
        items = self.store.state.items

        def key(identifier: str) -> tuple[float, str]:
            item, value = items[identifier], 0.0
            if chosen == "size" and not item.is_folder:
                value = item.current.content.size
            elif chosen == "last_modified":
                value = item.modified_at if item.is_folder else item.current.modified_at
            elif chosen == "created_time":
                value = item.uploaded_at
            return value, key_of(item.name)

        return sorted(folders, key=key, reverse=backwards), sorted(files, key=key, reverse=backwards)

    def stats(self, call: Call) -> Answer:
        """Sums of a folder and all below it."""
        below = list(self.store.below(self.item(call)))
        files = [one for one in below if not one.is_folder]
        newest = sum(one.current.content.size for one in files)
        every = sum(version.content.size for one in files for version in one.versions)
        return json_answer(
            {
                "allVersionsSize": every,
                "allFilesSize": newest,
                "filesCount": len(files),
                "fileVersionsCount": sum(len(one.versions) for one in files),
                "foldersCount": len(below) - len(files),
                "allFilesSizeInKB": newest // 1024,
                "allVersionsSizeInKB": every // 1024,
            }
        )

    async def act(self, call: Call) -> Answer:
        """add_folder, move, copy, lock, unlock."""
        told = await self.document(call)
        action = told.get("action")
        if action == "add_folder":
            return self._add_folder(call)
        if action in ("move", "copy"):
            if unknown := set(told) - {"action", "destination", "permissions"}:
                raise refuse(400, f"Unrecognized field {sorted(unknown)[0]!r}")
            return self._relocate(call, str(action), str(told.get("destination", "")))
        if action in ("lock", "unlock"):
            return self._lock(call, told)
        raise refuse(400, f"Unsupported action {action!r}")

    def _add_folder(self, call: Call) -> Answer:
        path = self.path(call)
        if self.store.find(path) is not None:
            raise refuse(403, "Folder already exists at this location")
        made = self._made(call, path)
        return json_answer({"path": self.store.path(made), "folder_id": made.id}, 201)

    def _made(self, call: Call, path: str) -> Item:
        """A new folder; the folders above it, too, where the domain is one that makes them. Raises Refusal."""
        above = path.rpartition("/")[0]
        if self.store.state.makes_ancestors and above and self.store.find(above) is None:
            self._made(call, above)
        parent, name = self.place(call, path, folder=True)
        now = self.service.world.clock.now()
        made = self.store.add(Item(self.store.new_id("folder"), name, parent.id, now, now))
        if parent.id == SHARED:  # as the tests of the official Python SDK find it
            self.store.permissions_at(made).users[self.user(call).name] = "Owner"
        self.changed(call, made, "create")
        self.tell(call, "create", made)
        return made

    def tell(self, call: Call, action: str, item: Item, source: str = "", source_id: str = "") -> None:
        """An event of an item. A folder's children get none of their own."""
        data: dict[str, str | bool] = {"target_path": self.store.path(item), "is_folder": item.is_folder}
        if item.is_folder:
            data["folder_id"] = data["target_id"] = item.id
        else:
            data["target_id"], data["target_group_id"] = item.current.entry, item.id
        if source:
            data["source_path"] = source
            data["source_id"] = source_id or str(data["target_id"])
        self.store.happened(self.user(call), self.client(call), action, data)

    def _relocate(self, call: Call, action: str, destination: str) -> Answer:
        if not destination.startswith("/"):
            raise refuse(400, "The destination is not an absolute path")
        item = self.item(call)
        parent, name = self.place(call, destination, folder=item.is_folder)
        there = self.store.find(destination)
        if there is not None and (there is not item or action == "copy"):
            raise refuse(403, f"{'Folder' if there.is_folder else 'File'} already exists at this location")
        if item.is_folder and any(one is parent for one in self.store.below(item)):
            raise refuse(400, "A folder cannot go into itself")
        source = self.store.path(item)
        self.need(call, item, "Viewer")
        if action == "copy":
            made = self.store.copy(item, parent, name, self.user(call))
            for one in self.store.below(made):
                self.changed(call, one, "copy")
            self.tell(call, "copy", made, source, item.id if item.is_folder else item.current.entry)
            return self._moved(made)
        if item.parent == parent.id:
            self._renamable(call, item)
        else:
            self.movable(call, item)
        kind = "rename" if item.parent == parent.id else "move"
        self.store.move(item, parent, name)
        self.changed(call, item, "rename" if kind == "rename" else "move")
        self.tell(call, "move", item, source)
        return self._moved(item)

    def _renamable(self, call: Call, item: Item) -> None:
        if item.id in (ROOT, SHARED, PRIVATE) or item.parent == PRIVATE:
            raise refuse(403, DENIED)
        self.need(call, item, "Editor")
        self.unlocked(call, item)

    def _moved(self, item: Item) -> Answer:
        kind = {"folder_id": item.id} if item.is_folder else {"group_id": item.id, "entry_id": item.current.entry}
        return json_answer({"path": self.store.path(item), **kind})

    def _lock(self, call: Call, told: dict[str, Any]) -> Answer:
        item, user, now = self.item(call, "Editor"), self.user(call), call.event.time
        if item.is_folder:
            raise refuse(400, "Only files can be locked")
        held = item.lock if item.lock is not None and item.lock.until > now else None
        token = str(told.get("lock_token", ""))
        if told["action"] == "unlock":
            # Whoever holds it may leave the token out: the tests of the official JavaScript SDK do
            if held is None or (held.token != token and (token or held.user != user.id)):
                raise refuse(404, "The lock was not found")
            item.lock = None
            return Answer(200)
        if held is not None and held.token != token:
            raise refuse(403, "The file is locked")
        seconds = int(told.get("lock_timeout") or LOCK_SECONDS)
        item.lock = Lock(user.id, token or self.store.new_id("lock"), now + seconds)
        self.changed(call, item, "metadata")
        return json_answer({"lock_token": item.lock.token, "timeout": seconds - 1})

    async def options(self, call: Call) -> Answer:
        """What is set of a folder: description, links, and whether moving and deleting are for administrators only."""
        item, told = self.item(call, "Owner"), await self.document(call)
        if not item.is_folder:
            raise refuse(400, "Only folders have options")
        item.description = str(told.get("folder_description", item.description))
        item.restrict_move_delete = bool(told.get("restrict_move_delete", item.restrict_move_delete))
        item.public_links = str(told.get("public_links", item.public_links))
        item.allow_links = bool(told.get("allow_links", item.allow_links))
        self.changed(call, item, "metadata")
        return json_answer(self._options(item))

    def _options(self, item: Item) -> dict[str, Any]:
        told = self.folder(item) | {"public_links": item.public_links, "allow_links": item.allow_links}
        told |= {"restrict_move_delete": item.restrict_move_delete}
        return told | ({"folder_description": item.description} if item.description else {})

    def delete(self, call: Call) -> Answer:
        """Into the trash: a folder with all that is in it, or a file, or one version of a file (entry_id)."""
        item = self.item(call)
        entry = call.query.get("entry_id")
        self.movable(call, item)
        version = next((one for one in item.versions if one.entry == entry), None)
        if entry and version is None:
            raise refuse(404, "The version was not found")
        if version is not None and len(item.versions) > 1:
            self.store.throw_version_away(item, version, self.user(call))
            self.changed(call, item, "content")
            return Answer(200)
        for one in self.store.below(item):
            self.changed(call, one, "trash")
        self.tell(call, "delete", item)
        self.store.throw_away(item, self.user(call))
        return Answer(200)


def _window(folders: list[str], files: list[str], start: int, stop: int) -> list[str]:
    """A part of folders and files as one sequence."""
    before = len(folders)
    return folders[start:stop] + files[max(start - before, 0) : max(stop - before, 0)]
