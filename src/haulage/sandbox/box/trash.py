"""Box's trash: what is in it, back from it, and out of it for good."""

from haulage.sandbox.box.desk import API, paged
from haulage.sandbox.box.errors import refuse, wrong
from haulage.sandbox.box.model import Item
from haulage.sandbox.box.moving import MovingDesk
from haulage.sandbox.box.texts import check_name
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

KINDS = {"folders": "folder", "files": "file", "web_links": "web_link"}


class Trash(MovingDesk):
    """Source: developer.box.com/reference/resources/trash-folder."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        made = [Route("GET", API, "/2.0/folders/trash/items", "get_folders_trash_items", "trash", self.items)]
        for word in KINDS:
            one = f"/2.0/{word}/{{id}}"
            made += [
                Route("POST", API, one, f"post_{word}_id", "trash", self.restore),
                Route("GET", API, f"{one}/trash", f"get_{word}_id_trash", "trash", self.get),
                Route("DELETE", API, f"{one}/trash", f"delete_{word}_id_trash", "trash", self.purge),
            ]
        return made

    def _trashed(self, call: Call, may: str = "look") -> Item:
        kind = KINDS[call.path.split("/")[2]]
        found = self.item(call, call.params["id"], kind, may=may, trashed=True)
        if not found.trashed_at:
            raise refuse(call, 404, "trashed")
        return found

    async def items(self, call: Call) -> Answer:
        """A page of the caller's trash."""
        query, limit = call.query, self.limit(call)
        by_marker = query.get("usemarker", "").lower() == "true" or "marker" in query
        if by_marker and (query.get("sort") or query.get("offset")):
            raise wrong(call, "sort" if query.get("sort") else "offset", "is not for marker-based paging")
        ids = list(self.store.state.trash.get(self.user(call), {}))
        marker = query.get("marker", "")
        if marker and not marker.isdigit():
            raise wrong(call, "marker", "is no marker of this list")
        offset = int(marker or 0) if by_marker else self.offset(call)
        if by_marker:  # ids go by the time of their making; what left the trash meanwhile moves nothing
            ids = [one for one in sorted(ids, key=int) if int(one) > offset]
        page = [self.store.state.items[one] for one in ids[: limit] ] if by_marker else [
            self.store.state.items[one] for one in ids[offset : offset + limit]
        ]  # fmt: skip
        await self.hashed(one.content for one in page)
        self.saw(call, page)
        entries = [self.shapes.entry(one, self.user(call), call, self.fields(call)) for one in page]
        if not by_marker:
            return json_answer(paged(entries, len(ids), offset, limit))
        following = {"next_marker": page[-1].id} if len(ids) > limit else {}
        return json_answer({"entries": entries, "limit": limit, **following})

    async def get(self, call: Call) -> Answer:
        """One item in the trash."""
        return await self.shown(call, self._trashed(call), inside=False)

    async def restore(self, call: Call) -> Answer:
        """Back to where it was, or to another name and folder."""
        item = self._trashed(call, may="edit")
        document = await self.document(call) if await call.body() else {}
        name = check_name(call, document["name"]) if document.get("name") else item.name
        parent = self.store.state.items.get(item.parent)
        if parent is None or self.store.in_trash(parent):
            parent = self.parent(call, document)
        self.room(call, parent, name, several=item.kind == "folder")
        self.store.state.trash[item.owner].pop(item.id, None)
        item.trashed_at, item.name, item.parent = 0.0, name, parent.id
        self.store.put(item)
        item.etag += 1
        self.changed(call, item, "restore", "ITEM_UNDELETE_VIA_TRASH")
        return await self.shown(call, item, 201, inside=False)

    def purge(self, call: Call) -> Answer:
        """Out of it for good."""
        item = self._trashed(call, may="edit")
        self.changed(call, item, "delete")
        self.store.forget(item)
        return Answer(204)
