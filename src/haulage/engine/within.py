"""Copies that the service makes by itself, where one authorisation covers both ends: no byte of the file comes here.

They are proven by the service's hashes before they get their name. Whatever stands in the way of that, the file is
copied as any other.
"""

import asyncio
import secrets

import msgspec

from haulage.engine.context import Context
from haulage.engine.job import Job
from haulage.engine.meter import STRONG, WEAK, prove
from haulage.engine.sides import at_source, at_target
from haulage.ledger import work
from haulage.ledger.work import Upload
from haulage.model.errors import Changed, Conflict, Denied, Gone, HaulageError, Mismatch, OutcomeUnknown, SessionGone
from haulage.model.item import Carried, Item, Written
from haulage.model.outcome import Side
from haulage.services.contract import ABSENT, CopiesWithin

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0
LONGEST_SECONDS = 3600.0
LOOKS = 5
"""How often it is looked for a copy of which nobody heard whether it was begun."""


async def copy_within(context: Context, job: Job) -> tuple[Written, dict[str, str]] | None:
    """Let the service copy a new file. Returns what `copy_large` does, with the source's own hashes; None: send it.

    Raises Changed and Gone (of the source), Conflict, and what concerns the whole run.
    """
    target = context.within
    if target is None or job.condition != ABSENT or not job.size:
        return None
    item = await at_source(context.source.item(job.known.path))
    if item is None or item.revision != job.revision:
        error = Gone("removed") if item is None else Changed("another revision is there than the one that was listed")
        error.side = Side.SOURCE
        raise error
    if not any(name in item.hashes for name in (*STRONG, *WEAK)):
        return None
    found = await context.ledger.run(work.upload_of, job.known.id)
    if found is not None and "copy" not in found.state:
        return None  # bytes of it were sent already
    upload = await _begun(context, target, job, item, found)
    if upload is None:
        return None
    try:
        made = await _copied(target, upload)
        proof = prove(made, job.size, dict(item.hashes))[1]["proof"]
        if proof not in made.hashes:
            raise Mismatch("the service tells no hash of the copy")
        written = await at_target(target.place(upload.state, made, Carried(item.modified_us, item.created_us)))
    except HaulageError as error:
        if not error.item_only:
            raise
        await _drop(context, upload)
        if isinstance(error, Conflict):
            raise
        return None
    job.finished_attempt, job.within = upload.attempt, True
    return written, dict(item.hashes)


async def _begun(context: Context, target: CopiesWithin, job: Job, item: Item, found: Upload | None) -> Upload | None:
    """The copy that was begun already, or a new one, in the ledger before and after it is asked for; None: refused."""
    facts = (job.target, job.revision, job.size)
    if found is not None and (found.target, found.revision, found.size) == facts:
        return found
    if found is not None:
        await _drop(context, found)
    attempt = secrets.token_hex(8)
    upload = Upload(job.known.id, attempt, *facts, job.size, {"path": job.target, "attempt": attempt, "copy": True})
    await context.ledger.run(work.save_upload, context.run.id, upload)
    try:
        state = await at_target(target.begin_copy(context.source, item, job.target, attempt))
    except OutcomeUnknown:
        return upload
    except HaulageError as error:
        if not error.item_only:
            raise
        if isinstance(error, Denied):
            context.within = None  # nor will it let us copy the others
        await context.ledger.run(work.drop_upload, upload.item_id, upload.attempt)
        return None
    upload = msgspec.structs.replace(upload, state=state)
    await context.ledger.run(work.save_upload, context.run.id, upload)
    return upload


def _unheard(upload: Upload) -> bool:
    """Whether nobody heard if it was begun."""
    return upload.state.keys() <= {"path", "attempt", "copy", "looks"}


async def _copied(target: CopiesWithin, upload: Upload) -> Written:
    """Wait for the copy. Raises what kept it from being made."""
    wait, waited, looks = FIRST_WAIT_SECONDS, 0.0, 0
    while waited < LONGEST_SECONDS:
        try:
            if (made := await at_target(target.copied(upload.state))) is not None:
                return made
        except SessionGone:
            looks += 1
            if not _unheard(upload) or looks >= LOOKS:
                raise
        await asyncio.sleep(wait)
        waited, wait = waited + wait, min(LONGEST_WAIT_SECONDS, 2 * wait)
    raise SessionGone("the service did not end the copy in time")


async def _drop(context: Context, upload: Upload) -> None:
    """Remove what there is of the copy. What may yet come of it, or cannot be removed now, is when the run ends."""
    try:
        await at_target(context.target.abort(upload.state))
    except HaulageError as error:
        if not error.item_only:
            raise
        return
    if not _unheard(upload):
        await context.ledger.run(work.drop_upload, upload.item_id, upload.attempt)
