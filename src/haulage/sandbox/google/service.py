"""The simulated Google, put together: who calls, what it costs, and which part answers."""

import inspect
from typing import Any, ClassVar

import msgspec

from haulage.sandbox.frame import simulator as frame
from haulage.sandbox.frame.budgets import Limit
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal
from haulage.sandbox.frame.world import World
from haulage.sandbox.google import errors
from haulage.sandbox.google.accounts import SCOPE, Account, Accounts, Client
from haulage.sandbox.google.batch import Batch
from haulage.sandbox.google.caller import Caller
from haulage.sandbox.google.directory import Directory
from haulage.sandbox.google.drive.about import About
from haulage.sandbox.google.drive.changes import Changes
from haulage.sandbox.google.drive.drives import Drives
from haulage.sandbox.google.drive.files import Files
from haulage.sandbox.google.drive.items import Items
from haulage.sandbox.google.drive.listing import Listing
from haulage.sandbox.google.drive.media import Media
from haulage.sandbox.google.drive.model import Session
from haulage.sandbox.google.drive.parameters import check
from haulage.sandbox.google.drive.permissions import Permissions
from haulage.sandbox.google.drive.revisions import Revisions
from haulage.sandbox.google.drive.store import Saved as SavedStore
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.drive.uploads import DAILY, Uploads
from haulage.sandbox.google.grants import ACCESS_SECONDS, Grants
from haulage.sandbox.google.grants import Saved as SavedGrants
from haulage.sandbox.google.people import People
from haulage.sandbox.google.robots import Robot, Robots
from haulage.sandbox.google.signin import SignIn
from haulage.sandbox.google.tokens import Tokens

PLAIN_SCOPES = frozenset({"openid", "email", "profile"})
UNITS = {"read": 5, "list": 100, "download": 200, "modify": 50, "other": 5}
PER_USER, PER_PROJECT, DIRECTORY = "units per user", "units per project", "directory calls per user"
DISABLED = (
    "{title} has not been used in project {project} before or it is disabled. Enable it by visiting "
    "https://console.developers.google.com/apis/api/{api}/overview?project={project} then retry."
)
TITLES = {"drive": "Google Drive API", "admin": "Admin SDK API"}
NO_DRIVE = "The domain administrators have disabled Drive apps."
THROTTLED = errors.quota("rateLimitExceeded", "Rate Limit Exceeded", 403, None)


class State(msgspec.Struct):
    """What a sandbox keeps of Google."""

    grants: SavedGrants
    robot: Robot
    suspended: list[str]
    unlicensed: list[str]
    off: list[str]
    offered: dict[str, str]
    clients: list[Client]
    passwords: dict[str, str]
    limits: dict[str, int]
    store: SavedStore
    sessions: list[Session]


