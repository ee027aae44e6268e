"""/api/v1: connectors, places, runs and schedules, beside migrations. Each answer is an operation's document."""

import asyncio
from typing import Annotated, Literal

import msgspec
from fastapi import Path, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import Field
from starlette.background import BackgroundTask

from haulage.api import problems
from haulage.api.access import Call, ReadsConnectors, ReadsRuns, WritesConnectors, WritesRuns
from haulage.api.documents import Body, Document, Number, api_router
from haulage.api.times import Changed, Rhythm, hours_of
from haulage.engine.context import Options
from haulage.ledger import people, work
from haulage.ledger.work import Search
from haulage.model.errors import Refused
from haulage.model.filters import Filters
from haulage.model.outcome import OutcomeKind
from haulage.model.schedule import Every
from haulage.operations import (
    adding,
    authorise,
    browsing,
    certificates,
    checking,
    connectors,
    departures,
    realms,
    rights,
    schedules,
    sharing,
)
from haulage.operations.adding import Wanted
from haulage.services.declaration import Service
from haulage.services.registry import service as service_of

router = api_router()
Name = Annotated[str, Path(max_length=200, pattern=r"^[^/:\x00]+$")]
PersonName = Annotated[str, Path(max_length=200, pattern=r"^[^/\x00]+$")]
Location = Annotated[str, Field(max_length=5000, pattern=r"^[^:/\x00]+:/[^\x00]*$", examples=["work:/folder"])]
Usage = Literal["read", "write"]


class NewConnector(Body):
    """A connector to be. name: after the account, where it is empty. settings: by field name, see /services."""

    service: str = Field(max_length=50)
    settings: dict[str, str] = Field({})
    name: str = Field("", max_length=100)
    way: str | None = Field(None, max_length=20)
    usage: Usage = "write"
    realm: str = Field("live", max_length=100)


class Renewed(Body):
    """What is to be another one when a connector is authorised again."""

    settings: dict[str, str] = Field({})
    way: str | None = Field(None, max_length=20)
    usage: Usage | None = None


class Answered(Body):
    """The address to which the service sent the browser."""

    service: str = Field(max_length=50)
    url: str = Field(max_length=10_000)


class NewRun(Body):
    """A copy to be started. exclude: globs."""

    source: Location
    destination: Location
    exclude: list[str] = Field([], max_length=1000)


class NewSchedule(Rhythm, NewRun):
    """A copy to be started by itself. day: of the week (1 is Monday) or the month."""

    every: Every


def _service(service_id: str) -> Service:
    found = next((one for one in adding.offered() if one.id == service_id), None)
    if found is None:
        raise Refused("there is no such service here", "See /api/v1/services.")
    return found


@router.get("/openapi.json", include_in_schema=False)
def description(request: Request, call: ReadsConnectors) -> Response:
    """What there is, as OpenAPI."""
    return Document(request.app.openapi())


@router.get("/services")
def list_services(call: ReadsConnectors) -> Response:
    """What can be connected, with the fields of each form."""
    return Document({"services": [connectors.explained(one) for one in adding.offered()]})


@router.get("/realms")
def list_realms(call: ReadsConnectors) -> Response:
    """Where services live."""
    return Document(
        {"realms": [{"name": one["name"], "services": one["services"]} for one in realms.every(call.ledger)]}
    )


@router.get("/connectors")
def list_connectors(call: ReadsConnectors) -> Response:
    """Your connectors."""
    return Document({"connectors": rights.own_connectors(call.ledger, call.who)})


@router.post("/connectors", status_code=201)
async def add_connector(call: WritesConnectors, body: NewConnector) -> Response:
    """Add a connector by keys or an application's own consent; for a sign-in, POST /authorisations."""
    chosen = await asyncio.to_thread(_service, body.service)
    wanted = Wanted(body.settings, body.name, body.way, body.usage, body.realm)
    if adding.signs_in(chosen, wanted):
        raise Refused("a person has to sign in for this", "POST the same to /api/v1/authorisations.")
    name = await adding.add(call.ledger, chosen, wanted, call.actor)
    return Document(connectors.one(call.ledger, name), 201)


@router.get("/connectors/{name}")
def get_connector(call: ReadsConnectors, name: Name) -> Response:
    """One connector, with what has happened to it."""
    return Document(connectors.one(call.ledger, rights.connector(call.ledger, call.who, name).name))


