"""The token, revocation and device endpoints.

Sources: developers.google.com/identity/protocols/oauth2/{web-server,native-app,limited-input-device} (2026-08).
"""

import base64
import hashlib
from typing import Any

import msgspec

from haulage.sandbox.frame.clock import Clock
from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer
from haulage.sandbox.google.accounts import SCOPE, Accounts, Client
from haulage.sandbox.google.errors import KIND, oauth_error
from haulage.sandbox.google.grants import TESTING_SECONDS, Grants
from haulage.sandbox.google.robots import TOKEN_URL, Robots

ANY = "accounts.google.com oauth2.googleapis.com www.googleapis.com"
TOKEN_PATHS = {
    "/token": "oauth2.googleapis.com",
    "/o/oauth2/token": "accounts.google.com oauth2.googleapis.com",
    "/oauth2/v4/token": "www.googleapis.com",
    "/oauth2/v3/token": "www.googleapis.com",
}
CODE_SECONDS = 600
DEVICE_SECONDS = 1800
DEVICE_INTERVAL = 5
DEVICE_SCOPES = frozenset(
    {"openid", "email", "profile", SCOPE + "userinfo.email", SCOPE + "userinfo.profile", SCOPE + "drive.file",
     SCOPE + "drive.appdata", SCOPE + "youtube", SCOPE + "youtube.readonly"}
)  # fmt: skip
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Code(msgspec.Struct):
    """An authorization code that was not exchanged yet."""

    client: str
    user: str
    scopes: frozenset[str]
    redirect: str
    challenge: str
    method: str
    refreshes: bool
    ends: float


class Device(msgspec.Struct):
    """A sign-in at another device. state: "", then "granted" or "denied"."""

    client: str
    scopes: frozenset[str]
    typed: str
    ends: float
    polled: float = 0.0
    state: str = ""
    user: str = ""


