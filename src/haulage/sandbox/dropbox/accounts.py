"""Who one is at Dropbox: the account, the team, its members and groups."""

from typing import TYPE_CHECKING, Any

from haulage.sandbox.dropbox.people import Member
from haulage.sandbox.dropbox.refusals import argument, only, plain
from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.frame.routing import Handler, Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer

if TYPE_CHECKING:
    from haulage.sandbox.dropbox.service import Dropbox

API = "api.dropboxapi.com"
JOINED = 1_420_070_400.0
SHARING = {
    "shared_folder_member_policy": {".tag": "anyone"},
    "shared_folder_join_policy": {".tag": "from_anyone"},
    "shared_link_create_policy": {".tag": "default_public"},
    "group_creation_policy": {".tag": "admins_only"},
    "shared_folder_link_restriction_policy": {".tag": "anyone"},
    "enforce_link_password_policy": {".tag": "optional"},
    "default_link_expiration_days_policy": {".tag": "none"},
    "shared_link_default_permissions_policy": {".tag": "default"},
}
OFFICE = {".tag": "enabled"}
TOP_LEVEL = {".tag": "everyone"}
ADMIN_ROLE = ("pid_dbtmr:admin", "Team", "Manage everything and access all permissions")


class Accounts:
    """Namespaces users and team."""

    def __init__(self, service: "Dropbox") -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Its endpoints. Team routes take a team's token."""

        def route(name: str, handler: Handler, scope: str, auth: str) -> Route:
            return Route("POST", API, f"/2/{name}", name, name.partition("/")[0], handler, scope, {"auth": auth})

        return [
            route("users/get_current_account", self.current, "account_info.read", "user"),
            route("team/get_info", self.team, "team_info.read", "team"),
            route("team/token/get_authenticated_admin", self.authenticated, "team_info.read", "team"),
            route("team/members/list_v2", self.members, "members.read", "team"),
            route("team/members/list/continue_v2", self.more_members, "members.read", "team"),
            route("team/members/get_info", self.info_v1, "members.read", "team"),
            route("team/members/get_info_v2", self.info, "members.read", "team"),
            route("team/groups/list", self.groups, "groups.read", "team"),
            route("team/groups/list/continue", self.more_groups, "groups.read", "team"),
            route("team/groups/members/list", self.group_members, "groups.read", "team"),
            route("team/groups/members/list/continue", self.more_group_members, "groups.read", "team"),
        ]

    async def current(self, call: Call) -> Answer:
        """The account that the call acts for."""
        only(call, await argument(call))
        member = self._service.acting(call)
        facts: dict[str, Any] = {
            "account_id": member.account,
            "name": name(member),
            "email": member.email,
            "email_verified": True,
            "disabled": False,
            "country": "DE",
            "locale": "en",
            "referral_link": f"https://www.dropbox.com/referrals/{member.uid}",
            "is_paired": False,
            "account_type": {".tag": "business" if member.member else "basic"},
            "root_info": self.root_info(member),
        }
        if member.member:
            team = {"id": self._service.people.team, "name": self._service.people.name}
            policies = {
                "sharing_policies": SHARING,
                "office_addin_policy": OFFICE,
                "top_level_content_policy": TOP_LEVEL,
            }
            facts |= {"team": {**team, **policies}, "team_member_id": member.member}
        return json_answer(facts)

    def root_info(self, member: Member) -> dict[str, Any]:
        """Where an account's paths begin. Of a team with a team space the root is not one's own folder."""
        if not member.member or not self._service.store.state.team_space:
            return {".tag": "user", "root_namespace_id": member.home, "home_namespace_id": member.home}
        root = {".tag": "team", "root_namespace_id": self._service.people.root, "home_namespace_id": member.home}
        return {**root, "home_path": f"/{member.person.name}"}

    async def team(self, call: Call) -> Answer:
        """The team."""
        only(call, await argument(call))
        people = self._service.people
        active = sum(one.person.active for one in people.members.values())
        policies = {
            "sharing": SHARING,
            "emm_state": {".tag": "disabled"},
            "office_addin": OFFICE,
            "suggest_members_policy": {".tag": "enabled"},
            "top_level_content_policy": TOP_LEVEL,
        }
        return json_answer(
            {
                "name": people.name,
                "team_id": people.team,
                "num_licensed_users": len(people.members) + 5,
                "num_provisioned_users": active,
                "num_used_licenses": active,
                "policies": policies,
            }
        )

    async def authenticated(self, call: Call) -> Answer:
        """The admin who connected the app."""
        only(call, await argument(call))
        caller = self._service.admitted(call)
        if not caller.member.admin:
            return self._service.problem(call, {".tag": "admin_not_active"})
        return json_answer({"admin_profile": self.profile(caller.member)})

    def profile(self, member: Member) -> dict[str, Any]:
        """A member as the team's admins see it."""
        return {
            "team_member_id": member.member,
            "account_id": member.account,
            "external_id": f"hr-{member.person.number}",
            "email": member.email,
            "email_verified": True,
            "secondary_emails": [{"email": one, "is_verified": True} for one in member.person.aliases],
            "status": {".tag": member.status},
            "name": name(member),
            "membership_type": {".tag": "full"},
            "joined_on": rfc3339(JOINED),
            "groups": self._service.people.groups_of(member),
            "member_folder_id": member.home,
            "root_folder_id": self.root_info(member)["root_namespace_id"],
        }

    def _entry(self, member: Member) -> dict[str, Any]:
        return {"profile": self.profile(member), "roles": [_role()] if member.admin else []}

    async def members(self, call: Call) -> Answer:
        """The first page of the members."""
        told = only(call, await argument(call), "limit", "include_removed")
        return self._members(call, 0, _limit(call, told, 1_000))

    async def more_members(self, call: Call) -> Answer:
        """The next page."""
        return self._members(call, *self._cursor(call, await argument(call), "members"))

    def _members(self, call: Call, start: int, limit: int) -> Answer:
        everybody = list(self._service.people.members.values())
        stop = start + limit
        return json_answer(
            {
                "members": [self._entry(one) for one in everybody[start:stop]],
                "cursor": f"members:{stop}:{limit}",
                "has_more": stop < len(everybody),
            }
        )

    def _cursor(self, call: Call, told: dict[str, Any], kind: str) -> tuple[int, int]:
        parts = str(only(call, told, "cursor").get("cursor", "")).split(":")
        if len(parts) != 3 or parts[0] != kind or not (parts[1].isdigit() and parts[2].isdigit()):
            raise Refusal(self._service.problem(call, {".tag": "invalid_cursor"}))
        return int(parts[1]), int(parts[2])

    def _selected(self, call: Call, told: dict[str, Any]) -> list[tuple[str, Member | None]]:
        people = self._service.people
        found: list[tuple[str, Member | None]] = []
        for one in told.get("members", []):
            tag = one.get(".tag", "") if isinstance(one, dict) else ""
            text = str(one.get(tag, "")) if tag in ("team_member_id", "email", "external_id") else ""
            if not text:
                raise Refusal(plain(call, "request body: members: expected a user selector"))
            member = people.members.get(text) if tag == "team_member_id" else None
            if tag == "email":
                known = people.of(text)
                member = known if known is not None and known.member else None
            if tag == "external_id":
                matching = (one for one in people.members.values() if f"hr-{one.person.number}" == text)
                member = next(matching, None)
            found.append((text, member))
        return found

    async def info_v1(self, call: Call) -> Answer:
        """What is known of some members, as a bare list."""
        made: list[dict[str, Any]] = []
        for text, member in self._selected(call, only(call, await argument(call), "members")):
            if member is None:
                made.append({".tag": "id_not_found", "id_not_found": text})
                continue
            role = {".tag": "team_admin" if member.admin else "member_only"}
            made.append({".tag": "member_info", "profile": self.profile(member), "role": role})
        return json_answer(made)

    async def info(self, call: Call) -> Answer:
        """What is known of some members."""
        made: list[dict[str, Any]] = []
        for text, member in self._selected(call, only(call, await argument(call), "members")):
            if member is None:
                made.append({".tag": "id_not_found", "id_not_found": text})
            else:
                made.append({".tag": "member_info", **self._entry(member)})
        return json_answer({"members_info": made})

    async def groups(self, call: Call) -> Answer:
        """The first page of the groups."""
        return self._groups(0, _limit(call, only(call, await argument(call), "limit"), 1_000))

    async def more_groups(self, call: Call) -> Answer:
        """The next page."""
        return self._groups(*self._cursor(call, await argument(call), "groups"))

    def _groups(self, start: int, limit: int) -> Answer:
        stop, everything = start + limit, list(self._service.people.groups)
        made = [self._group(key) for key in everything[start:stop]]
        return json_answer({"groups": made, "cursor": f"groups:{stop}:{limit}", "has_more": stop < len(everything)})

    def _group(self, key: str) -> dict[str, Any]:
        group = self._service.people.groups[key]
        return {
            "group_name": group.name,
            "group_id": key,
            "group_management_type": {".tag": "company_managed"},
            "member_count": len(self._service.people.in_group(key)),
        }

    async def group_members(self, call: Call) -> Answer:
        """The first page of a group's members."""
        told = only(call, await argument(call), "group", "limit")
        selector = told.get("group")
        key = str(selector.get("group_id", "")) if isinstance(selector, dict) else ""
        if key not in self._service.people.groups:
            return self._service.problem(call, {".tag": "group_not_found"})
        return self._group_page(key, 0, _limit(call, told, 1_000))

    async def more_group_members(self, call: Call) -> Answer:
        """The next page."""
        told = only(call, await argument(call), "cursor")
        key, _, rest = str(told.get("cursor", "")).partition("|")
        if key not in self._service.people.groups:
            return self._service.problem(call, {".tag": "invalid_cursor"})
        return self._group_page(key, *self._cursor(call, {"cursor": rest}, "members"))

    def _group_page(self, key: str, start: int, limit: int) -> Answer:
        found, stop = self._service.people.in_group(key), start + limit
        made = [
            {"profile": self.profile(one), "access_type": {".tag": "owner" if one.admin else "member"}}
            for one in found[start:stop]
        ]
        return json_answer({"members": made, "cursor": f"{key}|members:{stop}:{limit}", "has_more": stop < len(found)})


def name(member: Member) -> dict[str, str]:
    """A name in all its forms."""
    person = member.person
    return {
        "given_name": person.given,
        "surname": person.family,
        "familiar_name": person.given,
        "display_name": person.name,
        "abbreviated_name": person.given[:1] + person.family[:1],
    }


def _role() -> dict[str, str]:
    role_id, title, text = ADMIN_ROLE
    return {"role_id": role_id, "name": title, "description": text}


def _limit(call: Call, told: dict[str, Any], largest: int) -> int:
    limit = told.get("limit", largest)
    if not isinstance(limit, int) or not 1 <= limit <= largest:
        raise Refusal(plain(call, f"request body: limit: {limit!r} is not within 1 and {largest}"))
    return limit
