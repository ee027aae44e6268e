"""Writing whole files: refused or whole, and never half; conditions hold; nothing foreign is overwritten."""

import asyncio
from contextlib import suppress

import pytest

from haulage.model.errors import Changed, Conflict, HaulageError, Mismatch
from haulage.model.item import Carried, Written
from haulage.services.contract import ABSENT, Drive, Precondition

from .conftest import Limit, Opens, Sees, declared
from .kit import MIB, NOTHING, Place, body_of, digests, everything, files, listed, next_revision, proves, put, read_path

STAMP_US = 1_700_000_123_456_789


@pytest.mark.parametrize("size", [0, 1, 1000, MIB, 4 * MIB + 3])
async def test_a_written_file_is_confirmed(drive: Drive, reader: Drive, size: int) -> None:
    """The answer itself proves the bytes: a hash that the service computed or checked."""
    body = body_of(size)
    written = await put(drive, "a.bin", body)
    assert written.path == "a.bin"
    assert proves(drive, written, body)
    assert await read_path(reader, "a.bin") == body


async def test_the_largest_single_put(drive: Drive, reader: Drive) -> None:
    """Exactly the declared limit goes up in one piece (tried up to 64 MiB)."""
    body = body_of(min(drive.traits.single_put_limit, 64 * MIB))
    written = await put(drive, "a.bin", body)
    assert proves(drive, written, body)
    item = await reader.item("a.bin")
    assert item is not None
    assert item.size == len(body)


async def test_a_memoryview_is_a_body(drive: Drive, reader: Drive) -> None:
    """The engine hands over slices of its buffers, and may use them again after the call."""
    buffer = bytearray(body_of(5000))
    piece = memoryview(buffer)[1000:3000]
    expected = bytes(piece)
    await drive.put("a.bin", piece, NOTHING, digests(piece), Precondition())
    buffer[:] = bytes(5000)
    assert await read_path(reader, "a.bin") == expected


async def test_a_witness_sees_the_same_bytes(drive: Drive, sees: Sees) -> None:
    """What we wrote is what another client reads there."""
    body = body_of(70_000)
    await put(drive, "b/a.bin", body)
    assert await sees.fetch("b/a.bin") == body


async def test_folders_above_need_not_be_there(drive: Drive, reader: Drive) -> None:
    """A file may be written before its folder was asked for."""
    await put(drive, "x/y/z/a.bin", b"a")
    assert files(await everything(reader)) == {"x/y/z/a.bin"}


async def test_a_wrong_hash_is_refused(drive: Drive, reader: Drive, limit: Limit) -> None:
    """F16: the service (or the drive) is made to check what arrives; nothing of it is stored."""
    limit("checks hashes")
    wrong = digests(b"something else")
    with pytest.raises(Mismatch):
        await drive.put("a.bin", b"the body", NOTHING, wrong, Precondition())
    assert await reader.item("a.bin") is None
    assert await everything(reader) == {}


async def test_a_wrong_hash_leaves_the_old_file(drive: Drive, reader: Drive, limit: Limit) -> None:
    """T08: a failed write over an existing file changes nothing."""
    limit("checks hashes")
    await put(drive, "a.bin", b"old")
    before = await listed(reader)
    with pytest.raises(Mismatch):
        await drive.put("a.bin", b"new", NOTHING, digests(b"something else"), Precondition())
    assert await read_path(reader, "a.bin") == b"old"
    assert (await listed(reader))["a.bin"].revision == before["a.bin"].revision


async def test_an_overwrite_leaves_one_item(drive: Drive, reader: Drive) -> None:
    """T53: one name, one item, the new bytes."""
    for body in (b"first", b"second, longer", b""):
        await put(drive, "b/a.bin", body)
    assert set(await listed(reader, "b")) == {"b/a.bin"}
    assert await read_path(reader, "b/a.bin") == b""


