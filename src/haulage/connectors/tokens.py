"""The tokens of a connector: kept fresh by one renewer at a time, whoever and wherever they are who use them.

The ledger decides who renews: the row of the connector names the renewer and until when it may, and new tokens are
taken only in the place of those that were renewed (a version). They are durable before anybody uses them (F19).
"""

import asyncio
import os
import random
import shlex
import socket
import uuid

from haulage.connectors import oauth as messages
from haulage.connectors import sealing
from haulage.connectors.exchange import Exchange, GrantEnded
from haulage.connectors.lifecycle import lose, read_again
from haulage.connectors.oauth import Granted, filled
from haulage.connectors.sealing import Tokens
from haulage.connectors.vault import Vault
from haulage.ledger import connectors as rows
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.logs import keep_secret
from haulage.model.connector import USABLE, ConnectorState
from haulage.model.errors import (
    AuthLost,
    HaulageError,
    NeedsReauthorisation,
    OutcomeUnknown,
    Transient,
    Unreachable,
)
from haulage.services.authorisation import OAuth, Route, WayId
from haulage.services.transport import Limits, limits

EARLY_SECONDS = 120
EARLY_PART = 0.1
MARGIN_SECONDS = 10
POLL_SECONDS = 0.05
TRIES = 4
LOST_TRIES = 2
STANDS = {
    ConnectorState.NEW: "is still being authorised",
    ConnectorState.AUTHORISED: "is authorised",
    ConnectorState.NEEDS_REAUTHORISATION: "needs to be authorised again",
    ConnectorState.DEAUTHORISED: "was deauthorised",
    ConnectorState.DELETING: "is being deleted",
    ConnectorState.DELETED: "was deleted",
}
"""Each state, as it stands after "the connector NAME"."""


class _Elsewhere(Exception):
    """Another has become the renewer."""


