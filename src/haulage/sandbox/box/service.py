"""Box, simulated: the class that the frame knows."""

from typing import Any, ClassVar

import msgspec

from haulage.sandbox.box.collaborations import Collaborations
from haulage.sandbox.box.desk import API, DOWNLOAD, UPLOAD
from haulage.sandbox.box.directory import Directory
from haulage.sandbox.box.errors import problem
from haulage.sandbox.box.events import REALTIME, Events
from haulage.sandbox.box.files import Files
from haulage.sandbox.box.folders import Folders
from haulage.sandbox.box.identity import REFRESH_SECONDS, SCOPES, SERVER_GRANTS, Identity
from haulage.sandbox.box.links import Links
from haulage.sandbox.box.model import UserRecord
from haulage.sandbox.box.notes import Notes
from haulage.sandbox.box.sessions import Sessions
from haulage.sandbox.box.shapes import Shapes
from haulage.sandbox.box.store import SMALLEST_SESSION_BYTES, Store
from haulage.sandbox.box.trash import Trash
from haulage.sandbox.box.uploads import Uploads
from haulage.sandbox.frame.budgets import Limit
from haulage.sandbox.frame.oauth import Application, Grant, Records, Token
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.signin import SignsIn
from haulage.sandbox.frame.simulator import Account, Offer
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.frame.world import World

REFERENCE = "https://developer.box.com/reference/"
GUIDES = "https://developer.box.com/guides/"
RATES = f"{GUIDES}api-calls/permissions-and-errors/rate-limits/"
CLIENT_ID, CLIENT_SECRET = "box-client", "box-secret"
SERVER_ID, SERVER_SECRET = "box-server-client", "box-server-secret"
REDIRECTS = (
    "http://localhost:28437/oauth/callback/box",
    "http://localhost:28437/oauth/callback/box-enterprise",
    "http://127.0.0.1:53682/",
)
WRITES = ("POST", "PUT", "DELETE")
CHALLENGE = 'Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid."'


