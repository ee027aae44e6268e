"""S30: signing in through the organisation's own sign-in, which the sandbox's Microsoft plays."""

import re
import time
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from haulage.connectors import oidc
from haulage.ledger import people as people_rows
from haulage.model.errors import Refused, SignInRefused
from haulage.model.person import Role
from haulage.operations import elsewhere, people
from tests.connectors.people import REALM, Office
from tests.web.house import TEST, Visitor, served, words

APPLICATION, SECRET = "haulage-itself", "a secret of the application"
ISSUER = "https://issuer.example"


@pytest.fixture
def configured(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An installation whose people sign in at the sandbox's Microsoft."""
    monkeypatch.setenv("HAULAGE_HOME", str(office.home))
    redirects = ["http://localhost/sign-in/callback"]
    office.sandbox.do("microsoft", "register-app", client_id=APPLICATION, redirect_uris=redirects, secret=SECRET)
    tenant = office.sandbox.service("office365")["details"]["tenant"]
    settings = {"ISSUER": f"https://login.microsoftonline.com/{tenant}/v2.0", "CLIENT_ID": APPLICATION}
    for name, value in {**settings, "CLIENT_SECRET": SECRET, "REALM": REALM, "TITLE": "Aurora"}.items():
        monkeypatch.setenv(f"HAULAGE_OIDC_{name}", value)
    return office


async def signs_in(visitor: Visitor, office: Office, account: dict[str, Any], path: str, **form: str) -> str:
    """Press the button, and sign in there; where the browser is sent back to."""
    left = await visitor.post(path, **form)
    found = re.search(r'url=(https://[^"]*)"', left.text)
    assert found, words(left)
    came = office.browser.allow(unescape(found[1]), account["user"], account["password"])
    parts = urlsplit(came)
    return f"{parts.path}?{parts.query}"


async def test_signing_in_elsewhere(configured: Office) -> None:
    """Begun with a one-time link; from then on by the same account alone, once, in the browser that asked for it."""
    office = configured
    ada, bob = office.people("onedrive-business", "user")[:2]
    async with served(office.ledger) as house:
        house.person("chief", Role.ADMIN)
        made, key = people.invite(office.ledger, "ada", Role.OPERATOR, TEST)
        visitor, other = Visitor(house), Visitor(house)
        assert "Begin with Aurora instead" in words(await visitor.get(f"/claim/{key}"))
        back = await signs_in(visitor, office, ada, "/sign-in/elsewhere", claim=key)
        await other.get("/sign-in")
        assert (await other.get(back)).status_code == 400
        assert (await visitor.get(back)).status_code == 303
        assert (await visitor.get(back)).status_code == 400
        page = await visitor.get("/account")
        assert "Account of ada" in words(page) and "You can sign in with it" in words(page)
        assert (await visitor.get(f"/claim/{key}")).status_code == 410
        assert office.ledger.read(people_rows.secrets, made.id)[0] is None
        assert (await visitor.post("/account/elsewhere/end")).status_code == 422  # there is no password
        await visitor.post("/sign-out")

        assert "Sign in with Aurora" in words(await other.get("/sign-in"))
        back = await signs_in(other, office, ada, "/sign-in/elsewhere", next="/runs")
        assert (await other.get(back)).headers["location"] == "/runs"
        await visitor.get("/sign-in")
        back = await signs_in(visitor, office, bob, "/sign-in/elsewhere")
        refused = await visitor.get(back)
        assert (refused.status_code, "nobody here is known" in words(refused)) == (400, True)

        await visitor.sign_in("chief")
        back = await signs_in(visitor, office, ada, "/account/elsewhere")
        assert "somebody else's" in words(await visitor.get(back))
        back = await signs_in(visitor, office, bob, "/account/elsewhere")
        assert (await visitor.get(back)).headers["location"] == "/account"
        await visitor.get("/account")  # the session is a new one, and so is the key of its forms
        assert (await visitor.post("/account/elsewhere/end")).status_code == 303
        for one in (visitor, other):
            await one.close()


def test_only_a_good_token_tells_who_it_is() -> None:
    """Issuer, audience, nonce, time, algorithm and key: each of them wrong is refused."""
    key, foreign = RSAKey.generate_key(2048, {"kid": "k"}), RSAKey.generate_key(2048, {"kid": "k"})
    keys = {"keys": [key.as_dict(private=False)]}
    now = int(time.time())
    good = {"iss": ISSUER, "aud": "me", "nonce": "n", "sub": "ada", "iat": now, "exp": now + 300}

    def told(claims: dict[str, Any], signer: Any = key, algorithm: str = "RS256") -> str:
        token = jwt.encode({"alg": algorithm, "kid": "k"}, claims, signer)
        return oidc.subject(token, keys, ISSUER, "me", "n")

    assert told(good) == "ada"
    assert told({**good, "aud": ["me", "other"], "azp": "me"}) == "ada"
    wrong: list[dict[str, Any]] = [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"nonce": "m"},
        {"exp": now - 600},
    ]
    wrong += [{"azp": "other"}, {"sub": ""}, {"sub": 7}]
    for one in wrong:
        with pytest.raises(SignInRefused):
            told({**good, **one})
    for name in good:
        with pytest.raises(SignInRefused):
            told({known: value for known, value in good.items() if known != name})
    with pytest.raises(SignInRefused):
        told(good, foreign)
    with pytest.raises(SignInRefused):
        told(good, OctKey.import_key("a secret that both know, of some length"), "HS256")
    for token in ("", "a.b.c", "e30.e30."):
        with pytest.raises(SignInRefused):
            oidc.subject(token, keys, ISSUER, "me", "n")


def test_what_is_configured() -> None:
    """Nothing, or an https issuer with a client."""
    assert elsewhere.elsewhere({}) is None
    at = elsewhere.elsewhere({"HAULAGE_OIDC_ISSUER": ISSUER, "HAULAGE_OIDC_CLIENT_ID": "me"})
    assert at is not None and (at.title, at.realm) == ("issuer.example", "live")
    for wrong in ({"HAULAGE_OIDC_ISSUER": "http://issuer.example", "HAULAGE_OIDC_CLIENT_ID": "me"},):
        with pytest.raises(Refused):
            elsewhere.elsewhere(wrong)
    with pytest.raises(Refused):
        elsewhere.elsewhere({"HAULAGE_OIDC_ISSUER": ISSUER})
