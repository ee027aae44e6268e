"""Egnyte, simulated: the class that the frame knows."""

import inspect
from typing import Any, ClassVar

import msgspec

from haulage.sandbox.egnyte.content import Bytes
from haulage.sandbox.egnyte.desk import Desk
from haulage.sandbox.egnyte.events import Events, Trash
from haulage.sandbox.egnyte.fs import FileSystem
from haulage.sandbox.egnyte.identity import PARTNERS, SCOPES, Identity
from haulage.sandbox.egnyte.model import PRIVATE, SMALLEST_CHUNK_BYTES, Item, State
from haulage.sandbox.egnyte.people import DOMAIN, HOST, Directory, User, directory
from haulage.sandbox.egnyte.permissions import Granting
from haulage.sandbox.egnyte.scim import People
from haulage.sandbox.egnyte.store import Store
from haulage.sandbox.egnyte.wire import INACTIVE, OVER_QPS, OVER_RATE, apigee, failure, gateway
from haulage.sandbox.frame.budgets import Limit
from haulage.sandbox.frame.oauth import Application, Grant, Records, Token
from haulage.sandbox.frame.routing import Handler, Route
from haulage.sandbox.frame.signin import SignsIn
from haulage.sandbox.frame.simulator import Account, Offer
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer
from haulage.sandbox.frame.world import World

DOCS = "https://developers.egnyte.com/docs/read/"
THROTTLING = "https://egnyte.github.io/integrations-cookbook/throttling.html"
CLIENT_ID, CLIENT_SECRET = "egnyte-sandbox-key", "egnyte-sandbox-secret"
CLASSIC_ID, CLASSIC_SECRET = "egnyte-classic-key", "egnyte-classic-secret"
REDIRECTS = (
    "http://localhost:28437/oauth/callback/egnyte",  # only here: Egnyte takes https addresses alone
    "https://localhost:28437/oauth/callback/egnyte",
    "http://localhost:8080/callback",
)
DAY_SECONDS = 86_400.0
AS_NAME, AS_EMAIL = "X-Egnyte-Act-As", "X-Egnyte-Act-As-Email"


