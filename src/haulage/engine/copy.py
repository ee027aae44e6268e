"""Copy: one item's bytes, from the source's stream to the destination's proof."""

import asyncio
from typing import Any

from haulage.engine.context import ATTEMPTS, Context
from haulage.engine.job import Job
from haulage.engine.large import copy_large
from haulage.engine.leaving import destination_changed
from haulage.engine.meter import COMPUTED, INLINE_BYTES, check_promise, digest, prove
from haulage.engine.offering import other_name
from haulage.engine.rewritten import still_the_document
from haulage.engine.same import probe, same_content
from haulage.engine.sides import at_source, at_target
from haulage.engine.spool import spooled
from haulage.engine.within import copy_within
from haulage.ledger import items as item_rows
from haulage.ledger import work
from haulage.ledger.items import Known
from haulage.ledger.work import Fitted, Settled
from haulage.model import naming
from haulage.model.errors import (
    Changed,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    OutcomeUnknown,
    ShortRead,
    Transient,
)
from haulage.model.item import Carried, Item, Written
from haulage.model.outcome import OFFERED, Outcome, OutcomeKind, Side
from haulage.services.contract import ABSENT, CopiesDocuments, Precondition

NAMES_TRIED = 20
VACANT_TRIED = 3
CHUNK_BYTES = 1024 * 1024
IN_THE_WAY = "Rename what is in the way at the destination, then run the same command again. Nothing was overwritten."

Sent = tuple[Written, dict[str, str]]
"""What the destination confirmed, and our own hashes of what was sent (none of the whole after a resumed upload)."""


async def copy_item(context: Context, known: Known) -> Settled:
    """Copy one file and return its outcome. Raises only what concerns the whole run (authorisation, disk, lease)."""
    job, failure = Job(known), HaulageError("not tried")
    for _ in range(ATTEMPTS):
        try:
            if _moved(failure) and failure.side == Side.SOURCE:
                now = await at_source(context.source.item(known.path))
                if now is None:
                    return _ended(job, OutcomeKind.GONE_AT_SOURCE, Gone("removed at the source while the run went on"))
                job.renew(now)
            return await (_attempt_unsized(context, job) if job.unsized else _attempt(context, job))
        except HaulageError as error:
            if not error.item_only:
                raise
            failure = error
            if not (error.retryable or _moved(error)):
                break
    if _moved(failure) and failure.side == Side.SOURCE:
        if isinstance(failure, Changed):
            return _ended(job, OutcomeKind.CHANGED_AT_SOURCE, failure)
        # It was there each time when it was looked for, so it is not gone: the source does not hand it out.
        failure = Denied(f"it is listed, and cannot be read: {failure.message}")
        failure.side = Side.SOURCE
    if _moved(failure):
        told = "what is there kept changing at the destination while it was compared"
        failure = Conflict(told if isinstance(failure, Changed) else f"{told}: {failure.message}")
        failure.side = Side.DESTINATION
    return _ended(job, OutcomeKind.FAILED, failure, other_name(context, job.known, failure, job.target))


def _moved(error: HaulageError) -> bool:
    """Whether a file was replaced or removed under our hands, at either end: look again."""
    return isinstance(error, Changed | Gone)


async def _attempt_unsized(context: Context, job: Job) -> Settled:
    """One attempt with a document: the service itself copies it where it can, else it comes as a file."""
    if isinstance(context.target, CopiesDocuments) and (settled := await _copy_document(context, job)) is not None:
        return settled
    async with spooled(context, job) as (here, told):
        if (ending := _ending(told.path)) != _ending(job.target):  # not the form that was meant: it could not be had
            job.condition, job.occupied = ABSENT, False
            job.wanted = job.target.removesuffix(_ending(job.target)) + ending
            await _rename(here, job, 1)
        return await _attempt(here, job)


def _ending(path: str) -> str:
    stem, dot, ending = path.rpartition("/")[2].rpartition(".")
    return dot + ending if stem else ""


async def _copy_document(context: Context, job: Job) -> Settled | None:
    """Let the service copy it, under the next free name where something is there. None where it cannot."""
    assert isinstance(context.target, CopiesDocuments)  # noqa: S101 - whoever calls has looked; tells the type checker
    for number in range(2, 2 + NAMES_TRIED):
        try:
            copying = context.target.copy_document(context.source, job.unread(), job.target, job.condition)
            written = await at_target(copying)
        except Conflict:
            if job.only_compared:
                return Settled(destination_changed(job.known))
            job.condition, job.renamed = ABSENT, True
            await _rename(context, job, number)
            continue
        if written is None:
            return None
        job.made, evidence = "copied by the service itself, as the document that it is", {"id": written.id}
        return _settled(job, OutcomeKind.VERIFIED_WEAK, written.revision, {**evidence, "proof": "copied there"})
    raise Conflict(f"{NAMES_TRIED} names are taken at the destination")


async def _attempt(context: Context, job: Job) -> Settled:
    """One attempt: compare with what is there, send, prove. A taken name is compared, then left alone."""
    number, vacant = 1, 0
    for _ in range(NAMES_TRIED):
        if job.occupied:
            number, before = number + 1, job.target
            if (adopted := await _compare(context, job, number)) is not None:
                return adopted
            vacant = vacant + 1 if job.target == before else 0
            if vacant == VACANT_TRIED:
                raise Conflict(f"at {job.target!r}, or above it, stands something that is no file", IN_THE_WAY)
        try:
            written, digests = await copy_within(context, job) or await _send(context, job)
        except Conflict:
            job.condition, job.occupied = ABSENT, True
            continue
        return await _prove(context, job, written, digests)
    raise Conflict(f"{NAMES_TRIED} names are taken at the destination")


