"""All that Box holds, and who may do what with it."""

import base64
import bisect
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from haulage.sandbox.box import growth
from haulage.sandbox.box.growth import Gardener, Grown
from haulage.sandbox.box.model import RANK, ROOT, Collaboration, GroupRecord, Happening, Item, Session, UserRecord
from haulage.sandbox.box.texts import key_of
from haulage.sandbox.frame.world import World

# What a role allows: support.box.com/hc/articles/360044196413
READERS = frozenset({"owner", "co-owner", "editor", "viewer uploader", "viewer"})
LOOKERS = READERS | {"previewer", "previewer uploader"}
UPLOADERS = frozenset({"owner", "co-owner", "editor", "viewer uploader", "previewer uploader", "uploader"})
EDITORS = frozenset({"owner", "co-owner", "editor"})
CO_OWNERS = frozenset({"owner", "co-owner"})
STRENGTH = ("owner", "co-owner", "editor", "viewer uploader", "previewer uploader", "viewer", "previewer", "uploader")
SMALLEST_SESSION_BYTES = 20_000_000
SORTS: dict[str, Callable[[Item], Any]] = {
    "id": lambda one: (int(one.id),),
    "name": lambda one: (key_of(one.name), int(one.id)),
    "date": lambda one: (one.modified_at, int(one.id)),
    "size": lambda one: (one.content.size, int(one.id)),
}


class State(msgspec.Struct):
    """What is kept across restarts. grown: owners whose tree was generated; trash: what is in it, by owner."""

    users: dict[str, UserRecord] = {}
    groups: dict[str, GroupRecord] = {}
    items: dict[str, Item] = {}
    collaborations: dict[str, Collaboration] = {}
    sessions: dict[str, Session] = {}
    grown: set[str] = set()
    trash: dict[str, dict[str, None]] = {}
    used: dict[str, int] = {}
    events: list[Happening] = []
    streams: dict[str, list[int]] = {}
    made: int = 0
    downloads: dict[str, tuple[str, str, float]] = {}


