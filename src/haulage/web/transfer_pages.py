"""One transfer of a migration: its summary, runs and actions; tags and notes of one or many, and their logs."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from haulage.ledger import audit
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.model import mapping
from haulage.model.errors import HaulageError, Missing, Refused
from haulage.model.outcome import Status
from haulage.model.person import Role
from haulage.operations import log_archive, migration_table, migrations, rights, transfer_rows
from haulage.web.access import Operator, Viewer, Visit
from haulage.web.migrating_pages import Ids, chosen_ids, meant, refuse_others
from haulage.web.migration_pages import KINDS, SIGNS, Filter, View, line, migration_page
from haulage.web.rendering import page

router = APIRouter()
SHOWN_ROWS = 20
MOST_NOTE = 2000
Path = Annotated[str, Form(max_length=5000)]
Change = Literal["tags", "notes", "delete", "cancel"]
Way = Literal["add", "replace", "remove"]
Shape = Literal["edit", "duplicate"]


def _one(visit: Visit, migration: MigrationRow, row_id: int) -> TransferRow:
    """A transfer of a migration. Raises Missing."""
    try:
        return migration_table.some(visit.ledger, migration.id, [row_id])[0]
    except Refused as error:
        raise Missing(f"there is no transfer {row_id} in this migration") from error


def _facts(visit: Visit, migration: MigrationRow, row: TransferRow) -> dict[str, Any]:
    works = rights.works_on(visit.ledger, visit.who, migration) and visit.person.role.covers(Role.OPERATOR)
    over = migration_table.over(visit.ledger, migration.id)
    stands = over.get(row.id, migrations.status_of(row)[0])
    done = transfer_rows.actions(row, stands, works=works)
    shown = {"one": migration, "row": row, "each": line(row, over), "actions": done, "signs": SIGNS, "kinds": KINDS}
    return shown | {"links": {one.key: _link(migration, row, one.key) for one in done}}


def _link(migration: MigrationRow, row: TransferRow, key: str) -> str:
    """Where an action begins."""
    at = f"/migrations/{migration.id}"
    newest = max([one.id for one in (row.run, row.scan) if one is not None], default=0)
    places = {"edit": f"{at}/rows/{row.id}/edit", "duplicate": f"{at}/rows/{row.id}/duplicate"}
    places |= {kind: f"{at}/what?kind={kind}&row={row.id}" for kind in ("scan", "copy")}
    return (places | {"log": f"/runs/{newest}", "logs": f"{at}/logs?row={row.id}"}).get(
        key, f"{at}/change?what={key}&row={row.id}"
    )


@router.get("/migrations/{migration_id}/rows/{row_id}")
def transfer(request: Request, visit: Viewer, migration_id: int, row_id: int) -> Response:
    """A transfer's summary, its actions, and all of its runs: a page, or the panel beside the table."""
    migration = rights.migration(visit.ledger, visit.who, migration_id)
    row = _one(visit, migration, row_id)
    facts = _facts(visit, migration, row) | {"runs": transfer_rows.runs_of(visit.ledger, row)}
    return page(request, visit, "_panel.html" if request.headers.get("hx-request") else "transfer.html", **facts)


@router.get("/migrations/{migration_id}/rows/{row_id}/menu")
def menu(request: Request, visit: Viewer, migration_id: int, row_id: int) -> Response:
    """What can be done with a transfer: a piece of the page."""
    migration = rights.migration(visit.ledger, visit.who, migration_id)
    return page(request, visit, "_actions.html", **_facts(visit, migration, _one(visit, migration, row_id)))


@router.get("/migrations/{migration_id}/rows/{row_id}/{shape}")
def paths_form(request: Request, visit: Operator, migration_id: int, row_id: int, shape: Shape) -> Response:
    """Other paths of a transfer, or another one like it."""
    migration = rights.work_on(visit.ledger, visit.who, migration_id)
    row = _one(visit, migration, row_id)
    return _paths(request, visit, migration, row, shape, (row.source, row.destination))


def _paths(
    request: Request,
    visit: Visit,
    migration: MigrationRow,
    row: TransferRow,
    shape: str,
    typed: tuple[str, str],
    problem: HaulageError | None = None,
) -> Response:
    facts = {"one": migration, "row": row, "shape": shape, "typed": typed, "problem": problem}
    return page(request, visit, "transfer_paths.html", 422 if problem else 200, **facts)


