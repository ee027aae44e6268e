"""Items of a transfer: what the source's listing says is merged in, and what has to be decided on is handed out."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.bulk import Among, ForEach, literal_state
from haulage.ledger.codec import dump_hashes, load_hashes
from haulage.ledger.schema import items
from haulage.model.item import Item, Kind, beside_file
from haulage.model.state import ItemState

PAGE = 1000
MOST_US = 2**63 - 1


class Known(msgspec.Struct, frozen=True, gc=False):
    """An item that the planner or the copier is handed."""

    id: int
    path: str
    kind: str
    size: int
    revision: str | None
    modified_us: int | None
    hashes: dict[str, str]
    note: str | None
    target: str | None
    done_revision: str | None
    done_size: int | None
    done_target_revision: str | None
    shadowed: bool = False
    """A file whose path is also a folder of other items."""
    occupied: bool = False
    """The destination's listing showed something there that we did not leave."""
    unsized: bool = False
    """A file whose size the source does not know before it is read; `size` is 0 then."""
    source_id: str | None = None
    """By which the source finds it without looking for its path, where such ids last."""
    chosen: bool = False
    """A person chose `target`."""


class Marks:
    """What this run's listings showed of the items that the ledger knew before: one byte an item, by id."""

    SOURCE, UNCHANGED, TARGET = 1, 2, 4

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id
        self.bits = bytearray(last_id + 1)

    def at_source(self, item_id: int) -> bool:
        """Whether this run's source listing has shown the item already (an item new in this run: yes)."""
        return item_id > self.last_id or bool(self.bits[item_id] & self.SOURCE)

    def ids(self, bits: int) -> Iterator[int]:
        """The ids whose byte is exactly `bits`."""
        position, wanted = -1, bytes([bits])
        while (position := self.bits.find(wanted, position + 1)) >= 0:
            yield position


class Merged(msgspec.Struct):
    """What merging a page of the source's listing found: new to this run, and unchanged among those."""

    listed: int = 0
    listed_bytes: int = 0
    unchanged: int = 0
    unchanged_bytes: int = 0


_transfer: sa.BindParameter[Any] = sa.bindparam("transfer")
_facts_of = (
    *(items.c.kind, items.c.size, items.c.modified_us, items.c.revision, items.c.hashes, items.c.note),
    items.c.source_id,
)
_by_path = Among(
    lambda paths: sa.select(items.c.id, items.c.path, items.c.state, items.c.done_revision, *_facts_of).where(
        items.c.transfer_id == _transfer, items.c.path.in_(paths)
    ),
    before=("transfer",),
)
_LISTED, _PLANNED, _GONE = map(literal_state, (ItemState.LISTED, ItemState.PLANNED, ItemState.GONE))
_add = ForEach(
    items.insert().values(state=_LISTED),
    *("transfer_id", "path", "kind", "size", "modified_us", "revision", "hashes", "note", "source_id"),
)
_list_anew = ForEach(
    items.update()
    .where(items.c.id == sa.bindparam("item_id"))
    .values(state=_LISTED, unit_id=sa.null(), **{f.name: sa.bindparam(f"new_{f.name}") for f in _facts_of}),
    *(f"new_{column.name}" for column in _facts_of),
    "item_id",
)
_list_again = Among(lambda ids: items.update().where(items.c.id.in_(ids)).values(state=_LISTED, unit_id=sa.null()))


def last_id(connection: sa.Connection) -> int:
    """The highest item id of the whole ledger; 0 if there is none."""
    return connection.scalar(sa.select(sa.func.max(items.c.id))) or 0


def merge_source(
    connection: sa.Connection, transfer: int, page: Sequence[Item], marks: Marks, *, ids: bool = False
) -> Merged:
    """Merge a page of the source's listing. An item that is done in the listed revision is left alone.

    ids: keep the source's ids too (they last).

    An item that is listed twice in a run is folded: the first one counts. A file and the marker of a folder of its name
    are two: the marker is kept as what it is elsewhere (`beside_file`). One that was copied in another revision than
    was listed then (it changed meanwhile) is decided on again, whatever is listed now.
    """
    merged = Merged()
    by_path, beside = _by_paths(page)
    again: list[int] = []
    anew: list[tuple[Any, ...]] = []
    for item_id, path, state, done_revision, *before in _by_path.run(connection, [*by_path], transfer):
        item = by_path.pop(path)
        if marks.at_source(item_id):
            if item.kind == Kind.FOLDER and before[0] == Kind.FILE:
                beside.append(beside_file(item))
            elif item.kind == Kind.FILE and before[0] == Kind.FOLDER:  # the marker came first: the file takes its row
                beside.append(beside_file(item))
                anew.append((*_facts(item, ids), item_id))
                merged.listed_bytes += item.size or 0
            continue
        merged.listed += 1
        merged.listed_bytes += item.size or 0
        kind, revision = before[0], before[3]
        same = kind == Kind.FOLDER or (_same(revision, item.revision) and revision == done_revision)
        if state == ItemState.DONE and kind == item.kind and same:
            marks.bits[item_id] |= Marks.SOURCE | Marks.UNCHANGED
            merged.unchanged += 1
            merged.unchanged_bytes += item.size or 0
            continue
        marks.bits[item_id] |= Marks.SOURCE
        facts = _facts(item, ids)
        if tuple(before) != facts:
            anew.append((*facts, item_id))
        elif state != ItemState.LISTED:
            again.append(item_id)
    _list_anew.run(connection, anew)
    _list_again.run(connection, again)
    merged.listed += len(by_path)
    merged.listed_bytes += sum(item.size or 0 for item in by_path.values())
    _add.run(connection, [(transfer, path, *_facts(item, ids)) for path, item in by_path.items()])
    if beside:
        more = merge_source(connection, transfer, beside, marks, ids=ids)
        merged.listed += more.listed
    return merged


