"""Dropbox's files, simulated: what the witnesses do not ask for, the faults, and what is kept across restarts."""

import json
from pathlib import Path
from typing import Any

import pytest

from haulage.sandbox.dropbox.texts import key_of, name_error
from haulage.sandbox.frame.hashing import digests
from tests.sandbox.dropbox.caller import Caller, caller
from tests.sandbox.inside import inside

ROOT = "Dropbox-API-Path-Root"
OF_A = {  # of so many bytes `A`: rclone's tests of the same hash
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "1cd6ef71e6e0ff46ad2609d403dc3fee244417089aa4461245a4e4fe23a55e42",
    4194303: "647c8627d70f7a7d13ce96b1e7710a771a55d41a62c3da490d92e56044d311fa",
    4194304: "d4d63bac5b866c71620185392a8a6218ac1092454a2d16f820363b69852befa3",
    4194305: "8f553da8d00d0bf509d8470e242888be33019c20c0544811f5b2b89e98360b92",
    8388609: "02c8a4aefc2bfc9036f89a7098001865885938ca580e5c9e5db672385edd303c",
}


@pytest.mark.parametrize("size", OF_A)
def test_content_hash(size: int) -> None:
    assert digests([b"A" * size], ["dropbox"])["dropbox"].hex() == OF_A[size]


def test_names_are_lowered_as_python_2_5_did() -> None:
    assert key_of("ΣΣΣ") == "σσσ"
    assert key_of("\ua64a") == "\ua64a"
    assert key_of("ÉcOlE") == "école"
    assert key_of("e\u0301") != key_of("é")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("a.txt", ""), (" a", ""), ("a ", "malformed_path"), ("a\\b", "malformed_path"), ("a\x7f", "malformed_path"),
        ("x" * 256, "malformed_path"), ("Thumbs.DB", "disallowed_name"), (".DS_Store", "disallowed_name"),
    ],
)  # fmt: skip
def test_names(name: str, wrong: str) -> None:
    assert name_error(name) == wrong


@pytest.mark.parametrize(
    ("route", "document", "headers"),
    [
        ("files/list_folder", {"path": "/"}, {}),
        ("files/list_folder", {"path": "no slash"}, {}),
        ("files/list_folder", {"path": "", "unknown": 1}, {}),
        ("files/list_folder", {"path": ""}, {"Content-Type": "application/octet-stream"}),
        ("files/list_folder", {"path": "", "limit": 2001}, {}),
        ("files/list_folder", {}, {}),
        ("files/list_folder", None, {}),
        ("files/list_folder/continue", {"cursor": "x", "limit": 5}, {}),
        ("files/get_metadata", {"path": "rev:12"}, {}),
        ("files/move_v2", {"from_path": "/a"}, {}),
    ],
)
async def test_wrong_arguments_are_refused_in_plain_text(
    me: Caller, route: str, document: Any, headers: dict[str, str]
) -> None:
    status, told = await me(route, document, **headers)
    assert status == 400 and told.startswith(f'Error in call to API function "{route}": ')


async def test_errors_say_what_they_are_in_a_line(me: Caller) -> None:
    """With some dots, so that nobody parses it."""
    lines = {(await me("files/get_metadata", {"path": "/nowhere"}))[1]["error_summary"] for _ in range(4)}
    assert lines == {f"path/not_found/{'.' * dots}" for dots in range(4)}
    assert (await me("files/get_metadata", {"path": ""}))[0] == 400


async def test_paths_are_composed_and_case_does_not_count(me: Caller) -> None:
    """A decomposed name is stored composed, and found by that alone."""
    made = await me.upload("/Cafe\u0301/A.txt")
    assert made["path_lower"] == "/caf\u00e9/a.txt"
    assert (await me("files/get_metadata", {"path": "/CAF\u00c9/a.TXT"}))[0] == 200
    assert (await me("files/get_metadata", {"path": "/cafe\u0301/a.txt"}))[0] == 409
    status, told = await me("files/move_v2", {"from_path": "/caf\u00e9/A.txt", "to_path": "/caf\u00e9/a.txt"})
    assert status == 409 and told["error"] == {
        ".tag": "to", "to": {".tag": "conflict", "conflict": {".tag": "file"}}
    }  # fmt: skip


