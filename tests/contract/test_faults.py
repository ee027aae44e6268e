"""What a service makes of a server or a network that misbehaves (section 3 of the fault catalogue)."""

import asyncio

import pytest

from haulage.model.errors import (
    AuthLost,
    Changed,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    Transient,
    Unreachable,
)
from haulage.services.contract import Drive
from testbed.rules import Answer, End, cut, extend, flip

from .conftest import Limit, Opens, needs_server
from .kit import MIB, Place, body_of, listed, put, read, read_path
from .voices import Faults

pytestmark = needs_server

SIZE = 300_000


async def test_through_the_proxy_all_is_as_without(faults: Faults, reader: Drive) -> None:
    """The proxy itself harms nothing: else all that follows would prove nothing."""
    body = body_of(2 * MIB)
    await put(faults.drive, "b/a b+ö.bin", body)
    assert await read_path(faults.drive, "b/a b+ö.bin") == body
    assert await listed(faults.drive, "b") == await listed(reader, "b")


BROKEN = {
    "reset in the middle": {"answer_ends": End("reset", after=100_000)},
    "closed in the middle": {"answer_ends": End("close", after=100_000)},
    "reset before the first byte": {"answer_ends": End("reset", after=0)},
    "chunked without an end": {"body": cut(100_000), "framing": "chunked_cut"},
    "chunked with an early end": {"body": cut(100_000), "framing": "chunked"},
    "without a length, closed early": {"body": cut(100_000), "framing": "close"},
    "a length that is true of the short body": {"body": cut(100_000), "framing": "fits"},
    "empty": {"body": cut(0), "framing": "fits"},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_short_body_is_never_taken_for_the_file(faults: Faults, sees_body: bytes, broken: dict) -> None:
    """T11, F10, F11, F12: told, as something that may work the next time; what came before is right."""
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", times=None, **broken)
    pieces: list[bytes] = []
    with pytest.raises((Transient, Mismatch)):
        async with faults.drive.open(item) as content:
            async for chunk in content.chunks():
                pieces.append(bytes(chunk))
    assert sees_body.startswith(b"".join(pieces))
    assert len(b"".join(pieces)) < len(sees_body)


async def test_a_broken_read_goes_on_where_it_broke(faults: Faults, sees_body: bytes) -> None:
    """F10: the second read starts at the byte where the first one ended; together they are the file."""
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", answer_ends=End("reset", after=100_000))
    pieces: list[bytes] = []
    with pytest.raises(Transient):
        async with faults.drive.open(item) as content:
            async for chunk in content.chunks():
                pieces.append(bytes(chunk))
    got = b"".join(pieces)
    assert got + await read(faults.drive, item, len(got)) == sees_body


@pytest.mark.parametrize("framing", ["fits", "chunked", "close"])
@pytest.mark.parametrize("start", [0, 1000])
async def test_a_body_that_is_too_long(faults: Faults, sees_body: bytes, start: int, framing: str) -> None:
    """F13: more bytes than promised are no file either, and the surplus is not handed out."""
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", times=None, body=extend(b"more"), framing=framing)
    handed = 0
    with pytest.raises((Transient, Mismatch)):
        async with faults.drive.open(item, start) as content:
            async for chunk in content.chunks():
                handed += len(chunk)
    assert handed <= SIZE - start


async def test_a_server_that_ignores_ranges(faults: Faults, sees_body: bytes) -> None:
    """T10, F17: the whole file came with 200 instead of a part of it: right bytes or an error, never the wrong ones."""
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", times=None, status=200, headers={"Content-Range": None}, body=lambda _: sees_body, framing="fits")
    try:
        got = await read(faults.drive, item, 1000)
    except (Transient, Mismatch):
        return
    assert got == sees_body[1000:]


RANGES = {
    "another start": f"bytes 0-{SIZE - 1001}/{SIZE}",
    "another end": f"bytes 1000-{SIZE - 2}/{SIZE}",
    "another size": f"bytes 1000-{SIZE - 1}/{SIZE + 5}",
    "not said": None,
    "nonsense": "bytes x-y/z",
}


@pytest.mark.parametrize("content_range", RANGES.values(), ids=RANGES)
async def test_a_wrong_range_is_noticed(faults: Faults, sees_body: bytes, content_range: str | None) -> None:
    """F17: bytes of an unknown place are not used: an error, or the right bytes in another way (from the beginning)."""
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", times=None, headers={"Content-Range": content_range})
    try:
        got = await read(faults.drive, item, 1000)
    except (Transient, Mismatch, Changed):
        return
    assert got == sees_body[1000:]
    assert len(faults.seen("read")) > 1


async def test_a_server_that_ignores_the_pin(faults: Faults, sees_body: bytes, limit: Limit) -> None:
    """T22: If-Match was not heard; the answer says another revision, so its bytes are not used."""
    limit("tells which revision it sends")
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", times=None, headers=faults.voice.other_revision)
    with pytest.raises((Changed, Mismatch)):
        await read(faults.drive, item)


async def test_an_error_page_is_no_file(faults: Faults, sees_body: bytes) -> None:
    """T13: 200 with a page of HTML from something in between."""
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", times=None, answer=Answer(200, {"Content-Type": "text/html"}, b"<html>blocked</html>"))
    with pytest.raises(HaulageError):
        await read(faults.drive, item)


async def test_one_unreadable_file_stays_one(faults: Faults, sees_body: bytes) -> None:
    """F37: Denied for this one; the others are read, the listing is whole."""
    await put(faults.drive, "b.bin", b"b")
    faults.on("read", path=r"(/|%2F)a\.bin$", times=None, answer=faults.voice.denied)
    items = await listed(faults.drive)
    with pytest.raises(Denied) as caught:
        await read(faults.drive, items["a.bin"])
    assert caught.value.item_only
    assert await read(faults.drive, items["b.bin"]) == b"b"


async def test_a_denied_look_up_is_not_absence(faults: Faults, sees_body: bytes) -> None:
    """T34, T35: "I may not look" never reads as "it is not there"."""
    faults.on("look", times=None, answer=Answer(403))
    with pytest.raises((Denied, AuthLost)):
        await faults.drive.item("a.bin")


async def test_a_failed_look_up_is_not_absence(faults: Faults, sees_body: bytes, hurried: None) -> None:
    """T34, T35: a server's own trouble neither."""
    faults.on("look", times=None, answer=Answer(500))
    with pytest.raises(Transient):
        await faults.drive.item("a.bin")


async def test_a_denied_listing_is_not_empty(faults: Faults, sees_body: bytes) -> None:
    """T34: told as such."""
    faults.on("list", times=None, answer=faults.voice.denied)
    with pytest.raises((Denied, AuthLost)):
        await listed(faults.drive)


async def test_a_failed_listing_is_not_empty(faults: Faults, sees_body: bytes, hurried: None) -> None:
    """T34: 500 for every attempt is an error, and not a folder without children."""
    faults.on("list", times=None, answer=faults.voice.trouble)
    with pytest.raises(Transient):
        await listed(faults.drive)


NO_LISTINGS = {
    "nothing": Answer(200, {"Content-Type": "application/xml"}),
    "HTML": Answer(200, {"Content-Type": "text/html"}, b"<html><body>Please log in</body></html>"),
    "half of it": Answer(200, {"Content-Type": "application/xml"}, b"<ListBucketResult><Contents>"),
    "another document": Answer(200, {"Content-Type": "application/xml"}, b'<?xml version="1.0"?><Other/>'),
}


@pytest.mark.parametrize("answer", NO_LISTINGS.values(), ids=NO_LISTINGS)
async def test_what_is_no_listing_is_not_empty(faults: Faults, sees_body: bytes, answer: Answer, hurried: None) -> None:
    """T34, F08, F44: an answer that is not the expected document is an error."""
    faults.on("list", times=None, answer=answer)
    with pytest.raises(HaulageError):
        await listed(faults.drive)


async def test_a_listing_cut_in_half(faults: Faults, sees_body: bytes, hurried: None) -> None:
    """F12: half a document with a fitting length is not half a folder."""
    faults.on("list", times=None, body=lambda body: body[: len(body) // 2], framing="fits")
    with pytest.raises(HaulageError):
        await listed(faults.drive)


async def test_a_failed_listing_is_asked_again(faults: Faults, sees_body: bytes, hurried: None) -> None:
    """F06: trouble that passes is no trouble."""
    faults.on("list", times=2, answer=faults.voice.trouble)
    assert set(await listed(faults.drive)) == {"a.bin"}


async def test_a_looping_listing_ends(faults: Faults, in_pages: None) -> None:
    """T31, F29: the second page again and again: noticed within two rounds, and never called complete."""
    for number in range(9):
        await put(faults.drive, f"{number}.bin", b"")
    loop = faults.on("list", skip=2, times=None, repeat=True)
    complete, cursor, rounds = True, None, 0
    try:
        while True:
            page = await faults.drive.page("", cursor)
            complete, cursor, rounds = complete and page.complete, page.cursor, rounds + 1
            if cursor is None or rounds > 6:
                break
    except HaulageError:
        complete = False
    assert loop.hits
    assert rounds <= 6
    assert not complete


async def test_a_page_without_items_is_not_the_end(faults: Faults, in_pages: None) -> None:
    """F29: a page may be empty and still say that there is more; where it tells how many, it is asked for again."""
    for number in range(9):
        await put(faults.drive, f"{number}.bin", b"")
    empty = faults.on("list", body=faults.voice.without_items, framing="fits")
    found = set(await listed(faults.drive))
    assert empty.hits == 1
    faults.clear()
    everything = [item.path for item in (await listed(faults.drive)).values()]  # in the service's own order
    assert found == set(everything if faults.voice.totals else everything[3:])


async def test_being_throttled_is_waited_out(faults: Faults, sees_body: bytes) -> None:
    """F01: asked to slow down, on every kind of call; nothing fails."""
    for call in ("list", "look", "read", "write"):
        faults.on(call, times=2, answer=faults.voice.throttle)
    item = (await listed(faults.drive))["a.bin"]
    assert await faults.drive.item("a.bin") is not None
    assert await read(faults.drive, item) == sees_body
    await put(faults.drive, "b.bin", b"b")
    assert await read_path(faults.drive, "b.bin") == b"b"


async def test_retry_after_is_obeyed(faults: Faults, sees_body: bytes) -> None:
    """F02: not a call before the time that the service named."""
    throttle = faults.voice.throttle
    faults.on("list", answer=Answer(throttle.status, {**throttle.headers, "Retry-After": "1"}, throttle.body))
    await listed(faults.drive)
    first, second = faults.seen("list")[-2:]
    assert second.time - first.time >= 1


async def test_trouble_while_reading_passes(faults: Faults, sees_body: bytes, hurried: None) -> None:
    """F06, F09: an error, then a connection that is reset before it answers; then the file."""
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", answer=faults.voice.trouble)
    faults.on("read", answer_ends=End("reset"))
    assert await read(faults.drive, item) == sees_body


async def test_gone_while_reading(faults: Faults, sees_body: bytes) -> None:
    """T25, F32: removed between the look and the read."""
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", before=lambda seen: faults.witness.remove("a.bin"))
    with pytest.raises(Gone):
        await read(faults.drive, item)


async def test_changed_in_the_instant_of_the_read(faults: Faults, sees_body: bytes, limit: Limit) -> None:
    """T22, F31: overwritten while the question was on its way."""
    limit("tells versions of one second apart")
    item = (await listed(faults.drive))["a.bin"]
    faults.on("read", before=lambda seen: faults.witness.plant("a.bin", body_of(SIZE, seed=9)))
    with pytest.raises(Changed):
        await read(faults.drive, item, 1000)


async def test_a_redirect_is_not_followed_elsewhere(faults: Faults, sees_body: bytes) -> None:
    """F43: credentials go to no other host, whatever the answer says."""
    visits = []

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(visited, "127.0.0.1", 0) as elsewhere:
        port = elsewhere.sockets[0].getsockname()[1]
        for status in (301, 302, 307, 308):
            faults.clear()
            faults.on("list", times=None, answer=Answer(status, {"Location": f"http://127.0.0.1:{port}/x"}))
            with pytest.raises(HaulageError):
                await listed(faults.drive)
    assert visits == []


async def test_a_check_of_what_is_denied(faults: Faults) -> None:
    """F23: good credentials that may not see this root."""
    for call in ("list", "look"):
        faults.on(call, times=None, answer=faults.voice.denied)
    with pytest.raises((Denied, AuthLost)):
        await faults.drive.check(write=False, create=False)


async def test_a_server_that_only_resets(faults: Faults, place: Place, make_drive: Opens, hurried: None) -> None:
    """F09: connections are taken and dropped; the check ends with an error that names the network."""
    faults.proxy.gone = True
    with pytest.raises((Unreachable, Transient)):
        await faults.drive.check(write=False, create=False)


async def test_damage_on_the_way_there_is_noticed(faults: Faults, reader: Drive, limit: Limit, hurried: None) -> None:
    """F16, T05: one bit flips while a file is sent; the damaged bytes are never stored."""
    limit("checks hashes")
    body = body_of(SIZE)
    faults.on("write", request_body=flip(1000))
    try:
        await put(faults.drive, "a.bin", body)
    except (Mismatch, Transient):
        assert await reader.item("a.bin") is None
    else:
        assert await read_path(reader, "a.bin") == body
