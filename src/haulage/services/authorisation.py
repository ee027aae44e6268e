"""How one authorises at a service, as data; and what an opened account is asked.

Nothing here talks to anybody: connectors/ reads this data, builds the messages, sends them and keeps the tokens. A
service adds its declaration and, in account.py, what only it knows: who the account is, and how its grant is revoked.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from haulage.model.errors import HaulageError
from haulage.services.contract import Drive, Pacer

WayId = Literal["code", "device", "secret", "certificate", "jwt", "password", "keys"]
AccessKind = Literal["read", "write"]


class Way(msgspec.Struct, frozen=True):
    """One way to authorise.

    id: "code" a browser (authorization code), "device" a code typed at another device, "secret" and "certificate" the
    application's own consent (client credentials), "jwt" a signed assertion (JWT bearer), "password" an internal
    application's password grant. needs: names of the fields that it cannot do without.
    """

    id: WayId
    title: str
    needs: tuple[str, ...] = ()

    @property
    def interactive(self) -> bool:
        """Whether a person signs in at the service."""
        return self.id in ("code", "device")


class Assertion(msgspec.Struct, frozen=True):
    """What is to be signed: a JWT's header and claims but for its times and id, the PEM key and how long it holds.

    as_client: it proves who the application is (client credentials), and is not itself the grant (JWT bearer).
    """

    algorithm: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    key_pem: str
    seconds: int
    as_client: bool = False
    passphrase: str = ""

    def __repr__(self) -> str:
        """Without the key."""
        return f"Assertion({self.algorithm!r})"


class OAuth(msgspec.Struct, frozen=True):
    """A service's OAuth, as data. In URLs and hosts, {field} stands for a public setting of the connector ({tenant}).

    hosts: everything that a token may be sent to, and nothing else (S09).
    read, write: the scopes to ask for; which, is chosen when a connector is authorised (S06). app_scopes: those of the
    application's own consent. silent: scopes that the service grants without naming them. scope_prefix: what the
    service puts before a scope at times. scopes_named: False where its answers do not tell what was granted.
    pkce: it understands S256. extra: further parameters of the authorisation request.
    loopback: a program's own redirect may have any port, or is a fixed one that has to be registered; "pasted": the
    service sends browsers to https addresses only, so nobody can answer on this machine, and the address is pasted.
    refresh: "kept" the refresh token stays; "renewed" each use brings a new one and the old one goes on working for a
    while; "single" each use brings a new one and ends the old one.
    values: settings, way -> further fields of a token request. assertion: settings, scopes, way -> what is to be
    signed, for the ways "certificate" and "jwt". issuer: what `iss` of an answer has to be, where the service sends it.
    subject: the setting that names in whose name an assertion is made, where that can be any user of the organisation.
    explain: what an error of the sign-in or the token endpoint means in the service's own codes; None: what they say.
    """

    authorize_url: str
    token_url: str
    hosts: tuple[str, ...]
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    app_scopes: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    scope_prefix: str = ""
    scopes_named: bool = True
    device_url: str = ""
    admin_consent_url: str = ""
    pkce: bool = True
    extra: Mapping[str, str] = {}
    loopback: Literal["any", "fixed", "pasted"] = "fixed"
    loopback_host: Literal["localhost", "127.0.0.1"] = "localhost"
    refresh: Literal["kept", "renewed", "single"] = "kept"
    values: Callable[[Mapping[str, str], WayId], Mapping[str, str]] | None = None
    assertion: Callable[[Mapping[str, str], tuple[str, ...], WayId], Assertion] | None = None
    issuer: str = ""
    subject: str = ""
    explain: Callable[[Mapping[str, Any]], HaulageError | None] | None = None

    def scopes(self, access: AccessKind, way: WayId) -> tuple[str, ...]:
        """What to ask for."""
        if way in ("secret", "certificate") and self.app_scopes:
            return self.app_scopes
        return self.write if access == "write" else self.read


class Credentials(Protocol):
    """The tokens of one connector. Renewing is one at a time for all who use it, in whatever process."""

    async def bearer(self) -> str:
        """An access token that is good now; one about to expire is renewed first. Raises AuthLost, Unreachable."""
        ...

    async def refused(self, token: str) -> None:
        """The service refused that token before its time: see to a newer one. Raises AuthLost if there is none."""
        ...

    async def revocable(self) -> str:
        """The token whose revocation ends the whole authorisation: the refresh token, else the access token."""
        ...


class Route(msgspec.Struct, frozen=True):
    """How a realm's services are reached: through its proxy, under its certificate authority. Unset: directly."""

    proxy: str | None = None
    ca_pem: str | None = None


DIRECT = Route()


class Access(msgspec.Struct, frozen=True):
    """What an account is opened with. settings: by field name, secrets among them; way: how it was authorised.

    account: the id of whom it belongs to, as it was pinned when it was authorised; "" before that.
    acting: the credentials in another user's name, by e-mail address, where the service lets an application have them.
    """

    settings: Mapping[str, str]
    way: WayId
    credentials: Credentials
    pacer: Pacer
    route: Route = DIRECT
    account: str = ""
    acting: "Callable[[str], Credentials] | None" = None

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Access({sorted(self.settings)})"


class Identity(msgspec.Struct, frozen=True):
    """Who the account is. id: the service's own, never used again for another; name: for people, an e-mail mostly.

    administrator: whether it may act for others; None where that is not known.
    """

    id: str
    name: str
    administrator: bool | None = None


@runtime_checkable
class Account(Protocol):
    """An authorised account. Makes no call when it is opened."""

    async def identity(self) -> Identity:
        """Who it is. Raises AuthLost, ScopeMissing, NotAdministrator, NoLicence, ConsentPending, Unreachable."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Revokes(Protocol):
    """An account whose service can be told to end the authorisation."""

    async def revoke(self) -> None:
        """End it at the service; it being ended already is fine."""
        ...


@runtime_checkable
class OpensDrives(Protocol):
    """An account whose files can be reached."""

    def open(self, root: str) -> Drive:
        """The drive at the path part of a location. Makes no call yet."""
        ...


class Root(msgspec.Struct, frozen=True):
    """A place where an account's locations may begin.

    kind: user ("user, suspended", "user without a OneDrive"), library, shared drive, folder. path: as in NAME:/path

    person, aliases: of a user, their display name and other addresses, where the service tells them.
    """

    kind: str
    name: str
    path: str
    person: str = ""
    aliases: tuple[str, ...] = ()


@runtime_checkable
class ListsRoots(Protocol):
    """An account that tells where its locations may begin."""

    async def roots(self) -> list[Root]:
        """All of them: users and sites of an administrator's account, the drives of a single user's."""
        ...


class Authorisation(msgspec.Struct, frozen=True):
    """How one authorises at a service, and what leaving it takes.

    ways: in the order in which they are offered. open_account: makes no call. settle: settings as they are kept, from
    as they were typed; raises Refused. revoking: what deleting a connector does at the service, in a sentence.
    security_page: where a person sees and ends authorisations by hand. shared_grant: revoking ends every grant of that
    person to the whole application, so it is left out while another connector shares account and application.
    guide: the how-to page.
    """

    ways: tuple[Way, ...]
    oauth: OAuth
    open_account: Callable[[Access], Account]
    revoking: str
    security_page: str
    guide: str
    settle: Callable[[Mapping[str, str]], dict[str, str]] | None = None
    shared_grant: bool = False
