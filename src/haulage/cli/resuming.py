"""Going on with what was paused for a connector."""

from typing import Any

from haulage.cli.copy import display_for, ended_text, run_interruptibly
from haulage.cli.output import complain, exit_for, exit_for_status, printable, say_json
from haulage.engine.counts import Watch
from haulage.ledger.store import Ledger
from haulage.model.errors import HaulageError
from haulage.operations import transfers


def resume(ledger: Ledger, connector_id: int, *, as_json: bool) -> int:
    """Run what waits for a connector, one after the other, from where it stood. Returns the worst exit code."""
    worst = 0
    for source, destination, options in transfers.paused_for(ledger, connector_id):
        if not as_json:
            print(f"Going on: {printable(source.location)} to {printable(destination.location)}", flush=True)
        worst = max(worst, run_interruptibly(_one(ledger, source, destination, options, as_json)))
    return worst


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
    if as_json:
        say_json({"event": "ended", **transfers.summary(ended)})
    else:
        print(ended_text(ended, plan_only=False), end="", flush=True)
    return int(exit_for(ended.stopped) if ended.stopped is not None else exit_for_status(ended.status))