@router.post("/connectors/{name}/check")
async def check_connector(call: WritesConnectors, name: Name) -> Response:
    """Ask its account who it is, and try on it what its service promises of reading. Nothing is written."""
    row = await asyncio.to_thread(rights.connector, call.ledger, call.who, name)
    return Document(checking.told(await checking.check(call.ledger, row.name)))


@router.post("/connectors/{name}/reauthorize")
async def reauthorize_connector(call: WritesConnectors, name: Name, body: Renewed) -> Response:
    """Renew it in place. Where a person has to sign in, the answer's `url` says where."""
    row = await asyncio.to_thread(rights.connector, call.ledger, call.who, name, own=True)
    usage: Usage = body.usage or ("write" if row.usage == "write" else "read")
    way = body.way or (row.way if row.way not in ("keys", "device") else None)
    wanted = Wanted(body.settings, row.name, way, usage, row.realm)
    if adding.signs_in(service_of(row.service), wanted):
        return await asyncio.to_thread(_begin, call, adding.draft_again(call.ledger, row, wanted))
    await adding.renew(call.ledger, row, wanted, call.actor)
    resumed = await call.runner.resume_for(row.id, call.actor)
    return Document({**connectors.one(call.ledger, row.name), "resumed": resumed})


@router.delete("/connectors/{name}")
async def delete_connector(call: WritesConnectors, name: Name, anyway: bool = False) -> Response:
    """Revoke it at the service and destroy what is here. 502: the service could not be told; nothing can use it."""
    row = await asyncio.to_thread(rights.connector, call.ledger, call.who, name, own=True)
    left = await departures.delete(call.ledger, row.name, call.actor, anyway=anyway)
    if left.gone:
        return Document(departures.told(left))
    fix = "Send it again to try again, or with anyway=true to destroy what is here all the same."
    return problems.with_facts(502, "revoke_failed", left.note, fix, departures.told(left))


@router.put("/connectors/{name}/shares/{person}", status_code=204)
def share_connector(call: WritesConnectors, name: Name, person: PersonName) -> Response:
    """Let the person of that name use it too."""
    row = rights.connector(call.ledger, call.who, name, own=True)
    sharing.share(call.ledger, row, call.who.person, person, call.actor)
    return Response(status_code=204)


@router.delete("/connectors/{name}/shares/{person}", status_code=204)
def unshare_connector(call: WritesConnectors, name: Name, person: PersonName) -> Response:
    """Let them use it no longer."""
    row = rights.connector(call.ledger, call.who, name, own=True)
    known = call.ledger.read(people.by_name, person)
    sharing.unshare(call.ledger, row, 0 if known is None else known.id, call.actor)
    return Response(status_code=204)


@router.post("/authorisations", status_code=201)
def begin_authorisation(call: WritesConnectors, body: NewConnector) -> Response:
    """Begin a sign-in: a person opens `url`; the address that their browser ends at goes to /authorisations/finish."""
    if body.way not in (None, "code"):
        raise Refused(f"nobody signs in for the way {body.way!r}", "POST the same to /api/v1/connectors.")
    wanted = Wanted(body.settings, body.name, "code", body.usage, body.realm)
    return _begin(call, adding.draft(call.ledger, _service(body.service), wanted))


def _begin(call: Call, made: authorise.Draft) -> Response:
    redirect = f"{call.public_url}/oauth/callback/{made.service}"
    begun = authorise.begin(call.ledger, made, redirect, call.actor, "api")
    return Document({"url": begun.url, "redirect": begun.redirect, "expires_us": begun.expires_us}, 201)


@router.post("/authorisations/finish")
async def finish_authorisation(call: WritesConnectors, body: Answered) -> Response:
    """Finish a sign-in, once, within ten minutes."""
    chosen = await asyncio.to_thread(_service, body.service)
    kept = await authorise.finish(call.ledger, chosen.id, body.url, call.actor, "api")
    resumed = await call.runner.resume_for(kept.row.id, call.actor)
    return Document({**connectors.one(call.ledger, kept.row.name), "wider": list(kept.wider), "resumed": resumed})


@router.get("/browse")
async def browse(call: ReadsConnectors, at: Annotated[str, Query(max_length=5000)]) -> Response:
    """What a place holds."""
    await asyncio.to_thread(rights.location, call.ledger, call.who, at)
    return Document(browsing.told(await browsing.browse(call.ledger, at)))


