"""What was granted: consents, refresh tokens that stay as they are, and access tokens of an hour.

Source: developers.google.com/identity/protocols/oauth2 (2026-08).
"""

import msgspec

from haulage.sandbox.frame.clock import Clock
from haulage.sandbox.frame.ids import Ids

ACCESS_SECONDS = 3599.0
IDLE_SECONDS = 182 * 86_400
TESTING_SECONDS = 604_799
TOLD_SECONDS = 12 * 3600  # that long a dead token is called revoked; later it is a Bad Request (AlphaTiles#107)
LIVE_PER_CLIENT = 100


class Access(msgspec.Struct, gc=False):
    """An access token. user: an account's key. robot: it is a service account's, in its own or the user's name."""

    token: str
    client: str
    project: str
    user: str
    scopes: frozenset[str]
    expires: float
    robot: bool = False


class Refresh(msgspec.Struct, gc=False):
    """A refresh token. ends: when it ends by itself, 0 for never."""

    token: str
    client: str
    project: str
    user: str
    scopes: tuple[str, ...]
    made: float
    used: float
    ends: float = 0.0


class Saved(msgspec.Struct):
    """The state of `Grants`."""

    access: list[Access]
    refresh: list[Refresh]
    consents: list[tuple[str, str, list[str]]]
    dead: dict[str, float]
    count: int


class Grants:
    """Tokens and consents of all accounts. access_seconds: how long new access tokens live."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Refresh] = {}
        self._consents: dict[tuple[str, str], set[str]] = {}
        self._dead: dict[str, float] = {}
        self._count = 0
        self.access_seconds = ACCESS_SECONDS

    def consented(self, user: str, project: str) -> set[str]:
        """The scopes that the user has granted to the project, through whichever of its clients."""
        return set(self._consents.get((user, project), ()))

    def consent(self, user: str, project: str, scopes: frozenset[str]) -> None:
        """The user grants these as well."""
        self._consents.setdefault((user, project), set()).update(scopes)

    def access(self, client: str, project: str, user: str, scopes: frozenset[str], *, robot: bool = False) -> Access:
        """A new access token."""
        token = "ya29.a0" + self._fresh("access", 80)
        made = Access(token, client, project, user, scopes, self._clock.now() + self.access_seconds, robot)
        self._access[token] = made
        if len(self._access) % 4096 == 0:
            now = self._clock.now()
            self._access = {one.token: one for one in self._access.values() if one.expires > now}
        return made

    def refresh(self, client: str, project: str, user: str, scopes: tuple[str, ...], *, testing: bool) -> Refresh:
        """A new refresh token; the hundred-and-first of a user and client silently ends the oldest."""
        now = self._clock.now()
        token = "1//0" + self._fresh("refresh", 80)
        ends = now + TESTING_SECONDS if testing else 0.0
        self._refresh[token] = made = Refresh(token, client, project, user, scopes, now, now, ends)
        same = [one for one in self._refresh.values() if one.user == user and one.client == client]
        for one in same[:-LIVE_PER_CLIENT]:
            self._end(one.token)
        return made

    def bearer(self, token: str) -> Access | None:
        """The access token, while it lives."""
        found = self._access.get(token)
        return found if found is not None and found.expires > self._clock.now() else None

    def renewing(self, token: str, client: str) -> Refresh | str:
        """The refresh token, now used, or why there is none: Google's own words for it."""
        found, now = self._refresh.get(token), self._clock.now()
        if found is not None and (now - found.used > IDLE_SECONDS or 0 < found.ends <= now):
            self._end(token)
            found = None
        if found is None or found.client != client:
            recent = now - self._dead.get(token, 0.0) < TOLD_SECONDS
            return "Token has been expired or revoked." if recent else "Bad Request"
        found.used = now
        return found

    def live(self, token: str) -> Access | Refresh | None:
        """The token of either kind, while it lives."""
        return self._refresh.get(token) or self.bearer(token)

    def revoke(self, token: str) -> bool:
        """End everything that the token's user granted to its project. False if no such token lives.

        A service account's token is ended alone: nobody granted it.
        """
        found = self.live(token)
        if found is None:
            return False
        if isinstance(found, Access) and found.robot:
            self._access.pop(token)
        else:
            self.revoke_user(found.user, found.project)
        return True

    def revoke_user(self, user: str, project: str = "") -> int:
        """End what a user granted to a project, or to all. Returns how many refresh tokens ended."""
        ended = [one.token for one in self._refresh.values() if user in ("", one.user) and project in ("", one.project)]
        for token in ended:
            self._end(token)
        self._access = {
            token: one
            for token, one in self._access.items()
            if one.robot or user not in ("", one.user) or project not in ("", one.project)
        }
        self._consents = {
            pair: scopes
            for pair, scopes in self._consents.items()
            if user not in ("", pair[0]) or project not in ("", pair[1])
        }
        return len(ended)

    def expire(self, user: str = "") -> int:
        """Let the access tokens of a user, or of all, be over. Returns how many."""
        ended = [token for token, one in self._access.items() if user in ("", one.user)]
        for token in ended:
            del self._access[token]
        return len(ended)

    def save(self) -> Saved:
        """All of it."""
        consents = [(user, project, sorted(scopes)) for (user, project), scopes in self._consents.items()]
        return Saved(list(self._access.values()), list(self._refresh.values()), consents, self._dead, self._count)

    def load(self, saved: Saved) -> None:
        """Take up what `save` gave."""
        self._access = {one.token: one for one in saved.access}
        self._refresh = {one.token: one for one in saved.refresh}
        self._consents = {(user, project): set(scopes) for user, project, scopes in saved.consents}
        self._dead, self._count = saved.dead, saved.count

    def _end(self, token: str) -> None:
        self._refresh.pop(token)
        self._dead[token] = self._clock.now()

    def _fresh(self, kind: str, count: int) -> str:
        self._count += 1
        return self._ids.base64url("google", kind, self._count, count=count)
