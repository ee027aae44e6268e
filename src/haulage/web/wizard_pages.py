"""The Transfer Wizard: a source, a destination, and the start, side by side."""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from haulage.engine.context import Options
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, HaulageError, Missing, Refused
from haulage.model.filters import Filters
from haulage.model.schedule import Every, Timing
from haulage.operations import browsing, budgets, rights, schedules
from haulage.operations.locations import Given, ReadOnly
from haulage.operations.signing_in import Who
from haulage.services.registry import service
from haulage.web.access import Operator, Viewer, Visit
from haulage.web.rendering import page

router = APIRouter()
Side = Literal["source", "destination"]
Name = Annotated[str, Query(max_length=200)]
SIDES: tuple[Side, Side] = ("source", "destination")
UNTYPED = {"source": "", "destination": "", "exclude": "", "when": "now", "every": "daily", "at": "01:00", "day": "1"}
UNTYPED |= {"zone": "UTC"}


class Loaded(msgspec.Struct, frozen=True):
    """What the wizard's address says: which connectors are loaded."""

    source: str = ""
    destination: str = ""

    def query(self) -> str:
        """As it stands in addresses."""
        return urlencode({key: value for key, value in msgspec.structs.asdict(self).items() if value})

    def with_(self, side: str, name: str) -> "Loaded":
        """With another connector on one side."""
        return msgspec.structs.replace(self, **{side: name})


@router.get("/wizard")
def wizard(request: Request, visit: Viewer, source: Name = "", destination: Name = "") -> Response:
    """The three steps."""
    return wizard_page(request, visit, Loaded(source, destination))


