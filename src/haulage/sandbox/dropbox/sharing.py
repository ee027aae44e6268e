"""Dropbox's sharing: shared folders with their members and mounts, files shared by themselves."""

from typing import Any

from haulage.sandbox.dropbox.desk import View
from haulage.sandbox.dropbox.jobs import Check, JobDesk
from haulage.sandbox.dropbox.model import Entry, Namespace
from haulage.sandbox.dropbox.shapes import lowered
from haulage.sandbox.dropbox.texts import dated
from haulage.sandbox.dropbox.wire import Arg, bad_input, check_path, failure, nested, route, tag_of, tagged
from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call, Refusal
from haulage.sandbox.organisation.people import ORGANISATION

ACCESS_LEVELS = ("owner", "editor", "viewer", "viewer_no_comment", "traverse")
ASYNC_ENTRIES = 20


class ListFolders(Arg):
    """ListFoldersArgs."""

    limit: int = 1000
    actions: list[Any] | None = None


class Continue(Arg):
    """A cursor."""

    cursor: str


class FolderId(Arg):
    """MountFolderArg, UnmountFolderArg, GetMetadataArgs."""

    shared_folder_id: str
    actions: list[Any] | None = None


class ShareFolder(Arg):
    """ShareFolderArg."""

    path: str
    acl_update_policy: Any = None
    force_async: bool = False
    member_policy: Any = None
    shared_link_policy: Any = None
    viewer_info_policy: Any = None
    access_inheritance: Any = "inherit"
    actions: list[Any] | None = None
    link_settings: Any = None


class AddMember(Arg):
    """AddMember."""

    member: dict[str, Any]
    access_level: Any = "viewer"


class AddFolderMember(Arg):
    """AddFolderMemberArg."""

    shared_folder_id: str
    members: list[AddMember]
    quiet: bool = False
    custom_message: str | None = None


class FolderMember(Arg):
    """UpdateFolderMemberArg, RemoveFolderMemberArg."""

    shared_folder_id: str
    member: dict[str, Any]
    access_level: Any = None
    leave_a_copy: bool = False


class Leave(Arg):
    """UnshareFolderArg, RelinquishFolderMembershipArg."""

    shared_folder_id: str
    leave_a_copy: bool = False


class Transfer(Arg):
    """TransferFolderArg."""

    shared_folder_id: str
    to_dropbox_id: str


class ListFolderMembers(Arg):
    """ListFolderMembersArgs."""

    shared_folder_id: str
    actions: list[Any] | None = None
    limit: int = 1000
    path: str | None = None


