"""Going on with what was paused for a connector: single copies, and passes over migrations."""

from typing import Any

from haulage.cli import migrating
from haulage.cli.copy import display_for, ended_text, run_interruptibly
from haulage.cli.output import complain, exit_for, exit_for_status, json_text, last_words, printable, say_json
from haulage.engine.counts import Watch
from haulage.ledger.passes import PassRow
from haulage.ledger.store import Ledger
from haulage.model.errors import HaulageError
from haulage.operations import authorised_again, transfers
from haulage.operations.authorised_again import Waiting


def resume(ledger: Ledger, connector_id: int, *, as_json: bool) -> int:
    """Run what waits for a connector, one after the other, from where it stood. Returns the worst exit code."""
    worst = 0
    for source, destination, options in transfers.paused_for(ledger, connector_id):
        if not as_json:
            print(f"Going on: {printable(source.location)} to {printable(destination.location)}", flush=True)
        worst = max(worst, run_interruptibly(_one(ledger, source, destination, options, as_json)))
    for waits in authorised_again.waiting(ledger, connector_id):
        _say_waiting(waits, as_json)
        if not waits.row.server and not waits.lost:
            worst = max(worst, run_interruptibly(_pass(ledger, waits.row, as_json)))
    return worst


def _say_waiting(waits: Waiting, as_json: bool) -> None:
    """What comes of a pass that waited."""
    row = waits.row
    if as_json:
        facts = {"pass": row.id, "migration": row.migration_id, "name": waits.migration, "kind": row.kind.value}
        say_json({"event": "waiting", **facts, "users": waits.users, "server": row.server, "lost": waits.lost})
        return
    named = f"pass {row.id} of {printable(waits.migration)} ({row.kind.value}, {waits.users:,} users)"
    if waits.lost:
        also = " and ".join(printable(one) for one in waits.lost)
        print(f"{named[0].upper()}{named[1:]} waits until {also} is authorised again too.", flush=True)
    elif row.server:
        print(f"The server goes on with {named}; if none is up, as soon as one is.", flush=True)
    else:
        print(f"Going on with {named}.", flush=True)


async def _pass(ledger: Ledger, row: PassRow, as_json: bool) -> int:
    try:
        return await migrating.go_on(ledger, row, as_json)
    except HaulageError as error:  # somebody was first, or it waits on; the others are tried
        complain(error, as_json=as_json)
        return int(exit_for(error))


async def _one(ledger: Ledger, source: Any, destination: Any, options: Any, as_json: bool) -> int:
    display = display_for(as_json)
    watch = Watch(display.event)
    try:
        async with display.around(watch):
            ended = await transfers.copy(ledger, source, destination, options, watch)
    except HaulageError as error:  # this one waits on; the others are tried
        complain(error, as_json=as_json)
        return int(exit_for(error))
    if ended.stopped is not None:
        complain(ended.stopped, as_json=as_json)
    told = {"event": "ended", **transfers.summary(ended)}
    last_words(json_text(told) if as_json else ended_text(ended, plan_only=False))
    return int(exit_for(ended.stopped) if ended.stopped is not None else exit_for_status(ended.status))
