"""Microsoft 365, simulated: the identity platform, and Graph."""

from functools import lru_cache
from typing import Any

import msgspec

from haulage.sandbox.frame.oauth import Application, Grant, Records, Token
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.signin import SignsIn
from haulage.sandbox.frame.simulator import Offer
from haulage.sandbox.frame.wire import Answer, Call, Refusal
from haulage.sandbox.frame.world import World
from haulage.sandbox.microsoft import offers
from haulage.sandbox.microsoft.directory import Directory, Tenant, User
from haulage.sandbox.microsoft.files.addresses import rewrite
from haulage.sandbox.microsoft.files.meter import LIMITS
from haulage.sandbox.microsoft.files.service import Files, SavedFiles
from haulage.sandbox.microsoft.identity import Identity
from haulage.sandbox.microsoft.people import People
from haulage.sandbox.microsoft.permissions import ROLES, Consent, plain
from haulage.sandbox.microsoft.sources import OMISSIONS, SOURCES
from haulage.sandbox.microsoft.tokens import Tokens
from haulage.sandbox.microsoft.wire import GRAPH, GRAPH_APP, LOGIN, LOGIN_HOSTS, graph_error, login_error


class Caller(msgspec.Struct, frozen=True):
    """Who calls Graph. user: None for an application by itself; scopes: what its token allows, roles of it too."""

    client_id: str
    tenant: Tenant
    user: User | None
    scopes: frozenset[str]
    token: Token


class Saved(msgspec.Struct):
    """The state between two runs."""

    oauth: Records
    consents: dict[str, Consent]
    files: SavedFiles


