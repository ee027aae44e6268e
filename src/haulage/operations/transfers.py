"""What a person can do with a transfer: copy it, and see what a run of it did."""

import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import msgspec

from haulage.engine.context import Options
from haulage.engine.copying import run_copy
from haulage.engine.counts import Watch
from haulage.engine.sides import at_source, at_target
from haulage.ledger import connectors as connector_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.codec import dump, load
from haulage.ledger.installation import installation_id
from haulage.ledger.runs import RunRow, TransferKey
from haulage.ledger.store import Ledger, now_us
from haulage.model import naming
from haulage.model.errors import AuthLost, HaulageError, Refused
from haulage.model.filters import Filters
from haulage.model.location import overlap
from haulage.model.outcome import RunKind, Status, status_words
from haulage.operations import budgets, departures
from haulage.operations.home import transfer_lock
from haulage.operations.locations import (
    Given,
    connector_of,
    hearing_others,
    is_prefix,
    lost_at,
    open_drive,
    refuse_read_only,
)
from haulage.operations.runlog import run_log
from haulage.services.contract import Drive, FindsLeftovers, TellsLineage


class Ended(msgspec.Struct, frozen=True):
    """How a run ended. stopped: what ended it before its time."""

    run: RunRow
    status: Status
    stopped: HaulageError | None = None


def summary(ended: Ended) -> dict[str, Any]:
    """A run's end as a document: run, status, counts, times."""
    run = ended.run
    return {
        "run": run.id,
        "status": int(ended.status),
        "status_text": status_words(ended.status, run.kind),
        "message": run.message,
        "source": run.source,
        "destination": run.destination,
        "started_us": run.started_us,
        "ended_us": run.ended_us,
        "counts": run.counts,
    }


@asynccontextmanager
async def both_sides(
    ledger: Ledger, source: Given, destination: Given, watch: Watch
) -> AsyncIterator[tuple[Drive, Drive]]:
    """Both drives opened; neither holds the other. What happens then is logged. Raises Refused."""
    await departures.deauthorise_idle(ledger)
    async with AsyncExitStack() as stack:
        stack.enter_context(run_log(ledger, watch, source, destination))
        stack.enter_context(noticing(ledger, watch, source, destination))
        first = await open_drive(ledger, source, watch)
        stack.push_async_callback(first.close)
        second = await open_drive(ledger, destination, watch)
        stack.push_async_callback(second.close)
        if (why := _overlap(first, second)) is not None:
            raise Refused(f"{why}: {first.identity} and {second.identity}", "Choose two separate places.")
        await stack.enter_async_context(hearing_others(ledger, watch))
        yield first, second


def _overlap(first: Drive, second: Drive) -> str | None:
    """Whether two drives are the same tree or one inside the other, as far as their names tell: a sentence, or None."""
    fold = naming.folding(first.traits.names) or str
    return overlap(fold(first.identity), fold(second.identity))


async def _refuse_lineage(first: Drive, second: Drive) -> None:
    """The same by ids, however the two are reached (T55). Raises Refused."""
    if type(first) is not type(second) or not (isinstance(first, TellsLineage) and isinstance(second, TellsLineage)):
        return
    try:
        above_source, above_target = await at_source(first.lineage()), await at_target(second.lineage())
    except HaulageError as error:  # where a folder above may not be seen, names alone tell
        if not error.item_only:
            raise
        return
    why = None
    if above_source and above_source[0] and above_source[0] in above_target:
        same = above_source[0] == above_target[0]
        why = "the source and the destination are the same" if same else "the destination lies inside the source"
    elif above_target and above_target[0] and above_target[0] in above_source:
        why = "the source lies inside the destination"
    if why is not None:
        raise Refused(f"{why}: {first.identity} and {second.identity}", "Choose two separate places.")


@contextmanager
def noticing(ledger: Ledger, watch: Watch, *sides: Given) -> Iterator[None]:
    """What the body raises for a connector's lost authorisation marks that connector, and its run pauses."""
    if any(connector_of(ledger, one) is not None for one in sides):
        watch.pauses = ((AuthLost, Status.PAUSED_REAUTHORISE),)
    try:
        yield
    except AuthLost as error:
        raise lost_at(ledger, sides, error) from error


def transfer_key(
    ledger: Ledger, first: Drive, second: Drive, options: Options, source: Given, destination: Given
) -> TransferKey:
    """What makes the transfer of two opened sides the same one, and by which connectors they are reached."""
    ends = [connector_of(ledger, one) for one in (source, destination)]
    ids = [None if one is None else one.id for one in ends]
    shown = source.location, destination.location
    return TransferKey(first.identity, second.identity, dump(options.filters), *shown, *ids)


async def copy(
    ledger: Ledger, source: Given, destination: Given, options: Options, watch: Watch, *, create: bool = False
) -> Ended:
    """Copy the source's tree to the destination, or go on where an earlier run stopped.

    create: make the destination's bucket or container if it is missing (a folder is made anyway).
    Raises Refused, AlreadyRunning, AuthLost, RootGone, Unreachable before anything is started.
    """
    refuse_read_only(ledger, destination)
    async with both_sides(ledger, source, destination, watch) as (first, second):
        key = transfer_key(ledger, first, second, options, source, destination)
        transfer = await ledger.run(run_rows.transfer_id, key)
        with transfer_lock(transfer):
            if isinstance(second, FindsLeftovers):
                second.belongs_to(f"{await ledger.run(installation_id)} {transfer}")
            begun = time.monotonic()
            await at_source(first.check(write=False, create=False))
            answered = time.monotonic() - begun
            create = create or second.traits.folders == "real"
            await _refuse_lineage(first, second)
            begun = time.monotonic()
            if not (create and options.plan_only):
                await at_target(second.check(write=True, create=create))
            # Each of them was a new connection and a call: two ways there and back.
            watch.answer_seconds = max(answered, time.monotonic() - begun) / 2
            await budgets.tell(ledger, watch, first, second)
            options = msgspec.structs.replace(options, source_must_hold=is_prefix(source, first))
            owner = f"{socket.gethostname()}:{os.getpid()}"
            kind = RunKind.SCAN if options.plan_only else RunKind.COPY
            run = await ledger.run(run_rows.start, transfer, kind, owner)
            watch.tell("started", run=run.id, transfer=transfer, source=first.identity, destination=second.identity)
            status, stopped = await run_copy(ledger, run, first, second, options, watch)
            if isinstance(stopped, AuthLost):
                stopped = lost_at(ledger, (source, destination), stopped)
            if watch.counts.sent_bytes or (status < Status.SOME_UPLOAD_ERRORS and not options.plan_only):
                await ledger.run(connector_rows.moved, transfer, now_us())
            return await as_ended(ledger, run.id, status, stopped, watch)


def paused_for(ledger: Ledger, connector_id: int) -> list[tuple[Given, Given, Options]]:
    """Copies that wait for that connector to be authorised again, ready to go on."""
    found = []
    for key in ledger.read(run_rows.paused_for, connector_id):
        options = Options(msgspec.convert(load(key.filters), Filters))
        found.append((Given(key.source_shown, "source"), Given(key.destination_shown, "destination"), options))
    return found


async def as_ended(ledger: Ledger, run_id: int, status: Status, stopped: HaulageError | None, watch: Watch) -> Ended:
    """How the run ended. Where its end could not be written down (a full disk), what is known of it all the same."""
    run = await ledger.run(run_rows.get, run_id)
    if run.ended_us is None:
        message = stopped.message if stopped else None
        run = msgspec.structs.replace(run, status=int(status), counts=watch.counts.as_json(), message=message)
    return Ended(run, status, stopped)