@router.get("/runs")
def list_runs(
    call: ReadsRuns,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """The newest runs that you may see; `before`: only those of smaller numbers."""
    return Document({"runs": [call.runner.progress(one) for one in rights.runs(call.ledger, call.who, limit, before)]})


@router.post("/runs", status_code=201)
async def start_run(call: WritesRuns, body: NewRun) -> Response:
    """Start a copy."""
    filters = await asyncio.to_thread(_both, call, body)
    number = await call.runner.start(body.source, body.destination, Options(filters), call.actor)
    return Document(call.runner.progress(rights.run(call.ledger, call.who, number)), 201)


def _both(call: Call, body: NewRun) -> Filters:
    """Rights on both sides, and filters that make sense. Raises Missing, Refused."""
    rights.may_copy(call.ledger, call.who, body.source, body.destination)
    return Filters(exclude=tuple(body.exclude)).checked()


@router.get("/runs/{run_id}")
def get_run(call: ReadsRuns, run_id: Number) -> Response:
    """A run as it is now."""
    return Document(call.runner.progress(rights.run(call.ledger, call.who, run_id)))


@router.get("/runs/{run_id}/outcomes")
def list_outcomes(
    call: ReadsRuns,
    run_id: Number,
    text: Annotated[str, Query(max_length=500)] = "",
    outcome: Annotated[list[OutcomeKind], Query(max_length=20)] = [],  # noqa: B006 - FastAPI copies it
    start: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """A run's log."""
    found = rights.run(call.ledger, call.who, run_id)
    search = Search(text, tuple(outcome), start=start, limit=limit)
    rows, count = call.ledger.read(work.outcome_page, found.id, search)
    return Document({"outcomes": [msgspec.structs.asdict(one) for one in rows], "count": count})


@router.get("/runs/{run_id}/certificate")
def get_run_certificate(call: ReadsRuns, run_id: Number) -> Response:
    """The completeness certificate of a run that has ended, a zip: see the guide Verify."""
    found = rights.run(call.ledger, call.who, run_id)
    path = certificates.made_for(call.ledger, call.actor, run=found.id)
    return FileResponse(path, media_type="application/zip", background=BackgroundTask(path.unlink, missing_ok=True))


@router.post("/runs/{run_id}/{what}", status_code=202)
async def change_run(call: WritesRuns, run_id: Number, what: Literal["pause", "cancel", "resume"]) -> Response:
    """Pause or cancel a run that goes on here, or start its transfer again where it stood."""
    found = await asyncio.to_thread(rights.run, call.ledger, call.who, run_id)
    number = run_id
    if what == "resume":
        for place in (found.source, found.destination):
            await asyncio.to_thread(rights.location, call.ledger, call.who, place)
        number = await call.runner.go_on(found, call.actor)
    else:
        await call.runner.stop(run_id, call.actor, pause=what == "pause")
    return Document(call.runner.progress(rights.run(call.ledger, call.who, number)), 202)


@router.get("/schedules")
def list_schedules(call: ReadsRuns) -> Response:
    """What starts by itself."""
    return Document({"schedules": [schedules.told(one) for one in rights.own_schedules(call.ledger, call.who)]})


@router.post("/schedules", status_code=201)
def add_schedule(call: WritesRuns, body: NewSchedule) -> Response:
    """Have a copy start by itself."""
    filters, ends = _both(call, body), (body.source, body.destination)
    made = schedules.add(call.ledger, call.who.person, *ends, filters, body.timing(), call.actor)
    return Document(schedules.told(made), 201)


@router.put("/schedules/{schedule_id}")
def change_schedule(call: WritesRuns, schedule_id: Number, body: Changed) -> Response:
    """Have it start at these times, within these hours; what it starts stays."""
    row = rights.schedule(call.ledger, call.who, schedule_id)
    changed = schedules.change(call.ledger, row, body.timing(), hours_of(body.hours), call.actor)
    return Document(schedules.told(changed))


@router.delete("/schedules/{schedule_id}", status_code=204)
def delete_schedule(call: WritesRuns, schedule_id: Number) -> Response:
    """It starts nothing any more."""
    row = rights.schedule(call.ledger, call.who, schedule_id)
    schedules.remove(call.ledger, row.id, call.actor)
    return Response(status_code=204)
