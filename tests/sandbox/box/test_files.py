"""Box's files, simulated: what the witnesses do not ask for, the faults, and what is kept across restarts."""

import asyncio
import hashlib
from pathlib import Path

import aiohttp
import pytest

from haulage.sandbox.box import uploads
from haulage.sandbox.box.texts import dated, name_error
from tests.sandbox.box.caller import PART, SIZE, Caller, caller, opened, part, sha
from tests.sandbox.inside import inside


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("a.txt", ""), ("", "item_name_invalid"), ("..", "item_name_invalid"), ("a ", "item_name_invalid"),
        (" a", ""), ("a/b", "item_name_invalid"), ("a\\b", "item_name_invalid"), ("a\tb", "item_name_invalid"),
        ("x" * 255, ""), ("x" * 256, "item_name_too_long"), ("a<b>:c?*|", ""),
    ],
)  # fmt: skip
def test_names(name: str, wrong: str) -> None:
    assert name_error(name) == wrong


def test_times_are_those_of_the_enterprise() -> None:
    """Winter and summer time change on the Sundays of the United States."""
    assert dated(1_700_000_000.9) == "2023-11-14T14:13:20-08:00"
    assert dated(1_690_000_000) == "2023-07-21T21:26:40-07:00"
    assert [dated(one)[-6:] for one in (1_678_615_199, 1_678_615_200, 1_699_174_799, 1_699_174_800)] == [
        "-08:00", "-07:00", "-07:00", "-08:00"
    ]  # fmt: skip


async def test_conflicts_are_told_in_two_ways(admin: Caller) -> None:
    """A list for folders; for files one object, which rclone needs."""
    top = await admin.folder("Conflicts")
    await admin.upload("there.txt", top, b"there")
    status, told, _ = await admin("POST", "/2.0/folders", {"name": "THERE.txt", "parent": {"id": top}})
    assert status == 409 and told["context_info"]["conflicts"][0]["type"] == "file"
    for name in ("there.txt", "There.TXT"):
        status, told, _ = await admin("OPTIONS", "/2.0/files/content/", {"name": name, "parent": {"id": top}})
        assert status == 409 and told["context_info"]["conflicts"]["name"] == "there.txt"


async def test_a_download_is_a_redirect_that_needs_no_token(admin: Caller) -> None:
    """It lasts a quarter of an hour, and honours ranges."""
    status, made = await admin.upload("a.txt", "0", b"0123456789")
    file = made["entries"][0]["id"]
    status, _, headers = await admin("GET", f"/2.0/files/{file}/content")
    assert status == 302
    status, _, answer = await admin.box("GET", headers["Location"], headers={"Range": "bytes=2-4"})
    assert (status, answer.headers["Content-Range"]) == (206, "bytes 2-4/10")
    await admin.box.step(16 * 60)
    status, _, _ = await admin.box("GET", headers["Location"])
    assert status == 404
    await admin.fault("not_ready", "get_files_id_content")
    status, _, headers = await admin("GET", f"/2.0/files/{file}/content")
    assert (status, headers["Retry-After"]) == (202, "1")


async def test_parts_are_as_the_server_wants_them(admin: Caller) -> None:
    """Aligned, immutable, with their SHA-1 in base64; a lost one is missed at the commit."""
    top, body = await admin.folder("Parts"), bytes(SIZE)
    session = await opened(admin, top)
    assert (await part(admin, session, body, PART))[0] == 200
    assert (await part(admin, session, body, PART))[1]["code"] == "range_overlaps_existing_part"
    assert (await part(admin, session, body, 5))[0] == 400
    assert (await part(admin, session, body, 2 * PART))[0] == 200
    await admin.fault("part_lost", "put_files_upload_sessions_id")
    status, made = await part(admin, session, body, 0)
    assert status == 200
    _, parts, _ = await admin("GET", f"/api/2.0/files/upload_sessions/{session}/parts")
    assert parts["total_count"] == 2
    wanted = {"parts": [made["part"], *parts["entries"]]}
    commit = f"/api/2.0/files/upload_sessions/{session}/commit"
    status, told, _ = await admin("POST", commit, wanted, Digest=sha(body))
    assert (status, told["code"]) == (400, "parts_mismatch")
    await part(admin, session, body, 0)
    for _ in range(2):
        status, told, headers = await admin("POST", commit, wanted, Digest=sha(body))
        if status == 202:
            assert headers["Retry-After"] == "1"
    assert (status, told["total_count"]) == (201, 1)
    again = await admin("POST", commit, wanted, Digest=sha(body))
    assert again[1]["entries"][0]["id"] == told["entries"][0]["id"]