def wizard_page(
    request: Request,
    visit: Visit,
    loaded: Loaded,
    problem: HaulageError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The wizard; with what went wrong, if something did, and what was chosen and typed then."""
    mine = rights.own_connectors(visit.ledger, visit.who)
    grouped: dict[str, list[dict[str, Any]]] = {}
    for one in mine:
        grouped.setdefault(one["title"], []).append(one)
    by_name = {one["name"].casefold(): one for one in mine}
    sides = {side: by_name.get(getattr(loaded, side).casefold()) for side in SIDES}
    queries = {side: {one["name"]: loaded.with_(side, one["name"]).query() for one in mine} for side in SIDES}
    facts: dict[str, Any] = {
        "grouped": dict(sorted(grouped.items())),
        "sides": sides,
        "queries": queries,
        "without": {side: loaded.with_(side, "").query() for side in SIDES},
        "loaded": loaded,
        "problem": problem or _lacking(loaded, sides),
        "typed": {**UNTYPED, **(typed or {})},
        "zones": schedules.zones(),
        "scarce": budgets.stated(one["service"] for one in sides.values() if one is not None),
    }
    return page(request, visit, "wizard.html", 422 if problem else 200, **facts)


@router.get("/wizard/budget")
async def budget(
    request: Request,
    visit: Operator,
    source: Annotated[str, Query(max_length=5000)] = "",
    destination: Annotated[str, Query(max_length=5000)] = "",
) -> Response:
    """What the copy needs of the calls that a service takes, and how long that is: before it is started."""
    if not source or not destination:
        return Response(status_code=204)
    try:
        await asyncio.to_thread(rights.may_copy, visit.ledger, visit.who, source, destination)
        ends = Given(source, "source"), Given(destination, "destination")
        told, problem = await budgets.before(visit.ledger, *ends), None
    except Missing:
        raise
    except HaulageError as error:
        told, problem = [], error
    lines = [line for one in told for line in budgets.words(one)]
    return page(request, visit, "_budget.html", lines=lines, problem=problem)


def _lacking(loaded: Loaded, sides: Mapping[Side, Any]) -> HaulageError | None:
    """A connector that the address names and that is not the person's, or was deleted meanwhile."""
    lacking = [name for side in SIDES if (name := getattr(loaded, side)) and sides[side] is None]
    return Missing(f"there is no connector {lacking[0][:80]!r} here", "Choose another one below.") if lacking else None


@router.get("/browse")
async def browse(
    request: Request,
    visit: Operator,
    side: Side,
    at: Annotated[str, Query(max_length=5000)],
    whole: bool = False,
    on: Annotated[str, Query(max_length=20_000)] = "",
    source: Name = "",
    destination: Name = "",
) -> Response:
    """What a place holds, one level of it. whole: the connector is being loaded, and its top is shown.

    on: what an earlier answer gave for going on in a long folder. source, destination: what the wizard has loaded.
    """
    try:
        row = await asyncio.to_thread(rights.location, visit.ledger, visit.who, at)
        if side == "destination" and row.usage == "read":
            raise ReadOnly(row.name)
        if on:
            found = await browsing.browse_on(visit.ledger, at, _cursor(visit, at, on))
        else:
            found = await browsing.top(visit.ledger, at)
    except Missing:
        raise
    except HaulageError as error:
        lost, name = isinstance(error, AuthLost | ReadOnly), at.partition(":")[0]
        loaded = Loaded(source, destination)
        return page(request, visit, "_not_loaded.html", problem=error, lost=lost, name=name, side=side, loaded=loaded)
    many = found.kinds.get("user", 0)
    template = "_entries.html" if on else "_users.html" if whole and many else "_level.html"
    facts = _level(visit, row, side, at, found)
    return page(request, visit, template, **facts, whole=whole, writable=row.usage == "write")


def _level(visit: Visit, row: ConnectorRow, side: str, at: str, found: browsing.Browsed) -> dict[str, Any]:
    """What the templates of a level want to know."""
    on = "" if found.cursor is None else f"{_seal(visit, at, found.cursor)}.{found.cursor}"
    facts = {"found": found, "at": at, "side": side, "places": _places(at, found)}
    alone = service(row.service).whole_root
    return {**facts, "alone": alone, "kinds": counted(found.kinds), "on": on}


def _seal(visit: Visit, at: str, cursor: str) -> str:
    """Cursors are the service's own and may be addresses: only those that were given out are used, at their place."""
    return hmac.new(visit.form_key.encode(), f"{at}\n{cursor}".encode(), hashlib.sha256).hexdigest()


def _cursor(visit: Visit, at: str, on: str) -> str:
    """The cursor in what was given out. Raises Refused."""
    seal, _, cursor = on.partition(".")
    if not hmac.compare_digest(seal, _seal(visit, at, cursor)):
        raise Refused("this list has ended", "Open the folder again.")
    return cursor


def _places(at: str, found: browsing.Browsed) -> list[tuple[str, str]]:
    """The places below, as names and locations: roots, else folders."""
    base = at.rstrip("/")
    if found.roots:
        return [(one, f"{base}/{one}") for one in found.roots]
    return [(one.path, f"{base}/{one.path}") for one in found.items if one.kind.value == "folder"]


def counted(kinds: dict[str, int]) -> str:
    """12 users, 2 users (suspended), 1 user without a OneDrive, 3 libraries."""
    return ", ".join(f"{count:,} {_kind(kind, many=count != 1)}" for kind, count in kinds.items())


def _kind(kind: str, *, many: bool) -> str:
    noun, without, what = kind.partition(" without ")
    noun, _, state = noun.partition(", ")
    if many:
        noun = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{noun}{without}{what}" + (f" ({state})" if state else "")


@router.post("/browse/folder")
async def create_folder(
    request: Request,
    visit: Operator,
    side: Annotated[Side, Form()],
    at: Annotated[str, Form(max_length=5000)],
    name: Annotated[str, Form(max_length=1000)],
    whole: Annotated[bool, Form()] = False,
) -> Response:
    """Make a folder, and show the level again."""
    row = await asyncio.to_thread(rights.location, visit.ledger, visit.who, at)
    try:
        await browsing.create_folder(visit.ledger, at, name)
        found = await browsing.top(visit.ledger, at)
    except HaulageError as error:
        lost = isinstance(error, AuthLost)
        loaded = Loaded().with_(side, row.name)
        return page(
            request, visit, "_not_loaded.html", problem=error, lost=lost, name=row.name, side=side, loaded=loaded
        )
    facts = _level(visit, row, side, at, found)
    return page(request, visit, "_level.html", **facts, whole=whole, writable=row.usage == "write")


@router.post("/wizard/start")
async def start(
    request: Request,
    visit: Operator,
    source: Annotated[str, Form(max_length=5000)] = "",
    destination: Annotated[str, Form(max_length=5000)] = "",
    exclude: Annotated[str, Form(max_length=5000)] = "",
    when: Annotated[Literal["now", "schedule"], Form()] = "now",
    every: Annotated[Every, Form()] = Every.DAY,
    at: Annotated[str, Form(pattern=r"^\d{1,2}:\d\d(:\d\d)?$")] = "01:00",
    day: Annotated[int, Form()] = 1,
    zone: Annotated[str, Form(max_length=100)] = "UTC",
) -> Response:
    """Start the copy now, or have it started on a schedule."""
    loaded = Loaded(source.partition(":")[0], destination.partition(":")[0])
    try:
        await asyncio.to_thread(_may_start, visit.ledger, visit.who, source, destination)
        globs = tuple(line.strip() for line in exclude.splitlines() if line.strip())
        filters = Filters(exclude=globs).checked()
        if when == "now":
            run = await visit.runner.start(source, destination, Options(filters), visit.actor)
            return RedirectResponse(f"/runs/{run}", 303)
        hour, minute = (int(part) for part in at.split(":")[:2])
        timing = Timing(every, minute, hour, day, zone)
        schedules.add(visit.ledger, visit.person, source, destination, filters, timing, visit.actor)
        return RedirectResponse("/schedules", 303)
    except Missing:
        raise
    except HaulageError as error:
        typed = {"source": source, "destination": destination, "exclude": exclude, "when": when}
        typed |= {"every": every.value, "at": at, "day": str(day), "zone": zone}
        return await asyncio.to_thread(wizard_page, request, visit, loaded, error, typed)


def _may_start(ledger: Ledger, who: Who, source: str, destination: str) -> None:
    """Both sides chosen, and the person may copy between them. Raises Refused, Missing."""
    if not source or not destination:
        missing = "source" if not source else "destination"
        raise Refused(f"no {missing} is chosen", f"Connect a {missing} and choose a folder in it.")
    rights.may_copy(ledger, who, source, destination)
