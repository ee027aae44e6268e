"""The identity platform's pages: sign-in and consent, an administrator's consent, and what clients discover."""

import html
from typing import TYPE_CHECKING, Any

from haulage.sandbox.frame.consent import Decision, Wrong, notice, page
from haulage.sandbox.frame.oauth import Application, Code, return_to, words
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.signing import public_jwk
from haulage.sandbox.frame.wire import Answer, Call, Refusal, html_answer, json_answer, redirect
from haulage.sandbox.microsoft.device import Device
from haulage.sandbox.microsoft.directory import CONSUMERS, MANY, Tenant, User
from haulage.sandbox.microsoft.permissions import ADMIN_ONLY, OIDC, ROLES, WORK_ONLY, BadScope, plain
from haulage.sandbox.microsoft.tokens import Tokens, client_info
from haulage.sandbox.microsoft.wire import GRAPH, LOGIN, LOGIN_HOSTS, described, login_error

if TYPE_CHECKING:
    from haulage.sandbox.microsoft import Microsoft

TITLE = "Microsoft"
CODE_SECONDS = 600.0
DENIED = "The user has denied access to the scope requested by the client application."
DECLINED = described(65004, "User declined to consent to access the app.")
OPEN = {"open": True}


class Identity:
    """What login.microsoftonline.com serves."""

    def __init__(self, service: "Microsoft") -> None:
        self._service = service
        self._tokens = Tokens(service)
        self._device = Device(service, self)

    def routes(self) -> list[Route]:
        """Its endpoints; none of them needs a bearer."""
        hosts = LOGIN_HOSTS

        def route(method: str, path: str, operation: str, source: str, handler: Any) -> Route:
            return Route(method, hosts, path, operation, source, handler, details=OPEN)

        return [
            route("GET", "/{tenant}/oauth2/v2.0/authorize", "authorize", "code", self.authorize),
            route("POST", "/{tenant}/oauth2/v2.0/authorize", "authorize", "code", self.authorize),
            route("POST", "/{tenant}/oauth2/v2.0/token", "token", "code", self._tokens.token),
            route("GET", "/{tenant}/v2.0/adminconsent", "adminconsent", "consent", self.admin_consent),
            route("POST", "/{tenant}/v2.0/adminconsent", "adminconsent", "consent", self.admin_consent),
            route("GET", "/{tenant}/adminconsent", "adminconsent v1", "consent", self.admin_consent),
            route("POST", "/{tenant}/adminconsent", "adminconsent v1", "consent", self.admin_consent),
            route("GET", "/{tenant}/oauth2/v2.0/logout", "logout", "openid", self.logout),
            route(
                "GET", "/{tenant}/v2.0/.well-known/openid-configuration", "openid-configuration", "openid", self.openid
            ),
            route("GET", "/{tenant}/discovery/v2.0/keys", "keys", "openid", self.keys),
            route("GET", "/common/discovery/instance", "instance discovery", "instance", self.instance),
            *self._device.routes(),
        ]

    def application(self, client_id: str, tenant: str) -> Application:
        """The application that a page is asked for. Raises Refusal with Microsoft's own page."""
        if not client_id:
            raise Refusal(problem(900144, "The request body must contain the following parameter: 'client_id'."))
        found = self._service.oauth.application(client_id)
        if found is None:
            text = f"Application with identifier '{client_id}' was not found in the directory '{tenant}'."
            raise Refusal(problem(700016, text))
        if found.details.get("single_tenant") and tenant in MANY:
            text = f"Application '{client_id}' is not configured as a multi-tenant application."
            raise Refusal(problem(50194, text))
        if tenant not in MANY and self._service.directory.tenant(tenant) is None:
            raise Refusal(problem(90002, f"Tenant '{tenant}' not found."))
        return found

    def check(self, tenant: str, user: str, password: str) -> str:
        """Sign-in at a tenant. Raises Wrong, also for accounts that do not belong there."""
        upn = self._service.check(user, password)
        account = self._service.directory.account(upn)
        if account is None or not account.person.active:
            raise Wrong(described(50057, "The user account is disabled."))
        if not self.belongs(account, tenant):
            number = 500208 if account.personal else 50020
            told = f"User account '{upn}' from identity provider '{account.home.domain}' does not exist in tenant"
            raise Wrong(described(number, f"{told} '{tenant}' and cannot access the application in that tenant."))
        return upn

    def belongs(self, user: User, tenant: str) -> bool:
        """Whether an account can sign in at a tenant, or at common and its like."""
        if tenant in MANY:
            return tenant == "common" or (tenant == "consumers") == user.personal
        found = self._service.directory.tenant(tenant)
        if found is None or found == user.home:
            return found is not None
        guest = self._service.directory.user_of(user.person)
        return guest is not None and guest.guest and guest.home == found and not user.personal

    def effective(self, user: User, tenant: str) -> Tenant:
        """The tenant whose tokens an account gets that signs in there."""
        return (None if tenant in MANY else self._service.directory.tenant(tenant)) or user.home

    async def authorize(self, call: Call) -> Answer:
        """Sign-in, consent, and back to the application with a code."""
        query, tenant = call.query, call.params["tenant"].lower()
        application = self.application(query.get("client_id", ""), tenant)
        target = query.get("redirect_uri", "") or next(iter(application.redirect_uris), "")
        if not registered(application, target):
            told = f"The redirect URI '{target}' specified in the request does not match the redirect URIs configured"
            return problem(50011, f"{told} for the application '{application.client_id}'.")
        try:
            scopes = self._scopes(application, query)
        except BadScope as bad:
            error = "invalid_resource" if bad.number == 500011 else "invalid_scope"
            return self._back(call, target, {"error": error, "error_description": described(bad.number, str(bad))})
        if query.get("response_type", "") != "code":
            return self._back(call, target, {"error": "unsupported_response_type"})
        if query.get("code_challenge_method", "plain") not in ("S256", "plain"):
            return self._back(call, target, {"error": "invalid_request"})
        if query.get("prompt") == "none":
            return self._back(call, target, {"error": "login_required"})
        decided = await self._service.dialogue.ask(
            call,
            application.name,
            scopes,
            lambda user, password: self.check(tenant, user, password),
            query.get("login_hint", ""),
            lambda user: self._gate(call, application, user, tenant, scopes),
        )
        if isinstance(decided, Answer):
            return decided
        return self._decided(call, application, target, scopes, decided)

    def _scopes(self, application: Application, query: dict[str, str]) -> tuple[str, ...]:
        asked = plain(words(query.get("scope", "")))
        if not asked:
            raise BadScope(900144, "The request body must contain the following parameter: 'scope'.")
        return self._tokens.expanded(application, asked)

    def _gate(
        self, call: Call, application: Application, upn: str, tenant: str, scopes: tuple[str, ...]
    ) -> Answer | Decision | None:
        """Needs the account an administrator first, or has it allowed all of this before?"""
        user = self._service.directory.signed_in(upn)
        lacking = self.lacking(application, user, self.effective(user, tenant), scopes)
        if not lacking and call.query.get("prompt") != "consent":
            return Decision(upn, True)
        if self.approval_needed(application, user, self.effective(user, tenant), scopes):
            return page(
                TITLE,
                "Need admin approval",
                f"<p>{described(90094, 'An administrator has to approve what this application asks for.')}</p>"
                '<form method="post">'
                '<button name="do" value="cancel">Return to the application without granting consent</button></form>',
            )
        return None

    def lacking(self, application: Application, user: User, tenant: Tenant, scopes: tuple[str, ...]) -> frozenset[str]:
        """The scopes that neither the account nor its administrator has allowed the application yet."""
        consent = self._service.consent(tenant, application.client_id)
        wanted = frozenset(scopes) - frozenset(OIDC) - {".default"}
        wanted -= WORK_ONLY if user.personal else frozenset()
        return wanted - frozenset(consent.scopes) - frozenset(consent.users.get(user.upn, ()))

    def approval_needed(self, application: Application, user: User, tenant: Tenant, scopes: tuple[str, ...]) -> bool:
        """Whether an administrator has to allow some of it first."""
        lacking = self.lacking(application, user, tenant, scopes)
        return bool(lacking & ADMIN_ONLY) and not user.admin and not user.personal

    def _decided(
        self, call: Call, application: Application, target: str, scopes: tuple[str, ...], decided: Decision
    ) -> Answer:
        if not decided.user:
            return self._back(call, target, {"error": "access_denied", "error_subcode": "cancel"})
        user = self._service.directory.signed_in(decided.user)
        tenant = self.effective(user, call.params["tenant"].lower())
        if not decided.allowed:
            if user.personal:
                return self._back(call, target, {"error": "access_denied", "error_description": DENIED})
            return self._back(call, target, {"error": "consent_required", "error_description": DECLINED})
        self.allow(application, user, tenant, scopes)
        call.event.actor = user.upn
        now = self._service.world.clock.now()
        code = self._service.oauth.code(
            Code(
                value=self._service.oauth.secret(120, "M.C" if user.personal else "1.A"),
                client_id=application.client_id,
                user=user.upn,
                scopes=scopes,
                redirect_uri=target,
                expires_at=now + CODE_SECONDS,
                challenge=call.query.get("code_challenge", ""),
                method=call.query.get("code_challenge_method", "plain"),
                details={"tenant": tenant.id, "nonce": call.query.get("nonce", "")},
            )
        )
        told = {"code": code.value}
        if call.query.get("client_info") == "1":
            told["client_info"] = client_info(user, tenant)
        return self._back(call, target, {**told, "session_state": self._service.oauth.secret(32)})

    def allow(self, application: Application, user: User, tenant: Tenant, scopes: tuple[str, ...]) -> None:
        """Remember what an account allowed an application."""
        consent = self._service.consent(tenant, application.client_id)
        consent.users[user.upn] = sorted({*consent.users.get(user.upn, ()), *scopes})

    def _back(self, call: Call, target: str, told: dict[str, str]) -> Answer:
        mode = call.query.get("response_mode", "query")
        if "state" in call.query:
            told = {**told, "state": call.query["state"]}
        if mode != "form_post":
            return return_to(target, told, fragment=mode == "fragment")
        return posted_back(target, told)

    async def admin_consent(self, call: Call) -> Answer:
        """An administrator allows an application what it is registered for, for the whole organisation."""
        query, segment = call.query, call.params["tenant"].lower()
        application = self.application(query.get("client_id", ""), segment)
        target = query.get("redirect_uri", "") or next(iter(application.redirect_uris), "")
        if not registered(application, target):
            return problem(50011, f"The redirect URI '{target}' specified in the request does not match.")
        modern = "/v2.0/" in call.path
        asked = ["User.Read", *application.details.get("roles", ROLES)]
        decided = await self._service.dialogue.ask(
            call, application.name, asked, lambda user, password: self._check_admin(segment, user, password)
        )
        if isinstance(decided, Answer):
            return decided
        if not decided.allowed and modern:
            told = {"admin_consent": "True", "error": "consent_required", "error_description": DECLINED}
            return self._back(call, target, told)
        if not decided.allowed:
            told = {"error": "permission_denied", "error_description": "The admin canceled the request"}
            return self._back(call, target, told)
        call.event.actor = decided.user
        tenant = self.effective(self._service.directory.signed_in(decided.user), segment)
        consent = self._service.consent(tenant, application.client_id)
        consent.roles = list(application.details.get("roles", ROLES))
        consent.scopes = sorted({*consent.scopes, "User.Read", *application.details.get("scopes", ())})
        scope = {"scope": query.get("scope", f"https://{GRAPH}/.default")} if modern else {}
        return self._back(call, target, {"admin_consent": "True", "tenant": tenant.id, **scope})

    def _check_admin(self, tenant: str, user: str, password: str) -> str:
        upn = self.check(tenant, user, password)
        if not self._service.directory.signed_in(upn).admin:
            raise Wrong(described(90093, "Only an administrator can grant this consent."))
        return upn

    def logout(self, call: Call) -> Answer:
        """Nobody stays signed in here, so there is only the way back."""
        target = call.query.get("post_logout_redirect_uri")
        return redirect(target) if target else notice(TITLE, "You signed out of your account", "Close the browser.")

    def openid(self, call: Call) -> Answer:
        """What a client has to know of a tenant."""
        segment = call.params["tenant"].lower()
        tenant = self._service.directory.tenant(segment)
        if tenant is None and segment not in MANY:
            return login_error(call, "invalid_tenant", 90002, f"Tenant '{segment}' not found.")
        if segment == "consumers":
            tenant = self._service.directory.consumers
        login, graph = call.at(LOGIN), call.at(GRAPH)
        return json_answer(
            {
                "token_endpoint": f"{login}/{segment}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post", "private_key_jwt", "client_secret_basic",
                ],
                "jwks_uri": f"{login}/{segment}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code"],
                "scopes_supported": list(OIDC),
                "issuer": f"{login}/{tenant.id if tenant else '{tenantid}'}/v2.0",
                "userinfo_endpoint": f"{graph}/oidc/userinfo",
                "authorization_endpoint": f"{login}/{segment}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{login}/{segment}/oauth2/v2.0/devicecode",
                "end_session_endpoint": f"{login}/{segment}/oauth2/v2.0/logout",
                "tenant_region_scope": "EU" if tenant and tenant.id != CONSUMERS else None,
                "cloud_instance_name": "microsoftonline.com",
                "msgraph_host": GRAPH,
            }
        )  # fmt: skip

    def keys(self, call: Call) -> Answer:
        """The public keys of what is signed here."""
        jwk = public_jwk(self._service.signing_key())
        return json_answer(
            {"keys": [{**jwk, "kid": self._tokens.key_id(), "use": "sig", "issuer": f"https://{LOGIN}/"}]}
        )

    def instance(self, call: Call) -> Answer:
        """Where to learn more of an authority, and which hosts are the same."""
        asked = call.query.get("authorization_endpoint", "")
        tenant = asked.removeprefix("https://").split("/")[1] if asked.count("/") > 2 else "common"
        aliases = LOGIN_HOSTS.split()
        metadata = {"preferred_network": LOGIN, "preferred_cache": "login.windows.net", "aliases": aliases}
        return json_answer(
            {
                "tenant_discovery_endpoint": f"{call.at(LOGIN)}/{tenant}/v2.0/.well-known/openid-configuration",
                "api-version": call.query.get("api-version", "1.1"),
                "metadata": [metadata],
            }
        )


def registered(application: Application, uri: str) -> bool:
    """Whether an application may be answered there. Of http://localhost any port is the same (RFC 8252, 7.3)."""

    def without_port(one: str) -> str:
        head, separator, rest = one.partition("://localhost")
        if not separator or head != "http":
            return one
        port, slash, path = rest.partition("/")
        return f"http://localhost{slash}{path}" if not port or port[1:].isdigit() else one

    return bool(uri) and without_port(uri) in [without_port(one) for one in application.redirect_uris]


def problem(number: int, text: str) -> Answer:
    """Microsoft's own page of an error that is not told to the application."""
    return notice(TITLE, "Sorry, but we’re having trouble signing you in.", described(number, text), 400)


def posted_back(target: str, told: dict[str, str]) -> Answer:
    """A page that brings the answer by a form; the real one sends it off by script."""
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in told.items()
    )
    return html_answer(
        f'<!doctype html><html lang="en"><title>Continue</title><form method="post" action="{html.escape(target)}">'
        f"{fields}<button>Continue</button></form></html>"
    )
