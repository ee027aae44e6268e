"""The Directory of the Admin SDK: users, groups and members.

Sources: developers.google.com/workspace/admin/directory/reference/rest/v1/{users,groups,members}, and
…/v1/guides/search-users for queries (2026-08).
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from haulage.sandbox.frame.clock import Clock, rfc3339
from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.google.accounts import Account, Accounts, Team
from haulage.sandbox.google.caller import caller_of
from haulage.sandbox.google.errors import KIND, bad_request, invalid, refuse
from haulage.sandbox.google.fields import ANY, Shape, parse, prune
from haulage.sandbox.google.paging import page_size, page_token, place

T = TypeVar("T")
TOKEN_SECONDS = 3 * 86_400
HOSTS = "admin.googleapis.com www.googleapis.com"
USERS = "admin.directory.user admin.directory.user.readonly"
GROUPS = "admin.directory.group admin.directory.group.readonly"
MEMBERS = GROUPS + " admin.directory.group.member admin.directory.group.member.readonly"
PATH = "/admin/directory/v1"
TERM = re.compile(r"\s*([A-Za-z.]+)\s*(=|:)\s*('(?:[^'\\]|\\.)*'|\"[^\"]*\"|[^\s]+)")
FORBIDDEN = "Not Authorized to access this resource/api"
CREATED = 1_420_000_000.0

USER: Shape = {
    "kind": None, "id": None, "etag": None, "primaryEmail": None, "isAdmin": None, "isDelegatedAdmin": None,
    "lastLoginTime": None, "creationTime": None, "agreedToTerms": None, "suspended": None, "suspensionReason": None,
    "archived": None, "changePasswordAtNextLogin": None, "ipWhitelisted": None, "emails": ANY, "aliases": None,
    "customerId": None, "orgUnitPath": None, "isMailboxSetup": None, "isEnrolledIn2Sv": None, "isEnforcedIn2Sv": None,
    "includeInGlobalAddressList": None, "organizations": ANY, "nonEditableAliases": None,
    "name": {"givenName": None, "familyName": None, "fullName": None, "displayName": None},
}  # fmt: skip
GROUP: Shape = dict.fromkeys(
    ("kind", "id", "etag", "email", "name", "directMembersCount", "description", "adminCreated", "aliases"), None
)
MEMBER: Shape = dict.fromkeys(("kind", "etag", "id", "email", "role", "type", "status"), None)
LISTS = {
    name: {"kind": None, "etag": None, "nextPageToken": None, name: shape}
    for name, shape in (("users", USER), ("groups", GROUP), ("members", MEMBER))
}
PUBLIC = frozenset({"kind", "id", "etag", "primaryEmail", "name", "emails"})
FLAGS: dict[str, Callable[[Account], bool]] = {
    "isSuspended": lambda one: one.suspended,
    "isAdmin": lambda one: one.administrator,
    "isDelegatedAdmin": lambda one: False,
    "isArchived": lambda one: False,
}
TEXTS: dict[str, Callable[[Account], Sequence[str]]] = {
    "email": lambda one: (one.email, *one.aliases),
    "givenName": lambda one: (one.given,),
    "familyName": lambda one: (one.family,),
    "name": lambda one: (one.name, one.given, one.family),
    "orgUnitPath": lambda one: (unit_of(one),),
    "orgDepartment": lambda one: (one.department,),
}


def unit_of(account: Account) -> str:
    """The organisational unit, as a path."""
    return f"/{account.department}" if account.department else "/"


class Directory:
    """Handlers of the Directory, for administrators of the organisation."""

    def __init__(self, ids: Ids, clock: Clock, accounts: Accounts) -> None:
        self._ids = ids
        self._clock = clock
        self._accounts = accounts

    def routes(self) -> list[Route]:
        """Its endpoints."""

        def route(path: str, operation: str, handler: Callable[[Call], Answer], scope: str) -> Route:
            details = {"budget": "directory"}
            return Route("GET", HOSTS, PATH + path, f"directory.{operation}", "directory", handler, scope, details)

        return [
            route("/users", "users.list", self.users, USERS),
            route("/users/{userKey}", "users.get", self.user, USERS),
            route("/groups", "groups.list", self.groups, GROUPS),
            route("/groups/{groupKey}", "groups.get", self.group, GROUPS),
            route("/groups/{groupKey}/members", "members.list", self.members, MEMBERS),
            route("/groups/{groupKey}/members/{memberKey}", "members.get", self.member, MEMBERS),
            route("/groups/{groupKey}/hasMember/{memberKey}", "members.hasMember", self.has_member, MEMBERS),
        ]

    def users(self, call: Call) -> Answer:
        """GET /users"""
        query = call.query
        public = self._may(call)
        self._whose(query, "badRequest")
        wanted = self._query(query.get("query", ""))
        found = [one for one in self._accounts.users if wanted(one)]
        if query.get("showDeleted", "false").lower() == "true":
            found = []  # nobody was deleted
        if order := query.get("orderBy"):
            keys = {"email": lambda one: one.email, "familyName": lambda one: one.family,
                    "givenName": lambda one: one.given}  # fmt: skip
            if order not in keys:
                raise invalid("orderBy")
            found.sort(key=keys[order], reverse=query.get("sortOrder") == "DESCENDING")
        size = page_size(query.get("maxResults"), "max_results", 100, 500)
        return self._page(call, "users", [self._told(one, public=public) for one in found], size)

    def user(self, call: Call) -> Answer:
        """GET /users/{userKey}"""
        public = self._may(call)
        found = self._accounts.find(call.params["userKey"])
        if found is None or found not in self._accounts.users:
            raise refuse(404, "notFound", "Resource Not Found: userKey")
        return self._one(call, self._told(found, public=public), USER)

    def groups(self, call: Call) -> Answer:
        """GET /groups"""
        self._may(call)
        query, found = call.query, list(self._accounts.groups.values())
        if key := query.get("userKey"):
            account = self._accounts.find(key)
            if account is None:
                raise refuse(404, "notFound", "Resource Not Found: userKey")
            found = [one for one in found if account.key in one.members]
        else:
            self._whose(query, "badRequest")
        found.sort(key=lambda one: one.email)
        size = page_size(query.get("maxResults"), "max_results", 200, 200)
        return self._page(call, "groups", [self._group(one) for one in found], size)

    def group(self, call: Call) -> Answer:
        """GET /groups/{groupKey}"""
        self._may(call)
        return self._one(call, self._group(self._team(call)), GROUP)

    def members(self, call: Call) -> Answer:
        """GET /groups/{groupKey}/members"""
        self._may(call)
        team = self._team(call)
        derived = call.query.get("includeDerivedMembership", "false").lower() == "true"
        roles = {one.strip().upper() for one in call.query.get("roles", "").split(",") if one.strip()}
        found = [one for one in self._members(team, derived=derived) if not roles or one["role"] in roles]
        size = page_size(call.query.get("maxResults"), "max_results", 200, 200)
        return self._page(call, "members", found, size)

    def member(self, call: Call) -> Answer:
        """GET /groups/{groupKey}/members/{memberKey}"""
        self._may(call)
        wanted = call.params["memberKey"].lower()
        for one in self._members(self._team(call), derived=False):
            if wanted in (one["email"], one["id"]):
                return self._one(call, one, MEMBER)
        raise refuse(404, "notFound", "Resource Not Found: memberKey")

    def has_member(self, call: Call) -> Answer:
        """GET /groups/{groupKey}/hasMember/{memberKey}: in it directly or through another group."""
        self._may(call)
        account = self._accounts.find(call.params["memberKey"])
        if account is None:
            raise refuse(400, "invalid", "Invalid Input: memberKey")
        inside = self._team(call).key in self._accounts.groups_of[account.key]
        return json_answer({"isMember": inside}, kind=KIND)

    def _may(self, call: Call) -> bool:
        """Whether only public facts are asked for. Raises Refusal for who may not ask."""
        account = caller_of(call).account
        if not account.customer and not account.service:
            raise refuse(404, "notFound", "Domain not found.")
        if account.customer == self._accounts.customer and account.administrator:
            return call.query.get("viewType") == "domain_public"
        at_home = account.customer == self._accounts.customer
        if at_home and call.query.get("viewType") == "domain_public" and "userKey" not in call.query:
            return True
        raise refuse(403, "forbidden", FORBIDDEN)

    def _whose(self, query: dict[str, str], reason: str) -> None:
        customer, domain = query.get("customer", ""), query.get("domain", "")
        if not customer and not domain:
            raise refuse(400, reason, "Bad Request")
        if customer and customer not in ("my_customer", self._accounts.customer):
            raise bad_request("Invalid Input: customer")
        if domain and domain != self._accounts.administrator.domain:
            raise refuse(404, "notFound", "Domain not found.")

    def _query(self, text: str) -> Callable[[Account], bool]:
        tests: list[Callable[[Account], bool]] = []
        at = 0
        while at < len(text.rstrip()):
            found = TERM.match(text, at)
            if found is None:
                raise invalid("query")
            tests.append(_test(*found.groups()))
            at = found.end()
        return lambda one: all(test(one) for test in tests)

    def _team(self, call: Call) -> Team:
        key = call.params["groupKey"].lower()
        for one in self._accounts.groups.values():
            if key in (one.email, one.id):
                return one
        raise refuse(404, "notFound", "Resource Not Found: groupKey")

    def _members(self, team: Team, *, derived: bool) -> list[dict[str, Any]]:
        told: dict[str, dict[str, Any]] = {}
        open_, seen = [team], {team.key}
        while open_:
            at = open_.pop(0)
            for key in at.members:
                account = self._accounts.by_key[key]
                status = "SUSPENDED" if account.suspended else "ACTIVE"
                told.setdefault(key, self._member(account.id, account.email, "USER", status))
            for key in at.groups:
                inner = self._accounts.groups_by_key[key]
                told.setdefault(key, self._member(inner.id, inner.email, "GROUP", "ACTIVE"))
                if derived and key not in seen:
                    seen.add(key)
                    open_.append(inner)
        return list(told.values())

    def _member(self, member_id: str, email: str, kind: str, status: str) -> dict[str, Any]:
        return {
            "kind": "admin#directory#member", "etag": self._etag("member", member_id), "id": member_id,
            "email": email, "role": "MEMBER", "type": kind, "status": status,
        }  # fmt: skip

    def _group(self, team: Team) -> dict[str, Any]:
        return {
            "kind": "admin#directory#group", "id": team.id, "etag": self._etag("group", team.id), "email": team.email,
            "name": team.name, "directMembersCount": str(len(team.members) + len(team.groups)), "description": "",
            "adminCreated": True,
        }  # fmt: skip

    def _told(self, account: Account, *, public: bool) -> dict[str, Any]:
        age = self._ids.number("google", "since", account.number, below=300_000_000)
        told: dict[str, Any] = {
            "kind": "admin#directory#user", "id": account.id, "etag": self._etag("user", account.id),
            "primaryEmail": account.email,
            "name": {"givenName": account.given, "familyName": account.family, "fullName": account.name},
            "isAdmin": account.administrator, "isDelegatedAdmin": False,
            "lastLoginTime": rfc3339(CREATED + age + 40_000_000, 3), "creationTime": rfc3339(CREATED + age, 3),
            "agreedToTerms": True, "suspended": account.suspended, "archived": False,
            "changePasswordAtNextLogin": False, "ipWhitelisted": False,
            "emails": [
                {"address": account.email, "primary": True}, *({"address": one} for one in account.aliases)
            ],
            "customerId": account.customer, "orgUnitPath": unit_of(account), "isMailboxSetup": True,
            "isEnrolledIn2Sv": False, "isEnforcedIn2Sv": False, "includeInGlobalAddressList": True,
        }  # fmt: skip
        if account.aliases:
            told["aliases"] = list(account.aliases)
        if account.suspended:
            told["suspensionReason"] = "ADMIN"
        return {name: value for name, value in told.items() if name in PUBLIC} if public else told

    def _etag(self, *words: object) -> str:
        return '"' + self._ids.base64url("google", "etag", *words, count=43) + '"'

    def _page(self, call: Call, name: str, found: list[dict[str, Any]], size: int) -> Answer:
        """One page of a list; the key of an empty list is left out."""
        now = self._clock.now()
        what = "&".join(f"{key}={call.query[key]}" for key in sorted(call.query) if key != "pageToken")
        begin = place(call.query.get("pageToken", ""), f"{call.path}?{what}", now, TOKEN_SECONDS)
        told: dict[str, Any] = {"kind": f"admin#directory#{name}", "etag": self._etag(name, len(found))}
        if some := found[begin : begin + size]:
            told[name] = some
        if begin + size < len(found):
            told["nextPageToken"] = page_token(f"{call.path}?{what}", begin + size, now)
        return self._one(call, told, LISTS[name])

    def _one(self, call: Call, told: dict[str, Any], shape: Shape) -> Answer:
        if "fields" in call.query:
            told = prune(told, parse(call.query["fields"], shape))
        return json_answer(told, kind=KIND)


def _test(name: str, sign: str, value: str) -> Callable[[Account], bool]:
    """One term of a query; a text that ends with * matches what begins so."""
    if value[:1] in "'\"":
        value = value[1:-1].replace("\\'", "'")
    if name in FLAGS:
        if value.lower() not in ("true", "false"):
            raise invalid("query")
        wanted, flag = value.lower() == "true", FLAGS[name]
        return lambda one: flag(one) == wanted
    if name not in TEXTS:
        raise invalid("query")
    texts, sought = TEXTS[name], value.lower()
    if sought.endswith("*"):
        return lambda one: any(text.lower().startswith(sought[:-1]) for text in texts(one))
    if sign == ":" and name != "orgUnitPath":
        return lambda one: any(sought in re.split(r"[\s@._-]+", text.lower()) or sought == text.lower()
                               for text in texts(one))  # fmt: skip
    return lambda one: any(sought == text.lower() for text in texts(one))
