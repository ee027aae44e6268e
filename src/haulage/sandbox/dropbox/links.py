"""Dropbox's shared links, and files that are shared by themselves."""

from typing import Any

from haulage.sandbox.dropbox.desk import View
from haulage.sandbox.dropbox.model import Entry
from haulage.sandbox.dropbox.shapes import lowered
from haulage.sandbox.dropbox.sharing import Continue, SharingDesk
from haulage.sandbox.dropbox.texts import dated
from haulage.sandbox.dropbox.wire import READABLE, Arg, check_path, failure, nested, route, tag_of, tagged
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call

AUDIENCES = {"public": "public", "team": "team", "no_one": "no_one", "members": "members", "password": "public"}


class CreateLink(Arg):
    """CreateSharedLinkWithSettingsArg."""

    path: str
    settings: dict[str, Any] | None = None


class ListLinks(Arg):
    """ListSharedLinksArg."""

    path: str | None = None
    cursor: str | None = None
    direct_only: bool | None = None


class LinkMetadata(Arg):
    """GetSharedLinkMetadataArg."""

    url: str
    path: str | None = None
    link_password: str | None = None


class Url(Arg):
    """RevokeSharedLinkArg."""

    url: str


class ListFileMembers(Arg):
    """ListFileMembersArg."""

    file: str
    actions: list[Any] | None = None
    include_inherited: bool = True
    limit: int = 100


class AddFileMembers(Arg):
    """AddFileMemberArgs."""

    file: str
    members: list[dict[str, Any]]
    custom_message: str | None = None
    quiet: bool = False
    access_level: Any = "viewer"
    add_message_as_comment: bool = False


class ReceivedFiles(Arg):
    """ListFilesArg."""

    limit: int = 100
    actions: list[Any] | None = None


