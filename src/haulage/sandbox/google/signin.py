"""The pages where a person signs in and consents, and the page where a code of another device is typed.

Source: developers.google.com/identity/protocols/oauth2/web-server (2026-08). Mistakes of the application are pages at
Google, not redirects: unknown client, redirect URI mismatch.
"""

from haulage.sandbox.frame.consent import Decision, Dialogue, Wrong, notice
from haulage.sandbox.frame.oauth import OAuth, return_to
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.accounts import Account, Accounts, Client
from haulage.sandbox.google.grants import Grants
from haulage.sandbox.google.tokens import Code, Device, Tokens

ISSUER = "https://accounts.google.com"
HOST = "accounts.google.com"
TITLE = "Google"


class SignIn:
    """Handlers of the pages at accounts.google.com. passwords: those that were changed, by account key."""

    def __init__(self, world: World, accounts: Accounts, grants: Grants, tokens: Tokens) -> None:
        self._organisation = world.organisation
        self._accounts = accounts
        self._grants = grants
        self._tokens = tokens
        self._dialogue = Dialogue(world, OAuth(world, "google"), TITLE)
        self.passwords: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """Its endpoints."""
        made = []
        for method in ("GET", "POST"):
            for path in ("/o/oauth2/v2/auth", "/o/oauth2/auth"):
                made.append(Route(method, HOST, path, "oauth2.authorize", "web-server", self.authorize))
            made.append(Route(method, HOST, "/device", "oauth2.deviceSignIn", "device", self.device))
        return made

    def password(self, account: Account) -> str:
        """What an account signs in with now."""
        if account.key in self.passwords:
            return self.passwords[account.key]
        return self._organisation.password(self._organisation.person(account.number))

    def _check(self, user: str, password: str) -> str:
        account = self._accounts.find(user)
        if account is None or account.service:
            raise Wrong("Couldn't find your Google Account")
        if not password or password != self.password(account):
            raise Wrong("Wrong password. Try again.")
        if account.suspended:
            raise Wrong("Your account has been disabled. Talk to your administrator.")
        return account.email

    async def authorize(self, call: Call) -> Answer:
        """GET and POST /o/oauth2/v2/auth: the two pages, then back to the application."""
        query = call.query
        client = self._accounts.clients.get(query.get("client_id", ""))
        if client is None:
            return notice(TITLE, "Access blocked", "Error 401: invalid_client. The OAuth client was not found.", 401)
        redirect = query.get("redirect_uri", "")
        if not client.takes(redirect):
            text = f"Error 400: redirect_uri_mismatch. {client.name} sent {redirect!r}, which is not registered."
            return notice(TITLE, "Access blocked", text, 400)
        wrong = _wrong(query)
        if wrong:
            return notice(TITLE, "Access blocked", f"Error 400: {wrong}", 400)
        scopes = query["scope"].split()
        if query.get("prompt") == "none":
            return self._back(query, {"error": "interaction_required"})
        decided = await self._dialogue.ask(
            call, client.name, scopes, self._check, query.get("login_hint", ""), lambda user: None
        )
        if not isinstance(decided, Decision):
            return decided
        if not decided.allowed:
            return self._back(query, {"error": "access_denied"})
        return self._allowed(call, client, self._accounts.by_email[decided.user], frozenset(scopes))

    def _allowed(self, call: Call, client: Client, account: Account, scopes: frozenset[str]) -> Answer:
        """The code. A refresh token follows it at the first consent, or where consent was asked for again."""
        query = call.query
        call.event.actor = account.email
        before = self._grants.consented(account.key, client.project)
        first = not scopes <= before
        offline = query.get("access_type") == "offline"
        self._grants.consent(account.key, client.project, scopes)
        if query.get("include_granted_scopes", "").lower() == "true":
            scopes |= before
        made = Code(
            client=client.id,
            user=account.key,
            scopes=scopes,
            redirect=query["redirect_uri"],
            challenge=query.get("code_challenge", ""),
            method=query.get("code_challenge_method", "plain") if query.get("code_challenge") else "",
            refreshes=offline and (first or "consent" in query.get("prompt", "").split()),
            ends=self._tokens.ends(),
        )
        return self._back(
            query,
            {
                "iss": ISSUER,
                "code": self._tokens.code(made),
                "scope": " ".join(sorted(scopes)),
                "authuser": "0",
                "hd": account.domain,
                "prompt": "consent",
            },
        )

    def _back(self, query: dict[str, str], answer: dict[str, str]) -> Answer:
        state = {"state": query["state"]} if "state" in query else {}
        return return_to(query["redirect_uri"], {**state, **answer})

    async def device(self, call: Call) -> Answer:
        """GET and POST /device: `?user_code=` names the sign-in that waits."""
        form = await call.form() if call.method == "POST" else {}
        typed = (call.query.get("user_code") or form.get("user_code", "")).strip().upper()
        waiting = next((one for one in self._tokens.devices.values() if one.typed == typed and not one.state), None)
        if waiting is None:
            return notice(TITLE, "Connect a device", "Add ?user_code= with the code that your device shows.", 404)
        client = self._accounts.clients[waiting.client]
        decided = await self._dialogue.ask(call, client.name, sorted(waiting.scopes), self._check)
        if not isinstance(decided, Decision):
            return decided
        return self._device_decided(client, waiting, decided)

    def _device_decided(self, client: Client, waiting: Device, decided: Decision) -> Answer:
        if not decided.allowed:
            waiting.state = "denied"
            return notice(TITLE, "Access denied", "The device was not connected.")
        waiting.state, waiting.user = "granted", self._accounts.by_email[decided.user].key
        self._grants.consent(waiting.user, client.project, waiting.scopes)
        return notice(TITLE, "Success!", "Device connected. You can go on there.")


def _wrong(query: dict[str, str]) -> str:
    """What is wrong with a request to authorise; "" for nothing."""
    if query.get("response_type", "") != "code":
        return "invalid_request. Required parameter is missing: response_type"
    if not query.get("scope", "").split():
        return "invalid_request. Missing required parameter: scope"
    if query.get("code_challenge_method", "plain") not in ("plain", "S256"):
        return "invalid_request. code_challenge_method is neither plain nor S256"
    return ""
