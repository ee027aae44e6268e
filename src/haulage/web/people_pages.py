"""People: for administrators."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from haulage.ledger import people as people_rows
from haulage.model.errors import Refused
from haulage.model.person import Role
from haulage.operations import people
from haulage.web.access import Administrator, Visit
from haulage.web.rendering import page

router = APIRouter()


def _people(request: Request, visit: Visit, problem: Refused | None = None, link: str | None = None) -> Response:
    found = visit.ledger.read(people_rows.every)
    facts: dict[str, Any] = {"people": found, "roles": list(Role), "problem": problem, "link": link}
    return page(request, visit, "people.html", 422 if problem else 200, **facts)


@router.get("/people")
def list_people(request: Request, visit: Administrator) -> Response:
    """Everybody who may sign in."""
    return _people(request, visit)


@router.post("/people")
def invite(
    request: Request, visit: Administrator, name: Annotated[str, Form(max_length=200)], role: Annotated[Role, Form()]
) -> Response:
    """Add somebody; the link with which they begin is shown this once."""
    try:
        _, key = people.invite(visit.ledger, name, role, visit.actor)
    except Refused as error:
        return _people(request, visit, error)
    return _people(request, visit, link=f"{visit.settings.public_url}/claim/{key}")
