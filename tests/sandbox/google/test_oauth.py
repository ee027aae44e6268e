"""Tokens: codes with PKCE, refresh without rotation, revocation of the whole project, assertions, devices."""

import base64
import hashlib
import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from haulage.sandbox.frame import signing
from tests.sandbox.google.conftest import DRIVE, Client, Told

BACK = "http://127.0.0.1:5555/back"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
DIRECTORY = "https://www.googleapis.com/auth/admin.directory.user.readonly"


def client_of(nobody: Client, kind: str = "desktop") -> dict[str, str]:
    """ID and secret of the first client of a kind."""
    found = next(one for one in nobody.google.accounts.clients.values() if one.kind == kind)
    return {"client_id": found.id, "client_secret": found.secret}


async def signed_in(nobody: Client, number: int = 3, **more: str) -> dict[str, str]:
    """What the browser is sent back with after both pages."""
    google = nobody.google
    account = google.accounts.by_number[number]
    query = {
        "client_id": client_of(nobody)["client_id"], "redirect_uri": BACK, "response_type": "code", "scope": DRIVE,
        "state": "s1", "access_type": "offline", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **more,
    }  # fmt: skip
    path = "/o/oauth2/v2/auth"
    first = await nobody.call("GET", path, params=query)
    assert first.status == 200 and b"password" in first.body
    fields = {"user": account.email, "password": google.signin.password(account), "do": "sign-in"}
    second = await nobody.call("POST", path, params=query, data=fields)
    assert DRIVE.encode() in second.body
    found = re.search(rb'name="ticket" value="([^"]+)"', second.body)
    assert found
    last = await nobody.call("POST", path, params=query, data={"ticket": found[1].decode(), "do": "allow"})
    assert last.status == 302 and last.headers["Location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(last.headers["Location"]).query).items()}


async def exchanged(nobody: Client, code: str, **more: str) -> Told:
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return await nobody.form("/token", **{**client_of(nobody), **fields, **more})


async def test_a_browser_signs_in_and_the_code_gives_tokens_once(nobody: Client) -> None:
    back = await signed_in(nobody)
    assert back["state"] == "s1" and back["iss"] == "https://accounts.google.com"
    told = (await exchanged(nobody, back["code"])).json
    assert told["token_type"] == "Bearer" and told["expires_in"] == 3599 and told["scope"] == DRIVE
    assert told["access_token"].startswith("ya29.") and told["refresh_token"].startswith("1//0")
    again = await exchanged(nobody, back["code"])
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    about = await Client(nobody.box, nobody.session, token=told["access_token"]).get("/drive/v3/about", fields="user")
    assert about.json["user"]["emailAddress"] == nobody.google.accounts.by_number[3].email


async def test_a_code_needs_its_verifier_and_its_redirect(nobody: Client) -> None:
    code = (await signed_in(nobody))["code"]
    assert (await exchanged(nobody, code, code_verifier="x" * 50)).json["error"] == "invalid_grant"
    code = (await signed_in(nobody))["code"]
    assert (await exchanged(nobody, code, redirect_uri=BACK + "/")).json["error"] == "redirect_uri_mismatch"
    assert (await exchanged(nobody, "4/nonsense")).json["error_description"] == "Malformed auth code."


async def test_a_refresh_token_comes_with_the_first_consent_and_when_asked_for(nobody: Client) -> None:
    first = (await exchanged(nobody, (await signed_in(nobody, 5))["code"])).json
    second = (await exchanged(nobody, (await signed_in(nobody, 5))["code"])).json
    asked = (await exchanged(nobody, (await signed_in(nobody, 5, prompt="consent"))["code"])).json
    online = (
        await exchanged(nobody, (await signed_in(nobody, 5, access_type="online", prompt="consent"))["code"])
    ).json
    assert [("refresh_token" in one) for one in (first, second, asked, online)] == [True, False, True, False]


async def test_mistakes_of_the_application_are_pages(nobody: Client) -> None:
    good = {"client_id": client_of(nobody)["client_id"], "redirect_uri": BACK, "response_type": "code", "scope": DRIVE}
    for wrong in ({"client_id": "x"}, {"redirect_uri": "https://elsewhere.example/"}, {"response_type": "token"}):
        told = await nobody.call("GET", "/o/oauth2/auth", params={**good, **wrong})
        assert told.status in (400, 401) and b"Access blocked" in told.body
    left = await nobody.call("POST", "/o/oauth2/auth", params=good, data={"do": "cancel"})
    assert left.headers["Location"].endswith("?error=access_denied")


async def test_refreshing_does_not_rotate(nobody: Client) -> None:
    token = nobody.google.do_sign_in({"user": nobody.google.accounts.by_number[4].email})["refresh_token"]
    for path in ("/token", "/oauth2/v4/token", "/o/oauth2/token"):
        told = await nobody.form(path, **client_of(nobody), grant_type="refresh_token", refresh_token=token)
        assert told.status == 200 and "refresh_token" not in told.json
    wrong = await nobody.form(
        "/token", grant_type="refresh_token", refresh_token=token, client_id="x", client_secret="y"
    )
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")


async def test_revoking_ends_the_whole_project(nobody: Client) -> None:
    google, email = nobody.google, nobody.google.accounts.by_number[4].email
    first, second, _, other, _ = google.accounts.clients.values()
    tokens = [google.do_sign_in({"user": email, "client_id": one.id}) for one in (first, second, other)]
    assert (await nobody.call("GET", "/revoke", params={"token": tokens[0]["access_token"]})).status == 404
    assert (await nobody.form("/revoke", token=tokens[0]["access_token"])).status == 200
    answers = []
    for client, told in zip((first, second, other), tokens, strict=True):
        answer = await nobody.form(
            "/token", client_id=client.id, client_secret=client.secret, grant_type="refresh_token",
            refresh_token=told["refresh_token"],
        )  # fmt: skip
        answers.append(answer.json.get("error_description", answer.status))
    assert answers == ["Token has been expired or revoked.", "Token has been expired or revoked.", 200]
    assert (await nobody.form("/revoke", token=tokens[0]["refresh_token"])).status == 400


async def test_a_dead_token_is_told_of_for_twelve_hours(nobody: Client) -> None:
    google, email = nobody.google, nobody.google.accounts.by_number[4].email
    token = google.do_sign_in({"user": email})["refresh_token"]
    google.do_revoke_grant({"user": email})
    fields = {**client_of(nobody), "grant_type": "refresh_token", "refresh_token": token}
    assert (await nobody.form("/token", **fields)).json["error_description"] == "Token has been expired or revoked."
    google.world.clock.step(13 * 3600)
    assert (await nobody.form("/token", **fields)).json["error_description"] == "Bad Request"


async def test_an_access_token_ends_after_an_hour(nobody: Client) -> None:
    person = nobody.number(3)
    assert (await person.get("/drive/v3/about", fields="user")).status == 200
    nobody.google.world.clock.step(3600)
    told = await person.get("/drive/v3/about", fields="user")
    assert (told.status, told.reason) == (401, "authError")
    assert 'error="invalid_token"' in told.headers["WWW-Authenticate"]


def assertion(nobody: Client, **more: Any) -> str:
    """A service account's assertion, as its key file makes it."""
    key = json.loads(nobody.google.robots.key_file())
    now = int(time.time())
    claims = {
        "iss": key["client_email"], "scope": f"{DRIVE} {DIRECTORY}", "aud": key["token_uri"], "iat": now,
        "exp": now + 3600, "sub": nobody.google.accounts.administrator.email, **more,
    }  # fmt: skip
    return signing.sign(key["private_key"], {"kid": key["private_key_id"]}, claims)


async def asserted(nobody: Client, **more: Any) -> Told:
    kind = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return await nobody.form("/token", grant_type=kind, assertion=assertion(nobody, **more))


async def test_a_service_account_acts_for_the_people_of_its_delegation(nobody: Client) -> None:
    told = await asserted(nobody)
    assert told.status == 200 and "refresh_token" not in told.json
    acting = Client(nobody.box, nobody.session, token=told.json["access_token"])
    users = await acting.get("/admin/directory/v1/users", customer="my_customer")
    assert len(users.json["users"]) == 12
    at_port = nobody.box.listeners.base_urls["google"] + "/token"
    assert (await asserted(nobody, aud=at_port)).status == 200


async def test_what_is_wrong_with_an_assertion_is_said(nobody: Client) -> None:
    now = int(time.time())
    cases = [
        ({"sub": "nobody@aurora.example"}, 400, "invalid_grant"),
        ({"scope": f"{DRIVE} {DRIVE}.metadata"}, 401, "unauthorized_client"),
        ({"exp": now + 4000}, 400, "invalid_grant"),
        ({"iat": now - 9000, "exp": now - 5400}, 400, "invalid_grant"),
        ({"aud": "https://elsewhere.example/token"}, 400, "invalid_grant"),
        ({"iss": "x@y.iam.gserviceaccount.com"}, 400, "invalid_grant"),
        ({"sub": nobody.google.accounts.externals[0].email}, 401, "unauthorized_client"),
        ({"scope": ""}, 400, "invalid_scope"),
    ]
    for changed, status, error in cases:
        told = await asserted(nobody, **changed)
        assert (told.status, told.json["error"]) == (status, error), changed
    text = assertion(nobody)
    nobody.google.do_delete_key({})
    kind = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    told = await nobody.form("/token", grant_type=kind, assertion=text)
    assert told.json["error_description"] == "Invalid JWT Signature."


async def test_a_device_signs_in_for_the_few_scopes_it_may_have(nobody: Client) -> None:
    client = client_of(nobody, "tv")
    told = await nobody.form("/device/code", client_id=client["client_id"], scope=DRIVE)
    assert (told.status, told.json["error"]) == (400, "invalid_scope")
    begun = (await nobody.form("/device/code", client_id=client["client_id"], scope=f"{DRIVE}.file")).json
    fields = {**client, "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    fields["device_code"] = begun["device_code"]
    assert (await nobody.form("/token", **fields)).status == 428
    assert (await nobody.form("/token", **fields)).json["error"] == "slow_down"
    account = nobody.google.accounts.by_number[3]
    sent = {"user": account.email, "password": nobody.google.signin.password(account), "do": "allow"}
    page = await nobody.call("POST", "/device", params={"user_code": begun["user_code"]}, data=sent)
    assert b"Device connected" in page.body
    given = await nobody.form("/token", **fields)
    assert given.status == 200 and given.json["scope"] == f"{DRIVE}.file" and "refresh_token" in given.json


async def test_userinfo_tells_what_the_scopes_allow(nobody: Client) -> None:
    account = nobody.google.accounts.by_number[3]
    told = (await nobody.of(account.email, "openid email").get("/oauth2/v2/userinfo")).json
    assert told == {"id": account.id, "email": account.email, "verified_email": True, "hd": "aurora.example"}
    assert (await nobody.of(account.email).get("/oauth2/v2/userinfo")).reason == "insufficientPermissions"