class Tokens:
    """Handlers of the token endpoints, and the codes on their way to them."""

    def __init__(self, ids: Ids, clock: Clock, accounts: Accounts, grants: Grants, robots: Robots) -> None:
        self._ids = ids
        self._clock = clock
        self._accounts = accounts
        self._grants = grants
        self._robots = robots
        self._count = 0
        self._codes: dict[str, Code] = {}
        self._used: set[str] = set()
        self.devices: dict[str, Device] = {}

    def routes(self) -> list[Route]:
        """Its endpoints."""
        return [
            *(Route("POST", hosts, path, "oauth2.token", "oauth2", self.token) for path, hosts in TOKEN_PATHS.items()),
            Route("POST", "oauth2.googleapis.com", "/revoke", "oauth2.revoke", "web-server", self.revoke),
            Route("GET", "oauth2.googleapis.com", "/revoke", "oauth2.revoke", "web-server", self.unrevoked),
            Route("POST", "accounts.google.com", "/o/oauth2/revoke", "oauth2.revoke", "web-server", self.revoke),
            Route("POST", "oauth2.googleapis.com", "/device/code", "oauth2.deviceCode", "device", self.device),
        ]

    def code(self, made: Code) -> str:
        """The text of a code that stands for this."""
        self._count += 1
        text = "4/0A" + self._ids.base64url("google", "code", self._count, count=70)
        self._codes[text] = made
        return text

    def ends(self) -> float:
        """When a code that is made now ends."""
        return self._clock.now() + CODE_SECONDS

    async def token(self, call: Call) -> Answer:
        """POST /token"""
        form = await call.form()
        kind = form.get("grant_type", "")
        if call.fault("grant_revoked") is not None:
            return oauth_error(400, "invalid_grant", "Token has been expired or revoked.")
        if kind == JWT_GRANT:
            return self._assertion(call, form)
        client = self._client(call, form)
        call.event.scope = client.project
        if kind == "authorization_code":
            return self._exchange(call, client, form)
        if kind == "refresh_token":
            return self._renew(call, client, form)
        if kind in (DEVICE_GRANT, "http://oauth.net/grant_type/device/1.0"):
            return self._poll(call, client, form)
        return oauth_error(400, "unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _client(self, call: Call, form: dict[str, str]) -> Client:
        """The client whose ID and secret came, in the form or as Basic."""
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, sent = call.headers.get("Authorization", "").partition(" ")
        if not name and scheme.lower() == "basic":
            try:
                name, _, secret = base64.b64decode(sent, validate=True).decode().partition(":")
            except ValueError:
                raise Refusal(oauth_error(400, "invalid_request", "Invalid authorization header")) from None
        if not name:
            raise Refusal(oauth_error(400, "invalid_request", "Could not determine client ID from request."))
        client = self._accounts.clients.get(name)
        if client is None:
            raise Refusal(oauth_error(401, "invalid_client", "The OAuth client was not found."))
        if not secret:
            raise Refusal(oauth_error(400, "invalid_request", "client_secret is missing."))
        if secret != client.secret:
            raise Refusal(oauth_error(401, "invalid_client", "Unauthorized"))
        return client

    def _exchange(self, call: Call, client: Client, form: dict[str, str]) -> Answer:
        text = form.get("code", "")
        made = self._codes.pop(text, None)
        if made is None or made.ends <= self._clock.now():
            used = "Bad Request" if text in self._used else "Malformed auth code."
            return oauth_error(400, "invalid_grant", used)
        self._used.add(text)
        if made.client != client.id:
            return oauth_error(401, "unauthorized_client", "Unauthorized")
        if form.get("redirect_uri", "") != made.redirect:
            return oauth_error(400, "redirect_uri_mismatch", "Bad Request")
        verifier = form.get("code_verifier", "")
        if made.challenge and not verifier:
            return oauth_error(400, "invalid_grant", "Missing code verifier.")
        if made.challenge and _challenge(verifier, made.method) != made.challenge:
            return oauth_error(400, "invalid_grant", "Invalid code verifier.")
        return self._issued(call, client, made.user, made.scopes, refreshes=made.refreshes)

    def _renew(self, call: Call, client: Client, form: dict[str, str]) -> Answer:
        found = self._grants.renewing(form.get("refresh_token", ""), client.id)
        if isinstance(found, str):
            return oauth_error(400, "invalid_grant", found)
        account = self._accounts.by_key[found.user]
        if account.suspended:
            return oauth_error(400, "invalid_grant", "Account has been deleted")
        scopes = frozenset(found.scopes)
        if asked := frozenset(form.get("scope", "").split()):
            if not asked <= scopes:
                return oauth_error(400, "invalid_scope", "Some requested scopes were invalid.")
            scopes = asked
        return self._issued(call, client, found.user, scopes, refreshes=False)

    def _issued(self, call: Call, client: Client, user: str, scopes: frozenset[str], *, refreshes: bool) -> Answer:
        call.event.actor = self._accounts.by_key[user].email
        return _token_answer(self.issue(client, user, scopes, refreshes=refreshes))

    def issue(self, client: Client, user: str, scopes: frozenset[str], *, refreshes: bool) -> dict[str, Any]:
        """New tokens, as the endpoint answers them. refreshes: with a refresh token."""
        access = self._grants.access(client.id, client.project, user, scopes)
        told: dict[str, Any] = {"access_token": access.token, "expires_in": int(self._grants.access_seconds)}
        if refreshes:
            made = self._grants.refresh(client.id, client.project, user, tuple(sorted(scopes)), testing=client.testing)
            told["refresh_token"] = made.token
            if made.ends:
                told["refresh_token_expires_in"] = TESTING_SECONDS
        return {**told, "scope": " ".join(sorted(scopes)), "token_type": "Bearer"}

    def _assertion(self, call: Call, form: dict[str, str]) -> Answer:
        here = {call.at("oauth2.googleapis.com") + "/token", f"{call.origin}{call.path}"}
        account, scopes = self._robots.grant(form.get("assertion", ""), (TOKEN_URL, *here))
        robot = self._accounts.robot
        call.event.actor = account.email
        access = self._grants.access(robot.id, self._accounts.project, account.key, scopes, robot=True)
        seconds = int(self._grants.access_seconds)
        return _token_answer({"access_token": access.token, "expires_in": seconds, "token_type": "Bearer"})

    async def revoke(self, call: Call) -> Answer:
        """POST /revoke: the token in the form, or in the query."""
        token = (await call.form()).get("token") or call.query.get("token", "")
        found = self._grants.live(token)
        if found is None:
            return oauth_error(400, "invalid_token", "Token expired or revoked")
        call.event.actor = self._accounts.by_key[found.user].email
        self._grants.revoke(token)
        return json_answer({}, 200, kind=KIND)

    def unrevoked(self, call: Call) -> Answer:
        """GET /revoke: there is no such thing (oauth2client#750)."""
        return Answer(404, {"Content-Type": "text/html; charset=UTF-8"}, b"<title>Error 404 (Not Found)!!1</title>")

    async def device(self, call: Call) -> Answer:
        """POST /device/code"""
        form = await call.form()
        client = self._accounts.clients.get(form.get("client_id", ""))
        if client is None:
            return oauth_error(401, "invalid_client", "The OAuth client was not found.")
        if client.kind != "tv":
            return oauth_error(401, "invalid_client", "Invalid client type.")
        scopes = frozenset(form.get("scope", "").split())
        if wrong := sorted(scopes - DEVICE_SCOPES):
            return oauth_error(400, "invalid_scope", f"Invalid device flow scope: {' '.join(wrong)}")
        if not scopes:
            return oauth_error(400, "invalid_scope", "Missing required parameter: scope")
        self._count += 1
        typed = self._ids.base32("google", "user code", self._count, count=8)
        typed = f"{typed[:4]}-{typed[4:]}"
        text = "AH-1Ng" + self._ids.base64url("google", "device", self._count, count=70)
        self.devices[text] = Device(client.id, scopes, typed, self._clock.now() + DEVICE_SECONDS)
        return json_answer(
            {
                "device_code": text, "user_code": typed, "expires_in": DEVICE_SECONDS, "interval": DEVICE_INTERVAL,
                "verification_url": call.at("accounts.google.com") + "/device",
            }, 200, kind=KIND,
        )  # fmt: skip

    def _poll(self, call: Call, client: Client, form: dict[str, str]) -> Answer:
        text = form.get("device_code") or form.get("code", "")
        device, now = self.devices.get(text), self._clock.now()
        if device is None or device.client != client.id:
            return oauth_error(400, "invalid_grant", "Bad Request")
        early, device.polled = now - device.polled < DEVICE_INTERVAL, now
        if device.ends <= now:
            return oauth_error(400, "expired_token", "Bad Request")
        if device.state == "denied":
            return oauth_error(403, "access_denied", "Forbidden")
        if early and not device.state:
            return oauth_error(403, "slow_down", "Forbidden")
        if not device.state:
            return oauth_error(428, "authorization_pending", "Precondition Required")
        del self.devices[text]
        return self._issued(call, client, device.user, device.scopes, refreshes=True)


def _token_answer(document: dict[str, Any]) -> Answer:
    headers = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}
    return json_answer(document, 200, headers, KIND)


def _challenge(verifier: str, method: str) -> str:
    if method != "S256":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
