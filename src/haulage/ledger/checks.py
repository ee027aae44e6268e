"""What a verification and a scan keep in the ledger. Items are only read here, and never altered.

While such a run goes on, its rows in `found` are keyed by kind and path ("f:a/b", "d:a"), so that a file and a
folder of one name are two. A row that a source item has laid claim to is of kind SEEN, with the item's path as its
revision: what is left over in the end is only at the destination, and what comes a second time is known.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger import runs as run_rows
from haulage.ledger.codec import dump, dump_hashes, load, load_hashes
from haulage.ledger.items import PAGE, Known, by_ids
from haulage.ledger.schema import found, items, outcomes, runs, transfers
from haulage.ledger.store import now_us
from haulage.model.item import Item, Kind
from haulage.model.outcome import SUCCESSFUL, WRONG, Outcome, OutcomeKind, RunKind
from haulage.model.state import ItemState

SEEN = "seen"
PROVEN = tuple(kind for kind in SUCCESSFUL if kind != OutcomeKind.MOVED)


def key(path: str, kind: Kind) -> str:
    """The key of a row in `found`: whatever is no folder stands where a file would."""
    return ("d:" if kind == Kind.FOLDER else "f:") + path


class Place(msgspec.Struct, frozen=True):
    """What is known of a key. there: what the destination's listing showed. claimed: the source item that has it."""

    there: Item | None = None
    claimed: str | None = None


class Proof(msgspec.Struct, frozen=True):
    """How an item was proven when it was copied: the kind of its outcome, and the evidence."""

    kind: str
    evidence: dict[str, Any]


def note(connection: sa.Connection, run_id: int, page: Sequence[Item]) -> None:
    """Keep a page of the destination's listing."""
    rows = [
        {
            "run_id": run_id,
            "path": key(item.path, item.kind),
            "kind": item.kind,
            "size": item.size,
            "revision": item.revision,
            "hashes": dump_hashes(item.hashes),
        }
        for item in page
    ]
    if rows:
        connection.execute(sa.insert(found).prefix_with("OR REPLACE", dialect="sqlite"), rows)


def places(connection: sa.Connection, run_id: int, keys: Sequence[str]) -> dict[str, Place]:
    """What is known of those keys."""
    wanted = sa.select(found).where(found.c.run_id == run_id, found.c.path.in_(keys))
    known = {}
    for row in connection.execute(wanted):
        if row.kind == SEEN:
            known[row.path] = Place(claimed=row.revision)
        else:
            known[row.path] = Place(_item(row))
    return known


def _item(row: Any) -> Item:
    return Item(row.path[2:], Kind(row.kind), row.size, None, row.revision, load_hashes(row.hashes))


def claim(connection: sa.Connection, run_id: int, claims: Mapping[str, str]) -> None:
    """Lay claim to keys: {key: path of the source's item}."""
    rows = [{"run_id": run_id, "path": one, "kind": SEEN, "revision": path} for one, path in claims.items()]
    if rows:
        connection.execute(sa.insert(found).prefix_with("OR REPLACE", dialect="sqlite"), rows)


def known_at(connection: sa.Connection, transfer: int, paths: Sequence[str]) -> dict[str, Known]:
    """The transfer's items at those source paths, as earlier copies left them."""
    ids = sa.select(items.c.id).where(items.c.transfer_id == transfer, items.c.path.in_(paths))
    return {known.path: known for known in by_ids(connection, connection.scalars(ids).all())}


def copies(connection: sa.Connection, transfer: int) -> list[int]:
    """The transfer's copy runs that brought something over, the newest first."""
    wanted = sa.select(runs.c.id, runs.c.counts).where(runs.c.transfer_id == transfer, runs.c.kind == RunKind.COPY)
    rows = connection.execute(wanted.order_by(runs.c.id.desc())).all()
    return [row.id for row in rows if row.counts == "{}" or load(row.counts).get("successful", 1)]


def proofs(connection: sa.Connection, copy_runs: Sequence[int], ids: Sequence[int]) -> dict[int, Proof]:
    """How those items were proven when they were last copied, by item id. copy_runs: see `copies`.

    Being moved proves nothing of what is in them: that is told of the copy before.
    """
    proven: dict[int, Proof] = {}
    left = set(ids)
    for run_id in copy_runs:
        if not left:
            break
        wanted = sa.select(outcomes.c.item_id, outcomes.c.outcome, outcomes.c.evidence).where(
            outcomes.c.run_id == run_id, outcomes.c.item_id.in_(left), outcomes.c.outcome.in_(PROVEN)
        )
        for item_id, kind, evidence in connection.execute(wanted):
            proven[item_id] = Proof(kind, load(evidence))
        left -= proven.keys()
    return proven


class Verification(msgspec.Struct, frozen=True):
    """A verification of some places. wrong: how many items it found so; read: whether it read anything."""

    run_id: int
    transfer_id: int
    wrong: int
    read: bool


def verifications(connection: sa.Connection, transfer: int) -> list[Verification]:
    """Those of a transfer's two places, with whatever filters, the newest first."""
    same = transfers.alias("same")
    places = (transfers.c.source == same.c.source) & (transfers.c.destination == same.c.destination)
    every = runs.join(transfers, transfers.c.id == runs.c.transfer_id).join(same, places)
    wanted = sa.select(runs.c.id, runs.c.transfer_id, runs.c.counts).select_from(every)
    wanted = wanted.where(same.c.id == transfer, runs.c.kind == RunKind.VERIFY).order_by(runs.c.id.desc())
    counted = [(row, load(row.counts)) for row in connection.execute(wanted)]
    return [
        Verification(row.id, row.transfer_id, sum(told.get(kind, 0) for kind in WRONG), bool(told.get("read_bytes")))
        for row, told in counted
    ]


