"""Box's enterprise: its users and groups."""

from typing import Any

from haulage.sandbox.box.desk import API, Desk, paged
from haulage.sandbox.box.errors import inner, refuse, wrong
from haulage.sandbox.box.model import GroupRecord, UserRecord
from haulage.sandbox.box.texts import dated
from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer


class Directory(Desk):
    """Sources: developer.box.com/reference/resources/user, group, group-membership."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        user, group = "/2.0/users/{user}", "/2.0/groups/{group}"
        member, source, managing = "/2.0/group_memberships", "group-membership", "manage_groups"
        return [
            Route("GET", API, "/2.0/users/me", "get_users_me", "user", self.me),
            Route("GET", API, "/2.0/users", "get_users", "user", self.users, "manage_managed_users"),
            Route("GET", API, user, "get_users_id", "user", self.one_user, "manage_managed_users"),
            Route("GET", API, f"{user}/memberships", "get_users_id_memberships", source, self.of_user),
            Route("GET", API, "/2.0/groups", "get_groups", "group", self.groups, managing),
            Route("POST", API, "/2.0/groups", "post_groups", "group", self.create, managing),
            Route("GET", API, group, "get_groups_id", "group", self.one_group, managing),
            Route("DELETE", API, group, "delete_groups_id", "group", self.delete, managing),
            Route("GET", API, f"{group}/memberships", "get_groups_id_memberships", source, self.of_group),
            Route("POST", API, member, "post_group_memberships", source, self.join, managing),
            Route("DELETE", API, f"{member}/{{id}}", "delete_group_memberships_id", source, self.leave, managing),
        ]

    def _admin(self, call: Call) -> None:
        if self.record(call).role not in ("admin", "coadmin"):
            raise refuse(call, 403, "access_denied_insufficient_permissions")

    def me(self, call: Call) -> Answer:
        """Who the call acts for."""
        self.store.ensure(self.user(call))
        return json_answer(self.shapes.user(self.record(call), self.fields(call)))

    def users(self, call: Call) -> Answer:
        """A page of the enterprise's users; those of others only by their whole address."""
        self._admin(call)
        term, kind = call.query.get("filter_term", "").lower(), call.query.get("user_type", "managed") or "managed"
        if kind not in ("all", "managed", "external"):
            raise wrong(call, "user_type", "is none of all, managed, external")
        found = [one for one in self.store.state.users.values() if _listed(one, term, kind)]
        limit = self.limit(call)
        if call.query.get("usemarker", "").lower() == "true":
            marker = call.query.get("marker", "") or "0"
            if not marker.isdigit():
                raise wrong(call, "marker", "is no marker of this list")
            page = found[int(marker) : int(marker) + limit]
            more = int(marker) + limit < len(found)
            entries = [self.shapes.user(one, self.fields(call)) for one in page]
            following = {"next_marker": str(int(marker) + limit)} if more else {}
            return json_answer({"limit": limit, "entries": entries, **following})
        offset = self.offset(call)
        entries = [self.shapes.user(one, self.fields(call)) for one in found[offset : offset + limit]]
        return json_answer(paged(entries, len(found), offset, limit))

    def one_user(self, call: Call) -> Answer:
        """One user, to admins and to the user."""
        if call.params["user"] != self.user(call):
            self._admin(call)
        found = self.store.state.users.get(call.params["user"])
        if found is None:
            raise refuse(call, 404, "not_found")
        self.store.ensure(found.id)
        return json_answer(self.shapes.user(found, self.fields(call)))

    def groups(self, call: Call) -> Answer:
        """A page of the groups."""
        term = call.query.get("filter_term", "").lower()
        found = [one for one in self.store.state.groups.values() if one.name.lower().startswith(term)]
        limit, offset = self.limit(call), self.offset(call)
        entries = [self._group(one) for one in found[offset : offset + limit]]
        return json_answer(paged(entries, len(found), offset, limit))

    def _group(self, one: GroupRecord) -> dict[str, Any]:
        return {
            **self.shapes.group_mini(one),
            "created_at": dated(one.created_at),
            "modified_at": dated(one.modified_at),
        }

    def _found(self, call: Call, group: str) -> GroupRecord:
        found = self.store.state.groups.get(group)
        if found is None:
            raise refuse(call, 404, "not_found")
        return found

    def one_group(self, call: Call) -> Answer:
        """One group."""
        return json_answer(self._group(self._found(call, call.params["group"])))

    async def create(self, call: Call) -> Answer:
        """A new group."""
        self._admin(call)
        name = str((await self.document(call)).get("name") or "").strip()
        if not name:
            raise wrong(call, "name", "is missing")
        if any(one.name.lower() == name.lower() for one in self.store.state.groups.values()):
            raise refuse(call, 409, "conflict", "A group with this name already exists")
        now = self.world.clock.now()
        made = GroupRecord(self.store.new_id(), name, created_at=now, modified_at=now)
        self.store.state.groups[made.id] = made
        call.event.changes.append(Change("account", made.id))
        return json_answer(self._group(made), 201)

    def delete(self, call: Call) -> Answer:
        """Delete a group; what it shared in is no more shared with its members."""
        self._admin(call)
        found = self._found(call, call.params["group"])
        self.store.ensure_all()
        for one in list(self.store.shared_with.get(found.id, ())):
            self.store.drop_collaboration(self.store.state.collaborations[one])
        del self.store.state.groups[found.id]
        self.store.groups_changed()
        call.event.changes.append(Change("account", found.id))
        return Answer(204)

    def _membership(self, group: GroupRecord, user: str) -> dict[str, Any]:
        return {
            "type": "group_membership",
            "id": group.members[user],
            "user": self.shapes.user_mini(user),
            "group": self.shapes.group_mini(group),
            "role": group.roles.get(user, "member"),
            "created_at": dated(group.created_at),
            "modified_at": dated(group.modified_at),
        }

    def of_group(self, call: Call) -> Answer:
        """The memberships of a group."""
        group = self._found(call, call.params["group"])
        return self._memberships(call, [(group, user) for user in group.members])

    def of_user(self, call: Call) -> Answer:
        """The memberships of a user."""
        user = call.params["user"]
        if user != self.user(call):
            self._admin(call)
        return self._memberships(call, [(one, user) for one in self.store.state.groups.values() if user in one.members])

    def _memberships(self, call: Call, found: list[tuple[GroupRecord, str]]) -> Answer:
        limit, offset = self.limit(call), self.offset(call)
        entries = [self._membership(group, user) for group, user in found[offset : offset + limit]]
        return json_answer(paged(entries, len(found), offset, limit))

    async def join(self, call: Call) -> Answer:
        """Make a user a member of a group."""
        self._admin(call)
        document = await self.document(call)
        group = self._found(call, str(inner(call, document, "group").get("id", "")))
        user = str(inner(call, document, "user").get("id", ""))
        if user not in self.store.state.users:
            raise refuse(call, 404, "not_found")
        if user in group.members:
            raise refuse(call, 409, "conflict", "The user is a member of the group already")
        group.members[user] = self.store.new_id()
        group.roles[user] = str(document.get("role") or "member")
        self.store.groups_changed()
        call.event.changes.append(Change("account", group.id))
        return json_answer(self._membership(group, user), 201)

    def leave(self, call: Call) -> Answer:
        """End a membership."""
        self._admin(call)
        for group in self.store.state.groups.values():
            for user, membership in list(group.members.items()):
                if membership == call.params["id"]:
                    del group.members[user]
                    self.store.groups_changed()
                    call.event.changes.append(Change("account", group.id))
                    return Answer(204)
        raise refuse(call, 404, "not_found")


def _listed(one: UserRecord, term: str, kind: str) -> bool:
    if one.external:
        return kind != "managed" and bool(term) and one.login == term
    return kind != "external" and (one.name.lower().startswith(term) or one.login.startswith(term))
