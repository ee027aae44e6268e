"""Egnyte's sign-in: code with the domain's host, password, refresh, and how tokens end and are throttled."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.inside import Form, Inside, inside

TOKEN = "/puboauth/token"


@pytest.fixture
async def egnyte() -> AsyncIterator[Inside]:
    """Egnyte alone."""
    async with inside("egnyte") as made:
        yield made


def client(egnyte: Inside) -> dict[str, str]:
    return {name: egnyte.services["egnyte"][name] for name in ("client_id", "client_secret")}


def member(egnyte: Inside, index: int = 3) -> dict[str, Any]:
    found: dict[str, Any] = egnyte.services["egnyte"]["accounts"][index]
    return found


def asking(egnyte: Inside, **more: str) -> dict[str, str]:
    redirect = egnyte.services["egnyte"]["redirect_uris"][0]
    known = {"client_id": client(egnyte)["client_id"], "response_type": "code", "redirect_uri": redirect}
    return {**known, "state": "s", **more}


async def by_password(egnyte: Inside, index: int = 3, **more: str) -> dict[str, Any]:
    who = member(egnyte, index)
    fields = {**client(egnyte), "grant_type": "password", "username": who["user"], "password": who["password"], **more}
    status, told = await egnyte.token(TOKEN, **fields)
    assert status == 200, told
    found: dict[str, Any] = told
    return found


@pytest.mark.parametrize("path", ["/puboauth/token", "/puboauth/authorize"])
async def test_a_code(egnyte: Inside, path: str) -> None:
    who, query = member(egnyte), asking(egnyte, scope="Egnyte.filesystem Egnyte.user")
    back = await egnyte.consent(path, query, who["user"], who["password"])
    fields = {**client(egnyte), "grant_type": "authorization_code", "code": back["code"]}
    fields["redirect_uri"] = query["redirect_uri"]
    status, told = await egnyte.token(TOKEN, **fields, scope="Egnyte.link")
    assert (status, told["error"]) == (400, "invalid_scope")
    status, told = await egnyte.token(TOKEN, **fields)
    assert status == 200 and told["expires_in"] == 2_592_000 and told["scope"] == query["scope"]
    _, me = await egnyte.get("/pubapi/v1/userinfo", told["access_token"])
    assert (me["username"], me["id"], me["user_type"]) == (who["user"], who["details"]["id"], "power")
    _, told = await egnyte.get("/pubapi/v1/whoami", told["access_token"])
    assert told == {
        "clientId": fields["client_id"], "username": who["user"], "domain": "aurora",
        "scopes": ["Egnyte.filesystem", "Egnyte.user"],
    }  # fmt: skip
    assert (await egnyte.token(TOKEN, **fields))[1]["error"] == "invalid_grant"


async def test_saying_no_and_the_implicit_flow(egnyte: Inside) -> None:
    who = member(egnyte)
    back = await egnyte.consent(TOKEN, asking(egnyte), who["user"], who["password"], "cancel")
    assert (back["error"], back["state"]) == ("access_denied", "s")
    back = await egnyte.consent(TOKEN, asking(egnyte, response_type="token"), who["user"], who["password"])
    assert back["token_type"] == "bearer" and (await egnyte.get("/pubapi/v1/userinfo", back["access_token"]))[0] == 200
    assert (await egnyte.page(TOKEN, asking(egnyte, redirect_uri="https://evil.example")))[0] == 400


async def test_the_page_that_asks_for_the_domain(egnyte: Inside) -> None:
    query, path = asking(egnyte), "/services/oauth/code"
    _, page = await egnyte.page(path, query)
    assert "domain" in Form(page).fields
    assert "There is no such domain" in (await egnyte.page(path, query, domain="other"))[1]
    _, _, answer = await egnyte("POST", path, params=query, data={"domain": "https://aurora.egnyte.com/"})
    assert answer.status == 303 and "/puboauth/token?client_id=" in answer.headers["Location"]


async def test_a_refresh_gives_a_new_pair(egnyte: Inside) -> None:
    told, fields = await by_password(egnyte), {**client(egnyte), "grant_type": "refresh_token"}
    status, second = await egnyte.token(TOKEN, **fields, refresh_token=told["refresh_token"])
    assert status == 200 and second["refresh_token"] != told["refresh_token"]
    assert (await egnyte.token(TOKEN, **fields, refresh_token=told["refresh_token"]))[1]["error"] == "invalid_grant"
    await egnyte.step(2_592_001)
    assert (await egnyte.get("/pubapi/v1/userinfo", second["access_token"]))[0] == 401


async def test_an_older_key_has_tokens_that_live_until_the_password_changes(egnyte: Inside) -> None:
    details = egnyte.services["egnyte"]["details"]
    told = await by_password(egnyte, client_id=details["classic_client_id"], client_secret=details["classic_secret"])
    assert told["expires_in"] == -1 and "refresh_token" not in told
    await egnyte.step(400 * 86_400)
    assert (await egnyte.get("/pubapi/v1/userinfo", told["access_token"]))[0] == 200
    await egnyte.do("change-password", user=member(egnyte)["user"])
    assert (await egnyte.get("/pubapi/v1/userinfo", told["access_token"]))[0] == 401


async def test_only_internal_keys_take_passwords(egnyte: Inside) -> None:
    await egnyte.do("register-app", client_id="public", secret="s", redirect_uris=[])
    who = member(egnyte)
    fields = {"grant_type": "password", "username": who["user"], "password": who["password"]}
    status, told = await egnyte.token(TOKEN, client_id="public", client_secret="s", **fields)
    assert (status, told["error"]) == (400, "unauthorized_client")
    status, told = await egnyte.token(TOKEN, **client(egnyte), **{**fields, "password": "x"})
    assert (status, told["error"]) == (400, "invalid_grant")
    status, told = await egnyte.token(TOKEN, client_id=client(egnyte)["client_id"], client_secret="x", **fields)
    assert (status, told["error"]) == (401, "invalid_client")


async def test_revoking_ends_both_of_a_pair(egnyte: Inside) -> None:
    told = await by_password(egnyte)
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    status, _, _ = await egnyte(
        "POST", "/pubapi/v1/tokens/revoke", data={"token": told["access_token"]}, headers=headers
    )
    assert status == 200
    assert (await egnyte.get("/pubapi/v1/userinfo", told["access_token"]))[0] == 401
    fields = {**client(egnyte), "grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    assert (await egnyte.token(TOKEN, **fields))[0] == 400
    status, _, answer = await egnyte("GET", "/pubapi/v1/userinfo", headers={"Authorization": "Bearer none"})
    assert (status, answer.headers["X-Mashery-Error-Code"]) == (403, "ERR_403_DEVELOPER_INACTIVE")


async def test_only_administrators_act_as_others(egnyte: Inside) -> None:
    admin, other, who = await by_password(egnyte, 0), await by_password(egnyte, 4), member(egnyte)
    path = "/pubapi/v1/userinfo"
    for name, word in (("X-Egnyte-Act-As", who["user"]), ("X-Egnyte-Act-As-Email", who["details"]["email"])):
        assert (await egnyte.get(path, admin["access_token"], **{name: word}))[1]["username"] == who["user"]
        assert (await egnyte.get(path, other["access_token"], **{name: word}))[0] == 403


async def test_calls_are_throttled_by_the_second_and_by_the_day(egnyte: Inside) -> None:
    token, path = (await by_password(egnyte))["access_token"], "/pubapi/v1/userinfo"
    headers = {"Authorization": f"Bearer {token}"}
    await egnyte.control("POST", "clock", {"stop": 1_790_000_000})
    await egnyte.control("PUT", "settings", {"quotas": {"calls a second": 2, "calls a day": 4}})
    told = [await egnyte("GET", path, headers=headers) for _ in range(3)]
    seen = [one[2] for one in told]
    assert [one.status for one in seen] == [200, 200, 403]
    assert seen[0].headers["X-Accesstoken-Qps-Allotted"] == "2"
    assert [one.headers["X-Accesstoken-Quota-Current"] for one in seen[:2]] == ["1", "2"]
    assert seen[2].headers["X-Mashery-Error-Code"] == "ERR_403_DEVELOPER_OVER_QPS"
    assert seen[2].headers["Retry-After"] == "1" and told[2][1] == "<h1>Developer Over Qps</h1>"
    await egnyte.step(1)
    assert (await egnyte("GET", path, headers=headers))[0] == 200
    assert (await egnyte("GET", path, headers=headers))[0] == 200
    await egnyte.step(1)
    _, _, answer = await egnyte("GET", path, headers=headers)
    assert (answer.status, answer.headers["X-Mashery-Error-Code"]) == (403, "ERR_403_DEVELOPER_OVER_RATE")
    wait = int(answer.headers["Retry-After"])
    assert 86_400 - (1_790_000_002 % 86_400) <= wait <= 86_400
    await egnyte.do("gateway", modern=True)
    status, body, answer = await egnyte("GET", path, headers=headers)
    assert status == 429 and "errorcode" in body["fault"]["detail"] and answer.headers["Retry-After"]
    await egnyte.step(wait)
    assert (await egnyte("GET", path, headers=headers))[0] == 200, "the day's budget begins anew at midnight"


async def test_the_token_endpoint_is_throttled_with_409(egnyte: Inside) -> None:
    await egnyte.control("PUT", "settings", {"quotas": {"tokens an hour and user": 2}})
    who = member(egnyte)
    fields = {**client(egnyte), "grant_type": "password", "username": who["user"], "password": who["password"]}
    assert [(await egnyte.token(TOKEN, **fields))[0] for _ in range(3)] == [200, 200, 409]