class SharingDesk(JobDesk):
    """What the routes of folders and of their members share."""

    def namespace(self, call: Call, ns: str) -> Namespace:
        """A shared folder that the caller is in. Raises Refusal."""
        self.store.grow()
        found = self.store.state.namespaces.get(ns)
        if found is None or found.kind not in ("shared", "team"):
            raise failure(call, nested("access_error", "invalid_id"))
        if not self.store.access(call.event.actor, found):
            raise failure(call, nested("access_error", "not_a_member"))
        return found

    def owned(self, call: Call, found: Namespace) -> None:
        """Refuse who may not change who is in it."""
        access = self.store.access(call.event.actor, found)
        if found.kind == "team":
            raise failure(call, tagged("team_folder"))
        if access != "owner" and not (access == "editor" and found.acl_update_policy == "editors"):
            raise failure(call, tagged("no_permission"))

    def selected(self, told: dict[str, Any]) -> tuple[str, str]:
        """Whom a MemberSelector means: the account or group, and the address of somebody without an account."""
        tag, state = tag_of(told), self.store.state
        value = str(told.get(tag, ""))
        if tag == "email":
            person = self.store.person_by(email=value)
            return (person.account, "") if person else ("", value.lower())
        if value.startswith("dbmid:"):
            person = self.store.person_by(member=value)
            return (person.account if person else "", "")
        return (value, "") if value in state.people or value in state.groups else ("", "")

    def user_info(self, call: Call, account: str) -> dict[str, Any]:
        """UserInfo."""
        person, me = self.store.state.people[account], self.person(call)
        made = {"account_id": account, "email": person.email, "display_name": person.name}
        same = bool(person.member) and bool(me.member)
        return {**made, "same_team": same, **({"team_member_id": person.member} if same else {})}

    def group_info(self, call: Call, group: str) -> dict[str, Any]:
        """GroupInfo."""
        found = self.store.state.groups[group]
        return {
            "group_name": found.name,
            "group_id": found.id,
            "member_count": len(found.members),
            "group_management_type": tagged("company_managed"),
            "group_type": tagged("team"),
            "is_member": call.event.actor in found.members,
            "is_owner": False,
            "same_team": bool(self.person(call).member),
        }

    def members_of(
        self, call: Call, members: dict[str, str], groups: dict[str, str], invitees: dict[str, str], *, inherited: bool
    ) -> dict[str, list[dict[str, Any]]]:
        """Users, groups and invitees, each with what they may."""

        def common(access: str) -> dict[str, Any]:
            return {"access_type": tagged(access), "permissions": [], "is_inherited": inherited}

        return {
            "users": [{**common(level), "user": self.user_info(call, one)} for one, level in members.items()],
            "groups": [{**common(level), "group": self.group_info(call, one)} for one, level in groups.items()],
            "invitees": [{**common(level), "invitee": tagged("email", email=one)} for one, level in invitees.items()],
        }

    def paged(self, call: Call, found: dict[str, list[Any]], start: int, limit: int, word: str) -> dict[str, Any]:
        """A page of several lists, one behind the other."""
        left, skip, made = limit, start, {}
        for name, entries in found.items():
            made[name] = entries[skip : skip + left]
            left -= len(made[name])
            skip = max(0, skip - len(entries))
        total = sum(map(len, found.values()))
        return {**made, "cursor": f"{word}:{start + limit}:{limit}"} if start + limit < total else made

    def cursor(self, call: Call, text: str, words: int) -> list[str]:
        """The parts of a cursor of `paged`. Raises Refusal."""
        parts = text.split(":")
        if len(parts) != words + 2 or not all(one.isdigit() for one in parts[-2:]):
            raise failure(call, tagged("invalid_cursor"))
        return parts

    def within_range(self, call: Call, limit: int, largest: int) -> None:
        """Refuse a limit that is none: 400."""
        if not 1 <= limit <= largest:
            raise bad_input(call, "request body", f"limit: {limit} is not within range [1, {largest}]")


