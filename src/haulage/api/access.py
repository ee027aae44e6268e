"""Who may call the API: programs with a token whose scopes include it. Cookies count for nothing here."""

import asyncio
from typing import Annotated

import msgspec
from fastapi import Depends, Request

from haulage.ledger.audit import Actor
from haulage.ledger.store import Ledger
from haulage.model.errors import NotAllowed, SignInRefused
from haulage.model.person import Role, Scope
from haulage.operations import signing_in
from haulage.operations.running import Runner
from haulage.operations.signing_in import Who


class Call(msgspec.Struct, frozen=True):
    """One request of a program."""

    ledger: Ledger
    runner: Runner
    public_url: str
    who: Who

    @property
    def actor(self) -> Actor:
        """For the audit trail."""
        return self.who.actor


class Allows:
    """A token with that scope, of somebody whose role allows it."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.role = Role.VIEWER if scope in (Scope.CONNECTORS_READ, Scope.RUNS_READ) else Role.OPERATOR

    async def __call__(self, request: Request) -> Call:
        """The call. Raises SignInRefused, NotAllowed."""
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
        return Call(state.ledger, state.runner, state.settings.public_url, who)


ReadsConnectors = Annotated[Call, Depends(Allows(Scope.CONNECTORS_READ))]
WritesConnectors = Annotated[Call, Depends(Allows(Scope.CONNECTORS_WRITE))]
ReadsRuns = Annotated[Call, Depends(Allows(Scope.RUNS_READ))]
WritesRuns = Annotated[Call, Depends(Allows(Scope.RUNS_WRITE))]
