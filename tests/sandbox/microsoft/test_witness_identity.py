"""Microsoft's own client libraries sign in at the sandbox, which they take for the real one."""

import json
import threading
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.core.exceptions
import azure.identity
import msal
import pytest
import requests

from testbed.sandbox import Sandbox
from tests.sandbox.inside import Form

MSAL = pytest.mark.parametrize("witness", [f"msal {msal.__version__}"], indirect=True)
AZURE = pytest.mark.parametrize("witness", [f"azure-identity {azure.identity.__version__}"], indirect=True)
LOGIN = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"
DEFAULT = [f"{GRAPH}/.default"]
SCOPES = ["User.Read", "Files.ReadWrite.All"]


@pytest.fixture
def browser(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> requests.Session:
    """A session that reaches the vendors' names through the sandbox's proxy; so does every client in this process."""
    for name, value in sandbox.client_env.items():
        monkeypatch.setenv(name, value)
    return requests.Session()


def fill_in(browser: requests.Session, url: str, who: dict[str, Any]) -> str:
    """Sign in and allow; gives the address that the browser is sent to."""
    page = browser.get(url, timeout=30)
    sent = {"user": who["user"], "password": who["password"], "do": "sign-in"}
    answer = browser.post(page.url, sent, timeout=30, allow_redirects=False)
    if answer.status_code == 200:
        fields = {**Form(answer.text).fields, "do": "allow"}
        answer = browser.post(page.url, fields, timeout=30, allow_redirects=False)
    return answer.headers.get("Location", answer.text)


def roles(token: str) -> list[str]:
    part = token.split(".")[1]
    found: list[str] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))).get("roles", [])
    return found


@MSAL
def test_msal_signs_a_person_in_and_stays_signed_in(witness: str, sandbox: Sandbox, browser: requests.Session) -> None:
    offer = sandbox.service("onedrive-business")
    app = msal.ConfidentialClientApplication(
        offer["client_id"], client_credential=offer["client_secret"], authority=f"{LOGIN}/common"
    )
    who, redirect = offer["accounts"][3], "http://localhost:3000/oauth/callback/onedrive-business"
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=redirect)
    back = dict(parse_qsl(urlsplit(fill_in(browser, flow["auth_uri"], who)).query))
    told = app.acquire_token_by_auth_code_flow(flow, back)
    assert told.get("access_token"), told
    assert told["id_token_claims"]["preferred_username"] == who["user"]
    account = app.get_accounts()[0]
    assert account["username"] == who["user"]
    again = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert again is not None and again["access_token"] != told["access_token"]
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    assert browser.get(f"{GRAPH}/v1.0/me", headers=headers, timeout=30).json()["userPrincipalName"] == who["user"]
    sandbox.do("microsoft", "revoke-grant", user=who["user"])
    lost = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert lost is not None and lost["error"] == "invalid_grant" and lost["suberror"] == "consent_required"


@MSAL
def test_msal_signs_in_on_another_device(witness: str, sandbox: Sandbox, browser: requests.Session) -> None:
    offer = sandbox.service("onedrive")
    who = offer["accounts"][0]
    app = msal.PublicClientApplication(offer["details"]["public_client_id"], authority=f"{LOGIN}/consumers")
    flow = app.initiate_device_flow(SCOPES)
    assert flow["verification_uri"] == "https://www.microsoft.com/link"
    page = browser.post(flow["verification_uri"], {"code": flow["user_code"]}, timeout=30)
    signing = threading.Thread(target=fill_in, args=(browser, page.url, who))
    signing.start()
    flow["interval"] = 1
    told = app.acquire_token_by_device_flow(flow)
    signing.join()
    assert told.get("access_token", "").startswith("EwB"), told
    assert app.get_accounts()[0]["username"] == who["user"]


@MSAL
def test_msal_proves_an_application_by_its_certificate(
    witness: str, sandbox: Sandbox, browser: requests.Session
) -> None:
    offer = sandbox.service("office365")
    key = offer["accounts"][0]["key"]
    proof = {"private_key": key, "public_certificate": key[key.index("-----BEGIN CERT") :]}
    tenant = f"{LOGIN}/{offer['details']['tenant']}"
    app = msal.ConfidentialClientApplication(offer["client_id"], client_credential=proof, authority=tenant)
    told = app.acquire_token_for_client(DEFAULT)
    assert told is not None and "access_token" in told, told
    assert "User.Read.All" in roles(told["access_token"])


@AZURE
def test_azure_identity_by_secret_and_by_certificate(witness: str, sandbox: Sandbox, browser: requests.Session) -> None:
    offer = sandbox.service("office365")
    tenant, key = offer["details"]["tenant"], offer["accounts"][0]["key"]
    by_secret = azure.identity.ClientSecretCredential(tenant, offer["client_id"], offer["client_secret"])
    by_certificate = azure.identity.CertificateCredential(
        offer["details"]["domain"], offer["client_id"], certificate_data=key.encode()
    )
    for credential in (by_secret, by_certificate):
        token = credential.get_token(*DEFAULT, enable_cae=True).token
        headers = {"Authorization": f"Bearer {token}"}
        told = browser.get(f"{GRAPH}/v1.0/organization", headers=headers, timeout=30).json()
        assert told["value"][0]["id"] == tenant
        assert browser.get(f"{GRAPH}/v1.0/users?$top=2", headers=headers, timeout=30).status_code == 200


@AZURE
def test_azure_identity_at_the_tls_port_itself(witness: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = sandbox.service("office365")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    credential = azure.identity.ClientSecretCredential(
        offer["details"]["tenant"],
        offer["client_id"],
        offer["client_secret"],
        authority=offer["tls_url"],
        disable_instance_discovery=True,
        connection_verify=sandbox.ca_file,
    )
    assert roles(credential.get_token(*DEFAULT).token)
    wrong = azure.identity.ClientSecretCredential(
        offer["details"]["tenant"],
        offer["client_id"],
        "wrong",
        authority=offer["tls_url"],
        disable_instance_discovery=True,
        connection_verify=sandbox.ca_file,
    )
    with pytest.raises(azure.core.exceptions.ClientAuthenticationError, match="AADSTS7000215"):
        wrong.get_token(*DEFAULT)
