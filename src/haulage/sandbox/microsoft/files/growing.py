"""From the sketches of the generated organisation to the items of a drive, at the first access."""

from collections.abc import Iterable

from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.world import World
from haulage.sandbox.microsoft.directory import PERSONAL_ACCOUNTS
from haulage.sandbox.microsoft.files.items import (
    FILE_TARGET,
    LOCKED,
    MALWARE,
    NOTEBOOK,
    RESTRICTED,
    Drive,
    Item,
    Permission,
    Version,
)
from haulage.sandbox.microsoft.files.kinds import PERSONAL, item_id
from haulage.sandbox.microsoft.files.names import too_long, wrong_name
from haulage.sandbox.organisation.people import PERSONAL_DOMAIN
from haulage.sandbox.organisation.trees import Grant, Sketch, Trees

OFFICE = {"document": ".docx", "spreadsheet": ".xlsx", "presentation": ".pptx", "drawing": ".vsdx"}
FLAGS = {"flagged": MALWARE, "locked": LOCKED, "restricted": RESTRICTED}
WIDE_COUNT = 20_000
NOTEBOOK_FILES = (("Open Notebook.onetoc2", 7_000), ("Quick Notes.one", 31_000))
ROLES = {"reader": "read", "commenter": "read", "writer": "write"}


def plant(world: World, drive: Drive, author: str) -> None:
    """The root, and nothing else."""
    if not drive.slots:
        name = "root"
        made = drive.created
        drive.count = 1
        identity = item_id(drive.kind, world.ids, drive.id, 0)
        drive.put(Item(identity, 0, "", name, True, 0, made, made, made, made, author, author))


def grow(world: World, drive: Drive, author: str, weight: float, *, wide: bool) -> None:
    """The owner's tree as this kind of drive can hold it, and a wide folder if wanted."""
    plant(world, drive, author)
    number = int(author.partition("/")[2])
    trees = Trees(world.organisation)
    grower = _Grower(world, drive, author)
    grower.take(trees.of(drive.owner, number, weight))
    if wide:
        add_wide(world, drive, author, WIDE_COUNT)
    drive.grown = True


def add_wide(world: World, drive: Drive, author: str, count: int) -> str:
    """A folder "Wide" with so many files, in place of one that is there; returns its id."""
    now = world.clock.now()
    if (old := drive.child(drive.root.id, "Wide")) is not None:
        drive.remove(old, now, keep=False)
    number = int(author.partition("/")[2])
    grower = _Grower(world, drive, author)
    grower.take(Trees(world.organisation).wide(f"{drive.owner}/{drive.count}", number, count))
    folder = drive.child(drive.root.id, "Wide")
    if folder is None:
        raise ValueError("the drive took no folder Wide")
    if drive.grown:
        drive.note(folder.id, now)
        for one in drive.children(folder.id):
            drive.note(one.id, now)
    return folder.id


