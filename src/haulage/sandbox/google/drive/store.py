"""All items of all Drives, and the indices that keep every call from looking at more than it has to."""

import asyncio
import bisect
from collections.abc import Iterable, Iterator

import msgspec

from haulage.sandbox.frame.history import Change, ChangeKind, Event
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.accounts import Account, Accounts
from haulage.sandbox.google.drive.documents import text_of
from haulage.sandbox.google.drive.model import FOLDER, Entry, File, SharedDrive, version_id
from haulage.sandbox.google.drive.seeding import Planter

DEEPEST = 100
FIRST_CHANGE = 1_000
ALGORITHMS = ("md5", "sha1", "sha256")
AT_ONCE_BYTES = 256 << 10
MOST_ARRIVALS = 10_000


class Log:
    """The changes of one account or shared drive; of several of one item only the last counts."""

    def __init__(self, entries: list[Entry] | None = None, last: int = FIRST_CHANGE) -> None:
        self.entries = entries or []
        self.last = last
        self._newest = {one.item: one.number for one in self.entries}

    def add(self, item: str, kind: str, time: float) -> None:
        """An item changed."""
        self.last += 1
        self.entries.append(Entry(self.last, item, kind, time))
        self._newest[item] = self.last

    def after(self, number: int) -> Iterator[Entry]:
        """What changed later than that, each item once."""
        at = bisect.bisect_right(self.entries, number, key=lambda one: one.number)
        for index in range(at, len(self.entries)):
            entry = self.entries[index]
            if self._newest[entry.item] == entry.number:
                yield entry


class Saved(msgspec.Struct):
    """The state of `Store`."""

    files: list[File]
    drives: list[SharedDrive]
    logs: dict[str, tuple[int, list[Entry]]]
    planted: list[str]
    generated: list[str]
    count: int


