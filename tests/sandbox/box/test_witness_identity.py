"""Box's own Python SDK signs in at the sandbox in each of its ways."""

import importlib.metadata

import pytest
from box_sdk_gen import (
    AccessToken,
    BoxCCGAuth,
    BoxClient,
    BoxJWTAuth,
    BoxOAuth,
    CCGConfig,
    GetAuthorizeUrlOptions,
    JWTConfig,
    OAuthConfig,
)
from box_sdk_gen.box.errors import BoxAPIError

from testbed.sandbox import Sandbox

SDK = pytest.mark.parametrize("witness", [f"boxsdk {importlib.metadata.version('boxsdk')}"], indirect=True)


@pytest.fixture(autouse=True)
def through_the_proxy(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK finds the sandbox under Box's own names."""
    for name, value in sandbox.client_env.items():
        monkeypatch.setenv(name, value)


@SDK
def test_a_person_by_oauth(witness: str, sandbox: Sandbox) -> None:
    offer = sandbox.service("box")
    auth = BoxOAuth(OAuthConfig(client_id=offer["client_id"], client_secret=offer["client_secret"]))
    url = auth.get_authorize_url(options=GetAuthorizeUrlOptions(redirect_uri=offer["redirect_uris"][0]))
    assert url.startswith("https://account.box.com/api/oauth2/authorize?")
    who = offer["accounts"][3]
    told = sandbox.do("box", "sign-in", client_id=offer["client_id"], user=who["user"])
    auth.token_storage.store(AccessToken(access_token=told["access_token"], refresh_token=told["refresh_token"]))
    client = BoxClient(auth=auth)
    assert client.users.get_user_me().login == who["user"]
    sandbox.do("box", "expire-tokens", user=who["user"])
    assert client.users.get_user_me().login == who["user"], "it refreshes by itself"
    assert auth.refresh_token().refresh_token != told["refresh_token"]
    auth.revoke_token()
    auth.token_storage.store(AccessToken(access_token="x", refresh_token=told["refresh_token"]))
    with pytest.raises(BoxAPIError, match="invalid_grant"):
        auth.refresh_token()


@SDK
def test_an_application_by_jwt_and_as_user(witness: str, sandbox: Sandbox) -> None:
    key = sandbox.service("box-enterprise")["accounts"][0]["key"]
    client = BoxClient(auth=BoxJWTAuth(JWTConfig.from_config_json_string(key)))
    assert client.users.get_user_me().login.startswith("AutomationUser_")
    users = client.users.get_users(limit=5).entries or []
    acting = client.with_as_user_header(users[2].id)
    assert acting.users.get_user_me().login == users[2].login


@SDK
def test_an_application_by_client_credentials(witness: str, sandbox: Sandbox) -> None:
    offer = sandbox.service("box-enterprise")
    known = {"client_id": offer["client_id"], "client_secret": offer["client_secret"]}
    auth = BoxCCGAuth(CCGConfig(enterprise_id=offer["details"]["enterprise_id"], **known))
    assert BoxClient(auth=auth).users.get_user_me().login.startswith("AutomationUser_")
    admin = offer["accounts"][1]
    user = auth.with_user_subject(admin["details"]["id"])
    assert BoxClient(auth=user).users.get_user_me().login == admin["user"]