class Google(frame.Simulator):
    """OAuth, Drive and Directory of one organisation, and of a few people elsewhere."""

    id = "google"
    title = "Google Workspace"
    hosts = (
        "accounts.google.com", "oauth2.googleapis.com", "www.googleapis.com", "admin.googleapis.com",
        "openidconnect.googleapis.com", "docs.google.com", "*.googleusercontent.com",
    )  # fmt: skip
    sources: ClassVar[dict[str, str]] = {
        "oauth2": "https://developers.google.com/identity/protocols/oauth2",
        "web-server": "https://developers.google.com/identity/protocols/oauth2/web-server",
        "device": "https://developers.google.com/identity/protocols/oauth2/limited-input-device",
        "service-account": "https://developers.google.com/identity/protocols/oauth2/service-account",
        "openid": "https://developers.google.com/identity/openid-connect/openid-connect",
        "directory": "https://developers.google.com/workspace/admin/directory/reference/rest",
        "about": "https://developers.google.com/workspace/drive/api/reference/rest/v3/about",
        "files": "https://developers.google.com/workspace/drive/api/reference/rest/v3/files",
        "files.list": "https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list",
        "uploads": "https://developers.google.com/workspace/drive/api/guides/manage-uploads",
        "downloads": "https://developers.google.com/workspace/drive/api/guides/manage-downloads",
        "export": "https://developers.google.com/workspace/drive/api/guides/ref-export-formats",
        "operations": "https://developers.google.com/workspace/drive/api/reference/rest/v3/operations",
        "permissions": "https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions",
        "drives": "https://developers.google.com/workspace/drive/api/reference/rest/v3/drives",
        "changes": "https://developers.google.com/workspace/drive/api/reference/rest/v3/changes",
        "revisions": "https://developers.google.com/workspace/drive/api/reference/rest/v3/revisions",
        "batch": "https://developers.google.com/workspace/drive/api/guides/performance#batch-requests",
        "labels": "https://developers.google.com/workspace/drive/api/reference/rest/v3/files/listLabels",
        "limits": "https://developers.google.com/workspace/drive/api/guides/limits",
    }
    limits = (
        Limit(name=PER_USER, amount=325_000, window_seconds=60, source="limits"),
        Limit(name=PER_PROJECT, amount=1_000_000, window_seconds=60, source="limits"),
        Limit(name=DAILY, amount=750e9, window_seconds=86_400, source="limits"),
        Limit(name=DIRECTORY, amount=2_400, window_seconds=60, source="directory"),
    )
    presets: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {
        "F05": (
            "answer",
            {"status": 403, "headers": THROTTLED.headers, "body": msgspec.json.decode(bytes(THROTTLED.body))},  # type: ignore[arg-type]
        )
    }

    def __init__(self, world: World) -> None:
        ids, clock = world.ids, world.clock
        self.accounts = Accounts(ids, world.organisation)
        self.grants = Grants(ids, clock)
        self.robots = Robots(ids, clock, self.accounts)
        self.tokens = Tokens(ids, clock, self.accounts, self.grants, self.robots)
        self.signin = SignIn(world, self.accounts, self.grants, self.tokens)
        self.people = People()
        self.directory = Directory(ids, clock, self.accounts)
        self.store = Store(world, self.accounts)
        self.about = About(self.store)
        items = Items(world, self.store, self.about)
        self.media = Media(world, self.store)
        self.uploads = Uploads(world, self.store, items)
        self.listing = Listing(world, self.store)
        self.files = Files(self.store, items, self.media, self.uploads)
        self.drives = Drives(world, self.store)
        self._drive_parts = (
            Permissions(world, self.store), self.drives, Changes(self.store), Revisions(self.store, self.media),
            Batch(world, self._inside_batch),
        )  # fmt: skip
        self._wanted: dict[str, frozenset[str]] = {}
        self._offered_tokens: dict[str, str] = {}
        super().__init__(world)
        self.uploads.budgets = self.budgets

    def routes(self) -> list[Route]:
        """Every endpoint."""
        parts = (
            self.signin, self.tokens, self.people, self.directory, self.about, self.uploads, self.listing, self.files,
            self.media, *self._drive_parts,
        )  # fmt: skip
        return [route for part in parts for route in part.routes()]

    def method(self, call: Call) -> str:
        """A long GET may come as a form that is posted (google-api-python-client, from 2,048 characters on)."""
        return call.headers.get("X-HTTP-Method-Override", call.method).upper()

    def identify(self, call: Call, route: Route) -> None:
        """The user of the token, whose units they are."""
        if "upload_id" in call.query and (session := self.uploads.session_of(call)) is not None:
            account = self.accounts.by_key[session.user]
            call.caller = Caller(account, session.client, session.project, frozenset(session.scopes))
            call.event.operation, call.event.actor = "drive.files.upload", account.email
            call.event.scope = f"{session.project}/{account.key}"
            return
        access = self.grants.bearer(_token(call))
        if access is not None:
            account = self.accounts.by_key[access.user]
            call.caller = Caller(account, access.client, access.project, access.scopes)
            call.event.actor = account.email
            call.event.scope = f"{access.project}/{account.key}"

    def admit(self, call: Call, route: Route) -> Answer | None:
        """Token, scope, switched-off interfaces, licence, then units."""
        if not route.scope or "upload_id" in call.query:
            return None
        caller: Caller | None = call.caller
        if caller is None:
            media = call.query.get("alt") == "media" or call.path.endswith("/export")
            return errors.unauthorised() if _token(call) else errors.anonymous(self.method(call), media=media)
        if call.fault("token_expired") is not None or caller.account.suspended:
            return errors.unauthorised()
        if call.fault("grant_revoked") is not None:
            self.grants.revoke_user(caller.account.key, caller.project)
            return errors.unauthorised()
        wanted = self._scopes(route)
        if not wanted & caller.scopes or call.fault("scope_missing") is not None:
            return errors.scope_missing(wanted)
        refused = self._closed(call, caller) or self._charge(call, route, caller)
        if refused is None:
            check(call)
        return refused

    async def _inside_batch(self, call: Call) -> Answer:
        """The answer to one of the calls of a batch."""
        found = self.table.find("", call.method, call.path)
        if found is None:
            return self.missing(call)
        route, call.params = found
        call.event.operation = route.operation
        self.identify(call, route)
        for strike in self.world.faults.strikes(
            self.presets, self.id, route.operation, call.method, call.event.path, call.event.actor
        ):
            if strike.name in ("throttle", "failure"):
                call.event.fault = strike.fault
                status = int(strike.details.get("status", 503))
                return self.throttled(call, None) if strike.name == "throttle" else self.failed(call, status)
            call.inject(strike.name, strike.details)
        try:
            if (refused := self.admit(call, route)) is not None:
                return refused
            made = route.handler(call)
            return await made if inspect.isawaitable(made) else made
        except Refusal as refusal:
            return refusal.answer

    def _scopes(self, route: Route) -> frozenset[str]:
        found = self._wanted.get(route.scope)
        if found is None:
            names = route.scope.split()
            found = frozenset(one if one in PLAIN_SCOPES else SCOPE + one for one in names)
            self._wanted[route.scope] = found
        return found

    def _closed(self, call: Call, caller: Caller) -> Answer | None:
        """What is switched off for the project, or for the person."""
        api = "admin" if "/admin/directory/" in call.path else "drive" if "/drive/" in call.path else ""
        if api in self.accounts.off:
            message = DISABLED.format(title=TITLES[api], project=caller.project, api=f"{api}.googleapis.com")
            return errors.error(403, "accessNotConfigured", message, domain="usageLimits", status="PERMISSION_DENIED")
        if api == "drive" and not caller.account.licensed:
            return errors.error(403, "domainPolicy", NO_DRIVE)
        return None

    def _charge(self, call: Call, route: Route, caller: Caller) -> Answer | None:
        """Spend the call's units; the user's window is asked before the project's."""
        event, now = call.event, call.event.time
        if route.details.get("budget") == "directory":
            event.units = 1
            wait = self.budgets.charge(DIRECTORY, event.scope, 1, now)
            return errors.quota("quotaExceeded", "Quota exceeded.", 403, None) if wait else None
        event.units = UNITS[self._cost(call, route)]
        if self.budgets.charge(PER_USER, event.scope, event.units, now):
            return errors.quota_new(caller.project, "Queries per minute per user", None)
        if self.budgets.charge(PER_PROJECT, caller.project, event.units, now):
            return errors.quota("rateLimitExceeded", "Rate Limit Exceeded", 429, None)
        return None

    def _cost(self, call: Call, route: Route) -> str:
        if call.query.get("alt") == "media":
            return "download"
        return str(route.details.get("cost", "other"))

    def throttled(self, call: Call, retry_after: str | None) -> Answer:
        """429; Google's other form, 403, is the fault F05."""
        return errors.quota("rateLimitExceeded", "Rate Limit Exceeded", 429, retry_after)

    def failed(self, call: Call, status: int) -> Answer:
        """A failure of Google's own."""
        if call.path.startswith("/upload/"):
            return Answer(status, {"Content-Type": "text/plain; charset=utf-8"}, b"Service Unavailable")
        reason = "internalError" if status == 500 else "backendError"
        return errors.error(status, reason, "Internal Error" if status == 500 else "Backend Error")

    def missing(self, call: Call) -> Answer:
        """Not simulated."""
        return errors.error(501, "notImplemented", f"{call.method} {call.path} is not simulated by this sandbox.")

    def offers(self) -> dict[str, frame.Offer]:
        """A person's Drive by an OAuth client; the organisation by a service account's key."""
        accounts = self.accounts
        client = next(iter(accounts.clients.values()))
        people = [self._offered(one) for one in (*accounts.users, *accounts.externals)]
        key = self.robots.key_file()
        admin = frame.Account(user=accounts.administrator.email, role="admin", key=key)
        others = [
            {"client_id": one.id, "client_secret": one.secret, "project": one.project, "kind": one.kind,
             "name": one.name}
            for one in accounts.clients.values()
        ]  # fmt: skip
        return {
            "google-drive": frame.Offer(
                client_id=client.id,
                client_secret=client.secret,
                accounts=people,
                details={"project": client.project, "clients": others},
            ),
            "google-workspace": frame.Offer(
                client_id=accounts.robot.id,
                client_secret="",
                accounts=[admin],
                details={
                    "customer": accounts.customer,
                    "domain": accounts.administrator.domain,
                    "delegated_scopes": list(self.robots.state.delegated),
                },
            ),
        }

    def _offered(self, account: Account) -> frame.Account:
        client = next(iter(self.accounts.clients.values()))
        role = "admin" if account.administrator else "user" if account in self.accounts.users else "external"
        if (token := self._offered_tokens.get(account.key)) is None or self.grants.live(token) is None:
            scopes = (SCOPE + "drive",)
            self.grants.consent(account.key, client.project, frozenset(scopes))
            token = self.grants.refresh(client.id, client.project, account.key, scopes, testing=False).token
            self._offered_tokens[account.key] = token
        password = self.signin.password(account)
        return frame.Account(user=account.email, role=role, password=password, refresh_token=token)

    def facts(self) -> dict[str, Any]:
        """Counts for the control page."""
        return {"users": len(self.accounts.users)}

    def save(self) -> bytes:
        """See Simulator."""
        everybody = self.accounts.by_key.values()
        state = State(
            self.grants.save(),
            self.robots.state,
            [one.key for one in everybody if one.suspended],
            [one.key for one in everybody if not one.licensed],
            sorted(self.accounts.off),
            self._offered_tokens,
            list(self.accounts.clients.values()),
            self.signin.passwords,
            self.about.limits,
            self.store.save(),
            list(self.uploads.sessions.open.values()),
        )
        return msgspec.msgpack.encode(state)

    def load(self, saved: bytes) -> None:
        """See Simulator."""
        state = msgspec.msgpack.decode(saved, type=State)
        self.grants.load(state.grants)
        self.robots.state = state.robot
        for one in self.accounts.by_key.values():
            one.suspended, one.licensed = one.key in state.suspended, one.key not in state.unlicensed
        self.accounts.off = set(state.off)
        self._offered_tokens = state.offered
        self.accounts.clients = {one.id: one for one in state.clients}
        self.signin.passwords = state.passwords
        self.about.limits = state.limits
        self.store.load(state.store)
        self.uploads.sessions.open = {one.id: one for one in state.sessions}

    def _named(self, details: dict[str, Any]) -> str:
        """The key of the account that `user` names; "" for all. Raises ValueError."""
        address = str(details.get("user", ""))
        found = self.accounts.find(address) if address else None
        if address and found is None:
            raise ValueError(f"there is no account {address!r}")
        return found.key if found else ""

    def _client(self, details: dict[str, Any]) -> Client:
        """The client that `client_id` names. Raises ValueError."""
        if (found := self.accounts.clients.get(str(details.get("client_id", "")))) is None:
            raise ValueError(f"there is no client {details.get('client_id')!r}")
        return found

    def do_register_app(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"client_id", "secret"?, "name"?, "kind"?: desktop, web, tv, "project"?, "redirect_uris"?, "testing"?}`."""
        made = Client(
            id=str(details["client_id"]),
            secret=str(details.get("secret", "")),
            project=str(details.get("project", self.accounts.project)),
            kind=str(details.get("kind", "web" if details.get("redirect_uris") else "desktop")),
            name=str(details.get("name", "A test application")),
            redirects=tuple(map(str, details.get("redirect_uris", ()))),
            testing=bool(details.get("testing", False)),
        )
        self.accounts.clients[made.id] = made
        return {"client_id": made.id, "name": made.name, "redirect_uris": list(made.redirects)}

    def do_allow_redirect(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"client_id", "redirect_uri"}`: one more redirect of a web client; a desktop client has all of loopback."""
        client = self._client(details)
        client.redirects = (*client.redirects, str(details["redirect_uri"]))
        return {"client_id": client.id, "redirect_uris": list(client.redirects)}

    def do_sign_in(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"user", "client_id"?, "scopes"?: text}`: consent without the pages; gives tokens, as the endpoint does."""
        client = self._client(details) if "client_id" in details else next(iter(self.accounts.clients.values()))
        user = self._named(details)
        scopes = frozenset(str(details.get("scopes") or SCOPE + "drive").split())
        self.grants.consent(user, client.project, scopes)
        return self.tokens.issue(client, user, scopes, refreshes=True)

    def do_revoke_grant(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"user"?, "client_id"?}`: take back what was granted: to the client's whole project, as Google does it."""
        project = self._client(details).project if details.get("client_id") else ""
        return {"ended": self.grants.revoke_user(self._named(details), project)}

    def do_expire_tokens(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"user"?: address}`: the access tokens of one, or of all, are over."""
        return {"expired": self.grants.expire(self._named(details))}

    def do_set_lifetime(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"access_seconds": n or null}`: how long new access tokens live; null: 3,599 s as at Google."""
        told = details.get("access_seconds")
        self.grants.access_seconds = ACCESS_SECONDS if told is None else float(told)
        return {"access_seconds": self.grants.access_seconds}

    def do_change_password(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"user", "password"?}`: another password. Grants go on: Google ends only those with Gmail scopes."""
        account = self.accounts.by_key[self._named(details)]
        self.signin.passwords[account.key] = str(details.get("password") or f"new-{self.signin.password(account)}")
        return {"user": account.email, "password": self.signin.password(account)}

    def do_suspend(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"user": address, "on"?: true}`: the administrator suspends an account, or takes that back."""
        account = self.accounts.by_key[self._named(details)]
        account.suspended = bool(details.get("on", True))
        return {"suspended": account.suspended}

    def do_license(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"user": address, "on"?: true}`: the account has a licence for Drive, or has none."""
        account = self.accounts.by_key[self._named(details)]
        account.licensed = bool(details.get("on", True))
        return {"licensed": account.licensed}

    def do_wide_folder(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"user": address, "count"?: 100,000}`: a folder of so many small files in the account's My Drive."""
        account = self.accounts.by_key.get(self._named(details))
        if account is None:
            raise ValueError("a user is needed")
        return {"folder": self.store.wide(account, int(details.get("count", 100_000)))}

    def do_delegate(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"scopes": [...]}`: the exact scopes of the domain-wide delegation; none withdraws it."""
        self.robots.state.delegated = tuple(map(str, details.get("scopes", ())))
        return {"delegated": list(self.robots.state.delegated)}

    def do_delete_key(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{}`: the service account's keys are deleted; the next offer has a new one."""
        gone, self.robots.state.keys = len(self.robots.state.keys), {}
        return {"deleted": gone}

    def do_api(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{"api": "drive" or "admin", "on": bool}`: switch an interface on or off in the projects."""
        api = str(details.get("api", ""))
        if api not in TITLES:
            raise ValueError(f"{api!r} is neither drive nor admin")
        (self.accounts.off.discard if details.get("on", True) else self.accounts.off.add)(api)
        return {"off": sorted(self.accounts.off)}


def _token(call: Call) -> str:
    """The token that came, "" for none."""
    sent = call.headers.get("Authorization", "")
    if sent[:7].lower() == "bearer ":
        return sent[7:].strip()
    return call.query.get("access_token", "") or sent
