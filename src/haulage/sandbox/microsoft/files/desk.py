"""What all handlers of files need: who calls, which drive and item are meant, and may they."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Handler
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.directory import User
from haulage.sandbox.microsoft.files import errors, kinds
from haulage.sandbox.microsoft.files.access import Access, caller_key
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.items import LOCKED, Drive, Item
from haulage.sandbox.microsoft.files.meter import Meter
from haulage.sandbox.microsoft.files.people import People
from haulage.sandbox.microsoft.files.places import Places, Site
from haulage.sandbox.microsoft.files.showing import GRAPH, Document, Showing
from haulage.sandbox.microsoft.files.tickets import Tickets
from haulage.sandbox.microsoft.wire import graph_answer, graph_error, graph_headers

if TYPE_CHECKING:
    from haulage.sandbox.microsoft import Microsoft

Work = Callable[[Call], Awaitable[Answer] | Answer]


class Target(msgspec.Struct):
    """What an address means.

    item: None where nothing of that name is there; then parent and name say where it would be. missing: names of
    folders that are not there either, between parent and name.
    """

    drive: Drive
    item: Item | None
    parent: Item
    name: str = ""
    missing: list[str] = []


class Desk:
    """Shared by the handlers. caller: tells who made a call that was let in."""

    def __init__(self, service: "Microsoft", meter: Meter) -> None:
        self.world = world = service.world
        self.directory = service.directory
        self.meter = meter
        self.caller = service.admitted
        self.people = People(service.directory, lambda app: _name_of(service, app))
        self.places = Places(world, service.directory)
        self.access = Access(world, self.people, self.places)
        self.tickets = Tickets(world)
        self.show = Showing(world, self.people, self.tickets)

    def handler(self, work: Work) -> Handler:
        """The work as a route's handler: with Graph's headers, and errors in its form."""

        async def handle(call: Call) -> Answer:
            try:
                if call.fault("denied") is not None:
                    raise errors.denied()
                made = work(call)
                answer = await made if isawaitable(made) else made
            except Wrong as wrong:
                answer = graph_error(call, wrong.status, wrong.code, wrong.message, wrong.inner, wrong.headers)
            answer.headers.update(graph_headers(call))
            self.meter.tell(call, answer)
            return answer

        return handle

    def editor(self, call: Call) -> str:
        """The key of who calls, as authors are named."""
        return caller_key(self.caller(call))

    def spend(self, call: Call, name: str, size: int, drive: Drive) -> None:
        """Charge bytes of the tenant's hour. Raises Wrong (429)."""
        if wait := self.meter.spend_bytes(name, call, size, drive.tenant):
            raise Wrong(
                429, "activityLimitReached", "The request has been throttled", "throttledRequest", {"Retry-After": wait}
            )  # fmt: skip

    def answer(self, call: Call, document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
        """A JSON document."""
        return graph_answer(call, document, status, headers)

    def context(self, call: Call, of: str) -> str:
        """The `@odata.context` of an answer."""
        return f"{call.at(GRAPH)}/v1.0/$metadata#{of}"

    async def body(self, call: Call) -> Document:
        """The JSON object of a request; empty if there is none."""
        found = await call.json(lambda why: graph_error(call, 400, "BadRequest", f"Unable to read JSON request: {why}"))
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise Wrong(400, "BadRequest", "Unable to read JSON request payload.")
        return found

    def drive(self, call: Call) -> Drive:
        """The drive that a path names, for a caller who may know of it. Raises Wrong."""
        name = call.params["drive"]
        kind, tilde, rest = name.partition("~")
        if name == "me":
            return self._own(call)
        if tilde and kind in ("users", "groups", "sites"):
            return self._aliased(call, kind, rest)
        found = self.places.drive(name)
        if found is None or not self.access.known(self.caller(call), found):
            raise errors.not_found()
        return found

    def _own(self, call: Call) -> Drive:
        user = self.caller(call).user
        if user is None:
            raise Wrong(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        return self.drive_of(call, user)

    def drive_of(self, call: Call, user: User) -> Drive:
        """A person's drive; made at the owner's own first visit. Raises Wrong in one of the ways that are seen."""
        found = self.places.drive_of(user)
        caller = self.caller(call)
        if (
            found is None
            and user.licensed
            and not user.personal
            and caller.user is not None
            and caller.user.id == user.id
        ):
            self.places.provision(user)
            found = self.places.drive_of(user)
        if found is None:
            raise _driveless(user)
        if not self.access.known(caller, found):
            raise errors.denied()
        return found

    def _aliased(self, call: Call, kind: str, name: str) -> Drive:
        if kind == "users":
            return self.drive_of(call, self.user(call, name))
        if kind == "groups":
            site = self.places.sites.get(self.places.group_sites.get(name.lower(), ""))
            if site is None:
                raise errors.Wrong(404, "Request_ResourceNotFound", f"Resource '{name}' does not exist.")
        else:
            name, _, number = name.partition("~")
            site = self.site(call, name)
            if number:
                return self._listed(site, number)
        found = self.places.default_drive(site)
        if found is None or not self.access.known(self.caller(call), found):
            raise errors.denied()
        return found

    def _listed(self, site: Site, name: str) -> Drive:
        """The library that is a site's list of that name."""
        for one in (*site.drives, *site.system):
            drive = self.places.drive(one)
            if drive is not None and name.lower() in (drive.name.lower(), self.world.ids.guid("list", drive.id)):
                return drive
        raise errors.not_found("The specified list was not found")

    def user(self, call: Call, name: str) -> User:
        """The user of an id or address that a path names. Raises Wrong."""
        caller = self.caller(call)
        found = self.directory.listed(name, caller.tenant)
        if caller.user is not None and name.lower() in (caller.user.id, caller.user.upn.lower()):
            found = caller.user
        if found is None:
            text = f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
            raise Wrong(404, "Request_ResourceNotFound", text)
        return found

    def site(self, call: Call, name: str) -> Site:
        """The site of an address. Raises Wrong."""
        caller = self.caller(call)
        if caller.user is not None and caller.user.personal:
            raise Wrong(400, "BadRequest", "This API is not supported for MSA accounts")
        found = self.places.site_named(name)
        if found is None:
            raise errors.not_found("Requested site could not be found")
        if not self.access.sees(caller, found):
            raise errors.denied()
        return found

    def target(self, call: Call, *, write: bool = False) -> Target:
        """What the path's address means, be it there or not. Raises Wrong."""
        drive = self.drive(call)
        address = call.params.get("item", "root")
        head, _, path = address.partition(":")
        start = self._start(drive, head)
        names = [one for one in path.split("/") if one]
        found = _walk(drive, start, names)
        self.access.check(self.caller(call), drive, found.item or found.parent, write=write)
        if write and found.item is not None:
            self.writable(call, found.item)
        return found

    def _start(self, drive: Drive, head: str) -> Item:
        if head.rstrip(":") == "root":
            return drive.root
        if head.startswith("special~"):
            name = head[len("special~") :]
            found = drive.root if name == "approot" else drive.child(drive.root.id, name.title())
        else:
            found = drive.items.get(head) or (drive.items.get(head.upper()) if drive.kind is kinds.PERSONAL else None)
        if found is None:
            raise errors.not_found()
        return found

    def find(self, call: Call, *, write: bool = False) -> tuple[Drive, Item]:
        """The drive and the item that a path names. Raises Wrong."""
        found = self.target(call, write=write)
        if found.item is None:
            raise errors.not_found()
        return found.drive, found.item

    def writable(self, call: Call, item: Item) -> None:
        """Raises Wrong (423) where the item is locked."""
        if item.flags & LOCKED or call.fault("locked") is not None:
            raise errors.locked()

    def matches(self, call: Call, drive: Drive, item: Item | None, code: str) -> None:
        """If-Match and If-None-Match of a call that writes. Raises Wrong (412)."""
        wanted, unwanted = call.headers.get("If-Match"), call.headers.get("If-None-Match")
        if wanted is None and unwanted is None:
            return
        tags = () if item is None else self.tags(drive, item)
        if wanted is not None and (not tags if wanted == "*" else wanted not in tags):
            raise errors.changed(code)
        if unwanted is not None and (bool(tags) if unwanted == "*" else unwanted in tags):
            raise errors.changed(code)

    def tags(self, drive: Drive, item: Item) -> tuple[str, str]:
        """eTag and cTag."""
        ids, kind = self.world.ids, drive.kind
        return kinds.e_tag(kind, ids, item.id, item.tag), kinds.c_tag(kind, ids, item.id, item.content_tag)

    def record(self, call: Call, drive: Drive, item: Item, kind: Any, *, content: bool = True) -> None:
        """Into the history: what a call did to an item."""
        held = item.content if content else None
        version = "" if item.folder else kinds.version_id(drive.kind, self.world.ids, item.id, item.version)
        path = drive.path(item) if item.id in drive.items else item.name
        call.event.changes.append(
            Change(kind, item.id, drive.id, path, version, held.key if held else "", held.size if held else 0)
        )


def _walk(drive: Drive, start: Item, names: list[str]) -> Target:
    parent, item = start, start
    for index, name in enumerate(names):
        if not item.folder:
            raise errors.not_found()
        found = drive.child(item.id, name)
        if found is None:
            return Target(drive, None, item, names[-1], names[index:-1])
        parent, item = item, found
    if item.parent:
        parent = drive.items[item.parent]
    return Target(drive, item, parent, item.name)


def _name_of(service: "Microsoft", app: str) -> str:
    found = service.oauth.application(app)
    return found.name if found else app


def _driveless(user: User) -> Wrong:
    """Five answers were seen in the wild for a user without a drive; which one follows from the user."""
    if not user.person.active:
        return Wrong(423, "resourceLocked", "The site is locked and cannot be accessed")
    ways = (
        Wrong(404, "ResourceNotFound", "User's mysite not found."),
        Wrong(404, "itemNotFound", "404 FILE NOT FOUND"),
        Wrong(400, "BadRequest", "Unable to retrieve user's mysite URL."),
    )
    if not user.licensed:
        return Wrong(400, "BadRequest", "Tenant does not have a SPO license.")
    return ways[user.person.number // 13 % len(ways)]


def decoded(text: str | None) -> str | None:
    """A part of a path, decoded."""
    return None if text is None else unquote(text)
