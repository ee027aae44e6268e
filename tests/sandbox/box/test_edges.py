"""Box, simulated, as a hostile client meets it: orders, pages, sessions and documents at their edges."""

import asyncio
import random
from typing import Any

import pytest

from tests.sandbox.box.caller import PART, SIZE, Caller, caller, opened, part, sha


async def everything(user: Caller, folder: str, query: str = "") -> list[str]:
    """The names that a listing in small pages tells, in its order."""
    found: list[str] = []
    marker = ""
    while True:
        more = f"&marker={marker}" if marker else ""
        status, page, _ = await user("GET", f"/2.0/folders/{folder}/items?usemarker=true&limit=7{more}{query}")
        assert status == 200, page
        found += [one["name"] for one in page["entries"]]
        if not (marker := page.get("next_marker") or ""):
            return found


async def test_the_order_of_a_folder_holds_whatever_happens(admin: Caller) -> None:
    """It is kept up with each change, and is the one that sorting anew would give."""
    dice, folder = random.Random(5), await admin.folder("Order")
    await everything(admin, folder)
    there: dict[str, tuple[str, str]] = {}
    for number in range(120):
        name = f"{dice.choice('äÄzZ')}{dice.randrange(40)}"
        key = name.lower()
        if dice.random() < 0.5 and key not in there:
            if dice.random() < 0.3:
                there[key] = ("folders", await admin.folder(name, folder))
            else:
                _, made = await admin.upload(name, folder, b"%d" % number)
                there[key] = ("files", made["entries"][0]["id"])
        elif key in there and dice.random() < 0.5:
            kind, one = there.pop(key)
            assert (await admin("DELETE", f"/2.0/{kind}/{one}"))[0] == 204
        elif key in there:
            kind, one = there.pop(key)
            await admin("PUT", f"/2.0/{kind}/{one}", {"name": f"M{number}"})
            there[f"m{number}"] = (kind, one)
    kept = await everything(admin, folder)
    assert sorted(one.lower() for one in kept) == sorted(there)
    by_offset = f"/2.0/folders/{folder}/items?limit=1000"
    _, page, _ = await admin("GET", by_offset)
    assert [one["name"] for one in page["entries"]] == kept
    admin.box.vendor.store._orders.clear()
    assert await everything(admin, folder) == kept


async def test_pages_at_their_edges(admin: Caller) -> None:
    """A marker goes on behind what is gone; an offset ends at 9,999, a limit at 1,000."""
    folder = await admin.folder("Pages")
    ids = [(await admin.upload(name, folder, b"x"))[1]["entries"][0]["id"] for name in "abcdef"]
    items = f"/2.0/folders/{folder}/items"
    _, page, _ = await admin("GET", f"{items}?usemarker=true&limit=3")
    assert [one["name"] for one in page["entries"]] == list("abc") and "total_count" not in page
    await admin("DELETE", f"/2.0/files/{ids[2]}")
    _, rest, _ = await admin("GET", f"{items}?usemarker=true&limit=3&marker={page['next_marker']}")
    assert [one["name"] for one in rest["entries"]] == list("def") and not rest.get("next_marker")
    assert (await admin("GET", f"{items}?offset=9999"))[0] == 200
    for query in (
        "offset=10000",
        "offset=-1",
        "limit=x",
        "usemarker=true&marker=junk",
        "sort=mood",
        "offset=1&marker=x",
    ):
        assert (await admin("GET", f"{items}?{query}"))[0] == 400, query
    _, page, _ = await admin("GET", f"{items}?limit=5000")
    assert page["limit"] == 1000 and page["total_count"] == 5
    assert (await admin("GET", "/2.0/folders/0/items?usemarker=true&sort=date"))[0] == 400


async def test_what_is_shared_leaves_with_the_folder_above(admin: Caller) -> None:
    """A collaborator's root follows what becomes of the folders that the shared one lies in."""
    other = await caller(admin.box, 1)
    above = await admin.folder("Above it")
    shared = await admin.folder("Shared in it", above)
    document = {"item": {"type": "folder", "id": shared}, "accessible_by": {"id": other.user}, "role": "editor"}
    document["accessible_by"]["type"] = "user"
    status, made, _ = await admin("POST", "/2.0/collaborations", document)
    assert status == 201, made
    if made["status"] == "pending":
        await other("PUT", f"/2.0/collaborations/{made['id']}", {"status": "accepted"})
    assert "Shared in it" in await everything(other, "0")
    assert (await admin("DELETE", f"/2.0/folders/{above}?recursive=true"))[0] == 204
    assert "Shared in it" not in await everything(other, "0")
    assert (await other("GET", f"/2.0/folders/{shared}"))[1]["code"] == "trashed"
    assert (await admin("POST", f"/2.0/folders/{above}", {}))[0] == 201
    assert "Shared in it" in await everything(other, "0")


