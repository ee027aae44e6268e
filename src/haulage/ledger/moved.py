"""Items that were moved or renamed at the source: found by the source's ids, and followed in the ledger."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.bulk import literal_state
from haulage.ledger.codec import load_hashes
from haulage.ledger.items import Marks
from haulage.ledger.schema import items, uploads
from haulage.model.item import Kind
from haulage.model.state import ItemState

_new, _old = items.alias("new"), items.alias("old")
_of_one = _old.c.transfer_id == _new.c.transfer_id
_same_id = _of_one & (_old.c.source_id == _new.c.source_id) & (_old.c.id != _new.c.id)
_left = (_old.c.done_target_revision.is_not(None)) & (_old.c.state == literal_state(ItemState.DONE))


class Moved(msgspec.Struct, frozen=True):
    """An item that is listed at `path` now and was copied from `before` once, to `old_target`."""

    id: int
    new_id: int
    kind: str
    path: str
    before: str
    old_target: str
    old_target_revision: str
    revision: str | None
    size: int
    same: bool
    """Its content is the one that was copied."""


def any_copied(connection: sa.Connection, transfer: int) -> bool:
    """Whether anything of the transfer was copied so far, so that it may have been moved since."""
    copied = sa.exists().where(items.c.transfer_id == transfer, items.c.done_target_revision.is_not(None))
    return connection.scalar(sa.select(copied)) or False


def moves(connection: sa.Connection, transfer: int, marks: Marks) -> list[Moved]:
    """What was moved since it was copied and lies at the destination as we left it, the uppermost first."""
    listed = (_new.c.transfer_id == transfer) & (_new.c.state == int(ItemState.LISTED)) & _new.c.done_revision.is_(None)
    begun = sa.exists().where(uploads.c.item_id == _new.c.id)
    columns = (
        *(_old.c.id, _new.c.id.label("new_id"), _new.c.kind, _new.c.path, _old.c.path.label("before"), _old.c.target),
        *(_old.c.done_target_revision, _new.c.revision, _new.c.size, _old.c.done_revision, _old.c.done_size),
        *(_new.c.hashes, _old.c.hashes.label("old_hashes")),
    )
    wanted = sa.select(*columns).select_from(_new.join(_old, _same_id))
    wanted = wanted.where(listed, ~begun, _left, _new.c.kind == _old.c.kind)
    wanted = wanted.order_by(sa.func.length(_new.c.path), _new.c.path)
    found = []
    for row in connection.execute(wanted):
        there = row.id <= marks.last_id and marks.bits[row.id] == Marks.TARGET
        if not there or not marks.at_source(row.new_id):
            continue
        same = row.kind == Kind.FOLDER or _same(row)
        target = row.target or row.before
        facts = (row.done_target_revision, row.revision, row.size or 0, same)
        found.append(Moved(row.id, row.new_id, row.kind, row.path, row.before, target, *facts))
    return found


def _same(row: Any) -> bool:
    """Whether the moved file has the content that was copied: by its revision, or by size and a hash."""
    if row.revision is not None and row.revision == row.done_revision:
        return True
    now, before = load_hashes(row.hashes), load_hashes(row.old_hashes)
    common = now.keys() & before.keys()
    return row.size == row.done_size and bool(common) and all(now[name] == before[name] for name in common)


class Place(msgspec.Struct, frozen=True):
    """Where an item lies now. new_id: the row that its listing made, which goes away. target, key: as in items."""

    id: int
    new_id: int
    target: str | None
    key: str | None


def follow(connection: sa.Connection, places: Sequence[Place]) -> None:
    """The item's own row takes over what was listed, with the path; what was done to it is kept."""
    taken = (items.c.path, items.c.size, items.c.modified_us, items.c.revision, items.c.hashes, items.c.note)
    for place in places:
        listed = connection.execute(sa.select(*taken).where(items.c.id == place.new_id)).one()
        connection.execute(items.delete().where(items.c.id == place.new_id))
        values = {**listed._mapping, "target": place.target, "target_key": place.key, "chosen": None}
        values["state"] = int(ItemState.LISTED)
        connection.execute(items.update().where(items.c.id == place.id).values(values))


class Below(msgspec.Struct, frozen=True):
    """Something that was copied into a folder that was moved. new_id: None where it is not listed there any more."""

    id: int
    target: str
    new_id: int | None
    new_path: str | None
    size: int
    unchanged: bool
    """Its content is the one that was copied."""


def below(connection: sa.Connection, transfer: int, before: str, path: str) -> list[Below]:
    """All that the ledger knows below the folder's path before, each with its row below the path of now."""
    under = (_old.c.path > before + "/") & (_old.c.path < before + "0")
    same_place = _new.c.path == path + sa.func.substr(_old.c.path, len(before) + 1)
    pair = _old.outerjoin(_new, _same_id & same_place & (_new.c.kind == _old.c.kind) & _new.c.done_revision.is_(None))
    columns = (
        *(_old.c.id, _old.c.path, _old.c.target, _old.c.kind, _old.c.done_revision, _old.c.done_size),
        _old.c.done_target_revision,
        *(_old.c.hashes.label("old_hashes"), _new.c.hashes, _new.c.revision, _new.c.size),
        *(_new.c.id.label("new_id"), _new.c.path.label("new_path")),
    )
    wanted = sa.select(*columns).select_from(pair).where(_old.c.transfer_id == transfer, under)
    rows = connection.execute(wanted.where(_old.c.state != int(ItemState.GONE))).all()
    return [
        Below(
            row.id,
            row.target or row.path,
            row.new_id,
            row.new_path,
            row.size or 0,
            None not in (row.new_id, row.done_target_revision) and (row.kind == Kind.FOLDER or _same(row)),
        )
        for row in rows
    ]


def retarget(connection: sa.Connection, targets: Sequence[tuple[int, str]]) -> None:
    """Items that lie elsewhere at the destination now, and not where the source has them."""
    for item_id, target in targets:
        connection.execute(items.update().where(items.c.id == item_id).values(target=target))


def still_done(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Items that lie at the destination with the content that is listed."""
    for item_id in ids:
        done = {"state": int(ItemState.DONE), "done_revision": items.c.revision}
        connection.execute(items.update().where(items.c.id == item_id).values(done))