class Store:
    """Box's items by id, children by folder and name, and collaborations by item and by who has them.

    Trees are generated when their owner, or somebody who may be shared with, first looks.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self.children: dict[str, dict[str, str]] = {}
        self.shares: dict[str, list[str]] = {}
        self.shared_with: dict[str, dict[str, None]] = {}
        self.member_of: dict[str, set[str]] = {}
        self._orders: dict[tuple[str, str], list[str]] = {}
        self._sizes: dict[str, int] = {}
        self.smallest_session_bytes = SMALLEST_SESSION_BYTES
        self.part_bytes = 0
        self._gardener = Gardener(world)
        for user in growth.users(world):
            self.state.users[user.id] = user
        for group in growth.groups(world):
            self.state.groups[group.id] = group
        self._index_groups()

    # Accounts

    def _index_groups(self) -> None:
        self.member_of.clear()
        for group in self.state.groups.values():
            for member in group.members:
                self.member_of.setdefault(member, set()).add(group.id)

    def groups_changed(self) -> None:
        """Members or groups have changed."""
        self._index_groups()
        self._orders.clear()

    def ensure(self, user: str) -> None:
        """Have the user's tree."""
        record = self.state.users.get(user)
        if record is None or user in self.state.grown:
            return
        self.state.grown.add(user)
        if f"{ROOT}/{user}" not in self.state.items:
            then = record.created_at
            root = Item(f"{ROOT}/{user}", "folder", "All Files", "", user, then, then, user, user, then, then)
            self.state.items[root.id] = root
            self.children[root.id] = {}
        if record.person:
            self.take(self._gardener.tree(self.world.organisation.person(record.person)))

    def take(self, grown: Grown) -> None:
        """Take in generated items."""
        items, children, used = self.state.items, self.children, self.state.used
        for item in grown.items:
            if item.id in items:
                continue
            items[item.id] = item
            children[item.parent][key_of(item.name)] = item.id
            self._orders.pop((item.parent, "name"), None)
            if item.kind == "folder":
                children[item.id] = {}
            used[item.owner] = used.get(item.owner, 0) + item.content.size
        for one in grown.collaborations:
            self.add_collaboration(one)

    def wide(self, user: str, count: int) -> str:
        """Add the wide folder to a user's tree; returns its id."""
        self.ensure(user)
        grown = self._gardener.wide(self.world.organisation.person(self.state.users[user].person), count)
        self.take(grown)
        self._orders.clear()
        self._sizes.clear()
        return grown.items[0].id

    def ensure_all(self) -> None:
        """Have every tree: whose items are shared with somebody is only known then."""
        if len(self.state.grown) < len(self.state.users):
            for user in list(self.state.users):
                self.ensure(user)

    def new_id(self) -> str:
        """An id for what is made now."""
        self.state.made += 1
        return f"{growth.MADE}{self.state.made:012d}"

    # Items

    def root(self, user: str) -> Item:
        """The root of a user's tree."""
        self.ensure(user)
        return self.state.items[f"{ROOT}/{user}"]

    def find(self, item_id: str) -> Item | None:
        """The item of that id, in the trash or not; None if there is none (any more)."""
        if (found := self.state.items.get(item_id)) is None:
            self.ensure_all()
            found = self.state.items.get(item_id)
        return found

    def above(self, item: Item) -> Iterator[Item]:
        """The folders that it lies in, the nearest first, the root last."""
        items = self.state.items
        while item.parent:
            item = items[item.parent]
            yield item

    def in_trash(self, item: Item) -> bool:
        """Whether it, or a folder that it lies in, is in the trash."""
        return bool(item.trashed_at) or any(one.trashed_at for one in self.above(item))

    def path(self, item: Item) -> str:
        """By names, from the root of its owner."""
        names = [item.name, *(one.name for one in self.above(item) if one.parent)]
        return "/" + "/".join(reversed(names)) if item.parent else "/"

    def child(self, folder: Item, name: str) -> Item | None:
        """What the folder has under that name, in any case."""
        found = self.children[folder.id].get(key_of(name))
        return self.state.items[found] if found is not None else None

    def within(self, item: Item) -> Iterator[Item]:
        """It and all below it, parents first."""
        yield item
        for child in list(self.children.get(item.id, {}).values()):
            yield from self.within(self.state.items[child])

    def sorted(self, folder: Item, by: str, user: str) -> list[str]:
        """The ids of what the user sees in a folder: folders, files, web links, each sorted."""
        if (found := self._orders.get((folder.id, by))) is None:
            items, key = self.state.items, SORTS[by]
            ids = list(self.children[folder.id].values())
            if not folder.parent:
                ids += self.incoming(user)
            found = sorted(ids, key=lambda one: (RANK[items[one].kind], *key(items[one])))
            self._orders[folder.id, by] = found
        return found

    def place_of(self, item_id: str) -> tuple[int, str, int]:
        """Where an item stands in the order by name."""
        item = self.state.items[item_id]
        return RANK[item.kind], key_of(item.name), int(item.id)

    def touched(self, folder_id: str) -> None:
        """Something in the folder has changed, but not which names there are: that order stays."""
        for by in SORTS:
            if by != "name":
                self._orders.pop((folder_id, by), None)
        if (folder := self.state.items.get(folder_id)) is not None:
            for one in (folder, *self.above(folder)):
                self._sizes.pop(one.id, None)

    def size_of(self, item: Item) -> int:
        """Bytes of a file, or of all below a folder."""
        if item.kind != "folder":
            return item.content.size
        if (found := self._sizes.get(item.id)) is None:
            found = sum(self.size_of(self.state.items[one]) for one in self.children.get(item.id, {}).values())
            self._sizes[item.id] = found
        return found

    def put(self, item: Item) -> None:
        """Add an item to its folder."""
        self.state.items[item.id] = item
        self.children[item.parent][key_of(item.name)] = item.id
        if item.kind == "folder":
            self.children.setdefault(item.id, {})
        if (order := self._orders.get((item.parent, "name"))) is not None:
            bisect.insort(order, item.id, key=self.place_of)
        self._moved(item)

    def take_out(self, item: Item) -> None:
        """Take an item out of its folder's children; it stays known by its id."""
        siblings = self.children[item.parent]
        if siblings.get(key_of(item.name)) == item.id:
            del siblings[key_of(item.name)]
        if (order := self._orders.get((item.parent, "name"))) is not None:
            at = bisect.bisect_left(order, self.place_of(item.id), key=self.place_of)
            if order[at : at + 1] == [item.id]:
                del order[at]
        self._moved(item)

    def _moved(self, item: Item) -> None:
        """It came or went: its folder has changed, and the root of everybody whom something in it is shared with."""
        self.touched(item.parent)
        for below in self.within(item):
            for one in self.shares.get(below.id, ()):
                self._forget_roots(self.state.collaborations[one])

    def forget(self, item: Item) -> None:
        """Delete for good, with all below."""
        for one in list(self.within(item)):
            versions = sum(old.content.size for old in one.extra.versions) if one.extra else 0
            self.state.used[one.owner] = self.state.used.get(one.owner, 0) - one.content.size - versions
            for share in list(self.shares.get(one.id, ())):
                self.drop_collaboration(self.state.collaborations[share])
            self.state.trash.get(one.owner, {}).pop(one.id, None)
            self.children.pop(one.id, None)
            del self.state.items[one.id]

    def charge(self, owner: str, size: int) -> bool:
        """Take room of a user's storage; False if there is not so much left."""
        used = self.state.used.get(owner, 0)
        record = self.state.users.get(owner)
        if size > 0 and record is not None and 0 <= record.space_amount < used + size:
            return False
        self.state.used[owner] = used + size
        return True

    # Collaborations

    def add_collaboration(self, one: Collaboration) -> None:
        """Take in a collaboration."""
        self.state.collaborations[one.id] = one
        self.shares.setdefault(one.item, []).append(one.id)
        self.shared_with.setdefault(one.who, {})[one.id] = None
        self._forget_roots(one)

    def drop_collaboration(self, one: Collaboration) -> None:
        """Forget a collaboration."""
        del self.state.collaborations[one.id]
        self.shares[one.item].remove(one.id)
        self.shared_with[one.who].pop(one.id, None)
        self._forget_roots(one)

    def _forget_roots(self, one: Collaboration) -> None:
        users = [one.who] if one.kind == "user" else list(self.state.groups[one.who].members)
        for user in users:
            self._orders.pop((f"{ROOT}/{user}", "name"), None)
            self.touched(f"{ROOT}/{user}")

    def _of(self, user: str) -> Iterator[Collaboration]:
        for who in (user, *sorted(self.member_of.get(user, ()))):
            for one in self.shared_with.get(who, ()):
                yield self.state.collaborations[one]

    def incoming(self, user: str) -> list[str]:
        """The ids of what others share with the user and what therefore shows at the user's root."""
        self.ensure_all()
        found: dict[str, None] = {}
        for one in self._of(user):
            item = self.state.items[one.item]
            if one.status == "accepted" and item.owner != user and not self.in_trash(item):
                found[item.id] = None
        return [one for one in found if not any(up.id in found for up in self.above(self.state.items[one]))]

    def shares_along(self, item: Item) -> Iterator[Collaboration]:
        """The collaborations on an item and on the folders that it lies in."""
        for one in (item, *self.above(item)):
            for share in self.shares.get(one.id, ()):
                yield self.state.collaborations[share]

    def role(self, user: str, item: Item) -> str:
        """What the user is to the item: the strongest of all roles, "" for none."""
        if item.owner == user:
            return "owner"
        groups = self.member_of.get(user, ())
        roles = {
            one.role
            for one in self.shares_along(item)
            if one.status == "accepted" and (one.who == user or one.who in groups)
        }
        return next((one for one in STRENGTH if one in roles), "")

    def audience(self, item: Item) -> set[str]:
        """The users who may see an item."""
        found = {item.owner}
        for one in self.shares_along(item):
            if one.status == "accepted":
                found.update([one.who] if one.kind == "user" else self.state.groups[one.who].members)
        return found

    # Events

    def happen(self, kind: str, item: Item, by: str) -> None:
        """Tell everybody who may see the item what happened to it."""
        state = self.state
        number = len(state.events) + 1
        state.events.append(Happening(number, kind, self.world.clock.now(), by, item.id))
        for user in self.audience(item) | {by}:
            state.streams.setdefault(user, []).append(number)

    def stream(self, user: str, after: int, limit: int) -> list[Happening]:
        """The next entries of a user's stream."""
        numbers = self.state.streams.get(user, [])
        start = bisect.bisect_right(numbers, after)
        return [self.state.events[number - 1] for number in numbers[start : start + limit]]

    # Keeping

    def save(self) -> bytes:
        """All state."""
        return msgspec.msgpack.encode(self.state)

    def load(self, saved: bytes) -> None:
        """Take up what `save` gave."""
        self.state = msgspec.msgpack.decode(saved, type=State)
        items = self.state.items
        self.children = {one.id: {} for one in items.values() if one.kind == "folder"}
        for item in items.values():
            if item.parent and not item.trashed_at:
                self.children[item.parent][key_of(item.name)] = item.id
        self.shares, self.shared_with, self._orders = {}, {}, {}
        for one in self.state.collaborations.values():
            self.shares.setdefault(one.item, []).append(one.id)
            self.shared_with.setdefault(one.who, {})[one.id] = None
        self._index_groups()


FIRST_MARKER = base64.urlsafe_b64encode(b"-1\x1f\x1f0").decode()


def marker_after(item: Item) -> str:
    """A marker: the place behind an item in the order by name."""
    rank, name, number = RANK[item.kind], key_of(item.name), item.id
    return base64.urlsafe_b64encode(f"{rank}\x1f{name}\x1f{number}".encode("utf-8", "surrogatepass")).decode()


def behind(store: Store, ids: list[str], marker: str) -> int | None:
    """How many of the ids come before the place of a marker; None if it is none."""
    try:
        rank, name, number = base64.urlsafe_b64decode(marker).decode("utf-8", "surrogatepass").split("\x1f")
        place = (int(rank), name, int(number))
    except ValueError:
        return None
    return bisect.bisect_right(ids, place, key=store.place_of)
