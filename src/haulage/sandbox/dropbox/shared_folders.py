"""Dropbox's shared folders: listed, made, mounted, left."""

from typing import Any

from haulage.sandbox.dropbox.desk import View
from haulage.sandbox.dropbox.jobs import Check
from haulage.sandbox.dropbox.model import Entry, Namespace
from haulage.sandbox.dropbox.shapes import lowered
from haulage.sandbox.dropbox.sharing import Continue, SharingDesk
from haulage.sandbox.dropbox.texts import dated
from haulage.sandbox.dropbox.wire import Arg, check_path, failure, nested, route, tag_of, tagged
from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call, Refusal
from haulage.sandbox.organisation.people import ORGANISATION

ASYNC_ENTRIES = 20


class ListFolders(Arg):
    """ListFoldersArgs."""

    limit: int = 1000
    actions: list[Any] | None = None


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


class Leave(Arg):
    """UnshareFolderArg, RelinquishFolderMembershipArg."""

    shared_folder_id: str
    leave_a_copy: bool = False


class Transfer(Arg):
    """TransferFolderArg."""

    shared_folder_id: str
    to_dropbox_id: str


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
        if (doomed := self.doomed(call, "share", 1)) is not None:
            return doomed
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
        ns = self.namespace(call, arg.shared_folder_id, "access_error")
        if ns.kind == "team":
            raise failure(call, tagged("not_mountable"))
        if ns.id in self.store.mounts.get(call.event.actor, {}):
            raise failure(call, tagged("already_mounted"))
        entry = self.store.mount(call.event.actor, ns.id, ns.name)
        self.note(call, entry, "create")
        return self.shape(call, ns)

    def unmount(self, call: Call, arg: FolderId) -> Any:
        """Show it no more; one stays in it."""
        ns = self.namespace(call, arg.shared_folder_id, "access_error")
        mount = self.store.mounts.get(call.event.actor, {}).get(ns.id)
        if mount is None or ns.kind == "team":
            raise failure(call, nested("access_error", "unmounted"))
        entry = self.store.state.entries[mount]
        self.note(call, entry, "trash")
        self.store.remove(entry)
        return None

    def unshare(self, call: Call, arg: Leave) -> Any:
        """Nobody is in it any more but its owner; always a job."""
        ns = self.namespace(call, arg.shared_folder_id, "access_error")
        self.owned(call, ns)
        for account in [one for one in ns.members if one != call.event.actor]:
            self.expel(account, ns)
        ns.groups, ns.invitees = {}, {}
        call.event.changes.append(Change("permission", ns.id))
        return self.launched(call, "unshare", tagged("complete"))

    def leave(self, call: Call, arg: Leave) -> Any:
        """Go out of a shared folder; always a job."""
        ns = self.namespace(call, arg.shared_folder_id, "access_error")
        if ns.members.get(call.event.actor) == "owner":
            raise failure(call, tagged("folder_owner"))
        self.expel(call.event.actor, ns)
        call.event.changes.append(Change("permission", ns.id))
        return self.launched(call, "leave", tagged("complete"))

    def transfer(self, call: Call, arg: Transfer) -> Any:
        """Make another member the owner."""
        ns = self.namespace(call, arg.shared_folder_id, "access_error")
        account, _ = self.selected(tagged("dropbox_id", dropbox_id=arg.to_dropbox_id))
        if ns.members.get(call.event.actor) != "owner":
            raise failure(call, tagged("no_permission"))
        if account not in ns.members:
            raise failure(call, tagged("invalid_dropbox_id"))
        ns.members[call.event.actor], ns.members[account], ns.owner = "editor", "owner", account
        call.event.changes.append(Change("permission", ns.id))
        return None
