"""Two attempts on one name, and giving up: cleanup is bound to the attempt and hits only its own (T07, T09)."""

import pytest

from haulage.model.errors import Conflict, SessionGone
from haulage.services.contract import Drive

from .conftest import Limit, Sees
from .kit import all_held, begin, body_of, everything, files, put, read_path

PATH = "b/big.bin"


async def test_abort_leaves_nothing(drive: Drive, reader: Drive, body: bytes, part_bytes: int, sees: Sees) -> None:
    """T01: session removed, no parts kept or paid for, no file."""
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all([1, 2])
    await drive.abort(upload.state)
    assert await reader.item(PATH) is None
    assert files(await everything(reader)) == set()
    assert await sees.leftovers(set()) == []


async def test_abort_twice_is_fine(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """It being gone already is fine: after a crash nobody knows whether it was done."""
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send(1)
    await drive.abort(upload.state)
    await drive.abort(upload.state)
    assert await reader.item(PATH) is None


async def test_abort_never_touches_what_is_there(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """T08: giving up an overwrite leaves the old version."""
    await put(drive, PATH, b"old")
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all()
    await drive.abort(upload.state)
    assert await read_path(reader, PATH) == b"old"


async def test_abort_after_the_end_leaves_the_file(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """T07: the answer to `finish` was lost and somebody cleans up: what was finished stays."""
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all()
    await upload.finish()
    await drive.abort(upload.state)
    assert await read_path(reader, PATH) == body


async def test_late_cleanup_spares_the_second_attempt(
    drive: Drive, reader: Drive, body: bytes, part_bytes: int
) -> None:
    """T07: attempt 1 is aborted after attempt 2 has finished; the file of attempt 2 stays."""
    first = await begin(drive, PATH, body_of(len(body), seed=7), part_bytes, "attempt-1")
    await first.send(1)
    second = await begin(drive, PATH, body, part_bytes, "attempt-2")
    await second.send_all()
    await second.finish()
    await drive.abort(first.state)
    assert await read_path(reader, PATH) == body


async def test_cleanup_spares_a_running_second_attempt(
    drive: Drive, reader: Drive, body: bytes, part_bytes: int, limit: Limit
) -> None:
    """T07: attempt 1 is aborted while attempt 2 is half way; attempt 2 loses nothing."""
    first = await begin(drive, PATH, body_of(len(body), seed=7), part_bytes, "attempt-1")
    second = await begin(drive, PATH, body, part_bytes, "attempt-2")
    await first.send(1)
    await second.send_all([1, 2])
    await drive.abort(first.state)
    await second.send(3)
    await second.finish()
    assert await read_path(reader, PATH) == body


async def test_two_attempts_do_not_mix(drive: Drive, reader: Drive, body: bytes, part_bytes: int, limit: Limit) -> None:
    """T09, F54: parts of two attempts on one name, sent in turns; each file is made of its own parts only."""
    limit("tells what an upload holds")
    other = body_of(len(body), seed=7)
    first = await begin(drive, PATH, other, part_bytes, "attempt-1")
    second = await begin(drive, PATH, body, part_bytes, "attempt-2")
    for number in first.numbers:
        await first.send(number)
        await second.send(number)
    assert await all_held(second)
    await second.finish()
    assert await read_path(reader, PATH) == body


async def test_the_losing_attempt_never_leaves_a_mixture(
    drive: Drive, reader: Drive, body: bytes, part_bytes: int
) -> None:
    """F54: the slower of two attempts finishes late: it replaces the whole or fails; never half of each."""
    other = body_of(len(body), seed=7)
    first = await begin(drive, PATH, other, part_bytes, "attempt-1")
    second = await begin(drive, PATH, body, part_bytes, "attempt-2")
    await first.send_all()
    await second.send_all()
    await second.finish()
    try:
        await first.finish()
        expected = other
    except (SessionGone, Conflict):
        expected = body
    assert await read_path(reader, PATH) == expected


async def test_a_session_that_is_gone(drive: Drive, reader: Drive, body: bytes, part_bytes: int, limit: Limit) -> None:
    """F24, T48: removed at the destination; told as SessionGone, and nothing is known of its parts."""
    limit("tells what an upload holds")
    limit("forgets an aborted upload")
    limit("tells an aborted upload")
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all()
    await drive.abort(upload.state)
    assert not await drive.parts(upload.state)
    with pytest.raises(SessionGone):
        await upload.finish()
    assert await reader.item(PATH) is None


async def test_a_part_for_a_session_that_is_gone(drive: Drive, body: bytes, part_bytes: int, limit: Limit) -> None:
    """F24: SessionGone, or (where sessions are only names) the part is simply held."""
    limit("tells an aborted upload")
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send(1)
    await drive.abort(upload.state)
    try:
        await upload.send(2)
    except SessionGone:
        return
    held = await drive.parts(upload.state)
    assert held is not None
    assert 2 in held
    await drive.abort(upload.state)
