"""Tokens of Cloud Storage: what is asked for, when it is renewed, and what a refusal means (Q15)."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from haulage.model.errors import AuthLost, Refused
from haulage.services.gcs.credentials import SCOPE, Login, Token, read_login
from tests.contract.kit import FreePacer
from tests.unit.services.conftest import Scripted

KEY = RSAKey.generate_key(2048)


@pytest.fixture
async def server(scripted: Callable[[], Awaitable[Scripted]]) -> Scripted:
    """One that says what it is told to."""
    return await scripted()


def account(**more: str) -> dict[str, str]:
    """A service account's key file."""
    pem = KEY.as_pem(private=True).decode()
    told = {"type": "service_account", "client_email": "a@p.iam.example", "private_key": pem, "private_key_id": "k1"}
    return {**told, **more}


def token_of(server: Scripted, login: Login | None = None) -> Token:
    """For credentials whose token address is the server server."""
    address = f"{server.url}/token"
    if login is None:
        login = read_login({"service_account_key": json.dumps(account(token_uri=address))})
    assert login is not None
    return Token(login, public=False, pacer=FreePacer())


def said(server: Scripted, status: int, **fields: Any) -> list[Any]:
    return server.answer(status, json.dumps(fields).encode(), Date=formatdate(usegmt=True))


async def test_a_service_account_signs_an_assertion(server: Scripted) -> None:
    server.say(said(server, 200, access_token="t1", expires_in=3599))
    token = token_of(server)
    assert await token.bearer() == await token.bearer() == "t1"
    [heard] = server.heard
    form = {name: values[0] for name, values in parse_qs(heard.body.decode()).items()}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    read = jwt.decode(form["assertion"], KEY)
    assert read.header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    claims = read.claims
    assert (claims["iss"], claims["scope"], claims["aud"]) == ("a@p.iam.example", SCOPE, f"{server.url}/token")
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time.time()) < 60
    await token.close()


async def test_a_refresh_token(server: Scripted) -> None:
    server.say(said(server, 200, access_token="t1", expires_in=3599))
    login = read_login({"client_id": "c", "client_secret": "s", "refresh_token": "r"})
    assert login is not None
    login.token_uri = f"{server.url}/token"
    token = token_of(server, login)
    assert await token.bearer() == "t1"
    form = {name: values[0] for name, values in parse_qs(server.heard[0].body.decode()).items()}
    assert form == {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    assert await token.revocable() == "r"
    await token.close()


async def test_a_token_is_renewed_before_it_ends_and_when_it_is_refused(server: Scripted) -> None:
    """F18."""
    server.say(
        said(server, 200, access_token="t1", expires_in=0.01),
        said(server, 200, access_token="t2", expires_in=3599),
        said(server, 200, access_token="t3", expires_in=3599),
    )
    token = token_of(server)
    assert await token.bearer() == "t1"
    await asyncio.sleep(0.02)
    assert await token.bearer() == "t2"
    await token.refused("t1")
    assert await token.bearer() == "t2"
    await token.refused("t2")
    assert await token.bearer() == "t3"
    await token.close()


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}),
        (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
        (401, {"error": "unauthorized_client"}),
        (401, {"error": "invalid_client"}),
        (403, {}),
    ],
)
async def test_a_refusal_is_final(server: Scripted, status: int, fields: dict[str, str]) -> None:
    server.say(said(server, status, **fields))
    token = token_of(server)
    with pytest.raises(AuthLost) as caught:
        await token.bearer()
    assert len(server.heard) == 1
    assert "PRIVATE KEY" not in f"{caught.value!r} {caught.value.message} {token!r} {token._login!r}"
    await token.close()


async def test_trouble_passes(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haulage.services.transport.retries.random.uniform", lambda least, most: 0.01)
    server.say(said(server, 500), said(server, 400, error="server_error"), said(server, 200, access_token="t1"))
    token = token_of(server)
    assert await token.bearer() == "t1"
    await token.close()


async def test_a_wrong_clock_is_put_right_once(server: Scripted) -> None:
    """F40: by the answer's own date."""
    text = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    wrong = json.dumps({"error": "invalid_grant", "error_description": text}).encode()
    later = formatdate(time.time() + 7200, usegmt=True)
    server.say(server.answer(400, wrong, Date=later), said(server, 200, access_token="t1"))
    token = token_of(server)
    assert await token.bearer() == "t1"
    form = parse_qs(server.heard[1].body.decode())
    assert abs(jwt.decode(form["assertion"][0], KEY).claims["iat"] - time.time() - 7200) < 60
    await token.close()


def test_where_credentials_come_from(tmp_path: Path) -> None:
    """The key itself, a refresh token, a file; in this order, and none at all."""
    file = tmp_path / "adc.json"
    file.write_text(
        json.dumps({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"})
    )
    by_file = read_login({"credentials_file": str(file)})
    assert by_file is not None
    assert (by_file.client_id, by_file.refresh_token) == ("c", "r")
    given = read_login({"credentials_file": "/none", "service_account_key": json.dumps(account(project_id="p"))})
    assert given is not None
    assert given.project_id == "p"
    assert read_login({}) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"service_account_key": "not JSON"},
        {"service_account_key": "{}"},
        {"service_account_key": '{"client_email": "a"}'},
        {"refresh_token": "secret-r"},
        {"credentials_file": "/there/is/none"},
    ],
)
def test_half_credentials_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        read_login(settings)
    assert "secret-r" not in str(caught.value)


def test_tokens_are_asked_for_at_google_alone() -> None:
    """F43: a key that was tampered with does not send the assertion elsewhere."""
    for address in ("https://evil.example/token", "http://oauth2.googleapis.com/token", "https://a@evil.example/"):
        with pytest.raises(Refused):
            Token(
                Login(**{k: v for k, v in account(token_uri=address).items() if k != "type"}),
                public=True,
                pacer=FreePacer(),
            )


def test_a_key_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        Token(Login(client_email="a", private_key="-----BEGIN NONSENSE"), public=True, pacer=FreePacer())
    assert "NONSENSE" not in str(caught.value)
