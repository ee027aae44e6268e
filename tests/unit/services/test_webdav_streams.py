"""Large files in one stream to a plain server."""

from collections.abc import Awaitable, Callable

import pytest

from haulage.model.errors import HaulageError, Mismatch, SessionGone, ShortRead
from haulage.model.item import Carried
from haulage.services.contract import ABSENT
from haulage.services.webdav.drive import open_drive
from tests.contract.kit import FreePacer
from tests.unit.services.conftest import Scripted
from tests.unit.services.test_webdav_drive import file, listed

HALF = 100_000
BODY = memoryview(b"x" * HALF)


@pytest.fixture
async def server(scripted: Callable[[], Awaitable[Scripted]]) -> Scripted:
    """One that says what it is told to."""
    return await scripted()


async def test_one_request_for_all_parts(server: Scripted) -> None:
    """Q15: under a hidden name, looked at, and moved."""
    drive = open_drive({"url": server.url}, "base", FreePacer())
    whole = listed(server, file("/base/x", 2 * HALF))
    server.say(listed(server), server.answer(201), whole, server.answer(201), whole)
    state = await drive.begin("a", 2 * HALF, Carried(), "attempt", ABSENT)
    receipts = [await drive.put_part(state, number + 1, number * HALF, BODY, None) for number in range(2)]
    assert await drive.parts(state) == {1: receipts[0], 2: receipts[1]}
    assert (await drive.finish(state, receipts, {}, ABSENT)).size == 2 * HALF
    assert [heard.method for heard in server.heard] == ["PROPFIND", "PUT", "PROPFIND", "MOVE", "PROPFIND"]
    put, move = server.heard[1], server.heard[3]
    assert put.body == bytes(BODY) * 2
    assert put.target == move.target != "/base/a"
    assert move.headers["destination"] == "/base/a"
    assert await drive.parts(state) is None
    await drive.close()


async def test_what_ends_a_stream(server: Scripted) -> None:
    """Parts out of order, an answer before the end, too few bytes there; nothing goes on in another process."""
    drive = open_drive({"url": server.url}, "base", FreePacer())
    server.say(listed(server), server.answer(201))
    state = await drive.begin("a", 2 * HALF, Carried(), "first", ABSENT)
    with pytest.raises(Mismatch):
        await drive.put_part(state, 2, HALF, BODY, None)
    with pytest.raises(ShortRead):
        await drive.finish(state, [{"number": 1, "size": HALF}], {}, ABSENT)
    server.say(server.answer(204))
    await drive.abort(state)
    with pytest.raises(SessionGone):
        await drive.put_part(state, 1, 0, BODY, None)
    server.say(listed(server), server.answer(201), listed(server, file("/base/x", HALF)))
    state = await drive.begin("a", HALF * 2, Carried(), "second", ABSENT)
    receipts = [await drive.put_part(state, number + 1, number * HALF, BODY, None) for number in range(2)]
    with pytest.raises(Mismatch):
        await drive.finish(state, receipts, {}, ABSENT)
    server.say(server.answer(404))
    with pytest.raises(SessionGone):
        await drive.finish(state, receipts, {}, ABSENT)
    await drive.close()


async def test_a_server_that_breaks_off(server: Scripted) -> None:
    """What it answered is told, or that it did; what it may have kept is removed."""
    drive = open_drive({"url": server.url}, "base", FreePacer())
    server.read_bodies = False
    server.say(listed(server), [*server.answer(507), "close"], server.answer(204))
    size = 64 * 1024 * 1024
    state = await drive.begin("a", size, Carried(), "attempt", ABSENT)
    with pytest.raises(HaulageError):
        for number in range(size // HALF):
            await drive.put_part(state, number + 1, number * HALF, BODY, None)
    assert await drive.parts(state) is None
    await drive.close()
