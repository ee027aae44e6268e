"""Box's sign-in: consent page, tokens of people and of applications, revoking."""

from typing import TYPE_CHECKING, Any

import msgspec

from haulage.sandbox.box.model import UserRecord
from haulage.sandbox.frame.consent import Decision, Wrong, notice
from haulage.sandbox.frame.oauth import Application, Code, Grant, client_of, return_to, same_secret, words
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.signing import NotSigned, certificate_of, locked, unverified, verified
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer

if TYPE_CHECKING:
    from haulage.sandbox.box.service import Box

API = "api.box.com"
PAGES = "account.box.com app.box.com"
TITLE = "Box"
CODE_SECONDS = 30.0
ACCESS_SECONDS = 3_600
REFRESH_SECONDS = 60 * 86_400.0
LONGEST_ASSERTION_SECONDS = 60
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://api.box.com/oauth2/token"
SCOPES = (
    "root_readwrite", "root_readonly", "manage_managed_users", "manage_app_users", "manage_groups",
    "manage_enterprise_properties", "manage_webhook", "manage_data_retention",
)  # fmt: skip
CODE_GRANTS = ("authorization_code", "refresh_token")
SERVER_GRANTS = (*CODE_GRANTS, "client_credentials", JWT_GRANT)
KEY_ID = "hlgsbx01"
PASSPHRASE = "of the sandbox's own key"  # noqa: S105 - it stands in the file that it is for
OPEN = {"open": True}


