"""Units of work, the outcomes that end them, and the uploads that are under way."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger import runs as run_rows
from haulage.ledger.at_destination import found_at
from haulage.ledger.bulk import Among, ForEach, literal_state
from haulage.ledger.codec import dump, load
from haulage.ledger.items import Known, of_unit
from haulage.ledger.schema import items, outcomes, pauses, runs, units, uploads
from haulage.ledger.store import now_us
from haulage.model.errors import LeaseLost
from haulage.model.outcome import Outcome, OutcomeKind
from haulage.model.state import ItemState

LEASE_SECONDS = 120
ALTERED = "destination_changed"
"""The code of what somebody changed at the destination after it was copied, and is left alone."""


class Fitted(msgspec.Struct, frozen=True):
    """A planned item whose name at the destination is not its own. key: folded, for finding collisions."""

    item_id: int
    target: str
    key: str | None


class Unit(msgspec.Struct, frozen=True):
    """A claimed unit: only its holder's epoch may commit."""

    id: int
    run_id: int
    epoch: int
    items: list[Known]


class Settled(msgspec.Struct, frozen=True):
    """An item's outcome and what the ledger has to remember of it.

    revision: the source's, that was copied; target_revision: what the destination has now. Both None unless it is
    at the destination, proven. attempt: of the upload in parts that was finished for it, to be forgotten.
    """

    outcome: Outcome
    revision: str | None = None
    target_revision: str | None = None
    attempt: str | None = None
    left: str | None = None
    """The revision of what we wrote there and could not prove: ours, to be replaced by the next run."""


class Upload(msgspec.Struct, frozen=True):
    """An upload in parts that was begun. state: the service's own, JSON; "path" and "attempt" alone before that."""

    item_id: int
    attempt: str
    target: str
    revision: str | None
    size: int
    part_bytes: int
    state: dict[str, Any]


_LISTED, _PLANNED, _SETTLED, _DONE = map(
    literal_state, (ItemState.LISTED, ItemState.PLANNED, ItemState.SETTLED, ItemState.DONE)
)
_plan = Among(
    lambda ids: (
        items.update()
        .where(items.c.id.in_(ids), items.c.state == _LISTED)
        .values(state=_PLANNED, unit_id=sa.bindparam("new_unit"))
    ),
    before=("new_unit",),
)


