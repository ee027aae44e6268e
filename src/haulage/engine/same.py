"""Is it the same content? Asked of what lies at the destination, by hash where both sides have one, else by reading."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from haulage.engine.meter import COMPUTED, STRONG, Meter, check_promise
from haulage.engine.sides import at_source, at_target
from haulage.model.errors import ShortRead
from haulage.model.item import Item, Written
from haulage.services.contract import Drive


async def read_digests(
    drive: Drive, item: Item, algorithms: set[str], on_chunk: Callable[[int], Awaitable[None]] | None = None
) -> dict[str, str]:
    """Read a whole file and return its hashes. Raises ShortRead, Mismatch, Changed, Gone, Transient.

    on_chunk: awaited with the length of every chunk that came.
    """
    async with drive.open(item) as content:
        meter = Meter(algorithms | (set(content.item.hashes) & set(COMPUTED)))
        async for chunk in content.chunks():
            await meter.update_aside(memoryview(chunk))
            if on_chunk is not None:
                await on_chunk(len(chunk))
    check_promise(content.item, meter.count, meter.digests())
    if item.size is not None and meter.count != item.size:
        raise ShortRead(f"{meter.count} bytes came of {item.size}")
    return meter.digests()


async def same_content(source: Drive, item: Item, target: Drive, there: Item) -> dict[str, Any] | None:
    """The evidence that both hold the same bytes, or None. Nothing is written."""
    if item.size != there.size:
        return None
    evidence: dict[str, Any] = {"size": item.size, "revision": there.revision}
    if item.size == 0:
        return {**evidence, "proof": "empty"}
    for name in STRONG:
        if name in item.hashes and name in there.hashes:
            equal = item.hashes[name] == there.hashes[name]
            return {**evidence, "proof": name, name: there.hashes[name]} if equal else None
    ours = await at_source(read_digests(source, item, {"sha256", *there.hashes}))
    for name in STRONG:
        if name in ours and name in there.hashes:
            equal = ours[name] == there.hashes[name]
            return {**evidence, "proof": name, **ours} if equal else None
    theirs = await at_target(read_digests(target, there, {"sha256"}))
    return {**evidence, "proof": "read back", **ours} if ours["sha256"] == theirs["sha256"] else None


async def probe(target: Drive, path: str, size: int, digests: Mapping[str, str]) -> Written | None:
    """After a write whose answer was lost: what the destination holds, if it is what we sent; else None.

    digests: hex of what was sent, "sha256" at least.
    """
    there = await at_target(target.item(path))
    if there is None or there.size != size:
        return None
    hashes = {name: value for name, value in there.hashes.items() if name in digests}
    if not any(name in STRONG for name in hashes):
        hashes = await at_target(read_digests(target, there, {"sha256"}))
    if any(digests[name] != value for name, value in hashes.items() if name in digests):
        return None
    return Written(path, there.revision, there.size, hashes, there.modified_us, there.id)
