"""The generated organisation as Dropbox has it: accounts, groups, homes, shared folders, team folders."""

from collections.abc import Iterator

from haulage.sandbox.dropbox.model import Entry, Group, Namespace, Person, Revision
from haulage.sandbox.dropbox.texts import key_of, name_error, stored
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.world import World
from haulage.sandbox.organisation.trees import Grant, Sketch, Trees

ACCESS = {"reader": "viewer", "commenter": "viewer", "writer": "editor"}
PAPER = ("document", "note", "form", "drawing")
EXPORTS = {"spreadsheet": ("gsheet", "xlsx"), "presentation": ("gslides", "pptx")}
PAPER_OPTIONS = ["html", "markdown"]


def account_id(world: World, number: int) -> str:
    """The account of a person of the organisation: 40 characters."""
    return "dbid:" + world.ids.base64url("dropbox", "account", number, count=35)


def member_id(world: World, number: int) -> str:
    """The same person as a member of the team."""
    return "dbmid:" + world.ids.base64url("dropbox", "member", number, count=36)


def group_id(world: World, name: str) -> str:
    """A group of the team."""
    return "g:" + world.ids.hex("dropbox", "group", name, count=32)


def persons(world: World) -> Iterator[Person]:
    """Every account; the external ones are of no team."""
    organisation = world.organisation
    for one in (*organisation.people, *organisation.externals):
        inside = one.role != "external"
        yield Person(
            account_id(world, one.number), member_id(world, one.number) if inside else "", one.email, one.given,
            one.family, one.number, world.ids.digits("dropbox", "home", one.number, count=10), one.role,
            "active" if one.active else "suspended",
        )  # fmt: skip


def groups(world: World) -> Iterator[Group]:
    """Every group; there are none within another, so those inside one are made its members."""
    known = {one.name: one for one in world.organisation.groups}
    for one in world.organisation.groups:
        numbers = {*one.members, *(number for name in one.groups for number in known[name].members)}
        yield Group(group_id(world, one.name), one.name, [account_id(world, number) for number in sorted(numbers)])


class Grown:
    """What trees turned into: namespaces, entries (parents first), and who mounts which namespace under which name."""

    def __init__(self) -> None:
        self.namespaces: list[Namespace] = []
        self.entries: list[Entry] = []
        self.mounts: list[tuple[str, str, str]] = []


