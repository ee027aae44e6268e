"""S14, S29, S44: no secret comes back, whoever asks for what; a second factor where other machines reach the server."""

from pathlib import Path

import pyotp
import pytest

from haulage.ledger.audit import Actor
from haulage.ledger.store import Ledger
from haulage.model.person import Role, Scope
from haulage.operations import connectors, rights, signing_in
from haulage.services.registry import service
from haulage.web.app import every_route
from tests.web.house import PASSWORD, TEST, House, Visitor, served
from tests.web.test_rights import filled

CANARY = "canary+of/a/secret0123456789abcdefghijkl"
KEYS = {"access_key_id": "AKIACANARY", "secret_access_key": CANARY, "endpoint_url": "http://127.0.0.1:1"}


async def test_secrets_never_come_back(house: House) -> None:
    """Every page and every answer of the API, with one's own connector; forms that are refused, and shown again."""
    ada = house.person("ada", Role.ADMIN)
    connectors.add(house.ledger, "bobs", service("s3"), KEYS, Actor("ada", "test"))
    _, key = signing_in.add_token(house.ledger, ada, "all", list(Scope), 1, TEST)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    seen = []
    for route in every_route():
        if "GET" in route.methods and not route.path.endswith("/events"):
            program = route.path.startswith("/api/")
            headers = {"Authorization": f"Bearer {key}"} if program else {}
            answer = await visitor.http.get(filled(route.path), headers=headers)
            assert answer.status_code < 500, route.path
            seen.append(answer.text)
    shown = await visitor.get("/connectors/bobs/reauthorize")
    assert "http://127.0.0.1:1" in shown.text
    form = {**KEYS, "display_name": "another", "usage": "read"}
    refused = await visitor.post("/connectors/new/s3", **form)
    assert refused.status_code == 422
    renewed = await visitor.post("/connectors/bobs/reauthorize", **KEYS)
    headers = {"Authorization": f"Bearer {key}"}
    body = {"service": "s3", "settings": KEYS, "name": "third", "unknown": CANARY}
    invalid = await visitor.http.post("/api/v1/connectors", json=body, headers=headers)
    assert invalid.status_code == 422
    hashes = house.ledger.path.parent
    for text in (*seen, shown.text, refused.text, renewed.text, invalid.text):
        assert CANARY not in text and PASSWORD not in text and "argon2" not in text
    logs = [one.read_text() for one in (hashes / "logs").rglob("*") if one.is_file()]
    assert CANARY not in "".join(logs)
    await visitor.close()


async def test_an_unexpected_error_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """S44, S45: neither a page nor a program sees more than a number, which stands in the log; deep JSON is refused."""
    ada = house.person("ada", Role.OPERATOR)
    _, key = signing_in.add_token(house.ledger, ada, "all", list(Scope), 1, TEST)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    deep = await visitor.http.post("/api/v1/runs", content=b"[" * 100_000, headers=headers)
    assert deep.status_code in (400, 422)

    def broken(*_: object) -> None:
        raise ValueError("inner words")

    monkeypatch.setattr(rights, "runs", broken)
    log = house.ledger.path.parent / "logs"
    for path in ("/runs", "/api/v1/runs"):
        answer = await visitor.http.get(path, headers=headers)
        number = answer.headers["x-request-id"]
        assert (answer.status_code, number in answer.text, "inner words" in answer.text) == (500, True, False)
        assert "content-security-policy" in answer.headers
        assert any(number in one.read_text() for one in log.iterdir())
    await visitor.close()


async def test_a_second_factor_where_others_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S29: an administrator is led to the account page until codes are set up; others are not; tokens wait too."""
    monkeypatch.setenv("HAULAGE_HOME", str(tmp_path / "state"))
    ledger = Ledger.open(tmp_path / "state" / "ledger.db")
    async with served(ledger, public_url="https://haulage.example.com") as house:
        chief = house.person("chief", Role.ADMIN)
        house.person("ada", Role.OPERATOR)
        _, key = signing_in.add_token(ledger, chief, "all", list(Scope), 1, TEST)
        visitor = Visitor(house, host="haulage.example.com")
        headers = {"Authorization": f"Bearer {key}"}
        cookie = (await visitor.sign_in("ada")).headers["set-cookie"]
        assert cookie.startswith("__Host-haulage=") and {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(
            cookie.split("; ")
        )
        page = await visitor.get("/wizard")
        assert page.status_code == 200 and "max-age" in page.headers["strict-transport-security"]
        await visitor.sign_in("chief")
        for path in ("/", "/wizard", "/people", "/runs", "/connectors/new"):
            assert (await visitor.get(path)).headers["location"] == "/account?second_first=true"
        assert (await visitor.post("/people", name="x", role="admin")).status_code == 303
        assert {one.name for one in house.everybody()} == {"root", "chief", "ada"}
        assert (await visitor.http.get("/api/v1/runs", headers=headers)).status_code == 403
        shown = await visitor.post("/account/second")
        secret = shown.text.partition('name="secret" value="')[2].partition('"')[0]
        kept = await visitor.post("/account/second/keep", secret=secret, code=pyotp.TOTP(secret).now())
        assert kept.status_code == 303
        assert (await visitor.get("/people")).status_code == 200
        assert (await visitor.http.get("/api/v1/runs", headers=headers)).status_code == 200
        await visitor.close()
    ledger.close()