class SharedFolders(SharingDesk):
    """Source: dropbox.com/developers/documentation/http/documentation#sharing-list_folders."""

    def routes(self) -> list[Route]:
        """The routes."""
        read, write, name, source = "sharing.read", "sharing.write", "sharing", "shared-folders"
        mountable = f"{name}/list_mountable_folders"
        return [
            route(f"{name}/list_folders", source, ListFolders, self.folders, read),
            route(f"{name}/list_folders/continue", source, Continue, self.more_folders, read),
            route(mountable, source, ListFolders, self.mountable, read),
            route(f"{mountable}/continue", source, Continue, self.more_folders, read),
            route(f"{name}/get_folder_metadata", source, FolderId, self.metadata, read),
            route(f"{name}/share_folder", "share-folder", ShareFolder, self.share, write),
            route(f"{name}/check_share_job_status", "share-folder", Check, self.check, write),
            route(f"{name}/check_job_status", "share-folder", Check, self.check, write),
            route(f"{name}/mount_folder", "mount", FolderId, self.mount, write),
            route(f"{name}/unmount_folder", "mount", FolderId, self.unmount, write),
            route(f"{name}/unshare_folder", "unshare", Leave, self.unshare, write),
            route(f"{name}/relinquish_folder_membership", "unshare", Leave, self.leave, write),
            route(f"{name}/transfer_folder", "unshare", Transfer, self.transfer, write),
        ]

    def shape(self, call: Call, ns: Namespace) -> dict[str, Any]:
        """SharedFolderMetadata; without a path where it is not mounted."""
        state, person = self.store.state, self.person(call)
        made: dict[str, Any] = {
            "access_type": tagged(self.store.access(person.account, ns)),
            "is_inside_team_folder": False,
            "is_team_folder": ns.kind == "team",
            "name": ns.name,
            "policy": {
                "acl_update_policy": tagged(ns.acl_update_policy),
                "shared_link_policy": tagged(ns.shared_link_policy),
                "member_policy": tagged(ns.member_policy),
                "resolved_member_policy": tagged(ns.member_policy),
            },
            "preview_url": f"https://www.dropbox.com/scl/fo/{ns.id}",
            "shared_folder_id": ns.id,
            "time_invited": dated(ns.shared_at),
            "access_inheritance": tagged("inherit" if ns.inherit else "no_inherit"),
            "folder_id": ns.root,
            "permissions": [],
        }
        owners = [state.people[one] for one, level in ns.members.items() if level == "owner"]
        if owners:
            made["owner_display_names"] = [one.name for one in owners]
        if any(one.member for one in owners):
            made["owner_team"] = {"id": self.store.team_id, "name": ORGANISATION}
        home = self.store.root_of(person.home)
        mount = self.store.mounts.get(person.account, {}).get(ns.id)
        if mount is not None and (path := self.place(View(person, home), state.entries[mount])) is not None:
            made["path_lower"], made["path_display"] = lowered(path), path
        return made

    def _all(self, call: Call, *, unmounted: bool) -> list[Namespace]:
        self.store.grow()
        person = self.person(call)
        mine = self.store.mounts.get(person.account, {})
        return [
            ns
            for ns in self.store.state.namespaces.values()
            if ns.kind in ("shared", "team")
            and self.store.access(person.account, ns)
            and not (unmounted and (ns.id in mine or ns.kind == "team"))
        ]

    def _page(self, call: Call, start: int, limit: int, word: str) -> dict[str, Any]:
        found = self._all(call, unmounted=word == "mountable")
        made: dict[str, Any] = {"entries": [self.shape(call, one) for one in found[start : start + limit]]}
        return {**made, "cursor": f"{word}:{start + limit}:{limit}"} if start + limit < len(found) else made

    def folders(self, call: Call, arg: ListFolders) -> Any:
        """Every shared folder that the caller is in, mounted or not."""
        self.within_range(call, arg.limit, 1000)
        return self._page(call, 0, arg.limit, "all")

    def mountable(self, call: Call, arg: ListFolders) -> Any:
        """Those that are not mounted."""
        self.within_range(call, arg.limit, 1000)
        return self._page(call, 0, arg.limit, "mountable")

    def more_folders(self, call: Call, arg: Continue) -> Any:
        """The next page."""
        word, start, limit = self.cursor(call, arg.cursor, 1)
        return self._page(call, int(start), int(limit), word)

    def metadata(self, call: Call, arg: FolderId) -> Any:
        """One shared folder."""
        return self.shape(call, self.namespace(call, arg.shared_folder_id))

    def _bad_path(self, call: Call, tag: str, **more: Any) -> Refusal:
        return failure(call, tagged("bad_path", bad_path=tagged(tag, **more)))

    def share(self, call: Call, arg: ShareFolder) -> Any:
        """Make a folder a shared one; one that does not exist is made. Large ones take their time."""
        check_path(call, arg.path)
        view = self.view(call)
        entry = self.find(call, view, arg.path)
        if entry is None:
            try:
                folder, name = self.folder_for(call, view, arg.path)
            except Refusal:
                raise self._bad_path(call, "invalid_path") from None
            entry = self.make_folder(call, folder, name)
        self._shareable(call, entry)
        count = sum(1 for _ in self.store.within(entry))
        ns = self._convert(call, view, entry, arg)
        outcome = tagged("complete", **self.shape(call, ns))
        return self.launched(call, "share", outcome, inline=not arg.force_async and count <= ASYNC_ENTRIES)

    def _shareable(self, call: Call, entry: Entry) -> None:
        """Raises Refusal."""
        if not entry.folder:
            raise self._bad_path(call, "is_file")
        if entry.mount:
            raise self._bad_path(call, "already_shared", **self.shape(call, self.store.state.namespaces[entry.mount]))
        ns = self.store.state.namespaces.get(entry.ns)
        if ns is None or not entry.parent:
            raise self._bad_path(call, "invalid_path")
        if ns.kind != "home":
            raise self._bad_path(call, "inside_shared_folder")
        if any(one.mount for one in self.store.within(entry)):
            raise self._bad_path(call, "contains_shared_folder")

    def _convert(self, call: Call, view: View, entry: Entry, arg: ShareFolder) -> Namespace:
        """The folder becomes the root of a namespace of its own, mounted where the folder was."""
        ids, account = self.world.ids, view.person.account
        ns = Namespace(ids.digits("dropbox", "shared", entry.id, count=10), "shared", entry.name, entry.id, account)
        ns.members, ns.shared_at = {account: "owner"}, self.world.clock.now()
        ns.member_policy = tag_of(arg.member_policy) or "anyone"
        ns.acl_update_policy = tag_of(arg.acl_update_policy) or "owner"
        ns.shared_link_policy = tag_of(arg.shared_link_policy) or "anyone"
        ns.inherit = tag_of(arg.access_inheritance) != "no_inherit"
        parent, name = self.store.state.entries[entry.parent], entry.name
        self.store.part(entry, ns)
        self.store.mount_at(parent, account, ns.id, name)
        self.note(call, entry, "permission")
        return ns

    def mount(self, call: Call, arg: FolderId) -> Any:
        """Show a shared folder in one's own home."""
        ns = self.namespace(call, arg.shared_folder_id)
        if ns.kind == "team":
            raise failure(call, tagged("not_mountable"))
        if ns.id in self.store.mounts.get(call.event.actor, {}):
            raise failure(call, tagged("already_mounted"))
        entry = self.store.mount(call.event.actor, ns.id, ns.name)
        self.note(call, entry, "create")
        return self.shape(call, ns)

    def unmount(self, call: Call, arg: FolderId) -> Any:
        """Show it no more; one stays in it."""
        ns = self.namespace(call, arg.shared_folder_id)
        mount = self.store.mounts.get(call.event.actor, {}).get(ns.id)
        if mount is None or ns.kind == "team":
            raise failure(call, nested("access_error", "unmounted"))
        entry = self.store.state.entries[mount]
        self.note(call, entry, "trash")
        self.store.remove(entry)
        return None

    def unshare(self, call: Call, arg: Leave) -> Any:
        """Nobody is in it any more but its owner; always a job."""
        ns = self.namespace(call, arg.shared_folder_id)
        self.owned(call, ns)
        for account in [one for one in ns.members if one != call.event.actor]:
            self.expel(account, ns)
        ns.groups, ns.invitees = {}, {}
        call.event.changes.append(Change("permission", ns.id))
        return self.launched(call, "unshare", tagged("complete"))

    def expel(self, account: str, ns: Namespace) -> None:
        """Somebody is not in it any more, and sees it no more."""
        ns.members.pop(account, None)
        mount = self.store.mounts.get(account, {}).get(ns.id)
        if mount is not None and not self.store.access(account, ns):
            self.store.remove(self.store.state.entries[mount])

    def leave(self, call: Call, arg: Leave) -> Any:
        """Go out of a shared folder; always a job."""
        ns = self.namespace(call, arg.shared_folder_id)
        if ns.members.get(call.event.actor) == "owner":
            raise failure(call, tagged("folder_owner"))
        self.expel(call.event.actor, ns)
        call.event.changes.append(Change("permission", ns.id))
        return self.launched(call, "leave", tagged("complete"))

    def transfer(self, call: Call, arg: Transfer) -> Any:
        """Make another member the owner."""
        ns = self.namespace(call, arg.shared_folder_id)
        account, _ = self.selected(tagged("dropbox_id", dropbox_id=arg.to_dropbox_id))
        if ns.members.get(call.event.actor) != "owner":
            raise failure(call, tagged("no_permission"))
        if account not in ns.members:
            raise failure(call, tagged("invalid_dropbox_id"))
        ns.members[call.event.actor], ns.members[account], ns.owner = "editor", "owner", account
        call.event.changes.append(Change("permission", ns.id))
        return None


