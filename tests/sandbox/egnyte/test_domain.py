"""Egnyte's domain, simulated: permissions, trash, events, users, what is generated, what is kept across restarts."""

from pathlib import Path
from typing import Any

from haulage.sandbox.egnyte.names import key_of, name_error
from tests.sandbox.egnyte.caller import CONTENT, FS, UUID, Caller, caller
from tests.sandbox.inside import inside


async def test_permissions(admin: Caller) -> None:
    """By names; a change of what is named alone; what becomes of what was inherited is told when it is cut off."""
    other = await caller(admin.box, "power")
    perms = "/pubapi/v2/perms/Shared/Allowed"
    await admin.folder("/Shared/Allowed")
    await admin.folder("/Shared/Allowed/Inner")
    assert (await other("GET", f"{FS}/Shared/Allowed"))[0] == 403
    change = {"userPerms": {other.user.upper(): "Editor"}, "groupPerms": {"All Power Users": "Viewer Only"}}
    assert (await admin("POST", perms, change))[0] == 200
    _, told, _ = await admin("GET", f"{perms}/Inner")
    assert told == {
        "userPerms": {admin.user: "Owner", other.user: "Editor"}, "groupPerms": {"All Power Users": "Viewer Only"},
        "inheritsPermissions": True,
    }  # fmt: skip
    await other.upload("/Shared/Allowed/Inner/a.txt")
    assert (await other("POST", perms, change))[0] == 403, "an editor grants nothing"
    keep = {"inheritsPermissions": "false", "keepParentPermissions": "true"}
    assert (await admin("POST", f"{perms}/Inner", keep))[0] == 200
    await admin("POST", perms, {"userPerms": {other.user: "None"}, "groupPerms": {"All Power Users": "None"}})
    assert (await other("GET", f"{CONTENT}/Shared/Allowed/Inner/a.txt"))[0] == 200
    assert (await other.facts("/Shared/Allowed", include_perm="true"))["permission"] == "None", "on the way only"
    assert (await admin("POST", f"{perms}/Inner", {"inheritsPermissions": True}))[0] == 200
    lost = {"inheritsPermissions": False, "keepParentPermissions": False}
    lost |= {"userPerms": {other.user: "None"}, "groupPerms": {"All Power Users": "None"}}
    assert (await admin("POST", f"{perms}/Inner", lost))[0] == 200
    assert (await other("GET", f"{CONTENT}/Shared/Allowed/Inner/a.txt"))[0] == 403
    for wrong in (
        {"keepParentPermissions": True}, {"userPerms": {"nobody": "Editor"}}, {"userPerms": {other.user: "King"}},
    ):  # fmt: skip
        assert (await admin("POST", perms, wrong))[0] == 400, wrong
    for place in (f"/pubapi/v2/perms{admin.own}", f"{perms}/Inner/a.txt"):
        assert (await admin("GET", place))[0] == 400
    effective = {"folder": "/Shared/Allowed/Inner"}
    assert (await admin("GET", f"/pubapi/v1/perms/user/{other.user}", params=effective))[1] == {"permission": "None"}
    assert (await other("GET", "/pubapi/v1/perms/user", params=effective))[0] == 403


async def test_trash(admin: Caller) -> None:
    """Back with all that was in it, or gone; what does not work is said of each."""
    await admin.folder(f"{admin.own}/Gone")
    await admin.upload(f"{admin.own}/Gone/a.txt", b"abc")
    group = (await admin.upload(f"{admin.own}/v.txt", b"1"))["group_id"]
    entry = (await admin.upload(f"{admin.own}/v.txt", b"2"))["entry_id"]
    await admin("DELETE", f"{FS}{admin.own}/v.txt", params={"entry_id": entry})
    await admin("DELETE", f"{FS}{admin.own}/Gone")
    _, listed, _ = await admin("GET", "/pubapi/v2/fs/trash", params={"sort_by": "date_deleted", "count": "1"})
    assert (listed["count"], listed["has_more"], listed["items"][0]["type"]) == (1, True, "folder")
    folder = listed["items"][0]
    assert (folder["path"], folder["size"], folder["deleted_by"]) == (f"{admin.own}/Gone", 3, admin.user)
    _, listed, _ = await admin("GET", "/pubapi/v2/fs/trash", params={"offset": "1"})
    assert (listed["has_more"], listed["items"][0]["type"]) == (False, "version")
    version = listed["items"][0]["id"]

    async def act(action: str, *ids: str) -> tuple[int, Any]:
        return (await admin("POST", f"{FS}/trash", {"action": action, "ids": ids}))[:2]

    status, told = await act("RESTORE", version, "nothing")
    assert (status, [one["code"] for one in told["resources"]]) == (207, [200, 404])
    assert (await admin.facts(f"/ids/file/{group}"))["num_versions"] == 2
    blocking = await admin.folder(f"{admin.own}/Gone")
    assert (await act("RESTORE", folder["id"]))[1]["resources"][0]["code"] == 409
    await admin("DELETE", f"{FS}/ids/folder/{blocking}")
    assert (await act("RESTORE", folder["id"]))[0] == 200
    assert (await admin.facts(f"{admin.own}/Gone/a.txt"))["size"] == 3
    await admin("DELETE", f"{FS}{admin.own}/Gone")
    _, listed, _ = await admin("GET", "/pubapi/v2/fs/trash")
    assert (await act("PURGE", *(one["id"] for one in listed["items"])))[0] == 200
    assert (await admin("GET", "/pubapi/v2/fs/trash"))[1]["items"] == []
    assert (await act("RESTORE", *map(str, range(11))))[0] == 400
    standard = await caller(admin.box, "standard")
    assert (await standard("GET", "/pubapi/v2/fs/trash"))[0] == 403


