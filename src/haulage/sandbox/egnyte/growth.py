"""The generated organisation as Egnyte has it: spaces under /Shared, and each person's own folder under /Private."""

from collections.abc import Iterator

from haulage.sandbox.egnyte.model import PRIVATE, ROOT, SHARED, Item, Lock, Permissions, Version
from haulage.sandbox.egnyte.names import key_of, name_error
from haulage.sandbox.egnyte.people import Directory
from haulage.sandbox.frame.world import World
from haulage.sandbox.organisation.trees import Grant, Sketch, Trees

LEVELS = {"reader": "Viewer", "commenter": "Viewer", "writer": "Editor"}
OFFICE = {"document": ".docx", "spreadsheet": ".xlsx", "presentation": ".pptx"}
MADE_AT = 1_420_070_400.0
LOCKED_UNTIL = 4_000_000_000.0


class Grown:
    """What trees turned into: items, parents first, and the permissions that are set on folders."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.permissions: dict[str, Permissions] = {}


class Gardener:
    """Turns sketches into items; which of them there are follows from owner and sketch alone."""

    def __init__(self, world: World, directory: Directory) -> None:
        self._world = world
        self._trees = Trees(world.organisation)
        self._names = {one.person: one.name for one in directory.users.values()}
        self._spaces = {self._top("space", one.number): one for one in world.organisation.spaces}
        self._people = {
            self._top("person", one.person): one for one in directory.users.values() if one.person < 1_000_000
        }

    def _top(self, kind: str, number: int) -> str:
        return self._world.ids.guid("egnyte", "top", kind, number)

    def tops(self) -> Grown:
        """The two trees' roots, and the folders directly in them, still empty."""
        grown = Grown()
        for identifier, name, parent in ((ROOT, "", ""), (SHARED, "Shared", ROOT), (PRIVATE, "Private", ROOT)):
            grown.items.append(Item(identifier, name, parent, MADE_AT, MADE_AT))
        for identifier, space in self._spaces.items():
            grown.items.append(Item(identifier, space.name, SHARED, MADE_AT, MADE_AT))
            users = {self._names[number]: "Editor" for number in space.members}
            users |= {self._names[number]: "Owner" for number in space.owners}
            grown.permissions[identifier] = Permissions(users, {space.group: "Viewer"})
        for identifier, user in self._people.items():
            grown.items.append(Item(identifier, user.name, PRIVATE, MADE_AT, MADE_AT))
        return grown

    def tree(self, top: str) -> Grown:
        """What is in one of those folders."""
        grown = Grown()
        if (space := self._spaces.get(top)) is not None:
            owner = f"space/{space.number}"
            self._plant(grown, self._trees.of(owner, space.owners[0], space.weight), owner, top)
        elif (user := self._people.get(top)) is not None:
            person, owner = self._world.organisation.person(user.person), f"person/{user.person}"
            self._plant(grown, self._trees.of(owner, person.number, person.weight), owner, top)
        return grown

    def wide(self, number: int, top: str, count: int) -> Grown:
        """A folder of that many small files, for a person's own folder."""
        grown, owner = Grown(), f"person/{number}"
        self._plant(grown, self._trees.wide(owner, number, count), f"{owner}/wide", top)
        return grown

    def _plant(self, grown: Grown, sketches: Iterator[Sketch], owner: str, top: str) -> None:
        places = {-1: top}
        taken: set[tuple[str, str]] = set()
        for sketch in sketches:
            parent, name = places.get(sketch.parent), sketch.name + OFFICE.get(sketch.kind, "")
            folder = sketch.kind == "folder"
            if (
                parent is None
                or "orphan" in sketch.flags
                or not (folder or sketch.kind == "file" or name != sketch.name)
            ):
                continue
            if name_error(name, folder=folder) or (parent, key_of(name)) in taken:
                continue
            taken.add((parent, key_of(name)))
            identifier = self._world.ids.guid("egnyte", "item", owner, sketch.number)
            item = Item(identifier, name, parent, sketch.modified_at, sketch.created_at)
            if folder:
                places[sketch.number] = identifier
                if sketch.grants and owner.startswith("space/"):
                    grown.permissions[identifier] = self._permissions(sketch.grants)
            else:
                item.versions = self._versions(sketch, owner)
                if "locked" in sketch.flags:
                    item.lock = Lock(10, self._world.ids.guid("egnyte", "lock", owner, sketch.number), LOCKED_UNTIL)
            grown.items.append(item)

    def _permissions(self, grants: tuple[Grant, ...]) -> Permissions:
        made = Permissions()
        for grant in grants:
            if isinstance(grant.who, int) and grant.who in self._names:
                made.users[self._names[grant.who]] = LEVELS[grant.role]
            elif grant.to == "group":
                made.groups[str(grant.who)] = LEVELS[grant.role]
        return made

    def _versions(self, sketch: Sketch, owner: str) -> list[Version]:
        contents, made = self._world.contents, []
        for number in range(sketch.versions):
            if sketch.size is None:
                content = contents.pooled("egnyte", owner, sketch.number, number)
            else:
                content = contents.drawn(sketch.size + number, sketch.number % 200)
            share = (number + 1) / sketch.versions
            then = sketch.created_at + (sketch.modified_at - sketch.created_at) * share
            entry = self._world.ids.guid("egnyte", "entry", owner, sketch.number, number)
            made.append(Version(entry, content, then, then, self._names.get(sketch.author, "")))
        return made
