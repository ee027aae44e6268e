"""Graph's directory: people, groups, the organisation."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.inside import Inside, inside


@pytest.fixture
async def ms() -> AsyncIterator[Inside]:
    """Microsoft alone."""
    async with inside("microsoft") as made:
        yield made


async def app(ms: Inside) -> str:
    known = ms.services["office365"]
    fields = {"client_id": known["client_id"], "client_secret": known["client_secret"], "scope": ".default"}
    status, told = await ms.token("/aurora.example/oauth2/v2.0/token", **fields, grant_type="client_credentials")
    assert status == 200
    return str(told["access_token"])


async def person(ms: Inside, index: int = 3, scopes: str = "User.Read") -> tuple[str, dict[str, Any]]:
    known = ms.services["onedrive-business"]
    who: dict[str, Any] = known["accounts"][index]
    told = await ms.do("sign-in", client_id=known["client_id"], user=who["user"], scopes=scopes)
    return str(told["access_token"]), who


async def everybody(ms: Inside, token: str, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while path:
        status, told = await ms.get(path, token)
        assert status == 200 and told["value"]
        found += told["value"]
        path = told.get("@odata.nextLink", "")
    return found


async def test_users_come_in_pages_with_guests_and_without_personal_accounts(ms: Inside) -> None:
    token = await app(ms)
    whole = await everybody(ms, token, "/v1.0/users?$top=999&$select=id,userPrincipalName,userType,accountEnabled")
    paged = await everybody(ms, token, "/v1.0/users?$top=7&$select=id")
    assert [one["id"] for one in whole] == [one["id"] for one in paged] and set(paged[0]) == {"id"}
    kinds = [one["userType"] for one in whole]
    assert (kinds.count("Member"), kinds.count("Guest")) == (25, 5)
    assert any("#EXT#" in one["userPrincipalName"] for one in whole)
    assert not all(one["accountEnabled"] for one in whole)


@pytest.mark.parametrize("query", ["$top=0", "$top=1000", "$skip=5", "$count=true", "$filter=strange(x)"])
async def test_what_the_directory_refuses(ms: Inside, query: str) -> None:
    status, told = await ms.get(f"/v1.0/users?{query}", await app(ms))
    assert status == 400 and told["error"]["code"].startswith("Request_")
    assert set(told["error"]["innerError"]) >= {"date", "request-id", "client-request-id"}


async def test_filter_search_and_count(ms: Inside) -> None:
    token, eventual = await app(ms), {"ConsistencyLevel": "eventual"}
    _, told = await ms.get("/v1.0/users?$count=true&$top=3", token, **eventual)
    assert told["@odata.count"] == 30
    _, second = await ms.get(told["@odata.nextLink"], token, **eventual)
    assert "@odata.count" not in second and len(second["value"]) == 3
    upn = told["value"][0]["userPrincipalName"]
    _, found = await ms.get(f"/v1.0/users?$filter=userPrincipalName eq '{upn.upper()}'", token)
    assert [one["userPrincipalName"] for one in found["value"]] == [upn]
    _, found = await ms.get("/v1.0/users?$filter=accountEnabled eq false and startsWith(displayName,'')", token)
    assert len(found["value"]) == 1
    name = told["value"][0]["displayName"]
    _, found = await ms.get(f'/v1.0/users?$search="displayName:{name}"', token, **eventual)
    assert name in [one["displayName"] for one in found["value"]]


async def test_licences_say_who_may_have_a_drive(ms: Inside) -> None:
    token = await app(ms)
    licensed = {}
    for who in ms.services["onedrive-business"]["accounts"]:
        _, told = await ms.get(f"/v1.0/users/{who['details']['id']}/licenseDetails", token)
        licensed[who["user"]] = bool(told["value"])
    wanted = {one["user"]: one["details"]["licensed"] for one in ms.services["onedrive-business"]["accounts"]}
    assert licensed == wanted and set(licensed.values()) == {True, False}


async def test_a_person_sees_themselves_and_the_organisation(ms: Inside) -> None:
    token, who = await person(ms)
    status, me = await ms.get("/v1.0/me?$select=id,mail,userPrincipalName", token)
    assert (status, me["userPrincipalName"], me["id"]) == (200, who["user"], who["details"]["id"])
    assert (await ms.get(f"/v1.0/users/{who['user'].upper()}", token))[0] == 200
    other = ms.services["onedrive-business"]["accounts"][4]["user"]
    assert (await ms.get(f"/v1.0/users/{other}", token))[0] == 403
    assert (await ms.get("/v1.0/users", token))[0] == 403
    _, told = await ms.get("/v1.0/organization", token)
    domains = {one["name"]: one["isDefault"] for one in told["value"][0]["verifiedDomains"]}
    assert domains == {"aurora.example": True, "aurora.onmicrosoft.com": False}
    status, told = await ms.get("/v1.0/users/nobody@aurora.example", await app(ms))
    assert (status, told["error"]["code"]) == (404, "Request_ResourceNotFound")


async def test_groups_have_members_and_groups(ms: Inside) -> None:
    token = await app(ms)
    groups = {one["displayName"]: one for one in await everybody(ms, token, "/v1.0/groups?$top=3")}
    teams = {one.name for one in ms.box.world.organisation.spaces}
    assert len(groups) == 10 + len(teams) and teams < set(groups)
    unified = await everybody(ms, token, "/v1.0/groups?$filter=groupTypes/any(c:c eq 'Unified')")
    assert len(unified) == 9 + len(teams)
    inner = await everybody(ms, token, f"/v1.0/groups/{groups['All Staff']['id']}/members")
    assert {one["@odata.type"] for one in inner} == {"#microsoft.graph.group"} and len(inner) == 8
    sales = await everybody(ms, token, f"/v1.0/groups/{groups['Sales']['id']}/members")
    assert {one["@odata.type"] for one in sales} == {"#microsoft.graph.user"}
    assert (await ms.get(f"/v1.0/groups/{groups['Sales']['id']}", token))[1]["displayName"] == "Sales"
    assert (await ms.get("/v1.0/groups/none", token))[0] == 404


async def test_what_is_not_simulated_says_so(ms: Inside) -> None:
    status, told = await ms.get("/v1.0/me/messages", await app(ms))
    assert (status, told["error"]["code"]) == (501, "notImplemented")
