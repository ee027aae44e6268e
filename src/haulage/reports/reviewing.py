"""Goes once through what a scan listed of one user, and tells what would not go over as it is."""

from collections.abc import Callable, Iterator

import msgspec

from haulage.ledger.scratch import Scratch
from haulage.ledger.surveyed import Scanned
from haulage.model import naming
from haulage.model.item import Kind, what_it_is
from haulage.model.naming import NameRules
from haulage.reports import scan_columns as tables
from haulage.reports.lines import cell
from haulage.services.contract import Traits

MB = 1_000_000
LARGE_BYTES = 15 * 1000 * MB
"""From here on a file is named as large, whatever the destination takes: the predecessor took none beyond."""
NEAR = 0.9
"""Paths of at least this share of the limit are named too: the destination may count more than can be known before."""
MOST_EXTENSIONS = 5_000
SIZES = (0, 10**5, 10**6, 10**7, 10**8, 10**9, 10**10)
"""Files are counted by the first of these that they are not larger than."""


class Destination(msgspec.Struct, frozen=True):
    """What a service takes. loose: its naming rules without lengths, shared by all users: they are compiled once."""

    title: str
    traits: Traits
    loose: NameRules


def destination(title: str, traits: Traits) -> Destination:
    """What a service takes, for any number of users."""
    loose = msgspec.structs.replace(traits.names, longest_part=None, longest_path=None, most_parts=None)
    return Destination(title, traits, loose)


class Found(msgspec.Struct):
    """What was counted of a user. sizes: files by SIZES, with one more for those beyond."""

    items: int = 0
    files: int = 0
    folders: int = 0
    bytes: int = 0
    large_files: int = 0
    too_large: int = 0
    long_paths: int = 0
    names: int = 0
    duplicates: int = 0
    native: int = 0
    uncopyable: int = 0
    sizes: list[int] = msgspec.field(default_factory=lambda: [0] * (len(SIZES) + 1))


class _Above(msgspec.Struct):
    """Something whose name begins the name of what comes next. room: length of its folder's path there and a slash.

    count, longest, after: of too long paths in it that moving it to the top would mend: how many; the longest, as it
    is and as it would be.
    """

    name: str
    path: str
    kind: str
    length: int
    room: int
    count: int = 0
    longest: int = 0
    after: int = 0


