"""Who may call the API: programs with a token whose scopes include it. Cookies count for nothing here."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import msgspec
from fastapi import Request, Response, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase

from haulage.ledger.audit import Actor
from haulage.ledger.store import Ledger
from haulage.model.errors import NotAllowed, SignInRefused
from haulage.model.person import Role, Scope
from haulage.operations import signing_in
from haulage.operations.running import Runner
from haulage.operations.server_passes import Passes
from haulage.operations.signing_in import Who


class Call(msgspec.Struct, frozen=True):
    """One request of a program."""

    ledger: Ledger
    runner: Runner
    passes: Passes
    public_url: str
    who: Who

    @property
    def actor(self) -> Actor:
        """For the audit trail."""
        return self.who.actor


class Allows(SecurityBase):
    """A token with that scope, of somebody whose role allows it. The description of the API names both."""

    scheme_name = "token"
    model = HTTPBearer(
        description=f"A token of the account page. It has some of the scopes {', '.join(Scope)}; "
        "each operation names the one that it needs."
    )

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.role = Role.VIEWER if scope in (Scope.CONNECTORS_READ, Scope.RUNS_READ) else Role.OPERATOR

    async def __call__(self, request: Request) -> Call:
        """The call. Raises SignInRefused, NotAllowed."""
        known: Call | None = getattr(request.state, "call", None)
        if known is None:
            known = request.state.call = await self._call(request)
        return known

    async def _call(self, request: Request) -> Call:
        state = request.app.state
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        who = None
        if kind.lower() == "bearer" and key.strip():
            who = await asyncio.to_thread(signing_in.by_token, state.ledger, key.strip())
        if who is None:
            raise SignInRefused("a token is needed", "Send Authorization: Bearer with a token of your account page.")
        if signing_in.wants_second(who, beyond=state.settings.beyond):
            raise NotAllowed("an administrator needs one-time codes here", "Set them up on your account page.")
        if self.scope not in (who.scopes or ()):
            raise NotAllowed(f"the token does not have the scope {self.scope.value}", "Make a token that has it.")
        if not who.person.role.covers(self.role):
            raise NotAllowed(f"that is for an {self.role.value}")
        return Call(state.ledger, state.runner, state.passes, state.settings.public_url, who)


class AllowedFirst(APIRoute):
    """A route that looks at who calls before it reads what was sent: without a token nothing is said of a body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI, which reads bodies before it asks dependencies."""
        handle = super().get_route_handler()
        allows = next(one.call for one in self.dependant.dependencies if isinstance(one.call, Allows))

        async def first(request: Request) -> Response:
            await allows(request)
            return await handle(request)

        return first


def _allowed(scope: Scope) -> Any:
    return Security(Allows(scope), scopes=[scope.value])


ReadsConnectors = Annotated[Call, _allowed(Scope.CONNECTORS_READ)]
WritesConnectors = Annotated[Call, _allowed(Scope.CONNECTORS_WRITE)]
ReadsRuns = Annotated[Call, _allowed(Scope.RUNS_READ)]
WritesRuns = Annotated[Call, _allowed(Scope.RUNS_WRITE)]
