"""What was done: the runs, the log of one, and its report. Everything here only reads the ledger."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.runs import RunRow, TransferKey
from haulage.ledger.store import Ledger, now_us
from haulage.ledger.work import OutcomeRow
from haulage.model.errors import Refused
from haulage.model.naming import NameRules
from haulage.model.outcome import Status
from haulage.operations.home import transfer_held
from haulage.reports import files, summary
from haulage.reports.page import Cause, causes
from haulage.services.registry import by_scheme

PAGE = 2000
LONGEST_LIST = 10_000
LARGEST_NUMBER = 2**63 - 1
"""What the ledger can count to."""

Which = int | Literal["last"]
"""A run's number, or the newest."""


def runs(ledger: Ledger, limit: int) -> list[RunRow]:
    """The newest runs, newest first, as they are now: one whose process died shows as crashed. Raises Refused."""
    if not 1 <= limit <= LONGEST_LIST:
        raise Refused(f"{limit} runs cannot be listed", f"Choose between 1 and {LONGEST_LIST:,}.")
    return [as_it_is(ledger, run) for run in ledger.read(run_rows.newest, limit)]


def find(ledger: Ledger, which: Which) -> RunRow:
    """A run as it is now. Raises Refused if there is none."""
    if which != "last":
        if abs(which) > LARGEST_NUMBER:
            raise Refused(f"there is no run {which}", "See `haulage runs` for the runs that there are.")
        return as_it_is(ledger, ledger.read(run_rows.get, which))
    newest = ledger.read(run_rows.newest, 1)
    if not newest:
        raise Refused("there is no run yet", "Start one: haulage copy SOURCE DESTINATION.")
    return as_it_is(ledger, newest[0])


def as_it_is(ledger: Ledger, run: RunRow) -> RunRow:
    """A run without an end whose process is gone was killed, though nobody has written that down yet."""
    if run.ended_us is not None or transfer_held(run.transfer_id):
        return run
    run = ledger.read(run_rows.get, run.id)  # it may have ended, and let go, just now
    if run.ended_us is not None:
        return run
    return msgspec.structs.replace(run, status=int(Status.CRASHED), ended_us=run.beat_us)


def outcomes(ledger: Ledger, run_id: int, kinds: Sequence[str] = ()) -> Iterator[OutcomeRow]:
    """The outcomes of a run, in the order in which the items were first listed; a page at a time.

    Whoever takes them may be slow: between the pages the ledger is free.
    """
    after = -1
    while True:
        page = ledger.read(_page, run_id, after, kinds)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].item_id


def _page(connection: Any, run_id: int, after: int, kinds: Sequence[str]) -> list[OutcomeRow]:
    return list(work.outcome_rows(connection, run_id, after, PAGE, kinds))


class Report(msgspec.Struct, frozen=True):
    """A written report: where its files lie, and what it says in short."""

    html: str
    csv: str
    jsonl: str
    facts: dict[str, Any]


def report(ledger: Ledger, which: Which, folder: Path | None = None) -> Report:
    """Write the report of a run to a folder (reports/run-N in the state folder). All its numbers are of one moment.

    Raises Refused (no such run, the folder cannot be written), DiskFull.
    """
    found = find(ledger, which)
    folder = folder or ledger.path.parent / "reports" / f"run-{found.id}"
    with ledger.reading() as connection:
        run = run_rows.get(connection, found.id)
        if run.ended_us is None:
            run = msgspec.structs.replace(run, status=found.status, ended_us=found.ended_us)
        key = run_rows.transfer_key(connection, run.transfer_id)
        added = summary.add_up(run, work.totals(connection, run.id))
        facts = summary.facts(run, key, added)
        rows = work.outcome_rows(connection, run.id)
        written = files.write(folder.absolute(), facts, added, rows, _rules(key), now_us())
    return Report(str(written.html), str(written.csv), str(written.jsonl), {**facts, **_found(written)})


def _found(written: files.Written) -> dict[str, Any]:
    """What the pass over the outcomes found, as a document."""
    gathered = written.gathered
    places = {
        "problems": gathered.problems,
        "left_out": gathered.left_out,
        "gone": gathered.gone,
        "beyond": gathered.beyond,
    }
    return {
        **{name: [_cause(cause) for cause in causes(groups)] for name, groups in places.items()},
        "proofs": [
            {"outcome": outcome, "proof": proof, "items": items}
            for (outcome, proof), items in sorted(gathered.proofs.items())
        ],
        "renamed": gathered.renamed.items,
        "kept_both": gathered.kept_both.items,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    group = cause.group
    known = {"outcome": group.outcome, "code": group.code, "side": group.side}
    return {**known, "heading": cause.entry.heading, "fix": cause.fix, "items": group.items, "bytes": group.size}


def _rules(key: TransferKey) -> NameRules | None:
    """The naming rules of the destination, by its identity's scheme."""
    found = by_scheme(key.destination.partition("://")[0])
    return found.traits.names if found is not None and found.traits is not None else None
