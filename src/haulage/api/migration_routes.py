"""/api/v1/migrations: many transfers together; their passes, schedules and reports."""

import asyncio
import secrets
import shutil
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query
from fastapi.responses import FileResponse, Response
from pydantic import Field
from starlette.background import BackgroundTask

from haulage.api.access import Call, ReadsRuns, WritesRuns
from haulage.api.documents import Body, Document, Number, api_router
from haulage.api.times import Rhythm, Window, hours_of
from haulage.ledger import audit
from haulage.ledger.migration_rows import MigrationRow
from haulage.model import mapping
from haulage.model.errors import Refused
from haulage.model.outcome import PassKind, Status
from haulage.operations import certificates, migration_reports, migration_table, migrations, passes, rights, schedules

router = api_router()
Filter = Annotated[str, Field(max_length=5000)]
Ids = Annotated[list[Annotated[int, Field(ge=1, le=2**53)]], Field(max_length=50_000)]
STOPS = {"pause": Status.PAUSED, "cancel": Status.CANCELED}


class NewMigration(Body):
    """A migration to be, between two connectors."""

    name: str = Field(max_length=1000)
    source: str = Field(max_length=200)
    destination: str = Field(max_length=200)


class Uploaded(Body):
    """A CSV file: as `haulage migrations add` takes it, or `update`. Larger ones in several parts."""

    csv: str = Field("", max_length=250_000)
    what: Literal["add", "update"] = "add"


class Chosen(Body):
    """Which transfers: those of `ids`, or all that `filter` shows where there are none."""

    ids: Ids = Field([])
    filter: Filter = ""


class NewPass(Chosen):
    """What is to be done with the chosen transfers now. hours: none for at any time."""

    kind: Literal["scan", "copy", "cutover"] = "scan"
    hours: Window | None = None


class NewPassSchedule(Rhythm, NewPass):
    """What is to be done with them by itself. Neither `ids` nor `filter`: with all that there are then."""


def _told(call: Call, row: MigrationRow) -> dict[str, Any]:
    facts = {**msgspec.structs.asdict(row), "totals": migration_table.sums(call.ledger, row.id)}
    del facts["filters"]
    return facts


def _chosen(call: Call, row: MigrationRow, body: Chosen) -> list[int]:
    """By number. Raises Refused where there is none, or one of them is not there."""
    found = migration_table.shown(call.ledger, row.id, "" if body.ids else body.filter)
    if body.ids:
        wanted = set(body.ids)
        found = [one for one in found if one in wanted]
        if missing := wanted - set(found):
            raise Refused(f"there is no transfer {min(missing)} in this migration", "See its list.")
    if not found:
        raise Refused("no transfer is chosen", "Add some, or change the filter.")
    return found


@router.get("/migrations")
def list_migrations(call: ReadsRuns) -> Response:
    """Those that you may see, with their counters."""
    return Document({"migrations": [_told(call, one) for one in rights.migrations(call.ledger, call.who)]})


@router.post("/migrations", status_code=201)
def create_migration(call: WritesRuns, body: NewMigration) -> Response:
    """Begin one between two connectors of yours."""
    for one in (body.source, body.destination):
        rights.connector(call.ledger, call.who, one)
    return Document(
        _told(call, migrations.create(call.ledger, body.name, body.source, body.destination, call.actor)), 201
    )


@router.get("/migrations/{migration_id}")
def get_migration(call: ReadsRuns, migration_id: Number) -> Response:
    """Its counters, passes and schedules."""
    row = rights.migration(call.ledger, call.who, migration_id)
    found = schedules.of_migration(call.ledger, row.id)
    going = [passes.told(one) for one in call.passes.shown(row.id)]
    return Document({**_told(call, row), "passes": going, "schedules": [schedules.told(one) for one in found]})