class Egnyte(SignsIn):
    """One domain of one customer.

    modern: the newer gateway, which answers 429 to callers that are too fast; the older one answers 403.
    """

    id: ClassVar[str] = "egnyte"
    title: ClassVar[str] = "Egnyte"
    hosts: ClassVar[tuple[str, ...]] = (HOST, *PARTNERS.split())
    sources: ClassVar[dict[str, str]] = {
        "oauth": f"{DOCS}Public_API_Authentication",
        "revoke": f"{DOCS}Public_API_Authentication",
        "userinfo": f"{DOCS}User_Info_API",
        "fs": f"{DOCS}File_System_Management_API_Documentation",
        "content": f"{DOCS}File_System_Management_API_Documentation",
        "chunked": f"{DOCS}File_System_Management_API_Documentation",
        "perms": f"{DOCS}Egnyte_Permissions_API",
        "users": f"{DOCS}User_Management_API_Documentation",
        "groups": f"{DOCS}Group_Management",
        "events": f"{DOCS}Events_API",
        "trash": "https://developers.egnyte.com/integration/cfs/api-docs",
    }
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(name="calls a second", amount=2, window_seconds=1, source=THROTTLING),
        Limit(name="calls a day", amount=1_000, window_seconds=DAY_SECONDS, source=THROTTLING),
        Limit(name="tokens an hour", amount=100, window_seconds=3_600, source=THROTTLING),
        Limit(name="tokens an hour and user", amount=10, window_seconds=3_600, source=THROTTLING),
    )
    omissions: ClassVar[tuple[str, ...]] = (
        "other domains than the organisation's own", "links", "search", "comments (notes)", "audit reports",
        "custom metadata", "webhooks", "bookmarks and project folders", "permissions on moving and copying (v2)",
        "the ancestors of a folder, settings, and of metadata what `perms` and `include_collaboration` add",
        "emptying the trash as time goes by", "596 for paths that the gateway takes for none of the API's (here: 501)",
        "left open by Egnyte's pages: how much a listing without a count has (here: 100)",
        "left open, as sources differ: whether missing folders above a new one are made (the deed `ancestors`)",
        "left open: how the refusal to touch a locked file reads (here: 403), and that of a name taken (here: 403)",
        "left open: whether an empty file is taken (here: it is), and what a full domain says (here: 507)",
        "left open: whether deleting a folder asks for rights in all folders below (here: it does not)",
        "left open: how the levels of a user and of its groups go together (here: the highest holds)",
    )  # fmt: skip

    def __init__(self, world: World) -> None:
        self.directory = directory(world)
        self.store = Store(world, self.directory)
        self.modern = False
        super().__init__(world)
        for identifier, secret, classic in (
            (CLIENT_ID, CLIENT_SECRET, False), (CLASSIC_ID, CLASSIC_SECRET, True),
        ):  # fmt: skip
            details = {"internal": True, "classic": classic}
            self.oauth.register(
                Application(
                    client_id=identifier, name="Haulage rehearsal", secret=secret, redirect_uris=list(REDIRECTS),
                    details=details,
                )
            )  # fmt: skip

    def routes(self) -> list[Route]:
        """Every endpoint that is simulated."""
        self.identity = Identity(self)
        desks: list[Desk] = [kind(self) for kind in (Trash, FileSystem, Bytes, Granting, People, Events)]
        made = [*self.identity.routes(), *(route for desk in desks for route in desk.routes())]
        return [msgspec.structs.replace(one, handler=self._counted(one.handler)) for one in made]

    def rewrite(self, path: str) -> str:
        """Without a slash at its end: the JavaScript SDK asks `users/`, and others `fs/` for the root."""
        return path.rstrip("/") or "/"

    def _counted(self, handler: Handler) -> Handler:
        """With the headers that tell the caller's quota, on every answer."""

        async def handle(call: Call) -> Answer:
            try:
                made = handler(call)
                answer = await made if inspect.isawaitable(made) else made
            except Refusal as refusal:
                answer = refusal.answer
            self._tell_quota(call, answer)
            return answer

        return handle

    def _tell_quota(self, call: Call, answer: Answer) -> None:
        for name, limit in (("Qps", "calls a second"), ("Quota", "calls a day")):
            left = self.budgets.left(limit, self._window(call, limit), call.event.time) if call.event.scope else None
            if left is not None:
                answer.headers[f"X-Accesstoken-{name}-Allotted"] = f"{left[0]:g}"
                answer.headers[f"X-Accesstoken-{name}-Current"] = f"{left[0] - left[1]:g}"

    def known(self, user: str) -> str | None:
        found = self.directory.user(user)
        return found.email if found else None

    def user(self, email: str) -> User:
        """The user of an address that has signed in. Raises Refusal if there is none any more."""
        found = self.directory.user(email)
        if found is None:
            raise Refusal(failure(401, "The user is not known any more"))
        return found

    def caller(self, call: Call) -> tuple[Token, Grant] | None:
        """Whose token a call has, dead or alive; None for what is no token of ours."""
        return self.oauth.token(self.oauth.bearer(call), "access")

    def admitted(self, call: Call) -> tuple[Token, Grant]:
        """Whose token it is, of a call that was let in."""
        found = self.caller(call)
        if found is None:
            raise Refusal(gateway(INACTIVE, "Developer Inactive"))
        return found

    def acting(self, call: Call) -> User:
        """The user that a call acts for: the token's, or the one that an administrator acts as."""
        return self._acting_as(call) or self.user(self.admitted(call)[1].user)

    def _acting_as(self, call: Call) -> User | None:
        word = call.headers.get(AS_NAME) or call.headers.get(AS_EMAIL) or ""
        return self.directory.user(word) if word else None

    def identify(self, call: Call, route: Route) -> None:
        """actor: the user name; scope: key and user, whose quota it is."""
        found = self.caller(call)
        if found is None:
            return
        user = self._acting_as(call) or self.directory.user(found[1].user)
        call.event.actor = user.name if user else ""
        call.event.scope = f"{found[1].client_id}/{found[1].user}"

    def admit(self, call: Call, route: Route) -> Answer | None:
        """Whoever has a token that lives, as often as the quotas allow. details open: no token is needed."""
        if route.details.get("open"):
            return None
        found = self.caller(call)
        if found is None:
            return gateway(INACTIVE, "Developer Inactive")
        token, grant = found
        if call.fault("token_expired") is not None:
            token.expires_at = call.event.time
        if call.fault("grant_revoked") is not None:
            grant.ended = grant.ended or "revoked"
        user = self.directory.user(grant.user)
        if not self.oauth.alive(token, grant) or user is None or not user.active:
            return failure(401, "Invalid access token", {"WWW-Authenticate": "Bearer"})
        if (refused := self._charge(call)) is not None:
            self._tell_quota(call, refused)
            return refused
        if call.headers.get(AS_NAME) or call.headers.get(AS_EMAIL):
            other = self._acting_as(call)
            if user.kind != "admin":
                return failure(403, "You may not act as that user")
            if other is None or not other.active:  # as the tests of the official JavaScript SDK find it
                return failure(400, "The user to act as is not known")
        if (route.scope and route.scope not in token.scopes) or call.fault("scope_missing") is not None:
            return failure(403, "The access token does not have the scope that is needed")
        return None

    def _window(self, call: Call, limit: str) -> str:
        """The day's budget begins anew at midnight UTC, whenever it was first used."""
        if limit != "calls a day":
            return call.event.scope
        return f"{call.event.scope}/{int(call.event.time // DAY_SECONDS)}"

    def _charge(self, call: Call) -> Answer | None:
        call.event.units = 1
        now = call.event.time
        if self.budgets.charge("calls a second", call.event.scope, 1, now):
            return self.throttled(call, "1")
        over = self.budgets.charge("calls a day", self._window(call, "calls a day"), 1, now)
        if over or call.fault("daily_limit") is not None:
            return self.over_rate(call)
        return None

    def over_rate(self, call: Call) -> Answer:
        """The day's budget is used up, until midnight UTC."""
        wait = str(int(DAY_SECONDS - call.event.time % DAY_SECONDS) + 1)
        if self.modern:
            return apigee("Rate limit quota violation", "policies.ratelimit.QuotaViolation", wait)
        return gateway(OVER_RATE, "Developer Over Rate", wait)

    def throttled(self, call: Call, retry_after: str | None) -> Answer:
        """Too many calls a second."""
        if "/puboauth/" in call.path:
            headers = {} if retry_after is None else {"Retry-After": retry_after}
            return json_answer({"error": "too_many_requests", "error_description": "Too many requests"}, 409, headers)
        if self.modern:
            return apigee("Spike arrest violation", "policies.ratelimit.SpikeArrestViolation", retry_after)
        return gateway(OVER_QPS, "Developer Over Qps", retry_after)

    def token_budget(self, call: Call, client_id: str, username: str) -> Answer | None:
        """The token endpoint's own: 100 requests an hour and key, 10 an hour and user of an internal one."""
        name, scope = "tokens an hour", f"token/{client_id}"
        if username:
            name, scope = "tokens an hour and user", f"{scope}/{username.lower()}"
        call.event.scope = scope
        wait = self.budgets.charge(name, scope, 1, call.event.time)
        return self.throttled(call, str(int(wait) + 1)) if wait else None

    def failed(self, call: Call, status: int) -> Answer:
        """A failure of Egnyte's own."""
        return failure(status, "Internal server error" if status == 500 else "Service unavailable")

    def missing(self, call: Call) -> Answer:
        """501: the sandbox does not simulate this."""
        return failure(501, f"The sandbox does not simulate {call.method} {call.path}")

    def sign_in(self, application: Application, user: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        """Without scopes: all of them."""
        return self.identity.given(self.oauth.open(application.client_id, user, scopes or SCOPES), application)

    def changed_password(self, user: str) -> None:
        """Ends every token of the user (developers.egnyte.com, Best_Practices)."""
        for grant in self.oauth.grants_of(user):
            self.end(grant, "password")

    def own_folder(self, user: User) -> None:
        """The folder that a new user has under /Private."""
        now = self.world.clock.now()
        self.store.add(Item(self.store.new_id("private"), user.name, PRIVATE, now, now))

    def do_wide_folder(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{user, count}`: a folder of so many small files in the user's own."""
        user = self.user(self._account(details))
        return {"path": self.store.wide(user, int(details.get("count", 100_000)))}

    def do_gateway(self, details: dict[str, Any]) -> dict[str, Any]:
        """Which gateway is before the API: modern (true: 429 to callers that are too fast; false: 403)."""
        self.modern = bool(details.get("modern", True))
        return {"modern": self.modern}

    def do_ancestors(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{made}`: whether a new folder brings the missing ones above it along.

        The Python SDK's tests count on it; the newer documents say that the parent has to be there.
        """
        self.store.state.makes_ancestors = bool(details.get("made", True))
        return {"made": self.store.state.makes_ancestors}

    def do_chunks(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{smallest}`: bytes that every chunk but the last has at least (without: as ever)."""
        self.store.state.smallest_chunk = int(details.get("smallest", SMALLEST_CHUNK_BYTES))
        return {"smallest": self.store.state.smallest_chunk}

    def _told(self, user: User) -> Account:
        """How a user signs in. The refresh token is the first one; "" once it is used or its grant has ended."""
        value = self.world.ids.base64url("egnyte", "refresh", user.id, count=24)
        found = self.oauth.token(value, "refresh")
        if found is None and user.active:
            grant = self.oauth.open(CLIENT_ID, user.email, SCOPES)
            found = self.oauth.issue(grant, "refresh", value, None), grant
        return Account(
            user=user.name,
            role="admin" if user.kind == "admin" else "user",
            password=self.password(user.email),
            refresh_token=value if found is not None and self.oauth.alive(*found) else "",
            details={"id": user.id, "email": user.email, "user_type": user.kind},
        )

    def offers(self) -> dict[str, Offer]:
        """How to connect to the domain."""
        details = {"domain": HOST, "name": DOMAIN, "classic_client_id": CLASSIC_ID, "classic_secret": CLASSIC_SECRET}
        return {
            "egnyte": Offer(
                client_id=CLIENT_ID,
                client_secret=CLIENT_SECRET,
                accounts=[self._told(one) for one in self.directory.users.values()],
                redirect_uris=self.oauth.records.applications[CLIENT_ID].redirect_uris,
                details=details,
            )
        }

    def facts(self) -> dict[str, Any]:
        """Counts of what there is by now."""
        state = self.store.state
        return {"users": len(self.directory.users), "groups": len(self.directory.groups), "items": len(state.items)}

    def save(self) -> bytes:
        """All state, for `load`."""
        return msgspec.msgpack.encode((self.oauth.records, self.directory, self.modern, self.store.state))

    def load(self, saved: bytes) -> None:
        """Take up what `save` gave."""
        kept = msgspec.msgpack.decode(saved, type=tuple[Records, Directory, bool, State])
        self.oauth.records, self.directory, self.modern, self.store.state = kept
        self.store.directory = self.directory
        self.store.index()
