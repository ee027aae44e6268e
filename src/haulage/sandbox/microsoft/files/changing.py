"""Folders made, items renamed, moved, dated, deleted and brought back, and small files written.

Sources: the Graph pages driveitem-post-children, -update, -move, -delete, -permanentdelete, -restore, -put-content.
"""

from typing import Any
from urllib.parse import unquote

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.content import keep_version
from haulage.sandbox.microsoft.files.desk import Desk
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.items import LOCKED, Drive, Item
from haulage.sandbox.microsoft.files.kinds import same_drive
from haulage.sandbox.microsoft.files.moving import across
from haulage.sandbox.microsoft.files.reading import Reading
from haulage.sandbox.microsoft.files.routes import ITEM, WRITE, route
from haulage.sandbox.microsoft.files.showing import Document
from haulage.sandbox.microsoft.files.storing import Dates, Storing, behaviour, dates
from haulage.sandbox.microsoft.files.waiting import Monitors

SMALL_BYTES = 250 << 20
ASYNC = "Requested move requires an async response, add 'Prefer: respond-async' to allow"


class Changing:
    """Changes items one at a time."""

    def __init__(self, desk: Desk, reading: Reading, storing: Storing, monitors: Monitors) -> None:
        self._desk = desk
        self._reading = reading
        self._storing = storing
        self._monitors = monitors

    def routes(self) -> list[Route]:
        """What changes items."""
        made = self._desk.handler
        return [
            route("POST", f"{ITEM}/children", "driveitem-post-children", made(self.create), WRITE, 2),
            route("PATCH", ITEM, "driveitem-update", made(self.update), WRITE, 2),
            route("DELETE", ITEM, "driveitem-delete", made(self.delete), WRITE, 2),
            route("POST", f"{ITEM}/permanentDelete", "driveitem-permanentdelete", made(self.destroy), WRITE, 2),
            route("POST", f"{ITEM}/restore", "driveitem-restore", made(self.restore), WRITE, 2),
            route("PUT", f"{ITEM}/content", "driveitem-put-content", made(self.put), WRITE, 2),
        ]

    async def _shown(self, call: Call, drive: Drive, item: Item, status: int = 200) -> Answer:
        return self._desk.answer(call, await self._reading.shown(call, drive, item), status)

    async def create(self, call: Call) -> Answer:
        """A folder, or a shortcut to another drive's folder, in a folder."""
        drive, parent = self._desk.find(call, write=True)
        document = await self._desk.body(call)
        name = document.get("name")
        if not isinstance(name, str) or not ("folder" in document or "remoteItem" in document):
            raise errors.invalid("Exactly one of folder or remoteItem, and a name, must be present.")
        if not parent.folder:
            raise errors.invalid("The parent is not a folder.")
        self._storing.check_name(drive, parent, name, folder=True)
        absent = "replace" if drive.kind.old_grants else "fail"
        how, old = behaviour(call, document, absent), drive.child(parent.id, name)
        if old is not None and how == "replace" and old.folder and not drive.kind.sites:
            return await self._shown(call, drive, old)
        if old is not None and how != "rename":
            raise errors.taken(drive.kind.taken)
        name = self._storing.free_name(drive, parent, name)
        made = self._storing.make(call, drive, parent, name, folder="folder" in document)
        if "remoteItem" in document:
            made.target = self._remote(document["remoteItem"])
        dates(document.get("fileSystemInfo")).apply(drive, made)
        self._storing.add(call, drive, made)
        return await self._shown(call, drive, made, 201)

    def _remote(self, facet: Any) -> tuple[str, str]:
        try:
            drive = self._desk.places.drive(str(facet["parentReference"]["driveId"]))
            found = drive.items.get(str(facet["id"])) if drive else None
        except (KeyError, TypeError):
            raise errors.invalid("The remoteItem must name an item and its drive.") from None
        if drive is None or found is None:
            raise errors.not_found()
        return drive.id, found.id

    async def update(self, call: Call) -> Answer:
        """Another name, folder or dates; the id stays."""
        drive, item = self._desk.find(call, write=True)
        document = await self._desk.body(call)
        self._desk.matches(call, drive, item, "resourceModified")
        reference = document.get("parentReference") or {}
        if not isinstance(reference, dict):
            raise errors.invalid("The parentReference is malformed.", "invalidParameterFormat")
        name = document.get("name") or item.name
        if (elsewhere := self._foreign(drive, reference)) is not None:
            return self._to_other_drive(call, drive, item, elsewhere, reference, name)
        if item.parent:
            self._relocate(call, drive, item, self._new_parent(drive, item, reference), str(name), document)
        elif reference.get("id") or document.get("name") not in (None, "root", ""):
            raise errors.denied("The root cannot be moved or renamed.")
        self._date(call, drive, item, dates(document.get("fileSystemInfo")))
        return await self._shown(call, drive, item)

    def _foreign(self, drive: Drive, reference: Document) -> Drive | None:
        """The other drive that an item is to be moved to."""
        name = reference.get("driveId")
        if not name or same_drive(str(name)) == drive.id:
            return None
        found = self._desk.places.drive(str(name))
        if found is None:
            raise errors.not_found()
        return found

    def _new_parent(self, drive: Drive, item: Item, reference: Document) -> Item:
        """The folder that an update names, the old one if it names none; empty strings count as nothing."""
        if identity := reference.get("id"):
            found = drive.items.get(str(identity))
        elif path := str(reference.get("path") or ""):
            _, _, inside = unquote(path).partition("root:")
            found = drive.root
            for name in filter(None, inside.split("/")):
                found = drive.child(found.id, name) if found is not None else None
        else:
            found = drive.items[item.parent]
        if found is None or not found.folder:
            raise errors.not_found()
        return found

    def _relocate(self, call: Call, drive: Drive, item: Item, parent: Item, name: str, document: Document) -> None:
        if parent.id == item.parent and name == item.name:
            return
        self._storing.check_name(drive, parent, name, folder=item.folder)
        if parent is item or item in drive.above(parent):
            raise errors.invalid("An item cannot be moved into itself.", "invalidRequest")
        other = drive.child(parent.id, name)
        if other is not None and other is not item:
            how = behaviour(call, document, "fail")
            if how == "fail" or (how == "replace" and (other.folder or item.folder)):
                raise errors.taken(drive.kind.taken)
            if how == "replace":
                self._trash(call, drive, other)
            else:
                name = self._storing.free_name(drive, parent, name)
        moved = parent.id != item.parent
        if moved:
            drive.note(item.parent, call.event.time)
            drive.move(item, parent.id, name)
        else:
            drive.rename(item, name)
        item.editor = self._desk.editor(call)
        drive.touch(item, call.event.time)
        self._desk.record(call, drive, item, "move" if moved else "rename", content=False)

    def _date(self, call: Call, drive: Drive, item: Item, told: Dates) -> None:
        """Set times. In libraries that is a new version of a file."""
        before = (item.created, item.modified)
        told.apply(drive, item)
        if told == Dates():
            return
        if drive.kind.dates_make_versions and not item.folder and item.target is None:
            now = (item.created, item.modified)
            item.created, item.modified = before
            keep_version(item)
            item.created, item.modified = now
        item.editor = self._desk.editor(call)
        drive.touch(item, call.event.time)
        self._desk.record(call, drive, item, "metadata", content=False)

    def _to_other_drive(
        self, call: Call, drive: Drive, item: Item, other: Drive, reference: Document, name: str
    ) -> Answer:
        """A move across drives: only in libraries, and only as an operation that is waited for; the id is new."""
        if not drive.kind.sites or not other.kind.sites:
            raise errors.invalid("Cannot move items across drives.")
        if "respond-async" not in call.headers.get("Prefer", ""):
            raise errors.invalid(ASYNC)
        self._desk.access.check(self._desk.caller(call), other, other.root, write=True)
        parent = other.items.get(str(reference.get("id") or other.root.id))
        if parent is None or not parent.folder:
            raise errors.not_found()
        return across(call, self._desk, self._storing, self._monitors, (drive, item), (other, parent), name)

    def delete(self, call: Call) -> Answer:
        """Into the recycle bin, with all below."""
        drive, item = self._deletable(call)
        self._trash(call, drive, item)
        return Answer(204)

    def _deletable(self, call: Call) -> tuple[Drive, Item]:
        drive, item = self._desk.find(call, write=True)
        if not item.parent:
            raise errors.invalid("The root folder cannot be deleted.")
        self._desk.matches(call, drive, item, "resourceModified")
        if any(one.flags & LOCKED for one in drive.below(item)):
            raise errors.locked()
        return drive, item

    def _trash(self, call: Call, drive: Drive, item: Item) -> None:
        path = drive.path(item)
        drive.remove(item, call.event.time, keep=True)
        self._desk.record(call, drive, item, "trash")
        call.event.changes[-1].path = path

    def destroy(self, call: Call) -> Answer:
        """Gone for good; not in consumer drives."""
        drive = self._desk.drive(call)
        if not drive.kind.sites:
            raise errors.unsupported("permanentDelete is not supported for this drive.")
        drive, item = self._deletable(call)
        path = drive.path(item)
        drive.remove(item, call.event.time, keep=False)
        self._desk.record(call, drive, item, "delete")
        call.event.changes[-1].path = path
        return Answer(204)

    async def restore(self, call: Call) -> Answer:
        """Out of the recycle bin of a consumer drive."""
        drive = self._desk.drive(call)
        if drive.kind.sites:
            raise errors.unsupported("restore is not supported for this drive.")
        document = await self._desk.body(call)
        binned = drive.bin.get(call.params["item"])
        if binned is None:
            raise errors.not_found()
        item = binned.items[0]
        reference = document.get("parentReference") or {}
        parent = drive.items.get(str(reference.get("id") or item.parent))
        if parent is None or not parent.folder:
            raise errors.not_found("The folder of the item is not there any more.")
        self._desk.access.check(self._desk.caller(call), drive, parent, write=True)
        name = self._storing.free_name(drive, parent, str(document.get("name") or item.name))
        drive.restore(binned, parent.id, name)
        drive.touch(item, call.event.time)
        self._desk.record(call, drive, item, "restore")
        return await self._shown(call, drive, item)

    async def put(self, call: Call) -> Answer:
        """A small file at once: new (201) or over another (200). Times cannot be told."""
        target = self._desk.target(call, write=True)
        drive = target.drive
        length = call.headers.get("Content-Length")
        if length is None and "Transfer-Encoding" not in call.headers:
            length = "0"
        if length is None:
            raise Wrong(411, "invalidRequest", "A Content-Length is required.")
        if int(length) > SMALL_BYTES:
            raise Wrong(413, "invalidRequest", "The file is too large: use an upload session.", "maxFileSizeExceeded")
        self._desk.matches(call, drive, target.item, "notAllowed")
        how = behaviour(call, {}, "replace")
        self._desk.spend(call, "app-hour-bytes-in", int(length), drive)
        content = (await call.draft(self._desk.world.contents)).content()
        target = self._desk.target(call, write=True)  # others may have been here while the bytes came in
        item, new = self._storing.place(call, target, content, how, Dates(), self._desk.editor(call))
        answer = await self._shown(call, drive, item, 201 if new else 200)
        self._storing.promote(call, drive, item)
        return answer