@router.delete("/migrations/{migration_id}", status_code=204)
def delete_migration(
    call: WritesRuns, migration_id: Number, confirm: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Delete its table; files, connectors and runs stay. confirm: the word DELETE."""
    row = rights.keep(call.ledger, call.who, migration_id)
    migrations.delete(call.ledger, row.name, confirm, call.actor)
    return Response(status_code=204)


@router.get("/migrations/{migration_id}/users")
def list_users(
    call: ReadsRuns,
    migration_id: Number,
    filter: Annotated[str, Query(max_length=5000)] = "",
    start: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Its transfers that a filter shows, and how each stands."""
    row = rights.migration(call.ledger, call.who, migration_id)
    ids = migration_table.shown(call.ledger, row.id, filter)
    found = migration_table.Rows(call.ledger, row.id, ids[start : start + limit])
    timed = schedules.of_migration(call.ledger, row.id)
    shown = [{**migrations.told(one), "schedule": schedules.of_row(timed, one.id)} for one in found]
    return Document({"users": shown, "count": len(ids)})


@router.post("/migrations/{migration_id}/users")
def upload_users(call: WritesRuns, migration_id: Number, body: Uploaded) -> Response:
    """Add or change transfers by a CSV file: all of its lines, or none and why."""
    row = rights.work_on(call.ledger, call.who, migration_id)
    if body.what == "add":
        count = migrations.add(call.ledger, row.name, mapping.read(body.csv.encode(), mapping.ADDING), call.actor)
    else:
        count = migrations.update(call.ledger, row.name, mapping.read(body.csv.encode(), mapping.UPDATING), call.actor)
    return Document({"count": count})


@router.post("/migrations/{migration_id}/users/{what}", status_code=202)
async def stop_users(
    call: WritesRuns, migration_id: Number, what: Literal["pause", "cancel"], body: Chosen
) -> Response:
    """Pause or cancel chosen transfers: those that wait at once, those that run soon. The others go on."""
    row = await asyncio.to_thread(rights.work_on, call.ledger, call.who, migration_id)
    found = await asyncio.to_thread(_chosen, call, row, body)
    return Document({"count": await call.passes.stop_rows(row, found, STOPS[what], call.actor)}, 202)


@router.get("/migrations/{migration_id}/passes")
def list_passes(call: ReadsRuns, migration_id: Number) -> Response:
    """What waits and runs, and the pass that ended last."""
    row = rights.migration(call.ledger, call.who, migration_id)
    return Document({"passes": [passes.told(one) for one in call.passes.shown(row.id)]})


@router.get("/migrations/{migration_id}/passes/{pass_id}/differences")
def list_differences(call: ReadsRuns, migration_id: Number, pass_id: Number) -> Response:
    """What differed before and after a cutover, transfer by transfer, with the first thousand paths of each."""
    row = rights.migration(call.ledger, call.who, migration_id)
    found = passes.of(call.ledger, row, pass_id)
    return Document({"differences": [msgspec.structs.asdict(one) for one in passes.differences(call.ledger, found)]})


@router.post("/migrations/{migration_id}/passes", status_code=201)
async def start_pass(call: WritesRuns, migration_id: Number, body: NewPass) -> Response:
    """Scan or start chosen transfers now. Those that wait or run already are left out, and counted as `busy`."""
    row = await asyncio.to_thread(rights.work_on, call.ledger, call.who, migration_id)
    await asyncio.to_thread(rights.may_begin, call.ledger, call.who, row, body.kind)
    found = await asyncio.to_thread(_chosen, call, row, body)
    begun = await call.passes.start(row, found, PassKind(body.kind), call.actor, hours=hours_of(body.hours))
    made = await asyncio.to_thread(passes.of, call.ledger, row, begun.id)
    return Document({**passes.told(call.passes.show(made)), "busy": begun.busy}, 201)


@router.post("/migrations/{migration_id}/passes/{pass_id}/{what}", status_code=202)
async def change_pass(
    call: WritesRuns, migration_id: Number, pass_id: Number, what: Literal["pause", "cancel", "resume"]
) -> Response:
    """Pause or cancel a pass, whichever process makes it, or go on with it here."""
    row = await asyncio.to_thread(rights.work_on, call.ledger, call.who, migration_id)
    found = await asyncio.to_thread(passes.of, call.ledger, row, pass_id)
    if what == "resume":
        await asyncio.to_thread(rights.may_begin, call.ledger, call.who, row, found.kind)
        await call.passes.resume(found, call.actor)
    else:
        await call.passes.stop(found, STOPS[what], call.actor)
    found = await asyncio.to_thread(passes.of, call.ledger, row, pass_id)
    return Document(passes.told(call.passes.show(found)), 202)


@router.post("/migrations/{migration_id}/schedules", status_code=201)
def add_pass_schedule(call: WritesRuns, migration_id: Number, body: NewPassSchedule) -> Response:
    """Have them scanned or started by themselves; it is changed and deleted by /schedules/ID."""
    row = rights.work_on(call.ledger, call.who, migration_id)
    ids = _chosen(call, row, body) if body.ids or body.filter else None
    kind, person, hours = PassKind(body.kind), call.who.person, hours_of(body.hours)
    made = schedules.add_for_migration(call.ledger, person, row, ids, kind, body.timing(), hours, call.actor)
    return Document(schedules.told(made), 201)


@router.get("/migrations/{migration_id}/reports/{report}")
def get_report(
    call: ReadsRuns,
    migration_id: Number,
    report: Literal["migration", "errors", "table"],
    filter: Annotated[str, Query(max_length=5000)] = "",
) -> Response:
    """A report as CSV, of the transfers that a filter shows."""
    row = rights.migration(call.ledger, call.who, migration_id)
    found = migration_table.Rows(call.ledger, row.id, migration_table.shown(call.ledger, row.id, filter))
    folder = call.ledger.path.parent / "reports" / f"migration-{row.id}" / secrets.token_hex(8)
    path = migration_reports.write(call.ledger, found, folder, (report,))[report]
    call.ledger.do(audit.append, call.actor, "migration export", f"migration {row.id}", kind=report)
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(path, media_type="text/csv; charset=utf-8", background=gone)


@router.get("/migrations/{migration_id}/certificate")
def get_certificate(call: ReadsRuns, migration_id: Number) -> Response:
    """The completeness certificate of everything that it moved, a zip: see the guide Verify."""
    row = rights.migration(call.ledger, call.who, migration_id)
    path = certificates.made_for(call.ledger, call.actor, migration=row)
    return FileResponse(path, media_type="application/zip", background=BackgroundTask(path.unlink, missing_ok=True))
