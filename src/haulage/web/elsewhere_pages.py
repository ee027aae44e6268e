"""Signing in through the organisation's own sign-in, in the same window and back."""

import asyncio
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from haulage.model.errors import HaulageError, Missing
from haulage.operations import elsewhere, signing_in
from haulage.operations.elsewhere import Elsewhere, Purpose
from haulage.web.access import Anybody, Opened, Viewer, Visit, local_path, own, visit_cookie
from haulage.web.rendering import page
from haulage.web.sign_in_pages import address_of, keep_session, with_visit

router = APIRouter()
Text = Annotated[str, Form(max_length=2000)]


def _there() -> Elsewhere:
    found = elsewhere.elsewhere()
    if found is None:
        raise Missing("people sign in here only")
    return found


async def _leave(request: Request, seen: Opened | Visit, purpose: Purpose) -> Response:
    """Off to the other sign-in. The browser's own cookie says afterwards that it is the same one."""
    at = _there()
    browser = seen.new_cookie if isinstance(seen, Opened) else None
    browser = browser or request.cookies.get(visit_cookie(seen.settings)) or ""
    if not browser:
        raise Missing("the browser keeps no cookies")
    url = await elsewhere.begin(seen.ledger, at, purpose, seen.settings.public_url, browser)
    return page(request, seen, "leaving.html", url=url, title=at.title, host=urlsplit(url).hostname)


@router.post("/sign-in/elsewhere")
async def begin(request: Request, opened: Anybody, next: Text = "/", claim: Text = "") -> Response:
    """Sign in there; with the key of a one-time link, to begin here with it."""
    return with_visit(await _leave(request, opened, Purpose(local_path(next), claim)), opened)


@router.post("/account/elsewhere")
async def connect(request: Request, visit: Viewer) -> Response:
    """Sign in there once, to be let in so from now on."""
    own(visit)
    return await _leave(request, visit, Purpose("/account", person=visit.person.id))


@router.post("/account/elsewhere/end")
def disconnect(visit: Viewer) -> Response:
    """Be let in by the password alone again."""
    own(visit)
    elsewhere.disconnect(visit.ledger, visit.person, visit.actor)
    return RedirectResponse("/account", 303)


@router.get("/sign-in/callback")
async def back(request: Request, opened: Anybody) -> Response:
    """Back from there: a session begins, or it is told why not."""
    browser = request.cookies.get(visit_cookie(opened.settings), "")
    try:
        public_url = opened.settings.public_url
        person, purpose = await elsewhere.finish(opened.ledger, _there(), request.url.query, public_url, browser)
    except HaulageError as error:
        facts: dict[str, Any] = {"heading": "Not signed in", "message": error.message, "fix": error.fix}
        return page(request, opened, "message.html", 400, **facts)
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    key = await asyncio.to_thread(signing_in.begin_session, opened.ledger, person, address, agent)
    answer = RedirectResponse(local_path(purpose.next), 303)
    keep_session(answer, opened.settings, key)
    return answer
