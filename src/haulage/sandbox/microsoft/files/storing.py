"""How a file gets its bytes, whichever way they came: names, conflicts, room, versions, rewriting."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from haulage.sandbox.frame.contents import EMPTY, Content
from haulage.sandbox.frame.wire import Call
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.content import replace
from haulage.sandbox.microsoft.files.desk import Desk, Target
from haulage.sandbox.microsoft.files.items import Drive, Item
from haulage.sandbox.microsoft.files.kinds import item_id
from haulage.sandbox.microsoft.files.names import too_long, wrong_name
from haulage.sandbox.microsoft.files.office import rewritten
from haulage.sandbox.microsoft.files.showing import Document

LARGEST_FILE = 250 << 30
BEHAVIOURS = ("fail", "replace", "rename")


class Dates(msgspec.Struct):
    """What a client says of a file's times; None: nothing."""

    created: float | None = None
    modified: float | None = None

    def apply(self, drive: Drive, item: Item) -> None:
        """Set them, as exactly as the kind of drive keeps them."""
        exact: Callable[[float], float] = (lambda one: float(int(one))) if drive.kind.whole_seconds else float
        if self.created is not None:
            item.created = exact(self.created)
        if self.modified is not None:
            item.modified = exact(self.modified)


def dates(facet: Any) -> Dates:
    """The dates of a fileSystemInfo. Raises Wrong."""
    if not isinstance(facet, dict):
        return Dates()
    return Dates(_instant(facet.get("createdDateTime")), _instant(facet.get("lastModifiedDateTime")))


def _instant(text: Any) -> float | None:
    if text in (None, ""):
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise errors.invalid(f"The date '{text}' is malformed.", "invalidParameterFormat") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def behaviour(call: Call, document: Document, default: str) -> str:
    """What to do where the name is taken: of the query, or of an annotation in either spelling. Raises Wrong."""
    annotations = ("@microsoft.graph.conflictBehavior", "@name.conflictBehavior")
    places: list[dict[str, Any]] = [dict(call.query), document]
    found = next((str(one[name]) for one in places for name in annotations if name in one), default)
    if found.lower() not in BEHAVIOURS:
        raise errors.invalid(f"The conflict behaviour '{found}' is not supported.", "invalidParameterFormat")
    return found.lower()


class Storing:
    """Puts files and folders into drives. rewrite_in: names of the kinds of drive that rewrite Office files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.rewrite_in = {"documentLibrary"}

    def check_name(self, drive: Drive, parent: Item, name: str, *, folder: bool) -> None:
        """Raises Wrong where the drive does not take the name there."""
        in_library = not parent.parent and drive.kind.name == "documentLibrary"
        path = f"{drive.base}{drive.path(parent)}/{name}".lstrip("/")
        if too_long(name, path):
            raise errors.invalid("The specified file or folder name is too long.", "pathIsTooLong")
        if why := wrong_name(name, folder=folder, library_root=in_library):
            raise errors.invalid(f"The provided name cannot be used: {why}", "invalidName")

    def free_name(self, drive: Drive, parent: Item, name: str) -> str:
        """The name, or the first with a number that is not taken: `b 1.txt`."""
        stem, dot, ending = name.rpartition(".")
        if not stem:
            stem, dot, ending = name, "", ""
        number = 1
        while drive.child(parent.id, name) is not None:
            name = f"{stem} {number}{dot}{ending}"
            number += 1
        return name

    def room(self, call: Call, drive: Drive, more: int) -> None:
        """Raises Wrong (507) where there is none."""
        if call.fault("quota_full") is not None or (more > 0 and drive.used + more > drive.total):
            raise errors.full()

    def make(self, call: Call, drive: Drive, parent: Item, name: str, *, folder: bool, editor: str = "") -> Item:
        """A new item, not yet in the tree; its name is free and was checked. editor: whose; "" for the caller's."""
        now, editor = call.event.time, editor or self._desk.editor(call)
        at = float(int(now)) if drive.kind.whole_seconds else round(now, 3)
        identity = item_id(drive.kind, self._desk.world.ids, drive.id, drive.count)
        drive.count += 1
        return Item(identity, 0, parent.id, name, folder, 0, at, at, now, now, editor, editor)

    def add(self, call: Call, drive: Drive, item: Item, kind: str = "create") -> None:
        """Into the tree and the history."""
        drive.put(item)
        drive.note(item.id, call.event.time)
        self._desk.record(call, drive, item, kind)

    def folder(self, call: Call, drive: Drive, parent: Item, name: str, editor: str) -> Item:
        """A new folder of a name that is free."""
        self.check_name(drive, parent, name, folder=True)
        made = self.make(call, drive, parent, name, folder=True, editor=editor)
        self.add(call, drive, made)
        return made

    def parents(self, call: Call, target: Target, editor: str) -> Item:
        """The folder that the target is to be in; missing ones are made, as addressing by path does."""
        parent = target.parent
        for name in target.missing:
            parent = self.folder(call, target.drive, parent, name, editor)
        return parent

    def place(
        self, call: Call, target: Target, content: Content, how: str, told: Dates, editor: str
    ) -> tuple[Item, bool]:
        """Give the target these bytes. Returns the item, and whether it is new. Raises Wrong.

        how: what to do where the name is taken. editor: whose bytes they are.
        """
        drive, old = target.drive, target.item
        if old is not None and how == "fail":
            raise errors.taken(drive.kind.taken)
        if old is not None and (old.folder or old.target is not None):
            raise errors.taken(drive.kind.taken)
        self.room(call, drive, content.size - (old.size if old is not None and how == "replace" else 0))
        if old is not None and how == "replace":
            self._desk.writable(call, old)
            replace(drive, old, content, call.event.time, editor)
            told.apply(drive, old)
            self._desk.record(call, drive, old, "content")
            return old, False
        name = target.name if old is None else self.free_name(drive, target.parent, target.name)
        self.check_name(drive, target.parent, name, folder=False)
        parent = self.parents(call, target, editor)
        made = self.make(call, drive, parent, name, folder=False, editor=editor)
        made.content, made.size = (content if content.size else EMPTY), content.size
        told.apply(drive, made)
        self.add(call, drive, made)
        return made, True

    def promote(self, call: Call, drive: Drive, item: Item) -> None:
        """What SharePoint does to Office files a moment after their upload: other bytes, other size, same version."""
        if drive.kind.name not in self.rewrite_in:
            return
        contents = self._desk.world.contents
        body = rewritten(item.name, item.id, item.held(), contents)
        if body is not None:
            content = contents.of(body)
            drive.grow(item.parent, content.size - item.size)
            item.content, item.size = content, content.size
            item.content_tag += 1
            drive.touch(item, call.event.time)
            self._desk.record(call, drive, item, "content")