async def test_a_session_ends(admin: Caller) -> None:
    """After seven days, or where a fault takes it; and another's is forbidden."""
    session = await opened(admin, await admin.folder("Ends"))
    other = await caller(admin.box, 1)
    place = f"/api/2.0/files/upload_sessions/{session}"
    assert (await other("GET", place))[1]["code"] == "forbidden"
    await admin.fault("session_lost")
    assert (await admin("GET", place))[0] == 404
    admin.box.vendor.access_seconds = 30 * 86400.0
    again = await caller(admin.box)
    await admin.box.step(8 * 86400)
    assert (await again("GET", place))[:1] == (410,)


async def test_nothing_is_visible_before_the_commit(admin: Caller) -> None:
    """Nor is a name taken; whoever commits first has it."""
    top, body = await admin.folder("Race"), bytes(SIZE)
    sessions = [await opened(admin, top), await opened(admin, top)]
    statuses = []
    for session in sessions:
        parts = [(await part(admin, session, body, at))[1]["part"] for at in range(0, SIZE, PART)]
        _, listed, _ = await admin("GET", f"/2.0/folders/{top}/items")
        assert listed["total_count"] == len(statuses)
        for _ in range(2):
            status, _told, _ = await admin(
                "POST", f"/api/2.0/files/upload_sessions/{session}/commit", {"parts": parts}, Digest=sha(body)
            )
        statuses.append(status)
    assert statuses == [201, 409]


async def test_what_blocks_for_a_while(admin: Caller) -> None:
    """A long operation holds a folder and all below it; a lock keeps others out."""
    top = await admin.folder("Held")
    inner = await admin.folder("Inner", top)
    await admin.box.do("block", item=top, seconds=30)
    assert (await admin.upload("a.txt", inner, b"a"))[1]["code"] == "operation_blocked_temporary"
    await admin.box.step(31)
    _status, made = await admin.upload("a.txt", inner, b"a")
    file = made["entries"][0]["id"]
    other = await caller(admin.box, 1)
    await admin(
        "POST",
        "/2.0/collaborations?notify=false",
        {
            "item": {"type": "folder", "id": top},
            "accessible_by": {"type": "user", "id": other.user},
            "role": "editor",
        },
    )
    await admin("PUT", f"/2.0/files/{file}", {"lock": {"access": "lock"}})
    assert (await other("DELETE", f"/2.0/files/{file}"))[1]["code"] == "access_denied_item_locked"
    assert (await admin("DELETE", f"/2.0/files/{file}"))[0] == 204


async def test_quotas_and_storage(admin: Caller) -> None:
    """1,000 calls a minute with a header that says how long to wait; a full account takes nothing more."""
    await admin.box.control("PUT", "settings", {"service": "box", "quotas": {"calls": 2, "uploads": 1}})
    assert [(await admin("GET", "/2.0/users/me"))[0] for _ in range(2)] == [200, 200]
    status, told, headers = await admin("GET", "/2.0/users/me")
    assert (status, told["code"]) == (429, "rate_limit_exceeded") and int(headers["Retry-After"]) > 0
    await admin.box.control("PUT", "settings", {"service": "box", "quotas_off": True})
    await admin.box.do("space", user=admin.user, amount=0)
    assert (await admin.upload("a.txt", "0", b"a"))[1]["code"] == "storage_limit_exceeded"


