"""Graph's directory: people, the organisation, groups, licences."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal
from haulage.sandbox.microsoft.directory import Tenant, User
from haulage.sandbox.microsoft.wire import GRAPH, graph_answer, graph_error
from haulage.sandbox.organisation.people import Group

if TYPE_CHECKING:
    from haulage.sandbox.microsoft import Caller, Microsoft

V1 = "/v1.0"
CREATED = 1_420_070_400.0
SKU = "6fd2c87f-b296-42f0-b197-1e91e994b900"
SKU_NAME = "ENTERPRISEPACK"
PLAN = "5dbe027f-2339-4123-9542-606e4d348a72"
READ_USERS = "User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
READ_GROUPS = "Group.Read.All Group.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
READ_ME = f"User.Read User.ReadBasic.All {READ_USERS}"
READ_ORGANISATION = f"Organization.Read.All User.Read {READ_USERS}"
REVOKE = "User.RevokeSessions.All User.ReadWrite.All Directory.ReadWrite.All"
USER_FIELDS = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip
EQUALS = re.compile(r"(\w+)\s+eq\s+(?:'((?:[^']|'')*)'|(true|false))", re.IGNORECASE)
STARTS = re.compile(r"startsWith\((\w+),\s*'((?:[^']|'')*)'\)", re.IGNORECASE)
UNIFIED = re.compile(r"groupTypes/any\(c:\s*c\s+eq\s+'Unified'\)", re.IGNORECASE)


class People:
    """/me, /users, /groups, /organization."""

    def __init__(self, service: "Microsoft") -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Its endpoints."""

        def route(method: str, path: str, source: str, handler: Any, scope: str) -> Route:
            return Route(method, GRAPH, f"{V1}{path}", f"{method} {path}", source, handler, scope)

        return [
            route("GET", "/me", "user-get", self.me, READ_ME),
            route("GET", "/me/licenseDetails", "licence", self.my_licences, READ_ME),
            route("POST", "/me/revokeSignInSessions", "revoke", self.revoke_mine, f"{REVOKE} User.ReadWrite"),
            route("GET", "/users", "user-list", self.users, f"User.ReadBasic.All {READ_USERS}"),
            route("GET", "/users/{user}", "user-get", self.user, READ_ME),
            route("GET", "/users/{user}/licenseDetails", "licence", self.licences, READ_ME),
            route("POST", "/users/{user}/revokeSignInSessions", "revoke", self.revoke, REVOKE),
            route("GET", "/organization", "organization-get", self.organization, READ_ORGANISATION),
            route("GET", "/groups", "group-list", self.groups, READ_GROUPS),
            route("GET", "/groups/{group}", "group-get", self.group, READ_GROUPS),
            route("GET", "/groups/{group}/members", "group-members", self.members, READ_GROUPS),
        ]

    def caller(self, call: Call) -> "Caller":
        """Who calls; they were let in."""
        return self._service.admitted(call)

    def signed_in(self, call: Call) -> User:
        """The account behind /me. Raises Refusal for an application by itself."""
        caller = self.caller(call)
        if caller.user is None:
            text = "/me request is only valid with delegated authentication flow."
            raise Refusal(graph_error(call, 400, "BadRequest", text))
        return caller.user

    def listed(self, call: Call) -> User:
        """The user that the path names. Raises Refusal."""
        caller, name = self.caller(call), call.params["user"]
        if caller.user is not None and name.lower() in (caller.user.id, caller.user.upn.lower()):
            return caller.user
        found = self._service.directory.listed(name, caller.tenant)
        if found is None:
            text = f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
            raise Refusal(graph_error(call, 404, "Request_ResourceNotFound", text))
        if call.method == "GET" and caller.scopes.isdisjoint(f"User.ReadBasic.All {READ_USERS}".split()):
            raise Refusal(self._service.not_allowed(call))  # User.Read is for oneself
        return found

    def me(self, call: Call) -> Answer:
        """The account that is signed in."""
        return self._one(call, self.signed_in(call))

    def user(self, call: Call) -> Answer:
        """One user."""
        return self._one(call, self.listed(call))

    def _one(self, call: Call, user: User) -> Answer:
        context = {"@odata.context": f"{call.at(GRAPH)}{V1}/$metadata#users/$entity"}
        return graph_answer(call, {**context, **self._fields(call, self.facts(user), USER_FIELDS)})

    def facts(self, user: User) -> dict[str, Any]:
        """Every field of a user that is known here."""
        person = user.person
        plans = [{"assignedDateTime": rfc3339(CREATED), "capabilityStatus": "Enabled", "service": "SharePoint",
                  "servicePlanId": PLAN}] if user.licensed and not user.personal else []  # fmt: skip
        return {
            "id": user.id,
            "businessPhones": [],
            "displayName": person.name,
            "givenName": person.given,
            "surname": person.family,
            "jobTitle": None,
            "mail": user.mail,
            "mobilePhone": None,
            "officeLocation": None,
            "preferredLanguage": None,
            "userPrincipalName": user.upn,
            "accountEnabled": person.active,
            "department": person.department or None,
            "userType": "Guest" if user.guest else "Member",
            "createdDateTime": rfc3339(CREATED),
            "assignedLicenses": [{"disabledPlans": [], "skuId": SKU}] if plans else [],
            "assignedPlans": plans,
            "proxyAddresses": [f"SMTP:{user.mail}", *(f"smtp:{one}" for one in person.aliases)],
            "otherMails": [],
        }

    def _fields(self, call: Call, facts: dict[str, Any], default: tuple[str, ...]) -> dict[str, Any]:
        chosen = call.query.get("$select") or call.query.get("select")
        names = [one.strip() for one in chosen.split(",")] if chosen else default
        return {name: facts[name] for name in names if name in facts}

    def users(self, call: Call) -> Answer:
        """A page of the tenant's users."""
        caller = self.caller(call)
        if caller.tenant.personal:
            return self._service.not_allowed(call)
        found = [self.facts(one) for one in self._service.directory.users_of(caller.tenant)]
        return self._page(call, "users", self._filtered(call, found), USER_FIELDS)

    def _filtered(self, call: Call, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What `$filter` leaves: `field eq value` and `startsWith(field,'text')`, joined by `and`."""
        told = call.query.get("$filter", "").strip()
        for clause in re.split(r"\s+and\s+", told) if told else []:
            if (equals := EQUALS.fullmatch(clause)) is not None:
                name, text, truth = equals.groups()
                wanted: Any = truth.lower() == "true" if truth else text.replace("''", "'").lower()
                found = [one for one in found if _low(one.get(name)) == wanted]
            elif (starts := STARTS.fullmatch(clause)) is not None:
                name, text = starts.group(1), starts.group(2).replace("''", "'").lower()
                found = [one for one in found if str(_low(one.get(name))).startswith(text)]
            elif UNIFIED.fullmatch(clause):
                found = [one for one in found if "Unified" in one.get("groupTypes", ())]
            else:
                raise Refusal(graph_error(call, 400, "Request_UnsupportedQuery", f"Unsupported query: {clause}"))
        return found

    def _page(self, call: Call, path: str, found: list[dict[str, Any]], fields: tuple[str, ...]) -> Answer:
        """`$top` from 1 to 999, default 100; `$count` and `$search` ask for ConsistencyLevel."""
        query = call.query
        eventual = call.headers.get("ConsistencyLevel", "").lower() == "eventual"
        if "$skip" in query or (("$search" in query or "$count" in query) and not eventual):
            raise Refusal(graph_error(call, 400, "Request_UnsupportedQuery", "Unsupported query."))
        if "$search" in query:
            name, _, text = query["$search"].strip('"').partition(":")
            found = [one for one in found if text.lower() in str(_low(one.get(name)))]
        told = query.get("$top", "100")
        if not told.isdigit() or not 1 <= int(told) <= 999:
            text = f"Invalid page size specified: '{told}'. Must be between 1 and 999 inclusive."
            raise Refusal(graph_error(call, 400, "Request_BadRequest", text))
        start = int(query.get("$skiptoken", "0")) if query.get("$skiptoken", "0").isdigit() else 0
        stop = start + int(told)
        document: dict[str, Any] = {"@odata.context": f"{call.at(GRAPH)}{V1}/$metadata#{path}"}
        if query.get("$count", "").lower() == "true" and start == 0:
            document["@odata.count"] = len(found)
        document["value"] = [self._fields(call, one, fields) for one in found[start:stop]]
        if stop < len(found):
            document["@odata.nextLink"] = _next(call, stop)
        return graph_answer(call, document)

    def my_licences(self, call: Call) -> Answer:
        """What the account that is signed in is licensed for."""
        return self._licences(call, self.signed_in(call))

    def licences(self, call: Call) -> Answer:
        """What a user is licensed for."""
        return self._licences(call, self.listed(call))

    def _licences(self, call: Call, user: User) -> Answer:
        plan = {
            "appliesTo": "User",
            "provisioningStatus": "Success",
            "servicePlanId": PLAN,
            "servicePlanName": "SHAREPOINTENTERPRISE",
        }
        licence = {"id": user.id[:22], "skuId": SKU, "skuPartNumber": SKU_NAME, "servicePlans": [plan]}
        has = user.licensed and not user.personal
        context = f"{call.at(GRAPH)}{V1}/$metadata#users('{user.id}')/licenseDetails"
        return graph_answer(call, {"@odata.context": context, "value": [licence] if has else []})

    def revoke_mine(self, call: Call) -> Answer:
        """End all sessions of the account that is signed in."""
        return self._revoke(call, self.signed_in(call))

    def revoke(self, call: Call) -> Answer:
        """End all sessions of a user."""
        return self._revoke(call, self.listed(call))

    def _revoke(self, call: Call, user: User) -> Answer:
        if user.personal or user.guest:
            return self._service.not_allowed(call)
        for grant in self._service.oauth.grants_of(user.upn):
            grant.ended = "sessions"
        call.event.changes.append(Change("account", user.id))
        return graph_answer(call, {"@odata.context": f"{call.at(GRAPH)}{V1}/$metadata#Edm.Boolean", "value": True})

    def organization(self, call: Call) -> Answer:
        """The tenant."""
        tenant = self.caller(call).tenant
        found = [] if tenant.personal else [organisation(tenant)]
        return graph_answer(call, {"@odata.context": f"{call.at(GRAPH)}{V1}/$metadata#organization", "value": found})

    def groups(self, call: Call) -> Answer:
        """A page of the groups."""
        caller = self.caller(call)
        known = self._service.directory.groups if caller.tenant == self._service.directory.organisation else {}
        found = [group_facts(key, one) for key, one in known.items()]
        return self._page(call, "groups", self._filtered(call, found), tuple(found[0]) if found else ())

    def _group(self, call: Call) -> tuple[str, Group]:
        key = call.params["group"].lower()
        caller, known = self.caller(call), self._service.directory.groups
        if key not in known or caller.tenant != self._service.directory.organisation:
            text = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
            raise Refusal(graph_error(call, 404, "Request_ResourceNotFound", text))
        return key, known[key]

    def group(self, call: Call) -> Answer:
        """One group."""
        key, group = self._group(call)
        facts = group_facts(key, group)
        context = {"@odata.context": f"{call.at(GRAPH)}{V1}/$metadata#groups/$entity"}
        return graph_answer(call, {**context, **self._fields(call, facts, tuple(facts))})

    def members(self, call: Call) -> Answer:
        """The direct members of a group: users and groups."""
        _, group = self._group(call)
        directory = self._service.directory
        users = [{"@odata.type": "#microsoft.graph.user", **self.facts(one)} for one in directory.members(group)]
        by_name = directory.group_ids
        inner = [
            {"@odata.type": "#microsoft.graph.group", **group_facts(by_name[name], directory.groups[by_name[name]])}
            for name in group.groups
        ]
        fields = ("@odata.type", *USER_FIELDS)
        return self._page(call, "directoryObjects", [*users, *inner], fields)


def organisation(tenant: Tenant) -> dict[str, Any]:
    """A tenant as /organization has it."""
    plan = {"assignedDateTime": rfc3339(CREATED), "capabilityStatus": "Enabled", "service": "SharePoint",
            "servicePlanId": PLAN}  # fmt: skip
    domains = [
        {"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": name == tenant.domain,
         "isInitial": name == tenant.initial, "name": name, "type": "Managed"}
        for name in (tenant.domain, tenant.initial)
    ]  # fmt: skip
    return {
        "id": tenant.id,
        "displayName": tenant.name,
        "tenantType": "AAD",
        "createdDateTime": rfc3339(CREATED),
        "countryLetterCode": "DE",
        "verifiedDomains": domains,
        "assignedPlans": [plan],
    }


def group_facts(key: str, group: Group) -> dict[str, Any]:
    """A group as Graph has it: each is a Microsoft 365 group, except those of groups, which are for security."""
    unified = not group.groups
    return {
        "id": key,
        "displayName": group.name,
        "description": None,
        "mail": group.email if unified else None,
        "mailEnabled": unified,
        "mailNickname": group.email.partition("@")[0],
        "groupTypes": ["Unified"] if unified else [],
        "securityEnabled": not unified,
        "createdDateTime": rfc3339(CREATED),
        "visibility": "Private" if unified else None,
    }


def _low(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _next(call: Call, start: int) -> str:
    query = {**call.query, "$skiptoken": str(start)}
    return f"{call.at(GRAPH)}{call.path}?{urlencode(query, quote_via=quote, safe='$,')}"
