"""Dropbox's team folders and namespaces, and the room that accounts have."""

from typing import Any

from haulage.sandbox.dropbox.desk import Desk
from haulage.sandbox.dropbox.model import Namespace
from haulage.sandbox.dropbox.wire import Arg, Nothing, bad_input, failure, route, tagged
from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call

TEAM_ALLOCATED = 50 << 40


class Limit(Arg):
    """TeamFolderListArg, TeamNamespacesListArg."""

    limit: int = 1000


class Continue(Arg):
    """A cursor."""

    cursor: str


class Create(Arg):
    """TeamFolderCreateArg."""

    name: str
    sync_setting: Any = None


class FolderId(Arg):
    """TeamFolderIdArg."""

    team_folder_id: str
    force_async_off: bool = False


class Rename(Arg):
    """TeamFolderRenameArg."""

    team_folder_id: str
    name: str


class TeamFolders(Desk):
    """Sources: dropbox.com/developers/documentation/http/teams#team-team_folder-list, team-namespaces-list."""

    def routes(self) -> list[Route]:
        """The routes; they take a team's token, but for the room of an account."""
        read, write = "team_data.content.read", "team_data.content.write"
        folder, spaces = "team/team_folder", "team/namespaces/list"
        space, source, data = "users/get_space_usage", "team-folder", "team_data.member"
        return [
            route(space, "space-usage", Nothing, self.space_usage, "account_info.read"),
            route(f"{folder}/list", source, Limit, self.folders, read, auth="team"),
            route(f"{folder}/list/continue", source, Continue, self.more_folders, read, auth="team"),
            route(f"{folder}/create", source, Create, self.create, write, auth="team"),
            route(f"{folder}/rename", source, Rename, self.rename, write, auth="team"),
            route(f"{folder}/archive", source, FolderId, self.archive, write, auth="team"),
            route(f"{folder}/activate", source, FolderId, self.activate, write, auth="team"),
            route(spaces, "namespaces", Limit, self.namespaces, data, auth="team"),
            route(f"{spaces}/continue", "namespaces", Continue, self.more_namespaces, data, auth="team"),
        ]

    def space_usage(self, call: Call, arg: Nothing) -> Any:
        """How much room the account has, and uses."""
        self.store.grow()
        person, spaces = self.person(call), self.store.state.namespaces
        used = sum(one.used for one in spaces.values() if one.owner == person.account and one.kind != "team")
        if not person.member:
            return {"used": used, "allocation": tagged("individual", allocated=person.allocated)}
        everybody = {one.account for one in self.store.state.people.values() if one.member}
        whole = sum(one.used for one in spaces.values() if one.kind == "team" or one.owner in everybody)
        allocation = tagged(
            "team", used=whole, allocated=TEAM_ALLOCATED, user_within_team_space_allocated=person.allocated,
            user_within_team_space_limit_type=tagged("off"), user_within_team_space_used_cached=used,
        )  # fmt: skip
        return {"used": used, "allocation": allocation}

    def _pages(self, call: Call, cursor: str, word: str) -> tuple[int, int]:
        """Where a page begins, and how long it is. Raises Refusal."""
        parts = cursor.split(":")
        if len(parts) != 3 or parts[0] != word or not (parts[1] + parts[2]).isdigit():
            raise failure(call, tagged("invalid_cursor"))
        return int(parts[1]), int(parts[2])

    def _limited(self, call: Call, limit: int) -> int:
        if not 1 <= limit <= 1000:
            raise bad_input(call, "request body", f"limit: {limit} is not within range [1, 1000]")
        return limit

    def _shape(self, ns: Namespace) -> dict[str, Any]:
        return {
            "team_folder_id": ns.id,
            "name": ns.name,
            "status": tagged(ns.status),
            "is_team_shared_dropbox": False,
            "sync_setting": tagged("default"),
            "content_sync_settings": [],
        }

    def _folders(self, start: int, limit: int) -> dict[str, Any]:
        self.store.grow()
        found = [one for one in self.store.state.namespaces.values() if one.kind == "team"]
        shown = [self._shape(one) for one in found[start : start + limit]]
        return {
            "team_folders": shown, "cursor": f"folders:{start + limit}:{limit}", "has_more": start + limit < len(found)
        }  # fmt: skip

    def folders(self, call: Call, arg: Limit) -> Any:
        """The team folders."""
        return self._folders(0, self._limited(call, arg.limit))

    def more_folders(self, call: Call, arg: Continue) -> Any:
        """The next page."""
        return self._folders(*self._pages(call, arg.cursor, "folders"))

    def _one(self, call: Call, ns: str) -> Namespace:
        self.store.grow()
        found = self.store.state.namespaces.get(ns)
        if found is None or found.kind != "team":
            raise failure(call, {".tag": "access_error", "access_error": tagged("invalid_team_folder_id")})
        return found

    def create(self, call: Call, arg: Create) -> Any:
        """A new team folder; its only member is the admin who is signed in."""
        self.store.grow()
        spaces = self.store.state.namespaces
        if any(one.kind == "team" and one.name.lower() == arg.name.lower() for one in spaces.values()):
            raise failure(call, tagged("folder_name_already_used"))
        if not arg.name or "/" in arg.name:
            raise failure(call, tagged("invalid_folder_name"))
        made = self.store.new_team_folder(arg.name)
        call.event.changes.append(Change("create", made.id, made.id, f"/{made.name}"))
        return self._shape(made)

    def rename(self, call: Call, arg: Rename) -> Any:
        """Another name for a team folder."""
        found = self._one(call, arg.team_folder_id)
        found.name = arg.name
        self.store.rename_mounts(found)
        call.event.changes.append(Change("rename", found.id, found.id, f"/{found.name}"))
        return self._shape(found)

    def archive(self, call: Call, arg: FolderId) -> Any:
        """Put a team folder away."""
        found = self._one(call, arg.team_folder_id)
        found.status = "archived"
        call.event.changes.append(Change("metadata", found.id, found.id, f"/{found.name}"))
        return tagged("complete", **self._shape(found))

    def activate(self, call: Call, arg: FolderId) -> Any:
        """Take a team folder back."""
        found = self._one(call, arg.team_folder_id)
        found.status = "active"
        call.event.changes.append(Change("metadata", found.id, found.id, f"/{found.name}"))
        return self._shape(found)

    def _namespaces(self, start: int, limit: int) -> dict[str, Any]:
        self.store.grow()
        words = {"home": "team_member_folder", "shared": "shared_folder", "team": "team_folder"}
        people = self.store.state.people
        found = []
        for one in self.store.state.namespaces.values():
            owner = people.get(one.owner)
            if one.kind == "home" and not (owner and owner.member):
                continue
            made = {"name": one.name, "namespace_id": one.id, "namespace_type": tagged(words[one.kind])}
            if one.kind == "home" and owner:
                made["team_member_id"] = owner.member
            found.append(made)
        root = {"name": "Root", "namespace_id": self.store.team_root, "namespace_type": tagged("team_member_root")}
        found.insert(0, root)
        page = found[start : start + limit]
        more = start + limit < len(found)
        return {"namespaces": page, "cursor": f"spaces:{start + limit}:{limit}", "has_more": more}

    def namespaces(self, call: Call, arg: Limit) -> Any:
        """Every namespace of the team."""
        return self._namespaces(0, self._limited(call, arg.limit))

    def more_namespaces(self, call: Call, arg: Continue) -> Any:
        """The next page."""
        return self._namespaces(*self._pages(call, arg.cursor, "spaces"))
