"""The generated organisation as Box has it: accounts, groups, and the trees of their owners."""

from collections.abc import Iterator

import msgspec
from numpy import base_repr

from haulage.sandbox.box.model import ROOT, Collaboration, Extra, GroupRecord, Item, Link, Lock, UserRecord, Version
from haulage.sandbox.box.texts import key_of, name_error
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.world import World
from haulage.sandbox.organisation.people import Person
from haulage.sandbox.organisation.trees import NATIVE, Grant, Sketch, Trees

ROLES = {"reader": "viewer", "commenter": "previewer", "writer": "editor"}
NOTES = ("document", "note", "form", "drawing")
ITEM_DIGITS = 6
OWNER_DIGITS = 5
PERSON, SPACE, WIDE, GUEST = "1", "3", "4", "5"
MADE = "2"


def user_id(world: World, number: int) -> str:
    """The Box id of a person of the organisation."""
    return world.ids.digits("box", "user", number, count=11)


def group_id(world: World, name: str) -> str:
    """The Box id of a group of the organisation."""
    return world.ids.digits("box", "group", name, count=9)


def users(world: World) -> Iterator[UserRecord]:
    """Every account that people have; the first is the enterprise's admin."""
    organisation = world.organisation
    for one in (*organisation.people, *organisation.externals):
        yield UserRecord(
            id=user_id(world, one.number),
            name=one.name,
            login=one.email,
            role=one.role if one.role in ("admin", "coadmin") else "user",
            status="active" if one.active else "inactive",
            person=one.number,
            external=one.role == "external",
            job_title=one.department,
        )


def groups(world: World) -> Iterator[GroupRecord]:
    """Every group; Box has none within another, so those inside one are made its members."""
    known = {one.name: one for one in world.organisation.groups}
    for one in world.organisation.groups:
        numbers = [*one.members, *(number for name in one.groups for number in known[name].members)]
        made = GroupRecord(group_id(world, one.name), one.name)
        for number in numbers:
            member = user_id(world, number)
            made.members[member] = world.ids.digits("box", "membership", one.name, number, count=10)
            made.roles[member] = "admin" if number == 1 else "member"
        yield made