class Microsoft(SignsIn):
    """One organisation's tenant, its partner's, and the one of personal accounts."""

    id = "microsoft"
    title = "Microsoft"
    hosts = (
        *LOGIN_HOSTS.split(), GRAPH, "microsoft.com", "www.microsoft.com", "*.sharepoint.com", "api.onedrive.com",
        "my.microsoftpersonalcontent.com",
    )  # fmt: skip
    limits = LIMITS
    sources = SOURCES
    omissions = OMISSIONS

    def __init__(self, world: World) -> None:
        self.directory = Directory(world)
        self.consents: dict[str, Consent] = {}
        super().__init__(world)
        offers.register(self)

    def routes(self) -> list[Route]:
        self.files = Files(self)
        return [*Identity(self).routes(), *People(self).routes(), *self.files.routes()]

    def rewrite(self, path: str) -> str:
        return rewrite(path)

    def known(self, user: str) -> str | None:
        found = self.directory.account(user)
        return found.upn if found else None

    def default_password(self, user: str) -> str:
        found = self.directory.account(user)
        return self.world.organisation.password(found.person) if found else ""

    def signing_key(self) -> str:
        """The key that tokens are signed with."""
        return self.key("signing")

    def sign_in(self, application: Application, user: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        account = self.directory.account(user)
        if account is None:
            raise ValueError(f"there is no account {user!r}")
        chosen = plain(scopes) or offers.ALL
        consent = self.consent(account.home, application.client_id)
        consent.users[user] = sorted({*consent.users.get(user, ()), *chosen})
        grant = self.oauth.open(application.client_id, user, chosen, tenant=account.home.id)
        return Tokens(self).given(grant, chosen)

    def changed_password(self, user: str) -> None:
        """Ends what public clients hold; the tokens of confidential ones survive (see the page of refresh tokens)."""
        for grant in self.oauth.grants_of(user):
            application = self.oauth.application(grant.client_id)
            if application is None or application.public:
                self.end(grant, "password")

    def end(self, grant: Grant, why: str) -> None:
        """Consent that is taken back: the refresh token is refused, access tokens live until they run out."""
        grant.ended = why
        consent = self.consent(self.tenant_of(grant), grant.client_id)
        if why == "revoked":
            consent.users.pop(grant.user, None)

    def do_withdraw_consent(self, details: dict[str, Any]) -> dict[str, Any]:
        """Take an application (client_id) out of a tenant (tenant?: the organisation): its roles and all its grants."""
        tenant = self.directory.tenant(str(details.get("tenant", self.directory.organisation.id)))
        if tenant is None:
            raise ValueError(f"there is no tenant {details['tenant']!r}")
        client_id = str(details["client_id"])
        self.consents.pop(f"{tenant.id}|{client_id}", None)
        ended = [one for one in self.oauth.grants_of(client_id=client_id) if one.details["tenant"] == tenant.id]
        for grant in ended:
            grant.ended = "revoked"
        return {"ended": len(ended)}

    def do_grant_consent(self, details: dict[str, Any]) -> dict[str, Any]:
        """What the admin consent page does: tenant?, client_id, roles?, scopes?."""
        tenant = self.directory.tenant(str(details.get("tenant", self.directory.organisation.id)))
        if tenant is None:
            raise ValueError(f"there is no tenant {details['tenant']!r}")
        consent = self.consent(tenant, str(details["client_id"]))
        consent.roles = [str(one) for one in details.get("roles", ROLES)]
        consent.scopes = [str(one) for one in details.get("scopes", ["User.Read"])]
        return {"roles": consent.roles, "scopes": consent.scopes}

    def do_wide_folder(self, details: dict[str, Any]) -> dict[str, Any]:
        """A folder "Wide" with `count` (100,000) files in the root of a drive: by `user`, `site` or `drive`."""
        return self.files.wide_folder(details)

    def do_quota(self, details: dict[str, Any]) -> dict[str, Any]:
        """Set a drive's (`user`, `site` or `drive`) quota: `total` bytes, or so many `left`."""
        return self.files.quota(details)

    def do_expire_delta(self, details: dict[str, Any]) -> dict[str, Any]:
        """All delta tokens that were given out for a drive (`user`, `site` or `drive`) are answered with 410."""
        return self.files.expire_delta(details)

    def do_flag(self, details: dict[str, Any]) -> dict[str, Any]:
        """Set (`on`) a `flag` of an `item` of a drive: malware, locked or restricted."""
        return self.files.flag(details)

    def do_switch(self, details: dict[str, Any]) -> dict[str, Any]:
        """Turn behaviours on or off; answers how all stand.

        rewrite_office: true (the default: in SharePoint libraries), "all" (in business drives too) or false.
        strict_fragments: a commit fails if a fragment was no multiple of 320 KiB. refuse_bearer: 401 to a bearer on a
        pre-authenticated URL. links_blocked: no anonymous links. delta_paths: parentReference has a path in delta too.
        """
        return self.files.switches(details)

    def consent(self, tenant: Tenant, client_id: str) -> Consent:
        """What an application was allowed in a tenant, to look at and to change."""
        return self.consents.setdefault(f"{tenant.id}|{client_id}", Consent())

    def caller(self, call: Call) -> Caller | None:
        """Who calls, if the token is one of ours and has not run out; what ends its grant does not end it."""
        found = self.oauth.token(self.oauth.bearer(call), "access")
        if found is None or found[0].ended or self.oauth.expired(found[0]):
            return None
        token, grant = found
        return Caller(
            grant.client_id,
            self.tenant_of(grant),
            self.directory.account(grant.user) if grant.user else None,
            frozenset(token.scopes),
            token,
        )

    def admitted(self, call: Call) -> Caller:
        """Who calls, of a call that was let in."""
        found: Caller | None = call.caller
        if found is None:
            raise Refusal(self.unauthenticated(call))
        return found

    def tenant_of(self, grant: Grant) -> Tenant:
        """The tenant that a grant was made at."""
        return self.directory.tenant(grant.details["tenant"]) or self.directory.organisation

    def identify(self, call: Call, route: Route) -> None:
        caller = call.caller = self.caller(call)
        if caller is not None:
            call.event.actor = caller.user.upn if caller.user else f"app {caller.client_id}"
            call.event.scope = f"{caller.tenant.id}/{caller.client_id}"

    def admit(self, call: Call, route: Route) -> Answer | None:
        """route.scope: the token must have one of these, "" for any token; details open: no token is needed."""
        if route.details.get("open"):
            return None
        caller: Caller | None = call.caller
        if caller is not None and call.fault("token_expired") is not None:
            caller.token.expires_at = call.event.time
            caller = None
        if caller is not None and call.fault("grant_revoked") is not None:
            self.oauth.records.grants[caller.token.grant].ended = caller.token.ended = "sessions"
            caller = None
        if caller is None:
            return self.unauthenticated(call)
        if (route.scope and caller.scopes.isdisjoint(_any_of(route.scope))) or call.fault("scope_missing") is not None:
            return self.not_allowed(call)
        return self.files.charge(call, route)

    def unauthenticated(self, call: Call) -> Answer:
        """Graph's answer to a call whose token is missing, unknown or over."""
        text = "Access token has expired or is not yet valid." if self.oauth.bearer(call) else "Access token is empty."
        told = f'Bearer realm="", authorization_uri="https://{LOGIN}/common/oauth2/authorize", client_id="{GRAPH_APP}"'
        return graph_error(call, 401, "InvalidAuthenticationToken", text, headers={"WWW-Authenticate": told})

    def not_allowed(self, call: Call) -> Answer:
        """Graph's answer to a call that the token does not allow; of the directory it has another name."""
        if "/drive" in call.path or "/sites" in call.path:
            return graph_error(call, 403, "accessDenied", "Access denied")
        text = "Insufficient privileges to complete the operation."
        return graph_error(call, 403, "Authorization_RequestDenied", text)

    def throttled(self, call: Call, retry_after: str | None) -> Answer:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        if _of_login(call):
            told = login_error(call, "temporarily_unavailable", 90055, "The tenant is throttled.", headers=headers)
            told.status = 429
            return told
        return graph_error(
            call, 429, "activityLimitReached", "The request has been throttled", "throttledRequest", headers
        )

    def failed(self, call: Call, status: int) -> Answer:
        if _of_login(call):
            told = login_error(call, "temporarily_unavailable", 90033, "A transient error has occurred.")
            told.status = status
            return told
        code = "serviceNotAvailable" if status == 503 else "generalException"
        return graph_error(call, status, code, "The service is not available. Try again later.")

    def missing(self, call: Call) -> Answer:
        return graph_error(call, 501, "notImplemented", f"{call.method} {call.path} is not simulated by this sandbox")

    def offers(self) -> dict[str, Offer]:
        return offers.offers(self)

    def facts(self) -> dict[str, Any]:
        return {"users": len(self.directory.users), "grants": len(self.oauth.records.grants), **self.files.facts()}

    def save(self) -> bytes:
        return msgspec.msgpack.encode(Saved(self.oauth.records, self.consents, self.files.save()))

    def load(self, saved: bytes) -> None:
        state = msgspec.msgpack.decode(saved, type=Saved)
        self.oauth.records, self.consents = state.oauth, state.consents
        self.files.load(state.files)


@lru_cache(maxsize=256)
def _any_of(scopes: str) -> frozenset[str]:
    return frozenset(scopes.split())


def _of_login(call: Call) -> bool:
    return "/oauth2/" in call.path or call.path.endswith(("/adminconsent", "/openid-configuration", "/keys"))
