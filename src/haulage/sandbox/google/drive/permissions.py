"""drive.permissions: who has access to an item or a shared drive.

Sources: developers.google.com/workspace/drive/api/reference/rest/v3/permissions, …/guides/{manage-sharing,
transfer-file,ref-roles} (2026-08).
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.accounts import Account
from haulage.sandbox.google.drive.access import Effective, Viewer, effective, flag
from haulage.sandbox.google.drive.model import (
    ANYONE,
    ANYONE_FOUND,
    FILE_ORGANIZER,
    NONE,
    ORGANIZER,
    RANK,
    WRITER,
    File,
    Grant,
)
from haulage.sandbox.google.drive.query import parse_time
from haulage.sandbox.google.drive.resource import permission
from haulage.sandbox.google.drive.schema import (
    DEFAULT_PERMISSION,
    DEFAULT_PERMISSION_LIST,
    PERMISSION,
    PERMISSION_LIST,
)
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.errors import KIND, bad_parameter, bad_request, error, invalid, refuse, required, unwritable
from haulage.sandbox.google.fields import parse, prune
from haulage.sandbox.google.paging import page_token, place

READ = (
    "drive drive.file drive.meet.readonly drive.metadata drive.metadata.readonly drive.photos.readonly drive.readonly"
)
WRITE = "drive drive.file"
PATH = "/drive/v3/files/{fileId}/permissions"
TOKEN_SECONDS = 6 * 3600
LONGEST_SECONDS = 366 * 86_400
WRITABLE = frozenset(
    {"type", "role", "emailAddress", "domain", "allowFileDiscovery", "expirationTime", "pendingOwner", "view", "kind",
     "id", "inheritedPermissionsDisabled"}
)  # fmt: skip


class Permissions:
    """Handlers of permissions."""

    def __init__(self, world: World, store: Store) -> None:
        self._ids = world.ids
        self._store = store

    def routes(self) -> list[Route]:
        """Its endpoints."""
        host, one, change = "www.googleapis.com", PATH + "/{permissionId}", {"cost": "modify"}
        source = "permissions"
        return [
            Route("GET", host, PATH, "drive.permissions.list", source, self.listed, READ, {"cost": "list"}),
            Route("GET", host, one, "drive.permissions.get", source, self.get, READ, {"cost": "read"}),
            Route("POST", host, PATH, "drive.permissions.create", source, self.create, WRITE, change),
            Route("PATCH", host, one, "drive.permissions.update", source, self.update, WRITE, change),
            Route("DELETE", host, one, "drive.permissions.delete", source, self.delete, WRITE, change),
        ]

    def _open(self, call: Call) -> tuple[Viewer, File]:
        """The item. An administrator of the domain may look at any shared drive of it."""
        viewer = Viewer(self._store, call)
        account = viewer.caller.account
        if flag(call, "useDomainAdminAccess"):
            if not (account.administrator and account.customer == self._store.accounts.customer):
                raise refuse(403, "insufficientFilePermissions", "The user is no administrator of the domain.")
            viewer.admin = call.params["fileId"] in self._store.drives
        return viewer, viewer.file(call.params["fileId"])

    def _may(self, viewer: Viewer, file: File) -> None:
        if viewer.admin:
            return
        if file.id in self._store.drives:
            viewer.need(file, viewer.member(file.id) >= ORGANIZER)
        else:
            viewer.need(file, viewer.may_share(file))

    def _found(self, viewer: Viewer, file: File) -> Effective:
        wanted = viewer.call.params["permissionId"]
        found = effective(self._store, file, viewer.now).get(wanted)
        if found is None:
            raise refuse(404, "notFound", f"Permission not found: {wanted}.", location="permissionId")
        return found

    def listed(self, call: Call) -> Answer:
        """GET permissions: those from above as well."""
        viewer, file = self._open(call)
        viewer.need(file, viewer.admin or viewer.rank(file) >= (RANK["reader"] if file.drive else WRITER))
        mask = parse(call.query.get("fields", DEFAULT_PERMISSION_LIST), PERMISSION_LIST)
        found = [permission(viewer, file, one) for one in effective(self._store, file, viewer.now).values()]
        size = int(call.query.get("pageSize", 100 if file.drive else len(found) or 1))
        if not 1 <= size <= 100 and "pageSize" in call.query:
            raise bad_parameter(f"Invalid value '{size}'. Values must be within the range: [1, 100]", "page_size")
        begin = place(call.query.get("pageToken", ""), file.id, viewer.now, TOKEN_SECONDS)
        told: dict[str, Any] = {"kind": "drive#permissionList", "permissions": found[begin : begin + size]}
        if begin + size < len(found):
            told["nextPageToken"] = page_token(file.id, begin + size, viewer.now)
        return json_answer(prune(told, mask), kind=KIND)

    def get(self, call: Call) -> Answer:
        """GET permissions/{permissionId}"""
        viewer, file = self._open(call)
        return self._told(viewer, file, self._found(viewer, file))

    def _told(self, viewer: Viewer, file: File, found: Effective) -> Answer:
        mask = parse(viewer.call.query.get("fields", DEFAULT_PERMISSION), PERMISSION)
        return json_answer(prune(permission(viewer, file, found), mask), kind=KIND)

    async def _body(self, call: Call) -> dict[str, Any]:
        body = await call.json(lambda why: error(400, "parseError", "Parse Error"))
        if not isinstance(body, dict):
            raise bad_request("Invalid JSON payload received.")
        for name in body:
            if name not in WRITABLE:
                raise unwritable(name)
        return body

    async def create(self, call: Call) -> Answer:
        """POST permissions: whoever has one already gets the new role."""
        viewer, file = self._open(call)
        body = await self._body(call)
        self._may(viewer, file)
        if call.fault("sharing_limit") is not None:
            raise refuse(403, "sharingRateLimitExceeded", "Rate limit exceeded.", domain="usageLimits")
        grant = self._wanted(viewer, file, body)
        if grant.role == "owner":
            self._transfer(viewer, file, grant)
        elif grant.key != file.owner:
            self._set(viewer, file, [*(one for one in self._own(file) if one.key != grant.key), grant])
        if call.fault("mail_failed") is not None:
            raise refuse(400, "invalidSharingRequest", "Bad Request. User message: \"Sorry, the items were "
                         "successfully shared but emails could not be sent.\"")  # fmt: skip
        return self._told(viewer, file, effective(self._store, file, viewer.now)[grant.key])

    def _wanted(self, viewer: Viewer, file: File, body: dict[str, Any]) -> Grant:
        kind, role = body.get("type"), body.get("role")
        if not kind:
            raise refuse(400, "required", "The permission type field is required.", location="permission.type")
        if not role:
            raise refuse(400, "required", "The permission role field is required.", location="permission.role")
        self._check_role(viewer, file, str(kind), str(role))
        key, who = self._grantee(viewer, str(kind), body)
        self._check_restrictions(file, str(kind), who)
        return Grant(
            key, str(kind), str(role), who, bool(body.get("allowFileDiscovery", False)),
            self._expiry(viewer, file, str(kind), body.get("expirationTime")), bool(body.get("pendingOwner", False)),
        )  # fmt: skip

    def _check_role(self, viewer: Viewer, file: File, kind: str, role: str) -> None:
        if role not in RANK or role == "none":
            raise invalid("permission.role")
        if kind not in ("user", "group", "domain", "anyone"):
            raise invalid("permission.type")
        top = file.id in self._store.drives
        if role == "owner" and (file.drive or kind != "user"):
            raise invalid("permission.role")
        if (role == "organizer" and not top) or (role == "fileOrganizer" and not file.drive):
            raise invalid("permission.role")
        if top and kind not in ("user", "group"):
            raise invalid("permission.type")
        if kind in ("domain", "anyone") and RANK[role] > WRITER:
            raise invalid("permission.role")
        if file.drive and not top and RANK[role] >= FILE_ORGANIZER and not file.folder:
            raise invalid("permission.role")

    def _grantee(self, viewer: Viewer, kind: str, body: dict[str, Any]) -> tuple[str, str]:
        """Permission ID and address. Somebody without an account can be invited, if mail may be sent."""
        accounts = self._store.accounts
        if kind == "anyone":
            return (ANYONE_FOUND if body.get("allowFileDiscovery") else ANYONE), ""
        if kind == "domain":
            if not (domain := str(body.get("domain") or "")):
                raise required("permission.domain")
            return accounts.domain_key(domain), domain
        email = str(body.get("emailAddress") or "").strip()
        if "@" not in email:
            raise refuse(400, "invalid", "The specified emailAddress is invalid or not applicable for the given "
                         "permission type.", location="permission.emailAddress")  # fmt: skip
        if kind == "group" and (team := accounts.groups.get(email.lower())) is not None:
            return team.key, team.email
        if kind == "user" and (account := accounts.find(email)) is not None:
            return account.key, account.email
        if viewer.call.query.get("sendNotificationEmail", "true").lower() in ("false", "f", "no", "n", "0"):
            raise refuse(400, "invalidSharingRequest", "Bad Request. User message: \"You are trying to invite "
                         f"{email}. Since there is no Google account associated with this email address, you must "
                         "check the 'Notify people' box to invite this recipient.\"")  # fmt: skip
        return self._ids.digits("google", "invited", email.lower(), count=20), email

    def _check_restrictions(self, file: File, kind: str, who: str) -> None:
        drive = self._store.drives.get(file.drive)
        if drive is None:
            return
        outside = kind == "anyone" or not who.endswith(self._store.accounts.administrator.domain)
        if drive.restrictions.get("domainUsersOnly") and outside:
            message = "Sharing with people outside of the domain is not allowed in this shared drive."
            raise refuse(403, "teamDrivesSharingRestrictionNotAllowed", message)

    def _expiry(self, viewer: Viewer, file: File, kind: str, text: Any) -> float:
        if not text:
            return 0.0
        ends = parse_time(str(text), "permission.expirationTime")
        if kind not in ("user", "group") or not viewer.now < ends < viewer.now + LONGEST_SECONDS or file.folder:
            raise invalid("permission.expirationTime")
        return ends

    def _own(self, file: File) -> Iterable[Grant]:
        drive = self._store.drives.get(file.id)
        return tuple(drive.members.values()) if drive else file.grants

    def _set(self, viewer: Viewer, file: File, grants: list[Grant]) -> None:
        """Give an item these permissions of its own."""
        store = self._store
        also = store.audience(file)
        if (drive := store.drives.get(file.id)) is not None:
            drive.members = {one.key: one for one in grants}
            store.tell(file.id, {drive.id, *(one.key for one in grants if one.key in store.accounts.by_key)}, "drive")
        else:
            store.change(file, grants=tuple(grants))
        if file.folder and not file.drive:
            for one in store.below(file):
                store.tell(one.id, store.audience(one) | also)
        store.touched(file, also)
        store.note(viewer.call.event, "permission", file)

    def _transfer(self, viewer: Viewer, file: File, grant: Grant) -> None:
        """Make somebody else the owner. Raises Refusal."""
        if not flag(viewer.call, "transferOwnership"):
            message = "The transferOwnership parameter must be enabled when the permission role is 'owner'."
            raise refuse(403, "forbidden", message, location="transferOwnership")
        viewer.need(file, file.owner == viewer.me)
        if viewer.call.query.get("sendNotificationEmail", "true").lower() in ("false", "f", "no", "n", "0"):
            raise invalid("sendNotificationEmail")
        to = self._store.accounts.by_key.get(grant.key)
        if to is None or to.customer != viewer.caller.account.customer:
            message = "Ownership can only be transferred to another user in the same organization."
            raise refuse(400, "ownershipChangeAcrossDomainNotPermitted", message)
        self._hand_over(viewer, file, to)

    def _hand_over(self, viewer: Viewer, file: File, to: Account) -> None:
        old = Grant(viewer.me, "user", "writer", viewer.caller.account.email)
        kept = tuple(one for one in file.grants if one.key not in (to.key, viewer.me))
        self._store.change(file, owner=to.key, grants=(*kept, old))
        if flag(viewer.call, "moveToNewOwnersRoot"):
            self._store.reparent(file, (self._store.root_id(to),))
        self._store.touched(file)
        self._store.note(viewer.call.event, "permission", file)

    async def update(self, call: Call) -> Answer:
        """PATCH permissions/{permissionId}: role, expiry, pending owner."""
        viewer, file = self._open(call)
        body = await self._body(call)
        self._may(viewer, file)
        found = self._found(viewer, file)
        self._check_own(file, found)
        role = str(body.get("role") or found.grant.role)
        self._check_role(viewer, file, found.grant.kind, role)
        grant = msgspec.structs.replace(found.grant, role=role)
        if flag(call, "removeExpiration"):
            grant.expires = 0.0
        elif "expirationTime" in body:
            grant.expires = self._expiry(viewer, file, grant.kind, body["expirationTime"])
        if "pendingOwner" in body:
            if body["pendingOwner"] and RANK[found.grant.role] < WRITER:
                raise refuse(403, "pendingOwnerWriterRequired", "Only a writer can become the pending owner.")
            grant.pending = bool(body["pendingOwner"])
        if role == "owner" and found.grant.role != "owner":
            self._transfer(viewer, file, grant)
        elif found.grant.role == "owner":
            viewer.need(file, role == "owner")
        else:
            self._set(viewer, file, [grant if one.key == grant.key else one for one in self._own(file)])
        return self._told(viewer, file, effective(self._store, file, viewer.now)[grant.key])

    def delete(self, call: Call) -> Answer:
        """DELETE permissions/{permissionId}: everybody may take their own away."""
        viewer, file = self._open(call)
        found = self._found(viewer, file)
        if found.grant.key != viewer.me or viewer.rank(file) == NONE:
            self._may(viewer, file)
        self._check_own(file, found)
        viewer.need(file, found.grant.role != "owner")
        self._set(viewer, file, [one for one in self._own(file) if one.key != found.grant.key])
        return Answer(204)

    def _check_own(self, file: File, found: Effective) -> None:
        """What comes from above can only be changed there."""
        if not found.own:
            member = file.drive and all(source == file.drive for source, _ in found.sources)
            name = "cannotModifyInheritedTeamDrivePermission" if member else "cannotModifyInheritedPermission"
            raise refuse(403, name, "Cannot update a permission that is inherited from a parent.")
