"""Egnyte's files, simulated: what the witnesses do not ask for, and the faults."""

import io
from typing import Any

import pytest

from haulage.sandbox.egnyte import content
from haulage.sandbox.egnyte.names import key_of, name_error
from tests.sandbox.egnyte.caller import CONTENT, FS, UUID, Caller, caller, sha512


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("a.txt", True), ("& _ % # ; ( ) { } [ ] ^ + = @ , ! ' $ ~.txt", True), ("Русские", True), ("x" * 245, True),
        ("x" * 246, False), ("й" * 123, False), ("a\\b", False), ("a:b", False), (" a", False), ("a ", False),
        ("a.", False), ("a\x1f", False), ("\U0001f600", False), (".DS_Store", False), ("Thumbs.db", False),
        ("a.tmp", False), ("a~", False), ("._a", False), ("~$a.docx", False), ("~a.pptx", False), ("atmp1234", False),
        ("a.sas.b12", False), ("aab12345", False), ("word work file 1", False), (".data", True),
    ],
)  # fmt: skip
def test_names(name: str, taken: bool) -> None:
    assert (name_error(name, folder=False) == "") == taken
    assert name_error(".data", folder=True) and name_error(".spotlight-V100", folder=True)
    assert key_of("ÉcOlE") == "école"


async def test_listings(admin: Caller) -> None:
    """Folders then files as one sequence; what is empty is left out; two shapes of time."""
    top = await admin.folder("/Shared/Listed")
    for name in ("b", "A"):
        await admin.folder(f"/Shared/Listed/{name}")
    for name, size in (("z.txt", 3), ("y.txt", 5), ("X.txt", 4)):
        await admin.upload(f"/Shared/Listed/{name}", b"x" * size)
    page = await admin.facts("/shared/LISTED", list_content="True", offset=1, count=2)
    assert [one["name"] for one in page["folders"]] == ["b"] and [one["name"] for one in page["files"]] == ["X.txt"]
    assert (page["count"], page["offset"], page["total_count"]) == (2, 1, 5) and page["folder_id"] == top
    assert page["path"] == "/Shared/Listed" and page["folders"][0]["parent_id"] == top
    assert page["lastModified"] > 10**12 and "last_modified" not in page
    assert page["files"][0]["last_modified"].endswith(" GMT") and "lastModified" not in page["files"][0]
    page = await admin.facts("/Shared/Listed", sort_by="size", sort_direction="desc")
    assert [one["size"] for one in page["files"]] == [5, 4, 3]
    assert "files" not in await admin.facts("/Shared/Listed", list_content="False")
    empty = await admin.facts("/Shared/Listed/b")
    assert "files" not in empty and "folders" not in empty and empty["total_count"] == 0
    assert await admin.facts(f"/ids/folder/{top}") == await admin.facts("/Shared/Listed")
    root = await admin.facts("/")
    assert all(UUID.fullmatch(one["folder_id"]) for one in (root, *root["folders"]))
    _, stats, _ = await admin("GET", f"{FS}/ids/folder/{top}/stats")
    assert (stats["allFilesSize"], stats["filesCount"], stats["foldersCount"]) == (12, 3, 3)
    assert (await admin("GET", f"{FS}/ids/file/{top}"))[0] == 404
    assert (await admin("GET", f"{FS}/Shared/Listed", params={"sort_by": "mood"}))[0] == 400


async def test_missing_folders_above_a_new_one(admin: Caller) -> None:
    """Are missed, or made: the sources differ."""
    deep = f"{FS}{admin.own}/x/y/z"
    assert (await admin("POST", deep, {"action": "add_folder"}))[0] == 404
    await admin.box.do("ancestors", made=True)
    assert (await admin("POST", deep, {"action": "add_folder"}))[0] == 201
    assert [one["name"] for one in (await admin.facts(f"{admin.own}/x"))["folders"]] == ["y"]
    assert (await admin("POST", f"{FS}/none/y", {"action": "add_folder"}))[0] == 409
    assert (await admin("POST", f"{CONTENT}{admin.own}/none/a.txt", data=b"x"))[0] == 404


