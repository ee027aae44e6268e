"""The destination as its listings show it: what is still as we left it, and what was found there besides."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.bulk import Among, ForEach, literal_state
from haulage.ledger.codec import dump_hashes, load_hashes
from haulage.ledger.items import PAGE, Marks
from haulage.ledger.schema import found, items
from haulage.model.item import Item, Kind
from haulage.model.state import ItemState

_transfer: sa.BindParameter[Any] = sa.bindparam("transfer")
_DONE, _GONE = map(literal_state, (ItemState.DONE, ItemState.GONE))


def replay_target(connection: sa.Connection, transfer: int, marks: Marks) -> None:
    """Mark what we left at the destination: nothing happened there since everything was seen to be as we left it."""
    done = (items.c.transfer_id == transfer) & (items.c.state == int(ItemState.DONE))
    left = sa.select(items.c.id).where(done, items.c.done_target_revision.is_not(None))
    for item_id in connection.scalars(left.execution_options(yield_per=PAGE)):
        marks.bits[item_id] |= Marks.TARGET


def left_below(connection: sa.Connection, transfer: int, folder: str) -> set[str]:
    """The paths of what we left in a folder of the destination, as we gave them."""
    where = sa.func.coalesce(items.c.target, items.c.path)
    done = (items.c.transfer_id == transfer) & (items.c.state == int(ItemState.DONE))
    inside = (where > f"{folder}/") & (where < f"{folder}0")
    return set(connection.scalars(sa.select(where).where(done, inside, items.c.done_target_revision.is_not(None))))


def _done_by(column: sa.Column[Any], *more: Any) -> Among:
    wanted = sa.select(items.c.id, column, items.c.done_target_revision, items.c.kind)
    of_transfer = wanted.where(items.c.transfer_id == _transfer, items.c.state == _DONE, *more)
    return Among(lambda paths: of_transfer.where(column.in_(paths)), before=("transfer",))


_done_at = (_done_by(items.c.path, items.c.target.is_(None)), _done_by(items.c.target))
_note_found = ForEach(
    sa.insert(found).prefix_with("OR REPLACE", dialect="sqlite"),
    *("run_id", "path", "kind", "size", "revision", "hashes"),
)


_ours_by_key = Among(
    lambda keys: sa.select(items.c.target_key, items.c.target, items.c.path).where(
        items.c.transfer_id == _transfer, items.c.state != _GONE, items.c.target_key.in_(keys)
    ),
    before=("transfer",),
)


def as_given(
    connection: sa.Connection, transfer: int, page: Sequence[Item], fold: Callable[[str], str] | None
) -> Sequence[Item]:
    """A page of the destination's listing, in which what is ours has the path that we gave it.

    A destination that takes two spellings of a name for one keeps that in which the name, or a folder above it, came
    first. fold: the key under which it takes them for one; None where it tells them apart.
    """
    if fold is None:
        return page
    keys = {item.path: fold(item.path) for item in page}
    rows = _ours_by_key.run(connection, list(dict.fromkeys(keys.values())), transfer)
    ours = {key: target or path for key, target, path in rows}
    given = {path: ours[key] for path, key in keys.items() if ours.get(key, path) not in keys}
    given = {path: one for path, one in given.items() if path.lower() == one.lower()}  # else the key alone is the same
    return [msgspec.structs.replace(item, path=given.get(item.path, item.path)) for item in page] if given else page


def merge_target(connection: sa.Connection, transfer: int, run_id: int, page: Sequence[Item], marks: Marks) -> None:
    """Merge a page of the destination's listing: what is still as we left it is marked, all else goes to `found`."""
    by_path: dict[str, Item] = {}
    for item in page:
        if (
            item.kind != Kind.FOLDER or item.path not in by_path
        ):  # a folder's marker may stand beside a file of its name
            by_path[item.path] = item
    ours = set()
    for statement in _done_at if marks.last_id else ():
        left = [path for path in by_path if path not in ours]
        for item_id, path, revision, kind in statement.run(connection, left, transfer):
            there = by_path[path]
            as_left = there.kind == Kind.FOLDER if kind == Kind.FOLDER else revision == there.revision
            if item_id <= marks.last_id and as_left:
                marks.bits[item_id] |= Marks.TARGET
                ours.add(path)
    new = [
        (run_id, path, item.kind.value, item.size, item.revision, dump_hashes(item.hashes))
        for path, item in by_path.items()
        if path not in ours
    ]
    _note_found.run(connection, new)


_found = Among(
    lambda paths: sa.select(found.c.path, found.c.kind, found.c.size, found.c.revision, found.c.hashes).where(
        found.c.run_id == sa.bindparam("run_id"), found.c.path.in_(paths)
    ),
    before=("run_id",),
)


def found_at(connection: sa.Connection, run_id: int, paths: Sequence[str]) -> dict[str, Item]:
    """Those of the paths at which the destination's listing showed something that we did not leave there."""
    return {
        path: Item(path, Kind(kind), size, None, revision, load_hashes(hashes))
        for path, kind, size, revision, hashes in _found.run(connection, paths, run_id)
    }