class TokenKeeper:
    """The Credentials of one connector, see services.authorisation.

    leaving: it serves to end the authorisation, and nothing else: in a state where nobody may use it any more.
    """

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        connector_id: int,
        oauth: OAuth,
        route: Route,
        *,
        leaving: bool = False,
        within: Limits | None = None,
    ) -> None:
        self._ledger = ledger
        self._vault = vault
        self._id = connector_id
        self._oauth = oauth
        self._route = route
        self._leaving = leaving
        self._limits = within or limits()
        self._held: Tokens | None = None
        self._lock = asyncio.Lock()
        self._seconds = self._limits.connect_seconds + self._limits.idle_seconds
        self._me = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    async def bearer(self) -> str:
        """See Credentials."""
        if self._held is not None and _fresh(self._held):
            return self._held.access
        return (await self._newer("")).access

    async def refused(self, token: str) -> None:
        """See Credentials."""
        if self._held is None or self._held.access == token:
            await self._newer(token)

    async def revocable(self) -> str:
        """See Credentials."""
        _, tokens, _ = await self._read()
        if tokens is None:
            raise NeedsReauthorisation("there is nothing to revoke: the connector has no tokens")
        return tokens.refresh or tokens.access

    async def _newer(self, refused: str) -> Tokens:
        """Tokens that are fresh and not the refused ones; renewed here, or by whoever is at it."""
        async with self._lock:
            while True:
                row, tokens, secrets = await self._read()
                self._check(row)
                if tokens is not None and tokens.access != refused and _fresh(tokens):
                    self._held = tokens
                    return tokens
                if not await self._begin(row):
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                renewal = asyncio.create_task(self._renew(row, tokens, {**row.settings, **secrets}))
                try:
                    await asyncio.shield(renewal)
                except asyncio.CancelledError:  # what the service has issued by now is kept first
                    await asyncio.wait({renewal})
                    raise
                refused = ""  # what the service gave just now is taken, even if it is the same again

    async def _begin(self, row: ConnectorRow) -> bool:
        """Become the renewer. One whose process is gone, on this machine, is not waited for."""
        if row.renewer is not None and (row.renewer_until_us or 0) > now_us() and row.renewer != self._me:
            if not _dead(row.renewer):
                return False
            await self._ledger.run(rows.end_renewal, self._id, row.renewer)
        now = now_us()
        until = now + int((self._seconds + MARGIN_SECONDS) * 1_000_000)
        return await self._ledger.run(rows.begin_renewal, self._id, row.version, self._me, now, until)

    async def _renew(self, row: ConnectorRow, tokens: Tokens | None, settings: dict[str, str]) -> None:
        """Ask for newer tokens and keep them. Where another has kept newer ones meanwhile, those count (T65)."""
        try:
            newer = as_tokens(await self._ask(row, tokens, settings), tokens)
            keep_secret((newer.access, newer.refresh))
            await self._ledger.run(self._kept, row, newer)
        except _Elsewhere:
            return
        except AuthLost as error:
            now, _, _ = await self._read()
            if now.version == row.version:
                raise await self._lost(row, error) from error
        finally:
            await self._ledger.run(rows.end_renewal, self._id, self._me)

    async def _ask(self, row: ConnectorRow, tokens: Tokens | None, settings: dict[str, str]) -> Granted:
        """Ask for new tokens; again after trouble, and once after a lost answer, but never after a refusal (T64)."""
        lost = 0
        for number in range(1, TRIES + 1):
            exchange = Exchange(self._oauth, self._hosts(settings), self._route, self._limits)
            try:
                async with asyncio.timeout(self._seconds):
                    return await exchange.granted(self._message(row, tokens, settings))
            except (OutcomeUnknown, TimeoutError) as error:
                lost += 1
                if lost == LOST_TRIES:
                    raise Unreachable("the sign-in service took the request and did not answer") from error
            except (Unreachable, Transient) as error:
                if number == TRIES:
                    raise Unreachable(error.message, error.fix) from error
            longest = min(self._limits.longest_backoff_seconds, self._limits.backoff_seconds * 4**number)
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret
            if not await self._begin(row):
                raise _Elsewhere
        raise AssertionError("the last try returns or raises")

    def _message(self, row: ConnectorRow, tokens: Tokens | None, settings: dict[str, str]) -> messages.Message:
        way: WayId = row.way  # type: ignore[assignment] # written by us from a Way
        if way in ("code", "device"):
            if tokens is None or not tokens.refresh:
                raise GrantEnded("the access token has ended, and the service gave nothing to renew it with")
            return messages.refresh_message(self._oauth, settings, way, tokens.refresh)
        scopes = self._oauth.scopes("write" if row.usage == "write" else "read", way)
        return messages.own_message(self._oauth, settings, way, scopes)

    def _hosts(self, settings: dict[str, str]) -> tuple[str, ...]:
        return tuple(filled(host, settings) for host in self._oauth.hosts)

    async def _lost(self, row: ConnectorRow, error: AuthLost) -> HaulageError:
        """The service takes the authorisation no more: the connector is told so."""
        if not self._leaving:
            await self._ledger.run(lose, self._id, error.message)
        fix = unusable(row).fix
        return NeedsReauthorisation(error.message, fix if isinstance(error, GrantEnded) else f"{error.fix} {fix}")

    def _check(self, row: ConnectorRow) -> None:
        usable = {ConnectorState.DELETING, ConnectorState.DEAUTHORISED} if self._leaving else USABLE
        if row.state not in usable:
            raise unusable(row)

    async def _read(self) -> tuple[ConnectorRow, Tokens | None, dict[str, str]]:
        """The row as it is now, and its secrets. A change of the master key between the two reads is read again."""
        return await asyncio.to_thread(read_again, self._ledger, self._opened)

    def _opened(self, connection: Connection) -> tuple[ConnectorRow, Tokens | None, dict[str, str]]:
        row = rows.by_id(connection, self._id)
        tokens = sealing.tokens_of(connection, self._vault, row)
        secrets = sealing.secrets_of(connection, self._vault, row)
        keep_secret((*secrets.values(), *((tokens.access, tokens.refresh) if tokens else ())))
        return row, tokens, secrets

    def _kept(self, connection: Connection, row: ConnectorRow, newer: Tokens) -> bool:
        now = rows.by_id(connection, self._id)
        self._check(now)
        sealed = sealing.sealed_tokens(connection, self._vault, now, newer)
        return rows.keep_tokens(connection, self._id, row.version, sealed, newer.expires_us)


def unusable(row: ConnectorRow) -> NeedsReauthorisation:
    """Why a connector cannot be used in the state that it is in."""
    told, name = f"the connector {row.name} {STANDS[row.state]}", shlex.quote(row.name)
    if row.state == ConnectorState.DELETING:
        return NeedsReauthorisation(told, f"That cannot be undone: run `haulage connectors delete {name}` to its end.")
    if row.state == ConnectorState.DELETED:
        return NeedsReauthorisation(told, "Add another one: `haulage connectors add`.")
    return NeedsReauthorisation(
        f"{told}: {row.reason}" if row.reason else told,
        f"Run `haulage connectors reauthorize {name}`; what waits for it goes on from where it stood.",
    )


def as_tokens(granted: Granted, before: Tokens | None = None) -> Tokens:
    """What was granted, as it is kept; a refresh token that the service did not renew stays."""
    expires = None if granted.seconds is None else now_us() + int(granted.seconds * 1_000_000)
    refresh = granted.refresh or (before.refresh if before else "")
    return Tokens(granted.access, refresh, expires, granted.seconds or 0.0)


def _fresh(tokens: Tokens) -> bool:
    early = min(EARLY_SECONDS, tokens.seconds * EARLY_PART)
    return tokens.expires_us is None or tokens.expires_us > now_us() + int(early * 1_000_000)


def _dead(renewer: str) -> bool:
    """Whether a renewer of this machine is gone."""
    host, pid, _ = renewer.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
