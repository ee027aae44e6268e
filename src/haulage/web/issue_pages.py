"""The issues of a migration: failures by cause, the fix beside each, and one button that acts on all of a cause."""

import asyncio
import csv
import io
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from haulage.ledger.migration_rows import MigrationRow
from haulage.model.errors import HaulageError, Missing, Refused
from haulage.model.mapping import Wish
from haulage.model.outcome import PassKind
from haulage.model.person import Role
from haulage.operations import issues, migration_reports, migrations, rights
from haulage.operations.issues import Group
from haulage.web.access import Operator, Viewer, Visit
from haulage.web.migration_pages import Start
from haulage.web.rendering import page

router = APIRouter()
PAGE_ITEMS = 100
MOST_OFFERED = 5000
Key = Annotated[str, Path(max_length=200)]
Count = Annotated[int, Form()]
Texts = Annotated[list[str], Form(max_length=PAGE_ITEMS)]
Ids = Annotated[list[int], Form(max_length=PAGE_ITEMS)]


@router.get("/migrations/{migration_id}/issues")
def list_issues(request: Request, visit: Viewer, migration_id: int) -> Response:
    """All causes, with a few samples each."""
    return _list(request, visit, rights.migration(visit.ledger, visit.who, migration_id))


def _works(visit: Visit, one: MigrationRow) -> bool:
    return rights.works_on(visit.ledger, visit.who, one) and visit.person.role.covers(Role.OPERATOR)


def _list(request: Request, visit: Visit, one: MigrationRow, problem: HaulageError | None = None) -> Response:
    facts: dict[str, Any] = {"one": one, "groups": issues.groups(visit.ledger, one), "works": _works(visit, one)}
    facts |= {"unfit": issues.unfit(visit.ledger, one), "problem": problem}
    facts["going"] = any(each.goes_on for each in visit.passes.shown(one.id))
    return page(request, visit, "issues.html", 422 if problem else 200, **facts)


@router.get("/migrations/{migration_id}/issues/{issue}")
def show(request: Request, visit: Viewer, migration_id: int, issue: Key, start: Start = 0) -> Response:
    """All that one cause concerns, in pages."""
    one = rights.migration(visit.ledger, visit.who, migration_id)
    return _show(request, visit, one, issues.group(visit.ledger, one, issue), start)


def _show(
    request: Request, visit: Visit, one: MigrationRow, group: Group, start: int, problem: HaulageError | None = None
) -> Response:
    start -= start % PAGE_ITEMS
    found = issues.page(visit.ledger, one, group.cause, start, PAGE_ITEMS)
    facts: dict[str, Any] = {"one": one, "group": group, "found": found, "start": start, "page_items": PAGE_ITEMS}
    facts |= {"works": _works(visit, one), "unfit": issues.unfit(visit.ledger, one), "problem": problem}
    return page(request, visit, "issue.html", 422 if problem else 200, **facts)


@router.get("/migrations/{migration_id}/issues/{issue}/csv")
def download(visit: Viewer, migration_id: int, issue: Key) -> Response:
    """The same as CSV, however much it is."""
    one = rights.migration(visit.ledger, visit.who, migration_id)
    group = issues.group(visit.ledger, one, issue)
    named = {"Content-Disposition": f'attachment; filename="Issue-{group.key}.csv"'}
    return StreamingResponse(_lines(visit, one, group), media_type="text/csv; charset=utf-8", headers=named)


def _lines(visit: Visit, one: MigrationRow, group: Group) -> Iterator[str]:
    out = io.StringIO(newline="")
    out.write("\ufeff")
    writer = csv.writer(out, dialect="excel")
    writer.writerow(migration_reports.ISSUE_COLUMNS)
    for each in issues.everything(visit.ledger, one, group.cause):
        writer.writerow(migration_reports.issue_line(group, each))
        if out.tell() > 65536:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


@router.post("/migrations/{migration_id}/issues/{issue}/retry")
async def retry(request: Request, visit: Operator, migration_id: int, issue: Key, count: Count = 0) -> Response:
    """Copy the transfers that a cause concerns again; not if others are concerned than were shown."""
    one = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    try:
        await asyncio.to_thread(rights.may_begin, visit.ledger, visit.who, one, PassKind.COPY)
        found = await asyncio.to_thread(issues.to_retry, visit.ledger, one, issue, count)
        await visit.passes.start(one, found, PassKind.COPY, visit.actor)
    except Refused as error:
        return await asyncio.to_thread(_list, request, visit, one, error)
    return RedirectResponse(f"/migrations/{one.id}", 303)


@router.post("/migrations/{migration_id}/issues/{issue}/fit")
async def fit(request: Request, visit: Operator, migration_id: int, issue: Key, count: Count = 0) -> Response:
    """Take the names that are offered, and copy their transfers again; not if others are offered than were shown."""
    one = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    try:
        await asyncio.to_thread(rights.may_begin, visit.ledger, visit.who, one, PassKind.COPY)
        found = await asyncio.to_thread(issues.fit_names, visit.ledger, one, issue, visit.actor, count)
        await visit.passes.start(one, found, PassKind.COPY, visit.actor)
    except Refused as error:
        return await asyncio.to_thread(_list, request, visit, one, error)
    return RedirectResponse(f"/migrations/{one.id}", 303)


@router.get("/migrations/{migration_id}/issues/{issue}/places")
async def places(request: Request, visit: Operator, migration_id: int, issue: Key) -> Response:
    """Who and what there is on both sides, for users to be mapped by hand: a piece of the page."""
    one = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    await asyncio.to_thread(issues.group, visit.ledger, one, issue)
    try:
        found = await migrations.discovered(visit.ledger, one)
    except HaulageError as error:
        return page(request, visit, "_told.html", message=error.message, fix=error.fix)
    facts: dict[str, Any] = {"one": one, "most": MOST_OFFERED}
    facts["sources"] = [*(each.source for each in found.taken), *found.sources]
    facts["destinations"] = [*found.destinations, *(each.destination for each in found.taken)]
    return page(request, visit, "_places.html", **facts)


@router.post("/migrations/{migration_id}/issues/{issue}/correct")
async def correct(
    request: Request,
    visit: Operator,
    migration_id: int,
    issue: Key,
    row: Ids = [],  # noqa: B006 - FastAPI copies it
    source: Texts = [],  # noqa: B006 - likewise
    destination: Texts = [],  # noqa: B006 - likewise
) -> Response:
    """Correct the paths of transfers that could not begin, all or none, and start them."""
    one = await asyncio.to_thread(rights.work_on, visit.ledger, visit.who, migration_id)
    group = await asyncio.to_thread(issues.group, visit.ledger, one, issue)
    try:
        await asyncio.to_thread(rights.may_begin, visit.ledger, visit.who, one, PassKind.COPY)
        if not row or not len(row) == len(source) == len(destination):
            raise Refused("no path was given", "Correct one at least.")
        wishes = [
            Wish(number, *migrations.checked_ends(first, second), (), row_id)
            for number, (row_id, first, second) in enumerate(zip(row, source, destination, strict=True), 1)
        ]
        changed = await asyncio.to_thread(migrations.correct, visit.ledger, one.name, wishes, visit.actor)
        await visit.passes.start(one, changed, PassKind.COPY, visit.actor)
    except Missing:
        raise
    except Refused as error:
        return await asyncio.to_thread(_show, request, visit, one, group, 0, error)
    return RedirectResponse(f"/migrations/{one.id}", 303)
