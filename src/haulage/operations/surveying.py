"""Scan: list one location and judge what is there."""

import os
import socket
from contextlib import AsyncExitStack

from haulage.engine.counts import Watch
from haulage.engine.surveying import run_survey
from haulage.ledger import runs as run_rows
from haulage.ledger.codec import dump
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.model.filters import Filters
from haulage.model.outcome import RunKind
from haulage.operations.home import transfer_lock
from haulage.operations.locations import Given, connector_of, is_prefix, open_drive
from haulage.operations.runlog import run_log
from haulage.operations.transfers import Ended, as_ended, noticing
from haulage.services.registry import services

NOWHERE = Given("", "destination")


async def scan(ledger: Ledger, location: Given, filters: Filters, watch: Watch, *, keep: bool = False) -> Ended:
    """List a location and tell what it holds, what cannot be copied, and how it would fit into each service.

    It is a run of a transfer to nowhere; `counts["survey"]` of the run holds what was found. Nothing is read or
    written there. keep: see engine.surveying.
    Raises Refused, AlreadyRunning, AuthLost, RootGone, Unreachable before anything is started.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(run_log(ledger, watch, location, NOWHERE))
        stack.enter_context(noticing(ledger, watch, location))
        drive = await open_drive(ledger, location, watch)
        stack.push_async_callback(drive.close)
        reached = connector_of(ledger, location)
        seen_by = None if reached is None else reached.id
        key = TransferKey(drive.identity, "", dump(filters), location.location, "", seen_by)
        transfer = await ledger.run(run_rows.transfer_id, key)
        stack.enter_context(transfer_lock(transfer))
        await drive.check(write=False, create=False)
        run = await ledger.run(run_rows.start, transfer, RunKind.SCAN, f"{socket.gethostname()}:{os.getpid()}")
        watch.tell("started", run=run.id, transfer=transfer, source=drive.identity, destination="")
        destinations = {one.id: one.traits for one in services().values() if one.traits is not None}
        must_hold = is_prefix(location, drive)
        status, stopped = await run_survey(
            ledger, run, drive, filters, destinations, watch, must_hold=must_hold, keep=keep
        )
        return await as_ended(ledger, run.id, status, stopped, watch)
