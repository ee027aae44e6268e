"""Verify: compare the two sides of a transfer as they are now."""

import os
import socket

import msgspec

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.engine.sides import at_source, at_target
from haulage.engine.verify import run_verify
from haulage.ledger import runs as run_rows
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost
from haulage.model.outcome import RunKind
from haulage.operations.home import transfer_lock
from haulage.operations.locations import Given, is_prefix, lost_at
from haulage.operations.transfers import Ended, as_ended, both_sides, transfer_key


async def verify(
    ledger: Ledger, source: Given, destination: Given, options: Options, watch: Watch, *, deep: bool
) -> Ended:
    """Compare every item of the source with the destination. Neither side is written to, nothing is created.

    It belongs to the transfer of the same two sides and filters, and knows what was proven when that was copied.
    Raises Refused, AlreadyRunning, AuthLost, RootGone, Unreachable before anything is started.
    """
    async with both_sides(ledger, source, destination, watch) as (first, second):
        key = transfer_key(ledger, first, second, options, source, destination)
        transfer = await ledger.run(run_rows.transfer_id, key)
        with transfer_lock(transfer):
            await at_source(first.check(write=False, create=False))
            await at_target(second.check(write=False, create=False))
            options = msgspec.structs.replace(options, source_must_hold=is_prefix(source, first))
            owner = f"{socket.gethostname()}:{os.getpid()}"
            run = await ledger.run(run_rows.start, transfer, RunKind.VERIFY, owner)
            watch.tell("started", run=run.id, transfer=transfer, source=first.identity, destination=second.identity)
            status, stopped = await run_verify(ledger, run, first, second, options, watch, deep=deep)
            if isinstance(stopped, AuthLost):
                stopped = lost_at(ledger, (source, destination), stopped)
            return await as_ended(ledger, run.id, status, stopped, watch)
