"""What Dropbox's routes of shared folders, members, files and links have in common."""

from typing import Any

from haulage.sandbox.dropbox.jobs import JobDesk
from haulage.sandbox.dropbox.model import Namespace
from haulage.sandbox.dropbox.wire import Arg, bad_input, failure, nested, tag_of, tagged
from haulage.sandbox.frame.wire import Call


class Continue(Arg):
    """A cursor."""

    cursor: str


class SharingDesk(JobDesk):
    """What the routes of folders and of their members share."""

    def namespace(self, call: Call, ns: str, *around: str) -> Namespace:
        """A shared folder that the caller is in. around: the tags around the route's error. Raises Refusal."""
        self.store.grow()
        found = self.store.state.namespaces.get(ns)
        if found is None or found.kind not in ("shared", "team"):
            raise failure(call, nested(*around, "invalid_id"))
        if not self.store.allowed(call, found):
            raise failure(call, nested(*around, "not_a_member"))
        return found

    def owned(self, call: Call, found: Namespace) -> None:
        """Refuse who may not change who is in it."""
        access = self.store.allowed(call, found)
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

    def expel(self, account: str, ns: Namespace) -> None:
        """Somebody is not in it any more, and sees it no more."""
        ns.members.pop(account, None)
        mount = self.store.mounts.get(account, {}).get(ns.id)
        if mount is not None and not self.store.access(account, ns):
            self.store.remove(self.store.state.entries[mount])
