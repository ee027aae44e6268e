"""The Migration Manager: the list of migrations, and one of them as a table that is filtered and paged."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.model import row_filter
from haulage.model.errors import HaulageError, Missing, Refused
from haulage.model.outcome import RunKind
from haulage.model.person import Role
from haulage.operations import migrations, rights, schedules
from haulage.web.access import Operator, Viewer, Visit
from haulage.web.rendering import page

router = APIRouter()
PAGE_ROWS = 100
MOST_NUMBERED = 1000
Filter = Annotated[str, Query(max_length=5000)]
Start = Annotated[int, Query(ge=0, le=10**9)]
Name = Annotated[str, Form(max_length=1000)]


class Line(msgspec.Struct, frozen=True):
    """A row of the table as it is shown. kind: of its status, for its colour and sign; run: the newest of any kind."""

    row: TransferRow
    kind: str
    words: str
    scanned: str
    run: int | None
    last_us: int | None


SIGNS = {"new": "○", "running": "▶", "complete": "✔", "issues": "⚠", "failed": "✖"}
KINDS = {"new": "paused", "running": "running", "complete": "success", "issues": "warning", "failed": "failed"}


def line(row: TransferRow) -> Line:
    """A row with its words; while it waits, or is scanned, that is its status."""
    mood, words = migrations.mood(row), migrations.status_of(row)[1]
    if row.place is None and row.scan is not None and row.scan.ended_us is None:
        mood, words = "running", "Scanning"
    runs = [one for one in (row.run, row.scan) if one is not None]
    newest = max(runs, key=lambda one: one.started_us, default=None)
    return Line(
        row, mood, words, _scanned(row), None if newest is None else newest.id, newest.started_us if newest else None
    )


def _scanned(row: TransferRow) -> str:
    if row.scan is None:
        return "never"
    if row.scan.ended_us is None:
        return "now"
    return migrations.last_status(msgspec.structs.replace(row, refused_status=None), RunKind.SCAN)[1]


@router.get("/migrations")
def list_migrations(request: Request, visit: Viewer) -> Response:
    """Those that a person may see, and how they stand."""
    return _list(request, visit)


def _list(
    request: Request, visit: Visit, problem: HaulageError | None = None, typed: Sequence[str] = ("", "", "")
) -> Response:
    found = [(one, migrations.counted(visit.ledger, one)) for one in rights.migrations(visit.ledger, visit.who)]
    mine = rights.own_connectors(visit.ledger, visit.who)
    facts: dict[str, Any] = {"found": found, "mine": mine, "problem": problem, "typed": typed}
    return page(request, visit, "migrations.html", 422 if problem else 200, **facts)


@router.post("/migrations")
def create(request: Request, visit: Operator, name: Name = "", source: Name = "", destination: Name = "") -> Response:
    """Begin one between two connectors of the person's."""
    try:
        made = _create(visit, name, source, destination)
    except Missing:
        raise
    except HaulageError as error:
        return _list(request, visit, error, (name, source, destination))
    return RedirectResponse(f"/migrations/{made.id}", 303)


def _create(visit: Visit, name: str, source: str, destination: str) -> MigrationRow:
    for one in (source, destination):
        rights.connector(visit.ledger, visit.who, one)
    return migrations.create(visit.ledger, name, source, destination, visit.actor)


@router.post("/migrations/continue")
def go_on(request: Request, visit: Operator, source: Name = "", destination: Name = "") -> Response:
    """From the wizard: open the migration between its two connectors, or begin one. Of several, a person chooses."""
    first, second = (rights.connector(visit.ledger, visit.who, one) for one in (source, destination))
    mine = rights.migrations(visit.ledger, visit.who)
    there = [one for one in mine if (one.source, one.destination) == (first.name, second.name)]
    if len(there) > 1:
        return RedirectResponse("/migrations", 303)
    try:
        made = there[0] if there else _numbered(visit, first.name, second.name)
    except Refused as error:
        return _list(request, visit, error)
    return RedirectResponse(f"/migrations/{made.id}", 303)


