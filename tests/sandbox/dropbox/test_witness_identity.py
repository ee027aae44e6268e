"""Dropbox's own Python SDK signs in at the sandbox, as a person and for a team; it parses strictly."""

import importlib.metadata
from urllib.parse import parse_qsl, urlsplit

import dropbox
import dropbox.exceptions
import dropbox.team
import pytest
import requests

from testbed.sandbox import Sandbox

SDK = pytest.mark.parametrize("witness", [f"dropbox {importlib.metadata.version('dropbox')}"], indirect=True)


@pytest.fixture
def session(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> requests.Session:
    """The SDK's session, which finds the sandbox under Dropbox's own names."""
    for name, value in sandbox.client_env.items():
        monkeypatch.setenv(name, value)
    made: requests.Session = dropbox.create_session()
    made.verify = sandbox.ca_file
    return made


@SDK
def test_a_person(witness: str, sandbox: Sandbox, session: requests.Session) -> None:
    offer = sandbox.service("dropbox")
    who, redirect = offer["accounts"][4], offer["redirect_uris"][0]
    flow = dropbox.DropboxOAuth2Flow(
        offer["client_id"], redirect, kept := {}, "csrf", use_pkce=True, token_access_type="offline",
        ca_certs=sandbox.ca_file,
    )  # fmt: skip
    url = flow.start()
    sent = {"user": who["user"], "password": who["password"], "do": "allow"}
    back = session.post(url, sent, allow_redirects=False, timeout=30).headers["Location"]
    told = flow.finish(dict(parse_qsl(urlsplit(back).query)))
    assert told.account_id == who["details"]["account_id"] and kept == {}
    client = dropbox.Dropbox(oauth2_refresh_token=told.refresh_token, app_key=offer["client_id"], session=session)
    assert client.users_get_current_account().email == who["user"]
    sandbox.do("dropbox", "expire-tokens", user=who["user"])
    assert client.users_get_current_account().email == who["user"], "it refreshes by itself"
    client.auth_token_revoke()
    with pytest.raises(dropbox.exceptions.AuthError, match="invalid_access_token"):
        client.users_get_current_account()


@SDK
def test_a_team(witness: str, sandbox: Sandbox, session: requests.Session) -> None:
    offer = sandbox.service("dropbox-business")
    client = dropbox.DropboxTeam(
        oauth2_refresh_token=offer["accounts"][0]["refresh_token"],
        app_key=offer["client_id"],
        app_secret=offer["client_secret"],
        session=session,
    )
    info = client.team_get_info()
    assert info.name == "Aurora Works" and info.policies.sharing.shared_folder_member_policy is not None
    assert client.team_token_get_authenticated_admin().admin_profile.email == offer["accounts"][0]["user"]
    page = client.team_members_list_v2(limit=5)
    members = list(page.members)
    while page.has_more:
        page = client.team_members_list_continue_v2(page.cursor)
        members += page.members
    assert len(members) == 12
    asked = [dropbox.team.UserSelectorArg.email(members[3].profile.email)]
    assert client.team_members_get_info_v2(asked).members_info[0].get_member_info().profile.email
    assert client.team_members_get_info(asked)[0].get_member_info().role.is_member_only()
    groups = client.team_groups_list(limit=3)
    more = client.team_groups_list_continue(groups.cursor)
    chosen = dropbox.team.GroupSelector.group_id((groups.groups + more.groups)[0].group_id)
    found = client.team_groups_members_list(chosen, limit=1)
    if found.has_more:
        client.team_groups_members_list_continue(found.cursor)
    acting = client.as_user(members[3].profile.team_member_id)
    assert acting.users_get_current_account().email == members[3].profile.email
