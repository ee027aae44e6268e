"""Users added to a migration: found and matched on both sides, or named by a CSV file."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from haulage.ledger import migration_rows
from haulage.ledger.migration_rows import MigrationRow
from haulage.model import mapping
from haulage.model.errors import HaulageError, Missing, Refused
from haulage.model.mapping import MappingRefused, Wish
from haulage.model.matching import Match, Matched
from haulage.operations import migrations, rights
from haulage.web.access import Operator, Visit
from haulage.web.rendering import page

router = APIRouter()
MOST_SHOWN = 500


@router.get("/migrations/{migration_id}/add")
async def add_form(request: Request, visit: Operator, migration_id: int) -> Response:
    """The two ways of adding users."""
    return await _form(request, visit, await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id))


async def _form(request: Request, visit: Visit, row: MigrationRow, problem: HaulageError | None = None) -> Response:
    lines = problem.problems if isinstance(problem, MappingRefused) else ()
    facts: dict[str, Any] = {"one": row, "problem": problem, "lines": lines[:MOST_SHOWN], "wrong": len(lines)}
    facts["nobody"] = await _nobody(visit, row)
    return await asyncio.to_thread(page, request, visit, "migration_add.html", 422 if problem else 200, **facts)


async def _nobody(visit: Visit, row: MigrationRow) -> HaulageError | None:
    """Why nobody can be discovered, where that is known before anybody is asked."""
    try:
        await migrations.refuse_discovery(visit.ledger, row)
    except HaulageError as error:
        return error
    return None


@router.get("/migrations/{migration_id}/discovered")
async def discovered(request: Request, visit: Operator, migration_id: int) -> Response:
    """Who is on both sides, and who would be added: a piece of the page."""
    row = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    try:
        found = await migrations.discovered(visit.ledger, row)
    except HaulageError as error:
        return page(request, visit, "_told.html", message=error.message, fix=error.fix)
    taken = await asyncio.to_thread(_fresh, visit, row, found.taken)
    offered = await asyncio.to_thread(_fresh, visit, row, found.offered)
    facts: dict[str, Any] = {"one": row, "found": found, "taken": taken, "offered": offered, "most": MOST_SHOWN}
    return page(request, visit, "_discovered.html", **facts, key_of=_key)


def _fresh(visit: Visit, row: MigrationRow, pairs: Sequence[Match]) -> list[Match]:
    """Those whose source the migration does not have yet."""
    there = {source for source, _ in visit.ledger.read(migration_rows.ends, row.id)}
    return [one for one in pairs if one.source.path not in there]


def _key(pair: Match) -> str:
    return f"{pair.source.path}\t{pair.destination.path}"


@router.post("/migrations/{migration_id}/discovered")
async def add_discovered(
    request: Request,
    visit: Operator,
    migration_id: int,
    offer: Annotated[list[str], Form(max_length=1000)] = [],  # noqa: B006 - FastAPI copies it
    count: Annotated[int, Form()] = 0,
) -> Response:
    """Add those that match, and of those with nothing but a name in common the ones that were ticked.

    They are looked up anew; not if others match than were shown.
    """
    row = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    try:
        found = await migrations.discovered(visit.ledger, row)
        await asyncio.to_thread(_add, visit, row, found, set(offer), count)
    except Missing:
        raise
    except HaulageError as error:
        return await _form(request, visit, row, error)
    return RedirectResponse(f"/migrations/{row.id}", 303)


def _add(visit: Visit, row: MigrationRow, found: Matched, offer: set[str], count: int) -> None:
    taken = _fresh(visit, row, found.taken)
    chosen = [one for one in _fresh(visit, row, found.offered) if _key(one) in offer]
    if len(taken) != count or len(chosen) != len(offer):
        raise Refused("other users match now than were shown", "Discover them again.")
    if not taken and not chosen:
        raise Refused("there is nobody to add", "Everybody who matches is in the table already.")
    wishes = [Wish(0, one.source.path, one.destination.path) for one in (*taken, *chosen)]
    migrations.add(visit.ledger, row.name, wishes, visit.actor)


@router.post("/migrations/{migration_id}/upload")
async def upload(request: Request, visit: Operator, migration_id: int) -> Response:
    """Take a CSV file: all of its lines, or none and why. The form is read here, after the person is known."""
    row = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    form = await request.form()
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise Refused("no file was chosen", "Choose a CSV file.")
        data = await file.read()
        await asyncio.to_thread(_take, visit, row, data, form.get("what") == "update")
    except Missing:
        raise
    except HaulageError as error:
        return await _form(request, visit, row, error)
    return RedirectResponse(f"/migrations/{row.id}", 303)


def _take(visit: Visit, row: MigrationRow, data: bytes, updating: bool) -> None:
    if updating:
        migrations.update(visit.ledger, row.name, mapping.read(data, mapping.UPDATING), visit.actor)
    else:
        migrations.add(visit.ledger, row.name, mapping.read(data, mapping.ADDING), visit.actor)