async def test_uploads_that_fail_keep_their_bytes(me: Caller) -> None:
    """A struct in `upload`, a union in `finish`; the session can be finished elsewhere."""
    await me("files/create_folder_v2", {"path": "/There"})
    status, told = await me.send("files/upload", {"path": "/there"}, b"x")
    assert status == 409 and told["error"]["reason"] == {".tag": "conflict", "conflict": {".tag": "folder"}}
    assert told["error_summary"].startswith("path/conflict/folder/")
    _, made = await me.send("files/upload_session/start", {"close": True}, b"abc")
    cursor = {"session_id": made["session_id"], "offset": 3}
    status, told = await me.send("files/upload_session/finish", {"cursor": cursor, "commit": {"path": "/There"}})
    assert told["error"]["path"] == {".tag": "conflict", "conflict": {".tag": "folder"}}
    wanted = {"cursor": {**cursor, "offset": 2}, "commit": {"path": "/there/a.txt"}}
    _, told = await me.send("files/upload_session/finish", wanted)
    assert told["error"]["lookup_failed"] == {".tag": "incorrect_offset", "correct_offset": 3}
    wanted["cursor"]["offset"] = 3
    status, told = await me.send("files/upload_session/finish", wanted)
    assert (status, told["size"]) == (200, 3)


async def test_a_body_is_what_its_hash_says(me: Caller) -> None:
    """And a closed session takes nothing more, nor one that is over."""
    status, told = await me.send("files/upload", {"path": "/a", "content_hash": "0" * 64}, b"x")
    assert told["error"] == {".tag": "content_hash_mismatch"}
    _, made = await me.send("files/upload_session/start", {"close": True}, b"abc")
    more = {"cursor": {"session_id": made["session_id"], "offset": 3}}
    assert (await me.send("files/upload_session/append_v2", more, b"d"))[1]["error"] == {".tag": "closed"}
    await me.fault("session_lost")
    assert (await me.send("files/upload_session/append_v2", more, b"d"))[1]["error"] == {".tag": "not_found"}
    me.box.vendor.access_seconds = 30 * 86400.0
    again = await caller(me.box)
    await me.box.step(8 * 86400)
    assert (await again.send("files/upload_session/append_v2", more, b"d"))[1]["error"] == {".tag": "not_found"}
    status, told = await me.send("files/upload", {"path": "/é"}, b"x", **{"Dropbox-API-Arg": '{"path": "/é"}'})
    assert status in (400, 401)


async def test_writers_get_in_each_others_way(me: Caller) -> None:
    """In one namespace, where the deed says how long a write takes: 429, with the time in header and body."""
    await me.box.do("contention", write_seconds=30)
    await me.upload("/first.txt")
    status, told = await me.send("files/upload", {"path": "/second.txt"}, b"x")
    assert status == 429 and told["error"] == {"reason": {".tag": "too_many_write_operations"}, "retry_after": 1}
    await me.box.step(31)
    _, job = await me("files/create_folder_batch", {"paths": ["/Third", "/Fourth", "/Fifth/Sixth"]})
    asked = {"async_job_id": job["async_job_id"]}
    await me("files/create_folder_batch/check", asked)
    _, made = await me("files/create_folder_batch/check", asked)
    assert [one[".tag"] for one in made["entries"]] == ["success"] * 3, "a call is not in its own way"
    await me.box.step(31)
    await me.upload("/second.txt")
    await me.box.do("contention", write_seconds=0)
    await me.box.control("PUT", "settings", {"service": "dropbox", "quotas": {"calls": 1}})
    assert (await me("files/list_folder", {"path": ""}))[0] == 200
    status, told = await me("files/list_folder", {"path": ""})
    assert status == 429 and told["error"]["reason"] == {".tag": "too_many_requests"}


async def test_pages_go_wrong_as_asked(me: Caller) -> None:
    """An empty page, one twice, one missing, a cursor that leads back, one that is over."""
    for name in "abcdef":
        await me.upload(f"/Pages/{name}")
    order = await me.names(path="/Pages", limit=2)
    assert sorted(order) == list("abcdef") and order != sorted(order)
    going = "files/list_folder/continue"
    await me.fault("page_empty", going)
    assert await me.names(path="/Pages", limit=2) == order
    await me.fault("page_twice", going)
    assert await me.names(path="/Pages", limit=2) == [*order[:4], *order[2:]]
    await me.fault("page_missing", going)
    assert await me.names(path="/Pages", limit=2) == [*order[:2], *order[4:]]
    await me.fault("cursor_loop", going)
    assert await me.names(path="/Pages", limit=2) == [*order[:4], *order[2:]]
    _, page = await me("files/list_folder", {"path": "/Pages"})
    await me.fault("cursor_expired")
    status, told = await me(going, {"cursor": page["cursor"]})
    assert (status, told["error"]) == (409, {".tag": "reset"})
    await me.fault("listed_late")
    assert await me.names(path="/Pages") == []


