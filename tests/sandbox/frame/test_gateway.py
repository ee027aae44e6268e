"""What the frame does with every call: routes, faults, budgets, history."""

import asyncio
import hashlib
import ssl
from typing import Any

import aiohttp
import pytest

from tests.sandbox.frame.toy import HOST, Client

BODY = bytes(range(256)) * 4_000


async def test_what_was_put_is_got_whole_and_in_ranges(toy: Client) -> None:
    status, text, _ = await toy("POST", "/v1/files/a%20b", data=BODY)
    assert status == 201 and f"{toy.base}/v1/files/a b".encode() in text
    assert (await toy("GET", "/v1/files/a%20b"))[1] == BODY
    status, part, answer = await toy("GET", "/v1/files/a%20b", headers={"Range": "bytes=300000-300009"})
    assert (status, part) == (206, BODY[300_000:300_010])
    assert answer.headers["Content-Range"] == f"bytes 300000-300009/{len(BODY)}"
    status, _, answer = await toy("GET", "/v1/files/a%20b", headers={"Range": f"bytes={len(BODY)}-"})
    assert (status, answer.headers["Content-Range"]) == (416, f"bytes */{len(BODY)}")
    assert (await toy("GET", "/v1/files/a%20b", headers={"Range": "bytes=-5"}))[1] == BODY[-5:]


async def test_what_is_not_simulated_answers_501(toy: Client) -> None:
    for method, path in (("GET", "/v2/files"), ("DELETE", "/v1/files/x"), ("GET", "/v1/files/a/b")):
        status, text, _ = await toy(method, path)
        assert status == 501 and b"is not simulated" in text


async def test_the_proxy_ends_tls_under_the_vendors_names_and_reaches_nothing_else(toy: Client) -> None:
    trust = ssl.create_default_context(cafile=toy.box.ready()["ca_file"])
    proxy = toy.box.listeners.proxy
    for host in (HOST, "eu.toy-content.example"):
        async with toy.session.post(f"https://{host}/v1/files/p", data=b"x", proxy=proxy, ssl=trust) as answer:
            assert await answer.json() == {"link": f"https://{HOST}/v1/files/p"}
    with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
        await toy.session.get("https://elsewhere.example/", proxy=proxy, ssl=trust)
    assert refused.value.status == 502
    with pytest.raises(aiohttp.ClientConnectorCertificateError):  # nobody trusts the authority by itself
        await toy.session.get(f"https://{HOST}/v1/files", proxy=proxy)


async def test_a_fault_strikes_where_the_plan_says(toy: Client) -> None:
    await toy("POST", "/v1/files/a", data=BODY)
    rules = [
        {"fault": "F02", "operation": "list", "nth": 2},
        {"fault": "F18", "operation": "get", "times": 1},
        {"fault": "F17", "operation": "get", "path": "*range*"},
    ]
    await toy.control("POST", "faults", rules)
    assert [(await toy("GET", "/v1/files"))[0] for _ in range(3)] == [200, 429, 200]
    assert [(await toy("GET", "/v1/files/a"))[0] for _ in range(2)] == [401, 200]
    status, body, _ = await toy("GET", "/v1/files/a?range=ignored", headers={"Range": "bytes=5-9"})
    assert (status, body) == (200, BODY)
    struck = [one["fault"] for one in await toy.control("GET", "history") if one.get("fault")]
    assert struck == ["F02", "token_expired", "range_ignored"]
    await toy.control("DELETE", "faults")
    assert (await toy("GET", "/v1/files/a"))[0] == 200


@pytest.mark.parametrize("fault", ["F06", "F09"])
async def test_a_fault_before_the_effect_leaves_no_trace(toy: Client, fault: str) -> None:
    await toy.control("POST", "faults", {"fault": fault, "operation": "put", "times": 1})
    try:
        status = (await toy("POST", "/v1/files/a", data=BODY))[0]
    except aiohttp.ClientError:
        status = 0
    assert status == (503 if fault == "F06" else 0)
    assert (await toy("GET", "/v1/files"))[1] == b'{"names":[]}'
    assert await toy.control("GET", "history/changes") == []


@pytest.mark.parametrize("fault", ["F07", "F25"])
async def test_a_fault_after_the_effect_leaves_it_applied(toy: Client, fault: str) -> None:
    await toy.control("POST", "faults", {"fault": fault, "operation": "put", "times": 1})
    try:
        status = (await toy("POST", "/v1/files/a", data=BODY))[0]
    except aiohttp.ClientError:
        status = 0
    assert status == (503 if fault == "F07" else 0)
    assert (await toy("GET", "/v1/files/a"))[1] == BODY


