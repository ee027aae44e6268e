"""What several users of a migration see, or what lies at several places, is carried once: as what was scanned first."""

from collections.abc import Sequence

import sqlalchemy as sa

from haulage.ledger.bulk import Among, ForEach, literal_state
from haulage.ledger.schema import carriers, items, migration_rows, transfers
from haulage.ledger.store import Connection
from haulage.model.state import ItemState

_held = items.alias("held")
_DONE = literal_state(ItemState.DONE)
_claimed = (carriers.c.source_id == items.c.source_id) & (carriers.c.transfer_id != items.c.transfer_id)
_at_the_other = (_held.c.transfer_id == carriers.c.transfer_id) & (_held.c.source_id == carriers.c.source_id)
_elsewhere = sa.select(items.c.id, transfers.c.source_shown).select_from(
    items.join(carriers, _claimed).join(_held, _at_the_other).join(transfers, transfers.c.id == carriers.c.transfer_id)
)
_carried = Among(
    lambda ids: _elsewhere.where(
        carriers.c.migration_id == sa.bindparam("migration"),
        _held.c.state != literal_state(ItemState.GONE),
        items.c.id.in_(ids),
    ),
    before=("migration",),
)
_its_migrations = sa.select(migration_rows.c.migration_id).where(
    migration_rows.c.transfer_id == sa.bindparam("transfer")
)
_copied = Among(
    lambda ids: _elsewhere.where(
        carriers.c.migration_id.in_(_its_migrations), _held.c.done_target_revision.is_not(None), items.c.id.in_(ids)
    ),
    before=("transfer",),
)
_arrived = Among(
    lambda ids: _elsewhere.where(
        carriers.c.migration_id.in_(_its_migrations), _held.c.state == _DONE, items.c.id.in_(ids)
    ),
    before=("transfer",),
)
_twin = items.alias("twin")
_same_file = (_twin.c.transfer_id == items.c.transfer_id) & (_twin.c.source_id == items.c.source_id)
_twins = sa.select(items.c.id, _twin.c.id.label("twin_id"), _twin.c.path).select_from(
    items.join(_twin, _same_file & (_twin.c.id != items.c.id))
)
_elsewhere_within = Among(lambda ids: _twins.where(_twin.c.state != literal_state(ItemState.GONE), items.c.id.in_(ids)))
_copied_within = Among(
    lambda ids: _twins.where(
        _twin.c.state != literal_state(ItemState.GONE), _twin.c.done_target_revision.is_not(None), items.c.id.in_(ids)
    )
)
_arrived_within = Among(lambda ids: _twins.where(_twin.c.state == _DONE, items.c.id.in_(ids)))
_known = Among(lambda ids: sa.select(items.c.source_id).where(items.c.source_id.is_not(None), items.c.id.in_(ids)))
_claim = ForEach(
    sa.insert(carriers).prefix_with("OR REPLACE", dialect="sqlite"), "migration_id", "source_id", "transfer_id"
)


def claim(connection: Connection, migration: int, transfer: int, ids: Sequence[int]) -> dict[int, str]:
    """Have a transfer carry these of its items, but for those that another transfer of the migration carries already.

    Returns the latter: {item id: the other's source, as it was written}. What the other does not see any more is free.
    """
    carried = {item_id: shown for item_id, shown in _carried.run(connection, ids, migration)}
    known = _known.run(connection, [one for one in ids if one not in carried])
    _claim.run(connection, [(migration, source_id, transfer) for (source_id,) in known])
    return carried


def copied_elsewhere(connection: Connection, transfer: int, ids: Sequence[int]) -> dict[int, str]:
    """Those of a transfer's items that another transfer of its migration has copied: {item id: the other's source}."""
    return {item_id: shown for item_id, shown in _copied.run(connection, ids, transfer)}


def at_other_places(connection: Connection, ids: Sequence[int]) -> dict[int, list[int]]:
    """Those items that their transfer has at other places too, none of them gone: {item id: the ids there}."""
    places = dict[int, list[int]]()
    for item_id, twin_id, _ in _elsewhere_within.run(connection, ids):
        places.setdefault(item_id, []).append(twin_id)
    return places


def copied_at_other_places(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Those items that were copied from another place where they lie: {item id: the path there}."""
    return {item_id: path for item_id, _, path in _copied_within.run(connection, ids)}


def arrived(connection: Connection, transfer: int, ids: Sequence[int]) -> set[int]:
    """Those of a transfer's items that are at the destination as another item, of it or of its migration."""
    theirs = {item_id for item_id, _ in _arrived.run(connection, ids, transfer)}
    return theirs | {item_id for item_id, _, _ in _arrived_within.run(connection, ids)}