async def test_absent_creates_where_nothing_is(drive: Drive, reader: Drive) -> None:
    """The condition of every first copy."""
    written = await put(drive, "a.bin", b"new", condition=ABSENT)
    assert proves(drive, written, b"new")
    assert await read_path(reader, "a.bin") == b"new"


@pytest.mark.parametrize("body", [b"new", b"old"], ids=["other bytes", "the same bytes"])
async def test_absent_conflicts_and_leaves_the_old(drive: Drive, reader: Drive, body: bytes) -> None:
    """T52, T08, F33: what somebody else wrote there is never overwritten."""
    await put(drive, "a.bin", b"old")
    before = (await listed(reader))["a.bin"].revision
    with pytest.raises(Conflict):
        await put(drive, "a.bin", body, condition=ABSENT)
    assert await read_path(reader, "a.bin") == b"old"
    assert (await listed(reader))["a.bin"].revision == before


async def test_absent_conflicts_with_an_empty_file(drive: Drive, reader: Drive) -> None:
    """T20: a file of 0 bytes is something."""
    await put(drive, "a.bin", b"")
    with pytest.raises(Conflict):
        await put(drive, "a.bin", b"new", condition=ABSENT)
    assert await read_path(reader, "a.bin") == b""


async def test_the_expected_revision_is_replaced(drive: Drive, reader: Drive) -> None:
    """An update of what the ledger knows; the next one needs the new revision."""
    first = await put(drive, "a.bin", b"one")
    await next_revision(drive)
    second = await put(drive, "a.bin", b"two", condition=Precondition(revision=first.revision))
    assert second.revision != first.revision
    await put(drive, "a.bin", b"three", condition=Precondition(revision=second.revision))
    assert await read_path(reader, "a.bin") == b"three"


async def test_a_listed_revision_serves_as_condition(drive: Drive, reader: Drive) -> None:
    """What a listing said is as good as what the write said."""
    await put(drive, "a.bin", b"one")
    revision = (await listed(reader))["a.bin"].revision
    await put(drive, "a.bin", b"two", condition=Precondition(revision=revision))
    assert await read_path(reader, "a.bin") == b"two"


async def test_an_outdated_revision_conflicts(drive: Drive, reader: Drive) -> None:
    """F33: changed by somebody else in the meantime; nothing is overwritten."""
    first = await put(drive, "a.bin", b"one")
    await next_revision(drive)
    await put(drive, "a.bin", b"two")
    with pytest.raises(Conflict):
        await put(drive, "a.bin", b"three", condition=Precondition(revision=first.revision))
    assert await read_path(reader, "a.bin") == b"two"


async def test_a_revision_of_what_was_removed_conflicts(drive: Drive, reader: Drive, sees: Sees) -> None:
    """Removed by somebody else: not quietly written again."""
    first = await put(drive, "a.bin", b"one")
    await sees.remove("a.bin")
    with pytest.raises(Conflict):
        await put(drive, "a.bin", b"two", condition=Precondition(revision=first.revision))
    assert await reader.item("a.bin") is None


async def test_eight_writers_one_winner(place: Place, make_drive: Opens, reader: Drive, limit: Limit) -> None:
    """T52: of racing writers with ABSENT exactly one is told that it wrote, and its bytes are there."""
    limit("keeps conditions of racing writes")
    drives = [make_drive(place) for _ in range(8)]
    bodies = [body_of(50_000, seed=number) for number in range(8)]
    results = await asyncio.gather(
        *(put(drive, "a.bin", body, condition=ABSENT) for drive, body in zip(drives, bodies, strict=True)),
        return_exceptions=True,
    )
    winners = [number for number, result in enumerate(results) if isinstance(result, Written)]
    assert len(winners) == 1
    assert [r for r in results if not isinstance(r, (Conflict, Written))] == []
    assert await read_path(reader, "a.bin") == bodies[winners[0]]


