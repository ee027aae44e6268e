"""A migration as a file: read with line numbers, every problem told at once, and written so that it reads the same."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from haulage.model import documents, mapping
from haulage.model.documents import FileRefused, Keys, Listed, Node, Text
from haulage.model.errors import Refused
from haulage.model.filters import Filters, parse_age, parse_size
from haulage.model.mapping import MappingRefused
from haulage.model.outcome import PassKind
from haulage.model.schedule import Every, Hours, Timing, clock, day_of, day_words, minutes_of, window_of

VERSION = "1"
PORTION = 1000


class Key(msgspec.Struct, frozen=True):
    """A key of the file, for the reader and for the reference. value: what stands after it, in a word or two."""

    value: str
    meaning: str
    required: bool = False


TOP: dict[str, Key] = {
    "version": Key("`1`", "Of the form of this file."),
    "migration": Key(
        "a name", "Which one the file tells of. It is changed, or made if there is none of that name.", True
    ),
    "source": Key("a connector's name", "Where everything comes from. It never changes.", True),
    "destination": Key("a connector's name", "Where everything goes to. It never changes.", True),
    "filters": Key("keys", "Which items are taken. They cannot change once a transfer has copied."),
    "transfers": Key("a list of keys", "The rows of the table.", True),
    "schedules": Key(
        "a list of keys", "When it starts by itself. Where the key is missing, schedules stay as they are."
    ),
}
FILTERS: dict[str, Key] = {
    "include": Key("a list of globs", "Take only what matches one of them."),
    "exclude": Key("a list of globs", "Leave out what matches one of them."),
    "min_size": Key("a size, such as `10k`", "Leave out smaller files."),
    "max_size": Key("a size, such as `2G`", "Leave out larger files."),
    "newer_than": Key("an age, such as `30d`", "Take only files modified in this time."),
    "older_than": Key("an age, such as `12h`", "Take only files not modified in this time."),
}
TRANSFER: dict[str, Key] = {
    "source": Key("a path", "Inside the source connector, such as a user; `''` for all of it.", True),
    "destination": Key("a path", "Inside the destination connector; `''` for its top.", True),
    "tags": Key("a list of words", "`[]` for none. Where the key is missing, tags stay as they are."),
    "notes": Key("a line of text", "`''` for none. Where the key is missing, notes stay as they are."),
}
SCHEDULE: dict[str, Key] = {
    "kind": Key("`scan`, `copy` or `cutover`", "What is done with the transfers; `copy` where the key is missing."),
    "every": Key("`hourly`, `daily`, `weekly` or `monthly`", "How often.", True),
    "at": Key(
        "a time, such as `20:00`", "By the clock there; of hourly ones only the minutes count. Midnight where missing."
    ),
    "day": Key(
        "a day, such as `Monday`, `15` or `last`", "Of weekly and monthly ones; the first where the key is missing."
    ),
    "zone": Key("a time zone, such as `Europe/Berlin`", "Of all these times; `UTC` where the key is missing."),
    "hours": Key("hours, such as `20:00-06:00`", "In which its runs may go on; at any time where the key is missing."),
    "weekends": Key(
        "`yes` or `no`", "With hours: whether Saturdays and Sundays are open all day; `yes` where missing."
    ),
    "hours_zone": Key("a time zone", "Of the hours, where that is another one."),
    "only": Key(
        "a list of sources, or of keys `source` and `destination`",
        "Which transfers; all that there are then where the key is missing.",
    ),
}
REFUSED: dict[str, str] = {
    "connectors": "a file names connectors and never holds them or their secrets; add them first",
}
"""What somebody may look for, and why it is not there."""
ENDS = {key: TRANSFER[key] for key in ("source", "destination")}


class WantedTransfer(msgspec.Struct, frozen=True, gc=False):
    """A row of the table as it has to be. tags, notes: None where the file does not speak of them."""

    line: int
    source: str
    destination: str
    tags: tuple[str, ...] | None = None
    notes: str | None = None


class WantedSchedule(msgspec.Struct, frozen=True):
    """When it has to start by itself. only: sources, with their destinations where those are told; None: all."""

    line: int
    kind: PassKind
    timing: Timing
    hours: Hours | None = None
    only: tuple[tuple[str, str | None], ...] | None = None


class Wanted(msgspec.Struct, frozen=True):
    """A migration as it has to be. filters, schedules: None where the file does not speak of them.

    lines: where keys stand.
    """

    name: str
    source: str
    destination: str
    filters: Filters | None
    transfers: tuple[WantedTransfer, ...]
    lines: dict[str, int]
    schedules: tuple[WantedSchedule, ...] | None = None


def read(data: bytes) -> Wanted:
    """A file's migration. Raises FileRefused for what is no YAML, MappingRefused with every problem, or Refused."""
    return _Reading().migration(documents.read(mapping.text_of(data)))