def _by_paths(page: Sequence[Item]) -> tuple[dict[str, Item], list[Item]]:
    """The items of a page by path, and the markers of folders that have the name of a file there."""
    by_path: dict[str, Item] = {}
    beside: list[Item] = []
    for item in page:
        other = by_path.setdefault(item.path, item)
        if other.kind != item.kind and Kind.OTHER not in (other.kind, item.kind):
            by_path[item.path], marker = (other, item) if other.kind == Kind.FILE else (item, other)
            beside.append(beside_file(marker))
    return by_path, beside


_listing_order = sa.select(items.c.id, items.c.path).where(items.c.transfer_id == _transfer).order_by(items.c.path)
"""By path, as the index has them: for a page by id SQLite would sort all items of the transfer."""
_replayed = (
    _listing_order.add_columns(items.c.state, items.c.kind, items.c.size, items.c.revision, items.c.done_revision)
    .where(items.c.state != _GONE)
    .limit(PAGE)
)
_walked = _listing_order.limit(20 * PAGE)


def _page(connection: sa.Connection, by_path: sa.Select[Any], transfer: int, after: str | None) -> list[Any]:
    """The next of them behind the path `after` (None: the first)."""
    page = by_path if after is None else by_path.where(items.c.path > after)
    return list(connection.execute(page, {"transfer": transfer}))


def replay_source(
    connection: sa.Connection, transfer: int, after: str | None, marks: Marks
) -> tuple[Merged, str | None]:
    """A page of what the source's last whole listing showed, as if it were listed now: nothing happened there since.

    after: the path behind which to go on (None: at the first). Returns what `merge_source` does, and the next `after`
    (None: that was all).
    """
    merged, again = Merged(), []
    rows = _page(connection, _replayed, transfer, after)
    for item_id, _, state, kind, size, revision, done_revision in rows:
        marks.bits[item_id] |= Marks.SOURCE
        merged.listed += 1
        merged.listed_bytes += size or 0
        if state == ItemState.DONE and (kind == Kind.FOLDER or _same(revision, done_revision)):
            marks.bits[item_id] |= Marks.UNCHANGED
            merged.unchanged += 1
            merged.unchanged_bytes += size or 0
        elif state != ItemState.LISTED:
            again.append(item_id)
    _list_again.run(connection, again)
    return merged, rows[-1].path if rows else None


def _same(before: str | None, now: str | None) -> bool:
    return before is not None and before == now


def _facts(item: Item, ids: bool) -> tuple[Any, ...]:
    """In the order of `_facts_of`. No column holds a time of hundreds of thousands of years: it is taken for none."""
    modified_us = item.modified_us
    if modified_us is not None and not -MOST_US <= modified_us <= MOST_US:
        modified_us = None
    told = item.kind.value, item.size, modified_us, item.revision, dump_hashes(item.hashes), item.note
    return *told, item.id if ids else None


_child = items.alias("child")
_shadowed = (
    sa.exists()
    .where(_child.c.transfer_id == items.c.transfer_id)
    .where(_child.c.path > items.c.path + "/", _child.c.path < items.c.path + "0")
)


_known_columns = (
    *(items.c.id, items.c.path, items.c.kind, items.c.size, items.c.revision, items.c.modified_us, items.c.hashes),
    *(items.c.note, items.c.target, items.c.done_revision, items.c.done_size, items.c.done_target_revision),
    *(items.c.source_id, items.c.chosen),
)


def _known(row: Sequence[Any], shadowed: bool = False) -> Known:
    """Of `_known_columns`. Millions of them are made in a run."""
    item_id, path, kind, size, revision, modified_us, hashes, note, target, *more = row
    done, done_size, done_target, source, chosen = more
    found_hashes = load_hashes(hashes) if hashes else {}
    listed = (item_id, path, kind, size or 0, revision, modified_us, found_hashes, note)
    done_as = (target, done, done_size, done_target)
    unsized = size is None and kind == Kind.FILE
    return Known(*listed, *done_as, shadowed, unsized=unsized, source_id=source, chosen=chosen == 1)


