"""Dropbox's sign-in: consent page, tokens, revoking."""

import html
from typing import TYPE_CHECKING, Any

from haulage.sandbox.frame.consent import Decision, Wrong, notice, page
from haulage.sandbox.frame.oauth import (
    Application,
    Code,
    Grant,
    challenge_met,
    client_of,
    return_to,
    same_secret,
    words,
)
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer

if TYPE_CHECKING:
    from haulage.sandbox.dropbox.service import Dropbox

WEB, API = "www.dropbox.com", "api.dropboxapi.com"
TITLE = "Dropbox"
CODE_SECONDS = 600.0
ACCESS_SECONDS = 14_400
USER_SCOPES = (
    "account_info.read", "account_info.write", "files.metadata.read", "files.metadata.write", "files.content.read",
    "files.content.write", "files.permanent_delete", "sharing.read", "sharing.write", "file_requests.read",
    "file_requests.write", "contacts.read",
)  # fmt: skip
TEAM_SCOPES = (
    "team_info.read", "members.read", "members.write", "groups.read", "groups.write", "team_data.member",
    "team_data.content.read", "team_data.content.write", "files.team_metadata.write", "events.read",
)  # fmt: skip
OPEN = {"open": True}


class Identity:
    """What www.dropbox.com and the token endpoint serve."""

    def __init__(self, service: "Dropbox") -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Its endpoints; the older paths, too."""
        made = []
        for older in ("", "/1"):
            for method in ("GET", "POST"):
                path = f"{older}/oauth2/authorize"
                made.append(Route(method, WEB, path, "oauth2/authorize", "oauth", self.authorize, details=OPEN))
            path = f"{older}/oauth2/token"
            made.append(Route("POST", API, path, "oauth2/token", "oauth", self.token, details=OPEN))
        revoke = "/2/auth/token/revoke"
        return [*made, Route("POST", API, revoke, "auth/token/revoke", "revoke", self.revoke)]

    async def authorize(self, call: Call) -> Answer:
        """Sign-in, consent, and back with a code; without a redirect_uri the code is shown."""
        query = call.query
        application = self._service.oauth.application(query.get("client_id", ""))
        if application is None:
            return notice(TITLE, "Error", f"Invalid client_id {query.get('client_id', '')!r}.", 400)
        target = query.get("redirect_uri", "")
        if target and target not in application.redirect_uris:
            return notice(TITLE, "Error", f"Invalid redirect_uri: {target!r} is not registered for this app.", 400)
        if query.get("response_type") != "code":
            return notice(TITLE, "Error", 'The response_type has to be "code".', 400)
        scopes, known = words(query.get("scope", "")), application.details.get("scopes", USER_SCOPES)
        if wrong := [one for one in scopes if one not in known]:
            return notice(TITLE, "Error", f"This app is not allowed the scope {wrong[0]!r}.", 400)
        scopes = scopes or tuple(one for one in known if one not in TEAM_SCOPES)
        decided = await self._service.dialogue.ask(
            call, application.name, scopes, lambda user, password: self._check(scopes, user, password)
        )
        if isinstance(decided, Answer):
            return decided
        return self._decided(call, application, target, scopes, decided)

    def _check(self, scopes: tuple[str, ...], user: str, password: str) -> str:
        email = self._service.check(user, password)
        member = self._service.people.of(email)
        if member is None or not member.person.active:
            raise Wrong("This account is suspended.")
        if not set(scopes).isdisjoint(TEAM_SCOPES) and not member.admin:
            raise Wrong("You need to be a team admin to connect this app to your team.")
        return email

    def _decided(
        self, call: Call, application: Application, target: str, scopes: tuple[str, ...], decided: Decision
    ) -> Answer:
        state = {"state": call.query["state"]} if "state" in call.query else {}
        if not decided.allowed:
            if not target:
                return notice(TITLE, "The app was not connected", "Close this window.")
            told = "The user chose not to give your app access to their Dropbox account."
            return return_to(target, {"error": "access_denied", "error_description": told, **state})
        call.event.actor = decided.user
        code = self._service.oauth.code(
            Code(
                value=self._service.oauth.secret(43),
                client_id=application.client_id,
                user=decided.user,
                scopes=scopes,
                redirect_uri=target,
                expires_at=self._service.world.clock.now() + CODE_SECONDS,
                challenge=call.query.get("code_challenge", ""),
                method=call.query.get("code_challenge_method", "plain"),
                details={"access": call.query.get("token_access_type", "online")},
            )
        )
        if target:
            return return_to(target, {"code": code.value, **state})
        shown = f'<p><label for="code">Enter this code in {html.escape(application.name)}</label></p>'
        field = f'<input id="code" name="code" readonly value="{html.escape(code.value)}">'
        return page(TITLE, "Access code generated", shown + field)

    def _wrong(self, error: str, text: str, status: int = 400) -> Refusal:
        return Refusal(json_answer({"error": error, "error_description": text}, status))

    async def token(self, call: Call) -> Answer:
        """Redeem a code or a refresh token."""
        form = await call.form()
        client_id, secret, _ = client_of(call, form)
        application = self._service.oauth.application(client_id)
        if application is None:
            raise self._wrong("invalid_client", "Invalid client_id or client_secret")
        if secret and not same_secret(secret, application.secret):
            raise self._wrong("invalid_client", "Invalid client_id or client_secret")
        if form.get("grant_type") == "authorization_code":
            return self._code(call, form, application, bool(secret))
        if form.get("grant_type") == "refresh_token":
            return self._refresh(call, form, application, bool(secret))
        raise self._wrong("unsupported_grant_type", "grant type not supported")

    def _code(self, call: Call, form: dict[str, str], application: Application, proven: bool) -> Answer:
        code = self._service.oauth.records.codes.get(form.get("code", ""))
        if code is None or code.client_id != application.client_id or self._service.oauth.expired(code):
            raise self._wrong("invalid_grant", "code doesn't exist or has expired")
        if code.used:
            raise self._wrong("invalid_grant", "code has already been used")
        if form.get("redirect_uri", "") != code.redirect_uri:
            raise self._wrong("invalid_grant", "redirect_uri mismatch")
        if not proven and not code.challenge:
            raise self._wrong("invalid_client", "No client_secret or code_verifier provided")
        if not challenge_met(code, form.get("code_verifier", "")):
            raise self._wrong("invalid_grant", "invalid code verifier")
        code.used = "redeemed"
        call.event.actor = code.user
        pkce = "" if proven else "yes"
        grant = self._service.oauth.open(application.client_id, code.user, code.scopes, pkce=pkce)
        return json_answer(self.given(grant, offline=code.details["access"] == "offline"))

    def given(self, grant: Grant, *, offline: bool) -> dict[str, Any]:
        """The tokens of a new grant."""
        member = self._service.people.of(grant.user)
        told = self._access(grant)
        if offline:
            told["refresh_token"] = self._service.oauth.issue(
                grant, "refresh", self._service.oauth.secret(64), None
            ).value
        told |= {"scope": " ".join(grant.scopes), "uid": member.uid if member else ""}
        if self._service.for_team(grant.scopes):
            return {**told, "team_id": self._service.people.team}
        return {**told, "account_id": member.account if member else ""}

    def _access(self, grant: Grant) -> dict[str, Any]:
        seconds = self._service.access_seconds or ACCESS_SECONDS
        token = self._service.oauth.issue(grant, "access", self._service.oauth.secret(130, "sl."), seconds)
        return {"access_token": token.value, "token_type": "bearer", "expires_in": int(seconds)}

    def _refresh(self, call: Call, form: dict[str, str], application: Application, proven: bool) -> Answer:
        """The refresh token stays as it is, and no new one is given."""
        found = self._service.oauth.token(form.get("refresh_token", ""), "refresh")
        if found is None or found[1].client_id != application.client_id:
            raise self._wrong("invalid_grant", "refresh token is malformed")
        token, grant = found
        call.event.actor = grant.user
        if call.fault("grant_revoked") is not None:
            grant.ended = grant.ended or "revoked"
        if not proven and not grant.details.get("pkce"):
            raise self._wrong("invalid_client", "Invalid client_id or client_secret")
        if not self._service.oauth.alive(token, grant):
            raise self._wrong("invalid_grant", "refresh token is invalid or revoked")
        return json_answer(self._access(grant))

    def revoke(self, call: Call) -> Answer:
        """Ends the token, its refresh token, and all other access tokens of that one."""
        caller = self._service.admitted(call)
        caller.grant.ended = "revoked"
        return json_answer(None)
