"""What a person does with a migration's transfers: scanned, started and paused, watched, and reported on."""

import asyncio
import hashlib
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from pydantic import Field
from starlette.background import BackgroundTask

from haulage.ledger import audit
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.model.errors import HaulageError, Missing, Refused, TooManyFailures
from haulage.model.outcome import PassKind, Status
from haulage.operations import (
    budgets,
    certificates,
    cutovers,
    migration_reports,
    migration_table,
    passes,
    rights,
    schedules,
)
from haulage.operations.locations import Given
from haulage.web import columns
from haulage.web.access import ForgedForm, Operator, Viewer, Visit
from haulage.web.migration_pages import Filter, View, Viewed, migration_page, table_facts
from haulage.web.rendering import page, render
from haulage.web.run_pages import LONGEST_STREAM_SECONDS, MOST_STREAMS, watching
from haulage.web.when import USUAL, When

router = APIRouter()
TICK_SECONDS = 1.0
TICK_SHARE = 10
"""A tick waits at least so many times as long as it took to look: large tables are looked at less often."""
SHOWN_ROWS = 20
Kind = Literal["scan", "copy", "cutover"]
Report = Literal["migration", "errors", "columns", "table"]
NAMES = {"migration": "MigrationReport", "errors": "MigrationErrorReport", "columns": "MigrationTableReport"}
Change = Literal["pause", "cancel", "resume"]
STOPS = {"pause": Status.PAUSED, "cancel": Status.CANCELED}
Ids = Annotated[list[int], Query(max_length=1000)]


def chosen_ids(visit: Visit, row: MigrationRow, ids: Sequence[int], every: bool, filter: str) -> list[int]:
    """Those that were selected, by number: all that a filter shows, or those ticked. Raises Refused."""
    if every:
        ids = migration_table.shown(visit.ledger, row.id, filter)
    if not ids:
        raise Refused("no user is selected", "Select one or more users first.")
    return list(dict.fromkeys(ids))


def meant(ids: Sequence[int]) -> str:
    """A mark of who is selected: another one where others are, be they as many."""
    return hashlib.blake2b(repr(sorted(ids)).encode(), digest_size=8).hexdigest()


def refuse_others(ids: Sequence[int], count: int, shown: str) -> None:
    """Raises Refused where others would be meant than were shown: how many these were, and their mark."""
    if len(ids) != count:
        raise Refused(f"{len(ids):,} users match now, {count:,} were shown", "Look at them again.")
    if shown and shown != meant(ids):
        raise Refused("other users match now than were shown, as many", "Look at them again.")


def _chosen(visit: Visit, row: MigrationRow, ids: Sequence[int], every: bool, filter: str) -> list[int]:
    """The transfers that were selected, by number, which are there. Raises Refused."""
    found = chosen_ids(visit, row, ids, every, filter)
    if not every:
        migration_table.some(visit.ledger, row.id, found)
    return found


@router.get("/migrations/{migration_id}/what")
async def what(
    request: Request,
    visit: Operator,
    migration_id: int,
    row: Ids = [],  # noqa: B006 - FastAPI copies it
    every: bool = False,
    filter: Filter = "",
    kind: Kind = "scan",
) -> Response:
    """What would be scanned or started, and when, before it is."""
    one = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    try:
        ids = await asyncio.to_thread(chosen_ids, visit, one, row, every, filter)
        found = await asyncio.to_thread(migration_table.some, visit.ledger, one.id, ids[:SHOWN_ROWS])
    except Refused as error:
        return await asyncio.to_thread(migration_page, request, visit, one, View(filter), error)
    facts: dict[str, Any] = {"one": one, "found": found, "count": len(ids), "meant": meant(ids), "kind": kind}
    facts |= {"ids": [] if every else row, "every": every, "filter": filter, "at_once": visit.passes.at_once}
    facts |= {"zones": schedules.zones(), "filled": USUAL}
    facts["budget"] = [] if kind == "scan" else await _budget(visit, one, found[0], ids)
    return page(request, visit, "migration_what.html", **facts)


async def _budget(visit: Visit, one: MigrationRow, first: TransferRow, ids: Sequence[int]) -> list[str]:
    """Where a service takes few calls: what these users need of them, and how long that is. A sentence each."""
    if not (few := budgets.stated((one.source_service, one.destination_service))):
        return []
    source, destination = f"{one.source}:/{first.source}", f"{one.destination}:/{first.destination}"
    ends = Given(source, "source"), Given(destination, "destination")
    try:
        rows = await asyncio.to_thread(list, migration_table.Rows(visit.ledger, one.id, ids))
        told = await budgets.of_rows(visit.ledger, *ends, rows)
    except HaulageError:  # what is the matter with a place is told where it is started
        return few
    return [line for each in told for line in budgets.words(each)]


class Begin(When):
    """Which users, and when. count: how many were shown; meant: see `meant`."""

    row: list[int] = Field([], max_length=1000)
    every: bool = False
    filter: str = Field("", max_length=5000)
    kind: Kind = "scan"
    count: int = 0
    meant: str = ""


@router.post("/migrations/{migration_id}/begin")
async def begin(request: Request, visit: Operator, migration_id: int, form: Annotated[Begin, Form()]) -> Response:
    """Scan or start them now or on a schedule; not if others would be meant than were shown."""
    one = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    try:
        await asyncio.to_thread(rights.may_begin, visit.ledger, visit.who, one, form.kind)
        found = await asyncio.to_thread(_chosen, visit, one, form.row, form.every, form.filter)
        refuse_others(found, form.count, form.meant)
        kind = PassKind(form.kind)
        if form.when == "now":
            await visit.passes.start(one, found, kind, visit.actor, hours=form.window())
        else:
            ids = None if form.every and not form.filter else found
            facts = visit.person, one, ids, kind, form.timing(), form.window(), visit.actor
            await asyncio.to_thread(schedules.add_for_migration, visit.ledger, *facts)
    except Missing:
        raise
    except Refused as error:
        return await asyncio.to_thread(migration_page, request, visit, one, View(form.filter), error)
    return RedirectResponse(f"/migrations/{one.id}", 303)


