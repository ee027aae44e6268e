"""Uploads in chunks to Nextcloud and ownCloud, against a server that says just what a case needs."""

from collections.abc import Awaitable, Callable

import pytest

from haulage.model.errors import Conflict, Mismatch, OutcomeUnknown, SessionGone, ShortRead
from haulage.model.item import Carried
from haulage.services.contract import ABSENT, Precondition
from haulage.services.webdav.drive import open_drive
from tests.contract.kit import FreePacer
from tests.unit.services.conftest import Scripted
from tests.unit.services.test_webdav_drive import file, listed

WHOLE = "/remote.php/dav/files/u/d/a.bin"
BODY = memoryview(b"x" * 7)


@pytest.fixture
async def server(scripted: Callable[[], Awaitable[Scripted]]) -> Scripted:
    """One that says what it is told to."""
    return await scripted()


async def test_what_an_upload_in_chunks_sends(server: Scripted) -> None:
    """Q12: every call with Destination and length; numbers of five digits; the old address is spelt anew."""
    drive = open_drive({"url": f"{server.url}/remote.php/webdav", "username": "u"}, "", FreePacer())
    made, nothing = server.answer(201), listed(server)
    server.say(made, nothing, made, made, made)
    state = await drive.begin("d/a.bin", 14, Carried(modified_us=5_000_000), "attempt", ABSENT)
    receipts = [await drive.put_part(state, number, 7 * number - 7, BODY, None) for number in (1, 2)]
    folder = drive._folder(state)
    held = listed(server, (folder, ""), file(f"{folder}/00001", 7), file(f"{folder}/00002", 7))
    server.say(held, server.answer(404), made, listed(server, file(WHOLE, 14)))
    written = await drive.finish(state, receipts, {}, ABSENT)
    assert written.size == 14
    calls = [(heard.method, heard.target) for heard in server.heard]
    assert calls[0] == ("MKCOL", "/remote.php/dav/files/u/d/")
    assert ("MKCOL", f"{folder}/") in calls
    assert ("PUT", f"{folder}/00001") in calls
    chunked = [heard for heard in server.heard if folder in heard.target and heard.method != "PROPFIND"]
    assert {heard.headers["destination"] for heard in chunked} == {server.url + WHOLE}
    assert {heard.headers["oc-total-length"] for heard in chunked} == {"14"}
    move = next(heard for heard in server.heard if heard.method == "MOVE")
    assert (move.target, move.headers["overwrite"], move.headers["x-oc-mtime"]) == (f"{folder}/.file", "F", "5")
    await drive.close()


async def test_what_ends_an_upload(server: Scripted) -> None:
    """Chunks that are missing or other than what was sent, a folder that is gone, a lost answer, another's file."""
    drive = open_drive({"url": f"{server.url}/remote.php/webdav", "username": "u"}, "", FreePacer())
    server.say(server.answer(201))
    state = await drive.begin("a.bin", 7, Carried(), "attempt", ABSENT)
    receipt = await drive.put_part(state, 1, 0, BODY, None)
    folder = drive._folder(state)
    held = listed(server, (folder, ""), file(f"{folder}/00001", 7))
    with pytest.raises(ShortRead):
        await drive.finish(state, [], {}, ABSENT)
    server.say(listed(server, (folder, ""), file(f"{folder}/00001", 6)))
    with pytest.raises(Mismatch):
        await drive.finish(state, [receipt], {}, ABSENT)
    server.say(held, listed(server, file(WHOLE)))
    with pytest.raises(Conflict):
        await drive.finish(state, [receipt], {}, ABSENT)
    server.say(held, server.answer(404))
    with pytest.raises(Conflict):
        await drive.finish(state, [receipt], {}, Precondition(revision="e"))
    for lost in (server.answer(404), server.answer(504)):  # Q13: it may have gone on
        server.say(held, lost)
        with pytest.raises(OutcomeUnknown):
            await drive.finish(state, [receipt], {}, Precondition())
    server.say(server.answer(404))
    assert await drive.parts(state) is None
    with pytest.raises(SessionGone):
        await drive.put_part(state, 2, 7, BODY, None)
    with pytest.raises(SessionGone):
        await drive.finish(state, [receipt], {}, ABSENT)
    await drive.abort(state)
    assert (server.heard[-1].method, server.heard[-1].target) == ("DELETE", f"{folder}/")
    await drive.close()
