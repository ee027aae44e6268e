"""A WebDAV drive against a server that says just what a case needs."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import pytest

from haulage.model.errors import AuthLost, Changed, Conflict, Denied, Gone, QuotaFull, Refused, RootGone, Transient
from haulage.model.item import Carried
from haulage.services.contract import ABSENT, Precondition
from haulage.services.leftovers import Leftovers
from haulage.services.webdav import WEBDAV
from haulage.services.webdav.drive import CloudDrive, PlainDrive, open_drive
from haulage.services.webdav.reading import item_of
from haulage.services.webdav.wire import Entry
from tests.contract.kit import FreePacer
from tests.unit.services.conftest import Scripted, Step

FILE = "<d:getcontentlength>{}</d:getcontentlength><d:getetag>&quot;e&quot;</d:getetag>"
FOLDER = "<d:resourcetype><d:collection/></d:resourcetype>"


@pytest.fixture
async def server(scripted: Callable[[], Awaitable[Scripted]]) -> Scripted:
    """One that says what it is told to."""
    return await scripted()


def drive_on(scripted: Scripted, root: str = "base", **settings: str) -> PlainDrive | CloudDrive:
    return open_drive({"url": scripted.url, **settings}, root, FreePacer())


def listed(server: Scripted, *entries: tuple[str, str]) -> list[Step]:
    """A multistatus of these paths and properties."""
    responses = "".join(
        f"<d:response><d:href>{path}</d:href><d:propstat><d:prop>{inside}</d:prop>"
        f"<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        for path, inside in entries
    )
    return server.answer(207, f'<d:multistatus xmlns:d="DAV:">{responses}</d:multistatus>'.encode())


def file(path: str, size: int = 3) -> tuple[str, str]:
    return path, FILE.format(size)


def sent(server: Scripted) -> list[str]:
    return [f"{heard.method} {heard.target}" for heard in server.heard]


async def test_listings_from_behind_a_proxy(server: Scripted) -> None:
    """Q2: the server knows its folder by another path than the one that was asked for."""
    drive = drive_on(server)
    server.say(listed(server, ("/inner/base/", FOLDER), file("/inner/base/a"), ("/inner/base/b/", FOLDER)))
    page = await drive.page("", None)
    assert [item.path for item in page.items] == ["a", "b"]
    assert page.complete
    await drive.close()


async def test_listings_that_lie(server: Scripted) -> None:
    """Q3: deeper items are left out; what cannot be is told, and the listing is not whole."""
    drive = drive_on(server)
    server.say(listed(server, ("/base", FOLDER), file("/base/a"), file("/base/a/deep"), file("/base/.haulage-x")))
    page = await drive.page("", None)
    assert [item.path for item in page.items] == ["a", ".haulage-x"]
    assert page.complete
    for strange in (file("/other/x"), file("/base/a%2Fb"), file("/base/a")):
        server.say(listed(server, ("/base", FOLDER), file("/base/a"), strange))
        assert not (await drive.page("", None)).complete
    server.say(listed(server))
    with pytest.raises(Transient):
        await drive.page("", None)
    server.say(listed(server, file("/base/f")))
    with pytest.raises(Gone):
        await drive.page("f", None)
    server.say(server.answer(404))
    with pytest.raises(RootGone):
        await drive.page("", None)
    await drive.close()


@pytest.mark.parametrize(
    ("names", "other_form", "other_case", "lost", "rules"),
    [
        (["a%CC%88", "s%3Bp%3Fl%23i", "b%5Cs", "t%09t", "c%01%7F"], False, False, "", (True, None)),
        (["%C3%A4", "s%3Bp%3Fl%23i", "b%5Cs", "t%09t"], True, True, "\x01\x1f\x7f", (False, "NFC")),
        (["a%CC%88", "s", "b", "c%01%7F"], True, False, ";?#\\\t\n\r", (True, "NFC")),
    ],
)
async def test_what_the_probe_finds_out(
    server: Scripted, names: list[str], other_form: bool, other_case: bool, lost: str, rules: tuple[bool, str | None]
) -> None:
    """Q10, Q18: in a folder of our own, which is gone again afterwards."""
    drive = drive_on(server)
    there, gone = listed(server, ("/x", FOLDER)), server.answer(404)
    made = server.answer(201)
    probe = f"/base/{'.haulage-' + '0' * 32 + '.probe'}"
    whole = listed(server, (probe, FOLDER), *((f"{probe}/{name}", FOLDER) for name in names))
    looks = [there if other_form else gone, there if other_case else gone]
    server.say(there, *[made] * 12, whole, *looks, server.answer(204))
    await drive.check(write=True, create=False)
    found = drive.traits.names
    assert (found.case_sensitive, found.unicode_form) == rules
    assert {one for one in ";?#\\\t\n\r\x01\x1f\x7f" if one in found.forbidden} == set(lost) | (
        {"\t", "\n", "\r"} if "\x01" in lost else set()
    )
    assert server.heard[-1].method == "DELETE"
    assert server.heard[-1].target == server.heard[1].target
    await drive.close()


@pytest.mark.parametrize("refusals", [0, 1, 2])
async def test_how_a_destination_is_written(server: Scripted, refusals: int) -> None:
    """Q22: a path; a whole address where the server takes nothing else (Apache); what worked is what is sent next."""
    drive = drive_on(server)
    made, no = server.answer(201), server.answer(400)
    whole = listed(server, ("/x", FOLDER), ("/x/a%CC%88", FOLDER))
    gone, ended = server.answer(404), server.answer(204)
    begun = (listed(server, ("/base", FOLDER)), made, made, made, *([no] * refusals))
    if refusals < 2:
        server.say(*begun, *[made] * 9, whole, gone, gone, ended)
        await drive.check(write=True, create=False)
        told = [heard.headers["destination"] for heard in server.heard if heard.method == "MOVE"]
        whole_addresses = [one.startswith(server.url) for one in told]
        assert whole_addresses == ([False] + [True] * 5 if refusals else [False] * 5)
    else:
        server.say(*begun, ended)
        with pytest.raises(Refused, match="gives no file another name"):
            await drive.check(write=True, create=False)
        assert server.heard[-1].method == "DELETE"
    await drive.close()


async def test_a_server_that_lets_nobody_write(server: Scripted) -> None:
    """Told at the start, and of what."""
    drive = drive_on(server)
    server.say(listed(server, ("/base", FOLDER)), server.answer(403))
    with pytest.raises(Denied, match="does not let this user write below '/base'"):
        await drive.check(write=True, create=False)
    await drive.close()


@pytest.mark.parametrize("body", [b"abc", b""])
@pytest.mark.parametrize("changed", [False, True])
async def test_an_answer_that_does_not_say_which_revision_it_is(server: Scripted, changed: bool, body: bytes) -> None:
    """Q7: lighttpd's, for files of a type that it does not know: looked up before the last bytes are handed out."""
    drive = drive_on(server)
    item = item_of("a", Entry("/base/a", size=len(body), etag="x" if changed else "e"))
    server.say(server.answer(200, body), listed(server, file("/base/a", len(body))))
    with pytest.raises(Changed) if changed else nullcontext():
        async with drive.open(item) as content:
            assert b"".join([bytes(chunk) async for chunk in content.chunks()]) == body
    assert [heard.method for heard in server.heard] == ["GET", "PROPFIND"]
    await drive.close()


