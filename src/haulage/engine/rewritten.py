"""Files that a destination rewrites after an upload, as SharePoint does with Office files: is it still the document?

Some services write properties of their own into documents. Size and hash then never match what was sent. Such a file is
`transformed` where all that makes the document is proven to be there unchanged; anything else stays a mismatch (T15).
"""

import asyncio
import io
import re
import zipfile
from collections import Counter
from typing import Any

from haulage.engine.context import Context
from haulage.engine.job import Job
from haulage.engine.sides import at_source, at_target
from haulage.model.item import Item
from haulage.services.contract import Drive

LARGEST_BYTES = 64 * 1024 * 1024
ADDED = re.compile(r"docProps/.*|customXml/.*|\[Content_Types\]\.xml|(?:.*/)?_rels/.*|\[trash\]/.*")
"""Parts of an Office package in which properties stand: they may be added, altered or left out."""
PACKAGES = (".docx", ".xlsx", ".pptx")
SECTOR_BYTES = 512
KEPT_SHARE = 0.9


async def still_the_document(context: Context, job: Job, there: Item) -> dict[str, Any] | None:
    """The evidence that what lies at the destination is the document that was sent; None where it is not proven.

    Only for names that the destination says it may rewrite, for packages that the source makes anew whenever it is
    asked for them, and for files of at most 64 MiB.
    """
    rewritten = job.target.lower().endswith(context.target.traits.rewrites)
    if not rewritten and not (job.unsized and job.target.lower().endswith(PACKAGES)):
        return None
    sizes = job.size, there.size or 0
    if max(sizes) > LARGEST_BYTES:
        return None
    await context.memory.take(sum(sizes))
    try:
        sent = await at_source(_whole(context.source, job.item()))
        held = await at_target(_whole(context.target, there))
        proof = await asyncio.to_thread(compared, sent, held)
    finally:
        context.memory.give(sum(sizes))
    if proof is None:
        return None
    return {"size": sizes[0], "proof": proof, "revision": there.revision, "held": {"size": sizes[1], **there.hashes}}


async def _whole(drive: Drive, item: Item) -> bytes:
    async with drive.open(item) as content:
        return b"".join([bytes(chunk) async for chunk in content.chunks()])


def compared(sent: bytes, held: bytes) -> str | None:
    """What proves that `held` is the document `sent` with properties added; None if nothing does."""
    if sent.startswith(b"PK") and held.startswith(b"PK"):
        return _packages(sent, held)
    if sent.startswith(b"\xd0\xcf\x11\xe0"):
        return _sectors(sent, held)
    return _texts(sent, held)


def _packages(sent: bytes, held: bytes) -> str | None:
    """Every part of the document is there byte for byte, and no other."""
    try:
        parts = [_parts(body) for body in (sent, held)]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError):
        return None
    if not parts[0] or parts[0] != parts[1]:
        return None
    return f"all {len(parts[0])} parts of the document are equal"


def _parts(body: bytes) -> dict[str, tuple[int, int]]:
    with zipfile.ZipFile(io.BytesIO(body)) as package:
        if package.testzip() is not None:  # reads every part and checks it against its own CRC
            raise ValueError("a part is damaged")
        return {
            one.filename: (one.file_size, one.CRC) for one in package.infolist() if not ADDED.fullmatch(one.filename)
        }


def _sectors(sent: bytes, held: bytes) -> str | None:
    """Nearly all sectors of an old Office file are there: properties take up few."""
    ours, theirs = (_counted(body) for body in (sent, held))
    kept = sum((ours & theirs).values())
    if kept < KEPT_SHARE * ours.total() or len(held) < len(sent) * KEPT_SHARE:
        return None
    return f"{kept} of {ours.total()} sectors are equal"


def _counted(body: bytes) -> Counter[bytes]:
    return Counter(body[at : at + SECTOR_BYTES] for at in range(0, len(body), SECTOR_BYTES))


def _texts(sent: bytes, held: bytes) -> str | None:
    """Every piece of a web page is there in its order; something was put between."""
    pieces = [piece for piece in re.split(rb"(?=<)|[\r\n]+", sent) if piece.strip()]
    at = 0
    for piece in pieces:
        found = held.find(piece, at)
        if found < 0:
            return None
        at = found + len(piece)
    return f"all {len(pieces)} pieces of the text are there in order" if pieces else None
