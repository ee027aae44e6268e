"""Survey: what a location holds, in numbers and short lists. Its memory does not grow with the number of items."""

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from haulage.model import naming
from haulage.model.errors import NameRefused
from haulage.model.item import Item, Kind
from haulage.model.naming import extension
from haulage.services.contract import Traits

SHOWN = 20
MOST_EXTENSIONS = 5_000
EXAMPLES = 5


class Top:
    """The `SHOWN` greatest of what was put in; among equals, the first by path."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, _Last]] = []

    def put(self, measure: int, path: str) -> None:
        """Consider one."""
        if len(self._heap) < SHOWN:
            heapq.heappush(self._heap, (measure, _Last(path)))
        elif measure > self._heap[0][0] or (measure == self._heap[0][0] and path < self._heap[0][1].path):
            heapq.heapreplace(self._heap, (measure, _Last(path)))

    def sorted(self) -> list[tuple[int, str]]:
        """Measure and path, the greatest first."""
        return sorted(((measure, last.path) for measure, last in self._heap), key=lambda one: (-one[0], one[1]))


class _Last:
    """A path in reverse order, so that the heap gives away the last of equals."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __lt__(self, other: "_Last") -> bool:
        return self.path > other.path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Last) and self.path == other.path

    __hash__ = None  # type: ignore[assignment] # never a key


class Listed(msgspec.Struct):
    """A count with its first members."""

    count: int = 0
    first: list[dict[str, Any]] = msgspec.field(default_factory=list)

    def put(self, most: int = SHOWN, **facts: Any) -> None:
        """Count one, and keep it if it is among the first."""
        self.count += 1
        if len(self.first) < most:
            self.first.append(facts)


class Fit:
    """How what was listed would fit into one service as a destination."""

    def __init__(self, service_id: str, traits: Traits) -> None:
        self.service_id = service_id
        self._rules = traits.names
        self._largest_file = traits.largest_file
        self.fitted, self.refused, self.too_large = Listed(), Listed(), Listed()

    def put(self, item: Item) -> None:
        """Judge one item."""
        if item.size is not None and item.size > self._largest_file:
            self.too_large.put(EXAMPLES, path=item.path, bytes=item.size)
        try:
            fitted = naming.fit(item.path, self._rules, folder=item.kind == Kind.FOLDER)
        except NameRefused as error:
            self.refused.put(EXAMPLES, path=item.path, why=error.message)
            return
        if fitted.changes:
            self.fitted.put(EXAMPLES, path=item.path, becomes=fitted.path, why="; ".join(fitted.changes))

    def document(self) -> dict[str, Any]:
        """See docs/reference/scan."""
        told = {"fitted": self.fitted, "refused": self.refused, "too_large": self.too_large}
        return {"service": self.service_id, **{name: msgspec.structs.asdict(one) for name, one in told.items()}}


class Survey:
    """Takes in items, one after the other, and tells what they are all together."""

    def __init__(self, destinations: Mapping[str, Traits]) -> None:
        """destinations: traits by service id."""
        self.files = self.empty_files = self.bytes = 0
        self.folders = self.empty_folders = 0
        self._extensions: dict[str, list[int]] = {}
        self._other_extensions = [0, 0]
        self._largest, self._deepest, self._longest = Top(), Top(), Top()
        self._oldest: tuple[int, str] | None = None
        self._newest: tuple[int, str] | None = None
        self.uncopyable, self.unlisted_folders, self.duplicates = Listed(), Listed(), Listed()
        self._fits = [Fit(service_id, traits) for service_id, traits in destinations.items()]

    def put(self, item: Item) -> None:
        """Take in one item that can be copied."""
        self._deepest.put(item.path.count("/") + 1, item.path)
        self._longest.put(naming.length(item.path, "bytes"), item.path)
        for fit in self._fits:
            fit.put(item)
        if item.kind == Kind.FILE:
            self._put_file(item)

    def _put_file(self, item: Item) -> None:
        size = item.size or 0
        self.files += 1
        self.bytes += size
        self.empty_files += item.size == 0
        self._largest.put(size, item.path)
        found = self._extensions.get(name := extension(item.path))
        if found is None:
            known = len(self._extensions) < MOST_EXTENSIONS
            found = self._extensions.setdefault(name, [0, 0]) if known else self._other_extensions
        found[0] += 1
        found[1] += size
        if item.modified_us is not None:
            moment = (item.modified_us, item.path)
            self._oldest = min(self._oldest or moment, moment)
            self._newest = max(self._newest or moment, moment)

    def document(self) -> dict[str, Any]:
        """All of it as JSON, see docs/reference/scan.

        extensions_complete: False where there were so many that late ones are only in `other_extensions`.
        """
        return {
            "files": self.files,
            "folders": self.folders,
            "empty_files": self.empty_files,
            "empty_folders": self.empty_folders,
            "bytes": self.bytes,
            **self._extensions_document(),
            "largest": [{"path": path, "bytes": size} for size, path in self._largest.sorted()],
            "oldest": _moment(self._oldest),
            "newest": _moment(self._newest),
            "deepest": [{"path": path, "parts": parts} for parts, path in self._deepest.sorted()],
            "longest": [
                {"path": path, "bytes": count, "characters": len(path)} for count, path in self._longest.sorted()
            ],
            "uncopyable": msgspec.structs.asdict(self.uncopyable),
            "unlisted_folders": msgspec.structs.asdict(self.unlisted_folders),
            "duplicates": msgspec.structs.asdict(self.duplicates),
            "destinations": [fit.document() for fit in self._fits],
        }

    def _extensions_document(self) -> dict[str, Any]:
        ranked = sorted(self._extensions.items(), key=lambda one: (-one[1][1], -one[1][0], one[0]))
        rest = [counted for _, counted in ranked[SHOWN:]]
        if self._other_extensions[0]:
            rest.append(self._other_extensions)
        return {
            "extensions": [
                {"extension": name, "files": files, "bytes": size} for name, (files, size) in ranked[:SHOWN]
            ],
            "other_extensions": {"files": sum(files for files, _ in rest), "bytes": sum(size for _, size in rest)},
            "extensions_complete": not self._other_extensions[0],
        }


def ancestors(paths: Sequence[str]) -> set[str]:
    """All folders in which those paths lie."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _moment(found: tuple[int, str] | None) -> dict[str, Any] | None:
    return None if found is None else {"path": found[1], "modified_us": found[0]}
