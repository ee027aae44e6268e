"""Egnyte's permissions, which folders have and files do not; both editions of the API."""

from typing import Any

from haulage.sandbox.egnyte.desk import DENIED, Desk
from haulage.sandbox.egnyte.model import PRIVATE, ROOT, Item, Permissions
from haulage.sandbox.egnyte.people import HOST
from haulage.sandbox.egnyte.store import RANK
from haulage.sandbox.egnyte.wire import refuse
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

SCOPE = "Egnyte.permission"


class Granting(Desk):
    """/pubapi/v1/perms and /pubapi/v2/perms."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        older, newer = "/pubapi/v1/perms", "/pubapi/v2/perms/{path*}"
        return [
            Route("GET", HOST, newer, "get folder permissions", "perms", self.get, SCOPE),
            Route("POST", HOST, newer, "set folder permissions", "perms", self.set, SCOPE),
            Route("GET", HOST, f"{older}/folder/{{path*}}", "get folder permissions v1", "perms", self.get_v1, SCOPE),
            Route("POST", HOST, f"{older}/folder/{{path*}}", "set folder permissions v1", "perms", self.set_v1, SCOPE),
            Route("GET", HOST, f"{older}/user", "effective permission", "perms", self.effective, SCOPE),
            Route("GET", HOST, f"{older}/user/{{user}}", "effective permission", "perms", self.effective, SCOPE),
        ]

    def _folder(self, call: Call, level: str = "Viewer Only") -> Item:
        found = self.item(call, level)
        if not found.is_folder:
            raise refuse(400, "Permissions are those of folders")
        if found.id in (ROOT, PRIVATE) or self.store.path(found).startswith("/Private/"):
            raise refuse(400, "Permissions cannot be managed in this folder")
        return found

    def shown(self, folder: Item) -> Permissions:
        """What holds at a folder: what it inherits, and over it what is set at itself."""
        here = self.store.state.permissions.get(folder.id, Permissions())
        if not here.inherits or folder.parent == ROOT:
            return here
        above = self.shown(self.store.state.items[folder.parent])
        return Permissions({**above.users, **here.users}, {**above.groups, **here.groups})

    def get(self, call: Call) -> Answer:
        """By names of users and of groups; what is empty is left out."""
        shown = self.shown(self._folder(call))
        told: dict[str, Any] = {"inheritsPermissions": shown.inherits}
        told |= {"userPerms": _real(shown.users)} if _real(shown.users) else {}
        told |= {"groupPerms": _real(shown.groups)} if _real(shown.groups) else {}
        return json_answer(told)

    async def set(self, call: Call) -> Answer:
        """Changes only what is named. Breaking inheritance says whether what was inherited is kept."""
        folder, told = self._folder(call, "Owner"), await self.document(call)
        inherits, keep = _truth(told.get("inheritsPermissions")), _truth(told.get("keepParentPermissions"))
        if keep is not None and inherits is not False:
            raise refuse(400, "keepParentPermissions goes only with inheritsPermissions=false")
        users, groups = told.get("userPerms") or {}, told.get("groupPerms") or {}
        if not isinstance(users, dict) or not isinstance(groups, dict):
            raise refuse(400, "userPerms and groupPerms are objects")
        self._check(users, groups)
        if unknown := self._unknown(users, groups):
            raise refuse(400, f"There is no user or group {unknown[0]!r}")
        shown, here = self.shown(folder), self.store.permissions_at(folder)
        if inherits is False and here.inherits and keep:
            here.users, here.groups = dict(shown.users), dict(shown.groups)
        here.inherits = here.inherits if inherits is None else inherits
        self._apply(call, folder, users, groups)
        return Answer(200)

    def _check(self, users: dict[str, str], groups: dict[str, str]) -> None:
        for level in (*users.values(), *groups.values()):
            if level not in RANK:
                raise refuse(400, f"There is no permission {level!r}")

    def _unknown(self, users: dict[str, str], groups: dict[str, str]) -> list[str]:
        known = {one.name for one in self.service.directory.groups.values()}
        nobody = [name for name in users if self.service.directory.user(name) is None]
        return [*nobody, *(name for name in groups if name not in known)]

    def _apply(self, call: Call, folder: Item, users: dict[str, str], groups: dict[str, str]) -> None:
        here, known = self.store.permissions_at(folder), self.service.directory
        here.users |= {user.name: level for name, level in users.items() if (user := known.user(name)) is not None}
        here.groups |= groups
        self.changed(call, folder, "permission")
        data: dict[str, str | bool] = {
            "target_path": self.store.path(folder),
            "is_folder": True,
            "folder_id": folder.id,
        }
        user, client = self.user(call), self.client(call)
        self.store.happened(user, client, "permission_change", data, "permission_change")

    def get_v1(self, call: Call) -> Answer:
        """As lists of subjects; users and groups of the query narrow it, names joined by |."""
        shown = self.shown(self._folder(call))
        wanted = [set(filter(None, call.query.get(name, "").split("|"))) for name in ("users", "groups")]
        lists = [
            [{"subject": name, "permission": level} for name, level in _real(found).items() if not some or name in some]
            for found, some in zip((shown.users, shown.groups), wanted, strict=True)
        ]
        return json_answer({"users": lists[0], "groups": lists[1], "inheritsPermissions": shown.inherits})

    async def set_v1(self, call: Call) -> Answer:
        """One level for all that are named; who is not known is passed over (so do the JavaScript SDK's tests say)."""
        folder, told = self._folder(call, "Owner"), await self.document(call)
        level = str(told.get("permission", ""))
        users = dict.fromkeys(map(str, told.get("users") or ()), level)
        groups = dict.fromkeys(map(str, told.get("groups") or ()), level)
        self._check(users, groups)
        for name in self._unknown(users, groups):
            users.pop(name, None)
            groups.pop(name, None)
        self._apply(call, folder, users, groups)
        return Answer(200)

    def effective(self, call: Call) -> Answer:
        """What somebody may do in a folder, by itself and by its groups."""
        caller = self.user(call)
        name = call.params.get("user") or caller.name
        user, identifier = self.service.directory.user(name), call.query.get("folder_id", "")
        folder = self.store.by_id(identifier) if identifier else self.store.find(call.query.get("folder", ""))
        if user is None or folder is None:
            raise refuse(404, "There is no such user or folder")
        if not self.store.visible(caller, folder) or (user is not caller and caller.kind != "admin"):
            raise refuse(403, DENIED)
        return json_answer({"permission": self.store.level(user, folder)})


def _real(found: dict[str, str]) -> dict[str, str]:
    return {name: level for name, level in found.items() if level != "None"}


def _truth(told: Any) -> bool | None:
    """A yes or no, which some clients write as text."""
    return told if told is None or isinstance(told, bool) else str(told).lower() == "true"