class _Grower:
    def __init__(self, world: World, drive: Drive, author: str) -> None:
        self._world, self._drive, self._author = world, drive, author
        self._first = drive.count
        self._contents: dict[str, Content] = {}
        self._made: dict[int, Item] = {-1: drive.root}

    def take(self, sketches: Iterable[Sketch]) -> None:
        """Each that the drive can hold, with everything it hangs from."""
        for sketch in sketches:
            parent = self._made.get(sketch.parent)
            if parent is None:
                continue
            if (name := self._name(sketch, parent)) and self._fits(parent, name, sketch.kind in ("folder", "note")):
                self._make(sketch, parent, name)

    def _name(self, sketch: Sketch, parent: Item) -> str:
        """The name here; "" for what a drive does not hold."""
        if sketch.kind == "form" or (sketch.kind == "shortcut" and self._drive.kind.name == "documentLibrary"):
            return ""
        return sketch.name + OFFICE.get(sketch.kind, "")

    def _fits(self, parent: Item, name: str, folder: bool) -> bool:
        drive = self._drive
        in_library = not parent.parent and drive.kind.name == "documentLibrary"
        path = f"{drive.base}{drive.path(parent)}/{name}".lstrip("/")
        return not (
            wrong_name(name, folder=folder, library_root=in_library)
            or too_long(name, path)
            or drive.child(parent.id, name) is not None
        )

    def _make(self, sketch: Sketch, parent: Item, name: str) -> None:
        folder = sketch.kind in ("folder", "note")
        item = self._item(sketch.number, parent, name, folder, sketch.created_at, sketch.modified_at)
        for flag in sketch.flags:
            item.flags |= FLAGS.get(flag, 0)
        if sketch.kind == "shortcut":
            target = self._made[sketch.target] if sketch.target in self._made and sketch.target >= 0 else None
            item.target = (self._drive.id, target.id if target is not None else f"{item.id[:-1]}0")
            item.flags |= FILE_TARGET if target is not None and not target.folder else 0
        elif not folder:
            self._fill(item, sketch)
        if sketch.grants:
            item.permissions = [self._permission(item, index, one) for index, one in enumerate(sketch.grants)]
        self._drive.put(item)
        self._made[sketch.number] = item
        if sketch.kind == "note":
            self._notebook(sketch, item)

    def _item(self, number: int, parent: Item, name: str, folder: bool, created: float, modified: float) -> Item:
        drive = self._drive
        if drive.kind.whole_seconds:
            created, modified = float(int(created)), float(int(modified))
        else:
            created, modified = round(created, 3), round(modified, 3)
        identity = item_id(drive.kind, self._world.ids, drive.id, self._first + number * 3)
        drive.count = max(drive.count, self._first + number * 3 + 3)
        author = self._author
        return Item(identity, 0, parent.id, name, folder, 0, created, modified, created, modified, author, author)

    def _fill(self, item: Item, sketch: Sketch) -> None:
        past = []
        for version in range(1, sketch.versions + 1):
            content = self._content(sketch, version)
            item.content, item.size = content, content.size
            if version < sketch.versions:
                at = item.created + (item.modified - item.created) * (version - 1) / sketch.versions
                past.append(Version(version, at, content, content.size, item.author))
        item.version = item.tag = item.content_tag = sketch.versions
        item.past = past or None

    def _content(self, sketch: Sketch, version: int) -> Content:
        contents = self._world.contents
        if sketch.size is None:
            made = contents.pooled(self._drive.owner, sketch.number, version)
        else:
            made = contents.drawn(sketch.size + version - 1, version - 1)
        return self._contents.setdefault(made.key, made)

    def _notebook(self, sketch: Sketch, item: Item) -> None:
        item.flags |= NOTEBOOK
        for index, (name, size) in enumerate(NOTEBOOK_FILES, 1):
            made = self._item(sketch.number, item, name, False, sketch.created_at, sketch.modified_at)
            drive = self._drive
            made.id = item_id(drive.kind, self._world.ids, drive.id, self._first + sketch.number * 3 + index)
            made.content = self._world.contents.drawn(size)
            made.size = size
            drive.put(made)

    def _permission(self, item: Item, index: int, grant: Grant) -> Permission:
        ids, roles = self._world.ids, (ROLES[grant.role],)
        identity = ids.base64url("permission", item.id, index, count=32)
        if grant.to in ("domain", "link"):
            scope = "organization" if grant.to == "domain" and self._drive.kind is not PERSONAL else "anonymous"
            link = ("edit" if roles == ("write",) else "view", scope)
            return Permission(identity, roles, "link", link=link)
        if grant.to == "group":
            return Permission(identity, roles, "group", f"group/{grant.who}")
        return Permission(identity, roles, "user", self._key(int(grant.who), external=grant.to == "external"))

    def _key(self, number: int, *, external: bool) -> str:
        if external:
            return f"external/{number}"
        if self._drive.kind is not PERSONAL:
            return f"person/{number}"
        if number <= PERSONAL_ACCOUNTS:
            return f"personal/{number}"
        return f"mail/{self._world.organisation.person(number).login}@{PERSONAL_DOMAIN}"