class Identity:
    """What account.box.com and the token endpoint serve."""

    def __init__(self, service: "Box") -> None:
        self._service = service
        self._seen: dict[str, float] = {}

    def routes(self) -> list[Route]:
        """Its endpoints."""
        page, name, revoke = "/api/oauth2/authorize", "post_oauth2_token", "/oauth2/revoke"
        return [
            Route("GET", PAGES, page, "get_authorize", "authorize", self.authorize, details=OPEN),
            Route("POST", PAGES, page, "get_authorize", "authorize", self.authorize, details=OPEN),
            Route("POST", API, "/oauth2/token", name, "token", self.token, details=OPEN),
            Route("POST", PAGES, "/api/oauth2/token", name, "token", self.token, details=OPEN),
            Route("POST", API, revoke, "post_oauth2_revoke", "revoke", self.revoke, details=OPEN),
            Route("POST", PAGES, f"/api{revoke}", "post_oauth2_revoke", "revoke", self.revoke, details=OPEN),
        ]

    async def authorize(self, call: Call) -> Answer:
        """Sign-in, consent, and back with a code."""
        query = call.query
        application = self._service.oauth.application(query.get("client_id", ""))
        if application is None:
            return notice(TITLE, "Error: invalid_client_id", "The client_id is not known.", 400)
        target, known = query.get("redirect_uri", ""), application.redirect_uris
        if not target and len(known) != 1:
            return notice(TITLE, "Error: redirect_uri_missing", "Several are registered, and none was given.", 400)
        target = target or known[0]
        if target not in known:
            return notice(TITLE, "Error: redirect_uri_mismatch", f"{target} is not registered.", 400)
        if query.get("response_type") != "code":
            return notice(TITLE, "Error: unsupported_response_type", 'It has to be "code".', 400)
        own = tuple(application.details.get("scopes", SCOPES))
        scopes = tuple(one for one in words(query.get("scope", "")) if one in own) or own
        decided = await self._service.dialogue.ask(call, application.name, scopes, self._check)
        if isinstance(decided, Answer):
            return decided
        return self._decided(call, application, target, scopes, decided)

    def _check(self, user: str, password: str) -> str:
        login = self._service.check(user, password)
        if self._service.account(login).status == "inactive":
            raise Wrong("Your account is inactive. Ask your administrator.")
        return login

    def _decided(
        self, call: Call, application: Application, target: str, scopes: tuple[str, ...], decided: Decision
    ) -> Answer:
        state = {"state": call.query["state"]} if "state" in call.query else {}
        if not decided.allowed:
            told = "The user denied access to your application"
            return return_to(target, {"error": "access_denied", "error_description": told, **state})
        call.event.actor = self._service.account(decided.user).id
        code = self._service.oauth.code(
            Code(
                value=self._service.oauth.secret(32),
                client_id=application.client_id,
                user=decided.user,
                scopes=scopes,
                redirect_uri=target,
                expires_at=self._service.world.clock.now() + CODE_SECONDS,
            )
        )
        return return_to(target, {**state, "code": code.value})

    def _wrong(self, error: str, text: str) -> Refusal:
        """Errors of tokens are OAuth's, not Box's; all are 400."""
        return Refusal(json_answer({"error": error, "error_description": text}, 400))

    def _client(self, call: Call, form: dict[str, str]) -> Application:
        client_id, secret, _ = client_of(call, form)
        found = self._service.oauth.application(client_id)
        if found is None or not same_secret(secret, found.secret):
            raise self._wrong("invalid_client", "The client credentials are invalid")
        return found

    async def token(self, call: Call) -> Answer:
        """Redeem one of the grants."""
        form = await call.form()
        kind = form.get("grant_type", "")
        redeem = {
            "authorization_code": self._code,
            "refresh_token": self._refresh,
            "client_credentials": self._credentials,
            JWT_GRANT: self._jwt,
        }.get(kind)
        if kind == "urn:ietf:params:oauth:grant-type:token-exchange":
            return self._service.missing(call)
        if redeem is None:
            raise self._wrong("invalid_request", "Invalid grant_type parameter or parameter missing")
        application = self._client(call, form)
        if kind not in application.details.get("grants", CODE_GRANTS):
            raise self._wrong("unauthorized_client", "The grant type is unauthorized for this client_id")
        return redeem(call, form, application)

    def _code(self, call: Call, form: dict[str, str], application: Application) -> Answer:
        code = self._service.oauth.records.codes.get(form.get("code", ""))
        if code is None or code.client_id != application.client_id:
            raise self._wrong("invalid_grant", "Auth code doesn't exist or is invalid for the client")
        if code.used or self._service.oauth.expired(code):
            raise self._wrong("invalid_grant", "The authorization code has expired")
        code.used = "redeemed"
        call.event.actor = self._service.account(code.user).id
        grant = self._service.oauth.open(application.client_id, code.user, code.scopes)
        return json_answer(self.given(grant, refreshable=True))

    def given(self, grant: Grant, *, refreshable: bool) -> dict[str, Any]:
        """The tokens of a grant; applications by themselves get none to refresh with."""
        oauth = self._service.oauth
        seconds = self._service.access_seconds or ACCESS_SECONDS
        token = oauth.issue(grant, "access", oauth.secret(32), seconds)
        told = {"access_token": token.value, "expires_in": int(seconds), "restricted_to": [], "token_type": "bearer"}
        if refreshable:
            told["refresh_token"] = oauth.issue(grant, "refresh", oauth.secret(64), REFRESH_SECONDS).value
        return told

    def _refresh(self, call: Call, form: dict[str, str], application: Application) -> Answer:
        """A refresh token is good once, even where its answer is lost."""
        found = self._service.oauth.token(form.get("refresh_token", ""), "refresh")
        if found is None or found[1].client_id != application.client_id:
            raise self._wrong("invalid_grant", "Invalid refresh token")
        token, grant = found
        call.event.actor = self._service.account(grant.user).id
        if call.fault("grant_revoked") is not None:
            grant.ended = grant.ended or "revoked"
        if not self._service.oauth.alive(token, grant):
            raise self._wrong("invalid_grant", "Refresh token has expired")
        token.ended = "used"
        return json_answer(self.given(grant, refreshable=True))

    def _subject(self, kind: str, subject: str, application: Application) -> UserRecord | None:
        """Whom an application speaks for: its own service account, or a user."""
        if kind == "enterprise":
            return self._service.service_account(application) if subject == self._service.enterprise_id else None
        found = self._service.store.state.users.get(subject)
        return found if found is not None and not found.external and found.status != "inactive" else None

    def _by_itself(self, call: Call, record: UserRecord, application: Application) -> Answer:
        call.event.actor = record.id
        scopes = tuple(application.details.get("scopes", SCOPES))
        grant = self._service.oauth.open(application.client_id, record.login, scopes)
        return json_answer(self.given(grant, refreshable=False))

    def _credentials(self, call: Call, form: dict[str, str], application: Application) -> Answer:
        kind, subject = form.get("box_subject_type", "enterprise"), form.get("box_subject_id", "")
        record = self._subject(kind, subject or self._service.enterprise_id, application)
        if record is None:
            raise self._wrong("invalid_grant", "Grant credentials are invalid")
        return self._by_itself(call, record, application)

    def _jwt(self, call: Call, form: dict[str, str], application: Application) -> Answer:
        """https://developer.box.com/guides/authentication/jwt/without-sdk: each claim has its own complaint."""
        claims = self._claims(form.get("assertion", ""), application)
        now, ends = self._service.world.clock.now(), claims.get("exp", 0)
        if not isinstance(ends, int | float) or not now < ends <= now + LONGEST_ASSERTION_SECONDS:
            raise self._wrong("invalid_grant", "Please check the 'exp' claim.")
        if claims.get("iss") != application.client_id:
            raise self._wrong("invalid_grant", "Please check the 'iss' claim.")
        if claims.get("aud") != AUDIENCE:
            raise self._wrong("invalid_grant", "Please check the 'aud' claim.")
        unique = str(claims.get("jti", ""))
        self._seen = {one: until for one, until in self._seen.items() if until > now}
        if not 16 <= len(unique) <= 128 or unique in self._seen:
            raise self._wrong("invalid_grant", "Please check the 'jti' claim.")
        kind, subject = str(claims.get("box_sub_type", "")), str(claims.get("sub", ""))
        record = self._subject(kind, subject, application) if kind in ("enterprise", "user") else None
        if record is None:
            raise self._wrong("invalid_grant", "Please check the 'sub' claim.")
        self._seen[unique] = float(ends)
        return self._by_itself(call, record, application)

    def _claims(self, assertion: str, application: Application) -> dict[str, Any]:
        try:
            header, _ = unverified(assertion)
            key = application.certificates.get(str(header.get("kid", "")))
            if key is None or header.get("alg") not in ("RS256", "RS384", "RS512"):
                raise self._wrong("invalid_grant", "Please check the 'kid' and 'alg' of the header.")
            return verified(assertion, key)
        except NotSigned:
            raise self._wrong("invalid_grant", "OAuth JWT signature verification failed.") from None

    async def revoke(self, call: Call) -> Answer:
        """Ends a token, of either kind, and the other of its pair with it."""
        form = await call.form()
        application = self._client(call, form)
        oauth, value = self._service.oauth, form.get("token", "")
        found = oauth.token(value, "access") or oauth.token(value, "refresh")
        if found is None or found[1].client_id != application.client_id:
            raise self._wrong("invalid_token", "The token is not known")
        found[1].ended = found[1].ended or "revoked"
        return Answer(200)

    def config_file(self, application: Application) -> str:
        """The JSON file that the developer console would make for an application with a key pair."""
        key = self._service.key("application")
        if KEY_ID not in application.certificates:
            application.certificates[KEY_ID] = certificate_of(key, "Box application", self._service.world.clock.now())
        keys = self._service.oauth.records.keys
        keys["locked"] = keys.get("locked") or locked(key, PASSPHRASE)
        auth = {"publicKeyID": KEY_ID, "privateKey": keys["locked"], "passphrase": PASSPHRASE}
        settings = {"clientID": application.client_id, "clientSecret": application.secret, "appAuth": auth}
        return msgspec.json.encode({"boxAppSettings": settings, "enterpriseID": self._service.enterprise_id}).decode()