def write(
    name: str,
    source: str,
    destination: str,
    filters: Filters,
    transfers: Iterable[WantedTransfer],
    schedules: Sequence[WantedSchedule] = (),
) -> Iterator[str]:
    """A file that reads as this, piece by piece: its transfers are taken a portion at a time."""
    told: dict[str, Any] = {"version": int(VERSION), "migration": name, "source": source, "destination": destination}
    if (filtered := _told_filters(filters)) != {}:
        told["filters"] = filtered
    if schedules:
        told["schedules"] = [_told_schedule(one) for one in schedules]
    remaining = iter(transfers)
    some = list(islice(remaining, PORTION))
    if not some:
        yield documents.write({**told, "transfers": []})
        return
    yield documents.write(told)
    yield "transfers:\n"
    while some:
        yield documents.write([_told(one) for one in some])  # as a list stands below a key, too
        some = list(islice(remaining, PORTION))


def _told_schedule(one: WantedSchedule) -> dict[str, Any]:
    timing, hours = one.timing, one.hours
    told: dict[str, Any] = {"kind": one.kind.value, "every": timing.every.value}
    told["at"] = clock(timing.hour * 60 + timing.minute)
    if (day := day_words(timing)) is not None:
        told["day"] = day
    told["zone"] = timing.zone
    if hours is not None:
        told["hours"] = f"{clock(hours.opens)}-{clock(hours.closes)}"
        told["weekends"] = "yes" if hours.weekends else "no"
        told |= {"hours_zone": hours.zone} if hours.zone != timing.zone else {}
    if one.only is not None:
        told["only"] = [
            source if destination is None else {"source": source, "destination": destination}
            for source, destination in one.only
        ]
    return told


def _told(one: WantedTransfer) -> dict[str, Any]:
    told: dict[str, Any] = {"source": one.source, "destination": one.destination}
    if one.tags:
        told["tags"] = list(one.tags)
    return {**told, "notes": one.notes} if one.notes else told


def _told_filters(filters: Filters) -> dict[str, Any]:
    told: dict[str, Any] = {
        "include": list(filters.include),
        "exclude": list(filters.exclude),
        "min_size": filters.smallest,
        "max_size": filters.largest,
        "newer_than": None if filters.newer_than is None else f"{filters.newer_than}s",
        "older_than": None if filters.older_than is None else f"{filters.older_than}s",
    }
    return {key: value for key, value in told.items() if value not in ([], None)}


def _word(text: str, known: Sequence[str]) -> str:
    word = text.strip().casefold()
    if word not in known:
        raise Refused(f"{text[:20]!r} is not known", f"Write {' or '.join(known)}.")
    return word


def _one_of(known: type[PassKind] | type[Every], text: str) -> Any:
    return known(_word(text, [one.value for one in known]))


