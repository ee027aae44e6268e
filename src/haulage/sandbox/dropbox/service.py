"""Dropbox, simulated: the class that the frame knows."""

from typing import Any, ClassVar

import msgspec

from haulage.sandbox.dropbox.accounts import Accounts
from haulage.sandbox.dropbox.desk import Desk
from haulage.sandbox.dropbox.identity import API, TEAM_SCOPES, USER_SCOPES, WEB, Identity
from haulage.sandbox.dropbox.links import Links
from haulage.sandbox.dropbox.listing import Listing
from haulage.sandbox.dropbox.members import Members
from haulage.sandbox.dropbox.people import Member, People
from haulage.sandbox.dropbox.refusals import ONE_ACCOUNT, TEAM_FUNCTION, plain, tagged, wait
from haulage.sandbox.dropbox.sessions import Sessions
from haulage.sandbox.dropbox.shapes import Shapes
from haulage.sandbox.dropbox.shared_folders import SharedFolders
from haulage.sandbox.dropbox.sources import GUIDES, HTTP, SOURCES
from haulage.sandbox.dropbox.store import Store
from haulage.sandbox.dropbox.structure import Deleting, Folders, Relocating
from haulage.sandbox.dropbox.team_folders import TeamFolders
from haulage.sandbox.dropbox.transfer import Paper, Transfer
from haulage.sandbox.dropbox.wire import ARGUMENT, SELECT_ADMIN, SELECT_USER
from haulage.sandbox.frame.budgets import Limit
from haulage.sandbox.frame.oauth import Application, Grant, Records, Token
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.signin import SignsIn
from haulage.sandbox.frame.simulator import Account, Offer
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer
from haulage.sandbox.frame.world import World

CLIENT_ID, CLIENT_SECRET = "sandboxappkey01", "sandboxappsecret"
REDIRECTS = (
    "http://localhost:28437/oauth/callback/dropbox",
    "http://localhost:28437/oauth/callback/dropbox-business",
    "http://localhost:53682/",
)


class Caller(msgspec.Struct, frozen=True):
    """Whose token a call has. member: who connected the app; team: it is a token of the whole team."""

    member: Member
    grant: Grant
    token: Token
    team: bool