@pytest.mark.parametrize("status", [405, 501, 200, 302])
async def test_a_web_server_that_speaks_no_webdav(server: Scripted, status: int) -> None:
    """Q23: it is said so, and what to look for."""
    drive = drive_on(server)
    server.say(server.answer(status, b"<html>", Location="/login"))
    with pytest.raises(Refused, match=f"does not list folders there: it answers {status}") as caught:
        await drive.check(write=False, create=False)
    assert "dav-ext" in caught.value.fix
    await drive.close()


async def test_a_folder_that_is_told_by_sending_on(server: Scripted) -> None:
    """Apache: 301 to the same address with a slash. A file must not take its place, with all that is in it."""
    drive = drive_on(server)
    on = server.answer(301, Location="http://inside/base/a/")
    server.say(server.answer(201), on, server.answer(204))
    with pytest.raises(Conflict, match="folder"):
        await drive.put("a", b"x", Carried(), {}, Precondition())
    assert "MOVE" not in {heard.method for heard in server.heard}
    server.say(on)
    assert await drive.item("a") is None
    server.say(server.answer(405), on)
    await drive.create_folder("a")
    await drive.close()


async def test_what_an_earlier_run_left(server: Scripted) -> None:
    """By its name it is this owner's: so it is removed, and nothing else of what is hidden."""
    earlier, now = Leftovers(), drive_on(server)
    earlier.belong_to("installation 1")
    now.belongs_to("installation 1")
    part, probe = earlier.name(), earlier.name("probe")
    others = [Leftovers().name(), now._leftovers.name(), f".haulage-{'5' * 32}.part"]
    shown = [file(f"/base/f/{name}") for name in ("a", part, *others)]
    server.say(listed(server, ("/base/f", FOLDER), (f"/base/f/{probe}", FOLDER), *shown))
    assert [item.path for item in (await now.page("f", None)).items] == ["f/a"]
    server.heard.clear()
    server.say(server.answer(403), server.answer(204))
    await now.remove_leftovers()
    await now.remove_leftovers()
    assert sorted(sent(server)) == sorted([f"DELETE /base/f/{part}", f"DELETE /base/f/{probe}/"])
    await now.close()