async def test_pages_go_wrong_as_asked(admin: Caller) -> None:
    """An empty page with a marker, one twice, one missing, a marker that leads back."""
    top = await admin.folder("Pages")
    for name in "abcdef":
        await admin.folder(name, top)
    place = f"/2.0/folders/{top}/items?usemarker=true&limit=2"

    async def names() -> list[str]:
        found, marker = [], ""
        for _ in range(5):
            _, page, _ = await admin("GET", f"{place}&marker={marker}" if marker else place)
            found += [one["name"] for one in page["entries"]]
            marker = page.get("next_marker")
            if not marker:
                break
        return found

    assert await names() == list("abcdef")
    await admin.fault("page_empty", nth=2)
    assert await names() == list("abcdef")
    await admin.fault("page_twice", nth=2)
    assert await names() == list("ababcdef"[0:2] + "abcdef")
    await admin.fault("page_missing", nth=2)
    assert await names() == list("abef")
    await admin.fault("cursor_loop", nth=2)
    assert await names() == list("abcdcdef")
    await admin.fault("listed_late")
    assert await names() == []


async def test_user_streams_are_numbered(admin: Caller) -> None:
    """Positions are numbers, short pages do not mean the end, and one sees what happens to what one may see."""
    _, now, _ = await admin("GET", "/2.0/events?stream_position=now")
    assert isinstance(now["next_stream_position"], int) and now["entries"] == []
    top = await admin.folder("Told")
    _, told, _ = await admin("GET", f"/2.0/events?stream_position={now['next_stream_position']}&stream_type=changes")
    assert [(one["event_type"], one["source"]["id"]) for one in told["entries"]] == [("ITEM_CREATE", top)]
    other = await caller(admin.box, 1)
    _, unseen, _ = await other("GET", f"/2.0/events?stream_position={now['next_stream_position']}")
    assert unseen["entries"] == [] and unseen["next_stream_position"] >= told["next_stream_position"]
    _, servers, _ = await other("OPTIONS", "/2.0/events")
    waiting = asyncio.create_task(other.box("GET", servers["entries"][0]["url"]))
    await asyncio.sleep(0.3)
    await other.folder("Something")
    assert (await waiting)[1]["message"] == "new_change"
    assert (await other("GET", "/2.0/events?stream_type=admin_logs"))[0] == 403


async def test_only_the_end_of_a_stream_is_an_empty_chunk(admin: Caller) -> None:
    """What a filter leaves out is passed over, in one's own stream and in the enterprise's."""
    position = (await admin("GET", "/2.0/events?stream_position=now"))[1]["next_stream_position"]
    top = await admin.folder("Linked")
    for _ in range(3):
        await admin("PUT", f"/2.0/folders/{top}", {"shared_link": {}})
    last = await admin.folder("Last")
    seen: list[str] = []
    for _ in range(9):
        place = f"/2.0/events?stream_type=changes&limit=2&stream_position={position}"
        _, told, _ = await admin("GET", place)
        position = told["next_stream_position"]
        if not told["chunk_size"]:
            break
        seen += [one["source"]["id"] for one in told["entries"] if one["event_type"] == "ITEM_CREATE"]
    assert seen == [top, last]
    place = "/2.0/events?stream_type=admin_logs&event_type=ITEM_SHARED_CREATE&limit=2&stream_position="
    _, told, _ = await admin("GET", f"{place}0")
    assert told["chunk_size"] == 2
    _, told, _ = await admin("GET", f"{place}{told['next_stream_position']}")
    assert told["chunk_size"] == 1
    _, told, _ = await admin("GET", f"{place}{told['next_stream_position']}")
    assert told["chunk_size"] == 0 and isinstance(told["next_stream_position"], str)


