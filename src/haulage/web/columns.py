"""The columns of a migration's table: which there are, and which of them a person sees, in which order."""

from collections.abc import Sequence

import msgspec

from haulage.ledger import preferences
from haulage.web.access import Visit

PLACE = "migration columns"


class Column(msgspec.Struct, frozen=True):
    """A column. sort: what it is sorted by, None for nothing; live: whether it changes while a transfer runs."""

    key: str
    title: str
    sort: str | None = None
    live: bool = False
    number: bool = False


_STATIC = (
    Column("id", "ID", "id"),
    Column("source", "Source path", "source"),
    Column("destination", "Destination path", "destination"),
)
_COUNTED = (
    ("files", "Files successful"),
    ("files_failed", "Files failed"),
    ("files_skipped", "Files skipped"),
    ("data", "Data successful"),
    ("data_failed", "Data failed"),
    ("data_skipped", "Data skipped"),
)
EVERY: tuple[Column, ...] = (
    Column("status", "Status", "status", live=True),
    *_STATIC,
    Column("scanned", "Scanned", "scanned", live=True),
    *(Column(key, title, key, live=True, number=True) for key, title in _COUNTED),
    Column("last", "Last run", "last", live=True),
    Column("schedule", "Schedule"),
    Column("tags", "Tags", "tags"),
    Column("notes", "Notes", "notes"),
)
BY_KEY = {one.key: one for one in EVERY}
USUAL = tuple(one.key for one in EVERY if one.key not in ("data_failed", "data_skipped"))


def shown(visit: Visit) -> list[Column]:
    """The columns that a person sees, in their order."""
    wanted = visit.ledger.read(preferences.get, visit.person.id, PLACE)
    keys = [one for one in wanted or () if one in BY_KEY]
    return [BY_KEY[one] for one in keys or USUAL]


def ordered(visit: Visit) -> list[Column]:
    """All columns: those that are shown in their order, then the others."""
    first = shown(visit)
    return [*first, *(one for one in EVERY if one not in first)]


def keep(visit: Visit, keys: Sequence[str], order: Sequence[str], move: str) -> None:
    """Remember what a person chose. order: all keys as they stood; move: "up KEY" or "down KEY", or "usual"."""
    places = [one for one in dict.fromkeys(order) if one in BY_KEY]
    way, _, key = move.partition(" ")
    if key in places and way in ("up", "down"):
        at = places.index(key)
        to = max(0, at - 1) if way == "up" else min(len(places) - 1, at + 1)
        places.insert(to, places.pop(at))
    chosen = [one for one in places if one in keys] or None
    visit.ledger.do(preferences.keep, visit.person.id, PLACE, None if move == "usual" else chosen)
