"""Items as each kind of drive shows them, and the names it takes."""

from urllib.parse import quote

import pytest

from haulage.sandbox.frame.hashing import base64_text, digests
from tests.sandbox.microsoft.graph import Graph, Office

pytestmark = pytest.mark.asyncio(loop_scope="module")
KINDS = ("personal", "business", "documentLibrary")


@pytest.mark.parametrize("kind", KINDS)
async def test_root_names_only_drive_and_type(box: Office, kind: str) -> None:
    """A root's parentReference has no id and no path; a client that asks for them is told so by every drive."""
    call, drive = box.of(kind)
    root = await call("GET", f"{drive}/root")
    assert root["parentReference"].keys() - {"siteId"} == {"driveId", "driveType"}
    assert root["parentReference"]["driveType"] == kind
    assert root["root"] == {} and "folder" in root.document
    if kind != "personal":
        assert root["id"].endswith("6Y2GOVW7725BZO354PWSELRRZ") and len(root["id"]) == 34


@pytest.mark.parametrize("kind", KINDS)
async def test_hashes_ids_and_tags_by_kind(box: Office, kind: str) -> None:
    """quickXorHash everywhere; the other hashes, eTags and versions differ by the kind of drive."""
    call, drive = box.of(kind)
    body = b"what is hashed" * 100
    made = await call.put(f"{drive}/root:/hashed.txt:", body)
    assert made.status == 201
    expected = digests([body], ("quickxor", "sha1", "sha256"))
    hashes = made["file"]["hashes"]
    assert hashes["quickXorHash"] == base64_text(expected["quickxor"])
    if kind == "personal":
        assert hashes["sha1Hash"] == expected["sha1"].hex().upper()
        assert hashes["sha256Hash"] == expected["sha256"].hex().upper()
        assert made["id"].startswith(made["parentReference"]["driveId"].upper() + "!")
        assert not made["eTag"].startswith('"')
        assert made["parentReference"]["path"] == "/drive/root:"
    else:
        assert set(hashes) == {"quickXorHash"}
        assert made["eTag"].startswith('"{') and made["eTag"].endswith('},1"')
        assert made["cTag"].startswith('"c:{')
        assert made["parentReference"]["path"] == f"/drives/{made['parentReference']['driveId']}/root:"


@pytest.mark.parametrize(
    "path", ["/root:/A/b.txt", "/root:/A/b.txt:", "/root:/a/B.TXT", "/root%3A/A/b.txt", "/items/root:/A/b.txt:"]
)
async def test_one_item_by_every_path(box: Office, path: str) -> None:
    """Paths find their item in every spelling and in any case."""
    call, drive = box.of("business")
    made = await call.put(f"{drive}/root:/A/b.txt:", b"x")
    assert (await call("GET", f"{drive}{path}"))["id"] == made["id"]


async def test_path_through_a_file_and_absent_names(box: Office) -> None:
    """Both are 404 with the code that clients look for."""
    call, drive = box.of("business")
    await call.put(f"{drive}/root:/b.txt:", b"x")
    for path in ("/root:/b.txt/c", "/root:/nothing.txt", "/items/01NOSUCH"):
        reply = await call("GET", f"{drive}{path}")
        assert (reply.status, reply.code) == (404, "itemNotFound")


async def test_tenant_address_serves_the_same_drives(box: Office) -> None:
    """The /_api/v2.0 of a tenant's own host, which rclone 1.75 and later can be told to use."""
    call, _ = box.of("business")
    drive = (await call("GET", "/me/drive"))["id"]
    reply = await call("GET", f"/_api/v2.0/drives/{drive}/root")
    assert reply.status == 200 and reply["parentReference"]["driveId"] == drive


async def test_children_in_pages(box: Office) -> None:
    """Pages hold $top items, follow each other by opaque links, and hold each child once, whatever changes."""
    call, drive = box.of("business")
    names = [f"f{number:02d}.txt" for number in range(7)]
    for name in names:
        await call.put(f"{drive}/root:/Paged/{name}:", b"")
    first = await call("GET", f"{drive}/root:/Paged:/children?$top=3&$select=name")
    assert [one["name"] for one in first["value"]] == names[:3]
    await call("DELETE", f"{drive}/root:/Paged/f00.txt:")
    rest = await call.all(call.local(first["@odata.nextLink"]))
    assert [one["name"] for one in rest] == names[3:]
    assert all(set(one) == {"name"} for one in rest)


async def test_order_skip_and_other_options(box: Office) -> None:
    """$orderby sorts; $skip and $filter are refused; the dollar may be left out."""
    call, drive = box.of("business")
    for size, name in ((3, "a.txt"), (1, "b.txt"), (2, "c.txt")):
        await call.put(f"{drive}/root:/Sorted/{name}:", b"x" * size)
    rows = await call.all(f"{drive}/root:/Sorted:/children?orderby=size desc&select=name&top=2")
    assert [one["name"] for one in rows] == ["a.txt", "c.txt", "b.txt"]
    assert (await call("GET", f"{drive}/root/children?$skip=3")).status == 400
    assert (await call("GET", f"{drive}/root/children?$filter=size gt 3")).status == 501
    assert (await call("GET", f"{drive}/root/children?$top=0")).status == 400


