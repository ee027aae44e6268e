"""What can be done with one transfer of a migration, and why the rest cannot; its runs, other paths, a duplicate."""

import msgspec

from haulage.ledger import migration_rows, runs
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Ledger
from haulage.model import mapping
from haulage.model.errors import Refused
from haulage.model.mapping import MappingRefused
from haulage.model.outcome import Status
from haulage.model.standing import mood_of
from haulage.operations import history, migrations

HAS_RUN = "It has run, so its paths and its history stay. Duplicate it instead."
RUNS_NOW = "It waits or runs. Pause it, or wait for its end."
OTHERS_RUN = "It is paused in a pass that goes on. Cancel it, or wait for the end of the others."
NOT_GOING = "It neither waits nor runs."
NO_RUN = "It never ran, so there is no log."
OTHERS = "Only who may use both connectors can do that."


class Action(msgspec.Struct, frozen=True):
    """Something to do with a transfer. why_not: why it cannot be done just now; None: it can."""

    key: str
    title: str
    why_not: str | None = None


def actions(row: TransferRow, stands: int | None, *, works: bool) -> list[Action]:
    """All of them, in the order of the menu. stands: as the table shows it; works: whether the person may change it."""
    busy = RUNS_NOW if mood_of(stands) == "running" else None
    if row.place is not None and row.place.pass_status == Status.RUNNING:
        busy = busy or OTHERS_RUN
    fixed = busy or (HAS_RUN if row.transfer_id is not None else None)
    silent = None if row.run is not None or row.scan is not None else NO_RUN
    changing = [
        Action("scan", "Scan", busy),
        Action("copy", "Start migrating", busy),
        Action("edit", "Edit paths", fixed),
        Action("duplicate", "Duplicate"),
        Action("tags", "Tags"),
        Action("notes", "Note"),
        Action("delete", "Delete", fixed),
        Action("cancel", "Cancel", None if row.place is not None else NOT_GOING),
    ]
    if not works:
        changing = [Action(one.key, one.title, OTHERS) for one in changing]
    return [*changing, Action("log", "View log", silent), Action("logs", "Download logs", silent)]


def runs_of(ledger: Ledger, row: TransferRow) -> list[RunRow]:
    """All runs of a transfer, newest first, as they are now: its copies, verifications and scans."""
    links = [one for one in (row.transfer_id, row.scan_id) if one is not None]
    return [history.as_it_is(ledger, one) for one in ledger.read(runs.of_transfers, links)]


def edit(ledger: Ledger, migration: MigrationRow, row_id: int, source: str, destination: str, actor: Actor) -> None:
    """Give a transfer that never copied anything other ends. Raises Refused."""
    try:
        migrations.update(ledger, migration.name, [mapping.typed(source, destination, row_id=row_id)], actor)
    except MappingRefused as error:
        raise _alone(error) from None


def duplicate(
    ledger: Ledger, migration: MigrationRow, row: TransferRow, source: str, destination: str, actor: Actor
) -> int:
    """Another transfer with the tags and the note of one; one of its ends has to be another. Raises Refused."""
    try:
        migrations.add(ledger, migration.name, [mapping.typed(source, destination, row.tags)], actor)
    except MappingRefused as error:
        raise _alone(error) from None
    wish = mapping.typed(source, destination)
    made = ledger.read(migration_rows.ends, migration.id)[wish.source, wish.destination]
    if row.notes:
        migrations.mark(ledger, migration.name, [made], actor, notes=row.notes)
    return made


def _alone(error: MappingRefused) -> Refused:
    """What is wrong with the one row that a form has."""
    return Refused(error.problems[0][1], "Type other paths.")
