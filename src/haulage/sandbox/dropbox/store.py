"""All that Dropbox holds: entries by id, children by folder and name, mounts, and what has changed for the cursors."""

import bisect
import zlib
from collections.abc import Iterator

import msgspec

from haulage.sandbox.dropbox import growth
from haulage.sandbox.dropbox.growth import Gardener, Grown
from haulage.sandbox.dropbox.model import Entry, Namespace, Person, Revision, State, Trace
from haulage.sandbox.dropbox.texts import key_of, numbered
from haulage.sandbox.dropbox.wire import SELECT_ADMIN
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.wire import Call
from haulage.sandbox.frame.world import World

STRENGTH = ("owner", "editor", "viewer", "viewer_no_comment", "traverse")
WRITERS = ("owner", "editor")
STRIDE = 1_000


def _place(key: str) -> tuple[int, str]:
    return zlib.crc32(key.encode("utf-8", "surrogatepass")), key


class Store:
    """Dropbox's trees. They are generated when anybody first looks: who is shared with is known only then."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self.children: dict[str, dict[str, str]] = {}
        self.mounts: dict[str, dict[str, str]] = {}
        self.team_root = world.ids.digits("dropbox", "team root", count=10)
        self.team_id = "dbtid:" + world.ids.base64url("dropbox", "team", count=35)
        self.write_seconds = 0.0
        self.busy: dict[str, tuple[float, int]] = {}
        self._orders: dict[str, list[str]] = {}
        self._revs: dict[str, str] | None = None
        self._gardener = Gardener(world)
        for person in growth.persons(world):
            self.state.people[person.account] = person
        for group in growth.groups(world):
            self.state.groups[group.id] = group

    # Growing

    def grow(self) -> None:
        """Have all trees."""
        if self.state.grown:
            return
        self.state.grown = True
        shares = [self._take(self._gardener.team())]
        shares += [self._take(self._gardener.home(person)) for person in self.state.people.values()]
        for person in self.state.people.values():
            if person.member:
                self._team_view(person)
        for mounts in shares:
            for account, ns, name in mounts:
                self.mount(account, ns, name)

    def _take(self, grown: Grown) -> list[tuple[str, str, str]]:
        for ns in grown.namespaces:
            self.state.namespaces[ns.id] = ns
        for entry in grown.entries:
            self.add(entry)
            if entry.extra and entry.extra.link:
                self.state.links[entry.extra.link] = entry.id
        return grown.mounts

    def wide(self, person: Person, count: int) -> str:
        """Add the wide folder to a home; returns its id."""
        self.grow()
        root = self.root_of(person.home)
        grown = self._gardener.wide(person, root, count)
        for entry in grown.entries:
            self.add(entry)
        self._trace(grown.entries[0], tree=True)
        return grown.entries[0].id

    def _team_view(self, person: Person) -> None:
        """What a member sees at the team's root: the own home, and the team folders that the member is in."""
        view = Entry(f"root/{person.account}", "", "", self.team_root, folder=True)
        self.add(view)
        self.mount_at(view, person.account, person.home, person.name)
        for ns in list(self.state.namespaces.values()):
            if ns.kind == "team" and self.access(person.account, ns):
                self.mount_at(view, person.account, ns.id, ns.name)

    def team_space(self, *, on: bool) -> None:
        """Give the team a space above its members' homes, or (not `on`) mount its folders in their homes."""
        self.grow()
        self.state.team_space = on
        for person in self.state.people.values():
            view = self.state.entries.get(f"root/{person.account}")
            if view is None:
                continue
            place = view if on else self.root_of(person.home)
            for ns in [one for one in self.mounts.get(person.account, {}) if self.state.namespaces[one].kind == "team"]:
                mount = self.state.entries[self.mounts[person.account][ns]]
                if mount.parent != place.id:
                    self.detach(mount)
                    self.bury(mount)
                    self.mount_at(place, person.account, ns, self.free_name(place, mount.name))

    def see_team_folder(self, ns: Namespace) -> None:
        """Let the members of a team folder see it."""
        for person in self.state.people.values():
            view = self.state.entries.get(f"root/{person.account}")
            if (
                view is not None
                and self.access(person.account, ns)
                and ns.id not in self.mounts.get(person.account, {})
            ):
                self.mount_at(view, person.account, ns.id, ns.name)

    # Entries

    def add(self, entry: Entry) -> None:
        """Put an entry into its folder."""
        self.state.entries[entry.id] = entry
        if entry.folder and not entry.mount:
            self.children.setdefault(entry.id, {})
        if entry.mount:
            self._index_mount(entry)
        if entry.parent:
            self._enter(entry)
        self._count(entry.ns, entry.content.size)

    def _enter(self, entry: Entry) -> None:
        """Put it among its folder's children."""
        beside, key = self.children[entry.parent], key_of(entry.name)
        if key not in beside and (order := self._orders.get(entry.parent)) is not None:
            bisect.insort(order, key, key=_place)
        beside[key] = entry.id

    def _leave(self, entry: Entry) -> None:
        """Take it from among its folder's children."""
        key = key_of(entry.name)
        known = self.children[entry.parent].pop(key, None)
        if known is not None and (order := self._orders.get(entry.parent)) is not None:
            del order[bisect.bisect_left(order, _place(key), key=_place)]

    def _count(self, ns: str, size: int) -> None:
        if size and (found := self.state.namespaces.get(ns)) is not None:
            found.used += size

    def _index_mount(self, entry: Entry) -> None:
        owner = self.owner_of(entry)
        if owner:
            self.mounts.setdefault(owner, {})[entry.mount] = entry.id

    def owner_of(self, entry: Entry) -> str:
        """The account whose home, or whose view of the team, an entry lies in; "" for what is in a shared namespace."""
        if entry.ns == self.team_root:
            top = entry
            while top.parent:
                top = self.state.entries[top.parent]
            return top.id.removeprefix("root/")
        ns = self.state.namespaces.get(entry.ns)
        return ns.owner if ns is not None and ns.kind == "home" else ""

    def root_of(self, ns: str) -> Entry:
        """The entry that is the root of a namespace."""
        return self.state.entries[self.state.namespaces[ns].root]

    def inside(self, entry: Entry) -> Entry:
        """The entry whose children are seen under this one: for a mount, the root of what is mounted."""
        return self.root_of(entry.mount) if entry.mount else entry

    def child(self, folder: Entry, name: str) -> Entry | None:
        """What a folder has under a name, in any case."""
        found = self.children[self.inside(folder).id].get(key_of(name))
        return self.state.entries[found] if found is not None else None

    def grave(self, folder: Entry, name: str) -> Entry | None:
        """What a folder had under that name and was deleted, where nothing is there now."""
        found = self.state.graves.get(self.inside(folder).id, {}).get(key_of(name))
        return self.state.entries[found] if found is not None else None

    def sorted(self, folder: Entry) -> list[str]:
        """The keys of what is in a folder, in the order of listings: always the same, and by no name or date."""
        inside = self.inside(folder).id
        if (found := self._orders.get(inside)) is None:
            found = self._orders[inside] = sorted(self.children[inside], key=_place)
        return found

    def after(self, folder: Entry, key: str | None) -> Iterator[tuple[str, Entry]]:
        """What is in a folder, with its keys, behind a key (None: from the first)."""
        children = self.children[self.inside(folder).id]
        while True:
            order = self.sorted(folder)
            start = 0 if key is None else bisect.bisect_right(order, _place(key), key=_place)
            if not (some := order[start : start + STRIDE]):
                return
            for key in some:
                if (found := children.get(key)) is not None:
                    yield key, self.state.entries[found]

    def above(self, entry: Entry) -> Iterator[Entry]:
        """The folders that it lies in within its namespace, the nearest first, the root last."""
        while entry.parent:
            entry = self.state.entries[entry.parent]
            yield entry

    def lives(self, entry: Entry) -> bool:
        """Whether it is there: neither it nor a folder above it was deleted."""
        return not entry.gone_at and not any(one.gone_at for one in self.above(entry))

    def within(self, entry: Entry) -> Iterator[Entry]:
        """It and all below it, parents first; not what is mounted."""
        yield entry
        for child in list(self.children.get(entry.id, {}).values()):
            yield from self.within(self.state.entries[child])

    def free_name(self, folder: Entry, name: str) -> str:
        """The name, or one with a number that is free in the folder."""
        number, made = 1, name
        while self.child(folder, made) is not None:
            made, number = numbered(name, number), number + 1
        return made

    def new_id(self, word: str = "made") -> str:
        """An id for what is made now."""
        self.state.made += 1
        return "id:" + self.world.ids.base64url("dropbox", word, self.state.made, count=22)

    def new_rev(self) -> str:
        """A revision made now."""
        self.state.made += 1
        return "016" + self.world.ids.hex("dropbox", "rev", "made", self.state.made, count=26)

    # Changes

    def _trace(self, entry: Entry, *, gone: bool = False, tree: bool = False) -> None:
        self.state.changes += 1
        trace = Trace(self.state.changes, entry.id, entry.parent, entry.name, gone, tree)
        self.state.traces.setdefault(entry.ns, []).append(trace)

    def put(self, entry: Entry, *, tree: bool = False) -> None:
        """Add what is new, and tell the cursors."""
        self.add(entry)
        graves = self.state.graves.get(entry.parent)
        if graves and not entry.folder:
            if (old := graves.pop(key_of(entry.name), None)) is not None:
                self._inherit(entry, self.state.entries[old])
        elif graves:
            graves.pop(key_of(entry.name), None)
        self._trace(entry, tree=tree)
        if self._revs is not None and entry.rev:
            self._revs[entry.rev] = entry.id

    def _inherit(self, entry: Entry, old: Entry) -> None:
        """A new file in the place of a deleted one goes on with its revisions."""
        if not old.folder and old.rev and old.rev != entry.rev:
            past = old.extra.past if old.extra else []
            now = Revision(old.rev, old.content, old.client_modified, old.server_modified)
            entry.more().past += [now, *past]

    def changed(self, entry: Entry) -> None:
        """Tell the cursors of what is changed."""
        self._trace(entry)

    def remove(self, entry: Entry, *, forever: bool = False) -> None:
        """Delete: it can be restored, unless it is forever. What is mounted here stays, unmounted."""
        for one in self.within(entry):
            if one.mount:
                self.mounts.get(self.owner_of(one), {}).pop(one.mount, None)
            self._count(one.ns, -one.content.size)
        self._trace(entry, gone=True)
        self._leave(entry)
        entry.gone_at = self.world.clock.now()
        if entry.mount or forever:
            self.bury(entry)
        else:
            self.state.graves.setdefault(entry.parent, {})[key_of(entry.name)] = entry.id

    def bury(self, entry: Entry) -> None:
        """Forget what was deleted already."""
        self.state.graves.get(entry.parent, {}).pop(key_of(entry.name), None)
        for one in list(self.within(entry)):
            self.children.pop(one.id, None)
            self.state.graves.pop(one.id, None)
            self.state.entries.pop(one.id, None)

    def detach(self, entry: Entry) -> None:
        """Take it out of its folder to put it elsewhere; the cursors see it gone."""
        self._trace(entry, gone=True)
        self._leave(entry)

    def attach(self, entry: Entry, folder: Entry, name: str) -> None:
        """Put what was detached into a folder, with all below it."""
        entry.parent, entry.name = folder.id, name
        for one in list(self.within(entry)):
            if one.ns != folder.ns:
                self._count(one.ns, -one.content.size)
                self._count(folder.ns, one.content.size)
                one.ns = folder.ns
            if one.mount:
                self._index_mount(one)
        self._enter(entry)
        self.state.graves.get(folder.id, {}).pop(key_of(name), None)
        self._trace(entry, tree=entry.folder)

    def replace(self, entry: Entry, content: Content, modified: float, by: str) -> None:
        """A new revision of a file."""
        extra = entry.more()
        extra.past.insert(0, Revision(entry.rev, entry.content, entry.client_modified, entry.server_modified))
        self._count(entry.ns, content.size - entry.content.size)
        entry.content, entry.rev, entry.by = content, self.new_rev(), by
        entry.client_modified, entry.server_modified = modified, self.world.clock.now()
        if self._revs is not None:
            self._revs[entry.rev] = entry.id
        self._trace(entry)

    def of_rev(self, rev: str) -> tuple[Entry, Revision] | None:
        """The file and revision of a rev; None if there is none."""
        if self._revs is None:
            self._revs = {}
            for one in self.state.entries.values():
                if not one.folder:
                    self._revs[one.rev] = one.id
                    for past in one.extra.past if one.extra else ():
                        self._revs.setdefault(past.rev, one.id)
        entry = self.state.entries.get(self._revs.get(rev, ""))
        if entry is None:
            return None
        if entry.rev == rev:
            return entry, Revision(rev, entry.content, entry.client_modified, entry.server_modified)
        old = next((one for one in (entry.extra.past if entry.extra else ()) if one.rev == rev), None)
        return (entry, old) if old is not None else None

    # Sharing

    def mount(self, account: str, ns: str, name: str) -> Entry:
        """Show a namespace in the home of somebody, under a free name."""
        home = self.root_of(self.state.people[account].home)
        return self.mount_at(home, account, ns, self.free_name(home, name))

    def part(self, entry: Entry, ns: Namespace) -> None:
        """Make a folder the root of a namespace of its own; it is to be mounted in its place."""
        self.state.namespaces[ns.id] = ns
        self.detach(entry)
        entry.parent = ""
        for one in self.within(entry):
            self._count(one.ns, -one.content.size)
            self._count(ns.id, one.content.size)
            one.ns = ns.id

    def new_team_folder(self, name: str) -> Namespace:
        """A team folder whose owners are the team's admins."""
        root = Entry(self.new_id(), "", "", "", folder=True)
        ns = Namespace(self.world.ids.digits("dropbox", "team folder", root.id, count=10), "team", name, root.id)
        ns.members = {one.account: "owner" for one in self.state.people.values() if one.role in ("admin", "coadmin")}
        root.ns, self.state.namespaces[ns.id] = ns.id, ns
        self.add(root)
        self.see_team_folder(ns)
        return ns

    def rename_mounts(self, ns: Namespace) -> None:
        """Show a team folder under its new name."""
        for mounts in self.mounts.values():
            if (found := mounts.get(ns.id)) is not None:
                entry = self.state.entries[found]
                self._leave(entry)
                entry.name = ns.name
                self._enter(entry)

    def mount_at(self, folder: Entry, account: str, ns: str, name: str) -> Entry:
        """Show a namespace in a folder of somebody's, under a name that is free."""
        root = self.state.namespaces[ns].root
        made = Entry(f"{root}+{folder.id}", name, folder.id, folder.ns, folder=True, mount=ns)
        self.add(made)
        self.mounts.setdefault(account, {})[ns] = made.id
        self._trace(made, tree=True)
        return made

    def access(self, account: str, ns: Namespace) -> str:
        """What somebody is to a namespace: the strongest of what the account and its groups are, "" for nothing."""
        if ns.kind == "root":
            return "traverse"
        found = {ns.members.get(account, "")}
        for group, access in ns.groups.items():
            if (one := self.state.groups.get(group)) is not None and account in one.members:
                found.add(access)
        return next((one for one in STRENGTH if one in found), "")

    def allowed(self, call: Call, ns: Namespace) -> str:
        """What the account of a call is to a namespace; an admin by Select-Admin owns what the team owns.

        Source: developers.dropbox.com/dbx-team-files-guide (Select-Admin).
        """
        if ns.kind == "team" and call.headers.get(SELECT_ADMIN):
            return "owner"
        return self.access(call.event.actor, ns)

    def person_by(self, *, email: str = "", member: str = "") -> Person | None:
        """The account of an address or of a member id."""
        if email:
            known = self.world.organisation.by_email(email)
            return self.state.people.get(growth.account_id(self.world, known.number)) if known else None
        return next((one for one in self.state.people.values() if one.member and one.member == member), None)

    # Keeping

    def save(self) -> bytes:
        """All state."""
        return msgspec.msgpack.encode(self.state)

    def load(self, saved: bytes) -> None:
        """Take up what `save` gave."""
        self.state = msgspec.msgpack.decode(saved, type=State)
        entries = self.state.entries
        self.children = {one.id: {} for one in entries.values() if one.folder and not one.mount}
        self.mounts, self._orders, self._revs = {}, {}, None
        for entry in entries.values():
            if entry.parent and not entry.gone_at:
                self.children[entry.parent][key_of(entry.name)] = entry.id
                if entry.mount:
                    self._index_mount(entry)
