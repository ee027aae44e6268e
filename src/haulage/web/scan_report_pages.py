"""The scan reports of a migration: made in the background, watched, and downloaded."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from haulage.ledger import audit
from haulage.ledger.migration_rows import MigrationRow
from haulage.model.errors import HaulageError, Missing, Refused, TooManyFailures
from haulage.operations import migration_table, rights
from haulage.operations.building import NAMES, Builds, File
from haulage.web.access import ForgedForm, Viewer, Visit
from haulage.web.migration_pages import Filter
from haulage.web.rendering import page, render
from haulage.web.run_pages import LONGEST_STREAM_SECONDS, MOST_STREAMS, watching

router = APIRouter()
TICK_SECONDS = 0.5
MIME: dict[File, str] = {
    "zip": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
}


def _builds(request: Request) -> Builds:
    found: Builds = request.app.state.builds
    return found


@router.get("/migrations/{migration_id}/scan-reports")
def show(request: Request, visit: Viewer, migration_id: int, filter: Filter = "") -> Response:
    """What there is, what is being made, and the button."""
    return _show(request, visit, rights.migration(visit.ledger, visit.who, migration_id), filter)


def _show(
    request: Request, visit: Visit, one: MigrationRow, filter: str, problem: HaulageError | None = None
) -> Response:
    try:
        found = migration_table.scanned(visit.ledger, one.id, filter)
    except Refused as error:
        problem, filter = problem or error, ""
        found = migration_table.scanned(visit.ledger, one.id, filter)
    builds = _builds(request)
    facts: dict[str, Any] = {"one": one, "filter": filter, "users": found.transfers, "names": NAMES, "problem": problem}
    facts |= {"scanned": found.scanned, "build": builds.last(one.id), "made": builds.made(one.id)}
    return page(request, visit, "scan_reports.html", 422 if problem else 200, **facts)


@router.post("/migrations/{migration_id}/scan-reports")
async def make(
    request: Request, visit: Viewer, migration_id: int, filter: Annotated[str, Form(max_length=5000)] = ""
) -> Response:
    """Begin to make them, of the users that a filter shows."""
    one = await asyncio.to_thread(rights.migration, visit.ledger, visit.who, migration_id)
    try:
        there = await asyncio.to_thread(migration_table.scanned, visit.ledger, one.id, filter)
        if not there.transfers:
            raise Refused("there are no users to report on", "Add users, or change the filter.")
        _, found = await asyncio.to_thread(migration_table.of_name, visit.ledger, one.name, filter)
        _builds(request).start(one, found, there.items, filter, visit.actor)
    except Refused as error:
        return await asyncio.to_thread(_show, request, visit, one, filter, error)
    return RedirectResponse(f"/migrations/{one.id}/scan-reports", 303)


@router.get("/migrations/{migration_id}/scan-reports/events")
async def events(request: Request, visit: Viewer, migration_id: int) -> Response:
    """How far it is: `progress` is a piece of the page, `ended` says that nothing is being made."""
    if request.headers.get("origin", "null") not in {"null", *visit.settings.origins}:
        raise ForgedForm
    await asyncio.to_thread(rights.migration, visit.ledger, visit.who, migration_id)
    if watching(request)[visit.person.id] >= MOST_STREAMS:
        raise TooManyFailures("too many pages of yours watch runs", "Close some of them.", wait_seconds=60)
    told = _told(request, visit, migration_id)
    return StreamingResponse(told, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _told(request: Request, visit: Visit, migration_id: int) -> AsyncIterator[str]:
    clock = asyncio.get_running_loop().time
    until = clock() + LONGEST_STREAM_SECONDS
    watching(request)[visit.person.id] += 1
    try:
        while clock() < until and not await request.is_disconnected():
            build = _builds(request).last(migration_id)
            if build is None or not build.goes_on:
                yield "event: ended\ndata: \n\n"
                return
            piece = render("_building.html", build=build).replace("\n", " ")
            yield f"event: progress\ndata: {piece}\n\n"
            await asyncio.sleep(TICK_SECONDS)
    finally:
        watching(request)[visit.person.id] -= 1


@router.get("/migrations/{migration_id}/scan-reports/{file}")
def download(request: Request, visit: Viewer, migration_id: int, file: File) -> Response:
    """One of the three files, as they were made last."""
    one = rights.migration(visit.ledger, visit.who, migration_id)
    made = _builds(request).made(one.id)
    if made is None or not made.path(file).is_file():
        raise Missing("no such report has been made")
    visit.ledger.do(audit.append, visit.actor, "migration export", f"migration {one.id}", kind=f"scan {file}")
    return FileResponse(made.path(file), media_type=MIME[file], filename=NAMES[file])
