"""A person's own account: password, one-time codes, sessions, tokens, notices, who may act for them, leaving."""

from typing import Annotated, Any

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from haulage.ledger import people as people_rows
from haulage.ledger import sessions
from haulage.model.errors import HaulageError, Missing, Refused
from haulage.model.person import Notices, Scope
from haulage.operations import notices as sending
from haulage.operations import people, signing_in
from haulage.web.access import Viewer, Visit, own
from haulage.web.rendering import page
from haulage.web.sign_in_pages import forget_session

router = APIRouter()
Text = Annotated[str, Form(max_length=2000)]


def _account(request: Request, visit: Visit, problem: HaulageError | None = None, **more: Any) -> Response:
    person = visit.person
    facts: dict[str, Any] = {
        "sessions": visit.ledger.read(sessions.of, person.id) if visit.who.by is None else [],
        "tokens": visit.ledger.read(sessions.tokens_of, person.id),
        "delegates": visit.ledger.read(people_rows.delegates_of, person.id),
        "acting": visit.ledger.read(people_rows.acting_for, (visit.who.by or person).id),
        "scopes": list(Scope),
        "notices": list(Notices),
        "sends": sending.post() is not None,
        "problem": problem,
        "done": None,
        "second": None,
        "token": None,
        "second_first": False,
        **more,
    }
    return page(request, visit, "account.html", 422 if problem else 200, **facts)


@router.get("/account")
def account(request: Request, visit: Viewer, second_first: bool = False) -> Response:
    """The page. second_first: somebody was sent here because nothing else is theirs before."""
    return _account(request, visit, second_first=second_first)


@router.post("/account/password")
def password(request: Request, visit: Viewer, old: Text, new: Text, again: Text) -> Response:
    """Change it; all other sessions end."""
    own(visit)
    try:
        if new != again:
            raise Refused("the two new passwords differ", "Type the same one twice.")
        people.change_password(visit.ledger, visit.person, old, new, visit.who.session, visit.actor)
    except Refused as error:
        return _account(request, visit, error)
    return _account(request, visit, done="The password was changed, and every other session ended.")


@router.post("/account/second")
def second(request: Request, visit: Viewer) -> Response:
    """A new secret for one-time codes, shown once; nothing is asked for before its first code was typed."""
    own(visit)
    secret, address = signing_in.new_second(visit.person)
    return _account(request, visit, second=_shown(secret, address))


def _shown(secret: str, address: str) -> dict[str, str]:
    """As text, and as a picture for an authenticator's camera."""
    picture = segno.make(address, error="m").svg_data_uri(scale=4, border=2, light="white")
    return {"secret": secret, "address": address, "picture": picture}


@router.post("/account/second/keep")
def keep_second(request: Request, visit: Viewer, secret: Text, code: Text) -> Response:
    """Ask for codes from here on."""
    own(visit)
    try:
        signing_in.keep_second(visit.ledger, visit.person, secret, code, visit.actor)
    except Refused as error:
        return _account(request, visit, error)
    return RedirectResponse("/account", 303)


@router.post("/account/second/drop")
def drop_second(request: Request, visit: Viewer, password: Text) -> Response:
    """Ask for codes no more."""
    own(visit)
    try:
        signing_in.drop_second(visit.ledger, visit.person, password, visit.actor)
    except Refused as error:
        return _account(request, visit, error)
    return RedirectResponse("/account", 303)


@router.post("/account/sessions/{key_hash}/end")
def end_session(visit: Viewer, key_hash: str) -> Response:
    """End one of one's sessions."""
    own(visit)
    if not visit.ledger.do(sessions.end, visit.person.id, key_hash):
        raise Missing("there is no such session")
    return RedirectResponse("/account", 303)


@router.post("/account/notices")
def set_notices(request: Request, visit: Viewer, notices: Annotated[Notices, Form()], email: Text = "") -> Response:
    """When one wants to be told, and where."""
    try:
        people.set_notices(visit.ledger, visit.person, notices, email)
    except Refused as error:
        return _account(request, visit, error)
    return RedirectResponse("/account", 303)


@router.post("/account/tokens")
def add_token(
    request: Request, visit: Viewer, name: Text, days: Annotated[int, Form()], scopes: Annotated[list[str], Form()]
) -> Response:
    """A token for a program; its key is shown this once."""
    own(visit)
    try:
        _, key = signing_in.add_token(visit.ledger, visit.person, name, scopes, days, visit.actor)
    except Refused as error:
        return _account(request, visit, error)
    return _account(request, visit, token=key)


@router.post("/account/tokens/{token_id}/end")
def end_token(visit: Viewer, token_id: int) -> Response:
    """End it at once."""
    own(visit)
    try:
        signing_in.end_token(visit.ledger, visit.person, token_id, visit.actor)
    except Refused as error:
        raise Missing(error.message) from error
    return RedirectResponse("/account", 303)


@router.post("/account/delegates")
def delegate(request: Request, visit: Viewer, name: Text) -> Response:
    """Let an administrator act for one."""
    own(visit)
    try:
        people.delegate(visit.ledger, visit.person, name, visit.actor)
    except Refused as error:
        return _account(request, visit, error)
    return RedirectResponse("/account", 303)


@router.post("/account/delegates/{person_id}/end")
def undelegate(visit: Viewer, person_id: int) -> Response:
    """Let them act no longer."""
    own(visit)
    people.undelegate(visit.ledger, visit.person, person_id, visit.actor)
    return RedirectResponse("/account", 303)


@router.post("/account/act-for/{person_id}")
def act_for(visit: Viewer, person_id: int) -> Response:
    """Act for somebody who allowed it; 0: return to one's own account."""
    signing_in.act_for(visit.ledger, visit.who, person_id or None)
    return RedirectResponse("/wizard", 303)


@router.post("/account/delete")
async def delete(request: Request, visit: Viewer, typed: Text, anyway: Annotated[bool, Form()] = False) -> Response:
    """Delete the account with its connectors and schedules; runs stay readable."""
    own(visit)
    try:
        if typed != visit.person.name:
            raise Refused("that is not your name", "Type your name to delete the account.")
        stuck = await people.leave(visit.ledger, visit.person, visit.actor, anyway=anyway)
    except Refused as error:
        return _account(request, visit, error)
    if stuck:
        notes = " ".join(one.note for one in stuck)
        return _account(request, visit, Refused(f"the account is still there. {notes}", "Try again, or delete anyway."))
    answer = RedirectResponse("/sign-in", 303)
    forget_session(answer, visit.settings)
    return answer
