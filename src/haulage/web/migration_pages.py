"""The Migration Manager: the list of migrations, and one of them as a table that is filtered and paged."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.migration_table import Over, pace
from haulage.ledger.store import now_us
from haulage.model import row_filter
from haulage.model.errors import HaulageError, Missing, Refused
from haulage.model.outcome import Status
from haulage.model.person import Role
from haulage.model.standing import SCANNING, mood_of, words_of
from haulage.operations import migration_table, migrations, rights, schedules
from haulage.operations.migration_table import PAGE_ROWS
from haulage.web import columns
from haulage.web.access import Operator, Viewer, Visit
from haulage.web.rendering import page

router = APIRouter()
MOST_NUMBERED = 1000
Filter = Annotated[str, Query(max_length=5000)]
Sort = Annotated[str, Query(max_length=40)]
Start = Annotated[int, Query(ge=0, le=10**9)]
Name = Annotated[str, Form(max_length=1000)]


class View(msgspec.Struct, frozen=True):
    """What of a table is looked at: see operations.migration_table.page."""

    filter: str = ""
    sort: str = "id"
    down: bool = False
    start: int = 0

    def asked(self, **others: Any) -> str:
        """As the query of a link; others: what is different there."""
        values = {"filter": self.filter, "sort": self.sort, "down": self.down, "start": self.start} | others
        given = {name: value for name, value in values.items() if value not in ("", "id", False, 0)}
        return urlencode({name: "true" if value is True else value for name, value in given.items()})


def viewed(filter: Filter = "", sort: Sort = "id", down: bool = False, start: Start = 0) -> View:
    """From an address."""
    return View(filter, sort, down, start)


Viewed = Annotated[View, Depends(viewed)]


class Line(msgspec.Struct, frozen=True):
    """A row of the table as it is shown. kind: of its status, for its colour and sign; run: the newest of any kind."""

    row: TransferRow
    kind: str
    words: str
    scanned: str
    run: int | None
    last_us: int | None


SIGNS = {"new": "○", "running": "▶", "paused": "⏸", "complete": "✔", "issues": "⚠", "failed": "✖"}
KINDS = {
    "new": "paused",
    "running": "running",
    "paused": "paused",
    "complete": "success",
    "issues": "warning",
    "failed": "failed",
}


def line(row: TransferRow, over: Over) -> Line:
    """A row with its words; while it waits, or is scanned, that is its status."""
    kind, words = migrations.mood(row), migrations.status_of(row)[1]
    if (stands := over.get(row.id)) is not None:
        kind, words = mood_of(stands), words_of(stands)
    runs = [one for one in (row.run, row.scan) if one is not None]
    newest = max(runs, key=lambda one: one.started_us, default=None)
    return Line(
        row,
        kind,
        words,
        migrations.scanned_words(row),
        None if newest is None else newest.id,
        newest.started_us if newest else None,
    )


@router.get("/migrations")
def list_migrations(request: Request, visit: Viewer) -> Response:
    """Those that a person may see, and how they stand."""
    return _list(request, visit)


def _list(
    request: Request, visit: Visit, problem: HaulageError | None = None, typed: Sequence[str] = ("", "", "")
) -> Response:
    mine = rights.migrations(visit.ledger, visit.who)
    found = [(one, migration_table.sums(visit.ledger, one.id)) for one in mine]
    connectors = rights.own_connectors(visit.ledger, visit.who)
    facts: dict[str, Any] = {"found": found, "mine": connectors, "problem": problem, "typed": typed}
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
def migration(request: Request, visit: Viewer, migration_id: int, view: Viewed) -> Response:
    """One of them: counters, and its transfers."""
    return migration_page(request, visit, rights.migration(visit.ledger, visit.who, migration_id), view)


def migration_page(
    request: Request, visit: Visit, row: MigrationRow, view: View | None = None, problem: HaulageError | None = None
) -> Response:
    """The page of a migration; with what went wrong, if something did. A filter that cannot be read shows all."""
    view = view or View()
    try:
        facts = table_facts(visit, row, view)
    except Refused as error:
        problem, facts = problem or error, table_facts(visit, row, msgspec.structs.replace(view, filter=""))
    facts |= {
        "view": view,
        "page_rows": PAGE_ROWS,
        "columns": row_filter.COLUMNS,
        "works": rights.works_on(visit.ledger, visit.who, row) and visit.person.role.covers(Role.OPERATOR),
        "keeps": visit.person.role == Role.ADMIN or visit.person.owns(row.owner),
        "problem": problem,
    }
    return page(request, visit, "migration.html", 422 if problem else 200, **facts)


def table_facts(visit: Visit, row: MigrationRow, view: View) -> dict[str, Any]:
    """What changes on the page of a migration while it runs. Raises Refused for a filter that cannot be read."""
    passes = visit.passes.shown(row.id)
    found = migration_table.page(visit.ledger, row.id, view.filter, sort=view.sort, down=view.down, start=view.start)
    timed = schedules.of_migration(visit.ledger, row.id)
    running = {int(Status.RUNNING), SCANNING}
    return {
        "one": row,
        "totals": found.sums,
        "pace": visit.ledger.read(pace, row.id, found.over, now_us()),
        "lines": [line(each, found.over) for each in found.rows],
        "start": found.start,
        "passes": passes,
        "schedules": timed,
        "scheduled": schedules.by_row(timed, [each.id for each in found.rows]),
        "live": any(one.goes_on for one in passes) or not running.isdisjoint(found.over.values()),
        "signs": SIGNS,
        "kinds": KINDS,
        "shown_columns": columns.shown(visit),
    }


@router.get("/migrations/{migration_id}/chart")
def chart(request: Request, visit: Viewer, migration_id: int) -> Response:
    """What was moved over time: a page, or a piece of one."""
    row = rights.migration(visit.ledger, visit.who, migration_id)
    by, points = migration_table.moved(visit.ledger, row.id)
    facts: dict[str, Any] = {"one": row, "by": by, "points": points}
    return page(request, visit, "_chart.html" if request.headers.get("hx-request") else "migration_chart.html", **facts)


@router.get("/migrations/{migration_id}/suggest")
def suggest(request: Request, visit: Viewer, migration_id: int, filter: Filter = "") -> Response:
    """How what was typed into the filter may go on: a piece of the page."""
    row = rights.migration(visit.ledger, visit.who, migration_id)
    return page(request, visit, "_suggested.html", offers=migration_table.suggested(visit.ledger, row.id, filter))


@router.get("/migrations/{migration_id}/columns")
def columns_form(request: Request, visit: Viewer, migration_id: int) -> Response:
    """Which columns there are, and which the person sees."""
    row = rights.migration(visit.ledger, visit.who, migration_id)
    facts: dict[str, Any] = {"one": row, "every": columns.ordered(visit), "shown_columns": columns.shown(visit)}
    return page(request, visit, "migration_columns.html", **facts)


@router.post("/migrations/{migration_id}/columns")
def keep_columns(
    visit: Viewer,
    migration_id: int,
    key: Annotated[list[str], Form(max_length=100)] = [],  # noqa: B006 - FastAPI copies it
    order: Annotated[list[str], Form(max_length=100)] = [],  # noqa: B006 - FastAPI copies it
    move: Name = "",
) -> Response:
    """Keep them, for that person alone."""
    row = rights.migration(visit.ledger, visit.who, migration_id)
    columns.keep(visit, key, order, move)
    return RedirectResponse(f"/migrations/{row.id}{'/columns' if move else ''}", 303)


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
