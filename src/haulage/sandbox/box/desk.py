"""What all of Box's handlers share: finding an item, asking whether the caller may, noting what changed."""

import asyncio
from collections.abc import Iterable
from typing import Any

from haulage.sandbox.box.errors import problem, refuse, wrong
from haulage.sandbox.box.model import ROOT, Item, UserRecord
from haulage.sandbox.box.shapes import Shapes, wanted_fields
from haulage.sandbox.box.store import CO_OWNERS, EDITORS, LOOKERS, READERS, UPLOADERS, Store
from haulage.sandbox.box.texts import check_name
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.history import Change, ChangeKind, Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

API, UPLOAD, DOWNLOAD = "api.box.com", "upload.box.com", "dl.boxcloud.com"
ALLOWS = {"read": READERS, "look": LOOKERS, "upload": UPLOADERS, "edit": EDITORS, "share": EDITORS, "own": CO_OWNERS}
INLINE_BYTES = 1 << 20
LARGEST_LIMIT = 1000
LARGEST_OFFSET = 10_000


class Desk:
    """A group of endpoints. The user that a call acts for is `call.event.actor`, after As-User."""

    def __init__(self, store: Store, shapes: Shapes) -> None:
        self.store = store
        self.shapes = shapes
        self.world = store.world

    def routes(self) -> list[Route]:
        """The endpoints."""
        raise NotImplementedError  # a desk without endpoints is none

    def user(self, call: Call) -> str:
        """The id of the user that the call acts for."""
        return call.event.actor

    async def document(self, call: Call) -> dict[str, Any]:
        """The body as a JSON object. Raises Refusal."""
        found = await call.json(lambda reason: problem(call, 400, "bad_request", f"The body is no JSON: {reason}"))
        if not isinstance(found, dict):
            raise refuse(call, 400, "bad_request", "Request body should be a valid JSON object")
        return found

    def item(self, call: Call, item_id: str, kind: str, *, may: str = "look", trashed: bool = False) -> Item:
        """The item of that id and kind, not in the trash (`trashed`: in it). Raises Refusal.

        may: what the caller wants to do with it. What the caller may not even see is not found.
        """
        user = self.user(call)
        if kind == "folder" and not item_id.isdigit() and item_id == call.params.get("id"):
            raise refuse(call, 405, "method_not_allowed")
        found = self.store.root(user) if item_id == ROOT and kind == "folder" else self.store.find(item_id)
        if found is None or found.kind != kind or (not found.parent and item_id != ROOT):
            raise refuse(call, 404, "not_found")
        role = self.store.role(user, found)
        if not role or call.fault("denied") is not None:
            raise refuse(call, *((403, "access_denied_insufficient_permissions") if role else (404, "not_found")))
        if self.store.in_trash(found) != trashed:
            raise refuse(call, 404, "not_trashed" if trashed else "trashed")
        if role not in ALLOWS[may]:
            raise refuse(call, 403, "access_denied_insufficient_permissions")
        return found

    def parent(self, call: Call, document: dict[str, Any], *, may: str = "upload") -> Item:
        """The folder that `parent.id` names. Raises Refusal."""
        parent = document.get("parent")
        if not isinstance(parent, dict) or not isinstance(parent.get("id"), str | int):
            raise wrong(call, "parent", "is missing")
        folder = self.item(call, str(parent["id"]), "folder", may=may)
        self.free(call, folder)
        return folder

    def free(self, call: Call, item: Item) -> None:
        """Refuse while a long operation holds the item or a folder that it lies in."""
        now = self.world.clock.now()
        held = any(one.extra and one.extra.busy_until > now for one in (item, *self.store.above(item)))
        if held or call.fault("blocked") is not None:
            raise refuse(call, 409, "operation_blocked_temporary")

    def unlocked(self, call: Call, item: Item) -> None:
        """Refuse where somebody else has locked the file."""
        lock = self.shapes.lock_of(item)
        if (lock and lock.by != self.user(call)) or call.fault("locked") is not None:
            raise refuse(call, 403, "access_denied_item_locked")

    def matches(self, call: Call, item: Item) -> None:
        """Refuse where If-Match names another etag."""
        if (told := call.headers.get("If-Match")) and told.strip('"') not in ("*", str(item.etag)):
            raise refuse(call, 412, "precondition_failed")

    def room(self, call: Call, folder: Item, name: str, *, but: str = "", several: bool = False) -> None:
        """Refuse where the folder has the name already, as another item than `but`.

        several: tell the conflicts as a list, as folders' endpoints do; files' endpoints tell the one.
        """
        if call.fault("name_reserved") is not None:
            raise refuse(call, 409, "name_temporarily_reserved")
        there = self.store.child(folder, name)
        if there is None or there.id == but:
            return
        entry = self.shapes.entry(there, self.user(call), call)
        raise refuse(call, 409, "item_name_in_use", info={"conflicts": [entry] if several else entry})

    def name(self, call: Call, document: dict[str, Any]) -> str:
        """The name that the document gives. Raises Refusal."""
        return check_name(call, document.get("name"))

    def changed(self, call: Call, item: Item, kind: ChangeKind, happening: str = "") -> None:
        """Note in the history, and in the event streams, what the call did."""
        call.event.changes.append(
            Change(
                kind, item.id, item.owner, self.store.path(item), item.version,
                item.content.key if item.kind == "file" else "", item.content.size,
            )
        )  # fmt: skip
        if happening:
            self.store.happen(happening, item, self.user(call))

    def edited(self, call: Call, item: Item) -> None:
        """Count a change."""
        item.etag += 1
        item.modified_at = self.world.clock.now()
        item.modified_by = self.user(call)
        self.store.touched(item.parent)

    def saw(self, call: Call, items: Iterable[Item]) -> None:
        """Note which items the call let its caller see."""
        call.event.sights += [Sight(one.id, one.version) for one in items]

    def fields(self, call: Call) -> tuple[str, ...] | None:
        """The fields that the call asks for."""
        return wanted_fields(call)

    async def hashed(self, contents: Iterable[Content]) -> None:
        """Have the SHA-1 of each, without holding up the loop for the large ones."""
        known = self.world.contents.known
        for content in contents:
            if content.size > INLINE_BYTES and not known(content, "sha1"):
                await asyncio.to_thread(self.world.contents.hash, content, "sha1")

    async def shown(self, call: Call, item: Item, status: int = 200, *, inside: bool = True) -> Answer:
        """The item as the answer. inside: a folder with what is in it."""
        await self.hashed([item.content])
        self.saw(call, [item])
        etag = {"ETag": f'"{item.etag}"'} if item.parent else {}
        made = self.shapes.item(item, self.user(call), call, self.fields(call))
        if not inside:
            made.pop("item_collection", None)
        return json_answer(made, status, etag)

    def limit(self, call: Call, standard: int = 100, largest: int = LARGEST_LIMIT) -> int:
        """The `limit` of a list. Raises Refusal."""
        text = call.query.get("limit", "")
        if not text:
            return standard
        if not text.isdigit() or int(text) < 1:
            raise wrong(call, "limit", "is no positive number", code="invalid_limit")
        return min(int(text), largest)

    def offset(self, call: Call) -> int:
        """The `offset` of a list. Raises Refusal."""
        text = call.query.get("offset", "") or "0"
        if not text.isdigit() or int(text) >= LARGEST_OFFSET:
            raise wrong(call, "offset", f"must be below {LARGEST_OFFSET}", code="invalid_offset")
        return int(text)

    def record(self, call: Call) -> UserRecord:
        """The account that the call acts for. Raises Refusal."""
        found = self.store.state.users.get(self.user(call))
        if found is None:
            raise refuse(call, 404, "not_found")
        return found


def paged(entries: list[Any], total: int, offset: int, limit: int) -> dict[str, Any]:
    """A page by offset."""
    return {"total_count": total, "entries": entries, "offset": offset, "limit": limit}
