"""Who may call a route. Every route says so by one of these dependencies; one that does not, is refused at start."""

import asyncio
import hashlib
import hmac
import secrets
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from haulage.ledger.audit import Actor
from haulage.ledger.sessions import Session
from haulage.ledger.store import Ledger
from haulage.model.errors import NotAllowed
from haulage.model.person import Person, Role
from haulage.operations import signing_in
from haulage.operations.running import Runner
from haulage.operations.server_passes import Passes
from haulage.operations.signing_in import Who
from haulage.web.settings import Settings

SAFE = frozenset({"GET", "HEAD"})
FORM_KEY = "form_key"
WITHOUT_SECOND = frozenset({"/account", "/account/second", "/account/second/keep", "/sign-out"})
"""What an administrator needs in order to set up a second factor, or to leave."""


class SignInFirst(Exception):
    """Nobody is signed in. next: where to go on afterwards; unsent: a form was sent, and nothing was done of it."""

    def __init__(self, next_path: str, *, unsent: bool = False) -> None:
        super().__init__(next_path)
        self.next = next_path
        self.unsent = unsent


class SecondFirst(Exception):
    """An administrator of a server that other machines reach has no second factor yet (S29)."""


class ForgedForm(Exception):
    """A form did not come from one of our own pages (S33)."""


class Visit(msgspec.Struct, frozen=True):
    """One request of somebody who is signed in."""

    ledger: Ledger
    runner: Runner
    passes: Passes
    settings: Settings
    session: Session
    who: Who
    form_key: str

    @property
    def person(self) -> Person:
        """Whose rights and things count."""
        return self.who.person

    @property
    def actor(self) -> Actor:
        """For the audit trail."""
        return self.who.actor


class Opened(msgspec.Struct, frozen=True):
    """One request of anybody. new_cookie: to be set, where the browser had none."""

    ledger: Ledger
    settings: Settings
    form_key: str
    new_cookie: str | None


def _key_for(cookie: str) -> str:
    """What our own forms carry: only who knows the cookie can tell it."""
    return hmac.new(cookie.encode(), b"form", hashlib.sha256).hexdigest()


def visit_cookie(settings: Settings) -> str:
    """The cookie of browsers that nobody signed in with."""
    return f"{settings.cookie}-visit"


async def _check_form(request: Request, settings: Settings, form_key: str) -> None:
    """Both the origin and the key have to be ours. With no-referrer, browsers say "null" and Sec-Fetch-Site."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    ours = origin in settings.origins if origin not in (None, "null") else site == "same-origin"
    if not ours or site not in (None, "same-origin"):
        raise ForgedForm
    given: Any = request.headers.get("x-form-key")
    if given is None:
        given = (await request.form()).get(FORM_KEY)
    if isinstance(given, UploadFile) or given is None or not hmac.compare_digest(str(given), form_key):
        raise ForgedForm


class Needs:
    """A session of somebody with that role; for what changes something, from one of our own pages."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request) -> Visit:
        """The visit. Raises SignInFirst, SecondFirst, ForgedForm, NotAllowed."""
        state, settings = request.app.state, request.app.state.settings
        cookie = request.cookies.get(settings.cookie)
        found = None if cookie is None else await asyncio.to_thread(signing_in.session, state.ledger, cookie)
        if cookie is None or found is None:
            wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
            safe = request.method in SAFE
            raise SignInFirst(wanted if safe else "/", unsent=not safe and request.url.path != "/sign-out")
        session, who = found
        form_key = _key_for(cookie)
        if request.method not in SAFE:
            await _check_form(request, settings, form_key)
        if signing_in.wants_second(who, beyond=settings.beyond) and request.url.path not in WITHOUT_SECOND:
            raise SecondFirst
        if not who.person.role.covers(self.role):
            raise NotAllowed(f"that is for an {self.role.value}" if self.role != Role.VIEWER else "not allowed")
        return Visit(state.ledger, state.runner, state.passes, settings, session, who, form_key)


class Open:
    """Anybody may call it: signing in, and what leads there."""

    async def __call__(self, request: Request) -> Opened:
        """The request. Raises ForgedForm."""
        state, settings = request.app.state, request.app.state.settings
        known = request.cookies.get(visit_cookie(settings))
        cookie = known or secrets.token_urlsafe(24)
        form_key = _key_for(cookie)
        if request.method not in SAFE:
            await _check_form(request, settings, form_key)
        return Opened(state.ledger, settings, form_key, None if known else cookie)


Anybody = Annotated[Opened, Depends(Open())]
Viewer = Annotated[Visit, Depends(Needs(Role.VIEWER))]
Operator = Annotated[Visit, Depends(Needs(Role.OPERATOR))]
Administrator = Annotated[Visit, Depends(Needs(Role.ADMIN))]


def local_path(text: str | None) -> str:
    """Where to go on: a path of ours, never another server (S04)."""
    path = text or "/"
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if good else "/"


def own(visit: Visit) -> None:
    """Raises NotAllowed for an administrator who acts for somebody: their account stays their own."""
    if visit.who.by is not None:
        raise NotAllowed("only the person themselves can do that", "Return to your own account first.")
