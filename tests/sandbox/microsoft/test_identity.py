"""The Microsoft identity platform: sign-in, consent, grants, and how each of them ends."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.sandbox.inside import CHALLENGE, VERIFIER, Form, Inside, inside

GRAPH = "https://graph.microsoft.com/"
REDIRECT = "http://localhost:4711/oauth/callback/onedrive-business"
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
SCOPE = "openid profile offline_access User.Read https://graph.microsoft.com/Files.ReadWrite.All"


@pytest.fixture
async def ms() -> AsyncIterator[Inside]:
    """Microsoft alone."""
    async with inside("microsoft") as made:
        yield made


def offer(ms: Inside, service: str = "onedrive-business") -> dict[str, Any]:
    found: dict[str, Any] = ms.services[service]
    return found


def member(ms: Inside, service: str = "onedrive-business", index: int = 3) -> dict[str, Any]:
    found: dict[str, Any] = offer(ms, service)["accounts"][index]
    return found


def client(ms: Inside) -> dict[str, str]:
    return {"client_id": offer(ms)["client_id"], "client_secret": offer(ms)["client_secret"]}


def asking(ms: Inside, **more: str) -> dict[str, str]:
    known = {"client_id": offer(ms)["client_id"], "response_type": "code", "redirect_uri": REDIRECT}
    return {**known, "scope": SCOPE, "state": "s t&x", **PKCE, **more}


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def signed_in(ms: Inside, tenant: str = "common", who: dict[str, Any] | None = None) -> dict[str, Any]:
    who = who or member(ms)
    back = await ms.consent(f"/{tenant}/oauth2/v2.0/authorize", asking(ms), who["user"], who["password"])
    fields = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    status, told = await ms.token(
        f"/{tenant}/oauth2/v2.0/token", **client(ms), **fields, code_verifier=VERIFIER, client_info="1"
    )
    assert status == 200, told
    found: dict[str, Any] = told
    return found


async def test_a_code_with_pkce_gives_tokens_once(ms: Inside) -> None:
    who, path = member(ms), "/organizations/oauth2/v2.0/token"
    back = await ms.consent(
        "/organizations/oauth2/v2.0/authorize", asking(ms, nonce="n1"), who["user"], who["password"]
    )
    assert (back["location"], back["state"]) == (REDIRECT, "s t&x") and back["session_state"]
    fields = {**client(ms), "grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    status, told = await ms.token(path, **fields, code_verifier="wrong")
    assert (status, told["error"], told["error_codes"]) == (400, "invalid_grant", [501481])
    status, told = await ms.token(path, **fields, code_verifier=VERIFIER)
    assert status == 200 and told["token_type"] == "Bearer" and "client_info" not in told
    assert told["scope"].split() == ["openid", "profile", "User.Read", "Files.ReadWrite.All"]
    assert isinstance(told["expires_in"], int) and 3_600 <= told["expires_in"] < 5_400
    tenant = offer(ms)["details"]["tenant"]
    inner = claims(told["access_token"])
    assert (inner["tid"], inner["upn"], inner["scp"]) == (tenant, who["user"], "User.Read Files.ReadWrite.All")
    keys = (await ms("GET", "/common/discovery/v2.0/keys"))[1]
    checked = jwt.decode(told["id_token"], KeySet.import_key_set(keys), algorithms=["RS256"]).claims
    assert (checked["nonce"], checked["tid"], checked["preferred_username"]) == ("n1", tenant, who["user"])
    status, told = await ms.token(path, **fields, code_verifier=VERIFIER)
    assert (told["error"], told["error_codes"]) == ("invalid_grant", [54005])


async def test_an_error_has_all_of_its_fields(ms: Inside) -> None:
    status, told = await ms.token(
        "/common/oauth2/v2.0/token", **client(ms), grant_type="refresh_token", refresh_token="x"
    )
    assert status == 400 and told["error_description"].startswith("AADSTS9002313: ")
    assert set(told) >= {"error", "error_codes", "timestamp", "trace_id", "correlation_id", "error_uri"}
    assert len(told["timestamp"]) == 20 and told["timestamp"][10] == " " and told["timestamp"].endswith("Z")


async def test_refreshing_renews_and_the_old_token_stays_good(ms: Inside) -> None:
    first = await signed_in(ms)
    path, fields = "/common/oauth2/v2.0/token", {**client(ms), "grant_type": "refresh_token"}
    seen = {first["refresh_token"]}
    for _ in range(2):  # always the same old one
        status, told = await ms.token(path, **fields, refresh_token=first["refresh_token"])
        assert status == 200
        seen.add(told["refresh_token"])
    assert len(seen) == 3
    status, told = await ms.token(path, **fields, refresh_token=first["refresh_token"], scope="User.Read")
    assert status == 200 and told["scope"] == "User.Read" and "refresh_token" not in told and "id_token" not in told
    status, told = await ms.token(path, **fields, refresh_token=first["refresh_token"], scope="User.Read.All")
    assert (told["error_codes"], told["suberror"]) == ([65001], "consent_required")
    await ms.step(91 * 86_400)
    status, told = await ms.token(path, **fields, refresh_token=first["refresh_token"])
    assert (status, told["error_codes"], told["suberror"]) == (400, [700082], "bad_token")


async def test_access_tokens_run_out(ms: Inside) -> None:
    await ms.do("set-lifetime", access_seconds=60)
    token = (await signed_in(ms))["access_token"]
    assert (await ms.get("/v1.0/me", token))[0] == 200
    await ms.step(61)
    status, told = await ms.get("/v1.0/me", token)
    assert (status, told["error"]["code"]) == (401, "InvalidAuthenticationToken")
    _, _, answer = await ms("GET", "/v1.0/me")
    assert answer.status == 401 and 'authorization_uri="https://login' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"client_secret": ""}, 7000218),
        ({"client_secret": "wrong"}, 7000215),
        ({"client_id": "nobody"}, 700016),
        ({"grant_type": "magic"}, 70003),
        ({"grant_type": ""}, 900144),
        ({"scope": "User.Read https://other.example/x"}, 500011),
        ({"scope": "No.Such"}, 70011),
    ],
)
async def test_a_wrong_request_gets_its_number(ms: Inside, changes: dict[str, str], number: int) -> None:
    token = member(ms)["refresh_token"]
    fields = {**client(ms), "grant_type": "refresh_token", "refresh_token": token, **changes}
    status, told = await ms.token("/common/oauth2/v2.0/token", **fields)
    assert told["error_codes"] == [number]
    assert status == (401 if told["error"] == "invalid_client" else 400)


async def test_a_public_client_must_not_send_a_secret_and_needs_none(ms: Inside) -> None:
    public = offer(ms)["details"]["public_client_id"]
    who = member(ms)
    query = asking(ms, client_id=public)
    back = await ms.consent("/common/oauth2/v2.0/authorize", query, who["user"], who["password"])
    fields = {"client_id": public, "grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    status, told = await ms.token("/common/oauth2/v2.0/token", **fields, client_secret="x", code_verifier=VERIFIER)
    assert (status, told["error_codes"]) == (401, [700025])
    status, told = await ms.token("/common/oauth2/v2.0/token", **fields, code_verifier=VERIFIER)
    assert status == 200
    await ms.do("change-password", user=who["user"])
    status, told = await ms.token(
        "/common/oauth2/v2.0/token", client_id=public, grant_type="refresh_token", refresh_token=told["refresh_token"]
    )
    assert told["error_codes"] == [50173]
    fields = {**client(ms), "grant_type": "refresh_token", "refresh_token": who["refresh_token"]}
    assert (await ms.token("/common/oauth2/v2.0/token", **fields))[0] == 200, "confidential clients' tokens survive"


async def test_saying_no_has_two_names(ms: Inside) -> None:
    path, who, personal = "/common/oauth2/v2.0/authorize", member(ms), member(ms, "onedrive")
    await ms.do("register-app", client_id="new", redirect_uris=[REDIRECT], secret="s")
    query = asking(ms, client_id="new")
    back = await ms.consent(path, query, who["user"], who["password"], "cancel")
    assert back["error"] == "consent_required" and "AADSTS65004" in back["error_description"]
    back = await ms.consent(path, query, personal["user"], personal["password"], "cancel")
    assert back["error"] == "access_denied" and back["state"] == "s t&x"
    _, _, answer = await ms("POST", path, params=query, data={"do": "cancel"})
    assert "error=access_denied&error_subcode=cancel" in answer.headers["Location"]


@pytest.mark.parametrize(
    ("changes", "tenant", "number"),
    [
        ({"redirect_uri": "https://evil.example/"}, "common", 50011),
        ({"redirect_uri": "http://localhost:4711/elsewhere"}, "common", 50011),
        ({"client_id": "nobody"}, "common", 700016),
        ({}, "nowhere.example", 90002),
    ],
)
async def test_some_errors_are_shown_and_never_redirected(
    ms: Inside, changes: dict[str, str], tenant: str, number: int
) -> None:
    status, page = await ms.page(f"/{tenant}/oauth2/v2.0/authorize", asking(ms, **changes))
    assert status == 400 and f"AADSTS{number}" in page


async def test_other_errors_go_back_to_the_application(ms: Inside) -> None:
    for changes, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
        ({"scope": "No.Such"}, "invalid_scope"),
    ):
        _, _, answer = await ms("GET", "/common/oauth2/v2.0/authorize", params=asking(ms, **changes))
        assert answer.status == 302 and f"error={error}" in answer.headers["Location"]


async def test_accounts_sign_in_where_they_belong(ms: Inside) -> None:
    work, personal = member(ms), member(ms, "onedrive")
    sent = {"do": "sign-in", "user": work["user"], "password": work["password"]}
    assert "AADSTS50020" in (await ms.page("/consumers/oauth2/v2.0/authorize", asking(ms), **sent))[1]
    assert "AADSTS50020" in (await ms.page("/partner.example/oauth2/v2.0/authorize", asking(ms), **sent))[1]
    assert "incorrect" in (await ms.page("/common/oauth2/v2.0/authorize", asking(ms), **{**sent, "password": "x"}))[1]
    sent = {"do": "sign-in", "user": personal["user"], "password": personal["password"]}
    assert "AADSTS500208" in (await ms.page("/organizations/oauth2/v2.0/authorize", asking(ms), **sent))[1]
    domain = await signed_in(ms, "aurora.example")
    assert claims(domain["access_token"])["tid"] == offer(ms)["details"]["tenant"]


async def test_a_personal_account_has_opaque_tokens_and_one_tenant(ms: Inside) -> None:
    who = member(ms, "onedrive")
    told = await signed_in(ms, "consumers", who)
    assert told["access_token"].startswith("EwB") and told["refresh_token"].startswith("M.C5")
    assert told["expires_in"] == 3_600
    info = json.loads(urlsafe_b64decode(told["client_info"] + "=="))
    assert info["utid"] == "9188040d-6c67-4c5b-b112-36a304b66dad"
    status, me = await ms.get("/v1.0/me", told["access_token"])
    assert status == 200 and me["userPrincipalName"] == who["user"] and len(me["id"]) == 16
    for path in ("/v1.0/users", "/v1.0/groups"):
        assert (await ms.get(path, told["access_token"]))[0] == 403


async def test_what_only_administrators_can_allow(ms: Inside) -> None:
    who, admin = member(ms), member(ms, index=0)
    path, query = "/organizations/oauth2/v2.0/authorize", asking(ms, scope=f"{SCOPE} User.Read.All")
    sent = {"do": "sign-in", "user": who["user"], "password": who["password"]}
    _, page = await ms.page(path, query, **sent)
    assert "AADSTS90094" in page and ("do", "cancel") in Form(page).buttons
    back = await ms.consent(path, query, admin["user"], admin["password"])
    assert back["code"]


async def test_consent_is_asked_for_once(ms: Inside) -> None:
    await ms.do("register-app", client_id="new", redirect_uris=[REDIRECT], secret="s")
    who, path, query = member(ms), "/common/oauth2/v2.0/authorize", asking(ms, client_id="new")
    sent = {"do": "sign-in", "user": who["user"], "password": who["password"]}
    assert "Allow A test application?" in (await ms.page(path, query, **sent))[1]
    await ms.consent(path, query, who["user"], who["password"])
    _, _, answer = await ms("POST", path, params=query, data=sent)
    assert answer.status == 302 and "code=" in answer.headers["Location"]
    assert "Allow" in (await ms.page(path, {**query, "prompt": "consent"}, **sent))[1]


async def test_every_end_of_a_grant_has_its_own_number(ms: Inside) -> None:
    path, who = "/common/oauth2/v2.0/token", member(ms)
    admin = await ms.do("sign-in", client_id=client(ms)["client_id"], user=member(ms, index=0)["user"],
                        scopes="User.RevokeSessions.All User.Read")  # fmt: skip
    fields = {**client(ms), "grant_type": "refresh_token"}
    told = await signed_in(ms)
    revoke = f"/v1.0/users/{who['user']}/revokeSignInSessions"
    status, body, _ = await ms("POST", revoke, headers={"Authorization": f"Bearer {admin['access_token']}"})
    assert (status, body["value"]) == (200, True)
    assert (await ms.token(path, **fields, refresh_token=told["refresh_token"]))[1]["error_codes"] == [50173]
    assert (await ms.get("/v1.0/me", told["access_token"]))[0] == 200, "an access token lives until it runs out"
    told = await signed_in(ms)
    await ms.do("revoke-grant", user=who["user"])
    refused = (await ms.token(path, **fields, refresh_token=told["refresh_token"]))[1]
    assert (refused["error_codes"], refused["suberror"]) == ([65001], "consent_required")
    personal = member(ms, "onedrive")
    told = await signed_in(ms, "consumers", personal)
    await ms.do("revoke-grant", user=personal["user"])
    refused = (await ms.token(path, **fields, refresh_token=told["refresh_token"]))[1]
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [70000])


async def test_the_application_by_itself(ms: Inside) -> None:
    tenant = offer(ms)["details"]["tenant"]
    fields = {**client(ms), "grant_type": "client_credentials", "scope": f"{GRAPH}.default"}
    status, told = await ms.token(f"/{tenant}/oauth2/v2.0/token", **fields)
    assert status == 200 and set(told) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    inner = claims(told["access_token"])
    assert "User.Read.All" in inner["roles"] and "scp" not in inner and inner["idtyp"] == "app"
    status, body = await ms.get("/v1.0/me", told["access_token"])
    assert (status, body["error"]["code"]) == (400, "BadRequest")
    status, body = await ms.get("/v1.0/organization", told["access_token"])
    assert body["value"][0]["id"] == tenant
    assert (await ms.token("/aurora.example/oauth2/v2.0/token", **{**fields, "scope": ".default"}))[0] == 200
    for where, changes, number in (
        ("common", {}, 9001023),
        ("consumers", {}, 9001023),
        (tenant, {"scope": f"{GRAPH}User.Read.All"}, 1002012),
        ("partner.example", {}, 700016),
    ):
        status, told = await ms.token(f"/{where}/oauth2/v2.0/token", **{**fields, **changes})
        assert (status, told["error_codes"]) == (400, [number]), where


async def test_without_consent_an_application_has_no_roles_until_an_administrator_gives_them(ms: Inside) -> None:
    tenant, admin = offer(ms)["details"]["tenant"], member(ms, index=0)
    await ms.do("register-app", client_id="new", redirect_uris=[REDIRECT], secret="s", tenant=tenant)
    fields = {"client_id": "new", "client_secret": "s", "grant_type": "client_credentials", "scope": ".default"}
    status, told = await ms.token(f"/{tenant}/oauth2/v2.0/token", **fields)
    assert status == 200 and "roles" not in claims(told["access_token"])
    status, body = await ms.get("/v1.0/users", told["access_token"])
    assert (status, body["error"]["code"]) == (403, "Authorization_RequestDenied")
    path, query = f"/{tenant}/v2.0/adminconsent", {"client_id": "new", "redirect_uri": REDIRECT, "state": "x"}
    query["scope"] = f"{GRAPH}.default"
    back = await ms.consent(path, query, admin["user"], admin["password"], "cancel")
    assert (back["admin_consent"], back["error"]) == ("True", "consent_required")
    old = {name: query[name] for name in ("client_id", "redirect_uri", "state")}
    back = await ms.consent(f"/{tenant}/adminconsent", old, admin["user"], admin["password"], "cancel")
    assert (back["error"], back["error_description"]) == ("permission_denied", "The admin canceled the request")
    sent = {"do": "sign-in", "user": member(ms)["user"], "password": member(ms)["password"]}
    assert "AADSTS90093" in (await ms.page(path, query, **sent))[1]
    back = await ms.consent(path, query, admin["user"], admin["password"])
    assert (back["admin_consent"], back["tenant"], back["state"]) == ("True", tenant, "x") and "error" not in back
    _, told = await ms.token(f"/{tenant}/oauth2/v2.0/token", **fields)
    assert (await ms.get("/v1.0/users", told["access_token"]))[0] == 200
    await ms.do("withdraw-consent", client_id="new")
    _, told = await ms.token(f"/{tenant}/oauth2/v2.0/token", **fields)
    assert (await ms.get("/v1.0/users", told["access_token"]))[0] == 403


def assertion(ms: Inside, algorithm: str, field: str, *, padded: bool = False, **changes: Any) -> str:
    """A client assertion as client libraries make it: without nbf, with a float exp."""
    pem = offer(ms, "office365")["accounts"][0]["key"]
    certificate = x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERT") :].encode())
    digest = certificate.fingerprint(hashes.SHA256() if field == "x5t#S256" else hashes.SHA1())  # noqa: S303
    thumb = urlsafe_b64encode(digest).decode()
    header = {"alg": algorithm, "typ": "JWT", field: thumb if padded else thumb.rstrip("=")}
    tenant, who = offer(ms)["details"]["tenant"], offer(ms)["client_id"]
    audience = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    body = {"iss": who, "sub": who, "aud": audience, "jti": "1", "exp": time.time() + 600.5, **changes}
    return jwt.encode(header, body, RSAKey.import_key(pem[: pem.index("-----BEGIN CERT")]), algorithms=[algorithm])


@pytest.mark.parametrize(
    ("algorithm", "field", "padded", "changes", "number"),
    [
        ("PS256", "x5t#S256", False, {}, 0),
        ("RS256", "x5t", True, {}, 0),
        ("RS256", "x5t#S256", True, {"nbf": 0}, 0),
        ("RS256", "kid", False, {}, 700027),
        ("PS256", "x5t", False, {"exp": 100}, 700024),
        ("PS256", "x5t", False, {"sub": "x"}, 50048),
        ("PS256", "x5t", False, {"aud": "https://login.microsoftonline.com/"}, 700023),
    ],
)
async def test_a_certificate_stands_for_the_secret(
    ms: Inside, algorithm: str, field: str, padded: bool, changes: dict[str, Any], number: int
) -> None:
    fields = {
        "client_id": offer(ms)["client_id"],
        "grant_type": "client_credentials",
        "scope": f"{GRAPH}.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(ms, algorithm, field, padded=padded, **changes),
    }
    status, told = await ms.token(f"/{offer(ms)['details']['tenant']}/oauth2/v2.0/token", **fields)
    if number:
        assert (status, told["error"], told["error_codes"]) == (401, "invalid_client", [number])
    else:
        assert status == 200


async def test_the_device_flow(ms: Inside) -> None:
    public, who = offer(ms)["details"]["public_client_id"], member(ms)
    status, told = await ms.token("/organizations/oauth2/v2.0/devicecode", client_id=public, scope=SCOPE)
    assert status == 200 and told["verification_uri"].endswith("/devicelogin") and told["interval"] == 5
    assert "verification_uri_complete" not in told and told["user_code"] in told["message"]
    fields = {"client_id": public, "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    fields["device_code"] = told["device_code"]

    async def poll() -> tuple[int, Any]:
        return await ms.token("/organizations/oauth2/v2.0/token", **fields)

    assert (await poll())[1]["error"] == "authorization_pending"
    assert (await poll())[1]["error"] == "slow_down"
    assert "did not work" in (await ms.page("/devicelogin", {}, code="WRONG"))[1]
    _, _, answer = await ms("POST", "/devicelogin", data={"code": told["user_code"].lower()})
    query = {"code": told["user_code"]}
    assert answer.status == 303 and told["user_code"] in answer.headers["Location"]
    _, page = await ms.page("/devicelogin", query, do="sign-in", user=who["user"], password=who["password"])
    _, page = await ms.page("/devicelogin", query, **{**Form(page).fields, "do": "allow"})
    assert "You have signed in" in page
    status, given = await poll()
    assert status == 200 and given["refresh_token"] and claims(given["access_token"])["upn"] == who["user"]
    _, told = await ms.token("/consumers/oauth2/v2.0/devicecode", client_id=public, scope=SCOPE)
    assert told["verification_uri"].endswith("/link")
    fields["device_code"] = told["device_code"]
    await ms.step(901)
    assert (await poll())[1]["error"] == "expired_token"
    _, told = await ms.token("/organizations/oauth2/v2.0/devicecode", client_id=public, scope=SCOPE)
    await ms.page("/devicelogin", {"code": told["user_code"]}, do="cancel")
    fields["device_code"] = told["device_code"]
    assert (await poll())[1]["error"] == "authorization_declined"
    fields["device_code"] = "x"
    assert (await poll())[1]["error"] == "bad_verification_code"
    status, told = await ms.token("/organizations/oauth2/v2.0/devicecode", client_id=offer(ms)["client_id"])
    assert (status, told["error_codes"]) == (401, [7000218])


async def test_discovery(ms: Inside) -> None:
    tenant = offer(ms)["details"]["tenant"]
    for segment, issuer in (("common", "{tenantid}"), ("aurora.example", tenant), ("consumers", None)):
        status, told, _ = await ms("GET", f"/{segment}/v2.0/.well-known/openid-configuration")
        wanted = issuer or "9188040d-6c67-4c5b-b112-36a304b66dad"
        assert status == 200 and told["issuer"].endswith(f"/{wanted}/v2.0")
        assert told["token_endpoint"] == f"{ms.base}/{segment}/oauth2/v2.0/token"
    status, told, _ = await ms("GET", "/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (status, told["error"], told["error_codes"]) == (400, "invalid_tenant", [90002])


async def test_faults_strike_at_the_token_endpoint(ms: Inside) -> None:
    path, fields = "/common/oauth2/v2.0/token", {**client(ms), "grant_type": "refresh_token"}
    fields["refresh_token"] = member(ms)["refresh_token"]
    for fault, status, error in (("F22", 503, "temporarily_unavailable"), ("F02", 429, "temporarily_unavailable")):
        await ms.control("POST", "faults", {"fault": fault, "operation": "token", "times": 1})
        told = await ms.token(path, **fields)
        assert (told[0], told[1]["error"]) == (status, error)
    await ms.control("POST", "faults", {"fault": "F21", "operation": "token", "times": 1})
    assert (await ms.token(path, **fields))[1]["error_codes"] == [50173]
    assert (await ms.token(path, **fields))[1]["error_codes"] == [50173], "it is over for good"


async def test_a_restart_forgets_nothing(tmp_path: Any) -> None:
    async with inside("microsoft", state=tmp_path) as ms:
        told, fields = await signed_in(ms), {**client(ms), "grant_type": "refresh_token"}
        key = offer(ms, "office365")["accounts"][0]["key"]
    async with inside("microsoft", state=tmp_path) as ms:
        assert (await ms.get("/v1.0/me", told["access_token"]))[0] == 200
        assert (await ms.token("/common/oauth2/v2.0/token", **fields, refresh_token=told["refresh_token"]))[0] == 200
        assert offer(ms, "office365")["accounts"][0]["key"] == key