@pytest.mark.parametrize("name", ["a:b", "a*b", "q?", "~$x.docx", "CON", "desktop.ini", "x ", "x.", "a_vti_b", ".lock"])
async def test_names_that_are_refused(box: Office, name: str) -> None:
    """Reserved names and forbidden characters: 400, and nothing is made."""
    call, drive = box.of("business")
    reply = await call("POST", f"{drive}/root/children", {"name": name, "folder": {}})
    assert (reply.status, reply.code) == (400, "invalidRequest")


@pytest.mark.parametrize("name", ["a#b%c.txt", "é.txt", "e\u0301.txt", "日本.txt", "+ &'(),;=@!$~.txt"])
async def test_names_that_are_taken_as_they_are(box: Office, name: str) -> None:
    """Encoded segment by segment, they come back just as they were."""
    call, drive = box.of("business")
    made = await call("POST", f"{drive}/root/children", {"name": name, "folder": {}})
    assert (made.status, made["name"]) == (201, name)
    assert (await call("GET", f"{drive}/root:/{quote(name, safe='')}:"))["id"] == made["id"]


async def test_paths_that_are_too_long(box: Office) -> None:
    """400 characters in all, 255 a segment."""
    call, drive = box.of("business")
    long = await call("POST", f"{drive}/root/children", {"name": "x" * 256, "folder": {}})
    assert (long.status, long.inner) == (400, "pathIsTooLong")
    parent = "root"
    for _ in range(2):
        made = await call("POST", f"{drive}/items/{parent}/children", {"name": "y" * 150, "folder": {}})
        parent = made["id"]
    deep = await call("POST", f"{drive}/items/{parent}/children", {"name": "z" * 150, "folder": {}})
    assert (deep.status, deep.inner) == (400, "pathIsTooLong")


async def test_generated_awkward_parts(box: Office) -> None:
    """Notebooks are packages without a hash, flagged files cannot be read, shortcuts name their target."""
    call, drive = box.of("business")
    special = {one["name"]: one for one in await call.all(f"{drive}/root:/Special:/children")}
    assert special["to nowhere"]["remoteItem"]["parentReference"]["driveId"]
    assert "folder" not in special["to nowhere"] and "file" not in special["to nowhere"]
    assert special["flagged.docx"]["malware"]
    refused = await call("GET", f"{drive}/items/{special['flagged.docx']['id']}/content")
    assert (refused.status, refused.code) == (403, "malwareDetected")
    assert "X-Virus-Infected" in refused.headers
    locked = await call("PATCH", f"{drive}/items/{special['locked.docx']['id']}", {"name": "other.docx"})
    assert (locked.status, locked.inner) == (423, "resourceLocked")
    restricted = await call("GET", f"{drive}/items/{special['restricted.docx']['id']}/content")
    assert restricted.status == 403
    notebooks = [one for one in await everything(call, drive) if "package" in one]
    assert notebooks
    for one in notebooks[:2]:
        assert one["package"] == {"type": "oneNote"} and "folder" not in one and "file" not in one
        assert (await call("GET", f"{drive}/items/{one['id']}/content")).status == 404
        inside = await call.all(f"{drive}/items/{one['id']}/children")
        assert inside and all("hashes" not in each["file"] for each in inside)


async def everything(call: Graph, drive: str) -> list[dict[str, object]]:
    """All items of a drive, by its delta."""
    rows, link = [], f"{drive}/root/delta"
    while link:
        reply = await call("GET", link)
        rows += reply["value"]
        link = call.local(reply.document.get("@odata.nextLink", ""))
    return rows


async def test_wide_folders(box: Office) -> None:
    """20,000 entries in one library from the start; more anywhere on request."""
    call, _ = box.of("documentLibrary")
    site = next(one for one in box.vendor.files.desk.places.sites.values() if one.space == 4)
    wide = await call("GET", f"/sites/{site.id}/drive/root:/Wide")
    assert wide["folder"]["childCount"] == 20_000
    made = await box.control("POST", "do/microsoft/wide_folder", {"user": box.people[0].upn, "count": 3_000})
    rows = await box.business.all(f"/me/drive/items/{made['folder']}/children?$top=1000&$select=id,name")
    assert len({one["name"] for one in rows}) == 3_000


async def test_search_and_not_modified(box: Office) -> None:
    """search(q='words') finds by name below an item; If-None-Match gives 304."""
    call, drive = box.of("business")
    made = await call.put(f"{drive}/root:/Deep/er/Needle in hay.txt:", b"x")
    found = await call("GET", f"{drive}/root/search(q='needle hay')")
    assert [one["id"] for one in found["value"]] == [made["id"]]
    same = await call("GET", f"{drive}/items/{made['id']}", headers={"If-None-Match": made["eTag"]})
    assert same.status == 304


async def test_what_is_not_simulated_says_so(box: Office) -> None:
    """501 in Graph's own form of an error."""
    reply = await box.business("GET", "/me/drive/root/thumbnails")
    assert (reply.status, reply.code) == (501, "notImplemented")
