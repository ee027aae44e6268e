"""Box's files: facts, change, copy, delete, download, and their versions."""

from typing import Any

from haulage.sandbox.box.desk import API, DOWNLOAD, paged
from haulage.sandbox.box.errors import problem, refuse, wrong
from haulage.sandbox.box.links import apply_link
from haulage.sandbox.box.model import Item, Lock, Version
from haulage.sandbox.box.moving import MovingDesk
from haulage.sandbox.box.texts import check_name, read_date
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer, ranged, redirect

DOWNLOAD_SECONDS = 15 * 60.0


class Files(MovingDesk):
    """Source: developer.box.com/reference/resources/file, file-version."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        one = "/2.0/files/{id}"
        version = f"{one}/versions/{{version}}"
        promote, mark = f"{one}/versions/current", "watermark"
        open_to_all = {"open": True}
        return [
            Route("GET", API, one, "get_files_id", "get-file", self.get),
            Route("PUT", API, one, "put_files_id", "put-file", self.change),
            Route("DELETE", API, one, "delete_files_id", "delete-file", self.delete),
            Route("POST", API, f"{one}/copy", "post_files_id_copy", "copy-file", self.copy),
            Route("GET", API, f"{one}/content", "get_files_id_content", "download", self.download),
            Route("GET", DOWNLOAD, "/d/1/{ticket}/download", "download", "download", self.bytes, details=open_to_all),
            Route("GET", API, f"{one}/versions", "get_files_id_versions", "versions", self.versions),
            Route("GET", API, version, "get_files_id_versions_id", "versions", self.version),
            Route("POST", API, promote, "post_files_id_versions_current", "versions", self.promote),
            Route("PUT", API, version, "put_files_id_versions_id", "versions", self.restore_version),
            Route("DELETE", API, version, "delete_files_id_versions_id", "versions", self.delete_version),
            Route("GET", API, f"{one}/watermark", f"get_files_id_{mark}", mark, self.watermark),
            Route("GET", API, "/2.0/folders/{folder}/watermark", f"get_folders_id_{mark}", mark, self.watermark),
        ]  # fmt: skip

    async def get(self, call: Call) -> Answer:
        """One file."""
        item = self.item(call, call.params["id"], "file")
        if (told := call.headers.get("If-None-Match")) and told.strip('"') == str(item.etag):
            return Answer(304)
        return await self.shown(call, item)

    async def change(self, call: Call) -> Answer:
        """Rename, move, share, lock, describe, date."""
        document = await self.document(call)
        item = self.item(call, call.params["id"], "file", may="edit")
        self.free(call, item)
        self.matches(call, item)
        self.unlocked(call, item)
        name = check_name(call, document["name"]) if "name" in document else item.name
        parent = self.store.state.items[item.parent]
        if isinstance(document.get("parent"), dict):
            parent = self.parent(call, document)
        moved = self.place(call, item, parent, name)
        if "lock" in document:
            self._lock(call, item, document["lock"])
        if "description" in document or "tags" in document:
            extra = item.more()
            extra.description = str(document.get("description", extra.description) or "")
            extra.tags = list(document.get("tags", extra.tags) or [])
        for field in ("content_created_at", "content_modified_at"):
            if document.get(field):
                setattr(item, field, read_date(call, document[field], field))
        if "shared_link" in document:
            apply_link(self, call, item, document["shared_link"])
        self.edited(call, item)
        if not moved:
            self.changed(call, item, "metadata", "ITEM_MODIFY")
        return await self.shown(call, item)

    def _lock(self, call: Call, item: Item, wanted: Any) -> None:
        """Lock or (null) unlock. Raises Refusal."""
        if not wanted:
            item.more().lock = None
            self.store.happen("LOCK_DESTROY", item, self.user(call))
            return
        if not isinstance(wanted, dict):
            raise wrong(call, "lock", "is no object")
        expires = read_date(call, wanted["expires_at"], "expires_at") if wanted.get("expires_at") else 0.0
        now, prevented = self.world.clock.now(), bool(wanted.get("is_download_prevented"))
        item.more().lock = Lock(self.store.new_id(), self.user(call), now, expires, prevented)
        self.store.happen("LOCK_CREATE", item, self.user(call))

    async def delete(self, call: Call) -> Answer:
        """Into the trash."""
        item = self.item(call, call.params["id"], "file", may="edit")
        self.free(call, item)
        self.matches(call, item)
        self.unlocked(call, item)
        self.trash(call, item)
        return Answer(204)

    async def copy(self, call: Call) -> Answer:
        """A copy, under another name or elsewhere; of an older version where one is named."""
        document = await self.document(call)
        item = self.item(call, call.params["id"], "file", may="read")
        parent = self.parent(call, document)
        name = check_name(call, document["name"]) if document.get("name") else item.name
        self.room(call, parent, name)
        if version := document.get("version"):
            content = self._content(call, item, str(version))
            if not self.store.charge(parent.owner, content.size):
                raise refuse(call, 403, "storage_limit_exceeded")
            made = self._duplicate(call, item, parent, name, content)
        else:
            made = self.duplicate(call, item, parent, name)
        self.store.happen("ITEM_COPY", made, self.user(call))
        return await self.shown(call, made, 201)

    def _content(self, call: Call, item: Item, version: str) -> Content:
        """The bytes of a version. Raises Refusal."""
        if version in ("", item.version):
            return item.content
        return self._past(call, item, version).content

    def _past(self, call: Call, item: Item, version: str) -> Version:
        found = next((one for one in (item.extra.versions if item.extra else ()) if one.id == version), None)
        if found is None:
            raise refuse(call, 404, "not_found")
        return found

    # Download

    def download(self, call: Call) -> Answer:
        """To where the bytes are, which needs no token: 302. A file that is not ready yet: 202."""
        item = self.item(call, call.params["id"], "file")
        extra = item.extra
        lock = self.shapes.lock_of(item)
        if extra is not None and extra.blocked == "flagged":
            raise refuse(call, 403, "forbidden_by_policy")
        role = self.store.role(self.user(call), item)
        held = lock is not None and lock.download_prevented and lock.by != self.user(call)
        if role.startswith("previewer") or role == "uploader" or held or (extra and extra.blocked):
            raise refuse(call, 403, "access_denied_insufficient_permissions")
        version = call.query.get("version", "")
        self._content(call, item, version)
        if (late := call.fault("not_ready")) is not None:
            return Answer(202, {"Retry-After": str(late.get("retry_after", 1)), "Location": call.at(API) + call.path})
        until = int(self.world.clock.now() + DOWNLOAD_SECONDS)
        ticket = f"{item.id}.{version or item.version}.{until}"
        signature = self.world.ids.hex("box", "download", ticket, count=32)
        return redirect(f"{call.at(DOWNLOAD)}/d/1/{ticket}.{signature}/download")

    def bytes(self, call: Call) -> Answer:
        """The bytes, or a range of them; the URL itself is the permission, for a quarter of an hour."""
        ticket, _, signature = call.params["ticket"].rpartition(".")
        if signature != self.world.ids.hex("box", "download", ticket, count=32):
            return problem(call, 404, "not_found")
        item_id, version, until = ticket.split(".")
        item = self.store.find(item_id)
        if item is None or self.world.clock.now() > int(until):
            return problem(call, 404, "not_found")
        kept = item.extra.versions if item.extra else []
        past = next((one.content for one in kept if one.id == version), None)
        content = past or item.content
        ending = {"Content-Disposition": f'attachment;filename="{item.id}"', "Cache-Control": "private"}
        return ranged(call, content, Sight(item.id, version), ending)

    # Versions

    async def versions(self, call: Call) -> Answer:
        """The past versions, newest first; the current one is not among them."""
        item = self.item(call, call.params["id"], "file")
        limit, offset = self.limit(call, 100), self.offset(call)
        kept = item.extra.versions if item.extra else []
        page = kept[offset : offset + limit]
        await self.hashed(one.content for one in page)
        entries = [self.shapes.version(item, one) for one in page]
        order = [{"by": "created_at", "direction": "DESC"}]
        return json_answer({**paged(entries, len(kept), offset, limit), "order": order})

    async def version(self, call: Call) -> Answer:
        """One past version."""
        item = self.item(call, call.params["id"], "file")
        one = self._past(call, item, call.params["version"])
        await self.hashed([one.content])
        return json_answer(self.shapes.version(item, one))

    async def promote(self, call: Call) -> Answer:
        """Copy a past version on top, as a new version."""
        document = await self.document(call)
        item = self.item(call, call.params["id"], "file", may="edit")
        if item.name.lower().endswith(".boxnote"):
            raise refuse(call, 403, "access_denied_insufficient_permissions", "Notes have no versions to promote")
        self.unlocked(call, item)
        old = self._past(call, item, str(document.get("id", "")))
        if old.trashed_at:
            raise refuse(call, 404, "trashed")
        if not self.store.charge(item.owner, old.content.size):
            raise refuse(call, 403, "storage_limit_exceeded")
        self.renew(call, item, old.content)
        self.changed(call, item, "content", "ITEM_UPLOAD")
        await self.hashed([item.content])
        now = Version(item.version, item.name, item.content, item.modified_at, self.user(call))
        return json_answer(self.shapes.version(item, now), 201)

    async def restore_version(self, call: Call) -> Answer:
        """Take a version out of the trash: `{"trashed_at": null}`."""
        document = await self.document(call)
        item = self.item(call, call.params["id"], "file", may="edit")
        one = self._past(call, item, call.params["version"])
        if document.get("trashed_at", "") is not None:
            raise wrong(call, "trashed_at", "must be null")
        one.trashed_at, one.restored_at = 0.0, self.world.clock.now()
        self.changed(call, item, "metadata")
        return json_answer(self.shapes.version(item, one))

    def delete_version(self, call: Call) -> Answer:
        """Put a past version into the trash."""
        item = self.item(call, call.params["id"], "file", may="edit")
        self.matches(call, item)
        self._past(call, item, call.params["version"]).trashed_at = self.world.clock.now()
        self.changed(call, item, "metadata")
        return Answer(204)

    def watermark(self, call: Call) -> Answer:
        """There is none on anything."""
        self.item(call, call.params.get("id", "") or call.params["folder"], "file" if "id" in call.params else "folder")
        return problem(call, 404, "not_found")
