"""Accounts of connectors: opened with their tokens, asked who they are, and marked when they are refused."""

from collections.abc import Mapping
from functools import partial

from haulage.connectors import lifecycle
from haulage.connectors.patience import Patience
from haulage.connectors.sealing import Tokens
from haulage.connectors.subjects import SubjectTokens
from haulage.connectors.tokens import TokenKeeper, unusable
from haulage.ledger import connectors as rows
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, NeedsReauthorisation, Refused
from haulage.operations import connectors
from haulage.operations.realms import realm_of
from haulage.operations.vaults import vault_of
from haulage.services.authorisation import Access, AccessKind, Account, Authorisation, Identity, Route, WayId
from haulage.services.contract import Pacer
from haulage.services.declaration import Service
from haulage.services.registry import service


class GivenTokens:
    """The Credentials of an account that is just being authorised: its tokens, and nothing to renew them with."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def bearer(self) -> str:
        """See Credentials."""
        return self._tokens.access

    async def refused(self, token: str) -> None:
        """See Credentials."""
        raise AuthLost("the service refuses the access token that it issued just now")

    async def revocable(self) -> str:
        """See Credentials."""
        return self._tokens.refresh or self._tokens.access


def signing_in(chosen: Service) -> Authorisation:
    """How one signs in at a service. Raises Refused for one of keys."""
    if chosen.authorisation is None:
        raise Refused(f"{chosen.title} wants keys, not a sign-in", "See `haulage connectors services`.")
    return chosen.authorisation


def quiet_pacer(chosen: Service) -> Pacer:
    """For the few calls of asking who an account is: it obeys the service, but not for ever."""
    return Patience(chosen.title)


async def who(chosen: Service, settings: Mapping[str, str], way: WayId, tokens: Tokens, route: Route) -> Identity:
    """Who an account is that was authorised just now. Raises what `Account.identity` does."""
    access = Access(settings, way, GivenTokens(tokens), quiet_pacer(chosen), route)
    account = signing_in(chosen).open_account(access)
    try:
        return await account.identity()
    finally:
        await account.close()


def open_account(
    ledger: Ledger, row: ConnectorRow, settings: Mapping[str, str], pacer: Pacer, *, leaving: bool = False
) -> Account:
    """The account of a connector, with its tokens kept fresh. leaving: only to end the authorisation."""
    chosen = service(row.service)
    how = signing_in(chosen)
    route = realm_of(ledger, row.realm).route
    keeper = TokenKeeper(ledger, vault_of(ledger), row.id, how.oauth, route, leaving=leaving)
    way: WayId = row.way  # type: ignore[assignment] # written by us from a Way
    usage: AccessKind = "write" if row.usage == "write" else "read"
    acting = partial(SubjectTokens, how.oauth, settings, way, usage, route) if how.oauth.subject else None
    return how.open_account(Access(settings, way, keeper, pacer, route, row.account or "", acting))


async def check(ledger: Ledger, name: str) -> connectors.Checked:
    """Ask a connector's account who it is, or what it lists. Marks the connector where the authorisation has ended.

    Raises NeedsReauthorisation, Unreachable, Refused, and what `Account.identity` does.
    """
    row, chosen, settings = connectors.loaded(ledger, name)
    try:
        if chosen.authorisation is None:
            checked = await connectors.check(chosen, settings)
            refuse_moved(row, checked.identity)
            return checked
        account = open_account(ledger, row, settings, quiet_pacer(chosen))
        try:
            found = await account.identity()
        finally:
            await account.close()
    except AuthLost as error:
        raise lost(ledger, row, error) from error
    refuse_moved(row, found)
    return connectors.Checked(True, None, f"The account is {found.name}.", found)


def refuse_moved(row: ConnectorRow, found: Identity | None) -> None:
    """Raises Refused where the account that answers is not the one that the connector is of."""
    if found is not None and row.account is not None and found.id not in ("", row.account):
        fix = "Delete the connector, and add one for this account."
        raise Refused(f"the account is {found.name}, but the connector {row.name} is of {row.account_name}", fix)


def lost(ledger: Ledger, row: ConnectorRow, error: AuthLost) -> AuthLost:
    """A connector's account was refused: it is marked, and the error says how to go on."""
    if isinstance(error, NeedsReauthorisation):
        return error
    ledger.do(lifecycle.lose, row.id, error.message)
    now = ledger.read(rows.by_id, row.id)
    fix = unusable(now).fix
    told = NeedsReauthorisation(error.message, f"{error.fix} {fix}" if error.fix != AuthLost.default_fix else fix)
    told.side = error.side
    return told