@router.post("/migrations/{migration_id}/passes/{pass_id}/{what}")
async def change_pass(request: Request, visit: Operator, migration_id: int, pass_id: int, what: Change) -> Response:
    """Pause a pass, cancel it, or go on with it; whichever process makes it."""
    one = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    try:
        found = await asyncio.to_thread(passes.of, visit.ledger, one, pass_id)
        if what == "resume":
            await asyncio.to_thread(rights.may_begin, visit.ledger, visit.who, one, found.kind)
            await visit.passes.resume(found, visit.actor)
        else:
            await visit.passes.stop(found, STOPS[what], visit.actor)
    except Missing:
        raise
    except Refused as error:
        return await asyncio.to_thread(migration_page, request, visit, one, None, error)
    return RedirectResponse(f"/migrations/{one.id}", 303)


@router.get("/migrations/{migration_id}/cutover")
def cutover(request: Request, visit: Viewer, migration_id: int, after: int = -1) -> Response:
    """What differed before the newest cutover, and what still differs; after: where the page begins."""
    one = rights.migration(visit.ledger, visit.who, migration_id)
    found = cutovers.newest(visit.ledger, one, after)
    goes_on = found is not None and visit.passes.show(found.row).goes_on
    facts: dict[str, Any] = {"one": one, "found": found, "goes_on": goes_on, "shown_paths": cutovers.SHOWN_PATHS}
    return page(request, visit, "migration_cutover.html", **facts)


@router.get("/migrations/{migration_id}/reports/{report}")
def download(visit: Viewer, migration_id: int, report: Report, filter: Filter = "") -> Response:
    """One of the reports as CSV, of the transfers that a filter shows."""
    one = rights.migration(visit.ledger, visit.who, migration_id)
    found = migration_table.Rows(visit.ledger, one.id, migration_table.shown(visit.ledger, one.id, filter))
    folder = visit.ledger.path.parent / "reports" / f"migration-{one.id}" / secrets.token_hex(8)
    shown = [each.key for each in columns.shown(visit)], schedules.of_migration(visit.ledger, one.id)
    path: Path = migration_reports.write(visit.ledger, found, folder, (report,), shown)[report]
    visit.ledger.do(audit.append, visit.actor, "migration export", f"migration {one.id}", kind=report)
    name = NAMES.get(report, "MigrationTable")
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(path, media_type="text/csv; charset=utf-8", filename=f"{name}.csv", background=gone)


@router.get("/migrations/{migration_id}/certificate")
def certificate(visit: Viewer, migration_id: int) -> Response:
    """The completeness certificate of everything that it moved."""
    one = rights.migration(visit.ledger, visit.who, migration_id)
    path = certificates.made_for(visit.ledger, visit.actor, migration=one)
    gone = BackgroundTask(path.unlink, missing_ok=True)
    name = f"migration-{one.id}-certificate.zip"
    return FileResponse(path, media_type="application/zip", filename=name, background=gone)


@router.get("/migrations/{migration_id}/events")
async def events(request: Request, visit: Viewer, migration_id: int, view: Viewed) -> Response:
    """The table as it changes: `changed` is a document of counters and cells, `ended` says that nothing runs."""
    if request.headers.get("origin", "null") not in {"null", *visit.settings.origins}:
        raise ForgedForm
    await asyncio.to_thread(rights.migration, visit.ledger, visit.who, migration_id)
    if watching(request)[visit.person.id] >= MOST_STREAMS:
        raise TooManyFailures("too many pages of yours watch runs", "Close some of them.", wait_seconds=60)
    told = _told(request, visit, migration_id, view)
    return StreamingResponse(told, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _told(request: Request, visit: Visit, migration_id: int, view: View) -> AsyncIterator[str]:
    watching(request)[visit.person.id] += 1
    try:
        async for one in _events(request, visit, migration_id, view):
            yield one
    finally:
        watching(request)[visit.person.id] -= 1


async def _events(request: Request, visit: Visit, migration_id: int, view: View) -> AsyncIterator[str]:
    clock = asyncio.get_running_loop().time
    until, before = clock() + LONGEST_STREAM_SECONDS, dict[str, Any]()
    while clock() < until and not await request.is_disconnected():
        began = clock()
        goes_on, pieces = await asyncio.to_thread(_pieces, visit, migration_id, view)
        changed = {name: html for name, html in pieces.items() if before.get(name) != html}
        before = pieces
        if changed:
            yield f"event: changed\ndata: {json.dumps(changed)}\n\n"
        if not goes_on:
            yield "event: ended\ndata: \n\n"
            return
        await asyncio.sleep(max(TICK_SECONDS, TICK_SHARE * (clock() - began)))


def _pieces(visit: Visit, migration_id: int, view: View) -> tuple[bool, dict[str, str]]:
    """Whether anything runs, and the parts of the page that may have changed, by the ids of their places."""
    row = rights.migration(visit.ledger, visit.who, migration_id)
    facts = table_facts(visit, row, view)
    pieces = {"counters": render("_counters.html", **facts), "work": render("_work.html", **facts)}
    for each in facts["lines"]:
        pieces[f"user-{each.row.id}"] = render("_transfer.html", each=each, **facts)
    return facts["live"], pieces