class Store:
    """Items by ID, by folder, by owner and by whom they are shared with. Trees of people are made when first asked."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self._world = world
        self.contents = world.contents
        self.accounts = accounts
        self.files: dict[str, File] = {}
        self.children: dict[str, dict[str, None]] = {}
        self.owned: dict[str, dict[str, None]] = {}
        self.shared: dict[str, dict[str, None]] = {}
        self.drives: dict[str, SharedDrive] = {}
        self.used: dict[str, int] = {}
        self._logs: dict[str, Log] = {}
        self.generated: set[str] = set()
        self.arrived: dict[str, float] = {}
        self._hashed: set[str] = set()
        self._count = 0
        self._planter = Planter(world, accounts)
        self._waiting = self._planter.owners()
        self._tags = {self._planter.tag(owner): owner for owner in self._waiting}
        for drive in self._planter.drives():
            self.drives[drive.id] = drive
            self.insert(self._planter.top(drive))
        for account in accounts.by_key.values():
            self.insert(self._planter.root(account))

    def root_id(self, account: Account) -> str:
        """The ID of an account's My Drive."""
        return self._planter.root_id(account)

    def app_folder(self, account: Account, project: str) -> str:
        """The ID of the folder that a project's application data of an account lies in; made when first asked for."""
        found = self._planter.app_folder(account, project)
        if found.id not in self.files:
            self.insert(found)
        return found.id

    def fresh_id(self) -> str:
        """An ID that no item has yet."""
        self._count += 1
        return "1" + self._world.ids.base64url("google", "file", self._count, count=32)

    def now(self) -> float:
        """The time, to the millisecond: finer times Drive does not keep."""
        return round(self._world.clock.now(), 3)

    # trees that wait to be made

    def plant(self, owner: str) -> None:
        """Make the tree of an owner ("person/7", "space/2"), unless it is there."""
        if owner in self._waiting:
            del self._waiting[owner]
            for file in self._planter.tree(owner):
                self.insert(file)

    def plant_for(self, account: Account) -> None:
        """Make an account's own tree."""
        self.plant(f"person/{account.number}")

    def plant_all(self) -> None:
        """Make all trees: for questions that are not about one folder or one owner."""
        for owner in list(self._waiting):
            self.plant(owner)

    def wide(self, account: Account, count: int) -> str:
        """A folder of so many files in an account's My Drive, as if it had always been there; its ID."""
        self.plant_for(account)
        made = list(self._planter.wide(account, count))
        for file in made:
            if file.id not in self.files:
                self.insert(file)
        return made[0].id

    # items

    def find(self, file_id: str) -> File | None:
        """The item of that ID."""
        found = self.files.get(file_id)
        if found is None and self._waiting and (owner := self._tags.get(file_id[1:7])) is not None:
            self.plant(owner)
            found = self.files.get(file_id)
        return found

    def inside(self, file_id: str) -> dict[str, None]:
        """The IDs of what lies in a folder, the oldest entry first."""
        if self._waiting:
            self._plant_below(file_id)
        return self.children.get(file_id, {})

    def _plant_below(self, folder: str) -> None:
        file = self.files.get(folder)
        if file is None:
            return
        if file.drive in self.drives:
            self.plant(self.drives[file.drive].owner)
        elif file.owner in self.accounts.by_key:
            self.plant_for(self.accounts.by_key[file.owner])

    def below(self, file: File) -> Iterator[File]:
        """All that lies under an item, nearest first, without itself."""
        open_, seen = [file.id], {file.id}
        for at in open_:
            for child in self.inside(at):
                if child not in seen:
                    seen.add(child)
                    open_.append(child)
                    yield self.files[child]

    def insert(self, file: File) -> None:
        """Take an item up."""
        self.files[file.id] = file
        for parent in file.parents:
            self.children.setdefault(parent, {})[file.id] = None
        self._index(file)

    def _index(self, file: File) -> None:
        holder = file.drive or file.owner
        self.owned.setdefault(holder, {})[file.id] = None
        self.used[holder] = self.used.get(holder, 0) + file.size
        for grant in file.grants:
            self.shared.setdefault(grant.key, {})[file.id] = None

    def create(self, file: File) -> None:
        """Take up an item that a call makes."""
        self.insert(file)
        self.arrived[file.id] = self.now()
        if len(self.arrived) > MOST_ARRIVALS:
            del self.arrived[next(iter(self.arrived))]

    def text(self, file: File) -> str:
        """The text of a native document; "" for anything else."""
        return text_of(self._world.contents, file)

    def drop(self, file: File) -> None:
        """Let go of one item."""
        for parent in file.parents:
            self.children.get(parent, {}).pop(file.id, None)
        self._unindex(file)
        self.children.pop(file.id, None)
        del self.files[file.id]

    def _unindex(self, file: File) -> None:
        holder = file.drive or file.owner
        self.owned.get(holder, {}).pop(file.id, None)
        self.used[holder] = self.used.get(holder, 0) - file.size
        for grant in file.grants:
            self.shared.get(grant.key, {}).pop(file.id, None)

    def change(self, file: File, **changes: object) -> None:
        """Change owner, drive, grants or size of an item, with the indices."""
        self._unindex(file)
        for name, value in changes.items():
            setattr(file, name, value)
        self._index(file)

    def reparent(self, file: File, parents: tuple[str, ...]) -> None:
        """Put an item into other folders."""
        for parent in file.parents:
            self.children.get(parent, {}).pop(file.id, None)
        file.parents = parents
        for parent in parents:
            self.children.setdefault(parent, {})[file.id] = None

    def ancestors(self, file: File) -> Iterator[File]:
        """The folders above, nearest first; each once."""
        open_, seen = list(file.parents), {file.id}
        while open_:
            one = open_.pop(0)
            found = self.files.get(one)
            if found is None or one in seen:
                continue
            seen.add(one)
            yield found
            open_.extend(found.parents)

    def trashed(self, file: File) -> bool:
        """Whether it or a folder above it was put in the trash."""
        return bool(file.trashed_at) or any(one.trashed_at for one in self.ancestors(file))

    def path(self, file: File) -> str:
        """The path by names, below the My Drive or shared drive."""
        names = [file.name]
        at: File | None = file
        for _ in range(DEEPEST + 1):
            at = self.files.get(at.parents[0]) if at is not None and at.parents else None
            if at is None or not at.parents:
                break
            names.append(at.name)
        return "/" + "/".join(reversed(names))

    # checksums

    def digest(self, key: str, algorithm: str) -> str:
        """A checksum of the content of that key, in hex."""
        contents = self._world.contents
        return contents.digest(contents.of_key(key), algorithm).hex()

    async def hash(self, files: Iterable[File]) -> None:
        """Compute the checksums of these, for `digest` to find them; the loop goes on meanwhile."""
        keys = {one.content for one in files if one.blob} - self._hashed
        for key in keys:
            content = self._world.contents.of_key(key)
            if content.size > AT_ONCE_BYTES:
                await asyncio.to_thread(self._world.contents.hash, content, *ALGORITHMS)
            else:
                self._world.contents.hash(content, *ALGORITHMS)
            self._hashed.add(key)

    # what is told of a change

    def log(self, key: str) -> Log:
        """The change log of an account or a shared drive."""
        if key not in self._logs:
            self._logs[key] = Log()
        return self._logs[key]

    def touched(self, file: File, also: Iterable[str] = ()) -> None:
        """An item changed: raises its version, and goes into the logs of all who see it, or saw it (`also`)."""
        file.version += 1
        self.tell(file.id, {*self.audience(file), *also})

    def tell(self, item: str, keys: Iterable[str], kind: str = "file") -> None:
        """Put a change into these logs."""
        now = self.now()
        for key in sorted(keys):
            self.log(key).add(item, kind, now)

    def audience(self, file: File) -> set[str]:
        """Keys of the logs that an item's changes belong in: its shared drive's, or those of all who can see it."""
        if file.drive:
            return {file.drive}
        keys = {file.owner}
        for one in (file, *self.ancestors(file)):
            keys.add(one.owner)
            for grant in one.grants:
                keys.update(self._people(grant.key))
        return keys & self.accounts.by_key.keys()

    def _people(self, key: str) -> Iterable[str]:
        if key in self.accounts.groups_by_key:
            return [one for one, groups in self.accounts.groups_of.items() if key in groups]
        return [key]

    def note(self, event: Event, kind: ChangeKind, file: File) -> None:
        """Write a change into the call's history."""
        event.changes.append(
            Change(
                kind, file.id, file.drive or file.owner, self.path(file), self.revision_id(file),
                "" if file.native else file.content, file.size,
            )
        )  # fmt: skip

    def revision_id(self, file: File) -> str:
        """The ID of the newest version."""
        return "" if file.folder else version_id(self._world.ids, file.id, file.head)

    def folders(self) -> int:
        """How many folders there are now."""
        return sum(1 for one in self.files.values() if one.mime == FOLDER)

    # kept across restarts

    def save(self) -> Saved:
        """All that is not made from the seed again."""
        logs = {key: (log.last, log.entries) for key, log in self._logs.items()}
        planted = [one for one in self._planter.owners() if one not in self._waiting]
        return Saved(
            list(self.files.values()), list(self.drives.values()), logs, planted, sorted(self.generated), self._count
        )

    def load(self, saved: Saved) -> None:
        """Take up what `save` gave."""
        self.files, self.children, self.owned, self.shared, self.used = {}, {}, {}, {}, {}
        for file in saved.files:
            self.insert(file)
        self.drives = {one.id: one for one in saved.drives}
        self._logs = {key: Log(entries, last) for key, (last, entries) in saved.logs.items()}
        self._count = saved.count
        self.generated = set(saved.generated)
        for owner in saved.planted:
            self._waiting.pop(owner, None)