async def test_what_a_check_says(server: Scripted) -> None:
    """No folder, a file in its place, a wrong password."""
    drive = drive_on(server, username="u", password="p", allow_http="yes")
    server.say(server.answer(404))
    with pytest.raises(RootGone):
        await drive.check(write=False, create=False)
    server.say(listed(server, file("/base")))
    with pytest.raises(RootGone):
        await drive.check(write=False, create=False)
    server.say(server.answer(401, WWW_Authenticate="Basic"))
    with pytest.raises(AuthLost):
        await drive.check(write=False, create=False)
    await drive.close()


async def test_room_is_asked_for(server: Scripted) -> None:
    """Q16: negative values and none mean that it is not known."""
    drive = drive_on(server)
    for text, room in (("10", False), ("-3", True), ("", True), ("2000", True)):
        answer = listed(server, ("/base", f"<d:quota-available-bytes>{text}</d:quota-available-bytes>"))
        server.say(answer)
        if room:
            await drive._room_for(1000)
        else:
            with pytest.raises(QuotaFull):
                await drive._room_for(1000)
    await drive.close()


async def test_times_that_are_sent(server: Scripted) -> None:
    """Q9: whole seconds after 1970; with the PUT and with the MOVE."""
    for modified_us, header in ((1_700_000_000_999_999, "1700000000"), (999_999, None), (-5, None), (None, None)):
        drive = drive_on(server)
        server.heard.clear()
        server.say(server.answer(201), server.answer(201), listed(server, file("/base/a", 1)))
        await drive.put("a", b"x", Carried(modified_us=modified_us), {}, ABSENT)
        put, move, _ = server.heard
        assert put.headers.get("x-oc-mtime") == move.headers.get("x-oc-mtime") == header
        assert (move.headers["destination"], move.headers["overwrite"]) == ("/base/a", "F")
        await drive.close()


