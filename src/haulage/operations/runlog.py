"""What a run leaves in the log: that it began, what went wrong, what it waited for, and how it ended."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from haulage.engine.counts import Watch
from haulage.ledger import runs as run_rows
from haulage.ledger.store import Ledger
from haulage.logs import FromLibraries, Log, RunLog
from haulage.model.errors import HaulageError
from haulage.model.outcome import status_words
from haulage.operations.locations import Given


def log_of(ledger: Ledger) -> Log:
    """The log in the ledger's state folder."""
    return Log(ledger.path.parent / "logs")


@contextmanager
def run_log(ledger: Ledger, watch: Watch, source: Given, destination: Given) -> Iterator[None]:
    """Log what happens in the body, from the first look at both sides on. Unexpected errors are whoever's catches them.

    Warnings of libraries go to the log meanwhile.
    """
    told = RunLog(log_of(ledger))
    watch.listen(told.event)
    handler = FromLibraries(told.log)
    logging.getLogger().addHandler(handler)
    ends = {"source": source.location, "destination": destination.location}
    try:
        yield
    except HaulageError as error:
        what = "refused" if told.run is None else "stopped"
        told.log.warn(what, run=told.run, code=error.code, message=error.message, fix=error.fix, **ends)
        raise
    except asyncio.CancelledError:
        told.log.note("interrupted", run=told.run, **ends)
        raise
    else:
        _end(ledger, told)
    finally:
        logging.getLogger().removeHandler(handler)


def _end(ledger: Ledger, told: RunLog) -> None:
    if told.run is None:
        return
    run = ledger.read(run_rows.get, told.run)
    said = {"status": run.status, "status_text": status_words(run.status, run.kind), "message": run.message}
    told.event("ended", {**said, "counts": run.counts})