async def test_the_old_version_is_there_until_the_new_is_whole(
    drive: Drive, make_drive: Opens, place: Place, limit: Limit
) -> None:
    """T08, I3: at every instant a reader finds the old or the new file, whole; never nothing, never a part."""
    limit("replaces a file in one step")
    old, new = body_of(6 * MIB, seed=1), body_of(6 * MIB + 1, seed=2)
    await put(drive, "a.bin", old)
    watcher = make_drive(place)
    writing = asyncio.create_task(put(drive, "a.bin", new))
    sizes = []
    while not writing.done():
        item = await watcher.item("a.bin")
        assert item is not None
        sizes.append(item.size)
    await writing
    assert set(sizes) <= {len(old), len(new)}
    assert sizes == sorted(sizes, key=lambda size: size or 0)
    assert await read_path(watcher, "a.bin") == new


async def read_as_it_settles(drive: Drive) -> bytes:
    """Read "a.bin"; a write that was given up may still land at the service between the look and the read."""
    for _ in range(5):
        with suppress(Changed):
            return await read_path(drive, "a.bin")
    raise AssertionError("five versions in a row, and only one write was given up")


async def test_a_given_up_write_leaves_the_old(drive: Drive, make_drive: Opens, place: Place, sees: Sees) -> None:
    """T08, F49: a write that is cancelled at any moment leaves the old or the new file, whole, and no debris."""
    old, new = body_of(MIB, seed=1), body_of(4 * MIB, seed=2)
    await put(drive, "a.bin", old)
    for delay in (0, 0.001, 0.004, 0.016):
        writing = asyncio.create_task(put(make_drive(place), "a.bin", new))
        await asyncio.sleep(delay)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        assert await read_as_it_settles(make_drive(place)) in (old, new)
    assert set(await listed(make_drive(place))) == {"a.bin"}
    assert await sees.leftovers({"a.bin"}) == []


async def test_cleanup_of_a_failed_attempt_spares_the_retry(drive: Drive, reader: Drive, limit: Limit) -> None:
    """T07: attempt 1 fails while attempt 2 succeeds; the file of attempt 2 stays with the right bytes."""
    limit("checks hashes")
    bad = drive.put("a.bin", body_of(MIB, seed=1), NOTHING, digests(b"wrong"), Precondition())
    good = put(drive, "a.bin", body_of(MIB, seed=2))
    results = await asyncio.gather(bad, good, return_exceptions=True)
    assert isinstance(results[0], HaulageError)
    assert isinstance(results[1], Written)
    assert await read_path(reader, "a.bin") == body_of(MIB, seed=2)


async def test_the_modification_time_is_kept(drive: Drive, reader: Drive) -> None:
    """As exactly as the declared step says, for an opened file and for a look-up."""
    step = drive.traits.times
    declared(step, "times of ours")
    assert step is not None
    await put(drive, "a.bin", b"a", Carried(modified_us=STAMP_US))
    item = (await listed(reader))["a.bin"]
    async with reader.open(item) as content:
        kept = content.carried.modified_us
    assert kept is not None
    assert abs(kept - STAMP_US) < step


ODD_STAMPS = {"1970": 0, "1 µs": 1, "1969": -86_400_000_000, "2100": 4_102_444_800_000_000}


@pytest.mark.parametrize("stamp_us", ODD_STAMPS.values(), ids=ODD_STAMPS)
async def test_odd_modification_times_are_kept(drive: Drive, reader: Drive, stamp_us: int, limit: Limit) -> None:
    """Old archives hold times before 1970, broken clocks write 2100."""
    if stamp_us < 1_000_000:
        limit("keeps times up to the first second of 1970")
    step = drive.traits.times
    declared(step, "times of ours")
    assert step is not None
    span = drive.traits.time_span
    declared(span is None or span[0] <= stamp_us <= span[1], "such time")
    await put(drive, "a.bin", b"a", Carried(modified_us=stamp_us))
    item = (await listed(reader))["a.bin"]
    async with reader.open(item) as content:
        kept = content.carried.modified_us
    assert kept is not None
    assert abs(kept - stamp_us) < step