async def test_bodies_are_damaged_as_told(toy: Client) -> None:
    await toy("POST", "/v1/files/a", data=BODY)
    for fault, details in (("F10", {"after": 1000}), ("F11", {"after": 1000})):
        await toy.control("POST", "faults", {"fault": fault, "operation": "get", "times": 1, "details": details})
        with pytest.raises(aiohttp.ClientError):
            await toy("GET", "/v1/files/a")
    for fault, details, expected in (
        ("F12", {"after": 1000}, BODY[:1000]),  # ends early, and looks whole
        ("truncate", {"after": 10, "framing": "short"}, BODY[:10]),
        ("F13", {"by": 3}, BODY + bytes(3)),
        ("flip", {"at": 500_000}, BODY[:500_000] + bytes([BODY[500_000] ^ 1]) + BODY[500_001:]),
    ):
        await toy.control("POST", "faults", {"fault": fault, "operation": "get", "times": 1, "details": details})
        assert (await toy("GET", "/v1/files/a"))[1] == expected, fault


async def test_calls_that_do_not_wait_are_noticed(toy: Client) -> None:
    await toy.control("PUT", "settings", {"service": "toy", "quotas": {"calls": 2}})
    await toy.control("POST", "clock", {"stop": 1_800_000_000})
    statuses = [(await toy("GET", "/v1/files"))[0] for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    early = await toy.control("GET", "history/early")
    assert [one["number"] for one in early] == [4]
    await toy.control("POST", "clock", {"step": 61})
    assert (await toy("GET", "/v1/files"))[0] == 200
    assert len(await toy.control("GET", "history/early")) == 1


async def test_the_history_tells_who_saw_which_bytes(toy: Client) -> None:
    await toy("POST", "/v1/files/a", data=BODY, headers={"Authorization": "ana"})
    await toy("GET", "/v1/files/a", headers={"Authorization": "ben", "Range": "bytes=10-19"})
    digest = hashlib.sha256(BODY).hexdigest()
    (change,) = await toy.control("GET", "history/states?under=a")
    assert (change["actor"], change["kind"], change["sha256"]) == ("ana", "create", digest)
    (sight,) = await toy.control("GET", "history/sights?actor=ben")
    assert (sight["sha256"], sight["start"], sight["stop"], sight["sent"]) == (digest, 10, 20, 10)


async def test_a_client_that_breaks_off_leaves_nothing_visible(toy: Client) -> None:
    host, port = toy.base.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /v1/files/half HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\n".encode() + b"x" * 500)
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await asyncio.sleep(0.1)
    assert (await toy("GET", "/v1/files"))[1] == b'{"names":[]}'
    broken = await toy.control("GET", "history?operation=put")
    assert [one["error"] for one in broken] == ["the client broke off"]


async def test_the_control_page_is_for_this_machine_only(toy: Client) -> None:
    control = toy.box.listeners.control
    async with toy.session.get(control) as page:
        text = await page.text()
        assert page.status == 200 and "Haulage sandbox" in text and "<script" not in text
    async with toy.session.get(control, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
    async with toy.session.delete(control + "faults", headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403


async def test_the_control_pages_forms_change_what_they_say(toy: Client) -> None:
    control = toy.box.listeners.control

    async def send(**form: str) -> int:
        async with toy.session.post(control, data=form, allow_redirects=False) as answer:
            return answer.status

    async def quota() -> Any:
        return (await toy.control("GET", "state"))["services"]["toy"]["quotas"][0]["amount"]

    assert await send(do="quota", quota="toy: calls", amount="5") == 303 and await quota() == 5
    assert await send(do="quota", quota="toy: calls", amount="") == 303 and await quota() is None
    assert await send(do="quota", quota="toy: calls", amount="7") == 303
    assert await send(do="quota", quota="toy: calls", amount="many") == 400 and await quota() == 7
    assert await send(do="quota", quota="toy: none of these", amount="1") == 400
    assert await send(do="quota") == 400, "a field is missing"
    assert await send(do="no quotas") == 303 and await quota() is None
    assert await send(do="latency", seconds="0.01") == 303
    assert (await toy.control("GET", "state"))["services"]["toy"]["latency_seconds"] == 0.01
    async with toy.session.get(control) as page:
        assert "<option>toy: calls</option>" in await page.text()