class Grown:
    """What a tree turned into: items, parents first, and the collaborations on them."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.collaborations: list[Collaboration] = []


class Gardener:
    """Turns sketches into items; which of them there are follows from owner and sketch alone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._trees = Trees(world.organisation)
        self._notes: list[Content] = []

    def tree(self, person: Person) -> Grown:
        """The tree of a person; those of spaces belong to the first of their owners, as folders."""
        grown = Grown()
        owner = user_id(self._world, person.number)
        root = f"{ROOT}/{owner}"
        sketches = self._trees.of(f"person/{person.number}", person.number, person.weight)
        kind = GUEST if person.role == "external" else PERSON
        self._plant(grown, sketches, kind, person.number % 100_000, owner, root)
        for space in self._world.organisation.spaces:
            if space.owners[0] != person.number:
                continue
            top = self._folder(f"{SPACE}{space.number:0{OWNER_DIGITS}d}{999_999}", space.name, owner, root)
            grown.items.append(top)
            for number in space.members:
                if number != person.number:
                    self._grant(grown, top, Grant("person", number, "writer"))
            self._grant(grown, top, Grant("group", space.group, "reader"))
            sketches = self._trees.of(f"space/{space.number}", space.owners[0], space.weight)
            self._plant(grown, sketches, SPACE, space.number, owner, top.id)
        return grown

    def wide(self, person: Person, count: int) -> Grown:
        """A wide folder of that many small files, for an owner's root."""
        grown = Grown()
        owner = user_id(self._world, person.number)
        sketches = self._trees.wide(f"person/{person.number}", person.number, count)
        self._plant(grown, sketches, WIDE, person.number % 100_000, owner, f"{ROOT}/{owner}")
        return grown

    def _folder(self, item_id: str, name: str, owner: str, parent: str) -> Item:
        then = 1_420_000_000.0
        return Item(item_id, "folder", name, parent, owner, then, then, owner, owner, then, then)

    def _plant(self, grown: Grown, sketches: Iterator[Sketch], kind: str, number: int, owner: str, root: str) -> None:
        places: dict[int, Item] = {}
        taken: set[tuple[str, str]] = set()
        for sketch in sketches:
            above = places.get(sketch.parent)
            if (sketch.parent >= 0 and above is None) or "orphan" in sketch.flags:
                continue
            parent = above.id if above else root
            name = _name(sketch)
            if name_error(name) or (parent, key_of(name)) in taken:
                continue
            taken.add((parent, key_of(name)))
            item = self._item(sketch, f"{kind}{number:0{OWNER_DIGITS}d}{sketch.number:0{ITEM_DIGITS}d}", name, owner)
            item.parent = parent
            if sketch.kind == "folder":
                places[sketch.number] = item
            grown.items.append(item)
            for grant in sketch.grants:
                self._grant(grown, item, grant)

    def _item(self, sketch: Sketch, item_id: str, name: str, owner: str) -> Item:
        by = owner if sketch.author <= 0 else user_id(self._world, sketch.author)
        made = Item(
            item_id, "folder" if sketch.kind == "folder" else "file", name, "", owner,
            sketch.created_at, sketch.modified_at, by, by, sketch.created_at, sketch.modified_at,
        )  # fmt: skip
        if sketch.kind == "shortcut":
            made.kind = "web_link"
            made.more().url = f"https://intranet.aurora.example/{max(sketch.target, 0)}"
        elif made.kind == "file":
            self._fill(made, sketch)
        return made

    def _fill(self, item: Item, sketch: Sketch) -> None:
        contents = self._world.contents
        item.version = f"{int(item.id) + 10**12}"
        if sketch.kind in NOTES:
            item.content = self._note(sketch.number)
        elif sketch.size is not None:
            item.content = contents.drawn(sketch.size, sketch.number % 1000)
        else:
            item.content = contents.pooled(item.owner, sketch.number)
        if sketch.versions > 1:
            item.etag = sketch.versions - 1
            item.more().versions = [self._past(item, sketch, index) for index in range(sketch.versions - 2, -1, -1)]
        if "locked" in sketch.flags:
            item.more().lock = Lock(f"{item.id}1", item.owner, sketch.modified_at)
        for flag in ("restricted", "flagged"):
            if flag in sketch.flags:
                item.more().blocked = flag

    def _past(self, item: Item, sketch: Sketch, index: int) -> Version:
        step = (sketch.modified_at - sketch.created_at) / sketch.versions
        content = self._world.contents.drawn(100 + 1000 * index + sketch.number % 1000, index)
        made_at = sketch.created_at + step * index
        return Version(f"{int(item.version) + (index + 1) * 10**12}", item.name, content, made_at, item.created_by)

    def _note(self, number: int) -> Content:
        if not self._notes:
            self._notes = [self._world.contents.of(_note_text(index)) for index in range(8)]
        return self._notes[number % len(self._notes)]

    def _grant(self, grown: Grown, item: Item, grant: Grant) -> None:
        world = self._world
        if grant.to in ("domain", "link"):
            access = "company" if grant.to == "domain" else "open"
            key = world.ids.hex("box", "link", item.id, count=32)
            if item.extra is None:
                item.extra = Extra()
            item.extra.link = item.extra.link or Link(key, access)
            return
        made = world.ids.digits("box", "collaboration", item.id, grant.to, grant.who, count=11)
        at = item.created_at
        one = Collaboration(made, item.id, "user", "", ROLES[grant.role], item.owner, at, at)
        if grant.to == "group":
            one.kind, one.who = "group", group_id(world, str(grant.who))
        else:
            one.who = user_id(world, int(grant.who))
        if grant.to == "external" and world.ids.number("pending", item.id, below=3) == 0:
            one.status = "pending"
            one.invite_email = world.organisation.person(int(grant.who)).email
        grown.collaborations.append(one)


def _name(sketch: Sketch) -> str:
    if sketch.kind in NOTES:
        return f"{sketch.name}.boxnote"
    if sketch.kind in NATIVE:
        return f"{sketch.name}.{'xlsx' if sketch.kind == 'spreadsheet' else 'pptx'}"
    return sketch.name


def _note_text(index: int) -> bytes:
    """A Box Note: of the old form (`atext`) or of that since August 2022, in turns."""
    if index % 2:
        text = f"A note of the old kind, number {index}.\nSecond line.\n"
        pool = {"numToAttrib": {"0": ["author", "1"]}, "nextNum": 1}
        old = {"ver": 1, "atext": {"text": text, "attribs": f"*0|2+{base_repr(len(text), 36).lower()}"}, "pool": pool}
        return msgspec.json.encode(old)
    words = [{"type": "text", "text": f"A note of the new kind, number {index}.", "marks": [{"type": "strong"}]}]
    doc = {"type": "doc", "content": [{"type": "paragraph", "content": words}]}
    return msgspec.json.encode({"version": 1, "schema_version": 1, "doc": doc, "last_edit_timestamp": {}})
