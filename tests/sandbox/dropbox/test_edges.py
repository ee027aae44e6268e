"""Dropbox, simulated, as a hostile client meets it: orders, cursors, sessions and headers at their edges."""

import asyncio
import json
import random

from haulage.sandbox.dropbox.identity import TEAM_SCOPES, USER_SCOPES
from tests.sandbox.dropbox.caller import Caller, caller
from tests.sandbox.inside import inside

BLOCK = 4 << 20
ROOT = "Dropbox-API-Path-Root"


async def everything(me: Caller, path: str, limit: int = 7) -> list[str]:
    """The names that a listing in small pages tells, in its order."""
    _, page = await me("files/list_folder", {"path": path, "limit": limit})
    found = [one["name"] for one in page["entries"]]
    while page["has_more"]:
        _, page = await me("files/list_folder/continue", {"cursor": page["cursor"]})
        found += [one["name"] for one in page["entries"]]
    return found


async def test_the_order_of_a_folder_holds_whatever_happens(me: Caller) -> None:
    """It is kept up with each change, and is the one that sorting anew would give."""
    dice = random.Random(5)
    await me("files/create_folder_v2", {"path": "/Order"})
    await everything(me, "/Order")
    there: set[str] = set()
    for number in range(120):
        name = f"{dice.choice('äÄzZ')}{dice.randrange(40)}"
        if dice.random() < 0.6:
            await me.send("files/upload", {"path": f"/Order/{name}", "mode": "overwrite"}, b"%d" % number)
            there.add(name.lower())
        elif dice.random() < 0.5:
            status, _ = await me("files/delete_v2", {"path": f"/Order/{name}"})
            assert (status == 200) == (name.lower() in there)
            there.discard(name.lower())
        else:
            other = f"m{number}"
            status, _ = await me("files/move_v2", {"from_path": f"/Order/{name}", "to_path": f"/Order/{other}"})
            if status == 200:
                there = there - {name.lower()} | {other}
    kept = await everything(me, "/Order")
    assert sorted(one.lower() for one in kept) == sorted(there)
    me.box.vendor.store._orders.clear()
    assert await everything(me, "/Order") == kept


async def test_a_page_goes_on_behind_what_is_gone(me: Caller) -> None:
    """Of a cursor whose last entry was deleted; the changes say the rest."""
    for number in range(9):
        await me.upload(f"/Going/{number}")
    _, page = await me("files/list_folder", {"path": "/going", "limit": 3})
    seen = [one["name"] for one in page["entries"]]
    await me("files/delete_v2", {"path": f"/Going/{seen[-1]}"})
    await me.upload("/Going/late")
    told, more = dict.fromkeys(seen, "file"), True
    while more:
        _, page = await me("files/list_folder/continue", {"cursor": page["cursor"]})
        told |= {one["name"]: one[".tag"] for one in page["entries"]}
        more = page["has_more"]
    _, page = await me("files/list_folder/continue", {"cursor": page["cursor"]})
    told |= {one["name"]: one[".tag"] for one in page["entries"]}
    gone = {name for name, tag in told.items() if tag == "deleted"}
    assert gone == {seen[-1]} and set(told) - gone == {*"012345678", "late"} - gone


async def test_a_cursor_of_somebody_else_is_reset(me: Caller) -> None:
    other = await caller(me.box, 1)
    _, page = await me("files/list_folder", {"path": ""})
    status, told = await other("files/list_folder/continue", {"cursor": page["cursor"]})
    assert (status, told["error"]) == (409, {".tag": "reset"})
    assert (await me("files/list_folder/continue", {"cursor": page["cursor"][:-3]}))[0] == 400


async def test_names_that_look_alike(me: Caller) -> None:
    """A sharp s is no double s, a Turkish dotted I is an i, digits of other scripts are other names."""
    await me("files/create_folder_v2", {"path": "/Alike"})
    for name in ("straße", "strasse", "\N{FULLWIDTH DIGIT ONE}", "1", "a\u200db", "ab", "\U0001f600", " lead", ".dot"):
        assert (await me.upload(f"/Alike/{name}"))["name"] == name
    status, told = await me.send("files/upload", {"path": "/alike/STRASSE"}, b"other")
    assert status == 409 and told["error"]["reason"]["conflict"] == {".tag": "file"}
    _, told = await me("files/get_metadata", {"path": "/ALIKE/STRASSE"})
    assert (told["name"], told["path_lower"]) == ("strasse", "/alike/strasse")
    status, told = await me("files/get_metadata", {"path": "/alike/ab\u0301"})
    assert status == 409
    for name in ("a ", "\x7f", "x" * 256, "..", "Thumbs.DB"):
        assert (await me.send("files/upload", {"path": f"/Alike/{name}"}, b"x"))[0] == 409, name
    await me.upload("/Alike/" + "é" * 255)


async def test_names_in_headers_are_escaped(me: Caller) -> None:
    """As the documents say; a deed lets them come as they are."""
    header = {"Dropbox-API-Arg": '{"path": "/Straße.txt"}'}
    status, told = await me.send("files/upload", {}, b"x", **header)
    assert status == 400 and 'HTTP header "Dropbox-API-Arg"' in told
    await me.box.do("raw-arguments", taken=True)
    status, told = await me.send("files/upload", {}, b"x", **header)
    assert (status, told["name"]) == (200, "Straße.txt")