async def test_what_an_older_version_leaves_as_a_copy(admin: Caller) -> None:
    """The copy has the older bytes, and so has the history."""
    top = await admin.folder("Copies")
    _, made = await admin.upload("a.txt", top, b"old")
    file, version = made["entries"][0]["id"], made["entries"][0]["file_version"]["id"]
    form = aiohttp.FormData()
    form.add_field("attributes", "{}")
    form.add_field("file", b"newer", filename="any")
    told = {"Authorization": f"Bearer {admin.token}"}
    assert (await admin.box("POST", f"/api/2.0/files/{file}/content", data=form, headers=told))[0] == 201
    wanted = {"parent": {"id": top}, "name": "b.txt", "version": version}
    status, copied, _ = await admin("POST", f"/2.0/files/{file}/copy", wanted)
    assert (status, copied["size"], copied["sha1"]) == (201, 3, hashlib.sha1(b"old").hexdigest())  # noqa: S324 - Box's
    change = next(one for event in admin.box.box.world.history.recent for one in event.changes if one.kind == "copy")
    assert change.size == 3


async def test_refusals_of_uploads_and_ids(admin: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too large for one request: 413; an id that can be none of a folder: 405."""
    monkeypatch.setattr(uploads, "LARGEST_DIRECT_BYTES", 10)
    assert (await admin.upload("a.bin", "0", b"x" * 10))[0] == 201
    status, told = await admin.upload("b.bin", "0", b"x" * 11)
    assert (status, told["code"]) == (413, "request_entity_too_large")
    status, told, _ = await admin("GET", "/2.0/folders/none")
    assert (status, told["code"]) == (405, "method_not_allowed")


async def test_the_generated_organisation(admin: Caller) -> None:
    """Shared folders of spaces, notes, versions, restricted files; of names that clash the first alone."""
    store = admin.box.vendor.store
    store.ensure_all()
    items = store.state.items.values()
    assert sum(one.name.endswith(".boxnote") for one in items) > 5
    assert any(one.extra and len(one.extra.versions) > 5 for one in items)
    assert {one.status for one in store.state.collaborations.values()} == {"accepted", "pending"}
    names = [(one.parent, one.name.lower()) for one in items if one.parent]
    assert len(names) == len(set(names))
    restricted = next(
        one for one in items if one.extra and one.extra.blocked == "restricted" and one.owner == admin.user
    )
    assert (await admin("GET", f"/2.0/files/{restricted.id}/content"))[0] == 403
    other = await caller(admin.box, 1)
    _, mine, _ = await other("GET", "/2.0/folders/0/items?limit=1000&fields=owned_by,name,parent")
    assert {one["parent"]["id"] for one in mine["entries"]} == {"0"}


async def test_the_same_seed_makes_the_same_trees() -> None:
    """Whoever looks first."""
    made = []
    for first in (0, 1):
        async with inside("box", users=6) as box:
            store = box.vendor.store
            store.ensure(list(store.state.users)[first])
            store.ensure_all()
            made.append({one.id: (one.name, one.parent, one.content.key) for one in store.state.items.values()})
    drawn = [{key: one for key, one in tree.items() if not one[2].startswith("spool")} for tree in made]
    assert drawn[0] == drawn[1] and made[0].keys() == made[1].keys()


async def test_everything_is_kept_across_restarts(tmp_path: Path) -> None:
    """Items, versions, trash, sessions and shares."""
    async with inside("box", users=4, state=tmp_path) as box:
        admin = await caller(box)
        top = await admin.folder("Kept")
        _, made = await admin.upload("a.txt", top, b"kept")
        file = made["entries"][0]["id"]
        gone = await admin.folder("Gone", top)
        await admin("DELETE", f"/2.0/folders/{gone}")
        session = await opened(admin, top)
        before = box.vendor.store.state
    async with inside("box", users=4, state=tmp_path) as box:
        again = await caller(box)
        assert box.vendor.store.state == before
        _, listed, _ = await again("GET", f"/2.0/folders/{top}/items")
        assert [one["id"] for one in listed["entries"]] == [file]
        assert (await again("GET", f"/2.0/folders/{gone}"))[1]["code"] == "trashed"
        assert (await again("GET", f"/api/2.0/files/upload_sessions/{session}"))[0] == 200


async def test_what_is_not_simulated_says_so(admin: Caller) -> None:
    """501, in Box's form."""
    status, told, _ = await admin("GET", "/2.0/search?query=x")
    assert (status, told["type"], told["code"]) == (501, "error", "not_simulated")