async def test_wide_folder(admin: Caller) -> None:
    made = await admin.box.do("wide-folder", user=admin.user, count=1_100)
    page = await admin.facts(made["path"], count=2_000)
    assert (page["count"], page["total_count"]) == (1_000, 1_100)
    assert (await admin.facts(made["path"]))["count"] == 100
    await admin.folder(f"{made['path']}/zz")
    await admin.upload(f"{made['path']}/0")
    told = await admin.facts(made["path"], count=2)
    assert ([one["name"] for one in told["folders"]], told["files"][0]["name"]) == (["zz"], "0")
    told = await admin.facts(made["path"], offset=1_101)
    assert told["count"] == 1 and "folders" not in told and told["total_count"] == 1_102


async def test_versions(admin: Caller) -> None:
    """The current one is not among `versions`; deleting one needs its own id."""
    path = f"{admin.own}/v.txt"
    made = [await admin.upload(path, body) for body in (b"1", b"22", b"333")]
    assert len({one["group_id"] for one in made}) == 1
    facts = await admin.facts(path)
    assert facts["entry_id"] == made[2]["entry_id"] and facts["num_versions"] == 3
    assert [one["entry_id"] for one in facts["versions"]] == [made[1]["entry_id"], made[0]["entry_id"]]
    assert "versions" not in await admin.facts(path, list_content="false")
    assert (await admin.facts(path, entry_id=made[0]["entry_id"]))["size"] == 1
    _, _, headers = await admin(
        "GET", f"{CONTENT}/ids/file/{facts['group_id']}", params={"entry_id": made[1]["entry_id"]}
    )
    assert headers["ETag"] == f'"{made[1]["entry_id"]}"' and headers["X-Sha512-Checksum"] == sha512(b"22")
    for one in (made[2], made[1]):
        assert (await admin("DELETE", FS + path, params={"entry_id": one["entry_id"]}))[0] == 200
    assert (await admin("DELETE", FS + path, params={"entry_id": made[1]["entry_id"]}))[0] == 404
    assert (await admin.facts(path))["size"] == 1, "the last version is still there"
    assert (await admin("DELETE", FS + path, params={"entry_id": made[0]["entry_id"]}))[0] == 200
    assert (await admin("GET", FS + path))[0] == 404