class Dropbox(SignsIn):
    """A team of the organisation's people, and accounts of others."""

    id: ClassVar[str] = "dropbox"
    title: ClassVar[str] = "Dropbox"
    hosts: ClassVar[tuple[str, ...]] = (API, WEB, "content.dropboxapi.com", "notify.dropboxapi.com")
    sources: ClassVar[dict[str, str]] = {
        "oauth": "https://developers.dropbox.com/oauth-guide",
        "revoke": f"{HTTP}documentation#auth-token-revoke",
        "users": f"{HTTP}documentation#users",
        "team": f"{HTTP}teams#team",
        **SOURCES,
    }
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(name="calls", amount=None, window_seconds=300, source=f"{GUIDES}performance-guide#rate-limits"),
    )
    presets: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {"F05": ("write_contention", {"retry_after": 1})}
    omissions: ClassVar[tuple[str, ...]] = (
        "the implicit grant, and tokens that never end", "file requests, file properties, tags, search and thumbnails",
        "zip downloads, save_url, copy references and file locking", "events of the team, devices and legal holds",
        "numbers of the rate limits, which Dropbox does not publish: the quota `calls` is off until it is set",
        "refusing names with emoji, as Dropbox did until 2025", "429 for listings that are asked for twice at once",
        "left open by Dropbox's pages: whether a recursive listing has its folder itself (here: but for the root)",
        "left open: what a text that never was a cursor gets (here: 400; `reset` for one of another account)",
    )  # fmt: skip

    def __init__(self, world: World) -> None:
        self.people = People(world)
        self.raw_arguments = False
        self.store = Store(world)
        shapes = Shapes(self.store)
        shaping = (Listing, Transfer, Paper, Sessions, Folders, Relocating, Deleting)
        self.desks: list[Desk] = [kind(self.store, shapes) for kind in shaping]
        self.desks += [kind(self.store) for kind in (SharedFolders, Members, Links, TeamFolders)]
        super().__init__(world)
        self.oauth.register(
            Application(
                client_id=CLIENT_ID,
                name="Haulage rehearsal",
                secret=CLIENT_SECRET,
                redirect_uris=list(REDIRECTS),
                details={"scopes": [*USER_SCOPES, *TEAM_SCOPES]},
            )
        )

    def routes(self) -> list[Route]:
        """Every endpoint that is simulated."""
        desks = [route for desk in self.desks for route in desk.routes()]
        return [*Identity(self).routes(), *Accounts(self).routes(), *desks]

    def for_team(self, scopes: tuple[str, ...]) -> bool:
        """Whether a token of these scopes is one of the whole team."""
        return not set(scopes).isdisjoint(TEAM_SCOPES)

    def caller(self, call: Call) -> Caller | None:
        """Whose token it is, dead or alive; None for what is no token of ours."""
        found = self.oauth.token(self.oauth.bearer(call), "access")
        member = self.people.of(found[1].user) if found else None
        if found is None or member is None:
            return None
        token, grant = found
        return Caller(member, grant, token, self.for_team(grant.scopes))

    def admitted(self, call: Call) -> Caller:
        """Whose token it is, of a call that was let in."""
        found = self.caller(call)
        if found is None:
            raise Refusal(tagged(call, 401, "invalid_access_token"))
        return found

    def acting(self, call: Call) -> Member:
        """The account that a call acts for: of a team's token the one that Select-User or Select-Admin names."""
        caller = self.admitted(call)
        selected = call.headers.get(SELECT_USER) or call.headers.get(SELECT_ADMIN)
        return self.people.members[selected] if caller.team and selected else caller.member

    def identify(self, call: Call, route: Route) -> None:
        """actor: the id of the account that the call acts for, or of the team; scope: whose limits they are."""
        caller = self.caller(call)
        if caller is None:
            return
        selected = call.headers.get(SELECT_USER) or call.headers.get(SELECT_ADMIN) or ""
        actor = caller.member.account
        if caller.team:
            member = self.people.members.get(selected)
            actor = member.account if member else self.people.team
        call.event.actor = call.event.scope = actor

    def admit(self, call: Call, route: Route) -> Answer | None:
        """details: open (no token), auth (user, the default, or team), select_admin (an admin may act in it)."""
        if route.details.get("open"):
            return None
        caller = self.caller(call)
        if caller is None:
            return tagged(call, 401, "invalid_access_token")
        if call.fault("token_expired") is not None:
            caller.token.expires_at = call.event.time
        if call.fault("grant_revoked") is not None:
            caller.grant.ended = caller.grant.ended or "revoked"
        if caller.grant.ended or caller.token.ended:
            return tagged(call, 401, "invalid_access_token")
        if self.oauth.expired(caller.token):
            return tagged(call, 401, "expired_access_token")
        if (refused := self._for_whom(call, route, caller)) is not None:
            return refused
        lacking = route.scope and route.scope not in caller.token.scopes
        if lacking or call.fault("scope_missing") is not None:
            return tagged(call, 401, "missing_scope", required_scope=route.scope)
        if not self.raw_arguments and not call.headers.get(ARGUMENT, "").isascii():
            return plain(call, f'HTTP header "{ARGUMENT}": could not decode input as JSON')
        call.event.units = 1
        seconds = self.budgets.charge("calls", call.event.scope, 1, call.event.time)
        return self.throttled(call, str(int(seconds) + 1)) if seconds else None

    def _for_whom(self, call: Call, route: Route, caller: Caller) -> Answer | None:
        """Whether the token is one of an account or of a team, as the route wants it."""
        if route.details.get("auth") == "team":
            return None if caller.team else plain(call, TEAM_FUNCTION)
        user, admin = call.headers.get(SELECT_USER), call.headers.get(SELECT_ADMIN)
        if not caller.team:
            return plain(call, TEAM_FUNCTION) if user or admin else None
        if not user and not admin:
            return plain(call, ONE_ACCOUNT)
        member = self.people.members.get(user or admin or "")
        if member is None or (admin and not member.admin):
            return tagged(call, 401, "invalid_select_admin" if admin else "invalid_select_user")
        if not member.person.active:
            return tagged(call, 401, "user_suspended")
        if "team_data.member" not in caller.token.scopes:
            return tagged(call, 401, "missing_scope", required_scope="team_data.member")
        return None

    def problem(self, call: Call, error: dict[str, Any]) -> Answer:
        """A route's own error: 409."""
        dots = "." * (call.event.number % 4)
        return json_answer({"error_summary": f"{error['.tag']}/{dots}", "error": error}, 409)

    def throttled(self, call: Call, retry_after: str | None) -> Answer:
        """429, said in header and body."""
        return wait(call, retry_after)

    def failed(self, call: Call, status: int) -> Answer:
        """A failure of Dropbox's own, in plain text."""
        return Answer(status, {"Content-Type": "text/plain; charset=utf-8"}, b"Internal Server Error")

    def missing(self, call: Call) -> Answer:
        """501: the sandbox does not simulate this."""
        text = f"The sandbox does not simulate {call.method} {call.path}"
        return Answer(501, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())

    def sign_in(self, application: Application, user: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        """Without scopes: all that an account can allow."""
        grant = self.oauth.open(application.client_id, user, scopes or USER_SCOPES)
        return Identity(self).given(grant, offline=True)

    def _offered(self, member: Member, scopes: tuple[str, ...]) -> str:
        """A refresh token of an account; the same at each call, "" once its grant has ended."""
        value = self.world.ids.base64url("dropbox", "refresh", member.account, *scopes, count=64)
        found = self.oauth.token(value, "refresh")
        if found is not None:
            return value if self.oauth.alive(*found) else ""
        return self.oauth.issue(self.oauth.open(CLIENT_ID, member.email, scopes), "refresh", value, None).value

    def _told(self, member: Member, scopes: tuple[str, ...]) -> Account:
        return Account(
            user=member.email,
            role="admin" if member.admin else "user",
            password=self.password(member.email),
            refresh_token=self._offered(member, scopes) if member.person.active else "",
            details={"account_id": member.account, "team_member_id": member.member},
        )

    def offers(self) -> dict[str, Offer]:
        """How to connect to an account, and to the team."""
        everybody = self.people.accounts.values()
        admins = [one for one in everybody if one.admin]
        scopes = (*USER_SCOPES, *TEAM_SCOPES)
        redirects = self.oauth.records.applications[CLIENT_ID].redirect_uris

        def offer(accounts: list[Account]) -> Offer:
            return Offer(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, accounts=accounts, redirect_uris=redirects)

        return {
            "dropbox": offer([self._told(one, USER_SCOPES) for one in everybody]),
            "dropbox-business": offer([self._told(one, scopes) for one in admins]),
        }

    def facts(self) -> dict[str, Any]:
        """Counts of what there is by now."""
        kept = self.store.state
        made = {"accounts": len(self.people.accounts), "grants": len(self.oauth.records.grants)}
        return {**made, "entries": len(kept.entries), "namespaces": len(kept.namespaces)}

    # Deeds, by the control API

    def _account_of(self, details: dict[str, Any]) -> str:
        member = self.people.of(str(details.get("user", "")))
        if member is None:
            raise ValueError(f"there is no account {details.get('user')!r}")
        return member.account

    def do_wide_folder(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{user, count}`: a folder of so many files in the account's home."""
        person = self.store.state.people[self._account_of(details)]
        return {"folder": self.store.wide(person, int(details.get("count", 100_000)))}

    def do_space(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{user, allocated}`: how many bytes the account may store."""
        person = self.store.state.people[self._account_of(details)]
        person.allocated = int(details["allocated"])
        return {"account": person.account, "allocated": person.allocated}

    def do_team_space(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{on}`: whether the team has a space above its members' homes, or mounts its folders in them."""
        self.store.team_space(on=bool(details.get("on", True)))
        return {"team_space": self.store.state.team_space}

    def do_contention(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{write_seconds}`: how long each write holds its namespace, others being refused meanwhile; 0: not at all."""
        self.store.write_seconds = float(details.get("write_seconds", 0))
        return {"write_seconds": self.store.write_seconds}

    def do_raw_arguments(self, details: dict[str, Any]) -> dict[str, Any]:
        """`{taken}`: whether a header Dropbox-API-Arg may hold UTF-8 that is not escaped.

        Dropbox's page on JSON encoding wants it escaped; oomol-lab/open-connector#571 saw both taken in 2026.
        """
        self.raw_arguments = bool(details.get("taken", True))
        return {"taken": self.raw_arguments}

    def save(self) -> bytes:
        """All state, for `load`."""
        return msgspec.msgpack.encode((self.oauth.records, self.store.save()))

    def load(self, saved: bytes) -> None:
        """Take up what `save` gave."""
        self.oauth.records, store = msgspec.msgpack.decode(saved, type=tuple[Records, bytes])
        self.store.load(store)
