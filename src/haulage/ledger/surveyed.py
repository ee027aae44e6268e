"""What a scan keeps in the ledger while it goes on, in `found`: names by which others are told apart, and folders.

"k:" + a folded path holds the first item of that name; "d:" + a path is a folder, of kind SEEN once something was
listed in it. All of it goes away when the run ends.
"""

from collections.abc import Collection, Sequence

import msgspec
import sqlalchemy as sa

from haulage.ledger.checks import SEEN
from haulage.ledger.schema import found
from haulage.model.item import Item, Kind


class Holder(msgspec.Struct, frozen=True):
    """The first item of a folded name."""

    path: str
    kind: str


def name_holders(connection: sa.Connection, run_id: int, page: Sequence[tuple[str, Item]]) -> list[Holder | None]:
    """For each (folded path, item): who had that name before, within the page too; None: it is the first itself."""
    keys = ["k:" + folded for folded, _ in page]
    wanted = sa.select(found.c.path, found.c.kind, found.c.revision)
    rows = connection.execute(wanted.where(found.c.run_id == run_id, found.c.path.in_(keys)))
    holders = {row.path: Holder(row.revision, row.kind) for row in rows}
    new = []
    before: list[Holder | None] = []
    for key, (_, item) in zip(keys, page, strict=True):
        before.append(holders.get(key))
        if key not in holders:
            holders[key] = Holder(item.path, item.kind)
            new.append({"run_id": run_id, "path": key, "kind": item.kind, "revision": item.path})
    if new:
        connection.execute(found.insert(), new)
    return before


def note_folders(connection: sa.Connection, run_id: int, folders: Collection[str], filled: Collection[str]) -> None:
    """Keep folders that were listed, and those in which something was listed (or could not be)."""
    if folders:
        rows = [{"run_id": run_id, "path": "d:" + path, "kind": Kind.FOLDER} for path in folders]
        connection.execute(sa.insert(found).prefix_with("OR IGNORE", dialect="sqlite"), rows)
    if filled:
        rows = [{"run_id": run_id, "path": "d:" + path, "kind": SEEN} for path in filled]
        connection.execute(sa.insert(found).prefix_with("OR REPLACE", dialect="sqlite"), rows)


def count_folders(connection: sa.Connection, run_id: int) -> tuple[int, int]:
    """How many folders there are, and how many of them are empty."""
    empty = sa.func.count().filter(found.c.kind == Kind.FOLDER)
    folders = (found.c.run_id == run_id) & (found.c.path >= "d:") & (found.c.path < "d;")
    row = connection.execute(sa.select(sa.func.count(), empty).where(folders)).one()
    return row[0], row[1]
