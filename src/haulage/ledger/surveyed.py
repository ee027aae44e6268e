"""What a scan keeps in the ledger: its items, for the reports of a migration, and folders while it goes on.

Items are in `scanned`, with the names by which others are told apart; they stay until the next scan of the same
location has ended, if they are to be kept. Folders are in `found`, as "d:" + a path, of kind SEEN once something was
listed in them; they go away when the run ends.
"""

from collections.abc import Collection, Iterator, Sequence

import msgspec
import sqlalchemy as sa

from haulage.ledger.bulk import ForEach
from haulage.ledger.checks import SEEN
from haulage.ledger.schema import found, kept_scans, migration_rows, scanned
from haulage.model.item import Item, Kind

PAGE = 2000


class Holder(msgspec.Struct, frozen=True):
    """Who had a name before."""

    path: str
    kind: str


class Scanned(msgspec.Struct, frozen=True, gc=False):
    """An item as a scan listed it. name: its path as the strictest destinations fold it. See model.item.Item."""

    name: str
    path: str
    kind: str
    size: int | None
    note: str | None


_put = ForEach(sa.insert(scanned), "run_id", "name", "path", "kind", "first", "size", "note")


def name_holders(connection: sa.Connection, run_id: int, page: Sequence[tuple[str, Item]]) -> list[Holder | None]:
    """Keep the items of a page, (folded path, item) each. Returns who had each name before, within the page too.

    That is the item itself where it was listed before, else the first of that name; None: it is the first itself.
    """
    wanted = sa.select(scanned.c.name, scanned.c.path, scanned.c.kind, scanned.c.first)
    rows = connection.execute(
        wanted.where(scanned.c.run_id == run_id, scanned.c.name.in_({folded for folded, _ in page}))
    )
    firsts: dict[str, Holder] = {}
    known: set[tuple[str, str]] = set()
    for row in rows:
        known.add((row.path, row.kind))
        if row.first:
            firsts[row.name] = Holder(row.path, row.kind)
    new, before = [], list[Holder | None]()
    for folded, item in page:
        itself = Holder(item.path, item.kind.value)
        if (item.path, item.kind.value) in known:
            before.append(itself)
            continue
        known.add((item.path, item.kind.value))
        before.append(firsts.get(folded))
        new.append((run_id, folded, item.path, item.kind.value, int(folded not in firsts), item.size, item.note))
        firsts.setdefault(folded, itself)
    _put.run(connection, new)
    return before


def settle(connection: sa.Connection, run_id: int, transfer: int, *, keep: bool) -> None:
    """The scan has ended. keep: its items stay, in the place of those of earlier scans of the same location."""
    if not keep:
        connection.execute(scanned.delete().where(scanned.c.run_id == run_id))
        return
    before = connection.scalar(sa.select(kept_scans.c.run_id).where(kept_scans.c.transfer_id == transfer))
    if before is not None:
        connection.execute(scanned.delete().where(scanned.c.run_id == before))
        connection.execute(kept_scans.delete().where(kept_scans.c.transfer_id == transfer))
    connection.execute(kept_scans.insert().values(transfer_id=transfer, run_id=run_id))


def kept_of(connection: sa.Connection, row: int) -> int | None:
    """The scan whose items are kept, of a row of a migration; None where there is none."""
    both = migration_rows.join(kept_scans, kept_scans.c.transfer_id == migration_rows.c.scan_id)
    return connection.scalar(sa.select(kept_scans.c.run_id).select_from(both).where(migration_rows.c.id == row))


def forget_unused(connection: sa.Connection) -> None:
    """What was kept for rows that are not there any more goes away."""
    used = sa.select(migration_rows.c.scan_id).where(migration_rows.c.scan_id.is_not(None))
    unused = kept_scans.c.transfer_id.not_in(used)
    connection.execute(scanned.delete().where(scanned.c.run_id.in_(sa.select(kept_scans.c.run_id).where(unused))))
    connection.execute(kept_scans.delete().where(unused))


def items_of(connection: sa.Connection, run_id: int) -> Iterator[Scanned]:
    """What a scan listed, by folded path: a folder before all that lies in it. In one sequence, streamed."""
    columns = (scanned.c.name, scanned.c.path, scanned.c.kind, scanned.c.size, scanned.c.note)
    chosen = sa.select(*columns).where(scanned.c.run_id == run_id)
    ordered = chosen.order_by(scanned.c.name, scanned.c.path, scanned.c.kind).execution_options(yield_per=PAGE)
    for row in connection.execute(ordered):
        yield Scanned(*row)


def held(connection: sa.Connection, run_id: int, name: str) -> bool:
    """Whether that scan listed anything of this folded path."""
    chosen = sa.exists().where(scanned.c.run_id == run_id, scanned.c.name == name)
    return bool(connection.scalar(sa.select(chosen)))


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