async def test_names_that_look_alike(admin: Caller) -> None:
    """Letters count in any case, in any script; nothing else is taken together."""
    folder = await admin.folder("Alike")
    for name in ("straße", "strasse", "é", "e\u0301", "\U0001f600", "1", "\N{FULLWIDTH DIGIT ONE}", " lead", "trail."):
        status, made = await admin.upload(name, folder, b"x")
        assert status == 201 and made["entries"][0]["name"] == name
    for name in ("STRASSE", "É", "E\u0301"):
        status, told = await admin.upload(name, folder, b"x")
        assert (status, told["code"]) == (409, "item_name_in_use"), name
        assert isinstance(told["context_info"]["conflicts"], dict)
    status, told, _ = await admin("POST", "/2.0/folders", {"name": "STRASSE", "parent": {"id": folder}})
    assert status == 409 and isinstance(told["context_info"]["conflicts"], list)
    assert len(await everything(admin, folder)) == 9


async def test_a_commit_waits_as_often_as_it_is_told_to(admin: Caller) -> None:
    """Parts in any order, a commit that is asked for again and again, and two at once: one file."""
    folder, body = await admin.folder("Commit"), random.Random(1).randbytes(SIZE)
    session = await opened(admin, folder)
    parts = []
    for offset in (2 * PART, 0, PART):
        status, told = await part(admin, session, body, offset)
        assert status == 200
        parts.append(told["part"])
    assert (await part(admin, session, body, 0))[0] == 409
    url = f"/api/2.0/files/upload_sessions/{session}/commit"
    await admin.box.control("POST", "faults", {"fault": "not_ready", "operation": "*commit", "times": 3})
    for _ in range(3):
        status, _, headers = await admin("POST", url, {"parts": parts}, Digest=sha(body))
        assert (status, headers["Retry-After"]) == (202, "1")
    answers = await asyncio.gather(*(admin("POST", url, {"parts": parts}, Digest=sha(body)) for _ in range(3)))
    made = [told["entries"][0]["id"] for status, told, _ in answers if status == 201]
    assert len(set(made)) == 1 and {status for status, _, _ in answers} <= {201, 202}
    assert await everything(admin, folder) == ["large.bin"]
    _, told, _ = await admin("GET", f"/2.0/files/{made[0]}?fields=sha1,size")
    assert told["size"] == SIZE


async def test_a_refresh_token_is_good_once_however_many_ask(admin: Caller) -> None:
    offer = admin.box.services["box"]
    user = next(one["user"] for one in offer["accounts"] if one["role"] == "admin")
    signed_in = await admin.box.do("sign-in", user=user, client_id=offer["client_id"])
    form = {
        "grant_type": "refresh_token", "refresh_token": signed_in["refresh_token"], "client_id": offer["client_id"],
        "client_secret": offer["client_secret"],
    }  # fmt: skip
    answers = await asyncio.gather(*(admin.box.token("/oauth2/token", **form) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 400, 400, 400, 400]
    assert {told["error"] for status, told in answers if status == 400} == {"invalid_grant"}


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "group_memberships", {"group": "x", "user": {"id": "1"}}),
        ("POST", "folder_locks", {"folder": ["0"]}),
        ("POST", "collaborations", {"item": "folder", "accessible_by": []}),
        ("PUT", "users/1/folders/0", {"owned_by": [[]]}),
        ("POST", "folders", {"name": ["a"], "parent": {"id": "0"}}),
        ("POST", "folders", {"name": "a", "parent": {"id": {}}}),
        ("POST", "folders", {"name": "a", "parent": "0"}),
        ("POST", "folders", []),
    ],
)
async def test_documents_of_another_shape(admin: Caller, method: str, path: str, document: Any) -> None:
    """Are refused as arguments."""
    status, told, _ = await admin(method, f"/2.0/{path}", document)
    assert status == 400 and told["type"] == "error", told


async def test_what_is_no_form_is_no_upload(admin: Caller) -> None:
    status, told, _ = await admin("POST", "/api/2.0/files/content", {"name": "a"})
    assert (status, told["code"]) == (400, "bad_request")
    _, made = await admin.upload("locked", "0", b"x")
    one = f"/2.0/files/{made['entries'][0]['id']}"
    assert (await admin("PUT", one, {"lock": True}))[0] == 400
    assert (await admin("PUT", one, {"shared_link": {"permissions": "all"}}))[0] == 400