_open = (
    sa.select(*_known_columns)
    .where(items.c.transfer_id == _transfer, items.c.state == _LISTED, items.c.id > sa.bindparam("after"))
    .where(sa.text("items.state != 3"))  # lets SQLite use the partial index
    .order_by(items.c.id)
    .limit(sa.bindparam("most"))
)
_open_with_shadows = _open.add_columns(_shadowed.label("shadowed"))


def to_decide(connection: sa.Connection, transfer: int, after: int, shadows: bool, most: int = PAGE) -> list[Known]:
    """The next page of LISTED items above id `after`, by id. shadows: find out which files are folders too."""
    where = {"transfer": transfer, "after": after, "most": most}
    rows = connection.execute(_open_with_shadows if shadows else _open, where)
    if shadows:
        return [_known(row[:-1], bool(row[-1])) for row in rows]
    return [_known(row) for row in rows]


_by_id = Among(lambda ids: sa.select(*_known_columns).where(items.c.id.in_(ids)).order_by(items.c.id))
_alive = Among(lambda ids: sa.select(*_known_columns).where(items.c.id.in_(ids), items.c.state != _GONE))
_vanished = Among(lambda ids: items.update().where(items.c.id.in_(ids)).values(state=_GONE, unit_id=sa.null()))
_forget_target = Among(lambda ids: items.update().where(items.c.id.in_(ids)).values(done_target_revision=sa.null()))


def by_ids(connection: sa.Connection, ids: Sequence[int]) -> list[Known]:
    """Those items, by id."""
    return [_known(row) for row in _by_id.run(connection, sorted(ids))]


_planned = sa.select(*_known_columns).where(items.c.unit_id == sa.bindparam("unit"), items.c.state == _PLANNED)


def of_unit(connection: sa.Connection, unit_id: int) -> list[Known]:
    """A unit's items that have no outcome yet, by id."""
    return sorted(map(_known, connection.execute(_planned, {"unit": unit_id})), key=lambda known: known.id)


def relist(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Done items that have to be decided on again (they are missing or altered at the destination)."""
    _list_again.run(connection, ids)


def forget_target(connection: sa.Connection, ids: Sequence[int]) -> None:
    """What we once left at the destination is not there any more: these items are written as new ones."""
    _forget_target.run(connection, ids)


def emptied(connection: sa.Connection, transfer: int) -> tuple[int, int]:
    """How many copied files that had content are listed as empty now, and how many were ever copied with content."""
    had_content = (items.c.transfer_id == transfer) & (items.c.done_size > 0)
    empty_now = had_content & (items.c.state == int(ItemState.LISTED)) & (items.c.size == 0)
    counted = sa.select(sa.func.count()).select_from(items)
    emptied_now = connection.scalar(counted.where(empty_now, sa.text("items.state != 3"))) or 0
    return emptied_now, (connection.scalar(counted.where(had_content)) or 0) if emptied_now else 0


_of_transfer = sa.select(items.c.id).where(items.c.transfer_id == _transfer)
_as_it_is = (items.c.target.is_(None), items.c.state != literal_state(ItemState.GONE))
_holders = sa.union_all(  # made once: it is asked for every item where names are folded
    _of_transfer.where(items.c.path == sa.bindparam("wanted"), *_as_it_is),
    _of_transfer.where(items.c.target == sa.bindparam("wanted")),
    _of_transfer.where(items.c.target_key == sa.bindparam("key")),
)


def holders(connection: sa.Connection, transfer: int, target: str, key: str) -> set[int]:
    """The ids of the items to which that path at the destination (or its folded key) belongs already."""
    return set(connection.scalars(_holders, {"transfer": transfer, "wanted": target, "key": key}))


_aimed = Among(
    lambda paths: sa.select(items.c.target, items.c.id).where(
        items.c.transfer_id == _transfer, items.c.target.in_(paths)
    ),
    before=("transfer",),
)


def aimed(connection: sa.Connection, transfer: int, paths: Sequence[str]) -> dict[str, int]:
    """Those of the paths that are the fitted or numbered name of an item at the destination: {path: item id}."""
    return {path: item_id for path, item_id in _aimed.run(connection, paths, transfer)}


def vanish(connection: sa.Connection, transfer: int, marks: Marks, after: str | None) -> tuple[list[Known], str | None]:
    """Items that the ledger knew and a complete source listing did not show become GONE, a stretch of paths at a time.

    after: the path behind which to go on (None: at the first). Returns those that had been copied once, and the next
    `after` (None: that was all).
    """
    stretch = _page(connection, _walked, transfer, after)
    ids = [row.id for row in stretch if not marks.at_source(row.id)]
    done: list[Known] = []
    for start in range(0, len(ids), PAGE):
        some = list(_alive.run(connection, ids[start : start + PAGE]))
        done += [known for known in map(_known, some) if known.done_revision is not None]
        _vanished.run(connection, [row.id for row in some])
    return done, stretch[-1].path if stretch else None