def plan_unit(connection: sa.Connection, run_id: int, planned: Sequence[Known]) -> int:
    """Make one copy unit of LISTED items; they become PLANNED. Returns its id."""
    run_rows.beat(connection, run_id)
    size = sum(item.size for item in planned)
    made = connection.execute(units.insert().values(run_id=run_id, kind="copy", items=len(planned), size=size, epoch=0))
    unit_id = int(made.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has its key
    _plan.run(connection, [item.id for item in planned], unit_id)
    return unit_id


_set_target = (
    items.update()
    .where(items.c.id == sa.bindparam("item_id"))
    .values(target=sa.bindparam("new_target"), target_key=sa.bindparam("new_key"))
)


def set_targets(connection: sa.Connection, fitted: Sequence[Fitted]) -> None:
    """Remember the names that items have at the destination."""
    if fitted:
        rows = [{"item_id": one.item_id, "new_target": one.target, "new_key": one.key} for one in fitted]
        connection.execute(_set_target, rows)


def claim(connection: sa.Connection, unit_id: int) -> Unit:
    """Take a unit under a new epoch, with those of its items that have no outcome yet."""
    row = connection.execute(sa.select(units).where(units.c.id == unit_id)).one()
    lease = now_us() + LEASE_SECONDS * 1_000_000
    connection.execute(units.update().where(units.c.id == unit_id).values(epoch=row.epoch + 1, lease_us=lease))
    known = of_unit(connection, unit_id)
    there = found_at(connection, row.run_id, [one.target or one.path for one in known])
    known = [msgspec.structs.replace(one, occupied=True) if (one.target or one.path) in there else one for one in known]
    return Unit(unit_id, row.run_id, row.epoch + 1, known)


def commit(
    connection: sa.Connection,
    run_id: int,
    settled: Sequence[Settled],
    counts: dict[str, Any],
    epochs: dict[int, int],
    done_units: Sequence[int] = (),
) -> None:
    """Record outcomes and the facts they rest on, in this one transaction, under the run's and the units' epochs.

    epochs: {unit id: epoch} of the units that these items belong to. Raises LeaseLost, and then nothing is written.
    """
    run_rows.beat(connection, run_id, counts)
    now = now_us()
    for unit_id, epoch in epochs.items():
        held = (units.c.id == unit_id) & (units.c.epoch == epoch)
        lease = {"lease_us": now + LEASE_SECONDS * 1_000_000, "done_us": now if unit_id in done_units else None}
        if connection.execute(units.update().where(held).values(**lease)).rowcount != 1:
            raise LeaseLost(f"unit {unit_id} was taken over")
    if settled:
        _record(connection, run_id, settled, now)


_outcome = ForEach(
    sa.insert(outcomes).prefix_with("OR REPLACE", dialect="sqlite"),
    *("run_id", "item_id", "path", "target", "outcome", "size", "code", "message", "fix", "side"),
    *("listed", "adopted", "at_us", "evidence"),
)
_done = ForEach(
    items.update()
    .where(items.c.id == sa.bindparam("item_id"))
    .values(
        state=_DONE,
        unit_id=sa.null(),
        done_revision=sa.bindparam("new_revision"),
        done_size=sa.bindparam("new_size"),
        done_target_revision=sa.bindparam("new_target_revision"),
    ),
    *("new_revision", "new_size", "new_target_revision", "item_id"),
)
_retarget = ForEach(
    items.update().where(items.c.id == sa.bindparam("item_id")).values(target=sa.bindparam("new_target")),
    *("new_target", "item_id"),
)
_leave = ForEach(
    items.update()
    .where(items.c.id == sa.bindparam("item_id"))
    .values(done_revision=sa.null(), done_target_revision=sa.bindparam("left")),
    *("left", "item_id"),
)
_settle = Among(lambda ids: items.update().where(items.c.id.in_(ids)).values(state=_SETTLED, unit_id=sa.null()))
_end_uploads = Among(lambda attempts: uploads.delete().where(uploads.c.attempt.in_(attempts)))


def _record(connection: sa.Connection, run_id: int, settled: Sequence[Settled], now: int) -> None:
    _outcome.run(connection, [_outcome_row(run_id, one.outcome, now) for one in settled])
    proven = [one for one in settled if one.target_revision is not None]
    _done.run(
        connection, [(one.revision, one.outcome.size, one.target_revision, one.outcome.item_id) for one in proven]
    )
    renamed = [(one.outcome.target, one.outcome.item_id) for one in proven if one.outcome.target is not None]
    _retarget.run(connection, renamed)
    _end_uploads.run(connection, [one.attempt for one in proven if one.attempt is not None])
    _settle.run(connection, [one.outcome.item_id for one in settled if one.target_revision is None])
    _leave.run(connection, [(one.left, one.outcome.item_id) for one in settled if one.left is not None])


def _outcome_row(run_id: int, one: Outcome, now: int) -> tuple[Any, ...]:
    side = one.side.value if one.side is not None else None
    evidence = dump(one.evidence) if one.evidence else None
    told = (one.path, one.target, one.kind.value, one.size, one.code, one.message, one.fix, side)
    return (run_id, one.item_id, *told, 1, int(one.adopted), now, evidence)


def record_removed(connection: sa.Connection, run_id: int, gone: Sequence[Known]) -> None:
    """Note items that were copied once and are not at the source any more; nothing happens at the destination."""
    run_rows.beat(connection, run_id)
    if gone:
        connection.execute(
            sa.insert(outcomes).prefix_with("OR REPLACE", dialect="sqlite"),
            [
                {
                    "run_id": run_id,
                    "item_id": known.id,
                    "path": known.path,
                    "target": known.target,
                    "outcome": OutcomeKind.GONE_AT_SOURCE,
                    "size": known.done_size or 0,
                    "code": "removed_since",
                    "message": "removed at the source since an earlier run; kept at the destination",
                    "listed": 0,
                    "adopted": 0,
                    "at_us": now_us(),
                }
                for known in gone
            ],
        )


class OutcomeRow(msgspec.Struct, frozen=True):
    """An outcome as it is recorded, for reports."""

    item_id: int
    path: str
    target: str | None
    outcome: str
    size: int
    code: str | None
    message: str | None
    fix: str | None
    side: str | None
    listed: bool
    adopted: bool
    at_us: int
    evidence: dict[str, Any]


def outcome_rows(
    connection: sa.Connection, run_id: int, after: int = -1, limit: int | None = None, kinds: Sequence[str] = ()
) -> Iterator[OutcomeRow]:
    """Outcomes of a run, by item id, streamed. after: only above that id; limit: so many at most; kinds: only these."""
    wanted = sa.select(outcomes).where(outcomes.c.run_id == run_id, outcomes.c.item_id > after)
    if kinds:
        wanted = wanted.where(outcomes.c.outcome.in_(kinds))
    wanted = wanted.order_by(outcomes.c.item_id).limit(limit).execution_options(yield_per=1000)
    for row in connection.execute(wanted):
        yield _as_recorded(row)


def _as_recorded(row: Any) -> OutcomeRow:
    told = row.code, row.message, row.fix, row.side
    listed, adopted = bool(row.listed), bool(row.adopted)
    return OutcomeRow(
        row.item_id, row.path, row.target, row.outcome, row.size, *told, listed, adopted, row.at_us, load(row.evidence)
    )


def totals(connection: sa.Connection, run_id: int) -> list[dict[str, Any]]:
    """Outcomes of a run, added up: dicts of outcome, code, side, listed, adopted, items, bytes."""
    group = (outcomes.c.outcome, outcomes.c.code, outcomes.c.side, outcomes.c.listed, outcomes.c.adopted)
    summed = sa.select(*group, sa.func.count().label("items"), sa.func.sum(outcomes.c.size).label("bytes"))
    rows = connection.execute(summed.where(outcomes.c.run_id == run_id).group_by(*group).order_by(*group))
    return [dict(row._mapping) for row in rows]


def altered_at_destination(connection: sa.Connection, run_id: int) -> bool:
    """Whether the run found anything at the destination altered by others since it was copied."""
    altered = (outcomes.c.run_id == run_id) & (outcomes.c.code == ALTERED)
    return connection.scalar(sa.select(sa.exists().where(altered))) or False


def failed_with(connection: sa.Connection, run_id: int, codes: Collection[str]) -> bool:
    """Whether any item failed in that run with one of these codes, or changed at the source meanwhile."""
    failed = (outcomes.c.outcome == OutcomeKind.FAILED) & outcomes.c.code.in_(codes)
    its = (outcomes.c.run_id == run_id) & (failed | (outcomes.c.outcome == OutcomeKind.CHANGED_AT_SOURCE))
    return connection.scalar(sa.select(sa.exists().where(its))) or False


def upload_of(connection: sa.Connection, item_id: int) -> Upload | None:
    """The unfinished upload of an item."""
    row = connection.execute(sa.select(uploads).where(uploads.c.item_id == item_id)).one_or_none()
    if row is None:
        return None
    return Upload(row.item_id, row.attempt, row.target, row.revision, row.size, row.part_bytes, load(row.state))


def save_upload(connection: sa.Connection, run_id: int, upload: Upload) -> None:
    """Make an upload durable, before its first part is sent."""
    run_rows.beat(connection, run_id)
    values = {**msgspec.structs.asdict(upload), "state": dump(upload.state), "begun_us": now_us()}
    connection.execute(sa.insert(uploads).prefix_with("OR REPLACE", dialect="sqlite").values(**values))


def stale_uploads(connection: sa.Connection, transfer: int) -> list[Upload]:
    """Unfinished uploads of items that are done by other means, or gone."""
    ended = (items.c.transfer_id == transfer) & items.c.state.in_([int(ItemState.DONE), int(ItemState.GONE)])
    wanted = sa.select(uploads.c.item_id).join(items, items.c.id == uploads.c.item_id).where(ended)
    return [one for item_id in connection.scalars(wanted).all() if (one := upload_of(connection, item_id)) is not None]


def unfinished_bytes(connection: sa.Connection, transfer: int) -> int:
    """The sizes of all files of a transfer of which an upload was begun and not finished."""
    of_it = (
        sa.select(uploads.c.size).join(items, items.c.id == uploads.c.item_id).where(items.c.transfer_id == transfer)
    )
    return sum(connection.scalars(of_it))


def drop_upload(connection: sa.Connection, item_id: int, attempt: str) -> None:
    """Forget that attempt's upload."""
    connection.execute(uploads.delete().where(uploads.c.item_id == item_id, uploads.c.attempt == attempt))


def pause_until(connection: sa.Connection, scope: str, until_us: int | None = None) -> int:
    """Read, or note, until when a budget scope has to wait. Returns UTC microseconds, 0 for not at all.

    A shorter wait never takes the place of a longer one: another process may have been asked for it.
    """
    until = connection.scalar(sa.select(pauses.c.until_us).where(pauses.c.scope == scope)) or 0
    if until_us is not None and until_us > until:
        until, values = until_us, {"scope": scope, "until_us": until_us}
        connection.execute(sa.insert(pauses).prefix_with("OR REPLACE", dialect="sqlite").values(**values))
    return until


SORTED = {"path": outcomes.c.path, "size": outcomes.c.size, "outcome": outcomes.c.outcome, "code": outcomes.c.code}
"""By what the log of a run can be sorted; else it is in the order in which the items were listed."""


class Search(msgspec.Struct, frozen=True):
    """What of a run's log is looked at. text: in the path, in any case (of ASCII letters)."""

    text: str = ""
    kinds: tuple[str, ...] = ()
    sort: str = ""
    descending: bool = False
    start: int = 0
    limit: int = 100


def outcome_page(connection: sa.Connection, run_id: int, search: Search) -> tuple[list[OutcomeRow], int]:
    """One page of a run's log, and how many rows there are in all. What is rare is found in one pass for both."""
    its = outcomes.c.run_id == run_id
    if search.kinds:
        its &= outcomes.c.outcome.in_(search.kinds)
    if search.text:
        its &= outcomes.c.path.contains(search.text, autoescape=True)  # SQLite: in any case already
    column = SORTED.get(search.sort, outcomes.c.item_id)
    order = (column.desc() if search.descending else column, outcomes.c.item_id)
    chosen = sa.select(outcomes.c.item_id).where(its).order_by(*order).offset(search.start).limit(search.limit + 1)
    ids = list(connection.scalars(chosen))  # whole rows are large, and are read of this page only
    if len(ids) <= search.limit and (ids or not search.start):  # the last page: no need to go through all again
        count = search.start + len(ids)
    else:
        count = connection.scalar(sa.select(sa.func.count()).select_from(outcomes).where(its)) or 0
    shown = ids[: search.limit]
    found = connection.execute(sa.select(outcomes).where(outcomes.c.run_id == run_id, outcomes.c.item_id.in_(shown)))
    by_id = {row.item_id: row for row in found}
    return [_as_recorded(by_id[one]) for one in shown], count


def drop_log(connection: sa.Connection, run_ids: Sequence[int], most: int, told: str) -> bool:
    """Delete what is recorded of the items of these runs, at most so much of it; whether there is more of it.

    The runs stay, with their numbers and how they ended; told: what they say from then on.
    """
    some = sa.select(outcomes.c.run_id, outcomes.c.item_id).where(outcomes.c.run_id.in_(run_ids)).limit(most)
    gone = connection.execute(
        outcomes.delete().where(sa.tuple_(outcomes.c.run_id, outcomes.c.item_id).in_(some))
    ).rowcount
    connection.execute(runs.update().where(runs.c.id.in_(run_ids)).values(message=told))
    return gone == most
