"""Box's collaborations: who may use a folder or file, and as what."""

from typing import Any, Literal

from haulage.sandbox.box.desk import API, Desk
from haulage.sandbox.box.errors import inner, refuse, wrong
from haulage.sandbox.box.model import Collaboration, Item
from haulage.sandbox.box.shapes import INVITED_AS
from haulage.sandbox.box.texts import read_date
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer


class Collaborations(Desk):
    """Source: developer.box.com/reference/resources/collaboration."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        one, source = "/2.0/collaborations/{id}", "collaboration"
        files, folders = "/2.0/files/{file}/collaborations", "/2.0/folders/{folder}/collaborations"
        groups = "/2.0/groups/{group}/collaborations"
        return [
            Route("GET", API, files, "get_files_id_collaborations", source, self.of_item),
            Route("GET", API, folders, "get_folders_id_collaborations", source, self.of_item),
            Route("GET", API, groups, "get_groups_id_collaborations", source, self.of_group),
            Route("GET", API, "/2.0/collaborations", "get_collaborations", source, self.pending),
            Route("POST", API, "/2.0/collaborations", "post_collaborations", source, self.create),
            Route("GET", API, one, "get_collaborations_id", source, self.get),
            Route("PUT", API, one, "put_collaborations_id", source, self.change),
            Route("DELETE", API, one, "delete_collaborations_id", source, self.delete),
        ]

    def of_item(self, call: Call) -> Answer:
        """Those on an item and on the folders above it, with those who have not answered yet."""
        kind = "file" if "file" in call.params else "folder"
        item = self.item(call, call.params.get("file") or call.params["folder"], kind)
        limit, marker = self.limit(call), call.query.get("marker", "")
        found = sorted(self.store.shares_along(item), key=lambda one: int(one.id))
        if marker and not marker.isdigit():
            raise wrong(call, "marker", "is no marker of this list")
        found = [one for one in found if int(one.id) > int(marker or 0)]
        page = found[:limit]
        following = page[-1].id if len(found) > limit else None
        entries = [self.shapes.collaboration(one, call) for one in page]
        return json_answer({"limit": limit, "next_marker": following, "entries": entries})

    def of_group(self, call: Call) -> Answer:
        """Those that a group has."""
        self.store.ensure_all()
        found = [self.store.state.collaborations[one] for one in self.store.shared_with.get(call.params["group"], ())]
        return self._by_offset(call, found)

    def pending(self, call: Call) -> Answer:
        """Those that wait for the caller's answer: `status=pending`."""
        if call.query.get("status") != "pending":
            raise wrong(call, "status", "must be pending")
        self.store.ensure_all()
        mine = self.store.shared_with.get(self.user(call), ())
        found = [self.store.state.collaborations[one] for one in mine]
        return self._by_offset(call, [one for one in found if one.status == "pending"])

    def _by_offset(self, call: Call, found: list[Collaboration]) -> Answer:
        limit, offset = self.limit(call), self.offset(call)
        entries = [self.shapes.collaboration(one, call) for one in found[offset : offset + limit]]
        return json_answer({"total_count": len(found), "entries": entries, "offset": offset, "limit": limit})

    def _one(self, call: Call) -> tuple[Collaboration, Item]:
        self.store.ensure_all()
        found = self.store.state.collaborations.get(call.params["id"])
        if found is None:
            raise refuse(call, 404, "not_found")
        item = self.store.state.items[found.item]
        if not self.store.role(self.user(call), item) and found.who != self.user(call):
            raise refuse(call, 404, "not_found")
        return found, item

    def get(self, call: Call) -> Answer:
        """One collaboration."""
        return json_answer(self.shapes.collaboration(self._one(call)[0], call))

    async def create(self, call: Call) -> Answer:
        """Invite a user, by id or address, or a group. No mail is sent by a sandbox, whatever `notify` says."""
        document = await self.document(call)
        told, who = inner(call, document, "item"), inner(call, document, "accessible_by")
        kind = told.get("type")
        if kind not in ("file", "folder"):
            raise wrong(call, "item.type", "is none of file, folder")
        item = self.item(call, str(told.get("id", "")), kind, may="share")
        if not item.parent:
            raise refuse(call, 400, "collaborations_not_available_on_root_folder")
        role = document.get("role")
        if role not in INVITED_AS:
            raise wrong(call, "role", f"is none of {', '.join(INVITED_AS)}")
        made = self._made(call, item, who, str(role))
        made.can_view_path = bool(document.get("can_view_path"))
        if document.get("expires_at"):
            made.expires_at = read_date(call, document["expires_at"], "expires_at")
        self.store.add_collaboration(made)
        accepted = "COLLAB_ADD_COLLABORATOR" if made.status == "accepted" else "COLLAB_INVITE_COLLABORATOR"
        self.changed(call, item, "permission", accepted)
        return json_answer(self.shapes.collaboration(made, call), 201)

    def _made(self, call: Call, item: Item, who: dict[str, Any], role: str) -> Collaboration:
        """The collaboration that is asked for. Raises Refusal."""
        kind: Literal["user", "group"] = "group" if who.get("type") == "group" else "user"
        state, now = self.store.state, self.world.clock.now()
        login, wanted = str(who.get("login") or ""), str(who.get("id") or "")
        if login:
            found = next((one.id for one in state.users.values() if one.login == login.lower()), "")
        else:
            found = wanted if wanted in (state.groups if kind == "group" else state.users) else ""
        if not found and not login:
            raise refuse(call, 404, "not_found")
        along = [one for one in self.store.shares_along(item) if found and one.who == found]
        if found == item.owner or any(one.item == item.id for one in along):
            raise refuse(call, 400, "user_already_collaborator")
        made = Collaboration(
            self.store.new_id(), item.id, kind, found, role, self.user(call), now, now
        )  # fmt: skip
        if not found or (kind == "user" and state.users[found].external):
            made.status, made.invite_email = "pending", login or state.users[found].login
        return made

    async def change(self, call: Call) -> Answer:
        """Another role, or the answer of who was invited; `owner` gives the item away: 204."""
        document = await self.document(call)
        one, item = self._one(call)
        if document.get("status"):
            if one.who != self.user(call) or document["status"] not in ("accepted", "rejected", "pending"):
                raise refuse(call, 403, "access_denied_insufficient_permissions")
            self.store.drop_collaboration(one)
            one.status = document["status"]
            self.store.add_collaboration(one)
        if (role := document.get("role")) == "owner":
            return self._give_away(call, one, item)
        if role:
            if self.store.role(self.user(call), item) not in ("owner", "co-owner", "editor") or role not in INVITED_AS:
                raise refuse(call, 403, "access_denied_insufficient_permissions")
            one.role = role
        if document.get("expires_at"):
            one.expires_at = read_date(call, document["expires_at"], "expires_at")
        one.modified_at = self.world.clock.now()
        self.changed(call, item, "permission", "COLLAB_ROLE_CHANGE")
        return json_answer(self.shapes.collaboration(one, call))

    def _give_away(self, call: Call, one: Collaboration, item: Item) -> Answer:
        """The collaborator becomes the owner; who was it, a co-owner."""
        if item.owner != self.user(call) or one.kind != "user" or one.status != "accepted":
            raise refuse(call, 403, "access_denied_insufficient_permissions")
        former, root, now = item.owner, self.store.root(one.who), self.world.clock.now()
        if self.store.child(root, item.name) is not None:
            raise refuse(call, 409, "item_name_in_use")
        self.store.take_out(item)
        self.store.drop_collaboration(one)
        for below in self.store.within(item):
            self.store.charge(below.owner, -below.content.size)
            self.store.charge(one.who, below.content.size)
            below.owner = one.who
        item.parent = root.id
        self.store.put(item)
        made = Collaboration(self.store.new_id(), item.id, "user", former, "co-owner", one.who, now, now)
        self.store.add_collaboration(made)
        self.changed(call, item, "permission", "COLLAB_ROLE_CHANGE")
        return Answer(204)

    def delete(self, call: Call) -> Answer:
        """Take it back, or leave."""
        one, item = self._one(call)
        if one.who != self.user(call) and self.store.role(self.user(call), item) not in ("owner", "co-owner", "editor"):
            raise refuse(call, 403, "access_denied_insufficient_permissions")
        self.changed(call, item, "permission", "COLLAB_REMOVE_COLLABORATOR")
        self.store.drop_collaboration(one)
        return Answer(204)