_READ = sa.select(outcomes.c.path).where(
    outcomes.c.run_id == sa.bindparam("run"),
    outcomes.c.outcome == OutcomeKind.VERIFIED,
    outcomes.c.evidence.contains("both sides read") | outcomes.c.evidence.contains("the destination read"),
)


def against(
    connection: sa.Connection, transfer: int, run_id: int, copies: list[int], later: list[int], only_bytes: bool
) -> dict[str, int]:
    """A transfer's copied items that a verification found wrong and nothing cleared since: {path: item id}.

    A copy goes by revisions, so it sees nothing of bytes that are others under the one that it left: only having been
    copied since, or read and found right, clears an item. later: the verifications since then that read anything.
    only_bytes: what was found otherwise, a copy since then has seen.
    """
    its = (outcomes.c.run_id == run_id) & outcomes.c.outcome.in_(WRONG)
    if only_bytes:
        its &= outcomes.c.code == "hash"
    held = (items.c.transfer_id == transfer) & (items.c.state == int(ItemState.DONE))
    there = sa.func.coalesce(items.c.target, items.c.path) == sa.func.coalesce(outcomes.c.target, outcomes.c.path)
    both = outcomes.join(items, (items.c.path == outcomes.c.path) & held & there)
    found = connection.execute(sa.select(items.c.id, items.c.path).select_from(both).where(its)).all()
    since = proofs(connection, [one for one in copies if one > run_id], [row.id for row in found])
    left = {row.path: row.id for row in found if row.id not in since}
    for one in later if left else ():
        for path in connection.scalars(_READ, {"run": one}):
            left.pop(path, None)
    return left


def refuted(connection: sa.Connection, transfer: int, copies: list[int]) -> set[int]:
    """Items whose bytes at the destination were found to be others than were copied: no proof of then holds."""
    later, found = list[int](), set[int]()
    for one in verifications(connection, transfer):
        if one.wrong:
            found |= set(against(connection, transfer, one.run_id, copies, later, only_bytes=True).values())
        if one.read:
            later.append(one.run_id)
    return found


def record(
    connection: sa.Connection, run_id: int, ended: Sequence[Outcome], counts: dict[str, Any], *, listed: bool = True
) -> None:
    """Record outcomes, numbered by the run itself, under its fence. Raises LeaseLost, and then nothing is written.

    listed: whether they are of items that the source's listing showed.
    """
    run_rows.beat(connection, run_id, counts)
    now = now_us()
    rows = [{"run_id": run_id, "listed": int(listed), "at_us": now, **_columns(one)} for one in ended]
    if rows:
        connection.execute(outcomes.insert(), rows)


def _columns(outcome: Outcome) -> dict[str, Any]:
    values = msgspec.structs.asdict(outcome)
    values["outcome"] = values.pop("kind")
    values["adopted"] = int(outcome.adopted)
    values["evidence"] = dump(outcome.evidence) if outcome.evidence else None
    return values


def outcomes_at(connection: sa.Connection, run_id: int, paths: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Number and outcome of what this run has recorded at those paths. Looks through all of the run: for few calls."""
    wanted = sa.select(outcomes.c.path, outcomes.c.item_id, outcomes.c.outcome)
    rows = connection.execute(wanted.where(outcomes.c.run_id == run_id, outcomes.c.path.in_(paths)))
    return {row.path: (row.item_id, row.outcome) for row in rows}


def withdraw(connection: sa.Connection, run_id: int, numbers: Sequence[int]) -> None:
    """Take back outcomes of this run that turned out wrong before it ended; others come in their place."""
    run_rows.beat(connection, run_id)
    connection.execute(outcomes.delete().where(outcomes.c.run_id == run_id, outcomes.c.item_id.in_(numbers)))


_below = found.alias("below")


def _claimed_below(prefix: str) -> sa.Exists:
    """Whether a claimed key lies below the folder of the row, among the files ("f:") or the folders ("d:")."""
    folder = sa.literal(prefix) + sa.func.substr(found.c.path, 3)
    within = (_below.c.path > folder + "/") & (_below.c.path < folder + "0")  # "0" comes right after "/"
    return sa.exists().where(_below.c.run_id == found.c.run_id, _below.c.kind == SEEN, within)


def unclaimed(connection: sa.Connection, run_id: int, after: str) -> tuple[list[Item], str | None]:
    """The next page of what no source item has laid claim to, and the key to go on after; None: that was all.

    Folders in which something is claimed are left out: a source that has no folders of its own implies them.
    """
    implied = (found.c.kind == Kind.FOLDER) & (_claimed_below("f:") | _claimed_below("d:"))
    wanted = sa.select(found, implied.label("implied")).where(found.c.run_id == run_id, found.c.path > after)
    rows = connection.execute(wanted.where(found.c.kind != SEEN).order_by(found.c.path).limit(PAGE)).all()
    return [_item(row) for row in rows if not row.implied], rows[-1].path if rows else None
