"""Box's uploads in one request, and the check before them."""

import contextlib
from typing import Any

import msgspec

from haulage.sandbox.box.desk import API, UPLOAD
from haulage.sandbox.box.errors import refuse, wrong
from haulage.sandbox.box.model import Item
from haulage.sandbox.box.moving import MovingDesk
from haulage.sandbox.box.texts import check_name, read_date
from haulage.sandbox.frame.contents import Content, Draft
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

LARGEST_FILE_BYTES = 53_687_091_200
LARGEST_DIRECT_BYTES = 50 << 20  # developer.box.com/guides/uploads/direct
LARGEST_ATTRIBUTES_BYTES = 1 << 20
DATES = ("content_created_at", "content_modified_at")


class UploadDesk(MovingDesk):
    """A desk whose endpoints take files in."""

    def fits(self, call: Call, owner: str, size: int) -> None:
        """Refuse a file that is too large, for the account or at all."""
        if size > LARGEST_FILE_BYTES:
            raise refuse(call, 403, "file_size_limit_exceeded")
        record = self.store.state.users.get(owner)
        used = self.store.state.used.get(owner, 0)
        full = record is not None and 0 <= record.space_amount < used + size
        if full or call.fault("quota_full") is not None:
            raise refuse(call, 403, "storage_limit_exceeded")

    def check(self, call: Call, document: dict[str, Any]) -> tuple[Item, str]:
        """What a new file needs: folder and name. Raises Refusal."""
        name = self.name(call, document)
        parent = self.parent(call, document)
        self.fits(call, parent.owner, _size(call, document))
        self.room(call, parent, name)
        return parent, name

    def check_version(self, call: Call, item_id: str, document: dict[str, Any]) -> tuple[Item, str]:
        """What a new version needs: file and name. Raises Refusal."""
        item = self.item(call, item_id, "file", may="edit")
        self.free(call, item)
        self.unlocked(call, item)
        name = check_name(call, document["name"]) if document.get("name") else item.name
        self.fits(call, item.owner, _size(call, document))
        self.room(call, self.store.state.items[item.parent], name, but=item.id)
        return item, name

    def dates(self, call: Call, attributes: dict[str, Any]) -> dict[str, float]:
        """The dates that an uploader gave. Raises Refusal."""
        return {name: read_date(call, attributes[name], name) for name in DATES if attributes.get(name)}

    def create(self, call: Call, parent: Item, name: str, content: Content, dates: dict[str, float]) -> Item:
        """A new file, visible from now on. Raises Refusal."""
        if not self.store.charge(parent.owner, content.size):
            raise refuse(call, 403, "storage_limit_exceeded")
        now, user = self.world.clock.now(), self.user(call)
        made = Item(
            self.store.new_id(), "file", name, parent.id, parent.owner, now, now, user, user,
            dates.get("content_created_at", now), dates.get("content_modified_at", now), content=content,
            version=self.store.new_id(),
        )  # fmt: skip
        self.store.put(made)
        self.changed(call, made, "create", "ITEM_UPLOAD")
        return made

    def replace(self, call: Call, item: Item, name: str, content: Content, dates: dict[str, float]) -> Item:
        """A new version of a file, visible from now on. Raises Refusal."""
        if not self.store.charge(item.owner, content.size):
            raise refuse(call, 403, "storage_limit_exceeded")
        self.place(call, item, self.store.state.items[item.parent], name)
        self.renew(call, item, content)
        item.content_created_at = dates.get("content_created_at", item.content_created_at)
        item.content_modified_at = dates.get("content_modified_at", item.modified_at)
        self.changed(call, item, "content", "ITEM_UPLOAD")
        return item

    async def listed(self, call: Call, item: Item, status: int = 201) -> Answer:
        """An uploaded file as the only entry of a list."""
        await self.hashed([item.content])
        entry = self.shapes.item(item, self.user(call), call, self.fields(call))
        return json_answer({"total_count": 1, "entries": [entry]}, status)


