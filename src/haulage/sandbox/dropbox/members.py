"""Who is in Dropbox's shared folders."""

from typing import Any

from haulage.sandbox.dropbox.jobs import Check
from haulage.sandbox.dropbox.model import Namespace
from haulage.sandbox.dropbox.sharing import Continue, SharingDesk
from haulage.sandbox.dropbox.wire import Arg, bad_input, failure, nested, route, tag_of, tagged
from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call

ACCESS_LEVELS = ("owner", "editor", "viewer", "viewer_no_comment", "traverse")


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


class ListFolderMembers(Arg):
    """ListFolderMembersArgs."""

    shared_folder_id: str
    actions: list[Any] | None = None
    limit: int = 1000
    path: str | None = None


class Members(SharingDesk):
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
        return self._members(call, self.namespace(call, ns, "access_error"), int(start), int(limit))

    def _level(self, call: Call, value: Any) -> str:
        level = tag_of(value) or "viewer"
        if level not in ACCESS_LEVELS:
            raise bad_input(call, "request body", f"access_level: unknown tag {level!r}")
        return level

    def add(self, call: Call, arg: AddFolderMember) -> Any:
        """Let others in. No mail is sent by a sandbox, whatever `quiet` says."""
        ns = self.namespace(call, arg.shared_folder_id, "access_error")
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
        ns = self.namespace(call, arg.shared_folder_id, "access_error")
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
        ns = self.namespace(call, arg.shared_folder_id, "access_error")
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
