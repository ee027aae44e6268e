"""Dropbox's sign-in, and what tokens of an account and of a team may do."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.inside import CHALLENGE, VERIFIER, Inside, inside

AUTHORIZE, TOKEN = "/oauth2/authorize", "/oauth2/token"
TEAM = "team_info.read members.read team_data.member groups.read account_info.read"


@pytest.fixture
async def dropbox() -> AsyncIterator[Inside]:
    """Dropbox alone."""
    async with inside("dropbox") as made:
        yield made


def client(dropbox: Inside) -> dict[str, str]:
    return {name: dropbox.services["dropbox"][name] for name in ("client_id", "client_secret")}


def member(dropbox: Inside, index: int = 3) -> dict[str, Any]:
    found: dict[str, Any] = dropbox.services["dropbox"]["accounts"][index]
    return found


def asking(dropbox: Inside, **more: str) -> dict[str, str]:
    redirect = dropbox.services["dropbox"]["redirect_uris"][0]
    known = {"client_id": client(dropbox)["client_id"], "response_type": "code", "redirect_uri": redirect, "state": "s"}
    return {**known, "token_access_type": "offline", **more}


async def rpc(dropbox: Inside, path: str, token: str, document: Any = None, **headers: str) -> tuple[int, Any]:
    told = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    status, body, answer = await dropbox("POST", f"/2/{path}", headers=told, data=json.dumps(document))
    if status == 200:
        assert answer.headers["Content-Type"] == "application/json"
    return status, body


async def signed_in(dropbox: Inside, scopes: str = "", index: int = 3) -> str:
    fields = {"client_id": client(dropbox)["client_id"], "user": member(dropbox, index)["user"], "scopes": scopes}
    return str((await dropbox.do("sign-in", **fields))["access_token"])


async def test_a_code_by_pkce_without_a_secret(dropbox: Inside) -> None:
    who, redirect = member(dropbox), asking(dropbox)["redirect_uri"]
    query = asking(dropbox, code_challenge=CHALLENGE, code_challenge_method="S256", scope="account_info.read")
    back = await dropbox.consent(AUTHORIZE, query, who["user"], who["password"])
    assert back["state"] == "s"
    fields = {"client_id": client(dropbox)["client_id"], "grant_type": "authorization_code", "code": back["code"]}
    fields["redirect_uri"] = redirect
    assert (await dropbox.token(TOKEN, **fields, code_verifier="wrong"))[1]["error"] == "invalid_grant"
    status, told = await dropbox.token(TOKEN, **fields, code_verifier=VERIFIER)
    assert status == 200 and told["access_token"].startswith("sl.") and told["expires_in"] == 14_400
    assert (told["scope"], told["account_id"]) == ("account_info.read", who["details"]["account_id"]) and told["uid"]
    again = {"client_id": fields["client_id"], "grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    for _ in range(2):
        status, given = await dropbox.token(TOKEN, **again)
        assert status == 200 and set(given) == {"access_token", "token_type", "expires_in"}
    status, told = await dropbox.token(TOKEN, **fields, code_verifier=VERIFIER)
    assert (status, told["error"]) == (400, "invalid_grant"), "a code is good once"


async def test_online_access_has_no_refresh_token_and_a_code_can_be_shown(dropbox: Inside) -> None:
    who = member(dropbox)
    back = await dropbox.consent(AUTHORIZE, asking(dropbox, token_access_type="online"), who["user"], who["password"])
    fields = {**client(dropbox), "grant_type": "authorization_code", "code": back["code"]}
    _, told = await dropbox.token("/1/oauth2/token", **fields, redirect_uri=asking(dropbox)["redirect_uri"])
    assert "refresh_token" not in told
    query = {"client_id": fields["client_id"], "response_type": "code"}
    _, page = await dropbox.page(AUTHORIZE, query, do="allow", user=who["user"], password=who["password"])
    assert "Access code generated" in page
    back = await dropbox.consent(AUTHORIZE, asking(dropbox), who["user"], who["password"], "cancel")
    assert back["error"] == "access_denied" and back["error_description"] and back["state"] == "s"
    assert (await dropbox.page(AUTHORIZE, asking(dropbox, redirect_uri="https://evil.example")))[0] == 400
    assert (await dropbox.page(AUTHORIZE, asking(dropbox, scope="no.such")))[0] == 400


async def test_revoking_ends_everything_of_the_grant(dropbox: Inside) -> None:
    told = await dropbox.do("sign-in", client_id=client(dropbox)["client_id"], user=member(dropbox)["user"])
    fields = {**client(dropbox), "grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    other = (await dropbox.token(TOKEN, **fields))[1]["access_token"]
    assert await rpc(dropbox, "auth/token/revoke", told["access_token"]) == (200, None)
    for token in (told["access_token"], other):
        status, body = await rpc(dropbox, "users/get_current_account", token)
        assert status == 401 and body["error"] == {".tag": "invalid_access_token"}
    status, body = await dropbox.token(TOKEN, **fields)
    assert (status, body["error_description"]) == (400, "refresh token is invalid or revoked")


async def test_expiry_and_scopes_are_401(dropbox: Inside) -> None:
    token = await signed_in(dropbox, "files.content.read")
    status, body = await rpc(dropbox, "users/get_current_account", token)
    assert (status, body["error"]) == (401, {".tag": "missing_scope", "required_scope": "account_info.read"})
    token = await signed_in(dropbox)
    await dropbox.step(14_401)
    status, body = await rpc(dropbox, "users/get_current_account", token)
    assert (status, body["error"][".tag"]) == (401, "expired_access_token")
    assert body["error_summary"].startswith("expired_access_token/")


async def test_roots_of_the_team_space_and_of_others(dropbox: Inside) -> None:
    _, told = await rpc(dropbox, "users/get_current_account", await signed_in(dropbox))
    assert told["account_type"][".tag"] == "business" and told["team"]["name"] == "Aurora Works"
    root = told["root_info"]
    assert root[".tag"] == "team" and root["root_namespace_id"] != root["home_namespace_id"]
    external = len(dropbox.services["dropbox"]["accounts"]) - 1
    _, told = await rpc(dropbox, "users/get_current_account", await signed_in(dropbox, index=external))
    root = told["root_info"]
    assert root[".tag"] == "user" and root["root_namespace_id"] == root["home_namespace_id"] and "team" not in told


async def test_tokens_of_a_team_act_for_whom_they_name(dropbox: Inside) -> None:
    team, user = await signed_in(dropbox, TEAM, 0), await signed_in(dropbox)
    status, told = await rpc(dropbox, "users/get_current_account", team)
    assert status == 400 and "entire Dropbox Business team" in told
    status, told = await rpc(dropbox, "team/get_info", user)
    assert status == 400 and "team management function" in told
    who = member(dropbox)
    chosen = {"Dropbox-API-Select-User": who["details"]["team_member_id"]}
    _, told = await rpc(dropbox, "users/get_current_account", team, **chosen)
    assert told["email"] == who["user"]
    status, told = await rpc(dropbox, "users/get_current_account", team, **{"Dropbox-API-Select-User": "dbmid:x"})
    assert (status, told["error"][".tag"]) == (401, "invalid_select_user")
    suspended = next(one for one in dropbox.services["dropbox"]["accounts"] if "refresh_token" not in one)
    chosen = {"Dropbox-API-Select-User": suspended["details"]["team_member_id"]}
    status, told = await rpc(dropbox, "users/get_current_account", team, **chosen)
    assert (status, told["error"][".tag"]) == (401, "user_suspended")


async def test_only_team_admins_connect_a_team(dropbox: Inside) -> None:
    who, admin = member(dropbox), member(dropbox, 0)
    query = asking(dropbox, scope=TEAM)
    _, page = await dropbox.page(AUTHORIZE, query, do="sign-in", user=who["user"], password=who["password"])
    assert "You need to be a team admin" in page
    back = await dropbox.consent(AUTHORIZE, query, admin["user"], admin["password"])
    fields = {**client(dropbox), "grant_type": "authorization_code", "redirect_uri": query["redirect_uri"]}
    _, told = await dropbox.token(TOKEN, **fields, code=back["code"])
    assert told["team_id"].startswith("dbtid:") and "account_id" not in told


async def test_members_and_groups_come_in_pages(dropbox: Inside) -> None:
    team = await signed_in(dropbox, TEAM, 0)
    status, told = await rpc(dropbox, "team/members/list_v2", team, {"limit": 10})
    seen = [one["profile"]["email"] for one in told["members"]]
    while told["has_more"]:
        status, told = await rpc(dropbox, "team/members/list/continue_v2", team, {"cursor": told["cursor"]})
        seen += [one["profile"]["email"] for one in told["members"]]
    assert len(seen) == len(set(seen)) == 25
    status, told = await rpc(dropbox, "team/members/list/continue_v2", team, {"cursor": "x"})
    assert (status, told["error"][".tag"]) == (409, "invalid_cursor")
    assert (await rpc(dropbox, "team/members/list_v2", team, {"limit": 1001}))[0] == 400
    assert (await rpc(dropbox, "team/members/list_v2", team, {"strange": 1}))[0] == 400
    asked = {"members": [{".tag": "email", "email": seen[3]}, {".tag": "email", "email": "x@y.example"}]}
    _, told = await rpc(dropbox, "team/members/get_info", team, asked)
    assert [one[".tag"] for one in told] == ["member_info", "id_not_found"]
    assert told[0]["role"] == {".tag": "member_only"}
    _, told = await rpc(dropbox, "team/groups/list", team, {})
    sales = next(one for one in told["groups"] if one["group_name"] == "Sales")
    asked = {"group": {".tag": "group_id", "group_id": sales["group_id"]}, "limit": 1}
    _, told = await rpc(dropbox, "team/groups/members/list", team, asked)
    count = len(told["members"])
    while told["has_more"]:
        _, told = await rpc(dropbox, "team/groups/members/list/continue", team, {"cursor": told["cursor"]})
        count += len(told["members"])
    assert count == sales["member_count"] > 0