async def test_events(admin: Caller) -> None:
    """Permissions in the second edition only; one that is not kept any more is not found."""
    _, now, _ = await admin("GET", "/pubapi/v2/events/cursor")
    start = now["latest_event_id"]
    await admin.folder("/Shared/With space")
    await admin("POST", "/pubapi/v2/perms/Shared/With%20space", {"groupPerms": {"All Power Users": "Viewer"}})
    _, told, _ = await admin("GET", "/pubapi/v2/events", params={"id": start})
    assert [one["type"] for one in told["events"]] == ["file_system", "permission_change"]
    assert told["events"][0]["object_detail"].endswith("/pubapi/v1/fs/Shared/With%20space")
    assert told["events"][0]["data"]["is_folder"] is True and isinstance(told["events"][0]["actor"], int)
    _, told, _ = await admin("GET", "/pubapi/v1/events", params={"id": start})
    assert len(told["events"]) == 1 and told["latest_id"] == start + 1
    assert (await admin("GET", "/pubapi/v1/events", params={"id": told["latest_id"]}))[0] == 204
    assert (await admin("GET", "/pubapi/v1/events", params={"id": start, "count": "101"}))[0] == 400
    await admin.fault("page_empty", "list events")
    assert (await admin("GET", "/pubapi/v1/events", params={"id": start}))[0] == 204
    await admin.fault("cursor_expired", "list events")
    assert (await admin("GET", "/pubapi/v1/events", params={"id": start}))[0] == 404
    await admin.box.step(31 * 86_400)
    again = await caller(admin.box)
    await again.folder("/Shared/Later")
    assert (await again("GET", "/pubapi/v1/events", params={"id": start}))[0] == 404


async def test_users_and_groups(admin: Caller) -> None:
    """For administrators; in SCIM's shapes."""
    other = await caller(admin.box, "power")
    for place in ("users", "groups"):
        status, told, _ = await other("GET", f"/pubapi/v2/{place}")
        assert status == 403 and set(told["Errors"][0]) == {"description", "code"}
    _, found, _ = await admin("GET", "/pubapi/v2/users/", params={"filter": f'userName eq "{other.user}"'})
    user = found["resources"][0]["id"]
    assert found["totalResults"] == 1 and isinstance(user, int)
    assert (await admin("GET", "/pubapi/v2/users", params={"filter": 'mood eq "x"'}))[0] == 400
    status, group, _ = await admin("POST", "/pubapi/v2/groups", {"displayName": "G", "members": [{"value": user}]})
    assert status == 201 and group["members"][0]["username"] == other.user
    assert (await admin("POST", "/pubapi/v2/groups", {"displayName": "G"}))[0] == 409
    place = f"/pubapi/v2/groups/{group['id']}"
    _, group, _ = await admin("PATCH", place, {"members": [{"value": user, "operation": "delete"}]})
    assert group["members"] == []
    _, group, _ = await admin("PUT", place, {"displayName": "H", "members": [{"value": user}]})
    assert group["displayName"] == "H" and len(group["members"]) == 1
    assert [one for one in (await admin("GET", "/pubapi/v2/groups"))[1]["resources"] if "members" in one] == []
    assert (await admin("PATCH", f"/pubapi/v2/users/{user}", {"active": False}))[1]["active"] is False
    assert (await other("GET", f"{FS}/Shared"))[0] == 401, "whoever is inactive has no token that counts"
    status, told, _ = await admin("GET", "/pubapi/v2/users/12345678")
    assert (status, told) == (404, {"Errors": [{"description": "User 12345678 not found.", "code": "404"}]})


async def test_scopes(admin: Caller) -> None:
    files = await caller(admin.box, scopes="Egnyte.filesystem")
    assert (await files("GET", f"{FS}/Shared"))[0] == 200
    for path in ("/pubapi/v2/users", "/pubapi/v2/groups", "/pubapi/v2/perms/Shared"):
        assert (await files("GET", path))[0] == 403


