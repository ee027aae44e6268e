"""Beginning, signing in, sessions and forms: S27, S31, S32, S33, S35, S04."""

import re

import pyotp

from haulage.ledger.store import now_us
from haulage.model.person import Role
from haulage.operations import people, signing_in
from tests.web.house import PASSWORD, House, Visitor, words


async def test_the_first_link_makes_an_administrator_once(house: House) -> None:
    """S27: no account before, 410 for ever after, no second administrator by another link of the same time."""
    first = people.first_claim(house.ledger, "ada-on-this-machine")
    assert first is not None
    ada, eve = Visitor(house), Visitor(house)
    assert (await ada.get("/")).headers["location"] == "/sign-in?next=%2F"
    assert (await ada.get(f"/claim/{first}")).status_code == 200
    for password, why in (("short", "shorter"), ("passwordpassword", "guess"), ("ada@example.com 1", "guess")):
        refused = await ada.post(f"/claim/{first}", name="ada@example.com", password=password, again=password)
        assert (refused.status_code, why in words(refused)) == (422, True)
    begun = await ada.post(f"/claim/{first}", name="ada@example.com", password=PASSWORD, again=PASSWORD)
    assert (begun.status_code, begun.headers["location"]) == (303, "/")
    assert "Transfer Wizard" in words(await ada.get("/wizard"))
    await eve.get("/sign-in")
    assert (await eve.get(f"/claim/{first}")).status_code == 410
    assert (await eve.post(f"/claim/{first}", name="eve", password=PASSWORD, again=PASSWORD)).status_code == 410
    assert people.first_claim(house.ledger, "anybody") is None
    assert (await ada.get("/people")).status_code == 200
    await ada.close()
    await eve.close()


async def test_failed_sign_ins_look_alike_and_wait(house: House) -> None:
    """S31: an unknown name, a wrong password and a wrong code read the same; after five, others still sign in."""
    house.person("ada", Role.OPERATOR)
    house.person("bob", Role.OPERATOR)
    visitor = Visitor(house)
    unknown = await visitor.sign_in("nobody")
    texts = set()
    for _ in range(5):
        wrong = await visitor.sign_in("ada", "wrong password of hers")
        texts.add(words(wrong))
        assert wrong.status_code == 401
    assert texts == {words(unknown)}
    assert (await visitor.sign_in("ada")).status_code == 429
    assert (await visitor.sign_in("bob")).status_code == 303
    await visitor.close()


async def test_a_session_ends(house: House) -> None:
    """S32: the cookie's marks; signing out, ending from elsewhere, a new password, half an hour, twelve hours."""
    house.person("ada", Role.OPERATOR)
    desk, phone = Visitor(house), Visitor(house)
    cookie = (await desk.sign_in("ada")).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))
    await phone.sign_in("ada")
    key = re.findall(r"/account/sessions/([0-9a-f]{64})/end", (await desk.get("/account")).text)
    assert len(key) == 2
    new = "another four words entirely"
    assert (await desk.post("/account/password", old=PASSWORD, new=new, again=new)).status_code == 200
    assert (await phone.get("/account")).status_code == 303
    assert (await desk.get("/account")).status_code == 200
    jar = {name: value for name, value in desk.http.cookies.items() if not name.endswith("-visit")}
    (held,) = jar.values()
    for age, good in ((signing_in.IDLE_US - 60_000_000, True), (signing_in.IDLE_US + 1, False)):
        _set_session(house, held, seen_us=now_us() - age)
        assert (await desk.get("/account")).status_code == (200 if good else 303)
    await phone.sign_in("ada", new)
    assert (await phone.post("/sign-out")).status_code == 303
    assert (await phone.get("/account")).status_code == 303
    await phone.sign_in("ada", new)
    (held,) = (value for name, value in phone.http.cookies.items() if not name.endswith("-visit"))
    _set_session(house, held, created_us=now_us() - signing_in.LONGEST_US - 1)
    assert (await phone.get("/account")).status_code == 303
    await desk.close()
    await phone.close()


def _set_session(house: House, cookie: str, **values: int) -> None:
    from haulage.ledger import sessions

    house.ledger.do(sessions.update, people.key_hash(cookie), **values)


async def test_forms_come_from_our_own_pages(house: House) -> None:
    """S33: neither another origin, nor a missing one, nor another's key; and no other name of the host."""
    house.person("ada", Role.OPERATOR)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    own = {"Origin": house.url, "Sec-Fetch-Site": "same-origin"}
    evil = {"Origin": "https://evil.example"}
    for headers in ({}, evil, {"Origin": "null"}, {**own, "Sec-Fetch-Site": "cross-site"}):
        assert (await visitor.post("/account/notices", headers, notices="never")).status_code == 403
    key, visitor.form_key = visitor.form_key, "0" * 64
    assert (await visitor.post("/account/notices", own, notices="never")).status_code == 403
    visitor.form_key = key
    assert (await visitor.post("/account/notices", own, notices="never")).status_code == 303
    null = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}  # what a browser says under no-referrer
    assert (await visitor.post("/account/notices", null, notices="errors")).status_code == 303
    assert (await visitor.http.get("/account", headers={"Host": "evil.example"})).status_code == 421
    assert (await visitor.post("/sign-in", evil, name="a", password="b")).status_code == 403
    assert (await visitor.http.post("/account/notices", content=b"x" * 300_000, headers=own)).status_code == 413
    await visitor.close()


async def test_every_answer_is_dressed(house: House) -> None:
    """S35, S44: the headers are there on pages, errors and files; an unexpected path tells nothing."""
    visitor = Visitor(house)
    for path in ("/sign-in", "/nothing", "/static/haulage.js", "/api/v1/runs"):
        answer = await visitor.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]
    house.person("ada", Role.VIEWER)
    for wanted in ("//evil.example", "/\\evil.example", "https://evil.example", "/ok"):
        other = Visitor(house)
        there = (await other.sign_in("ada", next=wanted)).headers["location"]
        assert there == ("/ok" if wanted == "/ok" else "/")
        await other.close()
    await visitor.close()


async def test_one_time_codes(house: House) -> None:
    """S29: asked for from the first right code on, each good once; dropped with the password."""
    house.person("ada", Role.OPERATOR)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    shown = await visitor.post("/account/second")
    secret = re.findall(r'name="secret" value="([A-Z2-7]+)"', shown.text)[0]
    assert (await visitor.post("/account/second/keep", secret=secret, code="000000")).status_code in (422,)
    assert (await visitor.post("/account/second/keep", secret=secret, code=pyotp.TOTP(secret).now())).status_code == 303
    other = Visitor(house)
    assert (await other.sign_in("ada")).status_code == 401
    code = pyotp.TOTP(secret).now()
    assert (await other.sign_in("ada", code=code)).status_code == 303
    assert (await other.sign_in("ada", code=code)).status_code == 401
    assert (await visitor.post("/account/second/drop", password=PASSWORD)).status_code == 303
    assert (await other.sign_in("ada")).status_code == 303
    await visitor.close()
    await other.close()