async def test_parts_out_of_order(me: Caller) -> None:
    """Of a sequential session never, of a concurrent one in any; each counts once."""
    _, one = await me.send("files/upload_session/start", {}, b"abc")
    for offset, body in ((2, b"c"), (4, b"e")):
        cursor = {"session_id": one["session_id"], "offset": offset}
        status, told = await me.send("files/upload_session/append_v2", {"cursor": cursor}, body)
        assert (status, told["error"]) == (409, {".tag": "incorrect_offset", "correct_offset": 3})
    _, made = await me.send("files/upload_session/start", {"session_type": "concurrent"})
    body = random.Random(2).randbytes(2 * BLOCK + 5)
    for offset in (2 * BLOCK, 0, BLOCK, 0):
        cursor = {"session_id": made["session_id"], "offset": offset}
        last = offset == 2 * BLOCK
        piece = body[offset : offset + BLOCK]
        status, told = await me.send("files/upload_session/append_v2", {"cursor": cursor, "close": last}, piece)
        assert status == 200, told
    wrong = {"session_id": made["session_id"], "offset": 5}
    _, told = await me.send("files/upload_session/append_v2", {"cursor": wrong}, b"x")
    assert told["error"] == {".tag": "concurrent_session_invalid_offset"}
    cursor = {"session_id": made["session_id"], "offset": len(body)}
    both = {"cursor": cursor, "commit": {"path": "/parts.bin"}}
    first, second = await asyncio.gather(*(me.send("files/upload_session/finish", both) for _ in range(2)))
    answers = sorted((first, second), key=lambda answer: answer[0])
    assert [status for status, _ in answers] == [200, 409] and answers[0][1]["size"] == len(body)
    _, told = await me("files/list_revisions", {"path": "/parts.bin"})
    assert len(told["entries"]) == 1


async def test_whose_tree_a_call_sees(me: Caller) -> None:
    """A wrong root is told with the right one, a foreign namespace is not allowed, nor a member that is none."""
    _, account = await me("users/get_current_account", None)
    info = account["root_info"]
    other = await caller(me.box, 1)
    _, theirs = await other("users/get_current_account", None)
    home = theirs["root_info"]["home_namespace_id"]
    status, told = await me("files/list_folder", {"path": ""}, **{ROOT: f'{{".tag": "root", "root": "{home}"}}'})
    assert status == 422 and told["error"]["invalid_root"]["root_namespace_id"] == info["root_namespace_id"]
    foreign = f'{{".tag": "namespace_id", "namespace_id": "{home}"}}'
    status, told = await me("files/list_folder", {"path": ""}, **{ROOT: foreign})
    assert (status, told["error"]) == (422, {".tag": "no_permission"})
    for text in ("{", "[]", '{".tag": "root"}', '{".tag": "root", "root": 5}'):
        assert (await me("files/list_folder", {"path": ""}, **{ROOT: text}))[0] == 400, text
    details = {"user": account["email"], "client_id": me.box.services["dropbox-business"]["client_id"]}
    token = await me.box.do("sign-in", **details, scopes=" ".join((*USER_SCOPES, *TEAM_SCOPES)))
    team = Caller(me.box, token["access_token"], "")
    _, listed = await team("team/members/list_v2", {})
    assert len(listed["members"]) == 8
    selected = {"Dropbox-API-Select-User": "dbmid:nobody"}
    assert (await team("files/list_folder", {"path": ""}, **selected))[1]["error"] == {".tag": "invalid_select_user"}
    assert (await team("files/list_folder", {"path": ""}))[0] == 400, "a team has no files"
    assert (await me("team/members/list_v2", {}))[0] == 400, "an account has no members"


async def test_an_admin_writes_in_every_team_folder(me: Caller) -> None:
    """By Select-Admin whoever is in them; by Select-User the same person is a member like others."""
    offer = me.box.services["dropbox-business"]
    admin = next(one["user"] for one in offer["accounts"] if one["role"] == "admin")
    scopes = " ".join((*USER_SCOPES, *TEAM_SCOPES))
    token = await me.box.do("sign-in", user=admin, client_id=offer["client_id"], scopes=scopes)
    team = Caller(me.box, token["access_token"], "")
    _, who = await team("team/token/get_authenticated_admin", None)
    member = who["admin_profile"]["team_member_id"]
    _, listed = await team("team/team_folder/list", {})
    assert listed["team_folders"]
    for one in listed["team_folders"]:
        space = me.box.vendor.store.state.namespaces[one["team_folder_id"]]
        space.members.pop(who["admin_profile"]["account_id"], None)
        where = {ROOT: json.dumps({".tag": "namespace_id", "namespace_id": one["team_folder_id"]})}
        as_admin, as_user = {"Dropbox-API-Select-Admin": member}, {"Dropbox-API-Select-User": member}
        status, made = await team("files/create_folder_v2", {"path": "/By the admin"}, **where, **as_admin)
        assert status == 200, made
        assert made["metadata"]["sharing_info"]["read_only"] is False
        status, told = await team("files/create_folder_v2", {"path": "/By the member"}, **where, **as_user)
        assert status in (409, 422), told


async def test_a_suspended_member_is_not_acted_for() -> None:
    async with inside("dropbox", users=25) as box:
        offer = box.services["dropbox-business"]
        details = {"user": offer["accounts"][0]["user"], "client_id": offer["client_id"]}
        token = await box.do("sign-in", **details, scopes=" ".join((*USER_SCOPES, *TEAM_SCOPES)))
        team = Caller(box, token["access_token"], "")
        _, listed = await team("team/members/list_v2", {})
        states = {one["profile"]["team_member_id"]: one["profile"]["status"][".tag"] for one in listed["members"]}
        suspended = [one for one, state in states.items() if state == "suspended"]
        assert suspended
        for word in ("User", "Admin"):
            selected = {f"Dropbox-API-Select-{word}": suspended[0]}
            status, told = await team("files/list_folder", {"path": ""}, **selected)
            assert status == 401
            assert told["error"] == {".tag": "user_suspended" if word == "User" else "invalid_select_admin"}
