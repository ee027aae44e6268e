"""Uploads in parts: nothing is visible before the end, every part is accounted for, cleanup hits only its own."""

import asyncio
import json

import pytest

from haulage.model.errors import Conflict, HaulageError, Mismatch, SessionGone
from haulage.model.item import Carried, Written
from haulage.services.contract import ABSENT, Drive, Precondition

from .conftest import Limit, Opens, Sees, declared
from .kit import Place, Upload, all_held, begin, body_of, digests, everything, files, listed, proves, put, read_path

PATH = "b/big.bin"


async def test_the_whole_cycle(drive: Drive, reader: Drive, body: bytes, part_bytes: int, sees: Sees) -> None:
    """Begin, three parts, finish: confirmed, listed once, read back; nothing else remains."""
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all()
    written = await upload.finish()
    assert written.path == PATH
    assert proves(drive, written, body)
    item = await reader.item(PATH)
    assert item is not None
    assert item.size == len(body)
    assert item.revision == written.revision
    assert await read_path(reader, PATH) == body
    assert await sees.fetch(PATH) == body
    assert files(await everything(reader)) == {PATH}
    assert await sees.leftovers({PATH}) == []


async def test_parts_as_the_traits_cut_them(drive: Drive, reader: Drive) -> None:
    """A file just over `single_put_limit`, cut as the drive declares (where that is at most 64 MiB)."""
    size = drive.traits.single_put_limit + 1
    if size > 64 * 1024 * 1024:
        size = 9_000_000
    body = body_of(size)
    upload = await begin(drive, PATH, body, drive.traits.part_bytes(size))
    await upload.send_all()
    assert proves(drive, await upload.finish(), body)
    assert await read_path(reader, PATH) == body