class Gardener:
    """Turns sketches into entries; what there is follows from owner and sketch alone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._trees = Trees(world.organisation)
        self._papers: list[Content] = []

    def team(self) -> Grown:
        """The team folders: spaces of the organisation."""
        grown = Grown()
        for space in self._world.organisation.spaces:
            ns = Namespace(
                self._world.ids.digits("dropbox", "space", space.number, count=10), "team", space.name, ""
            )  # fmt: skip
            root = self._root(grown, ns)
            for number in space.members:
                access = "owner" if number in space.owners else "editor"
                ns.members[account_id(self._world, number)] = access
            ns.groups[group_id(self._world, space.group)] = "viewer"
            self._plant(grown, self._trees.of(f"space/{space.number}", space.owners[0], space.weight), ns, root)
        return grown

    def home(self, person: Person) -> Grown:
        """What a person keeps; folders shared with others become namespaces of their own."""
        grown = Grown()
        ns = Namespace(person.home, "home", person.name, "", person.account, {person.account: "owner"})
        root = self._root(grown, ns)
        known = self._world.organisation.person(person.number)
        self._plant(grown, self._trees.of(f"person/{known.number}", known.number, known.weight), ns, root)
        return grown

    def wide(self, person: Person, root: Entry, count: int) -> Grown:
        """A wide folder of that many small files, for the person's home."""
        grown = Grown()
        ns = Namespace(person.home, "home", person.name, root.id, person.account, {person.account: "owner"})
        self._plant(grown, self._trees.wide(f"person/{person.number}", person.number, count), ns, root, "wide")
        return grown

    def _root(self, grown: Grown, ns: Namespace) -> Entry:
        root = Entry("id:" + self._world.ids.base64url("dropbox", "root", ns.id, count=22), "", "", ns.id, folder=True)
        ns.root = root.id
        grown.namespaces.append(ns)
        grown.entries.append(root)
        return root

    def _plant(self, grown: Grown, sketches: Iterator[Sketch], ns: Namespace, root: Entry, word: str = "entry") -> None:
        places: dict[int, Entry] = {}
        taken: set[tuple[str, str]] = set()
        for sketch in sketches:
            above = places.get(sketch.parent) if sketch.parent >= 0 else root
            if above is None or "orphan" in sketch.flags:
                continue
            name = stored(_name(sketch))
            if name_error(name) or (above.id, key_of(name)) in taken:
                continue
            taken.add((above.id, key_of(name)))
            made = self._entry(sketch, ns.id, word, name)
            made.parent, made.ns = above.id, above.ns
            grown.entries.append(made)
            inside = self._share(grown, sketch, made, ns) if sketch.grants else made
            if sketch.kind == "folder":
                places[sketch.number] = inside

    def _entry(self, sketch: Sketch, owner: str, word: str, name: str) -> Entry:
        made = Entry(
            "id:" + self._world.ids.base64url("dropbox", word, owner, sketch.number, count=22), name, "", "",
            folder=sketch.kind == "folder",
        )  # fmt: skip
        if not made.folder:
            self._fill(made, sketch, owner)
        return made

    def _rev(self, *words: object) -> str:
        return "016" + self._world.ids.hex("dropbox", "rev", *words, count=26)

    def _fill(self, made: Entry, sketch: Sketch, owner: str) -> None:
        contents, world = self._world.contents, self._world
        made.rev = self._rev(made.id)
        made.client_modified = made.server_modified = float(int(sketch.modified_at))
        made.by = account_id(world, sketch.author)
        if sketch.kind in PAPER:
            made.content = self._paper(sketch.number)
            made.more().export_as, made.more().export_options = "html", list(PAPER_OPTIONS)
        elif sketch.kind in EXPORTS:
            made.content = contents.drawn(4_000 + sketch.number, 3)
            made.more().export_as = EXPORTS[sketch.kind][1]
        elif sketch.kind == "shortcut":
            made.more().symlink = f"../{max(sketch.target, 0)}"
        elif sketch.size is not None:
            made.content = contents.drawn(sketch.size, sketch.number % 1000)
        else:
            made.content = contents.pooled("dropbox", owner, sketch.number)
        if sketch.versions > 1:
            made.more().past = [self._past(made, sketch, index) for index in range(sketch.versions - 2, -1, -1)]
        if sketch.flags & {"restricted", "flagged"}:
            made.more().blocked = True
        if "locked" in sketch.flags:
            made.more().locked_by = made.by

    def _past(self, made: Entry, sketch: Sketch, index: int) -> Revision:
        step = (sketch.modified_at - sketch.created_at) / sketch.versions
        at = float(int(sketch.created_at + step * index))
        content = self._world.contents.drawn(100 + 1000 * index + sketch.number % 1000, index)
        return Revision(self._rev(made.id, index), content, at, at)

    def _paper(self, number: int) -> Content:
        if not self._papers:
            pages = (f"# Paper {index}\n\nWords of the document.\n".encode() for index in range(8))
            self._papers = [self._world.contents.of(page) for page in pages]
        return self._papers[number % len(self._papers)]

    def _share(self, grown: Grown, sketch: Sketch, made: Entry, ns: Namespace) -> Entry:
        """Share as the sketch says. Returns the entry that holds what lies inside: the new namespace's root, or itself.

        A folder within a shared folder is not shared once more: Dropbox does not nest them.
        """
        named = [one for one in sketch.grants if one.to not in ("domain", "link")]
        if len(named) < len(sketch.grants):
            made.more().link = self._world.ids.hex("dropbox", "link", made.id, count=15)
        if not named or ns.kind == "team" or made.ns != ns.id:
            return made
        members = self._members(named)
        if not made.folder:
            made.more().members = members
            return made
        return self._shared_folder(grown, made, ns, members, sketch)

    def _members(self, grants: list[Grant]) -> dict[str, str]:
        """Account or group -> access."""
        found = {}
        for one in grants:
            who = group_id(self._world, str(one.who)) if one.to == "group" else account_id(self._world, int(one.who))
            found[who] = ACCESS[one.role]
        return found

    def _shared_folder(
        self, grown: Grown, made: Entry, ns: Namespace, members: dict[str, str], sketch: Sketch
    ) -> Entry:
        ids = self._world.ids
        shared = Namespace(ids.digits("dropbox", "shared", made.id, count=10), "shared", made.name, "", ns.owner)
        shared.members = {ns.owner: "owner"}
        shared.shared_at = float(int(sketch.created_at))
        for who, access in members.items():
            (shared.groups if who.startswith("g:") else shared.members)[who] = access
        if ids.number("dropbox", "ownerless", made.id, below=9) == 0:
            shared.members[ns.owner], shared.owner = "editor", ""
        root = Entry(made.id, made.name, "", shared.id, folder=True)
        made.id, made.mount = f"{made.id}+{ns.id}", shared.id
        shared.root = root.id
        grown.namespaces.append(shared)
        grown.entries.append(root)
        for who in members:
            if not who.startswith("g:") and ids.number("dropbox", "mounted", made.id, who, below=3):
                grown.mounts.append((who, shared.id, made.name))
        return root


def _name(sketch: Sketch) -> str:
    if sketch.kind in PAPER:
        return f"{sketch.name}.paper"
    return f"{sketch.name}.{EXPORTS[sketch.kind][0]}" if sketch.kind in EXPORTS else sketch.name
