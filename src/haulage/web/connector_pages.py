"""Connectors: authorised by signing in or by keys, authorised again, deleted."""

import asyncio
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import msgspec
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from haulage.ledger import sessions, shares
from haulage.ledger.connectors import ConnectorRow
from haulage.model.errors import HaulageError, Missing, Refused
from haulage.operations import adding, authorise, connectors, departures, realms, returning, rights, sharing
from haulage.operations.adding import Wanted
from haulage.services.authorisation import AccessKind
from haulage.services.declaration import Service
from haulage.services.registry import service as service_of
from haulage.web.access import FORM_KEY, Operator, Viewer, Visit
from haulage.web.rendering import page
from haulage.web.wizard_pages import Loaded

router = APIRouter()
Side = Literal["source", "destination"]
Name = Annotated[str, Query(max_length=200)]
NOT_FIELDS = frozenset({FORM_KEY, "display_name", "usage", "realm", "way", "side", "source", "destination"})


@router.get("/connectors")
def list_connectors(request: Request, visit: Viewer) -> Response:
    """A person's connectors; administrators see that others' exist."""
    mine = rights.own_connectors(visit.ledger, visit.who)
    others = rights.others_connectors(visit.ledger, visit.who)
    return page(request, visit, "connectors.html", mine=mine, others=others)


@router.get("/connectors/new")
def choose_service(
    request: Request, visit: Operator, side: Side = "source", source: Name = "", destination: Name = ""
) -> Response:
    """The list of services."""
    offered = adding.offered()
    where = Loaded(source, destination)
    return page(request, visit, "services.html", offered=offered, side=side, where=where, back=where.query())


@router.get("/connectors/new/{service_id}")
def new_connector(
    request: Request, visit: Operator, service_id: str, side: Side = "source", source: Name = "", destination: Name = ""
) -> Response:
    """The form of a service, built from its declaration."""
    chosen = _service(service_id)
    usage: AccessKind = "write" if side == "destination" or chosen.authorisation is None else "read"
    wanted = Wanted({}, usage=usage, realm=_first_realm(visit, chosen))
    return _form(request, visit, chosen, wanted, side, Loaded(source, destination))


def _service(service_id: str) -> Service:
    found = next((one for one in adding.offered() if one.id == service_id), None)
    if found is None:
        raise Missing("there is no such service here")
    return found


def _first_realm(visit: Visit, chosen: Service) -> str:
    """A sandbox that an operator made known is what is rehearsed on; else the vendors' own services."""
    offered = _realms(visit, chosen)
    return offered[-1] if len(offered) > 1 else "live"


def _realms(visit: Visit, chosen: Service) -> list[str]:
    every = realms.every(visit.ledger)
    return [one["name"] for one in every if one["services"] is None or chosen.id in one["services"]]


def _form(
    request: Request,
    visit: Visit,
    chosen: Service,
    wanted: Wanted,
    side: str,
    where: Loaded,
    problem: HaulageError | None = None,
    again: str = "",
) -> Response:
    """The form, with what was typed so far but for secrets (S14)."""
    if problem is not None and problem.answer is not None:
        wanted = msgspec.structs.replace(wanted, settings={**wanted.settings, problem.answer[0]: problem.answer[1]})
    facts: dict[str, Any] = {
        "chosen": chosen,
        "fields": [one for one in chosen.fields if not one.machine],
        "ways": () if chosen.authorisation is None else tuple(w for w in chosen.authorisation.ways if w.id != "device"),
        "wanted": wanted,
        "realms": _realms(visit, chosen),
        "side": side,
        "where": where,
        "back": where.query(),
        "returns": returning.return_to(chosen, visit.settings.public_url),
        "problem": problem,
        "again": again,
    }
    return page(request, visit, "connector_form.html", 422 if problem else 200, **facts)


async def _read(request: Request, chosen: Service, *, again: bool = False) -> tuple[Wanted, str, Loaded]:
    """What was typed; what is only a default was not. Raises Refused for fields that the service does not have."""
    form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    known = {one.name for one in chosen.fields if not one.machine}
    if unknown := sorted(set(form) - NOT_FIELDS - known):
        raise Refused(f"unknown fields: {', '.join(unknown)[:200]}")
    settings = {key: form[key].strip() for key in known if form.get(key, "").strip()}
    defaults = {} if again else {one.name: one.default for one in chosen.fields}
    settings = {key: value for key, value in settings.items() if value != defaults.get(key)}
    usage: AccessKind = "write" if form.get("usage") == "write" else "read"
    wanted = Wanted(
        settings, form.get("display_name", "").strip(), form.get("way") or None, usage, form.get("realm") or "live"
    )
    side = "destination" if form.get("side") == "destination" else "source"
    return wanted, side, Loaded(form.get("source", ""), form.get("destination", ""))


@router.post("/connectors/new/{service_id}")
async def add(request: Request, visit: Operator, service_id: str) -> Response:
    """Keys are tried and kept; where one signs in, the browser goes to the service."""
    chosen = await asyncio.to_thread(_service, service_id)
    wanted, side, where = await _read(request, chosen)
    try:
        if adding.signs_in(chosen, wanted):
            made = await asyncio.to_thread(adding.draft, visit.ledger, chosen, wanted)
            return await asyncio.to_thread(_to_service, request, visit, made, side, where)
        name = await adding.add(visit.ledger, chosen, wanted, visit.actor)
    except HaulageError as error:
        return await asyncio.to_thread(_form, request, visit, chosen, wanted, side, where, error)
    return RedirectResponse(f"/wizard?{where.with_(side, name).query()}", 303)