async def test_changes_come_in_pages_too(me: Caller) -> None:
    """Of a large tree that has moved in; a deleted folder is told once, not with its children."""
    for number in range(7):
        await me.upload(f"/Elsewhere/{number}.txt")
    _, page = await me("files/list_folder", {"path": "/Place", "recursive": True})
    assert page["error"]["path"] == {".tag": "not_found"}
    await me("files/create_folder_v2", {"path": "/Place"})
    _, latest = await me("files/list_folder/get_latest_cursor", {"path": "/Place", "recursive": True, "limit": 3})
    await me("files/move_v2", {"from_path": "/Elsewhere", "to_path": "/Place/Moved"})
    found, pages, cursor, more = [], 0, latest["cursor"], True
    while more:
        _, page = await me("files/list_folder/continue", {"cursor": cursor})
        cursor, more, pages = page["cursor"], page["has_more"], pages + 1
        found += [one["path_lower"] for one in page["entries"]]
    assert len(found) == len(set(found)) == 8 and pages == 3
    await me("files/delete_v2", {"path": "/Place/moved"})
    _, page = await me("files/list_folder/continue", {"cursor": cursor})
    assert [(one[".tag"], one["path_lower"]) for one in page["entries"]] == [("deleted", "/place/moved")]


async def test_jobs_can_fail_without_effect(me: Caller) -> None:
    """A batch of moves has no state `failed`: its entries fail."""
    await me.upload("/a.txt")
    await me.fault("async_failure")
    pair = {"from_path": "/a.txt", "to_path": "/b.txt"}
    _, launched = await me("files/move_batch_v2", {"entries": [pair]})
    asked = {"async_job_id": launched["async_job_id"]}
    assert (await me("files/move_batch/check_v2", asked))[1] == {".tag": "in_progress"}
    _, done = await me("files/move_batch/check_v2", asked)
    assert done["entries"][0]["failure"] == {".tag": "too_many_write_operations"}
    assert (await me("files/get_metadata", {"path": "/a.txt"}))[0] == 200
    await me.fault("async_failure")
    _, launched = await me("files/delete_batch", {"entries": [{"path": "/a.txt"}]})
    asked = {"async_job_id": launched["async_job_id"]}
    await me("files/delete_batch/check", asked)
    assert (await me("files/delete_batch/check", asked))[1][".tag"] == "failed"
    assert (await me("files/get_metadata", {"path": "/a.txt"}))[0] == 200


async def test_quotas_of_accounts_and_of_the_team(me: Caller) -> None:
    """Insufficient space, and the cap of what a business team may transport."""
    member = next(one for one in me.box.services["dropbox"]["accounts"] if one["details"]["account_id"] == me.account)
    await me.box.do("space", user=member["user"], allocated=0)
    _, told = await me.send("files/upload", {"path": "/a.txt"}, b"x")
    assert told["error"]["reason"] == {".tag": "insufficient_space"}
    await me.fault("daily_limit")
    status, told = await me.send("files/upload", {"path": "/a.txt"}, b"x")
    assert status == 403 and told["error"]["invalid_account_type"] == {".tag": "feature"}


async def test_team_space_or_mounted_team_folders(me: Caller) -> None:
    """Team folders lie beside the members' homes at the root; without a team space they lie in the homes."""
    _, mine = await me("users/get_current_account", None)
    root = json.dumps({".tag": "root", "root": mine["root_info"]["root_namespace_id"]})
    _, page = await me("files/list_folder", {"path": ""}, **{ROOT: root})
    names = {one["name"] for one in page["entries"]}
    assert mine["root_info"]["home_path"][1:] in names and "Projects" in names
    assert "Projects" not in await me.names(path="")
    status, told = await me("files/list_folder", {"path": ""}, **{ROOT: json.dumps({".tag": "root", "root": "7"})})
    assert (
        status == 422 and told["error"]["invalid_root"]["root_namespace_id"] == mine["root_info"]["root_namespace_id"]
    )
    status, told = await me("files/delete_v2", {"path": "/Projects"}, **{ROOT: root})
    assert told["error"]["path_write"] == {".tag": "team_folder"}
    await me.box.do("team_space", on=False)
    assert "Projects" in await me.names(path="")
    _, mine = await me("users/get_current_account", None)
    told = mine["root_info"]
    assert told[".tag"] == "user" and told["root_namespace_id"] == told["home_namespace_id"]


