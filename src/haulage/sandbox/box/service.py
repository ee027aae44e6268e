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
from haulage.sandbox.box.growth import user_id
from haulage.sandbox.box.links import Links
from haulage.sandbox.box.model import UserRecord
from haulage.sandbox.box.notes import Notes
from haulage.sandbox.box.sessions import Sessions
from haulage.sandbox.box.shapes import Shapes
from haulage.sandbox.box.store import Store
from haulage.sandbox.box.trash import Trash
from haulage.sandbox.box.uploads import Uploads
from haulage.sandbox.frame.budgets import Limit
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.simulator import Account, Offer, Simulator
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.frame.world import World

REFERENCE = "https://developer.box.com/reference/"
GUIDES = "https://developer.box.com/guides/"
RATES = f"{GUIDES}api-calls/permissions-and-errors/rate-limits/"
CLIENT_ID, CLIENT_SECRET = "box-client", "box-secret"
ACCESS_SECONDS = 3600
CHALLENGE = 'Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid."'


class Box(Simulator):
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
        "token": f"{REFERENCE}post-oauth2-token/",
    }
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(name="calls", amount=1000, window_seconds=60, source=RATES),
        Limit(name="uploads", amount=240, window_seconds=60, source=RATES),
    )
    omissions: ClassVar[tuple[str, ...]] = (
        "search", "metadata templates and classifications", "representations and thumbnails", "comments and tasks",
        "webhooks", "retention, legal holds and information barriers",
    )  # fmt: skip
    presets: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {"F39": ("locked", {}), "F08": ("not_ready", {})}

    def __init__(self, world: World) -> None:
        self.store = Store(world)
        shapes = Shapes(self.store)
        kinds = (
            Folders, Files, Trash, Uploads, Sessions, Collaborations, Links, Events, Directory, Notes,
        )  # fmt: skip
        self.desks = [kind(self.store, shapes) for kind in kinds]
        self.tokens: dict[str, tuple[str, float]] = {}
        self.refreshing: dict[str, str] = {}
        self._issued = 0
        super().__init__(world)
        for user in self.store.state.users.values():
            self.refreshing[self._first(user)] = user.id

    def _first(self, user: UserRecord) -> str:
        return self.world.ids.base64url("box", "refresh", user.id, count=40)

    def routes(self) -> list[Route]:
        """Every endpoint that is simulated."""
        token, name, all_may = self.token, "post_oauth2_token", {"open": True}
        return [
            Route("POST", API, "/oauth2/token", name, "token", token, details=all_may),
            Route("POST", "app.box.com", "/api/oauth2/token", name, "token", token, details=all_may),
            *(route for desk in self.desks for route in desk.routes()),
        ]  # fmt: skip

    def identify(self, call: Call, route: Route) -> None:
        """The user of the token, or the one that As-User names."""
        kind, _, token = call.headers.get("Authorization", "").partition(" ")
        user, _ = self.tokens.get(token, ("", 0.0)) if kind.lower() == "bearer" else ("", 0.0)
        other = call.headers.get("As-User", "")
        call.event.actor = other if user and other and self.store.state.users[user].role != "user" else user
        call.event.scope = call.event.actor

    def admit(self, call: Call, route: Route) -> Answer | None:
        """Whoever has a token that is still good, as often as the quotas allow."""
        if route.details.get("open"):
            return None
        now = self.world.clock.now()
        _, until = self.tokens.get(call.headers.get("Authorization", "").partition(" ")[2], ("", 0.0))
        if not call.event.actor or now > until or call.fault("token_expired") is not None:
            return problem(call, 401, "unauthorized", headers={"WWW-Authenticate": CHALLENGE})
        if call.event.actor not in self.store.state.users:
            return problem(call, 403, "access_denied_insufficient_permissions")
        if call.fault("scope_missing") is not None:
            return problem(call, 403, "insufficient_scope")
        return self._charge(call, route, now)

    def _charge(self, call: Call, route: Route, now: float) -> Answer | None:
        call.event.units = 1
        wait = self.budgets.charge("calls", call.event.scope, 1, now)
        if not wait and route.operation in ("post_files_content", "post_files_id_content"):
            wait = self.budgets.charge("uploads", call.event.scope, 1, now)
        return self.throttled(call, str(int(wait) + 1)) if wait else None

    async def token(self, call: Call) -> Answer:
        """A new pair of tokens for a refresh token, which is good once."""
        form = await call.form()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            told = {"error": "invalid_client", "error_description": "The client credentials are invalid"}
            return json_answer(told, 400)
        user = self.refreshing.pop(form.get("refresh_token", ""), "")
        if form.get("grant_type") != "refresh_token" or not user:
            return json_answer({"error": "invalid_grant", "error_description": "Refresh token has expired"}, 400)
        self._issued += 1
        access = self.world.ids.base64url("box", "access", user, self._issued, count=32)
        refresh = self.world.ids.base64url("box", "refresh", user, self._issued, count=40)
        self.tokens[access] = (user, self.world.clock.now() + ACCESS_SECONDS)
        self.refreshing[refresh] = user
        pair = {"access_token": access, "refresh_token": refresh, "expires_in": ACCESS_SECONDS}
        return json_answer({**pair, "restricted_to": [], "token_type": "bearer"})

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

    def offers(self) -> dict[str, Offer]:
        """How to connect."""
        organisation = self.world.organisation
        accounts = [
            Account(
                user=one.email, role=one.role, password=organisation.password(one),
                refresh_token=self._first(self.store.state.users[user_id(self.world, one.number)]),
            )
            for one in organisation.people
        ]  # fmt: skip
        return {"box": Offer(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, accounts=accounts)}

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

    def do_block(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{item, seconds}`: another long operation holds the item, and all below it, for so long."""
        item = self.store.find(str(details.get("item", "")))
        if item is None:
            raise ValueError("there is no such item")
        item.more().busy_until = self.world.clock.now() + float(details.get("seconds", 60))
        return {"item": item.id, "until": item.more().busy_until}

    def save(self) -> bytes:
        """All state, for `load`."""
        return msgspec.msgpack.encode((self.store.save(), self.tokens, self.refreshing, self._issued))

    def load(self, saved: bytes) -> None:
        """Take up what `save` gave."""
        kept = msgspec.msgpack.decode(saved, type=tuple[bytes, dict[str, tuple[str, float]], dict[str, str], int])
        store, self.tokens, self.refreshing, self._issued = kept
        self.store.load(store)
