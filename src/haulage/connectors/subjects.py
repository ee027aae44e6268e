"""Tokens in the names of an organisation's users, by the key that its administrator's connector holds.

They are kept in memory alone: each process asks for its own, and they end within the hour.
"""

import asyncio
import time
from collections.abc import Mapping

from haulage.connectors.exchange import Exchange
from haulage.connectors.oauth import Granted, filled, own_message
from haulage.logs import keep_secret
from haulage.model.errors import AuthLost, OutcomeUnknown, RootGone, Transient, Unreachable
from haulage.services.authorisation import AccessKind, OAuth, Route, WayId

EARLY_SECONDS = 120
TRIES = 4
PAUSE_SECONDS = 0.5
HAVE_IT_BACK = "Restore the user in the Admin console, or hand their files to another one; then run the same again."


class SubjectTokens:
    """The Credentials of one user. What the user cannot have ends their own runs, and never the connector."""

    def __init__(
        self, oauth: OAuth, settings: Mapping[str, str], way: WayId, usage: AccessKind, route: Route, subject: str
    ) -> None:
        self._oauth, self._way, self._route, self._subject = oauth, way, route, subject
        self._own, self._settings = settings, {**settings, oauth.subject: subject}
        self._scopes = oauth.scopes(usage, way)
        self._lock = asyncio.Lock()
        self._token, self._until = "", 0.0

    async def bearer(self) -> str:
        """See Credentials. Raises RootGone where the service acts for no such user."""
        async with self._lock:
            if not self._token or time.monotonic() >= self._until:
                granted = await self._granted()
                seconds = granted.seconds or 0.0
                self._token = granted.access
                self._until = time.monotonic() + seconds - min(EARLY_SECONDS, seconds / 10)
                keep_secret((self._token,))
            return self._token

    async def refused(self, token: str) -> None:
        """See Credentials."""
        if self._token == token:
            self._token = ""

    async def revocable(self) -> str:
        """There is none: nothing of the user's own was granted."""
        raise AuthLost("nothing was granted by the user")

    async def _granted(self) -> Granted:
        """Tokens for the user. Where they are refused, the administrator's own tell whether all is lost."""
        try:
            return await self._ask(self._settings)
        except AuthLost as error:
            await self._ask(self._own)
            message = f"nothing can be done in the name of {self._subject} ({error.message})"
            raise RootGone(message, HAVE_IT_BACK) from error

    async def _ask(self, settings: Mapping[str, str]) -> Granted:
        hosts = tuple(filled(host, settings) for host in self._oauth.hosts)
        for number in range(1, TRIES + 1):
            try:
                message = own_message(self._oauth, settings, self._way, self._scopes)
                return await Exchange(self._oauth, hosts, self._route).granted(message)
            except (OutcomeUnknown, Unreachable, Transient) as error:
                if number == TRIES:
                    raise Unreachable(error.message, error.fix) from error
            await asyncio.sleep(PAUSE_SECONDS * 2**number)
        raise AssertionError("the last try returns or raises")