async def test_a_recursive_listing_in_the_smallest_pages(me: Caller) -> None:
    """The folder itself comes once, however short the pages are."""
    for name in ("a", "b"):
        await me.upload(f"/Small/{name}.txt", b"x")
    assert sorted(await me.names(path="/Small", recursive=True, limit=1)) == ["Small", "a.txt", "b.txt"]
    await me.fault("page_empty", "files/list_folder")
    assert sorted(await me.names(path="/Small", recursive=True, limit=1)) == ["Small", "a.txt", "b.txt"]


async def test_a_download_that_one_has_already(me: Caller) -> None:
    """With the ETag as it was told."""
    await me.upload("/etag.txt", b"x")
    told = {"Authorization": f"Bearer {me.token}", "Dropbox-API-Arg": '{"path": "/etag.txt"}'}
    _, _, answer = await me.box("GET", "/2/files/download", headers=told)
    again = {**told, "If-None-Match": answer.headers["ETag"]}
    assert (await me.box("GET", "/2/files/download", headers=again))[0] == 304


async def test_the_generated_organisation(me: Caller) -> None:
    """Shared folders, of which some are not mounted and some have no owner; Paper; restricted files; revisions."""
    store = me.box.vendor.store
    store.grow()
    spaces = [one for one in store.state.namespaces.values() if one.kind == "shared"]
    unmounted = [
        (who, ns.id)
        for ns in spaces
        for who in ns.members
        if ns.id not in store.mounts.get(who, {}) and who in store.state.people
    ]
    assert len(spaces) > 3 and unmounted
    assert any("owner" not in ns.members.values() for ns in spaces)
    entries = store.state.entries.values()
    assert any(one.extra and one.extra.export_options for one in entries)
    assert any(one.extra and len(one.extra.past) > 5 for one in entries)
    mine = {ns.id for ns in store.state.namespaces.values() if store.access(me.account, ns)}
    blocked = next(one for one in entries if one.extra and one.extra.blocked and one.ns in mine)
    arg = {"Authorization": f"Bearer {me.token}", "Dropbox-API-Arg": json.dumps({"path": blocked.id})}
    status, told, _ = await me.box("POST", "/2/files/download", headers=arg)
    assert status == 409 and told["error"]["path"] == {".tag": "restricted_content"}


async def test_everything_is_kept_across_restarts(tmp_path: Path) -> None:
    """Entries, revisions, what was deleted, sessions, cursors."""
    async with inside("dropbox", users=4, state=tmp_path) as box:
        me = await caller(box)
        made = await me.upload("/Kept/a.txt", b"one")
        await me.upload("/Kept/a.txt", b"two", mode="overwrite")
        await me.upload("/Kept/b.txt")
        _, latest = await me("files/list_folder/get_latest_cursor", {"path": "/Kept"})
        await me("files/delete_v2", {"path": "/Kept/b.txt"})
        _, session = await me.send("files/upload_session/start", {}, b"abc")
        before = box.vendor.store.state
    async with inside("dropbox", users=4, state=tmp_path) as box:
        me = await caller(box)
        assert box.vendor.store.state == before
        _, page = await me("files/list_folder/continue", {"cursor": latest["cursor"]})
        assert [(one[".tag"], one["name"]) for one in page["entries"]] == [("deleted", "b.txt")]
        _, told = await me("files/list_revisions", {"path": "/kept/a.txt"})
        assert [one["size"] for one in told["entries"]] == [3, 3] and told["entries"][1]["rev"] == made["rev"]
        cursor = {"session_id": session["session_id"], "offset": 3}
        status, told = await me.send("files/upload_session/finish", {"cursor": cursor, "commit": {"path": "/c.txt"}})
        assert (status, told["size"]) == (200, 3)


async def test_what_is_not_simulated_says_so(me: Caller) -> None:
    status, told = await me("files/search_v2", {"query": "x"})
    assert status == 501 and "does not simulate" in told