def _numbered(visit: Visit, source: str, destination: str) -> MigrationRow:
    """A new one, called after its two sides; numbered where that name is taken. Raises Refused."""
    taken = {one.name.casefold() for one in migrations.named(visit.ledger)}
    plain = f"{source} to {destination}"[: migrations.LONGEST_NAME - 8]
    names = [plain, *(f"{plain} ({number})" for number in range(2, MOST_NUMBERED))]
    name = next((one for one in names if one.casefold() not in taken), plain)
    return migrations.create(visit.ledger, name, source, destination, visit.actor)


@router.get("/migrations/{migration_id}")
def migration(request: Request, visit: Viewer, migration_id: int, filter: Filter = "", start: Start = 0) -> Response:
    """One of them: counters, and its transfers."""
    return migration_page(request, visit, rights.migration(visit.ledger, visit.who, migration_id), filter, start)


def migration_page(
    request: Request,
    visit: Visit,
    row: MigrationRow,
    filter: str = "",
    start: int = 0,
    problem: HaulageError | None = None,
) -> Response:
    """The page of a migration; with what went wrong, if something did. A filter that cannot be read shows all."""
    try:
        _, found = migrations.table(visit.ledger, row.name, filter)
    except Refused as error:
        problem, (_, found) = problem or error, migrations.table(visit.ledger, row.name)
    facts = _facts(visit, row, found, start)
    facts |= {
        "count": len(found),
        "filter": filter,
        "start": start - start % PAGE_ROWS,
        "page_rows": PAGE_ROWS,
        "columns": row_filter.COLUMNS,
        "works": rights.works_on(visit.ledger, visit.who, row) and visit.person.role.covers(Role.OPERATOR),
        "keeps": visit.person.role == Role.ADMIN or visit.person.owns(row.owner),
        "problem": problem,
    }
    return page(request, visit, "migration.html", 422 if problem else 200, **facts)


def table_facts(visit: Visit, row: MigrationRow, filter: str, start: int) -> dict[str, Any]:
    """What changes on the page of a migration while it runs. Raises Refused for a filter that cannot be read."""
    return _facts(visit, row, migrations.table(visit.ledger, row.name, filter)[1], start)


def _facts(visit: Visit, row: MigrationRow, found: Sequence[TransferRow], start: int) -> dict[str, Any]:
    passes, totals = visit.passes.shown(row.id), migrations.totals(found)
    start -= start % PAGE_ROWS
    shown = found[start : start + PAGE_ROWS]
    return {
        "one": row,
        "totals": totals,
        "lines": [line(one) for one in shown],
        "passes": passes,
        "schedules": schedules.of_migration(visit.ledger, row.id),
        "live": any(one.goes_on for one in passes) or any(map(migrations.goes_on, found)),
        "signs": SIGNS,
        "kinds": KINDS,
    }


@router.post("/migrations/{migration_id}/rename")
def rename(request: Request, visit: Operator, migration_id: int, name: Name = "") -> Response:
    """Call it otherwise."""
    row = rights.keep(visit.ledger, visit.who, migration_id)
    try:
        migrations.rename(visit.ledger, row.name, name, visit.actor)
    except Refused as error:
        return migration_page(request, visit, row, problem=error)
    return RedirectResponse(f"/migrations/{row.id}", 303)


@router.post("/migrations/{migration_id}/delete")
def delete(request: Request, visit: Operator, migration_id: int, confirm: Name = "") -> Response:
    """Delete it, once the word was typed."""
    row = rights.keep(visit.ledger, visit.who, migration_id)
    try:
        migrations.delete(visit.ledger, row.name, confirm, visit.actor)
    except Refused as error:
        return migration_page(request, visit, row, problem=error)
    return RedirectResponse("/migrations", 303)
