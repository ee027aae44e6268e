"""The domain's tree, and who may do what in it."""

import asyncio
import bisect
from collections.abc import Iterator

import msgspec

from haulage.sandbox.egnyte.growth import Gardener, Grown
from haulage.sandbox.egnyte.model import (
    PRIVATE,
    ROOT,
    SHARED,
    Happening,
    Item,
    Permissions,
    State,
    Trashed,
    Version,
)
from haulage.sandbox.egnyte.names import key_of
from haulage.sandbox.egnyte.people import Directory, User
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.world import World

# https://developers.egnyte.com/docs/read/Egnyte_Permissions_API, from the weakest on
LEVELS = ("None", "Viewer Only", "Viewer", "Editor", "Full", "Owner")
RANK = {name: rank for rank, name in enumerate(LEVELS)}
INLINE_BYTES = 1 << 20
KEPT_EVENTS = 500_000
KEPT_SECONDS = 30 * 86_400.0


class Store:
    """Items by id, children by folder and name. A top folder's tree is made when somebody first looks into it."""

    def __init__(self, world: World, directory: Directory) -> None:
        self.world = world
        self.directory = directory
        self.state = State()
        self.children: dict[str, dict[str, str]] = {}
        self._orders: dict[str, tuple[list[str], list[str]]] = {}
        self._gardener = Gardener(world, directory)
        self.take(self._gardener.tops())

    def take(self, grown: Grown) -> None:
        """Add what has grown; what is there already under a name stays."""
        for item in grown.items:
            beside = self.children.setdefault(item.parent, {})
            if item.parent and key_of(item.name) in beside:
                continue
            self.state.items[item.id] = item
            beside[key_of(item.name)] = item.id
            if item.is_folder:
                self.children.setdefault(item.id, {})
            self._orders.pop(item.parent, None)
        self.state.permissions.update(grown.permissions)

    def index(self) -> None:
        """Find the children anew, after the state was loaded."""
        self.children = {one.id: {} for one in self.state.items.values() if one.is_folder}
        trashed = {one.item for one in self.state.trash.values() if one.kind != "version"}
        for item in self.state.items.values():
            if item.id not in trashed:
                self.children.setdefault(item.parent, {})[key_of(item.name)] = item.id
        self._orders.clear()

    def grow(self, folder: str) -> None:
        """Have what is in a folder."""
        if folder not in self.state.grown and self.state.items[folder].parent in (SHARED, PRIVATE):
            self.state.grown.add(folder)
            self.take(self._gardener.tree(folder))

    def grow_all(self) -> None:
        """Have everything: an id may be anywhere."""
        for top in (*self.children[SHARED].values(), *self.children[PRIVATE].values()):
            self.grow(top)

    def wide(self, user: User, count: int) -> str:
        """A wide folder in a user's own; returns its path."""
        top = self.children[PRIVATE][key_of(user.name)]
        self.grow(top)
        self.take(self._gardener.wide(user.person, top, count))
        return f"/Private/{user.name}/Wide"

    # Finding

    def find(self, path: str) -> Item | None:
        """The item of a path, however its case."""
        here = ROOT
        for name in filter(None, path.split("/")):
            self.grow(here)
            found = self.children.get(here, {}).get(key_of(name))
            if found is None:
                return None
            here = found
        return self.state.items[here]

    def by_id(self, identifier: str) -> Item | None:
        """The item of an id, not of what lies in the trash."""
        found = self.state.items.get(identifier)
        if found is None:
            self.grow_all()
            found = self.state.items.get(identifier)
        return found if found is not None and self.reachable(found) else None

    def reachable(self, item: Item) -> bool:
        """Whether it hangs in the tree."""
        while item.id != ROOT:
            if self.children.get(item.parent, {}).get(key_of(item.name)) != item.id:
                return False
            item = self.state.items[item.parent]
        return True

    def path(self, item: Item) -> str:
        """The path by names; of the root "/"."""
        names: list[str] = []
        while item.id != ROOT:
            names.append(item.name)
            item = self.state.items[item.parent]
        return "/" + "/".join(reversed(names))

    def ordered(self, folder: Item) -> tuple[list[str], list[str]]:
        """The ids of the folders, and of the files, in a folder, each by name. Not to be changed."""
        self.grow(folder.id)
        if folder.id not in self._orders:
            found = [self.state.items[one] for one in self.children[folder.id].values()]
            found.sort(key=lambda one: key_of(one.name))
            folders, files = ([one.id for one in found if one.is_folder is kind] for kind in (True, False))
            self._orders[folder.id] = folders, files
        return self._orders[folder.id]

    def listed(self, folder: Item) -> list[Item]:
        """The children by name, folders first."""
        return [self.state.items[one] for ids in self.ordered(folder) for one in ids]

    def below(self, folder: Item) -> Iterator[Item]:
        """Everything in a folder, itself included, parents first."""
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            yield here
            if here.is_folder:
                waiting += reversed(self.listed(here))

    # Permissions

    def level(self, user: User, item: Item) -> str:
        """What somebody may do in a folder, or with a file of it."""
        folder = self.state.items[item.parent] if not item.is_folder else item
        if user.kind == "admin":
            return "Owner"
        if folder.id in (ROOT, PRIVATE):
            return "Viewer Only"
        tree = self._tree(folder)
        if tree.parent == PRIVATE:
            return "Owner" if key_of(tree.name) == key_of(user.name) else "None"
        return self._inherited(user, folder)

    def _tree(self, folder: Item) -> Item:
        while folder.parent not in (SHARED, PRIVATE, ROOT):
            folder = self.state.items[folder.parent]
        return folder

    def _inherited(self, user: User, folder: Item) -> str:
        """The best of the user's own level and those of its groups, each from the nearest folder that names it."""
        groups, nearest = set(self.directory.groups_of(user)), dict[str, int]()
        while folder.id != ROOT:
            here = self.state.permissions.get(folder.id)
            if here is not None:
                if user.name in here.users:
                    nearest.setdefault("", RANK[here.users[user.name]])
                for name in groups & here.groups.keys():
                    nearest.setdefault(name, RANK[here.groups[name]])
                if not here.inherits:
                    break
            folder = self.state.items[folder.parent]
        return LEVELS[max(nearest.values(), default=0)]

    def allowed(self, user: User, item: Item, level: str) -> bool:
        """Whether somebody may do what needs at least that level."""
        return RANK[self.level(user, item)] >= RANK[level]

    def visible(self, user: User, item: Item) -> bool:
        """Whether somebody sees it in a listing: folders also on the way to one that they may look into."""
        if self.allowed(user, item, "Viewer Only"):
            return True
        if not item.is_folder or (item.parent == PRIVATE and key_of(item.name) != key_of(user.name)):
            return False
        return item.id == SHARED or any(self._on_the_way(user, item, key) for key in self.state.permissions)

    def _on_the_way(self, user: User, folder: Item, identifier: str) -> bool:
        here = self.state.items.get(identifier)
        if here is None or not self.allowed(user, here, "Viewer Only"):
            return False
        while here.id not in (folder.id, ROOT):
            here = self.state.items[here.parent]
        return here.id == folder.id

    # Changing

    def new_id(self, what: str) -> str:
        """A new id."""
        self.state.made += 1
        return self.world.ids.guid("egnyte", "made", what, self.state.made)

    def add(self, item: Item) -> Item:
        """Hang a new item in the tree."""
        self.state.items[item.id] = item
        if item.is_folder:
            self.children.setdefault(item.id, {})
        self._hang(item)
        return item

    def _hang(self, item: Item) -> None:
        self.children[item.parent][key_of(item.name)] = item.id
        if (orders := self._orders.get(item.parent)) is not None:
            bisect.insort(orders[0 if item.is_folder else 1], item.id, key=self._key)
        self.touched(item.parent)

    def _key(self, identifier: str) -> str:
        return key_of(self.state.items[identifier].name)

    def touched(self, folder: str) -> None:
        """The direct contents of a folder have changed."""
        self.state.items[folder].modified_at = self.world.clock.now()

    def take_out(self, item: Item) -> None:
        """Unhang an item; it keeps its name and parent."""
        self.children[item.parent].pop(key_of(item.name), None)
        if (orders := self._orders.get(item.parent)) is not None:
            order = orders[0 if item.is_folder else 1]
            del order[bisect.bisect_left(order, key_of(item.name), key=self._key)]
        self.touched(item.parent)

    def move(self, item: Item, parent: Item, name: str) -> None:
        """Hang an item elsewhere; versions and permissions stay."""
        self.take_out(item)
        item.parent, item.name = parent.id, name
        self._hang(item)

    def copy(self, item: Item, parent: Item, name: str, user: User) -> Item:
        """A copy of an item and all below it, current versions only."""
        now = self.world.clock.now()
        made = Item(self.new_id("copy"), name, parent.id, now, now)
        if not item.is_folder:
            version = msgspec.structs.replace(
                item.current, entry=self.new_id("entry"), uploaded_at=now, uploaded_by=user.name
            )
            made.versions = [version]
            return self.add(made)
        inner = self.listed(item)
        self.add(made)
        for child in inner:
            self.copy(child, made, child.name, user)
        return made

    def throw_away(self, item: Item, user: User) -> Trashed:
        """Into the trash, with all below it."""
        size = sum(one.current.content.size for one in self.below(item) if not one.is_folder)
        kind = "folder" if item.is_folder else "file"
        path, now = self.path(item), self.world.clock.now()
        self.take_out(item)
        trashed = Trashed(self.new_id("trash"), kind, path, item.id, size, user.name, now)
        self.state.trash[trashed.id] = trashed
        return trashed

    def restore(self, trashed: Trashed) -> Item | None:
        """Out of the trash, to where it was; None if that is not there any more, or something else is."""
        item, above = self.state.items.get(trashed.item), self.find(trashed.path.rpartition("/")[0])
        if item is None or above is None:
            return None
        if trashed.version is not None:
            if not self.reachable(item):
                return None
            item.versions = sorted([*item.versions, trashed.version], key=lambda one: one.uploaded_at)
        elif self.find(trashed.path) is not None:
            return None
        else:
            item.parent = above.id
            self.add(item)
        del self.state.trash[trashed.id]
        return item

    def purge(self, trashed: Trashed) -> None:
        """Out of the trash, for good."""
        del self.state.trash[trashed.id]
        if trashed.version is not None:
            return
        for item in list(self.below(self.state.items[trashed.item])):
            self.state.items.pop(item.id, None)
            self.state.permissions.pop(item.id, None)
            self.children.pop(item.id, None)

    def throw_version_away(self, item: Item, version: Version, user: User) -> None:
        """One version into the trash; the one before it is then the current one."""
        item.versions.remove(version)
        path, now = self.path(item), self.world.clock.now()
        trashed = Trashed(self.new_id("trash"), "version", path, item.id, version.content.size, user.name, now, version)
        self.state.trash[trashed.id] = trashed
        self.touched(item.parent)

    def happened(
        self, user: User, client: str, action: str, data: dict[str, str | bool], kind: str = "file_system"
    ) -> None:
        """Remember an event."""
        self.state.last_event += 1
        now = self.world.clock.now()
        self.state.events.append(Happening(self.state.last_event, now, user.id, kind, action, data, client))

    def kept_events(self) -> list[Happening]:
        """Those that are kept: the newest half million of the last thirty days."""
        since = self.world.clock.now() - KEPT_SECONDS
        kept = self.state.events[-KEPT_EVENTS:]
        if kept and kept[0].time < since:
            kept = [one for one in kept if one.time >= since]
        self.state.events = kept
        return kept

    async def hash(self, versions: list[Version]) -> None:
        """Have the SHA-512 of these versions, without holding up others for the large ones."""
        for version in versions:
            if not version.checksum:
                await self.hashed(version.content)

    async def hashed(self, content: Content) -> None:
        """The same of any content."""
        if content.size > INLINE_BYTES and not self.world.contents.known(content, "sha512"):
            await asyncio.to_thread(self.world.contents.hash, content, "sha512")

    def checksum(self, version: Version) -> str:
        """SHA-512 in hex, or what is told of a file that came in chunks."""
        return version.checksum or self.digest(version.content)

    def digest(self, content: Content) -> str:
        """SHA-512 in hex."""
        return self.world.contents.digest(content, "sha512").hex()

    def permissions_at(self, folder: Item) -> Permissions:
        """What is set at a folder, to be changed."""
        return self.state.permissions.setdefault(folder.id, Permissions())