def _size(call: Call, document: dict[str, Any]) -> int:
    size = document.get("size", document.get("file_size", 0)) or 0
    if not isinstance(size, int) or size < 0:
        raise wrong(call, "size", "is no size")
    return size


class Uploads(UploadDesk):
    """Source: developer.box.com/guides/uploads/direct, check."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        new, old = "/files/content", "/files/{id}/content"
        checked, renewed = "options_files_content", "options_files_id_content"
        return [
            Route("OPTIONS", API, f"/2.0{new}", checked, "preflight", self.preflight),
            Route("OPTIONS", API, f"/2.0{new}/", checked, "preflight", self.preflight),
            Route("OPTIONS", API, f"/2.0{old}", renewed, "preflight", self.preflight_version),
            Route("POST", UPLOAD, f"/api/2.0{new}", "post_files_content", "upload", self.upload),
            Route("POST", UPLOAD, f"/api/2.0{new}/", "post_files_content", "upload", self.upload),
            Route("POST", UPLOAD, f"/api/2.0{old}", "post_files_id_content", "upload", self.upload_version),
        ]

    async def preflight(self, call: Call) -> Answer:
        """Would a file of this name and size be taken? Makes nothing."""
        self.check(call, await self.document(call))
        return self._go(call, f"{call.at(UPLOAD)}/api/2.0/files/content")

    async def preflight_version(self, call: Call) -> Answer:
        """Would a version of this size be taken? Makes nothing."""
        item, _ = self.check_version(call, call.params["id"], await self.document(call))
        return self._go(call, f"{call.at(UPLOAD)}/api/2.0/files/{item.id}/content")

    def _go(self, call: Call, url: str) -> Answer:
        token = self.world.ids.base64url("box", "upload", call.event.number, count=32)
        return json_answer({"upload_url": url, "upload_token": token})

    async def upload(self, call: Call) -> Answer:
        """A new file."""
        attributes, content = await self._read(call)
        parent, name = self.check(call, {**attributes, "size": content.size})
        await self._same(call, content)
        self.check(call, {**attributes, "size": content.size})  # another may have taken the name meanwhile
        return await self.listed(call, self.create(call, parent, name, content, self.dates(call, attributes)))

    async def upload_version(self, call: Call) -> Answer:
        """A new version."""
        attributes, content = await self._read(call)
        wanted = {**attributes, "size": content.size}
        item, _ = self.check_version(call, call.params["id"], wanted)
        self.matches(call, item)
        await self._same(call, content)
        item, name = self.check_version(call, call.params["id"], wanted)
        return await self.listed(call, self.replace(call, item, name, content, self.dates(call, attributes)))

    async def _same(self, call: Call, content: Content) -> None:
        """Refuse bytes that are not what `content-md5`, which is a SHA-1, says."""
        await self.hashed([content])
        told = call.headers.get("Content-MD5", "").lower()
        if told and told != self.world.contents.digest(content, "sha1").hex():
            raise refuse(call, 400, "bad_digest")

    async def _read(self, call: Call) -> tuple[dict[str, Any], Content]:
        """Attributes and bytes of a multipart upload, in this order. Raises Refusal, too, where they are too many."""
        attributes: dict[str, Any] | None = None
        draft: Draft | None = None
        with contextlib.suppress(ValueError):  # no multipart at all: told below
            async for _, name, chunks in call.parts():
                if name == "attributes" and draft is None:
                    attributes = _attributes(call, b"".join([chunk async for chunk in chunks]))
                    continue
                if attributes is None:
                    raise refuse(call, 400, "metadata_after_file_contents")
                draft = draft or self.world.contents.draft()
                async for chunk in chunks:
                    draft.write(chunk)
        if attributes is None or draft is None:
            raise refuse(call, 400, "bad_request", "The upload needs a part `attributes` and a part with the file")
        if draft.size > LARGEST_DIRECT_BYTES:
            raise refuse(call, 413, "request_entity_too_large")
        return attributes, draft.content()


def _attributes(call: Call, body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body[:LARGEST_ATTRIBUTES_BYTES])
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise refuse(call, 400, "bad_request", "Invalid value for `attributes`")
    return found