@router.post("/migrations/{migration_id}/rows/{row_id}/{shape}")
def paths(
    request: Request,
    visit: Operator,
    migration_id: int,
    row_id: int,
    shape: Shape,
    source: Path = "",
    destination: Path = "",
) -> Response:
    """Take them."""
    migration = rights.work_on(visit.ledger, visit.who, migration_id)
    row = _one(visit, migration, row_id)
    try:
        if shape == "edit":
            transfer_rows.edit(visit.ledger, migration, row_id, source, destination, visit.actor)
        else:
            row_id = transfer_rows.duplicate(visit.ledger, migration, row, source, destination, visit.actor)
    except Refused as error:
        return _paths(request, visit, migration, row, shape, (source, destination), error)
    return RedirectResponse(f"/migrations/{migration.id}/rows/{row_id}", 303)


@router.get("/migrations/{migration_id}/change")
def change_form(
    request: Request,
    visit: Operator,
    migration_id: int,
    what: Change = "tags",
    row: Ids = [],  # noqa: B006 - FastAPI copies it
    every: bool = False,
    filter: Filter = "",
) -> Response:
    """What is to be changed of one or many transfers: asked before it is."""
    migration = rights.work_on(visit.ledger, visit.who, migration_id)
    try:
        ids = chosen_ids(visit, migration, row, every, filter)
        found = migration_table.some(visit.ledger, migration.id, ids[:SHOWN_ROWS])
    except Refused as error:
        return migration_page(request, visit, migration, View(filter), error)
    facts: dict[str, Any] = {"one": migration, "found": found, "count": len(ids), "what": what, "filter": filter}
    facts |= {"ids": [] if every else ids, "every": every, "meant": meant(ids)}
    return page(request, visit, "transfers_change.html", **facts)


@router.post("/migrations/{migration_id}/change")
async def change(
    request: Request,
    visit: Operator,
    migration_id: int,
    what: Annotated[Change, Form()] = "tags",
    row: Annotated[list[int], Form(max_length=1000)] = [],  # noqa: B006 - FastAPI copies it
    every: Annotated[bool, Form()] = False,
    filter: Annotated[str, Form(max_length=5000)] = "",
    count: Annotated[int, Form()] = 0,
    shown: Annotated[str, Form(max_length=100, alias="meant")] = "",
    text: Annotated[str, Form(max_length=MOST_NOTE)] = "",
    way: Annotated[Way, Form()] = "replace",
) -> Response:
    """Change them; not if others would be meant than were shown."""
    migration = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    try:
        ids = await asyncio.to_thread(chosen_ids, visit, migration, row, every, filter)
        refuse_others(ids, count, shown)
        if what == "cancel":
            await visit.passes.stop_rows(migration, ids, Status.CANCELED, visit.actor)
        else:
            await asyncio.to_thread(_change, visit, migration, ids, what, text, way)
    except Refused as error:
        return await asyncio.to_thread(migration_page, request, visit, migration, View(filter), error)
    return RedirectResponse(f"/migrations/{migration.id}?{View(filter).asked()}", 303)


def _change(visit: Visit, migration: MigrationRow, ids: Sequence[int], what: str, text: str, way: str) -> None:
    if (why := mapping.unfit("What was typed", text)) is not None:
        raise Refused(why, "Type it again.")
    if what == "delete":
        migrations.remove(visit.ledger, migration.name, ids, visit.actor)
    elif what == "notes":
        migrations.mark(visit.ledger, migration.name, ids, visit.actor, notes=text.strip())
    else:
        migrations.tag(visit.ledger, migration.name, ids, mapping.tags_of(text), way, visit.actor)


@router.get("/migrations/{migration_id}/logs")
def logs(
    request: Request,
    visit: Viewer,
    migration_id: int,
    row: Ids = [],  # noqa: B006 - FastAPI copies it
    every: bool = False,
    filter: Filter = "",
) -> Response:
    """The logs of the selected transfers' runs as one zip, made while it is sent."""
    migration = rights.migration(visit.ledger, visit.who, migration_id)
    try:
        ids = chosen_ids(visit, migration, row, every, filter)
    except Refused as error:
        return migration_page(request, visit, migration, View(filter), error)
    facts = {"kind": "logs", "transfers": len(ids)}
    visit.ledger.do(audit.append, visit.actor, "migration export", f"migration {migration.id}", **facts)
    made: Iterator[bytes] = log_archive.pieces(visit.ledger, ids, migration.id)
    sent = {"Content-Disposition": f'attachment; filename="Logs-migration-{migration.id}.zip"'}
    return StreamingResponse(made, media_type="application/zip", headers=sent)