async def _compare(context: Context, job: Job, number: int) -> Settled | None:
    """Adopt what is at the target if it is the same content; else move on to the next free name."""
    there = await at_target(context.target.item(job.target))
    job.occupied = False
    if there is None:
        return None
    held = 2 * min(job.size, CHUNK_BYTES)
    await context.memory.take(held)
    try:
        evidence = await same_content(context.source, job.item(), context.target, there)
    finally:
        context.memory.give(held)
    if evidence is not None:
        return _settled(job, OutcomeKind.VERIFIED, there.revision, evidence, adopted=True)
    if (evidence := await still_the_document(context, job, there)) is not None:
        return _settled(job, OutcomeKind.TRANSFORMED, there.revision, evidence, adopted=True)
    if job.only_compared:
        return Settled(destination_changed(job.known))
    await _rename(context, job, number)
    job.renamed = True
    return None


async def _rename(context: Context, job: Job, number: int) -> None:
    """Give it the first name, from the wanted one with (number) on, that no other item of the transfer has."""
    rules, transfer = context.target.traits.names, context.run.transfer_id
    while True:
        job.target = naming.with_suffix(job.wanted, number, rules) if number > 1 else job.wanted
        key = naming.fold(job.target, rules)
        if await context.ledger.run(item_rows.holders, transfer, job.target, key) <= {job.known.id}:
            break
        number += 1
    fitted = Fitted(job.known.id, job.target, naming.fold(job.target, rules))
    await context.ledger.run(work.set_targets, [fitted])


async def _send(context: Context, job: Job) -> Sent:
    large = job.size > context.target.traits.single_put_limit
    return await (copy_large(context, job) if large else _send_small(context, job))


async def _send_small(context: Context, job: Job) -> Sent:
    """Read the whole file into memory, then write it in one request."""
    await context.memory.take(job.size)
    try:
        body, carried, digests = await at_source(_read_small(context, job))
        await context.bandwidth.spend(len(body))
        try:
            written = await at_target(context.target.put(job.target, body, carried, digests, job.condition))
        except OutcomeUnknown as error:
            written = await after_unknown(context, job, digests, error)
        context.counts.sent_bytes += len(body)
        return written, digests
    finally:
        context.memory.give(job.size)


async def _read_small(context: Context, job: Job) -> tuple[bytes | memoryview, Carried, dict[str, str]]:
    pieces: list[bytes | memoryview] = []
    total = 0
    async with context.source.open(job.item()) as content:
        promised: Item = content.item
        async for chunk in content.chunks():
            total += len(chunk)
            if total > job.size:
                raise ShortRead(f"the source gives more than the {job.size} bytes that it listed")
            pieces.append(chunk)
    if total != job.size:
        raise ShortRead(f"the source gave {total} of the {job.size} bytes that it listed")
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    algorithms = {"sha256", *context.target.traits.put_hashes, *promised.hashes}.intersection(COMPUTED)
    if total <= INLINE_BYTES:
        digests = {name: digest(name, body) for name in algorithms}
    else:
        digests = await asyncio.to_thread(lambda: {name: digest(name, body) for name in algorithms})
    check_promise(promised, total, digests)
    return body, content.carried, digests


async def after_unknown(context: Context, job: Job, digests: dict[str, str], error: HaulageError) -> Written:
    """A write's answer was lost: ask what is there. Returns it if it is ours; raises Transient or Conflict if not."""
    written = await probe(context.target, job.target, job.size, digests)
    if written is not None:
        return written
    there = await at_target(context.target.item(job.target))
    untouched = (
        there is None if job.condition.absent else there is not None and there.revision == job.condition.revision
    )
    if untouched:
        raise Transient(f"the write took no effect ({error.message})") from error
    raise Conflict("the answer to a write was lost, and something else is there now") from error


async def _prove(context: Context, job: Job, written: Written, digests: dict[str, str]) -> Settled:
    try:
        kind, evidence = prove(written, job.size, digests)
    except Mismatch as error:
        there = await at_target(context.target.item(job.target)) if context.target.traits.rewrites else None
        if there is not None and (proof := await still_the_document(context, job, there)) is not None:
            return _settled(job, OutcomeKind.TRANSFORMED, there.revision, {"sha256": digests.get("sha256"), **proof})
        error.side = Side.DESTINATION
        if written.revision is not None:
            job.left = written.revision
            job.condition = Precondition(revision=written.revision)  # the next attempt replaces just this one
        raise
    return _settled(job, kind, written.revision, evidence)


def _settled(
    job: Job, kind: OutcomeKind, target_revision: str | None, evidence: dict[str, Any], adopted: bool = False
) -> Settled:
    code = message = None
    if job.renamed:
        code = "kept_both"
        message = f"another file was at the destination under this name; this one is {job.target!r}"
    elif job.made is not None:
        code = "converted"
        message = job.made
    if job.unsized and kind == OutcomeKind.VERIFIED:
        kind = OutcomeKind.TRANSFORMED
    outcome = Outcome(
        job.known.id,
        job.known.path,
        kind,
        job.size,
        code,
        message,
        target=job.target if job.target != job.known.path else None,
        evidence={**evidence, **({"copied_by": "service"} if job.within else {}), "began_us": job.began_us},
        adopted=adopted,
    )
    return Settled(outcome, job.revision, target_revision or "", job.finished_attempt)


def _ended(job: Job, kind: OutcomeKind, error: HaulageError, other: str | None = None) -> Settled:
    side = Side(error.side) if error.side else None
    known = job.known
    evidence = {"began_us": job.began_us} | ({} if other is None else {OFFERED: other})
    told = error.code, error.message, error.fix, side
    return Settled(Outcome(known.id, known.path, kind, job.size, *told, evidence=evidence), left=job.left)