async def test_parts_in_any_order(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """F27, T17: sent last to first, the file is in the right order."""
    declared(not drive.traits.parts_in_order, "parts but one after the other")
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all(reversed(upload.numbers))
    await upload.finish()
    assert await read_path(reader, PATH) == body


async def test_parts_all_at_once(drive: Drive, reader: Drive, part_bytes: int) -> None:
    """T09: parallel parts neither mix nor double."""
    declared(not drive.traits.parts_in_order, "parts but one after the other")
    body = body_of(3 * part_bytes + 1)
    upload = await begin(drive, PATH, body, part_bytes)
    await asyncio.gather(*(upload.send(number) for number in upload.numbers))
    assert proves(drive, await upload.finish(), body)
    assert await read_path(reader, PATH) == body


async def test_many_parts(drive: Drive, reader: Drive, place: Place, limit: Limit) -> None:
    """More than ten parts: numbers are not compared as text (10 before 9)."""
    limit("tells what an upload holds")
    if place.least_part_bytes > 1024 * 1024:
        pytest.skip("parts are large here; numbers over 9 are tried where they may be small")
    body = body_of(12 * place.least_part_bytes + 5)
    upload = await begin(drive, PATH, body, place.least_part_bytes)
    await upload.send_all()
    assert await all_held(upload)
    await upload.finish()
    assert await read_path(reader, PATH) == body


async def test_a_part_sent_again_replaces_the_first(
    drive: Drive, reader: Drive, body: bytes, part_bytes: int, limit: Limit
) -> None:
    """F25: the answer to a part was lost, or its bytes were wrong: it is sent again under its number."""
    declared(not drive.traits.parts_in_order, "parts but one after the other")
    limit("takes other bytes for a part")
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send(2, body_of(part_bytes, seed=99))
    await upload.send_all()
    await upload.send(2)
    await upload.finish()
    assert await read_path(reader, PATH) == body


async def test_a_wrong_part_is_refused(drive: Drive, body: bytes, part_bytes: int, limit: Limit) -> None:
    """F16, F26: a part whose hash does not fit is not taken, and not counted among those that are held."""
    algorithm = drive.traits.part_hash
    declared(algorithm, "hash for parts")
    assert algorithm is not None
    limit("checks hashes")
    upload = await begin(drive, PATH, body, part_bytes)
    wrong = digests(b"something else")[algorithm]
    with pytest.raises(Mismatch):
        await drive.put_part(upload.state, 1, 0, memoryview(body)[:part_bytes], wrong)
    assert 1 not in (await drive.parts(upload.state) or {})


async def test_nothing_is_visible_before_the_end(
    drive: Drive, reader: Drive, body: bytes, part_bytes: int, limit: Limit
) -> None:
    """I3: neither by listing nor by look-up, at no step."""
    limit("lists a folder while a file is written into it")
    upload = await begin(drive, PATH, body, part_bytes)
    for number in upload.numbers:
        await upload.send(number)
        assert await reader.item(PATH) is None
        assert files(await everything(reader)) == set()
    await upload.finish()
    assert files(await everything(reader)) == {PATH}


async def test_the_old_file_stays_until_the_end(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """T08: an upload in parts over an existing file changes it in one step."""
    await put(drive, PATH, b"old")
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all()
    assert await read_path(reader, PATH) == b"old"
    await upload.finish()
    assert await read_path(reader, PATH) == body
    assert set(await listed(reader, "b")) == {PATH}


async def test_the_state_is_plain_json(drive: Drive, body: bytes, part_bytes: int) -> None:
    """The ledger keeps it as text, receipts too; and no secret is in it."""
    state = await drive.begin(PATH, len(body), Carried(), "attempt-1", Precondition())
    assert json.loads(json.dumps(state)) == state
    receipt = await drive.put_part(state, 1, 0, memoryview(body)[:part_bytes], _part_digest(drive, body[:part_bytes]))
    assert json.loads(json.dumps(receipt)) == receipt
    await drive.abort(state)


def _part_digest(drive: Drive, piece: bytes) -> str | None:
    algorithm = drive.traits.part_hash
    return digests(piece)[algorithm] if algorithm else None


async def test_the_state_holds_no_secret(drive: Drive, place: Place, body: bytes, part_bytes: int) -> None:
    """I13: the ledger is not a vault."""
    upload = await begin(drive, PATH, body, part_bytes)
    assert not [secret for secret in place.secrets if secret in upload.state_text]
    await drive.abort(upload.state)


async def test_going_on_in_another_process(
    place: Place, make_drive: Opens, reader: Drive, body: bytes, part_bytes: int, limit: Limit
) -> None:
    """G12: after a restart the parts that are held are asked for, and only the others are sent."""
    limit("tells checksums of parts")
    limit("tells what an upload holds")
    drive = make_drive(place)
    declared(drive.traits.resumes, "upload that another process can go on with")
    upload = await begin(make_drive(place), PATH, body, part_bytes)
    await upload.send_all([1, 2])
    again = Upload(drive, upload.state_text, body, part_bytes)
    held = await drive.parts(again.state)
    assert held is not None
    assert {number: receipt["size"] for number, receipt in held.items()} == {1: part_bytes, 2: part_bytes}
    again.receipts = {number: json.dumps(receipt) for number, receipt in held.items()}
    await again.send(3)
    assert proves(drive, await again.finish(), body)
    assert await read_path(reader, PATH) == body


async def test_parts_of_an_untouched_upload(drive: Drive, body: bytes, part_bytes: int) -> None:
    """Just begun: no parts (or, where sessions are only names, nothing known of it); never an error."""
    upload = await begin(drive, PATH, body, part_bytes)
    assert not await drive.parts(upload.state)
    await drive.abort(upload.state)


async def test_a_missing_part_is_noticed(drive: Drive, reader: Drive, body: bytes, part_bytes: int, sees: Sees) -> None:
    """T01, T03: two of three parts are no file, whatever the receipts say; nothing appears, nothing remains."""
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all([1, 2])
    with pytest.raises(HaulageError):
        await upload.finish()
    assert await reader.item(PATH) is None
    await drive.abort(upload.state)
    assert files(await everything(reader)) == set()
    assert await sees.leftovers(set()) == []


async def test_a_gap_in_the_middle_is_noticed(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """T01: first and last part alone are no file either."""
    upload = await begin(drive, PATH, body, part_bytes)
    if drive.traits.parts_in_order:
        await upload.send(1)
        with pytest.raises(HaulageError):
            await upload.send(3)
    else:
        await upload.send_all([1, 3])
        with pytest.raises(HaulageError):
            await upload.finish()
    assert await reader.item(PATH) is None


async def test_a_short_upload_does_not_touch_the_old_file(
    drive: Drive, reader: Drive, body: bytes, part_bytes: int
) -> None:
    """T01, T02, T08: the source ended early; the old version stands, byte for byte."""
    await put(drive, PATH, b"old")
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all([1])
    with pytest.raises(HaulageError):
        await upload.finish()
    await drive.abort(upload.state)
    assert await read_path(reader, PATH) == b"old"


async def test_a_short_last_part_is_noticed(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """T01: all parts by number, but fewer bytes than were announced; told at the part already, or at the end."""
    upload = await begin(drive, PATH, body, part_bytes)
    await upload.send_all([1, 2])
    with pytest.raises(HaulageError):
        await upload.send(3, body[2 * part_bytes : 2 * part_bytes + 10])
        await upload.finish()
    assert await reader.item(PATH) is None


async def test_finishing_where_nothing_is(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """T52: the condition of every first copy, for a large file."""
    upload = await begin(drive, PATH, body, part_bytes, condition=ABSENT)
    await upload.send_all()
    assert proves(drive, await upload.finish(ABSENT), body)
    assert await read_path(reader, PATH) == body


async def test_finishing_with_absent_conflicts(
    drive: Drive, reader: Drive, body: bytes, part_bytes: int, sees: Sees
) -> None:
    """T52, F33: somebody else was faster; theirs stays, and ours can be cleaned up."""
    upload = await begin(drive, PATH, body, part_bytes, condition=ABSENT)
    await upload.send_all()
    await put(drive, PATH, b"somebody else's")
    with pytest.raises(Conflict):
        await upload.finish(ABSENT)
    assert await read_path(reader, PATH) == b"somebody else's"
    await drive.abort(upload.state)
    assert await read_path(reader, PATH) == b"somebody else's"
    assert await sees.leftovers({PATH}) == []


async def test_finishing_over_the_expected_revision(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """An update of a large file that the ledger knows."""
    condition = Precondition(revision=(await put(drive, PATH, b"old")).revision)
    upload = await begin(drive, PATH, body, part_bytes, condition=condition)
    await upload.send_all()
    await upload.finish(condition)
    assert await read_path(reader, PATH) == body


async def test_finishing_over_an_outdated_revision_conflicts(
    drive: Drive, reader: Drive, body: bytes, part_bytes: int, limit: Limit
) -> None:
    """F33: it was changed while we were uploading."""
    limit("keeps conditions at the end of an upload")
    condition = Precondition(revision=(await put(drive, PATH, b"old")).revision)
    upload = await begin(drive, PATH, body, part_bytes, condition=condition)
    await upload.send_all()
    await put(drive, PATH, b"newer")
    with pytest.raises(Conflict):
        await upload.finish(condition)
    assert await read_path(reader, PATH) == b"newer"


async def test_racing_uploads_have_one_winner(
    place: Place, make_drive: Opens, reader: Drive, body: bytes, part_bytes: int, limit: Limit
) -> None:
    """T52: four uploads finish at once with ABSENT; one is told that it wrote, and its bytes are there."""
    limit("keeps conditions at the end of racing uploads")
    bodies = [body_of(len(body), seed=number) for number in range(4)]
    uploads = [await begin(make_drive(place), PATH, one, part_bytes, f"attempt-{n}") for n, one in enumerate(bodies)]
    for upload in uploads:
        await upload.send_all()
    results = await asyncio.gather(*(upload.finish(ABSENT) for upload in uploads), return_exceptions=True)
    winners = [number for number, result in enumerate(results) if isinstance(result, Written)]
    assert len(winners) == 1, results
    assert all(isinstance(result, Conflict | SessionGone) for result in results if not isinstance(result, Written))
    assert await read_path(reader, PATH) == bodies[winners[0]]


async def test_what_goes_along_is_kept_in_parts_too(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """Time, type and the user's pairs do not depend on the size of the file."""
    carried = Carried(modified_us=1_700_000_123_456_789, content_type="video/mp4", metadata={"author": "Zoë"})
    upload = await begin(drive, PATH, body, part_bytes, carried=carried)
    await upload.send_all()
    await upload.finish()
    async with reader.open((await listed(reader, "b"))[PATH]) as content:
        kept = content.carried
    if drive.traits.times is not None:
        assert kept.modified_us is not None
        assert carried.modified_us is not None
        assert abs(kept.modified_us - carried.modified_us) < drive.traits.times
    if drive.traits.metadata:
        assert kept.content_type == "video/mp4"
        assert dict(kept.metadata) == {"author": "Zoë"}


async def test_two_files_at_once(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """Uploads of different files in one folder do not meet."""
    bodies = {"a.bin": body, "b.bin": body_of(len(body), seed=7)}
    uploads = {path: await begin(drive, path, one, part_bytes, f"attempt-{path}") for path, one in bodies.items()}
    for number in (1, 2, 3):
        await asyncio.gather(*(upload.send(number) for upload in uploads.values()))
    await asyncio.gather(*(upload.finish() for upload in uploads.values()))
    assert {path: await read_path(reader, path) for path in bodies} == bodies
