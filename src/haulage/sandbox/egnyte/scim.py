"""Egnyte's users and groups, in SCIM's way."""

import re
from typing import Any

from haulage.sandbox.egnyte.desk import Desk, whole
from haulage.sandbox.egnyte.people import HOST, Group, User
from haulage.sandbox.egnyte.wire import scim
from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

LARGEST_COUNT = 100
CREATED = 1_420_070_400.0
CLAUSE = re.compile(r'\[?"?(\w+)\s+(eq|sw|co)\s+"([^"]*)"', re.IGNORECASE)
KINDS = ("admin", "power", "standard")


class People(Desk):
    """/pubapi/v2/users and /pubapi/v2/groups, for administrators."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        users, groups = "/pubapi/v2/users", "/pubapi/v2/groups"
        may, also = "Egnyte.user", "Egnyte.group"
        return [
            Route("GET", HOST, users, "list users", "users", self.users, may),
            Route("POST", HOST, users, "create user", "users", self.create_user, may),
            Route("GET", HOST, f"{users}/{{id}}", "get user", "users", self.one_user, may),
            Route("PATCH", HOST, f"{users}/{{id}}", "update user", "users", self.update_user, may),
            Route("DELETE", HOST, f"{users}/{{id}}", "delete user", "users", self.delete_user, may),
            Route("GET", HOST, groups, "list groups", "groups", self.groups, also),
            Route("POST", HOST, groups, "create group", "groups", self.create_group, also),
            Route("GET", HOST, f"{groups}/{{id}}", "get group", "groups", self.one_group, also),
            Route("PUT", HOST, f"{groups}/{{id}}", "replace group", "groups", self.replace_group, also),
            Route("PATCH", HOST, f"{groups}/{{id}}", "update group", "groups", self.update_group, also),
            Route("DELETE", HOST, f"{groups}/{{id}}", "delete group", "groups", self.delete_group, also),
        ]

    def _admin(self, call: Call) -> None:
        if self.user(call).kind != "admin":
            raise scim(403, "Only administrators can do this")

    def _page(self, call: Call, found: list[dict[str, Any]]) -> Answer:
        """startIndex counts from 1; a page has at most 100."""
        start = max(whole(call, "startIndex", 1), 1)
        count = min(whole(call, "count", LARGEST_COUNT), LARGEST_COUNT)
        page = found[start - 1 : start - 1 + count]
        told = {"totalResults": len(found), "itemsPerPage": len(page), "startIndex": start}
        return json_answer({**told, "resources": page})

    def _filtered(self, call: Call, found: list[dict[str, Any]], *fields: str) -> list[dict[str, Any]]:
        told = call.query.get("filter", "")
        if not told:
            return found
        clause = CLAUSE.match(told)
        if clause is None or clause.group(1) not in fields:
            raise scim(400, f"The filter {told!r} is not supported")
        name, how, text = clause.group(1), clause.group(2).lower(), clause.group(3).lower()

        def fits(one: dict[str, Any]) -> bool:
            value = str(one.get(name) or "").lower()
            return {"eq": value == text, "sw": value.startswith(text), "co": text in value}[how]

        return [one for one in found if fits(one)]

    def _user(self, user: User, *, whole_: bool = False) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": user.id,
            "userName": user.name,
            "externalId": user.external_id or None,
            "email": user.email,
            "name": {"givenName": user.given, "familyName": user.family, "formatted": user.full_name},
            "active": user.active,
            "locked": False,
            "createdDate": rfc3339(CREATED),
            "lastActiveDate": None,
            "expiryDate": None,
            "deleteOnExpiry": False,
            "authType": "egnyte",
            "userType": user.kind,
            "role": None,
            "idpUserId": None,
        }
        if whole_:
            groups = self.service.directory.groups.values()
            told["groups"] = [{"displayName": one.name, "value": one.id} for one in groups if user.id in one.members]
        return told

    def users(self, call: Call) -> Answer:
        """A page of the users."""
        self._admin(call)
        found = [self._user(one) for one in self.service.directory.users.values()]
        return self._page(call, self._filtered(call, found, "userName", "email", "externalId"))

    def _found_user(self, call: Call) -> User:
        self._admin(call)
        identifier = call.params["id"]
        found = self.service.directory.users.get(int(identifier)) if identifier.isdigit() else None
        if found is None:
            raise scim(404, f"User {identifier} not found.")
        return found

    def one_user(self, call: Call) -> Answer:
        """One user, with its groups."""
        return json_answer(self._user(self._found_user(call), whole_=True))

    async def create_user(self, call: Call) -> Answer:
        """A new user, with a folder of its own."""
        self._admin(call)
        told, directory = await self.document(call), self.service.directory
        name, email = str(told.get("userName", "")), str(told.get("email", ""))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or "@" not in email:
            raise scim(400, "userName or email is invalid")
        if directory.user(name) is not None or directory.user(email) is not None:
            raise scim(409, "The user exists already")
        names, kind = told.get("name") or {}, str(told.get("userType", "power"))
        if kind not in KINDS:
            raise scim(400, "userType is invalid")
        made = User(
            max(directory.users) + 1, name, email, str(names.get("givenName", "")), str(names.get("familyName", "")),
            kind, bool(told.get("active", True)), external_id=str(told.get("externalId") or ""),
        )  # fmt: skip
        directory.users[made.id] = made
        self.service.own_folder(made)
        call.event.changes.append(Change("account", str(made.id)))
        return json_answer(self._user(made), 201)

    async def update_user(self, call: Call) -> Answer:
        """Change what is named."""
        user, told = self._found_user(call), await self.document(call)
        names = told.get("name") or {}
        user.email = str(told.get("email", user.email))
        user.given = str(names.get("givenName", user.given))
        user.family = str(names.get("familyName", user.family))
        user.kind = str(told.get("userType", user.kind))
        if "active" in told:
            user.active = str(told["active"]).lower() == "true"
        call.event.changes.append(Change("account", str(user.id)))
        return json_answer(self._user(user))

    def delete_user(self, call: Call) -> Answer:
        """Take a user away."""
        user = self._found_user(call)
        del self.service.directory.users[user.id]
        for group in self.service.directory.groups.values():
            group.members = [one for one in group.members if one != user.id]
        call.event.changes.append(Change("account", str(user.id)))
        return Answer(200)

    def _group(self, group: Group, *, members: bool) -> dict[str, Any]:
        told: dict[str, Any] = {"id": group.id, "displayName": group.name}
        if members:
            users = self.service.directory.users
            told["members"] = [
                {"username": users[one].name, "value": one, "display": users[one].full_name} for one in group.members
            ]
        return told

    def groups(self, call: Call) -> Answer:
        """A page of the groups, without members."""
        self._admin(call)
        found = [self._group(one, members=False) for one in self.service.directory.groups.values()]
        return self._page(call, self._filtered(call, found, "displayName"))

    def _found_group(self, call: Call) -> Group:
        self._admin(call)
        found = self.service.directory.groups.get(call.params["id"])
        if found is None:
            raise scim(404, f"Group {call.params['id']} not found.")
        return found

    def one_group(self, call: Call) -> Answer:
        """One group with its members."""
        return json_answer(self._group(self._found_group(call), members=True))

    def _members(self, told: Any) -> list[int]:
        found = [int(one.get("value", 0)) for one in told or () if isinstance(one, dict)]
        for one in found:
            if one not in self.service.directory.users:
                raise scim(404, f"User {one} not found.")
        return found

    def _name(self, told: dict[str, Any], group: Group | None) -> str:
        name = str(told.get("displayName", group.name if group else ""))
        if not name:
            raise scim(400, "displayName is missing")
        if any(one.name == name and one is not group for one in self.service.directory.groups.values()):
            raise scim(409, "The group exists already")
        return name

    async def create_group(self, call: Call) -> Answer:
        """A new group."""
        self._admin(call)
        told = await self.document(call)
        made = Group(self.store.new_id("group"), self._name(told, None), self._members(told.get("members")))
        self.service.directory.groups[made.id] = made
        call.event.changes.append(Change("account", made.id))
        return json_answer(self._group(made, members=True), 201)

    async def replace_group(self, call: Call) -> Answer:
        """Name and members, all of them."""
        group, told = self._found_group(call), await self.document(call)
        group.name, group.members = self._name(told, group), self._members(told.get("members"))
        call.event.changes.append(Change("account", group.id))
        return json_answer(self._group(group, members=True))

    async def update_group(self, call: Call) -> Answer:
        """The name, and members to add, or (operation delete) to take out."""
        group, told = self._found_group(call), await self.document(call)
        group.name = self._name(told, group)
        out = {
            int(one.get("value", 0))
            for one in told.get("members") or ()
            if isinstance(one, dict) and one.get("operation") == "delete"
        }
        added = [one for one in self._members(told.get("members")) if one not in out]
        group.members = [one for one in dict.fromkeys((*group.members, *added)) if one not in out]
        call.event.changes.append(Change("account", group.id))
        return json_answer(self._group(group, members=True))

    def delete_group(self, call: Call) -> Answer:
        """Take a group away."""
        group = self._found_group(call)
        del self.service.directory.groups[group.id]
        call.event.changes.append(Change("account", group.id))
        return Answer(200)
