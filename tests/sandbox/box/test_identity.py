"""Box's sign-in: codes, refresh tokens that are good once, applications by themselves, As-User."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.sandbox.inside import Inside, inside

AUTHORIZE, TOKEN = "/api/oauth2/authorize", "/oauth2/token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
async def box() -> AsyncIterator[Inside]:
    """Box alone."""
    async with inside("box") as made:
        yield made


def client(box: Inside, service: str = "box") -> dict[str, str]:
    return {name: box.services[service][name] for name in ("client_id", "client_secret")}


def member(box: Inside, index: int = 3) -> dict[str, Any]:
    found: dict[str, Any] = box.services["box"]["accounts"][index]
    return found


def asking(box: Inside, **more: str) -> dict[str, str]:
    redirect = box.services["box"]["redirect_uris"][0]
    return {
        "client_id": client(box)["client_id"],
        "response_type": "code",
        "redirect_uri": redirect,
        "state": "s",
        **more,
    }


async def code(box: Inside) -> str:
    who = member(box)
    return (await box.consent(AUTHORIZE, asking(box), who["user"], who["password"]))["code"]


async def test_a_code_lives_thirty_seconds_and_is_good_once(box: Inside) -> None:
    first, second = await code(box), await code(box)
    status, told = await box.token(TOKEN, **client(box), grant_type="authorization_code", code=first)
    assert status == 200 and set(told) == {"access_token", "refresh_token", "expires_in", "restricted_to", "token_type"}
    assert (told["expires_in"], told["token_type"]) == (3_600, "bearer")
    status, me = await box.get("/2.0/users/me", told["access_token"])
    assert (status, me["login"]) == (200, member(box)["user"])
    status, told = await box.token(TOKEN, **client(box), grant_type="authorization_code", code=first)
    assert (status, told["error"]) == (400, "invalid_grant")
    await box.step(31)
    assert (await box.token(TOKEN, **client(box), grant_type="authorization_code", code=second))[0] == 400


async def test_a_refresh_token_is_good_once(box: Inside) -> None:
    fields = {**client(box), "grant_type": "refresh_token"}
    first = member(box)["refresh_token"]
    status, told = await box.token(TOKEN, **fields, refresh_token=first)
    assert status == 200 and told["refresh_token"] != first
    status, refused = await box.token(TOKEN, **fields, refresh_token=first)
    assert (status, refused["error"]) == (400, "invalid_grant")
    assert refused["error_description"] == "Refresh token has expired"
    assert (await box.token(TOKEN, **fields, refresh_token="none"))[1]["error_description"] == "Invalid refresh token"
    status, told = await box.token(TOKEN, **fields, refresh_token=told["refresh_token"])
    assert status == 200
    await box.step(61 * 86_400)
    assert (await box.token(TOKEN, **fields, refresh_token=told["refresh_token"]))[0] == 400


async def test_a_lost_answer_costs_the_grant(box: Inside) -> None:
    fields = {**client(box), "grant_type": "refresh_token", "refresh_token": member(box)["refresh_token"]}
    await box.control("POST", "faults", {"fault": "F20", "operation": "post_oauth2_token", "times": 1})
    with pytest.raises(Exception, match=r"disconnected|reset"):
        await box.token(TOKEN, **fields)
    assert (await box.token(TOKEN, **fields))[1]["error_description"] == "Refresh token has expired"


async def test_saying_no_and_wrong_addresses(box: Inside) -> None:
    who = member(box)
    back = await box.consent(AUTHORIZE, asking(box), who["user"], who["password"], "cancel")
    assert (back["error"], back["state"]) == ("access_denied", "s")
    status, page = await box.page(AUTHORIZE, asking(box, redirect_uri="https://evil.example/"))
    assert status == 400 and "redirect_uri_mismatch" in page
    without = {name: value for name, value in asking(box).items() if name != "redirect_uri"}
    status, page = await box.page(AUTHORIZE, without)
    assert status == 400 and "redirect_uri_missing" in page


async def test_an_application_by_client_credentials(box: Inside) -> None:
    enterprise = box.services["box-enterprise"]["details"]["enterprise_id"]
    fields = {**client(box, "box-enterprise"), "grant_type": "client_credentials"}
    status, told = await box.token(TOKEN, **fields, box_subject_type="enterprise", box_subject_id=enterprise)
    assert status == 200 and "refresh_token" not in told
    status, me = await box.get("/2.0/users/me?fields=login,enterprise", told["access_token"])
    assert me["login"].startswith("AutomationUser_") and me["enterprise"]["id"] == enterprise
    status, items = await box.get("/2.0/folders/0/items", told["access_token"])
    assert (status, items["entries"]) == (200, []), "it sees what it is invited to"
    who = member(box)["details"]["id"]
    _, told = await box.token(TOKEN, **fields, box_subject_type="user", box_subject_id=who)
    assert (await box.get("/2.0/users/me", told["access_token"]))[1]["id"] == who
    status, told = await box.token(TOKEN, **fields, box_subject_type="enterprise", box_subject_id="1")
    assert (status, told["error_description"]) == (400, "Grant credentials are invalid")
    wrong = {**fields, **client(box)}
    assert (await box.token(TOKEN, **wrong))[1]["error"] == "unauthorized_client"
    wrong = {**fields, "client_secret": "wrong"}
    assert (await box.token(TOKEN, **wrong))[1] == {
        "error": "invalid_client",
        "error_description": "The client credentials are invalid",
    }


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, ""),
        ({"exp": 61.5}, "'exp'"),
        ({"exp": -1}, "'exp'"),
        ({"aud": "https://box.example/"}, "'aud'"),
        ({"sub": "1"}, "'sub'"),
        ({"jti": "short"}, "'jti'"),
        ({"kid": "none"}, "'kid'"),
    ],
)
async def test_an_application_by_its_assertion(box: Inside, changes: dict[str, Any], complaint: str) -> None:
    config = json.loads(box.services["box-enterprise"]["accounts"][0]["key"])
    settings, now = config["boxAppSettings"], (await box.control("GET", "clock"))["time"]
    key = RSAKey.import_key(settings["appAuth"]["privateKey"], password=settings["appAuth"]["passphrase"])
    claims = {
        "iss": settings["clientID"],
        "sub": config["enterpriseID"],
        "box_sub_type": "enterprise",
        "aud": "https://api.box.com/oauth2/token",
        "jti": "a" * 20,
        **changes,
        "exp": now + changes.get("exp", 45),
    }
    header = {"alg": "RS256", "kid": changes.get("kid", settings["appAuth"]["publicKeyID"])}
    fields = {"client_id": settings["clientID"], "client_secret": settings["clientSecret"], "grant_type": JWT_GRANT}
    fields["assertion"] = jwt.encode(header, claims, key, algorithms=["RS256"])
    status, told = await box.token(TOKEN, **fields)
    if complaint:
        assert (status, told["error"]) == (400, "invalid_grant") and complaint in told["error_description"]
        return
    assert status == 200 and "refresh_token" not in told
    status, told = await box.token(TOKEN, **fields)
    assert status == 400 and "'jti'" in told["error_description"], "an assertion is good once"


async def test_only_administrators_act_as_others(box: Inside) -> None:
    admin = await box.do("sign-in", client_id=client(box)["client_id"], user=member(box, 0)["user"])
    other = await box.do("sign-in", client_id=client(box)["client_id"], user=member(box, 4)["user"])
    wanted = {"As-User": member(box)["details"]["id"]}
    status, me = await box.get("/2.0/users/me", admin["access_token"], **wanted)
    assert (status, me["login"]) == (200, member(box)["user"])
    status, told = await box.get("/2.0/users/me", other["access_token"], **wanted)
    assert (status, told["type"], told["status"]) == (403, "error", 403)
    assert (await box.get("/2.0/users/me", admin["access_token"], **{"As-User": "1"}))[0] == 403


async def test_tokens_end(box: Inside) -> None:
    known = client(box)
    told = await box.do("sign-in", client_id=known["client_id"], user=member(box)["user"])
    status, body, _ = await box("POST", "/oauth2/revoke", data={**known, "token": told["access_token"]})
    assert (status, body) == (200, "")
    status, body, answer = await box(
        "GET", "/2.0/users/me", headers={"Authorization": f"Bearer {told['access_token']}"}
    )
    assert status == 401 and 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    fields = {**known, "grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    assert (await box.token(TOKEN, **fields))[0] == 400, "the other of the pair has ended, too"
    told = await box.do("sign-in", client_id=known["client_id"], user=member(box)["user"], scopes="root_readonly")
    assert (await box.get("/2.0/users", told["access_token"]))[1]["code"] == "insufficient_scope"
    status, body, _ = await box(
        "POST", "/2.0/folders", json={"name": "x", "parent": {"id": "0"}},
        headers={"Authorization": f"Bearer {told['access_token']}"},
    )  # fmt: skip
    assert (status, body["code"]) == (403, "insufficient_scope")
    await box.step(3_601)
    assert (await box.get("/2.0/users/me", told["access_token"]))[0] == 401