async def test_uploads(admin: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{admin.own}/u.bin"
    status, _, _ = await admin("POST", CONTENT + path, headers={"X-Sha512-Checksum": sha512(b"other")}, data=b"x")
    assert status == 400 and (await admin("GET", FS + path))[0] == 404
    then = "Sun, 26 Aug 2012 03:55:29 GMT"
    told = {"X-Sha512-Checksum": sha512(b"body"), "Last-Modified": then}
    status, made, headers = await admin("POST", CONTENT + path, headers=told, data=b"body")
    assert (status, headers["ETag"], headers["X-Sha512-Checksum"]) == (200, made["entry_id"], sha512(b"body"))
    facts = await admin.facts(path)
    assert facts["last_modified"] == then and facts["uploaded"] > 10**12 and facts["uploaded_by"] == admin.user
    status, again, _ = await admin(
        "POST", f"{CONTENT}/ids/file/{made['group_id']}", data={"file": io.BytesIO(b"as a form")}
    )
    assert status == 200 and again["size"] == 9 and again["group_id"] == made["group_id"]
    assert (await admin.upload(f"{admin.own}/empty"))["size"] == 1
    assert (await admin.upload(f"{admin.own}/empty", b""))["checksum"] == sha512(b"")
    _, body, headers = await admin("GET", CONTENT + path, headers={"Range": "bytes=3-5"})
    assert body == "a f"
    assert headers["Content-Range"] == "bytes 3-5/9"
    assert (await admin("GET", CONTENT + path, headers={"Range": "bytes=9-"}))[0] == 416
    monkeypatch.setattr(content, "LARGEST_UPLOAD_BYTES", 10)
    assert (await admin("POST", CONTENT + path, data=b"x" * 11))[0] == 413
    for wrong, status in (("/Shared/a.txt", 403), ("/a.txt", 409), ("/Shared/no/a.txt", 404), (admin.own, 403)):
        assert (await admin("POST", CONTENT + wrong, data=b"x"))[0] == status, wrong
    assert (await admin("GET", CONTENT + admin.own))[0] == 400


async def test_chunks(admin: Caller) -> None:
    """Any order; all but the last of one size; a composite checksum; a day to live."""
    await admin.box.do("chunks", smallest=4)
    path, last = f"{admin.own}/c.bin", {"X-Egnyte-Last-Chunk": "true"}
    assert (await admin.chunk(path, b"abc", 1))[0] == 400
    status, _, headers = await admin.chunk(path, b"aaaa", 1)
    upload = headers["X-Egnyte-Upload-Id"]
    assert (status, headers["X-Egnyte-Chunk-Num"]) == (200, "1")
    assert headers["X-Egnyte-Chunk-Sha512-Checksum"] == sha512(b"aaaa")
    assert (await admin.chunk(path, b"cc", 3, upload, **last))[0] == 400, "2 is missing"
    wrong = {"X-Egnyte-Chunk-Sha512-Checksum": sha512(b"x")}
    assert (await admin.chunk(path, b"bbbb", 2, upload, **wrong))[0] == 400
    assert (await admin.chunk(path, b"bbbb", 2, upload))[0] == 200
    assert (await admin("GET", FS + path))[0] == 404, "nothing shows before the last chunk"
    plain = {"X-Sha512-Checksum": sha512(b"aaaabbbbcc")}
    assert (await admin.chunk(path, b"cc", 3, upload, **last, **plain))[0] == 400
    composite = "2-3-4-" + sha512("".join(map(sha512, (b"aaaa", b"bbbb", b"cc"))).encode())
    then = {"Last-Modified": "Sun, 26 Aug 2012 03:55:29 GMT", "X-Sha512-Checksum": composite}
    status, made, _ = await admin.chunk(path, b"cc", 3, upload, **last, **then)
    assert (status, made["checksum"], made["size"]) == (200, composite, 10)
    facts = await admin.facts(path)
    assert facts["checksum"] == composite and facts["last_modified"] == then["Last-Modified"]
    assert (await admin.chunk(path, b"cc", 3, upload, **last))[0] == 404, "it is used up"
    _, _, headers = await admin.chunk(f"/ids/file/{made['group_id']}", b"dddd", 1)
    upload = headers["X-Egnyte-Upload-Id"]
    assert (await admin.chunk(path, b"eeee", 2, upload))[0] == 404, "an upload belongs to its target"
    await admin.chunk(f"/ids/file/{made['group_id']}", b"eeeee", 2, upload)
    assert (await admin.chunk(f"/ids/file/{made['group_id']}", b"f", 3, upload, **last))[0] == 400, "not of one size"
    await admin.box.step(86_401)
    assert (await admin.chunk(f"/ids/file/{made['group_id']}", b"eeee", 2, upload))[0] == 404


async def test_folder_options(admin: Caller) -> None:
    other = await caller(admin.box, "power")
    await admin.folder("/Shared/Options")
    grant = {"userPerms": {other.user: "Full"}}
    assert (await admin("POST", "/pubapi/v2/perms/Shared/Options", grant))[0] == 200
    await admin.folder("/Shared/Options/Held")
    options = {"folder_description": "kept", "restrict_move_delete": True, "allow_links": False}
    status, told, _ = await admin("PATCH", f"{FS}/Shared/Options/Held", {**options, "public_links": "disabled"})
    assert status == 200 and told.items() >= {**options, "public_links": "disabled"}.items()
    assert (await other.facts("/Shared/Options/Held")).items() >= options.items()
    assert (await other("DELETE", f"{FS}/Shared/Options/Held"))[0] == 403
    assert (await other("PATCH", f"{FS}/Shared/Options/Held", {"restrict_move_delete": False}))[0] == 403
    assert (await admin("DELETE", f"{FS}/Shared/Options/Held"))[0] == 200


async def test_moves_and_copies(admin: Caller) -> None:
    """Renaming is a move; names differ in more than case; nothing goes over what is there."""
    await admin.folder(f"{admin.own}/M")
    made = await admin.upload(f"{admin.own}/M/a.txt", b"1")
    await admin.upload(f"{admin.own}/M/b.txt", b"2")
    place = f"{FS}{admin.own}/M"

    async def act(path: str, action: str, destination: str, **more: Any) -> tuple[int, Any]:
        status, told, _ = await admin("POST", path, {"action": action, "destination": destination, **more})
        return status, told

    for action in ("move", "copy"):
        assert (await act(f"{place}/a.txt", action, f"{admin.own}/M/B.TXT"))[0] == 403
    assert (await act(f"{place}/a.txt", "copy", f"{admin.own}/M/a.txt"))[0] == 403
    status, told = await act(f"{place}/a.txt", "move", f"{admin.own}/M/A.txt")
    assert (status, told["group_id"], told["entry_id"]) == (200, made["group_id"], made["entry_id"])
    assert (await admin.facts(f"{admin.own}/M/a.TXT"))["name"] == "A.txt"
    assert (await act(place, "move", f"{admin.own}/M/Inner"))[0] == 400
    assert (await act(place, "move", "relative"))[0] == 400
    assert (await act(place, "move", f"{admin.own}/N", new_name="N"))[0] == 400
    assert (await act(f"{FS}{admin.own}", "move", "/Shared/Mine"))[0] == 403
    assert (await act(f"{FS}/ids/file/{made['group_id']}", "copy", f"{admin.own}/M/sp%20ace"))[0] == 200
    assert (await admin.facts(f"{admin.own}/M/sp%2520ace"))["name"] == "sp%20ace", "destinations are plain text"
    assert (await act(place, "explode", "/Shared/x"))[0] == 400


async def test_faults(admin: Caller) -> None:
    path = f"{admin.own}/f.txt"
    made = await admin.upload(path, b"fault")
    for fault, status in (("denied", 403), ("locked", 403), ("quota_full", 507)):
        await admin.fault(fault, "upload")
        assert (await admin("POST", CONTENT + path, data=b"x"))[0] == status, fault
    assert (await admin.facts(path))["num_versions"] == 1
    await admin.fault("checksum_wrong", "download")
    assert (await admin("GET", CONTENT + path))[2]["X-Sha512-Checksum"] != made["checksum"]
    await admin.fault("checksum_absent", "download")
    assert "X-Sha512-Checksum" not in (await admin("GET", CONTENT + path))[2]
    await admin.fault("checksum_absent", "get metadata or list")
    assert "checksum" not in await admin.facts(path)
    await admin.folder("/Shared/Pages")
    for name in "abcd":
        await admin.upload(f"/Shared/Pages/{name}")

    async def names(offset: int) -> list[str]:
        page = await admin.facts("/Shared/Pages", offset=offset, count=2)
        return [one["name"] for one in page.get("files", ())]

    for fault, offset, seen in (
        ("page_twice", 2, ["b", "c"]), ("page_missing", 0, ["a"]), ("page_empty", 0, []), ("listed_late", 0, []),
    ):  # fmt: skip
        await admin.fault(fault, "get metadata or list")
        assert await names(offset) == seen, fault
    assert await names(2) == ["c", "d"]
    await admin.fault("token_expired", "download")
    assert (await admin("GET", CONTENT + path))[0] == 401


async def test_faults_of_chunks(admin: Caller) -> None:
    """A chunk that is lost though it was confirmed: its bytes are missing from a file that says it has them."""
    await admin.box.do("chunks", smallest=4)
    path, last = f"{admin.own}/c.bin", {"X-Egnyte-Last-Chunk": "true"}
    await admin.fault("part_lost", "upload chunk")
    _, _, headers = await admin.chunk(path, b"aaaa", 1)
    upload = headers["X-Egnyte-Upload-Id"]
    status, made, _ = await admin.chunk(path, b"bb", 2, upload, **last)
    assert (status, made["size"]) == (200, 2)
    _, _, headers = await admin.chunk(path, b"aaaa", 1)
    await admin.fault("session_lost", "upload chunk")
    assert (await admin.chunk(path, b"bb", 2, headers["X-Egnyte-Upload-Id"], **last))[0] == 404