class _Reading:
    """Gathers all that is wrong, each with its line."""

    def __init__(self) -> None:
        self._problems: list[tuple[int, str]] = []

    def migration(self, root: Node) -> Wanted:
        """The whole file. Raises MappingRefused, FileRefused."""
        if not isinstance(root, Keys):
            raise FileRefused(root.line, f"it has to begin with keys such as {', '.join(TOP)}")
        self._check(root, TOP)
        if (version := self._text(root, "version")) not in ("", VERSION):
            self._wrong(root.lines["version"], f"version {version[:20]} is not known; this program reads {VERSION}")
        name, source, destination = (self._name(root, key) for key in ("migration", "source", "destination"))
        filters = self._filters(root)
        transfers = tuple(self._transfers(root.values.get("transfers")))
        schedules = self._schedules(root.values.get("schedules"))
        self._problems += mapping.repeated([mapping.Wish(one.line, one.source, one.destination) for one in transfers])
        if self._problems:
            raise MappingRefused(sorted(self._problems))
        return Wanted(name, source, destination, filters, transfers, root.lines, schedules)

    def _wrong(self, line: int, why: str) -> None:
        self._problems.append((line, why))

    def _check(self, keys: Keys, known: Mapping[str, Key]) -> None:
        """Nothing unknown, nothing missing."""
        for key, line in keys.lines.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
                self._wrong(line, REFUSED.get(key) or f"there is no key {key[:40]!r}{hint}")
        for key in [key for key, one in known.items() if one.required and key not in keys.values]:
            self._wrong(keys.line, f"{key} is missing")

    def _text(self, keys: Keys, key: str) -> str:
        """A line of text; empty, and told, where there is something else."""
        node = keys.values.get(key)
        if node is None:
            return ""
        if not isinstance(node, Text):
            self._wrong(keys.lines[key], f"{key} has to be a line of text")
        elif node.empty:
            self._wrong(keys.lines[key], f"{key} says nothing; write '' for an empty text, or leave the key out")
        elif (why := mapping.unfit(key, node.value)) is not None:
            self._wrong(node.line, why)
        else:
            return node.value
        return ""

    def _name(self, keys: Keys, key: str) -> str:
        before = len(self._problems)
        found = self._text(keys, key).strip()
        if not found and key in keys.values and len(self._problems) == before:
            self._wrong(keys.lines[key], f"{key} has to be a name")
        return found

    def _path(self, keys: Keys, key: str) -> str:
        text = self._text(keys, key)
        path = text.rstrip("/") if "://" in text else text.strip("/")
        if mapping.climbs(path):
            self._wrong(keys.lines[key], mapping.CLIMBS)
        return path

    def _list(self, keys: Keys, key: str) -> tuple[str, ...]:
        """A list of texts, or one alone."""
        node = keys.values.get(key)
        items = node.items if isinstance(node, Listed) else () if node is None else (node,)
        texts = [one.value for one in items if isinstance(one, Text) and not one.empty]
        if len(texts) != len(items):
            self._wrong(keys.lines[key], f"{key} has to be a list of texts; write [] for none")
        for one in texts:
            if (why := mapping.unfit(key, one)) is not None:
                self._wrong(keys.lines[key], why)
        return tuple(texts)

    def _filters(self, root: Keys) -> Filters | None:
        keys = root.values.get("filters")
        if keys is None:
            return None
        if not isinstance(keys, Keys):
            self._wrong(keys.line, "filters have keys; write {} for none")
            return None
        self._check(keys, FILTERS)
        sizes = [self._parsed(keys, key, parse_size, None) for key in ("min_size", "max_size")]
        ages = [self._parsed(keys, key, parse_age, None) for key in ("newer_than", "older_than")]
        try:
            return Filters(self._list(keys, "include"), self._list(keys, "exclude"), *sizes, *ages).checked()
        except Refused as error:
            self._wrong(keys.line, error.message)
            return None

    def _schedules(self, node: Node | None) -> tuple[WantedSchedule, ...] | None:
        if node is None:
            return None
        if not isinstance(node, Listed):
            self._wrong(node.line, "schedules are a list; begin each with a dash, or write [] for none")
            return None
        return tuple(one for each in node.items if (one := self._schedule(each)) is not None)

    def _schedule(self, node: Node) -> WantedSchedule | None:
        if not isinstance(node, Keys):
            self._wrong(node.line, f"a schedule has keys: {', '.join(SCHEDULE)}")
            return None
        self._check(node, SCHEDULE)
        kind = self._parsed(node, "kind", lambda text: _one_of(PassKind, text), PassKind.COPY)
        every = self._parsed(node, "every", lambda text: _one_of(Every, text), None)
        if every is None:
            return None
        minutes = self._parsed(node, "at", minutes_of, 0)
        day = self._parsed(node, "day", lambda text: day_of(every, text), 1)
        timing = Timing(every, minutes % 60, minutes // 60, day, self._text(node, "zone") or "UTC").plain()
        return WantedSchedule(node.line, kind, timing, self._hours(node, timing.zone), self._only(node))

    def _hours(self, keys: Keys, zone: str) -> Hours | None:
        weekends = self._parsed(keys, "weekends", lambda text: _word(text, ("yes", "no")), "yes") == "yes"
        window: tuple[int, int] | None = self._parsed(keys, "hours", window_of, None)
        for key in ("weekends", "hours_zone"):
            if key in keys.values and "hours" not in keys.values:
                self._wrong(keys.lines[key], f"{key} belongs to hours, which are missing")
        return None if window is None else Hours(*window, weekends, self._text(keys, "hours_zone") or zone)

    def _only(self, keys: Keys) -> tuple[tuple[str, str | None], ...] | None:
        node = keys.values.get("only")
        if node is None:
            return None
        items = node.items if isinstance(node, Listed) else (node,)
        if not items:
            self._wrong(node.line, "only names one transfer at least; leave the key out for all")
        found: list[tuple[str, str | None]] = []
        for one in items:
            if isinstance(one, Keys):
                self._check(one, ENDS)
                found.append((self._path(one, "source"), self._path(one, "destination")))
            elif isinstance(one, Text) and not one.empty:
                found.append((self._path(Keys(one.line, {"only": one}, {"only": one.line}), "only"), None))
            else:
                self._wrong(one.line, "only is a list of sources, or of keys source and destination")
        return tuple(found)

    def _parsed(self, keys: Keys, key: str, parse: Callable[[str], Any], missing: Any) -> Any:
        """What a text says; what is missing, or wrong and told, is taken as that."""
        text = self._text(keys, key)
        try:
            return parse(text) if text else missing
        except Refused as error:
            self._wrong(keys.lines[key], f"{key}: {error.message}. {error.fix}")
            return missing

    def _transfers(self, node: Node | None) -> Sequence[WantedTransfer]:
        if node is None:
            return ()
        if not isinstance(node, Listed):
            self._wrong(node.line, "transfers are a list; begin each with a dash, or write [] for none")
            return ()
        if len(node.items) > mapping.MOST_ROWS:
            raise FileRefused(node.line, f"there are more than {mapping.MOST_ROWS:,} transfers; split the file")
        return [one for each in node.items if (one := self._transfer(each)) is not None]

    def _transfer(self, node: Node) -> WantedTransfer | None:
        if not isinstance(node, Keys):
            self._wrong(node.line, f"a transfer has keys: {', '.join(TRANSFER)}")
            return None
        self._check(node, TRANSFER)
        ends = self._path(node, "source"), self._path(node, "destination")
        tags = mapping.tags_of(", ".join(self._list(node, "tags"))) if "tags" in node.values else None
        notes = self._text(node, "notes") if "notes" in node.values else None
        return WantedTransfer(node.line, *ends, tags, notes)
