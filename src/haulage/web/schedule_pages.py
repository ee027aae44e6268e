"""Schedules: what starts by itself."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from haulage.operations import rights, schedules
from haulage.web.access import Operator, Viewer
from haulage.web.rendering import page

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