class Links(SharingDesk):
    """Source: dropbox.com/developers/documentation/http/documentation#sharing-create_shared_link_with_settings."""

    def routes(self) -> list[Route]:
        """The routes."""
        read, write, name, source = "sharing.read", "sharing.write", "sharing", "shared-links"
        members, create = f"{name}/list_file_members", f"{name}/create_shared_link_with_settings"
        received = f"{name}/list_received_files"
        return [
            route(create, source, CreateLink, self.create, write),
            route(f"{name}/list_shared_links", source, ListLinks, self.links, read),
            route(f"{name}/get_shared_link_metadata", source, LinkMetadata, self.metadata, read),
            route(f"{name}/revoke_shared_link", source, Url, self.revoke, write),
            route(members, "file-members", ListFileMembers, self.file_members, read),
            route(f"{members}/continue", "file-members", Continue, self.more_file_members, read),
            route(f"{name}/add_file_member", "file-members", AddFileMembers, self.add_file_member, write),
            route(received, "received-files", ReceivedFiles, self.received_files, read),
            route(f"{received}/continue", "received-files", Continue, self.more_received, read),
        ]

    def _url(self, entry: Entry) -> str:
        word = "fo" if entry.folder else "fi"
        return f"https://www.dropbox.com/scl/{word}/{entry.more().link}/{entry.name or entry.id}?dl=0"

    def shape(self, view: View, entry: Entry) -> dict[str, Any]:
        """SharedLinkMetadata, with its `.tag`."""
        extra, audience = entry.more(), AUDIENCES.get(entry.more().link_audience, "public")
        path = self.place(view, entry)
        permissions = {
            "can_revoke": True, "resolved_visibility": tagged("public" if audience == "public" else "team_only"),
            "requested_visibility": tagged("public" if audience == "public" else "team_only"),
            "effective_audience": tagged(audience), "link_access_level": tagged("viewer"), "visibility_policies": [],
            "can_set_expiry": True, "can_remove_expiry": True, "allow_download": True, "can_allow_download": True,
            "can_disallow_download": True, "allow_comments": True, "team_restricts_comments": False,
        }  # fmt: skip
        made: dict[str, Any] = {
            ".tag": "folder" if entry.folder else "file",
            "url": self._url(entry),
            "id": self.store.inside(entry).id,
            "name": entry.name,
            "link_permissions": permissions,
        }
        if path is not None:
            made["path_lower"] = lowered(path)
        if not entry.folder:
            made |= {
                "client_modified": dated(entry.client_modified), "server_modified": dated(entry.server_modified),
                "rev": entry.rev, "size": entry.content.size,
            }  # fmt: skip
        return made if extra.link else {}

    def create(self, call: Call, arg: CreateLink) -> Any:
        """A link to a file or folder; there is one for each."""
        check_path(call, arg.path, form=READABLE)
        view = self.view(call)
        entry = self.existing(call, view, arg.path)
        if entry.id == view.root.id:
            raise failure(call, nested("path", "malformed_path"))
        extra = entry.more()
        if extra.link:
            there = tagged("metadata", metadata=self.shape(view, entry))
            raise failure(call, tagged("shared_link_already_exists", shared_link_already_exists=there))
        settings = arg.settings or {}
        audience = tag_of(settings.get("audience")) or tag_of(settings.get("requested_visibility")) or "public"
        extra.link = self.world.ids.hex("dropbox", "link", entry.id, call.event.number, count=15)
        extra.link_audience = "team" if audience == "team_only" else audience
        self.store.state.links[extra.link] = entry.id
        self.note(call, entry, "permission")
        return self.shape(view, entry)

    def links(self, call: Call, arg: ListLinks) -> Any:
        """The links of the caller; with a path those to it, and unless direct_only to the folders above."""
        view = self.view(call)
        wanted: set[str] | None = None
        if arg.path:
            check_path(call, arg.path, form=READABLE)
            entry = self.existing(call, view, arg.path)
            wanted = {entry.id}
            if not arg.direct_only:
                wanted |= {one.id for one in self.store.above(entry)}
        found = []
        for one in self.store.state.links.values():
            linked = self.store.state.entries.get(one)
            if linked is None or (wanted is not None and one not in wanted) or not self.store.lives(linked):
                continue
            if linked.extra and linked.extra.link and self.place(view, linked) is not None:
                found.append(self.shape(view, linked))
        return {"links": found, "has_more": False}

    def _linked(self, call: Call, url: str) -> Entry:
        parts = url.split("?")[0].split("/")
        key = parts[5] if len(parts) > 5 else ""
        self.store.grow()
        entry = self.store.state.entries.get(self.store.state.links.get(key, ""))
        if entry is None or not entry.extra or entry.extra.link != key or not self.store.lives(entry):
            raise failure(call, tagged("shared_link_not_found"))
        return entry

    def metadata(self, call: Call, arg: LinkMetadata) -> Any:
        """What a link leads to."""
        return self.shape(self.view(call), self._linked(call, arg.url))

    def revoke(self, call: Call, arg: Url) -> Any:
        """End a link."""
        entry = self._linked(call, arg.url)
        if not self.sees(call, entry):
            raise failure(call, tagged("shared_link_access_denied"))
        self.store.state.links.pop(entry.more().link, None)
        entry.more().link = ""
        self.note(call, entry, "permission")
        return None

    # Files that are shared by themselves

    def _file(self, call: Call, file: str) -> Entry:
        check_path(call, file, form=READABLE, field="file")
        entry = self.find(call, self.view(call), file)
        if entry is None or entry.folder:
            raise failure(call, nested("access_error", "invalid_file"))
        return entry

    def _file_members(self, call: Call, entry: Entry, start: int, limit: int, *, inherited: bool) -> dict[str, Any]:
        extra, ns = entry.more(), self.store.state.namespaces[entry.ns]
        groups = {one: level for one, level in extra.members.items() if one.startswith("g:")}
        members = {one: level for one, level in extra.members.items() if not one.startswith("g:")}
        if ns.kind == "home":
            members = {ns.owner: "owner"} | members
        found = self.members_of(call, members, groups, extra.invitees, inherited=False)
        if inherited and ns.kind != "home":
            for name, more in self.members_of(call, ns.members, ns.groups, ns.invitees, inherited=True).items():
                found[name] += more
        return self.paged(call, found, start, limit, f"{entry.id.replace(':', '~')}:{int(inherited)}")

    def file_members(self, call: Call, arg: ListFileMembers) -> Any:
        """Who may use a file."""
        self.within_range(call, arg.limit, 300)
        entry = self._file(call, arg.file)
        return self._file_members(call, entry, 0, arg.limit, inherited=arg.include_inherited)

    def more_file_members(self, call: Call, arg: Continue) -> Any:
        """The next page."""
        entry, inherited, start, limit = self.cursor(call, arg.cursor, 2)
        found = self._file(call, entry.replace("~", ":"))
        return self._file_members(call, found, int(start), int(limit), inherited=inherited == "1")

    def add_file_member(self, call: Call, arg: AddFileMembers) -> Any:
        """Share a file with others. No mail is sent by a sandbox, whatever `quiet` says."""
        entry = self._file(call, arg.file)
        level = tag_of(arg.access_level) or "viewer"
        made = []
        for one in arg.members:
            account, email = self.selected(one)
            if account:
                entry.more().members[account] = level
            elif email:
                entry.more().invitees[email] = level
            done = tagged("success", success=tagged(level)) if account or email else None
            failed = tagged("member_error", member_error=nested("access_error", "invalid_file"))
            made.append({"member": one, "result": done or failed})
        self.note(call, entry, "permission")
        return made

    def _received(self, call: Call, start: int, limit: int) -> dict[str, Any]:
        self.store.grow()
        person = self.person(call)
        found = [
            one
            for one in self.store.state.entries.values()
            if one.extra and person.account in one.extra.members and self.store.lives(one)
        ]
        made: dict[str, Any] = {
            "entries": [self._shared_file(one, person.account) for one in found[start : start + limit]]
        }
        return {**made, "cursor": f"received:{start + limit}:{limit}"} if start + limit < len(found) else made

    def _shared_file(self, entry: Entry, account: str) -> dict[str, Any]:
        policy = {"acl_update_policy": tagged("owner"), "shared_link_policy": tagged("anyone")}
        return {
            "id": entry.id,
            "name": entry.name,
            "policy": policy,
            "preview_url": f"https://www.dropbox.com/scl/fi/{entry.id.removeprefix('id:')}",
            "access_type": tagged(entry.more().members[account]),
            "time_invited": dated(entry.server_modified),
        }

    def received_files(self, call: Call, arg: ReceivedFiles) -> Any:
        """Files that others share with the caller, one by one."""
        self.within_range(call, arg.limit, 300)
        return self._received(call, 0, arg.limit)

    def more_received(self, call: Call, arg: Continue) -> Any:
        """The next page."""
        _, start, limit = self.cursor(call, arg.cursor, 1)
        return self._received(call, int(start), int(limit))