class Members(SharedFolders):
    """Source: dropbox.com/developers/documentation/http/documentation#sharing-list_folder_members."""

    def routes(self) -> list[Route]:
        """The routes."""
        read, write, name, source = "sharing.read", "sharing.write", "sharing", "folder-members"
        listed = f"{name}/list_folder_members"
        return [
            route(listed, source, ListFolderMembers, self.list_members, read),
            route(f"{listed}/continue", source, Continue, self.more_members, read),
            route(f"{name}/add_folder_member", source, AddFolderMember, self.add, write),
            route(f"{name}/update_folder_member", source, FolderMember, self.update, write),
            route(f"{name}/remove_folder_member", source, FolderMember, self.remove, write),
            route(f"{name}/check_remove_member_job_status", source, Check, self.check, write),
        ]

    def _members(self, call: Call, ns: Namespace, start: int, limit: int) -> dict[str, Any]:
        found = self.members_of(call, ns.members, ns.groups, ns.invitees, inherited=False)
        return self.paged(call, found, start, limit, ns.id)

    def list_members(self, call: Call, arg: ListFolderMembers) -> Any:
        """Who is in a shared folder."""
        self.within_range(call, arg.limit, 1000)
        return self._members(call, self.namespace(call, arg.shared_folder_id), 0, arg.limit)

    def more_members(self, call: Call, arg: Continue) -> Any:
        """The next page."""
        ns, start, limit = self.cursor(call, arg.cursor, 1)
        return self._members(call, self.namespace(call, ns), int(start), int(limit))

    def _level(self, call: Call, value: Any) -> str:
        level = tag_of(value) or "viewer"
        if level not in ACCESS_LEVELS:
            raise bad_input(call, "request body", f"access_level: unknown tag {level!r}")
        return level

    def add(self, call: Call, arg: AddFolderMember) -> Any:
        """Let others in. No mail is sent by a sandbox, whatever `quiet` says."""
        ns = self.namespace(call, arg.shared_folder_id)
        self.owned(call, ns)
        for one in arg.members:
            account, email = self.selected(one.member)
            if not account and not email:
                raise failure(call, nested("bad_member", "invalid_dropbox_id"))
            inside = account.startswith("g:") or (account and bool(self.store.state.people[account].member))
            if ns.member_policy == "team" and not inside:
                raise failure(call, tagged("cant_share_outside_team"))
            level = self._level(call, one.access_level)
            if email:
                ns.invitees[email] = level
            elif account.startswith("g:"):
                ns.groups[account] = level
            elif ns.members.get(account) != "owner":
                ns.members[account] = level
        call.event.changes.append(Change("permission", ns.id))
        return None

    def update(self, call: Call, arg: FolderMember) -> Any:
        """Let somebody do more, or less."""
        ns = self.namespace(call, arg.shared_folder_id)
        self.owned(call, ns)
        account, email = self.selected(arg.member)
        level = self._level(call, arg.access_level)
        for held, who in ((ns.members, account), (ns.groups, account), (ns.invitees, email)):
            if who in held:
                held[who] = level
                call.event.changes.append(Change("permission", ns.id))
                return {"access_level": tagged(level)}
        raise failure(call, nested("member_error", "not_a_member"))

    def remove(self, call: Call, arg: FolderMember) -> Any:
        """Let somebody in no more; always a job."""
        ns = self.namespace(call, arg.shared_folder_id)
        account, email = self.selected(arg.member)
        self.owned(call, ns)
        if ns.members.get(account) == "owner":
            raise failure(call, tagged("folder_owner"))
        if account not in ns.members and account not in ns.groups and email not in ns.invitees:
            raise failure(call, nested("member_error", "not_a_member"))
        ns.groups.pop(account, None)
        ns.invitees.pop(email, None)
        self.expel(account, ns)
        call.event.changes.append(Change("permission", ns.id))
        return self.launched(call, "remove_member", tagged("complete"))
