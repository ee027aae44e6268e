"""Copies, and moves to another drive: the same work, waited for through a monitor.

Source: the Graph page driveitem-copy.
"""

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.content import replace
from haulage.sandbox.microsoft.files.desk import Desk
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.items import NOTEBOOK, Drive, Item, Version
from haulage.sandbox.microsoft.files.routes import ITEM, WRITE, route
from haulage.sandbox.microsoft.files.showing import Document
from haulage.sandbox.microsoft.files.storing import Storing, behaviour
from haulage.sandbox.microsoft.files.waiting import Monitor, Monitors

LARGEST_COPY = 30_000  # items
Spot = tuple[Drive, Item]


class Copying:
    """Copies items, within a drive and to another."""

    def __init__(self, desk: Desk, storing: Storing, monitors: Monitors) -> None:
        self._desk = desk
        self._storing = storing
        self._monitors = monitors

    def routes(self) -> list[Route]:
        """The one endpoint."""
        return [route("POST", f"{ITEM}/copy", "driveitem-copy", self._desk.handler(self.copy), WRITE, 2)]

    async def copy(self, call: Call) -> Answer:
        """202 and a monitor; whatever goes wrong with the copy itself is told there."""
        drive, item = self._desk.find(call)
        document = await self._desk.body(call)
        if not drive.kind.sites and "respond-async" not in call.headers.get("Prefer", ""):
            raise errors.invalid("Cannot call Copy without the respond-async preference")
        other, parent = self._destination(drive, item, document)
        self._desk.access.check(self._desk.caller(call), other, parent, write=True)
        if not item.parent:
            raise errors.invalid("The root folder cannot be copied.")
        monitor = Monitor("ItemCopy", call.event.time, polls=1 if item.folder else 0)
        name = str(document.get("name") or item.name)
        self._storing.check_name(other, parent, name, folder=item.folder)
        how = behaviour(call, document, "fail") if drive.kind.sites else "fail"
        try:
            if call.fault("async_failure") is not None:
                raise Wrong(500, "generalException", "The operation failed.")
            whole = bool(document.get("includeAllVersionHistory"))
            made = copied(call, self._desk, self._storing, (drive, item), (other, parent), name, how, versions=whole)
            monitor.resource = made.id
        except Wrong as wrong:
            monitor.code, monitor.message = wrong.code, wrong.message
        return self._monitors.accepted(call, other, monitor)

    def _destination(self, drive: Drive, item: Item, document: Document) -> Spot:
        reference = document.get("parentReference") or {}
        if not isinstance(reference, dict):
            raise errors.invalid("The parentReference is malformed.", "invalidParameterFormat")
        other = self._desk.places.drive(str(reference["driveId"])) if reference.get("driveId") else drive
        if other is None:
            raise errors.not_found()
        wanted = reference.get("id")
        parent = other.items.get(str(wanted)) if wanted else other.items.get(item.parent)
        if parent is None or not parent.folder:
            raise errors.not_found()
        return other, parent


def copied(
    call: Call, desk: Desk, storing: Storing, source: Spot, target: Spot, name: str, how: str, *, versions: bool = False
) -> Item:
    """Copy an item with all below; returns the copy. No permissions, and versions only if wanted. Raises Wrong."""
    (drive, item), (other, parent) = source, target
    members = list(drive.below(item))
    if len(members) > LARGEST_COPY:
        raise Wrong(413, "cannotSnapshotTree", "The folder has too many items to be copied.")
    storing.room(call, other, item.size)
    old = other.child(parent.id, name)
    if old is item or (old is not None and (how == "fail" or old.folder or item.folder) and how != "rename"):
        raise errors.taken(other.kind.taken)
    if old is not None and how == "replace":
        replace(other, old, item.held(), call.event.time, desk.editor(call))
        old.created, old.modified = item.created, item.modified
        desk.record(call, other, old, "content")
        return old
    made: dict[str, Item] = {}
    for one in members:
        folder = parent if one is item else made[one.parent]
        wanted = storing.free_name(other, parent, name) if one is item else one.name
        twin = storing.make(call, other, folder, wanted, folder=one.folder)
        twin.created, twin.modified, twin.target = one.created, one.modified, one.target
        twin.flags = one.flags & NOTEBOOK
        twin.content, twin.size = one.content, 0 if one.folder else one.size
        if versions and one.past:
            twin.past, twin.version = [_renewed(version) for version in one.past], one.version
        storing.add(call, other, twin, "copy")
        made[one.id] = twin
    return made[item.id]


def _renewed(version: Version) -> Version:
    return Version(version.number, version.modified, version.content, version.size, version.editor)


def across(
    call: Call, desk: Desk, storing: Storing, monitors: Monitors, source: Spot, target: Spot, name: str
) -> Answer:
    """Move to another drive: a copy with versions under a new id, then the original goes."""
    (drive, item), (other, _) = source, target
    monitor = Monitor("ItemMove", call.event.time)
    try:
        made = copied(call, desk, storing, source, target, name, "fail", versions=True)
        path = drive.path(item)
        drive.remove(item, call.event.time, keep=False)
        desk.record(call, drive, item, "delete")
        call.event.changes[-1].path = path
        monitor.resource = made.id
    except Wrong as wrong:
        monitor.code, monitor.message = wrong.code, wrong.message
    return monitors.accepted(call, other, monitor)
