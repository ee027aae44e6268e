"""drive.drives: shared drives.

Source: developers.google.com/workspace/drive/api/reference/rest/v3/drives, …/guides/search-shareddrives (2026-08).
"""

import re
from collections.abc import Callable
from typing import Any

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.drive.access import Viewer, flag
from haulage.sandbox.google.drive.model import (
    COMMENTER,
    FILE_ORGANIZER,
    FOLDER,
    NONE,
    ORGANIZER,
    WRITER,
    File,
    Grant,
    SharedDrive,
)
from haulage.sandbox.google.drive.query import COMPARE, parse_time
from haulage.sandbox.google.drive.resource import instant
from haulage.sandbox.google.drive.schema import DEFAULT_DRIVE, DEFAULT_DRIVE_LIST, DRIVE, DRIVE_LIST
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.errors import (
    KIND,
    bad_parameter,
    bad_request,
    drive_not_found,
    error,
    invalid,
    refuse,
    required,
    unwritable,
)  # fmt: skip
from haulage.sandbox.google.fields import parse, prune
from haulage.sandbox.google.paging import page_token, place

HOST, PATH = "www.googleapis.com", "/drive/v3/drives"
TOKEN_SECONDS = 6 * 3600
TERM = re.compile(
    r"\s*(name|createdTime|memberCount|organizerCount|hidden)\s*(contains|<=|>=|!=|=|<|>)\s*"
    r"('(?:[^'\\]|\\.)*'|\w+)\s*(?:and\b|$)"
)
RESTRICTIONS = (
    "adminManagedRestrictions", "copyRequiresWriterPermission", "domainUsersOnly", "driveMembersOnly",
    "sharingFoldersRequiresOrganizerPermission",
)  # fmt: skip
WRITABLE = frozenset(
    {
        "name",
        "themeId",
        "colorRgb",
        "backgroundImageFile",
        "restrictions",
        "kind",
        "id",
        "hidden",
        "backgroundImageLink",
    }
)
NOT_ADMIN = "The user does not have administrator privileges to list all shared drives of the domain."


def resource(viewer: Viewer, drive: SharedDrive) -> dict[str, Any]:
    """A shared drive, with all its fields."""
    rank = ORGANIZER if viewer.admin else viewer.member(drive.id)
    edit, manage = rank >= WRITER, rank >= ORGANIZER
    capabilities = {
        "canAddChildren": edit, "canComment": rank >= COMMENTER, "canCopy": rank > NONE,
        "canDeleteChildren": manage, "canDeleteDrive": manage, "canDownload": rank > NONE, "canEdit": edit,
        "canListChildren": rank > NONE, "canManageMembers": manage, "canReadRevisions": edit, "canRename": edit,
        "canRenameDrive": manage, "canShare": edit, "canTrashChildren": rank >= FILE_ORGANIZER,
        "canChangeCopyRequiresWriterPermissionRestriction": manage, "canChangeDomainUsersOnlyRestriction": manage,
        "canChangeDriveBackground": manage, "canChangeDriveMembersOnlyRestriction": manage,
        "canChangeSharingFoldersRequiresOrganizerPermissionRestriction": manage,
        "canResetDriveRestrictions": manage, "canChangeDownloadRestriction": manage,
    }  # fmt: skip
    return {
        "kind": "drive#drive", "id": drive.id, "name": drive.name, "createdTime": instant(drive.created),
        "hidden": viewer.me in drive.hidden, "colorRgb": drive.color,
        "backgroundImageLink": "https://ssl.gstatic.com/team_drive_themes/generic_background.jpg",
        "restrictions": {name: drive.restrictions.get(name, False) for name in RESTRICTIONS},
        "capabilities": capabilities,
    }  # fmt: skip


