"""Permissions of items: listed, granted by invitation, changed, taken back; and links.

Sources: the Graph pages permission, driveitem-list-permissions, driveitem-invite, driveitem-createlink,
permission-update, permission-delete.
"""

from typing import Any

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.desk import Desk
from haulage.sandbox.microsoft.files.items import SHARED, UNIQUE, Drive, Item, Permission
from haulage.sandbox.microsoft.files.paging import selected
from haulage.sandbox.microsoft.files.routes import ITEM, READ, WRITE, route
from haulage.sandbox.microsoft.files.showing import Document

PERMISSION = f"{ITEM}/permissions/{{permission}}"
ROLES = ("read", "write", "owner")
LINKS = {"view": ("read",), "edit": ("write",), "embed": ("read",)}
SCOPES = ("anonymous", "organization", "users")
UNITS = 5  # every operation on permissions


class Sharing:
    """Who may use an item. links_blocked: the tenant allows no anonymous links."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.links_blocked = False

    def routes(self) -> list[Route]:
        """What is done with permissions."""
        made = self._desk.handler
        found = [
            route("GET", f"{ITEM}/permissions", "driveitem-list-permissions", made(self.permissions), READ, UNITS),
            route("GET", PERMISSION, "permission-get", made(self.get), READ, UNITS),
            route("PATCH", PERMISSION, "permission-update", made(self.update), WRITE, UNITS),
            route("DELETE", PERMISSION, "permission-delete", made(self.delete), WRITE, UNITS),
            route("POST", f"{ITEM}/invite", "driveitem-invite", made(self.invite), WRITE, UNITS),
            route("POST", f"{ITEM}/createLink", "driveitem-createlink", made(self.link), WRITE, UNITS),
        ]
        for one in found:
            one.details["sharing"] = True
        return found

    def permissions(self, call: Call) -> Answer:
        """All that count for the item: its own, then those it inherits."""
        drive, item = self._desk.find(call)
        shown = [self._shown(call, drive, item, one) for one in item.permissions or ()]
        shown += self._inherited(call, drive, item)
        context = self._desk.context(call, f"drives('{drive.id}')/items('{item.id}')/permissions")
        return self._desk.answer(call, {"@odata.context": context, "value": selected(call, shown)})

    def _inherited(self, call: Call, drive: Drive, item: Item) -> list[Document]:
        shown = []
        for one in () if item.flags & UNIQUE else drive.above(item):
            for permission in one.permissions or ():
                shown.append(self._shown(call, drive, one, permission, inherited=True))
            if one.flags & UNIQUE:
                break
        return shown + [
            self._shown(call, drive, drive.root, one, inherited=bool(item.parent)) for one in self._standing(drive)
        ]

    def _standing(self, drive: Drive) -> list[Permission]:
        """What counts for a whole drive: its owner, or its site's three groups; of consumer drives nothing is told."""
        ids = self._desk.world.ids
        if drive.group:
            site = self._desk.places.sites[drive.site]
            names = {"Owners": "owner", "Members": "write", "Visitors": "read"}
            return [
                Permission(
                    ids.base64url("standing", drive.id, name, count=32),
                    (role,),
                    "site_group",
                    f"site/{site.name}/{name}",
                )
                for name, role in names.items()
            ]
        if drive.kind.old_grants:
            return []
        return [Permission(ids.base64url("standing", drive.id, count=32), ("owner",), "user", drive.owner)]

    def _shown(self, call: Call, drive: Drive, item: Item, one: Permission, *, inherited: bool = False) -> Document:
        shown: Document = {"id": one.id, "roles": list(one.roles), "shareId": f"u!{one.id}"}
        if one.kind == "link":
            kind, scope = one.link
            letter = "f" if item.folder else "b"
            shown["link"] = {
                "type": kind, "scope": scope, "preventsDownload": one.blocks_download,
                "webUrl": self._link_url(drive, one.id, letter),
            }  # fmt: skip
            shown["hasPassword"] = one.password
        elif one.kind == "invitation":
            self._invited(drive, item, one, shown)
        else:
            identity = self._desk.people.set_of(one.who)
            if drive.kind.old_grants:
                shown["grantedTo"] = identity
            else:
                shown["grantedToV2"] = {**identity, **_site_user(identity)}
                if "user" in identity:
                    shown["grantedTo"] = identity
        if one.expires:
            shown["expirationDateTime"] = one.expires
        if inherited:
            shown["inheritedFrom"] = (
                {"driveId": drive.id, "id": item.id, "path": "/drive/root:"} if drive.kind.old_grants else {}
            )
        return shown

    def _invited(self, drive: Drive, item: Item, one: Permission, shown: Document) -> None:
        """Somebody without an account: in libraries a link for certain people, in consumer drives a grant by address.

        That is how rclone's own tests of the two find them again.
        """
        address = one.who.removeprefix("mail/")
        shown["invitation"] = {"email": address, "signInRequired": True}
        if drive.kind.old_grants:
            shown["grantedTo"] = {"user": {"id": address, "displayName": address}}
            return
        kind = "edit" if "write" in one.roles else "view"
        url = self._link_url(drive, one.id, "f" if item.folder else "b")
        shown["link"] = {"type": kind, "scope": "users", "webUrl": url}
        invited = {"user": {"email": address, "displayName": address}}
        shown["grantedToIdentities"] = shown["grantedToIdentitiesV2"] = [invited]

    def _link_url(self, drive: Drive, permission: str, letter: str) -> str:
        if not drive.kind.sites:
            return f"https://1drv.ms/{letter}/s!{permission}"
        kind, _, rest = drive.base.lstrip("/").partition("/")
        where = f"{'g' if drive.kind.name == 'business' else 's'}/{kind}/{rest.partition('/')[0]}"
        return f"https://{drive.host}/:{letter}:/{where}/{permission}"

    def _own(self, call: Call) -> tuple[Drive, Item, Permission]:
        """The permission that a path names, of the item itself. Raises Wrong."""
        drive, item = self._desk.find(call, write=call.method != "GET")
        name = call.params["permission"]
        found = next((one for one in item.permissions or () if one.id == name), None)
        if found is not None:
            return drive, item, found
        if any(one["id"] == name for one in self._inherited(call, drive, item)):
            raise errors.denied("An inherited permission cannot be changed here.")
        raise errors.not_found()

    def get(self, call: Call) -> Answer:
        """One permission."""
        drive, item = self._desk.find(call)
        name = call.params["permission"]
        shown = [self._shown(call, drive, item, one) for one in item.permissions or ()]
        found = next((one for one in [*shown, *self._inherited(call, drive, item)] if one["id"] == name), None)
        if found is None:
            raise errors.not_found()
        return self._desk.answer(call, found)

    async def update(self, call: Call) -> Answer:
        """Other roles, or another end."""
        drive, item, permission = self._own(call)
        document = await self._desk.body(call)
        roles = tuple(document.get("roles", permission.roles))
        if not roles or not set(roles) <= set(ROLES):
            raise errors.invalid("The roles are not valid.")
        if permission.kind == "link" or (roles == permission.roles and "expirationDateTime" not in document):
            raise errors.invalid("The permission cannot be changed in this way.")
        permission.roles = roles
        permission.expires = str(document.get("expirationDateTime") or permission.expires)
        self._changed(call, drive, item)
        return self._desk.answer(call, self._shown(call, drive, item, permission))

    def delete(self, call: Call) -> Answer:
        """Taken back."""
        drive, item, permission = self._own(call)
        item.permissions = [one for one in item.permissions or () if one is not permission] or None
        self._changed(call, drive, item)
        return Answer(204)

    def _changed(self, call: Call, drive: Drive, item: Item) -> None:
        """Into the log and the history; the content's cTag stays."""
        drive.note(f"{item.id}{SHARED}", call.event.time)
        self._desk.record(call, drive, item, "permission", content=False)

    async def invite(self, call: Call) -> Answer:
        """Grants to people and groups; those that cannot be granted are told one by one (207)."""
        drive, item = self._desk.find(call, write=True)
        document = await self._desk.body(call)
        roles = tuple(document.get("roles") or ("read",))
        if not set(roles) <= set(ROLES) or not isinstance(document.get("recipients"), list):
            raise errors.invalid("Recipients and valid roles must be named.")
        if document.get("requireSignIn") is False and not document.get("sendInvitation"):
            raise errors.invalid("RequireSignIn and SendInvitation cannot both be false")
        if not item.parent and not drive.kind.sites:
            raise errors.invalid("The root folder cannot be shared.", "sharingFailed")
        if document.get("retainInheritedPermissions") is False:
            item.flags |= UNIQUE
        made = [self._granted(call, drive, item, one, roles, document) for one in document["recipients"]]
        self._changed(call, drive, item)
        status = 207 if any("error" in one for one in made) else 200
        context = self._desk.context(call, "Collection(permission)")
        return self._desk.answer(call, {"@odata.context": context, "value": made}, status)

    def _granted(
        self, call: Call, drive: Drive, item: Item, recipient: Any, roles: tuple[str, ...], document: Document
    ) -> Document:
        named = recipient if isinstance(recipient, dict) else {}
        address = str(named.get("email") or named.get("objectId") or named.get("alias") or "")
        key = self._desk.people.by_address(address, personal=not drive.kind.sites)
        if not address or (key.startswith("mail/") and "@" not in address):
            error = {"code": "invalidRequest", "message": "One or more users could not be resolved."}
            return {"roles": list(roles), "error": error}
        kind = {"mail": "invitation", "group": "group"}.get(key.partition("/")[0], "user")
        return self._shown(
            call, drive, item, self._granted_to(item, kind, key, roles, str(document.get("expirationDateTime") or ""))
        )

    def _granted_to(self, item: Item, kind: str, key: str, roles: tuple[str, ...], expires: str) -> Permission:
        """A new permission, or the old one of the same receiver with these roles."""
        held = item.permissions or []
        found = next((one for one in held if one.who == key and one.kind == kind), None)
        if found is None:
            identity = self._desk.world.ids.base64url("grant", item.id, key, item.tag, count=32)
            found = Permission(identity, roles, kind, key)
            item.permissions = [*held, found]
        found.roles, found.expires = roles, expires
        return found

    async def link(self, call: Call) -> Answer:
        """A link of a type and scope: a new one (201), or the one that is there (200)."""
        drive, item = self._desk.find(call, write=True)
        document = await self._desk.body(call)
        kind = str(document.get("type", "view"))
        scope = str(document.get("scope") or ("anonymous" if not drive.kind.sites else "organization"))
        if kind not in LINKS or scope not in SCOPES or (kind == "embed" and drive.kind.sites):
            raise errors.invalid(f"The link type '{kind}' or scope '{scope}' is not supported.")
        if scope == "anonymous" and self.links_blocked:
            raise errors.invalid("Sharing has been disabled by the administrator.", "sharingFailed")
        held = item.permissions or []
        found = next((one for one in held if one.kind == "link" and one.link == (kind, scope)), None)
        status = 200 if found is not None else 201
        if found is None:
            identity = self._desk.world.ids.base64url("link", item.id, kind, scope, item.tag, count=32)
            found = Permission(identity, LINKS[kind], "link", link=(kind, scope))
            item.permissions = [*held, found]
            self._changed(call, drive, item)
        found.password = bool(document.get("password"))
        found.expires = str(document.get("expirationDateTime") or "")
        return self._desk.answer(call, self._shown(call, drive, item, found), status)


def _site_user(identity: Document) -> Document:
    user = identity.get("user")
    if not user or "id" not in user:
        return {}
    login = f"i:0#.f|membership|{user['email']}"
    return {"siteUser": {"id": "11", "displayName": user["displayName"], "email": user["email"], "loginName": login}}
