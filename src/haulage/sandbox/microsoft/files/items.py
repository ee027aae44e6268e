"""Items and drives: the state, and the few ways in which it changes.

A drive keeps its items in slots, parents before children, so that an enumeration is a walk over numbers whatever
happens meanwhile; and a log of ids, one an item that changed, so that a delta is a slice of it.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from haulage.sandbox.frame.contents import EMPTY, Content
from haulage.sandbox.microsoft.files.kinds import KINDS, Kind
from haulage.sandbox.microsoft.files.names import fold

MALWARE, LOCKED, RESTRICTED, NOTEBOOK, UNIQUE, FILE_TARGET = 1, 2, 4, 8, 16, 32

SHARED = " shared"  # behind an id in the log: only who may use the item changed


class Version(msgspec.Struct, gc=False):
    """A version that is not the current one. size: as it is shown. editor: see Item."""

    number: int
    modified: float
    content: Content
    size: int
    editor: str


class Permission(msgspec.Struct, omit_defaults=True, gc=False):
    """A grant on an item. kind: user, group, site_group, application, link or invitation; who: the key of it.

    link: its type and scope. password: it has one.
    """

    id: str
    roles: tuple[str, ...]
    kind: str
    who: str = ""
    link: tuple[str, str] = ("", "")
    expires: str = ""
    password: bool = False
    blocks_download: bool = False


class Item(msgspec.Struct, gc=False):
    """A file, folder, notebook or shortcut.

    number: its slot. parent: an id, "" at the root. size: of a file, or the sum of all below. created, modified: what
    fileSystemInfo shows; born, changed: when the server saw it first, and its last change. author, editor: keys of
    people, see People.
    tag, content_tag: behind eTag and cTag. version: the current one's number. flags: MALWARE ... target: drive and
    item of a shortcut. past: older versions, oldest first.
    """

    id: str
    number: int
    parent: str
    name: str
    folder: bool
    size: int
    created: float
    modified: float
    born: float
    changed: float
    author: str
    editor: str
    content: Content | None = None
    tag: int = 1
    content_tag: int = 1
    version: int = 1
    flags: int = 0
    target: tuple[str, str] | None = None
    past: list[Version] | None = None
    permissions: list[Permission] | None = None

    def held(self) -> Content:
        """The content of a file."""
        return self.content or EMPTY


class Folder:
    """The children of a folder, by folded name; order: the folded names, sorted."""

    __slots__ = ("entries", "order")

    def __init__(self) -> None:
        self.entries: dict[str, Item] = {}
        self.order: list[str] = []

    def add(self, item: Item) -> None:
        """A new child."""
        key = fold(item.name)
        self.entries[key] = item
        if not self.order or key > self.order[-1]:
            self.order.append(key)
        else:
            insort(self.order, key)

    def remove(self, item: Item) -> None:
        """A child leaves."""
        key = fold(item.name)
        del self.entries[key]
        del self.order[bisect_left(self.order, key)]


class Binned(msgspec.Struct):
    """What one deletion put into the recycle bin: the item and all below, parents first."""

    items: list[Item]
    at: float
    size: int


class Drive(msgspec.Struct, kw_only=True):
    """One drive. id: in its kind's form; owner: "person/7", "personal/3" or "space/2"; site: the id of its site.

    base: the path of the library on its host. host: of its pages and contents. total: the quota in bytes; used, binned:
    of it. grown: its generated items are in it. since: the log's position from which on delta tokens are still good.
    """

    id: str
    kind_name: str
    name: str
    owner: str
    tenant: str
    host: str
    base: str
    created: float
    site: str = ""
    group: str = ""
    total: int = 1 << 40
    used: int = 0
    binned: int = 0
    grown: bool = False
    count: int = 0
    since: int = 0
    items: dict[str, Item] = {}
    folders: dict[str, Folder] = {}
    slots: list[Item | None] = []
    gone: dict[str, Item] = {}
    bin: dict[str, Binned] = {}
    log: list[str] = []
    times: array = msgspec.field(default_factory=lambda: array("d"))  # type: ignore[type-arg]  # array is not generic at run time in 3.11

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return KINDS[self.kind_name]

    @property
    def root(self) -> Item:
        """The root folder."""
        return self.slots[0]  # type: ignore[return-value]  # slot 0 is the root for ever

    def put(self, item: Item) -> None:
        """Take in an item whose parent is there already (or the root)."""
        item.number = len(self.slots)
        self.slots.append(item)
        self.items[item.id] = item
        if item.folder:
            self.folders[item.id] = Folder()
        if item.parent:
            self.folders[item.parent].add(item)
        if not item.folder and item.size:
            self.grow(item.parent, item.size)

    def grow(self, folder: str, size: int) -> None:
        """A folder and all above it hold so much more."""
        while folder:
            item = self.items[folder]
            item.size += size
            folder = item.parent
        self.used += size

    def touch(self, item: Item, now: float) -> None:
        """It changed: a new eTag, and it is in the next delta."""
        item.tag += 1
        item.changed = now
        self.note(item.id, now)

    def note(self, item: str, now: float) -> None:
        """Into the log of changes."""
        self.log.append(item)
        self.times.append(now)

    def child(self, parent: str, name: str) -> Item | None:
        """The child of that name, in any case."""
        folder = self.folders.get(parent)
        return folder.entries.get(fold(name)) if folder else None

    def children(self, folder: str) -> Iterator[Item]:
        """In the order of listings."""
        held = self.folders[folder]
        return (held.entries[key] for key in held.order)

    def below(self, item: Item) -> Iterator[Item]:
        """The item and all below, parents first."""
        waiting = [item]
        for one in waiting:
            yield one
            if one.folder:
                waiting.extend(self.folders[one.id].entries.values())

    def above(self, item: Item) -> Iterator[Item]:
        """The item's folder, its folder, and so on to the root."""
        while item.parent:
            item = self.items[item.parent]
            yield item

    def above_known(self, item: Item) -> Iterator[Item]:
        """As `above`, also of an item that is gone, as far as it is known."""
        parent = self.items.get(item.parent) or self.gone.get(item.parent)
        while parent is not None:
            yield parent
            parent = self.items.get(parent.parent) or self.gone.get(parent.parent)

    def path(self, item: Item) -> str:
        """By names from the root, "/A/b.txt"; "" for the root itself."""
        names = []
        while item.parent:
            names.append(item.name)
            item = self.items[item.parent]
        return "".join(f"/{name}" for name in reversed(names))

    def rename(self, item: Item, name: str) -> None:
        """A new name, which is free."""
        folder = self.folders[item.parent]
        folder.remove(item)
        item.name = name
        folder.add(item)

    def move(self, item: Item, parent: str, name: str) -> None:
        """Into another folder, where the name is free. Slots keep parents before children."""
        self.folders[item.parent].remove(item)
        self.grow(item.parent, -item.size)
        item.parent, item.name = parent, name
        self.folders[parent].add(item)
        self.grow(parent, item.size)
        if self.items[parent].number > item.number:
            for one in list(self.below(item)):
                self.slots[one.number] = None
                one.number = len(self.slots)
                self.slots.append(one)

    def remove(self, item: Item, now: float, *, keep: bool) -> list[Item]:
        """Out of the tree, with all below: into the recycle bin if it is to be kept. Returns what went."""
        gone = list(self.below(item))
        self.grow(item.parent, -item.size)
        self.folders[item.parent].remove(item)
        for one in reversed(gone):
            del self.items[one.id]
            self.folders.pop(one.id, None)
            self.slots[one.number] = None
            self.gone[one.id] = one
            self.note(one.id, now)
        if keep:
            self.bin[item.id] = Binned(gone, now, item.size)
            self.binned += item.size
        return gone

    def restore(self, binned: Binned, parent: str, name: str) -> Item:
        """Out of the recycle bin, into a folder where the name is free."""
        item = binned.items[0]
        del self.bin[item.id]
        self.binned -= binned.size
        item.parent, item.name = parent, name
        for one in binned.items:
            self.gone.pop(one.id, None)
            if one.folder:
                one.size = 0
            self.put(one)
        return item


class SavedDrive(msgspec.Struct):
    """A drive as it is kept across restarts: facts, and items in the order of their slots."""

    facts: dict[str, str | int | float]
    items: list[Item]
    gone: list[Item]
    bin: list[Binned]
    log: list[str]
    times: list[float]


FACTS = ("total", "binned", "count", "since")


def save_drive(drive: Drive) -> SavedDrive:
    """For `load_drive`."""
    return SavedDrive(
        {name: getattr(drive, name) for name in FACTS},
        [one for one in drive.slots if one is not None],
        list(drive.gone.values()),
        list(drive.bin.values()),
        drive.log,
        drive.times.tolist(),
    )


def load_drive(drive: Drive, saved: SavedDrive) -> None:
    """Fill a drive that is still empty."""
    for item in saved.items:
        drive.slots.extend([None] * (item.number - len(drive.slots)))  # a client's token may name a slot
        if item.folder:
            item.size = 0
        drive.put(item)
    for name, value in saved.facts.items():
        setattr(drive, name, value)
    drive.gone = {one.id: one for one in saved.gone}
    drive.bin = {one.items[0].id: one for one in saved.bin}
    drive.log, drive.times, drive.grown = saved.log, array("d", saved.times), True