class Reviewer:
    """Takes in a user's items, in the order of surveyed.items_of, and writes lines of the reports.

    user: name and number, as the first two cells. before: see Service.path_before. held: whether the scan listed
    anything of a folded path.
    """

    def __init__(
        self, out: Scratch, user: tuple[str, str], to: Destination, before: str, held: Callable[[str], bool]
    ) -> None:
        self.found = Found()
        self._out, self._user, self._to, self._held = out, (cell(user[0]), user[1]), to, held
        self._rules = to.traits.names
        unit = self._rules.unit
        self._before = naming.length(before.strip("/") + "/", unit) if before.strip("/") else 0
        self._stack: list[_Above] = []
        self._group: Scanned | None = None
        self._extensions: dict[str, list[int]] = {}
        out.forget_taken()

    def take(self, item: Scanned) -> None:
        """One more."""
        self._leave(item.name)
        for path, name in self._implied(item):
            self._judge(Scanned(name, path, Kind.FOLDER, None, None), listed=False)
        self._judge(item, listed=True)
        self._count(item)

    def end(self) -> None:
        """All of this user's have come."""
        self._leave(None)
        self._out.add(tables.EXTENSIONS, self._extensions)
        self._extensions = {}

    def _put(self, table: str, measure: int, *cells: str | float) -> None:
        self._out.put(table, measure, (*self._user, *(cell(one) if isinstance(one, str) else one for one in cells)))

    def _leave(self, name: str | None) -> None:
        """What stands no more above the next one is told of, where it would be worth moving."""
        while self._stack and not (name is not None and name.startswith(self._stack[-1].name)):
            gone = self._stack.pop()
            if gone.count:
                self._common(gone)

    def _implied(self, item: Scanned) -> Iterator[tuple[str, str]]:
        """Folders above an item that were not listed themselves, as in buckets: path and folded path."""
        known = {one.name for one in self._stack if one.kind == Kind.FOLDER}
        at, at_name = item.path.find("/"), item.name.find("/")
        while at >= 0 and at_name >= 0:
            if at and item.name[:at_name] not in known:
                yield item.path[:at], item.name[:at_name]
            at, at_name = item.path.find("/", at + 1), item.name.find("/", at_name + 1)

    def _judge(self, item: Scanned, *, listed: bool) -> None:
        folder = item.kind == Kind.FOLDER
        fitted = naming.fit(item.path, self._to.loose, folder=folder)
        length = self._before + naming.length(fitted.path, self._rules.unit)
        parent = fitted.path.rpartition("/")[0]
        room = naming.length(parent, self._rules.unit) + 1 if parent else 0
        self._same_name(item, listed=listed)
        if fitted.changes and item.path.rpartition("/")[2] != fitted.path.rpartition("/")[2]:
            self._fitted(item, fitted.path, fitted.changes)
        self._stack.append(_Above(item.name, item.path, item.kind, length, room))
        self._length(item, fitted.path, length)

    def _fitted(self, item: Scanned, fitted: str, changes: tuple[str, ...]) -> None:
        """The item's own name is not taken as it is; those of the folders above it have lines of their own."""
        self.found.names += 1
        parent = item.path.rpartition("/")[0]
        above = naming.fit(parent, self._to.loose, folder=True).changes if parent else ()
        own = [one for one in changes if one not in above] or changes
        names = item.path.rpartition("/")[2], fitted.rpartition("/")[2]
        self._put(tables.NAMES, 0, item.path, item.kind, *names, fitted, "; ".join(own))
        key = naming.fold(fitted, naming.STRICTEST)
        other = self._out.take(key, item.path)
        if other is None and key != item.name and self._held(key):
            other = fitted
        if other is not None:
            self._duplicate(item, other, merges=True)

    def _same_name(self, item: Scanned, *, listed: bool) -> None:
        """Whether another of this user's has this name, but for case and Unicode form, or is a file beside it."""
        first = self._group if listed else next((one for one in self._stack if one.name == item.name), None)
        if first is None or first.name != item.name:
            if listed:
                self._group = item
            return
        if {first.kind, item.kind} == {Kind.FOLDER.value} and first.path == item.path:
            return
        rules = self._rules
        merges = naming.fold(first.path, rules) == naming.fold(item.path, rules)
        if first.kind != item.kind and Kind.FOLDER in (first.kind, item.kind):
            merges = merges and not rules.folder_beside_file
        self._duplicate(item, first.path, merges=merges)

    def _duplicate(self, item: Scanned, other: str, *, merges: bool) -> None:
        self.found.duplicates += 1
        happens = "Each keeps its name."
        if merges and item.kind == Kind.FOLDER:
            happens = "What is in both comes together in one folder, or this one gets a number."
        elif merges:
            happens = "One of the two gets a number, such as (2)."
        told = "Yes" if merges else "No"
        self._put(tables.DUPLICATES, int(merges), item.path, item.kind, other, told, happens)

    def _length(self, item: Scanned, fitted: str, length: int) -> None:
        rules, name = self._rules, fitted.rpartition("/")[2]
        over: list[tuple[str, int, int, str]] = []
        if rules.longest_path is not None and length > rules.longest_path * NEAR:
            over.append(("path", length, rules.longest_path, rules.unit))
        if rules.longest_part is not None and (size := naming.length(name, rules.unit)) > rules.longest_part:
            over.append(("name", size, rules.longest_part, rules.unit))
        if rules.most_parts is not None and (parts := item.path.count("/") + 1) > rules.most_parts:
            over.append(("depth", parts, rules.most_parts, "folders"))
        if not over:
            return
        self.found.long_paths += any(size > limit for _, size, limit, _ in over)
        for what, size, limit, unit in over:
            told = "Yes" if size > limit else "No, but near it"
            self._put(tables.LONG, size - limit, item.path, size, limit, unit, what, told, item.kind)
            if what == "path" and size > limit:
                self._suggest(size, limit)

    def _suggest(self, size: int, limit: int) -> None:
        """Which folder above the newest item, or itself, would mend its length if it lay at the top: the uppermost."""
        item = self._stack[-1]
        for one in self._stack:
            above = one.kind == Kind.FOLDER and item.name.startswith(one.name + "/")
            if (above or one is item) and one.room and size - one.room <= limit:
                one.count += 1
                one.longest = max(one.longest, size)
                one.after = max(one.after, size - one.room)
                return
        told = "Shorten the names themselves: moving it alone does not mend it."
        self._put(tables.COMMON, 0, item.path, size, size, 0, _type(item.kind), "", limit, told)

    def _common(self, one: _Above) -> None:
        limit = self._rules.longest_path or 0
        name = one.path.rpartition("/")[2]
        told = f"Move it to the top, as {name!r}, or shorten the folders above it by {one.longest - limit:,}."
        numbers = one.length, one.longest, one.count if one.kind == Kind.FOLDER else 0
        self._put(tables.COMMON, one.count, one.path, *numbers, _type(one.kind), one.after, limit, told)

    def _count(self, item: Scanned) -> None:
        found = self.found
        found.items += 1
        if item.kind == Kind.FOLDER:
            found.folders += 1
            return
        if item.kind == Kind.OTHER or item.note is not None:
            found.uncopyable += 1
            what, told = what_it_is(item.note)
            if item.kind != Kind.OTHER:
                told = "Make it readable at the source."
            self._put(tables.NATIVE, 1, item.path, item.kind, what, "No", "", told)
            return
        found.files += 1
        if item.size is None:
            found.native += 1
            what = "a document of the service's own, which is made a file while it is read"
            form = naming.extension(item.path)
            told = "Look at one of each kind at the destination, whether it is good enough."
            self._put(tables.NATIVE, 0, item.path, item.kind, what, "Yes", f".{form}" if form else "", told)
        self._file(item, item.size or 0)

    def _file(self, item: Scanned, size: int) -> None:
        found, limit = self.found, self._to.traits.largest_file
        found.bytes += size
        found.sizes[next((number for number, most in enumerate(SIZES) if size <= most), len(SIZES))] += 1
        counted = self._extensions.setdefault(naming.extension(item.path), [0, 0])
        counted[0] += 1
        counted[1] += size
        if len(self._extensions) > MOST_EXTENSIONS:
            self._out.add(tables.EXTENSIONS, self._extensions)
            self._extensions = {}
        if size > min(LARGE_BYTES, limit):
            found.large_files += 1
            found.too_large += size > limit
            told = "Yes" if size > limit else "No"
            self._put(tables.LARGE, size, item.path, size, round(size / MB, 2), limit, told)


def _type(kind: str) -> str:
    """As the predecessor wrote it."""
    return "Folder" if kind == Kind.FOLDER else "File"