class Box(SignsIn):
    """Box: its users' folders and files, and its enterprise."""

    id: ClassVar[str] = "box"
    title: ClassVar[str] = "Box"
    hosts: ClassVar[tuple[str, ...]] = (API, UPLOAD, DOWNLOAD, "app.box.com", "account.box.com", REALTIME)
    sources: ClassVar[dict[str, str]] = {
        "list-items": f"{REFERENCE}get-folders-id-items/",
        "post-folders": f"{REFERENCE}post-folders/",
        "get-folder": f"{REFERENCE}get-folders-id/",
        "put-folder": f"{REFERENCE}put-folders-id/",
        "delete-folder": f"{REFERENCE}delete-folders-id/",
        "copy-folder": f"{REFERENCE}post-folders-id-copy/",
        "transfer": f"{REFERENCE}put-users-id-folders-0/",
        "folder-locks": f"{REFERENCE}resources/folder-lock/",
        "get-file": f"{REFERENCE}get-files-id/",
        "put-file": f"{REFERENCE}put-files-id/",
        "delete-file": f"{REFERENCE}delete-files-id/",
        "copy-file": f"{REFERENCE}post-files-id-copy/",
        "download": f"{REFERENCE}get-files-id-content/",
        "versions": f"{REFERENCE}resources/file-version/",
        "watermark": f"{REFERENCE}resources/watermark/",
        "preflight": f"{GUIDES}uploads/check/",
        "upload": f"{GUIDES}uploads/direct/",
        "upload-session": f"{GUIDES}uploads/chunked/",
        "trash": f"{REFERENCE}resources/trash-folder/",
        "collaboration": f"{REFERENCE}resources/collaboration/",
        "shared-items": f"{REFERENCE}get-shared-items/",
        "web-link": f"{REFERENCE}resources/web-link/",
        "events": f"{REFERENCE}get-events/",
        "user": f"{REFERENCE}resources/user/",
        "group": f"{REFERENCE}resources/group/",
        "group-membership": f"{REFERENCE}resources/group-membership/",
        "notes": f"{REFERENCE}v2026.0/post-notes-convert/",
        "authorize": f"{REFERENCE}get-authorize/",
        "token": f"{REFERENCE}post-oauth2-token/",
        "revoke": f"{REFERENCE}post-oauth2-revoke/",
    }
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(name="calls", amount=1000, window_seconds=60, source=RATES),
        Limit(name="uploads", amount=240, window_seconds=60, source=RATES),
    )
    omissions: ClassVar[tuple[str, ...]] = (
        "token exchange (downscoping)",
        "search", "metadata templates and classifications", "representations and thumbnails", "comments and tasks",
        "webhooks", "retention, legal holds and information barriers",
        "sorting by anything but the name in pages by marker", "emptying the trash as time goes by",
        "large sizes written as 1.2e+10, as some callers have met them",
        "left open by Box's pages: what an answered commit says when it is sent again (here: the file once more)",
    )  # fmt: skip
    presets: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {"F39": ("locked", {}), "F08": ("not_ready", {})}

    def __init__(self, world: World) -> None:
        self.store = Store(world)
        shapes = Shapes(self.store)
        kinds = (
            Folders, Files, Trash, Uploads, Sessions, Collaborations, Links, Events, Directory, Notes,
        )  # fmt: skip
        self._logins: dict[str, str] = {}
        self.desks = [kind(self.store, shapes) for kind in kinds]
        self.enterprise_id = shapes.enterprise()["id"]
        super().__init__(world)
        for identifier, secret, details in (
            (CLIENT_ID, CLIENT_SECRET, {}),
            (SERVER_ID, SERVER_SECRET, {"grants": list(SERVER_GRANTS)}),
        ):
            self.oauth.register(
                Application(
                    client_id=identifier,
                    name="Haulage rehearsal",
                    secret=secret,
                    redirect_uris=list(REDIRECTS),
                    details=details,
                )
            )

    def routes(self) -> list[Route]:
        """Every endpoint that is simulated."""
        self.identity = Identity(self)
        return [*self.identity.routes(), *(route for desk in self.desks for route in desk.routes())]

    def account(self, login: str) -> UserRecord:
        """The account that signs in with an address; an application's own, too. Raises KeyError."""
        return self.store.state.users[self._by_login[login]]

    @property
    def _by_login(self) -> dict[str, str]:
        users = self.store.state.users
        if len(self._logins) != len(users):
            self._logins = {one.login: one.id for one in users.values()}
        return self._logins

    def service_account(self, application: Application) -> UserRecord:
        """The account that an application has of its own, made when it is first needed; it sees what it is invited to.

        It is taken for a co-admin where users and groups are managed, and may act for others; no page says which role
        it has.
        """
        identifier = self.world.ids.digits("box", "service account", application.client_id, count=11)
        login = f"AutomationUser_{identifier[:7]}_{identifier[7:]}@boxdevedition.com"
        made = UserRecord(id=identifier, name=application.name, login=login, role="coadmin")
        return self.store.state.users.setdefault(identifier, made)

    def caller(self, call: Call) -> tuple[Token, Grant] | None:
        """Whose token a call has; None if none that still opens anything."""
        found = self.oauth.token(self.oauth.bearer(call), "access")
        return found if found is not None and self.oauth.alive(*found) else None

    def identify(self, call: Call, route: Route) -> None:
        """The user of the token, or the one that As-User names."""
        found = self.caller(call)
        if found is not None:
            call.event.actor = call.headers.get("As-User", "") or self._by_login[found[1].user]
            call.event.scope = call.event.actor

    def admit(self, call: Call, route: Route) -> Answer | None:
        """Whoever has a token that is still good, as often as the quotas allow."""
        if route.details.get("open"):
            return None
        found, now = self.caller(call), self.world.clock.now()
        if found is not None and call.fault("grant_revoked") is not None:
            found[1].ended, found = "revoked", None
        if found is not None and call.fault("token_expired") is not None:
            found[0].expires_at, found = now, None
        if found is None:
            return problem(call, 401, "unauthorized", headers={"WWW-Authenticate": CHALLENGE})
        if (refused := self._as_user(call, *found)) is not None:
            return refused
        scopes, writes = found[0].scopes, call.method in WRITES and "root_readwrite" not in found[0].scopes
        if (route.scope and route.scope not in scopes) or writes or call.fault("scope_missing") is not None:
            return problem(call, 403, "insufficient_scope")
        return self._charge(call, route, now)

    def _as_user(self, call: Call, token: Token, grant: Grant) -> Answer | None:
        """Only admins, and applications that may, act for others; and never for an application's own account."""
        wanted = call.headers.get("As-User", "")
        if not wanted:
            return None
        other = self.store.state.users.get(wanted)
        may = self.account(grant.user).role in ("admin", "coadmin")
        if other is None or not may or other.external or not other.person:
            return problem(call, 403, "access_denied_insufficient_permissions")
        return None

    def _charge(self, call: Call, route: Route, now: float) -> Answer | None:
        call.event.units = 1
        wait = self.budgets.charge("calls", call.event.scope, 1, now)
        if not wait and route.operation in ("post_files_content", "post_files_id_content"):
            wait = self.budgets.charge("uploads", call.event.scope, 1, now)
        return self.throttled(call, str(int(wait) + 1)) if wait else None

    def sign_in(self, application: Application, user: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        """Without scopes: all of them."""
        return self.identity.given(self.oauth.open(application.client_id, user, scopes or SCOPES), refreshable=True)

    def throttled(self, call: Call, retry_after: str | None) -> Answer:
        """429, with the header that says how long to wait."""
        return problem(
            call, 429, "rate_limit_exceeded", headers={} if retry_after is None else {"Retry-After": retry_after}
        )

    def failed(self, call: Call, status: int) -> Answer:
        """A failure of Box's own."""
        codes = {502: "bad_gateway", 503: "unavailable", 504: "unavailable"}
        return problem(call, status, codes.get(status, "internal_server_error"))

    def missing(self, call: Call) -> Answer:
        """501: the sandbox does not simulate this."""
        return problem(call, 501, "not_simulated", f"The sandbox does not simulate {call.method} {call.path}")

    def _told(self, login: str, client_id: str) -> Account:
        """How an account signs in. Its refresh token is the first; "" once that is used or its grant has ended."""
        record = self.account(login)
        value = self.world.ids.base64url("box", "refresh", record.id, client_id, count=40)
        found = self.oauth.token(value, "refresh")
        if found is None and record.status != "inactive":
            grant = self.oauth.open(client_id, login, SCOPES)
            found = self.oauth.issue(grant, "refresh", value, REFRESH_SECONDS), grant
        usable = found is not None and self.oauth.alive(*found)
        return Account(
            user=login,
            role=record.role,
            password=self.password(login),
            refresh_token=value if usable else "",
            details={"id": record.id},
        )

    def offers(self) -> dict[str, Offer]:
        """How to connect to an account, and to the enterprise."""
        people = self.world.organisation.people
        server = self.oauth.records.applications[SERVER_ID]
        about = {"enterprise_id": self.enterprise_id}
        redirects = self.oauth.records.applications[CLIENT_ID].redirect_uris
        app = Account(user="the application itself", role="app", key=self.identity.config_file(server), details=about)
        admins = [self._told(one.email, SERVER_ID) for one in people if one.role in ("admin", "coadmin")]
        everybody = [self._told(one.email, CLIENT_ID) for one in people]
        return {
            "box": Offer(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, accounts=everybody, redirect_uris=redirects),
            "box-enterprise": Offer(
                client_id=SERVER_ID,
                client_secret=SERVER_SECRET,
                accounts=[app, *admins],
                redirect_uris=server.redirect_uris,
                details=about,
            ),
        }

    def facts(self) -> dict[str, Any]:
        """Counts of what there is by now."""
        state = self.store.state
        return {"users": len(state.users), "items": len(state.items), "upload sessions": len(state.sessions)}

    # Deeds, by the control API

    def _record(self, details: dict[str, Any]) -> UserRecord:
        wanted = str(details.get("user", ""))
        found = [one for one in self.store.state.users.values() if wanted in (one.id, one.login)]
        if not found:
            raise ValueError(f"there is no user {wanted!r}")
        return found[0]

    def do_wide_folder(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{user, count}`: a folder of so many files in the user's root."""
        record = self._record(details)
        return {"folder": self.store.wide(record.id, int(details.get("count", 100_000)))}

    def do_space(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{user, amount}`: how many bytes the user may store, -1 for as many as one likes."""
        record = self._record(details)
        record.space_amount = int(details["amount"])
        return {"user": record.id, "space_amount": record.space_amount}

    def do_parts(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{smallest, part_bytes}`: from which size on files may come in parts, and how large these are (0: as ever).

        The service decides both, so that a client has to ask.
        """
        self.store.smallest_session_bytes = int(details.get("smallest", SMALLEST_SESSION_BYTES))
        self.store.part_bytes = int(details.get("part_bytes", 0))
        return {"smallest": self.store.smallest_session_bytes, "part_bytes": self.store.part_bytes}

    def do_block(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{item, seconds}`: another long operation holds the item, and all below it, for so long."""
        item = self.store.find(str(details.get("item", "")))
        if item is None:
            raise ValueError("there is no such item")
        item.more().busy_until = self.world.clock.now() + float(details.get("seconds", 60))
        return {"item": item.id, "until": item.more().busy_until}

    def save(self) -> bytes:
        """All state, for `load`."""
        return msgspec.msgpack.encode((self.store.save(), self.oauth.records))

    def load(self, saved: bytes) -> None:
        """Take up what `save` gave."""
        store, self.oauth.records = msgspec.msgpack.decode(saved, type=tuple[bytes, Records])
        self.store.load(store)
