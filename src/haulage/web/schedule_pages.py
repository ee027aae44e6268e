"""Schedules: what starts by itself."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from haulage.ledger.schedules import ScheduleRow
from haulage.model.errors import Missing, Refused
from haulage.operations import rights, schedules
from haulage.web.access import Operator, Viewer, Visit
from haulage.web.rendering import page
from haulage.web.when import When

router = APIRouter()


@router.get("/schedules")
def list_schedules(request: Request, visit: Viewer) -> Response:
    """A person's schedules, the next one first."""
    found = rights.own_schedules(visit.ledger, visit.who)
    return page(request, visit, "schedules.html", schedules=[schedules.told(one) for one in found])


@router.post("/schedules/{schedule_id}/delete")
def delete(visit: Operator, schedule_id: int) -> Response:
    """It starts nothing any more; runs stay."""
    row = rights.schedule(visit.ledger, visit.who, schedule_id)
    schedules.remove(visit.ledger, row.id, visit.actor)
    return RedirectResponse("/schedules", 303)


@router.get("/schedules/{schedule_id}")
def change_form(request: Request, visit: Operator, schedule_id: int) -> Response:
    """A schedule as it stands, to be changed."""
    row = rights.schedule(visit.ledger, visit.who, schedule_id)
    return _form(request, visit, row, When.of(row.timing, row.hours))


@router.post("/schedules/{schedule_id}")
def change(request: Request, visit: Operator, schedule_id: int, form: Annotated[When, Form()]) -> Response:
    """Have it start at other times, within other hours."""
    row = rights.schedule(visit.ledger, visit.who, schedule_id)
    try:
        schedules.change(visit.ledger, row, form.timing(), form.window(), visit.actor)
    except Missing:
        raise
    except Refused as error:
        return _form(request, visit, row, form, error)
    return RedirectResponse(f"/migrations/{row.migration_id}" if row.migration_id else "/schedules", 303)


def _form(request: Request, visit: Visit, row: ScheduleRow, filled: When, problem: Refused | None = None) -> Response:
    facts = {"one": schedules.told(row), "filled": filled, "zones": schedules.zones(), "problem": problem}
    return page(request, visit, "schedule.html", 422 if problem else 200, **facts)
