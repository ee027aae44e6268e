"""Egnyte, simulated, as a hostile client meets it: orders, pages, chunks and documents at their edges."""

import asyncio
import random

from tests.sandbox.egnyte.caller import CONTENT, FS, Caller, caller, sha512

MIB = 1 << 20


async def everything(user: Caller, path: str) -> list[str]:
    """The names of a folder, in pages of seven."""
    found: list[str] = []
    while True:
        page = await user.facts(path, count=7, offset=len(found))
        found += [one["name"] for kind in ("folders", "files") for one in page.get(kind, ())]
        if page["offset"] + page["count"] >= page["total_count"]:
            return found


async def test_the_order_of_a_folder_holds_whatever_happens(admin: Caller) -> None:
    """It is kept up with each change, and is the one that sorting anew would give."""
    dice, top = random.Random(5), f"{admin.own}/Order"
    await admin.folder(top)
    await everything(admin, top)
    there: set[str] = set()
    for number in range(120):
        name = f"{dice.choice('äÄzZ')}{dice.randrange(40)}"
        key, path = name.lower(), f"{top}/{name}"
        if dice.random() < 0.5 and key not in there:
            await (admin.folder(path) if dice.random() < 0.3 else admin.upload(path, b"%d" % number))
            there.add(key)
        elif key in there and dice.random() < 0.5:
            assert (await admin("DELETE", FS + path))[0] == 200
            there.remove(key)
        elif key in there:
            there = there - {key} | {f"m{number}"}
            move = {"action": "move", "destination": f"{top}/M{number}"}
            assert (await admin("POST", FS + path, move))[0] == 200
    kept = await everything(admin, top)
    assert sorted(one.lower() for one in kept) == sorted(there)
    admin.box.vendor.store._orders.clear()
    assert await everything(admin, top) == kept
    assert await everything(admin, f"{top}/".upper()) == kept


async def test_names_that_look_alike(admin: Caller) -> None:
    top = f"{admin.own}/Alike"
    await admin.folder(top)
    for name in ("straße", "strasse", "é", "e\u0301", "1", "\uff11", ".dot", "a+b", "50%25", "%23"):
        await admin.upload(f"{top}/{name}")
    assert len(await everything(admin, top)) == 10
    again = await admin.upload(f"{top}/STRASSE", b"second")
    assert again["filename"] == "strasse" and (await admin.facts(f"{top}/strasse"))["num_versions"] == 2
    assert {"50%", "#", "a+b"} <= set(await everything(admin, top))


async def test_offsets_at_their_edges(admin: Caller) -> None:
    top = f"{admin.own}/Edges"
    await admin.folder(top)
    for name in "abc":
        await admin.upload(f"{top}/{name}")
    beyond = await admin.facts(top, offset=3)
    assert (beyond["count"], beyond["total_count"]) == (0, 3) and "files" not in beyond
    assert (await admin.facts(top, offset=10**12))["count"] == 0
    for query in ({"offset": "-1"}, {"count": "x"}, {"count": "1.5"}):
        assert (await admin("GET", FS + top, params=query))[0] == 400, query


async def test_chunks_out_of_order_and_two_that_end_it(admin: Caller) -> None:
    """The last may only end it when all are there; a second end finds no upload any more: one file, one version."""
    path, body = f"{admin.own}/chunks.bin", random.Random(3).randbytes(20 * MIB + 7)
    pieces = [body[at : at + 10 * MIB] for at in range(0, len(body), 10 * MIB)]
    status, _, headers = await admin.chunk(path, pieces[0], 1)
    upload = headers["X-Egnyte-Upload-Id"]
    end = {"X-Egnyte-Last-Chunk": "true"}
    assert (await admin.chunk(path, pieces[2], 3, upload, **end))[0] == 400, "the second is missing"
    assert (await admin("GET", FS + path))[0] == 404
    status, _, headers = await admin.chunk(path, pieces[1], 2, upload)
    assert (status, headers["X-Egnyte-Chunk-Sha512-Checksum"]) == (200, sha512(pieces[1]))
    both = await asyncio.gather(*(admin.chunk(path, pieces[2], 3, upload, **end) for _ in range(2)))
    assert 200 in [status for status, _, _ in both] and {status for status, _, _ in both} <= {200, 404}
    facts = await admin.facts(path)
    assert (facts["size"], facts["num_versions"]) == (len(body), 1)
    joined = sha512("".join(map(sha512, pieces)).encode())
    assert facts["checksum"] == f"2-3-{10 * MIB}-{joined}"


async def test_permissions_of_another_shape(admin: Caller) -> None:
    await admin.folder("/Shared/Odd")
    perms = "/pubapi/v2/perms/Shared/Odd"
    for document in ({"userPerms": "all"}, {"groupPerms": ["x"]}, {"userPerms": {admin.user: "God"}}, []):
        assert (await admin("POST", perms, document))[0] == 400, document
    assert (await admin("POST", f"/pubapi/v2/perms{admin.own}", {"userPerms": {admin.user: "Full"}}))[0] in (400, 403)


async def test_a_gateway_that_is_busy_says_so_in_its_own_way(admin: Caller) -> None:
    """Not as JSON, with its code, how long to wait, and until midnight where the day is over."""
    await admin.box.control("PUT", "settings", {"service": "egnyte", "quotas": {"calls a second": 2}})
    answers = await asyncio.gather(*(admin("GET", FS) for _ in range(6)))
    busy = [(told, headers) for status, told, headers in answers if status == 403]
    assert len(busy) == 4
    for told, headers in busy:
        assert headers["X-Mashery-Error-Code"] == "ERR_403_DEVELOPER_OVER_QPS" and int(headers["Retry-After"]) == 1
        assert told == "<h1>Developer Over Qps</h1>" and headers["X-Accesstoken-Qps-Allotted"] == "2"
    quotas = {"calls a second": None, "calls a day": 3}
    await admin.box.control("PUT", "settings", {"service": "egnyte", "quotas": quotas})
    for _ in range(3):
        assert (await admin("GET", FS))[0] == 200
    status, _, headers = await admin("GET", FS)
    assert (status, headers["X-Mashery-Error-Code"]) == (403, "ERR_403_DEVELOPER_OVER_RATE")
    now = (await admin.box.control("GET", "clock"))["time"]
    assert abs(int(headers["Retry-After"]) - (86_400 - now % 86_400)) <= 5
    other = await caller(admin.box, "power")
    assert (await other("GET", FS))[0] == 200, "the budget is each token's own"
    assert (await admin("GET", CONTENT + admin.own))[0] == 403
