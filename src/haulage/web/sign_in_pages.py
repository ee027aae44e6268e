"""Beginning with a one-time link, signing in and out."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from haulage.ledger import people as people_rows
from haulage.model.errors import Refused, SignInRefused, TooManyFailures
from haulage.operations import people, signing_in
from haulage.web.access import Anybody, Opened, Viewer, local_path, visit_cookie
from haulage.web.rendering import page
from haulage.web.settings import Settings

router = APIRouter()
Text = Annotated[str, Form(max_length=2000)]


def with_visit(answer: Response, opened: Opened) -> Response:
    """Have the browser be known again, where it was not known yet."""
    if opened.new_cookie is not None:
        settings = opened.settings
        answer.set_cookie(
            visit_cookie(settings), opened.new_cookie, httponly=True, samesite="lax", secure=settings.secure
        )
    return answer


def keep_session(answer: Response, settings: Settings, key: str) -> None:
    """Hand the browser its new session (S32)."""
    answer.set_cookie(settings.cookie, key, httponly=True, samesite="lax", secure=settings.secure)


def forget_session(answer: Response, settings: Settings) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(settings.cookie, httponly=True, samesite="lax", secure=settings.secure)


def address_of(request: Request) -> str:
    """From where somebody comes."""
    return request.client.host if request.client else ""


@router.get("/claim/{key}")
def claim_page(request: Request, opened: Anybody, key: str) -> Response:
    """Where somebody begins. Whoever has the link may choose a password, once (S27)."""
    good, person = people.claimed_for(opened.ledger, key)
    if not good:
        facts: dict[str, Any] = {"heading": "This link is good no more", "message": "It was used, or its time is over."}
        return page(request, opened, "message.html", 410, **facts, fix="Sign in, or ask for a new link.")
    return with_visit(page(request, opened, "claim.html", key=key, person=person, name="", problem=None), opened)


@router.post("/claim/{key}")
def claim(request: Request, opened: Anybody, key: str, password: Text, again: Text, name: Text = "") -> Response:
    """Begin: the password is kept, and the person is signed in."""
    good, person = people.claimed_for(opened.ledger, key)
    if not good:
        return claim_page(request, opened, key)
    try:
        if password != again:
            raise Refused("the two passwords differ", "Type the same one twice.")
        begun = people.claim(opened.ledger, key, name, password)
    except Refused as error:
        return page(request, opened, "claim.html", 422, key=key, person=person, name=name, problem=error)
    answer = RedirectResponse("/", 303)
    agent = request.headers.get("user-agent", "")
    keep_session(answer, opened.settings, signing_in.begin_session(opened.ledger, begun, address_of(request), agent))
    return answer


@router.get("/sign-in")
def sign_in_page(request: Request, opened: Anybody, next: str = "/", unsent: bool = False) -> Response:
    """The form. unsent: somebody sent another one when their session had ended."""
    empty = not opened.ledger.read(people_rows.any_at_all)
    facts: dict[str, Any] = {"next": local_path(next), "name": "", "problem": None, "empty": empty, "unsent": unsent}
    return with_visit(page(request, opened, "sign_in.html", **facts), opened)


@router.post("/sign-in")
def sign_in(
    request: Request, opened: Anybody, name: Text, password: Text, code: Text = "", next: Text = "/"
) -> Response:
    """Begin a session, or say the same whatever was wrong (S31)."""
    try:
        agent = request.headers.get("user-agent", "")
        key = signing_in.sign_in(opened.ledger, name, password, code, address_of(request), agent)
    except (SignInRefused, TooManyFailures) as error:
        status = 429 if isinstance(error, TooManyFailures) else 401
        facts: dict[str, Any] = {
            "next": local_path(next),
            "name": name,
            "problem": error,
            "empty": False,
            "unsent": False,
        }
        return page(request, opened, "sign_in.html", status, **facts)
    answer = RedirectResponse(local_path(next), 303)
    keep_session(answer, opened.settings, key)
    return answer


@router.post("/sign-out")
def sign_out(visit: Viewer) -> Response:
    """End this session."""
    signing_in.sign_out(visit.ledger, visit.who)
    answer = RedirectResponse("/sign-in", 303)
    forget_session(answer, visit.settings)
    return answer


@router.get("/")
def first_page(visit: Viewer) -> Response:
    """Where a person begins."""
    return RedirectResponse("/wizard", 303)
