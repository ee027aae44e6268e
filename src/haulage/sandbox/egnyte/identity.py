"""Egnyte's sign-in: the page that asks for the domain, consent, tokens, revoking, and who one is."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from haulage.sandbox.egnyte.people import DOMAIN, HOST, told
from haulage.sandbox.egnyte.wire import failure
from haulage.sandbox.frame.consent import Decision, Wrong, notice, page
from haulage.sandbox.frame.oauth import Application, Code, Grant, client_of, return_to, same_secret, words
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer, redirect

if TYPE_CHECKING:
    from haulage.sandbox.egnyte.service import Egnyte

PARTNERS = "us-partner-integrations.egnyte.com partner-integrations.egnyte.com"
TITLE = "Egnyte"
CODE_SECONDS = 600.0
ACCESS_SECONDS = 2_592_000
SCOPES = (
    "Egnyte.filesystem", "Egnyte.link", "Egnyte.user", "Egnyte.group", "Egnyte.permission", "Egnyte.audit",
    "Egnyte.bookmark", "Egnyte.launchwebsession", "Egnyte.projectfolders", "Egnyte.webhooks",
)  # fmt: skip
OPEN = {"open": True}


class Identity:
    """What /puboauth serves."""

    def __init__(self, service: "Egnyte") -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Its endpoints."""
        made = []
        for path in ("/puboauth/token", "/puboauth/authorize"):
            made.append(Route("GET", HOST, path, "authorize", "oauth", self.authorize, details=OPEN))
        made += [
            # The page's form comes back to the page's address, with its query; a token is asked for without one
            Route("POST", HOST, "/puboauth/token", "token", "oauth", self.post, details=OPEN),
            Route("POST", HOST, "/puboauth/authorize", "authorize", "oauth", self.authorize, details=OPEN),
            Route("GET", PARTNERS, "/services/oauth/code", "domain prompt", "oauth", self.prompt, details=OPEN),
            Route("POST", PARTNERS, "/services/oauth/code", "domain prompt", "oauth", self.prompt, details=OPEN),
            Route("POST", HOST, "/pubapi/v1/tokens/revoke", "revoke token", "revoke", self.revoke),
            Route("GET", HOST, "/pubapi/v1/userinfo", "userinfo", "userinfo", self.userinfo),
            Route("GET", HOST, "/pubapi/v1/whoami", "whoami", "userinfo", self.whoami),
        ]
        return made

    async def post(self, call: Call) -> Answer:
        """A page's form comes back with the page's query; a request for a token has none."""
        return await (self.authorize(call) if "response_type" in call.query else self.token(call))

    async def prompt(self, call: Call) -> Answer:
        """Asks which domain, then goes on there."""
        name = (await call.form()).get("domain", "").strip().lower() if call.method == "POST" else ""
        name = name.removeprefix("https://").removesuffix("/").removesuffix(".egnyte.com")
        if name == DOMAIN:
            return redirect(f"{call.at(HOST)}/puboauth/token?{urlencode(call.query)}", 303)
        alert = '<p role="alert">There is no such domain.</p>' if name else ""
        return page(
            TITLE,
            "Enter your Egnyte domain",
            f'{alert}<form method="post"><label for="domain">Domain, as in https://DOMAIN.egnyte.com</label>'
            '<input id="domain" name="domain" autocomplete="off"><button>Continue</button></form>',
        )

    async def authorize(self, call: Call) -> Answer:
        """Sign-in, consent, and back with a code (or with a token, for response_type=token)."""
        query = call.query
        application = self._service.oauth.application(query.get("client_id", ""))
        if application is None:
            return notice(TITLE, "Invalid client", "The API key is not known on this domain.", 400)
        target, kind = query.get("redirect_uri", ""), query.get("response_type", "")
        if target not in application.redirect_uris:
            return notice(TITLE, "Invalid redirect URI", f"{target!r} is not registered for this API key.", 400)
        if kind not in ("code", "token"):
            return notice(TITLE, "Unsupported response type", 'It has to be "code" or "token".', 400)
        scopes = words(query.get("scope", "")) or SCOPES
        state = {"state": query["state"]} if "state" in query else {}
        if wrong := [one for one in scopes if one not in SCOPES]:
            return return_to(target, {"error": "invalid_scope", "error_description": wrong[0], **state})
        decided = await self._service.dialogue.ask(call, application.name, scopes, self._check)
        if isinstance(decided, Answer):
            return decided
        if not decided.allowed:
            return return_to(target, {"error": "access_denied", **state}, fragment=kind == "token")
        return self._allowed(call, application, target, scopes, decided)

    def _check(self, user: str, password: str) -> str:
        email = self._service.check(user, password)
        if not self._service.user(email).active:
            raise Wrong("This user is inactive.")
        return email

    def _allowed(
        self, call: Call, application: Application, target: str, scopes: tuple[str, ...], decided: Decision
    ) -> Answer:
        state = {"state": call.query["state"]} if "state" in call.query else {}
        call.event.actor = self._service.user(decided.user).name
        if call.query["response_type"] == "token":
            grant = self._service.oauth.open(application.client_id, decided.user, scopes)
            given = self.given(grant, application)
            told_ = {"access_token": given["access_token"], "token_type": "bearer", **state}
            return return_to(target, told_, fragment=True)
        code = self._service.oauth.code(
            Code(
                value=self._service.oauth.secret(24),
                client_id=application.client_id,
                user=decided.user,
                scopes=scopes,
                redirect_uri=target,
                expires_at=self._service.world.clock.now() + CODE_SECONDS,
                details={"scope": call.query.get("scope", "")},
            )
        )
        return return_to(target, {"code": code.value, **state})

    def _wrong(self, error: str, text: str, status: int = 400) -> Refusal:
        return Refusal(json_answer({"error": error, "error_description": text}, status))

    async def _fields(self, call: Call) -> dict[str, str]:
        """The form's fields. The official Python SDK (0.5.3) sends them as JSON under a form's content type."""
        if not (await call.body()).startswith(b"{"):
            return await call.form()
        found = await call.json(lambda text: failure(400, text))
        return {str(name): str(value) for name, value in found.items()}

    async def token(self, call: Call) -> Answer:
        """Redeem a code, a password, or a refresh token."""
        form = await self._fields(call)
        client_id, secret, _ = client_of(call, form)
        kind = form.get("grant_type", "")
        if (refused := self._service.token_budget(call, client_id, form.get("username", ""))) is not None:
            return refused
        application = self._service.oauth.application(client_id)
        if application is None or (secret and not same_secret(secret, application.secret)):
            raise self._wrong("invalid_client", "Invalid client id or client secret", 401)
        if kind == "password":
            return self._password(call, form, application)
        if not secret:
            raise self._wrong("invalid_client", "The client secret is missing", 401)
        if kind == "authorization_code":
            return self._code(call, form, application)
        if kind == "refresh_token":
            return self._refresh(call, form, application)
        raise self._wrong("unsupported_grant_type", f"Grant type {kind!r} is not supported")

    def given(self, grant: Grant, application: Application) -> dict[str, Any]:
        """The tokens of a grant. Older keys have no refresh token, and access tokens that do not run out."""
        oauth = self._service.oauth
        seconds: float | None = self._service.access_seconds or ACCESS_SECONDS
        if application.details.get("classic"):
            token = oauth.issue(grant, "access", oauth.secret(24), self._service.access_seconds)
            return {"access_token": token.value, "token_type": "bearer", "expires_in": -1}
        token = oauth.issue(grant, "access", oauth.secret(24), seconds)
        refresh = oauth.issue(grant, "refresh", oauth.secret(24), None)
        return {
            "access_token": token.value,
            "token_type": "bearer",
            "expires_in": int(seconds or 0),
            "refresh_token": refresh.value,
            "scope": " ".join(grant.scopes),
        }

    def _password(self, call: Call, form: dict[str, str], application: Application) -> Answer:
        """Only for keys that are registered as internal."""
        if not application.details.get("internal"):
            raise self._wrong("unauthorized_client", "This API key may not use the resource owner flow")
        try:
            email = self._check(form.get("username", ""), form.get("password", ""))
        except Wrong as wrong:
            raise self._wrong("invalid_grant", str(wrong)) from None
        call.event.actor = self._service.user(email).name
        scopes = words(form.get("scope", "")) or SCOPES
        return json_answer(self.given(self._service.oauth.open(application.client_id, email, scopes), application))

    def _code(self, call: Call, form: dict[str, str], application: Application) -> Answer:
        code = self._service.oauth.records.codes.get(form.get("code", ""))
        if code is None or code.client_id != application.client_id:
            raise self._wrong("invalid_grant", "The authorization code is invalid")
        if code.used or self._service.oauth.expired(code):
            raise self._wrong("invalid_grant", "The authorization code has expired")
        if form.get("redirect_uri", "") != code.redirect_uri:
            raise self._wrong("invalid_grant", "The redirect URI does not match")
        if form.get("scope", code.details["scope"]) != code.details["scope"]:
            raise self._wrong("invalid_scope", "The scope is not that of the authorization request")
        code.used = "redeemed"
        call.event.actor = self._service.user(code.user).name
        grant = self._service.oauth.open(application.client_id, code.user, code.scopes)
        return json_answer(self.given(grant, application))

    def _refresh(self, call: Call, form: dict[str, str], application: Application) -> Answer:
        """A refresh gives a new pair; the old refresh token is over."""
        found = self._service.oauth.token(form.get("refresh_token", ""), "refresh")
        if found is None or found[1].client_id != application.client_id:
            raise self._wrong("invalid_grant", "The refresh token is invalid")
        token, grant = found
        call.event.actor = self._service.user(grant.user).name
        if call.fault("grant_revoked") is not None:
            grant.ended = grant.ended or "revoked"
        if not self._service.oauth.alive(token, grant):
            raise self._wrong("invalid_grant", "The refresh token is expired or revoked")
        token.ended = "used"
        return json_answer(self.given(grant, application))

    async def revoke(self, call: Call) -> Answer:
        """Ends a token, and with it the other of its pair."""
        form, oauth = await call.form(), self._service.oauth
        value = form.get("token", "")
        found = oauth.token(value, "access") or oauth.token(value, "refresh")
        if found is None:
            return failure(400, "Invalid token")
        found[1].ended = found[1].ended or "revoked"
        return Answer(200)

    def userinfo(self, call: Call) -> Answer:
        """The user that the call acts for."""
        return json_answer(told(self._service.acting(call)))

    def whoami(self, call: Call) -> Answer:
        """Whose token it is, and what it may."""
        token, grant = self._service.admitted(call)
        return json_answer(
            {
                "clientId": grant.client_id,
                "username": self._service.user(grant.user).name,
                "domain": DOMAIN,
                "scopes": list(token.scopes),
            }
        )