async def test_checksums_by_flavour(server: Scripted) -> None:
    """Q11: ownCloud alone is sent one, and believed."""
    for kind, header, hashes in (("owncloud", "SHA1:ab", {"sha1": "ab"}), ("nextcloud", None, {})):
        drive = drive_on(server, "", server=kind, username="u")
        server.heard.clear()
        oc = '<c:checksums xmlns:c="http://owncloud.org/ns"><c:checksum>SHA1:AB</c:checksum></c:checksums>'
        server.say(server.answer(201), listed(server, ("/remote.php/dav/files/u/a", FILE.format(1) + oc)))
        written = await drive.put("a", b"x", Carried(), {"sha1": "ab"}, ABSENT)
        assert server.heard[0].headers.get("oc-checksum") == header
        assert server.heard[0].headers["if-none-match"] == "*"
        assert written.hashes == hashes
        await drive.close()


async def test_a_move_whose_answer_was_lost(server: Scripted) -> None:
    """Q14, Q19: the hidden name tells what became of it."""
    drive = drive_on(server)
    file_there, gone, done = listed(server, file("/base/a", 1)), server.answer(404), server.answer(201)
    trouble = server.answer(500)
    server.say(done, ["close"], gone, file_there)
    assert (await drive.put("a", b"x", Carried(), {}, ABSENT)).size == 1
    server.say(done, ["close"], file_there, file_there, server.answer(204))
    with pytest.raises(Conflict):
        await drive.put("a", b"x", Carried(), {}, ABSENT)
    assert server.heard[-1].method == "DELETE"
    server.say(done, trouble, file_there, gone, server.answer(204))
    with pytest.raises(Transient):
        await drive.put("a", b"x", Carried(), {}, ABSENT)
    await drive.close()


async def test_a_folder_is_never_moved_over(server: Scripted) -> None:
    """MOVE would replace it with all that is in it."""
    drive = drive_on(server)
    server.say(server.answer(201), listed(server, ("/base/a", FOLDER)), server.answer(204))
    with pytest.raises(Conflict):
        await drive.put("a", b"x", Carried(), {}, Precondition())
    assert [heard.method for heard in server.heard] == ["PUT", "PROPFIND", "DELETE"]
    await drive.close()


@pytest.mark.parametrize(
    ("url", "told", "root"),
    [
        ("h:8443/a%20b/c", {"url": "https://h:8443/"}, "a b/c"),
        ("h", {"url": "https://h/"}, ""),
        ("h/remote.php/dav/files/me/x", {"url": "https://h/remote.php/dav/files/me/"}, "x"),
        ("h/remote.php/webdav/x", {"url": "https://h/remote.php/webdav/"}, "x"),
    ],
)
def test_urls(url: str, told: dict[str, str], root: str) -> None:
    """What a location says of server and path."""
    assert WEBDAV.at_url is not None
    assert WEBDAV.at_url("davs", url) == (told, root)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"url": "ftp://h"},
        {"url": "https://u:p@h/"},
        {"url": "https://h:x/"},
        {"url": "http://h/", "username": "u", "password": "p"},
        {"url": "https://h/", "server": "sharepoint"},
        {"url": "https://h/remote.php/dav/files/u", "server": "nextcloud", "auth": "ntlm", "username": "u"},
        {"url": "https://h/remote.php/caldav", "server": "nextcloud", "username": "u"},
        {"url": "https://h/", "server": "nextcloud"},
    ],
)
def test_settings_that_name_no_place(settings: dict[str, str]) -> None:
    """Refused before any call; a password goes over http only where that is allowed."""
    with pytest.raises(Refused):
        open_drive(settings, "", FreePacer())


def test_a_location_cannot_climb() -> None:
    with pytest.raises(Refused):
        open_drive({"url": "https://h/a"}, "../b", FreePacer())


async def test_few_calls_at_once(server: Scripted) -> None:
    """Q20: the rest waits for its turn, and is not forgotten."""
    drive = drive_on(server)
    server.say([0.02, *listed(server, file("/base/a"))])
    found = await asyncio.gather(*(drive.item("a") for _ in range(100)))
    assert all(item is not None for item in found)
    assert server.connections <= 16
    await drive.close()
