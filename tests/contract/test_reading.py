"""Reading: every byte, from any place, of the very revision that was listed."""

import asyncio
import gzip
import os
from pathlib import Path

import pytest

from haulage.model.errors import Changed, Denied, Gone, HaulageError
from haulage.services.contract import Drive

from .conftest import Limit, Sees
from .kit import MIB, Place, body_of, listed, next_revision, put, read, read_path

SIZES = [0, 1, 2, 65_535, 65_536, 65_537, MIB - 1, MIB, MIB + 1, 2 * MIB]


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_comes_back(drive: Drive, reader: Drive, size: int) -> None:
    """T20 and the edges of chunks: as written, byte for byte."""
    body = body_of(size)
    await put(drive, "a.bin", body)
    assert await read_path(reader, "a.bin") == body


async def test_twenty_mebibytes(drive: Drive, reader: Drive, sees: Sees) -> None:
    """Many chunks, none over 1 MiB, in order."""
    body = body_of(20 * MIB)
    await sees.plant("big.bin", body)
    item = (await listed(reader))["big.bin"]
    assert item.size == len(body)
    assert await read(reader, item) == body


@pytest.mark.parametrize("start", [1, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB - 1])
async def test_reading_from_the_middle(drive: Drive, reader: Drive, start: int) -> None:
    """F10: a broken read goes on at the byte where it broke."""
    body = body_of(3 * MIB)
    await put(drive, "a.bin", body)
    item = (await listed(reader))["a.bin"]
    assert await read(reader, item, start) == body[start:]


async def test_reading_from_the_end_gives_nothing(drive: Drive, reader: Drive) -> None:
    """All bytes were there when it broke: nothing is left, and that is no error."""
    await put(drive, "a.bin", body_of(1000))
    item = (await listed(reader))["a.bin"]
    assert await read(reader, item, 1000) == b""


async def test_an_empty_file_has_no_chunks(drive: Drive, reader: Drive) -> None:
    """T20: no chunk at all, and its facts are told."""
    await put(drive, "empty.bin", b"")
    item = (await listed(reader))["empty.bin"]
    async with reader.open(item) as content:
        assert content.item.size == 0
        assert [chunk async for chunk in content.chunks()] == []


@pytest.mark.parametrize("start", [0, 700])
async def test_an_opened_file_tells_the_whole_files_facts(drive: Drive, reader: Drive, start: int) -> None:
    """The size is that of the file, also when only its end is read; the revision is the one that was listed."""
    await put(drive, "b/a.bin", body_of(1000))
    item = (await listed(reader, "b"))["b/a.bin"]
    async with reader.open(item, start) as content:
        assert (content.item.path, content.item.size) == ("b/a.bin", 1000)
        assert content.item.revision == item.revision


async def test_leaving_early_is_fine(drive: Drive, reader: Drive) -> None:
    """A read that is given up leaves the drive usable."""
    body = body_of(3 * MIB)
    await put(drive, "a.bin", body)
    item = (await listed(reader))["a.bin"]
    async with reader.open(item) as content:
        async for _ in content.chunks():
            break
    assert await read(reader, item) == body


async def test_changed_since_it_was_listed(drive: Drive, reader: Drive) -> None:
    """T22: the new version's bytes are never taken for the listed one's."""
    await put(drive, "a.bin", body_of(1000, seed=1))
    item = (await listed(reader))["a.bin"]
    await next_revision(drive)
    await put(drive, "a.bin", body_of(1000, seed=2))
    with pytest.raises(Changed):
        await read(reader, item)


async def test_changed_between_two_halves(drive: Drive, reader: Drive) -> None:
    """T23: going on in the middle of a newer version would mix the two."""
    await put(drive, "a.bin", body_of(2 * MIB, seed=1))
    item = (await listed(reader))["a.bin"]
    await next_revision(drive)
    await put(drive, "a.bin", body_of(2 * MIB, seed=2))
    with pytest.raises(Changed):
        await read(reader, item, MIB)


async def test_changed_by_somebody_else(drive: Drive, reader: Drive, sees: Sees, limit: Limit) -> None:
    """T22: another tool's overwrite, of the same size, is seen too."""
    limit("tells versions of one second apart")
    await sees.plant("a.bin", b"one")
    item = (await listed(reader))["a.bin"]
    await asyncio.sleep(0.02)
    await next_revision(drive)
    await sees.plant("a.bin", b"two")
    with pytest.raises(Changed):
        await read(reader, item)


async def test_a_version_is_never_mixed_while_it_is_overwritten(drive: Drive, reader: Drive) -> None:
    """T22: a reader in the middle of a file sees the old version to its end, or is told."""
    old, new = body_of(8 * MIB, seed=1), body_of(8 * MIB, seed=2)
    await put(drive, "a.bin", old)
    item = (await listed(reader))["a.bin"]
    pieces = []
    try:
        async with reader.open(item) as content:
            async for chunk in content.chunks():
                if not pieces:
                    await put(drive, "a.bin", new)
                pieces.append(bytes(chunk))
    except HaulageError as error:
        assert error.retryable or isinstance(error, Changed)
    assert old.startswith(b"".join(pieces))


async def test_gone_since_it_was_listed(drive: Drive, reader: Drive, sees: Sees) -> None:
    """T25: told as such, so that the run can say "gone at the source"."""
    await put(drive, "a.bin", b"a")
    item = (await listed(reader))["a.bin"]
    await sees.remove("a.bin")
    with pytest.raises(Gone):
        await read(reader, item)
    assert await reader.item("a.bin") is None
    assert await listed(reader) == {}


async def test_what_is_stored_compressed_is_moved_as_stored(reader: Drive, sees: Sees) -> None:
    """T12: the stored bytes are read, not what they unpack to; the encoding goes along as a fact."""
    packed = gzip.compress(b"much the same " * 10_000, mtime=0)
    await sees.plant("a.gz", packed, content_encoding="gzip")
    item = (await listed(reader))["a.gz"]
    assert item.size == len(packed)
    assert await read(reader, item) == packed
    assert await read(reader, item, 10) == packed[10:]
    if reader.traits.metadata:
        async with reader.open(item) as content:
            assert content.carried.content_encoding == "gzip"


async def test_an_unreadable_file_of_a_file_system(drive: Drive, reader: Drive, place: Place) -> None:
    """F37: Denied for this one, the others are read. (Servers refuse one file in the fault cases.)"""
    if place.server != "local":
        pytest.skip("a server refuses one file in test_faults.py")
    await put(drive, "open.bin", b"o")
    await put(drive, "closed.bin", b"c")
    closed = Path(place.root, "closed.bin")
    await asyncio.to_thread(closed.chmod, 0)
    if os.access(closed, os.R_OK):
        pytest.skip("the superuser may read every file, whatever its mode")
    items = await listed(reader)
    with pytest.raises(Denied):
        await read(reader, items["closed.bin"])
    assert await read(reader, items["open.bin"]) == b"o"


async def test_several_reads_at_once(drive: Drive, reader: Drive) -> None:
    """Readers of one handle do not disturb each other."""
    bodies = {f"{number}.bin": body_of(MIB + number, seed=number) for number in range(8)}
    for path, body in bodies.items():
        await put(drive, path, body)
    items = await listed(reader)
    results = await asyncio.gather(*(read(reader, items[path]) for path in bodies))
    assert dict(zip(bodies, results, strict=True)) == bodies
