"""The guide of every service that one signs in to names what has to be set up there: scopes, redirects, settings."""

from pathlib import Path

import pytest

from haulage.operations.accounts import signing_in
from haulage.operations.authorise import LOOPBACK_PORT
from haulage.services.registry import service, services

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIGNED_IN = [one.id for one in services().values() if one.authorisation is not None]


@pytest.mark.parametrize("service_id", SIGNED_IN)
def test_a_guide_names_what_has_to_be_set_up(service_id: str) -> None:
    chosen = service(service_id)
    how = signing_in(chosen)
    guide = (DOCS / f"{how.guide}.md").read_text(encoding="utf-8")
    oauth = how.oauth
    wanted = {*oauth.read, *oauth.write, *oauth.app_scopes}
    assert not [scope for scope in wanted if scope not in guide]
    assert f"haulage connectors add {service_id} " in guide
    if oauth.authorize_url and oauth.loopback == "fixed":
        assert f"http://{oauth.loopback_host}:{LOOPBACK_PORT}/oauth/callback/{service_id}" in guide
    if oauth.authorize_url and oauth.loopback_host == "localhost" and oauth.loopback == "any":
        assert f"`http://localhost/oauth/callback/{service_id}`" in guide
    if oauth.device_url:
        assert "--device" in guide
    needed = {name for way in how.ways for name in way.needs if way.id != "keys"}
    assert not [name for name in needed if f"{name}=" not in guide]