@pytest.mark.parametrize("seconds", [1_700_000_000_000, -100_000_000_000], ids=["ms for s", "before year 1"])
async def test_times_that_cannot_be_written(drive: Drive, reader: Drive, seconds: int) -> None:
    """A file whose year no calendar has comes all the same, and ends no run."""
    await put(drive, "a.bin", b"a", Carried(modified_us=seconds * 1_000_000))
    assert await read_path(reader, "a.bin") == b"a"


HEADERS = Carried(
    modified_us=STAMP_US,
    content_type="text/plain; charset=utf-8",
    content_encoding="br",
    content_language="de-CH",
    content_disposition='attachment; filename="a b.txt"',
    cache_control="max-age=60, private",
)


async def test_headers_are_kept(drive: Drive, reader: Drive) -> None:
    """Content type, encoding, language, disposition and cache control, where the drive says that it keeps them."""
    declared(drive.traits.metadata, "metadata")
    await put(drive, "a.txt", b"a", HEADERS)
    async with reader.open((await listed(reader))["a.txt"]) as content:
        kept = content.carried
    assert kept.content_type == HEADERS.content_type
    assert kept.content_encoding == HEADERS.content_encoding
    assert kept.content_language == HEADERS.content_language
    assert kept.content_disposition == HEADERS.content_disposition
    assert kept.cache_control == HEADERS.cache_control


METADATA = {
    "plain": {"owner": "finance", "project": "a-1"},
    "capitals": {"Owner": "Finance"},
    "spaces within": {"note": "two  words"},
    "non-ASCII": {"author": "Zoë Müller", "city": "東京", "mood": "🙂"},
    "looks encoded": {"a": "=?UTF-8?B?YQ==?=", "b": "%41", "c": "a%20b", "d": "+"},
    "empty value": {"empty": ""},
}


@pytest.mark.parametrize("pairs", METADATA.values(), ids=METADATA)
async def test_the_users_pairs_are_kept(drive: Drive, reader: Drive, pairs: dict[str, str], limit: Limit) -> None:
    """Metadata round trip; names compare without regard to case, values exactly (no mojibake, no =?UTF-8?...)."""
    declared(drive.traits.metadata, "metadata")
    if "" in pairs.values():
        limit("keeps empty metadata values")
    await put(drive, "a.bin", b"a", Carried(modified_us=STAMP_US, metadata=pairs))
    async with reader.open((await listed(reader))["a.bin"]) as content:
        kept = {name.lower(): value for name, value in content.carried.metadata.items()}
    assert kept == {name.lower(): value for name, value in pairs.items()}


async def test_an_overwrite_replaces_what_goes_along(drive: Drive, reader: Drive) -> None:
    """The old file's metadata does not stick to the new one."""
    declared(drive.traits.metadata, "metadata")
    await put(drive, "a.bin", b"a", Carried(content_type="text/plain", metadata={"old": "1"}))
    await put(drive, "a.bin", b"b", Carried(content_type="text/html", metadata={"new": "2"}))
    async with reader.open((await listed(reader))["a.bin"]) as content:
        assert content.carried.content_type == "text/html"
        assert set(content.carried.metadata) == {"new"}


async def test_many_writes_at_once(drive: Drive, reader: Drive) -> None:
    """One handle serves many files at a time, into folders that do not exist yet."""
    bodies = {f"d{number % 5}/e{number % 3}/{number}.bin": body_of(1000 + number, seed=number) for number in range(60)}
    results = await asyncio.gather(*(put(drive, path, body, condition=ABSENT) for path, body in bodies.items()))
    assert all(proves(drive, result, bodies[result.path]) for result in results)
    found = await everything(reader)
    assert {path: found[path].size for path in files(found)} == {path: len(body) for path, body in bodies.items()}