def _to_service(request: Request, visit: Visit, made: authorise.Draft, side: str, where: Loaded) -> Response:
    """Off to the service's consent page, in the same window. The session remembers where to come back to."""
    redirect = f"{visit.settings.public_url}/oauth/callback/{made.service}"
    begun = authorise.begin(visit.ledger, made, redirect, visit.actor, visit.who.session)
    facts: dict[str, Any] = {"side": side, "source": where.source, "destination": where.destination}
    visit.ledger.do(sessions.update, visit.who.session, facts=facts)
    title = service_of(made.service).title
    return page(request, visit, "leaving.html", url=begun.url, title=title, host=urlsplit(begun.url).hostname)


@router.get("/oauth/callback/{service_id}")
async def back(request: Request, visit: Operator, service_id: str) -> Response:
    """Back from the service: the connector is kept and loaded, or it is told why not (S02, S03)."""
    facts = visit.session.facts
    where, side = Loaded(facts.get("source", ""), facts.get("destination", "")), facts.get("side", "source")
    address = f"{visit.settings.public_url}{request.url.path}?{request.url.query}"
    try:
        kept = await authorise.finish(visit.ledger, service_id, address, visit.actor, visit.who.session)
    except HaulageError as error:
        told = {"heading": "Not connected", "message": error.message, "fix": error.fix}
        return page(request, visit, "not_connected.html", 400, **told, back=where.query())
    await visit.runner.resume_for(kept.row.id, visit.actor)
    return RedirectResponse(f"/wizard?{where.with_(side, kept.row.name).query()}", 303)


@router.get("/connectors/{name}/reauthorize")
def reauthorize_form(
    request: Request, visit: Operator, name: str, side: Side = "source", source: Name = "", destination: Name = ""
) -> Response:
    """What may be changed when a connector is authorised again."""
    row = rights.connector(visit.ledger, visit.who, name, own=True)
    usage: AccessKind = "write" if side == "destination" or row.usage == "write" else "read"
    way = None if row.way == "keys" else row.way
    wanted = Wanted(dict(row.settings), row.name, way, usage, row.realm)
    chosen = service_of(row.service)
    return _form(request, visit, chosen, wanted, side, Loaded(source, destination), again=row.name)


@router.post("/connectors/{name}/reauthorize")
async def reauthorize(request: Request, visit: Operator, name: str) -> Response:
    """Renew it in place: same connector, same transfers. Another account is refused (S07)."""
    row = await asyncio.to_thread(rights.connector, visit.ledger, visit.who, name, own=True)
    chosen = service_of(row.service)
    wanted, side, where = await _read(request, chosen, again=True)
    try:
        if adding.signs_in(chosen, wanted):
            made = await asyncio.to_thread(adding.draft_again, visit.ledger, row, wanted)
            return await asyncio.to_thread(_to_service, request, visit, made, side, where)
        await adding.renew(visit.ledger, row, wanted, visit.actor)
    except HaulageError as error:
        return await asyncio.to_thread(_form, request, visit, chosen, wanted, side, where, error, row.name)
    await visit.runner.resume_for(row.id, visit.actor)
    return RedirectResponse(f"/wizard?{where.with_(side, row.name).query()}", 303)


@router.get("/connectors/{name}/delete")
def delete_form(request: Request, visit: Operator, name: str) -> Response:
    """Asks, and says what it means."""
    row = rights.connector(visit.ledger, visit.who, name, own=True)
    how = service_of(row.service).authorisation
    revoking = departures.KEYS_STAY if how is None else how.revoking
    security = None if how is None else how.security_page
    facts: dict[str, Any] = {"one": connectors.shown(row), "revoking": revoking, "security": security, "problem": None}
    return page(request, visit, "connector_delete.html", **facts)


@router.post("/connectors/{name}/delete")
async def delete(request: Request, visit: Operator, name: str, anyway: Annotated[bool, Form()] = False) -> Response:
    """Revoke at the service, destroy here. Where the service could not be told, it says so and can be tried again."""
    row = await asyncio.to_thread(rights.connector, visit.ledger, visit.who, name, own=True)
    left = await departures.delete(visit.ledger, row.name, visit.actor, anyway=anyway)
    return page(request, visit, "connector_deleted.html", 200 if left.gone else 502, left=left, name=row.name)


@router.get("/connectors/{name}")
def one(request: Request, visit: Viewer, name: str) -> Response:
    """A connector and what has happened to it."""
    return _one(request, visit, rights.connector(visit.ledger, visit.who, name))


def _one(request: Request, visit: Visit, row: ConnectorRow, problem: Refused | None = None) -> Response:
    facts: dict[str, Any] = {"one": connectors.one(visit.ledger, row.name), "problem": problem}
    facts |= {"mine": visit.person.owns(row.owner), "owner": row.owner}
    facts["shared"] = visit.ledger.read(shares.people_of, row.id)
    return page(request, visit, "connector.html", 422 if problem else 200, **facts)


@router.post("/connectors/{name}/share")
def share(request: Request, visit: Operator, name: str, person: Annotated[str, Form(max_length=200)]) -> Response:
    """Let somebody else use it too."""
    row = rights.connector(visit.ledger, visit.who, name, own=True)
    try:
        sharing.share(visit.ledger, row, visit.person, person, visit.actor)
    except Refused as error:
        return _one(request, visit, row, error)
    return RedirectResponse(f"/connectors/{quote(row.name)}", 303)


@router.post("/connectors/{name}/share/{person_id}/end")
def unshare(visit: Operator, name: str, person_id: int) -> Response:
    """Let them use it no longer."""
    row = rights.connector(visit.ledger, visit.who, name, own=True)
    sharing.unshare(visit.ledger, row, person_id, visit.actor)
    return RedirectResponse(f"/connectors/{quote(row.name)}", 303)