class Drives:
    """Handlers of shared drives."""

    def __init__(self, world: World, store: Store) -> None:
        self._ids = world.ids
        self._store = store
        self._requests: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """Its endpoints."""
        one, read, change = PATH + "/{driveId}", "drive drive.readonly", {"cost": "modify"}
        return [
            Route("GET", HOST, PATH, "drive.drives.list", "drives", self.listed, read, {"cost": "list"}),
            Route("GET", HOST, one, "drive.drives.get", "drives", self.get, read, {"cost": "read"}),
            Route("POST", HOST, PATH, "drive.drives.create", "drives", self.create, "drive", change),
            Route("PATCH", HOST, one, "drive.drives.update", "drives", self.update, "drive", change),
            Route("DELETE", HOST, one, "drive.drives.delete", "drives", self.delete, "drive", change),
            Route("POST", HOST, one + "/hide", "drive.drives.hide", "drives", self.hide, "drive", change),
            Route("POST", HOST, one + "/unhide", "drive.drives.unhide", "drives", self.unhide, "drive", change),
        ]

    def _viewer(self, call: Call) -> Viewer:
        """With useDomainAdminAccess, an administrator sees all drives of the domain."""
        viewer = Viewer(self._store, call)
        if flag(call, "useDomainAdminAccess"):
            account = viewer.caller.account
            if not (account.administrator and account.customer == self._store.accounts.customer):
                raise refuse(403, "noListTeamDrivesAdministratorPrivilege", NOT_ADMIN)
            viewer.admin = True
        return viewer

    def _open(self, call: Call) -> tuple[Viewer, SharedDrive]:
        viewer = self._viewer(call)
        drive = self._store.drives.get(call.params["driveId"])
        if drive is None or not (viewer.admin or viewer.member(drive.id)):
            raise drive_not_found(call.params["driveId"])
        return viewer, drive

    def listed(self, call: Call) -> Answer:
        """GET /drive/v3/drives"""
        viewer = self._viewer(call)
        size = int(call.query.get("pageSize", 10))
        if not 1 <= size <= 100:
            raise bad_parameter(f"Invalid value '{size}'. Values must be within the range: [1, 100]", "page_size")
        text = call.query.get("q", "")
        wanted = self._query(viewer, text)
        mask = parse(call.query.get("fields", DEFAULT_DRIVE_LIST), DRIVE_LIST)
        known = self._store.drives.values()
        found = [one for one in known if (viewer.admin or viewer.member(one.id)) and wanted(one)]
        begin = place(call.query.get("pageToken", ""), f"drives {text}", viewer.now, TOKEN_SECONDS)
        told: dict[str, Any] = {"kind": "drive#driveList"}
        told["drives"] = [resource(viewer, one) for one in found[begin : begin + size]]
        if begin + size < len(found):
            told["nextPageToken"] = page_token(f"drives {text}", begin + size, viewer.now)
        return json_answer(prune(told, mask), kind=KIND)

    def _query(self, viewer: Viewer, text: str) -> Callable[[SharedDrive], bool]:
        tests: list[Callable[[SharedDrive], bool]] = []
        at = 0
        while at < len(text):
            found = TERM.match(text, at)
            if found is None:
                raise invalid("q")
            tests.append(_test(viewer, *found.groups()))
            at = found.end()
        return lambda one: all(test(one) for test in tests)

    def get(self, call: Call) -> Answer:
        """GET /drive/v3/drives/{driveId}"""
        return self._told(*self._open(call))

    def _told(self, viewer: Viewer, drive: SharedDrive) -> Answer:
        mask = parse(viewer.call.query.get("fields", DEFAULT_DRIVE), DRIVE)
        return json_answer(prune(resource(viewer, drive), mask), kind=KIND)

    async def _body(self, call: Call) -> dict[str, Any]:
        body = await call.json(lambda why: error(400, "parseError", "Parse Error")) or {}
        if not isinstance(body, dict):
            raise bad_request("Invalid JSON payload received.")
        for name in body:
            if name not in WRITABLE:
                raise unwritable(name)
        return body

    async def create(self, call: Call) -> Answer:
        """POST /drive/v3/drives?requestId=: the same requestId makes no second one."""
        viewer = Viewer(self._store, call)
        account, request = viewer.caller.account, call.query.get("requestId", "")
        if not request:
            raise required("requestId")
        body = await self._body(call)
        if not account.customer or account.service:
            raise refuse(403, "userCannotCreateTeamDrives", "The user cannot create new shared drives.")
        if not body.get("name"):
            raise required("name")
        if request in self._requests:
            raise refuse(409, "duplicate", "A shared drive with the provided requestId already exists.")
        number = len(self._requests) + 1
        drive_id = f"0A{self._ids.base64url('google', 'made drive', number, request, count=11)}Uk9PVA"
        owner = Grant(account.key, "user", "organizer", account.email)
        drive = SharedDrive(
            id=drive_id, name=str(body["name"]), created=self._store.now(), members={account.key: owner},
        )  # fmt: skip
        self._requests[request] = drive_id
        self._restrict(drive, body)
        self._store.drives[drive_id] = drive
        top = File(drive_id, drive.name, FOLDER, "", drive_id, (), drive.created, drive.created, account.key)
        self._store.create(top)
        self._store.tell(drive_id, {account.key}, "drive")
        self._store.note(call.event, "create", top)
        return self._told(viewer, drive)

    async def update(self, call: Call) -> Answer:
        """PATCH /drive/v3/drives/{driveId}"""
        viewer, drive = self._open(call)
        body = await self._body(call)
        top = self._store.files[drive.id]
        viewer.need(top, viewer.admin or viewer.member(drive.id) >= ORGANIZER)
        if body.get("name"):
            drive.name = top.name = str(body["name"])
        self._restrict(drive, body)
        self._store.touched(top)
        self._store.tell(drive.id, self._people(drive), "drive")
        self._store.note(call.event, "rename" if body.get("name") else "metadata", top)
        return self._told(viewer, drive)

    def _restrict(self, drive: SharedDrive, body: dict[str, Any]) -> None:
        for name, value in (body.get("restrictions") or {}).items():
            if name in RESTRICTIONS:
                drive.restrictions[name] = bool(value)
        if body.get("colorRgb"):
            drive.color = str(body["colorRgb"])

    def _people(self, drive: SharedDrive) -> set[str]:
        return {one for one in drive.members if one in self._store.accounts.by_key}

    def delete(self, call: Call) -> Answer:
        """DELETE /drive/v3/drives/{driveId}: an empty one; an administrator can delete one with items in it."""
        viewer, drive = self._open(call)
        top = self._store.files[drive.id]
        viewer.need(top, viewer.admin or viewer.member(drive.id) >= ORGANIZER)
        self._store.plant(drive.owner)
        items = [one for one in self._store.owned.get(drive.id, ()) if one != drive.id]
        if items and not (flag(call, "allowItemDeletion") and viewer.admin):
            raise refuse(403, "cannotDeleteTeamDriveWithChildren", "The shared drive has children.")
        for one in items:
            self._store.note(call.event, "delete", self._store.files[one])
            self._store.drop(self._store.files[one])
        self._store.note(call.event, "delete", top)
        self._store.drop(top)
        self._store.tell(drive.id, self._people(drive), "drive")
        del self._store.drives[drive.id]
        return Answer(204)

    def hide(self, call: Call) -> Answer:
        """POST /drive/v3/drives/{driveId}/hide"""
        viewer, drive = self._open(call)
        drive.hidden = [*(one for one in drive.hidden if one != viewer.me), viewer.me]
        return self._told(viewer, drive)

    def unhide(self, call: Call) -> Answer:
        """POST /drive/v3/drives/{driveId}/unhide"""
        viewer, drive = self._open(call)
        drive.hidden = [one for one in drive.hidden if one != viewer.me]
        return self._told(viewer, drive)


def _test(viewer: Viewer, name: str, sign: str, value: str) -> Callable[[SharedDrive], bool]:
    text = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] == "'" else value
    if name == "name":
        if sign == "contains":
            return lambda one: text.lower() in one.name.lower()
        if sign in ("=", "!="):
            return lambda one: (one.name == text) == (sign == "=")
    if name == "hidden" and sign in ("=", "!="):
        return lambda one: (viewer.me in one.hidden) == ((text == "true") == (sign == "="))
    if sign not in COMPARE:
        raise invalid("q")
    compare = COMPARE[sign]
    if name == "createdTime":
        wanted = parse_time(text, "q")
        return lambda one: compare(one.created, wanted)
    if not text.isdigit():
        raise invalid("q")
    count = float(text)
    if name == "memberCount":
        return lambda one: compare(float(len(one.members)), count)
    return lambda one: compare(float(sum(member.role == "organizer" for member in one.members.values())), count)