async def test_throttling_has_two_ages(admin: Caller) -> None:
    """403 in HTML with the gateway's code, or 429 in JSON; every answer tells the quota."""
    await admin.box.control("PUT", "settings", {"service": "egnyte", "quotas": {"calls a second": 1, "calls a day": 3}})
    _, _, headers = await admin("GET", f"{FS}/Shared")
    assert (headers["X-Accesstoken-Qps-Allotted"], headers["X-Accesstoken-Quota-Current"]) == ("1", "1")
    status, text, headers = await admin("GET", f"{FS}/Shared")
    assert (status, text, headers["Retry-After"]) == (403, "<h1>Developer Over Qps</h1>", "1")
    assert headers["X-Mashery-Error-Code"] == "ERR_403_DEVELOPER_OVER_QPS"
    await admin.box.do("gateway", modern=True)
    status, told, headers = await admin("GET", f"{FS}/Shared")
    assert status == 429 and "fault" in told and headers["Retry-After"] == "1"


async def test_what_is_not_simulated_says_so(admin: Caller) -> None:
    folder = (await admin.facts("/Shared"))["folder_id"]
    for method, path in (
        ("GET", "/pubapi/v1/links"), ("GET", "/pubapi/v1/search"), ("GET", f"{FS}/settings"),
        ("GET", f"{FS}/ids/folder/{folder}/parents"), ("PUT", f"{FS}/ids/folder/{folder}/properties/ns"),
        ("GET", "/pubapi/v2/audit/stream"), ("GET", "/pubapi/v1/webhooks"),
    ):  # fmt: skip
        status, told, _ = await admin(method, path)
        assert status == 501 and "does not simulate" in told["errorMessage"], path


async def test_the_generated_organisation(admin: Caller) -> None:
    """Spaces under /Shared, each person's folder under /Private; of names that clash the first alone."""
    store = admin.box.vendor.store
    store.grow_all()
    items = list(store.state.items.values())
    names = [(one.parent, key_of(one.name)) for one in items]
    assert len(names) == len(set(names)) and all(UUID.fullmatch(one.id) for one in items)
    assert not [one.name for one in items if one.parent and name_error(one.name, folder=one.is_folder)]
    assert any(len(one.versions) > 5 for one in items) and any(one.lock for one in items)
    assert len(store.state.permissions) > len(store.children[store.find("/Shared").id])
    other = await caller(admin.box, "power")
    assert [one["name"] for one in (await other.facts("/Private"))["folders"]] == [other.user]
    assert [one["name"] for one in (await other.facts("/"))["folders"]] == ["Private", "Shared"]


async def test_the_history(admin: Caller) -> None:
    """What a service did is told with its ids, paths and contents."""
    path = f"{admin.own}/h.txt"
    made = await admin.upload(path, b"1")
    await admin.upload(path, b"2")
    await admin("POST", FS + path, {"action": "move", "destination": f"{admin.own}/i.txt"})
    await admin("DELETE", f"{FS}{admin.own}/i.txt")
    events = [one for one in admin.box.box.world.history.recent if one.changes]
    changes = [(one.kind, one.item, one.path) for event in events for one in event.changes]
    assert changes == [
        ("create", made["group_id"], path), ("content", made["group_id"], path),
        ("rename", made["group_id"], f"{admin.own}/i.txt"), ("trash", made["group_id"], f"{admin.own}/i.txt"),
    ]  # fmt: skip


async def test_everything_is_kept_across_restarts(tmp_path: Path) -> None:
    """Items, versions, permissions, trash, uploads; what was purged stays away."""
    async with inside("egnyte", users=4, state=tmp_path) as box:
        admin = await caller(box)
        await admin.folder("/Shared/Kept")
        await admin.upload("/Shared/Kept/a.txt", b"kept")
        for name in ("Gone", "Purged"):
            await admin.folder(f"/Shared/{name}")
            await admin.upload(f"/Shared/{name}/a.txt", b"gone")
            await admin("DELETE", f"{FS}/Shared/{name}")
        _, listed, _ = await admin("GET", "/pubapi/v2/fs/trash")
        purged = [one["id"] for one in listed["items"] if one["name"] == "Purged"]
        assert (await admin("POST", f"{FS}/trash", {"action": "PURGE", "ids": purged}))[0] == 200
        _, _, headers = await admin.chunk("/Shared/Kept/b.txt", b"x" * (10 << 20), 1)
        before = box.vendor.store.state
    async with inside("egnyte", users=4, state=tmp_path) as box:
        again = await caller(box)
        assert box.vendor.store.state == before
        assert (await again("GET", f"{CONTENT}/Shared/Kept/a.txt"))[1] == "kept"
        assert [(await again("GET", f"{FS}/Shared/{name}"))[0] for name in ("Gone", "Purged")] == [404, 404]
        last = {"X-Egnyte-Last-Chunk": "true"}
        upload = headers["X-Egnyte-Upload-Id"]
        assert (await again.chunk("/Shared/Kept/b.txt", b"end", 2, upload, **last))[0] == 200
