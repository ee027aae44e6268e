"""`haulage migrations scan` and `start`: the transfers of a migration, run several at a time."""

import sys
from typing import Any

from haulage.cli.choices import Json
from haulage.cli.copy import run_interruptibly
from haulage.cli.output import Exit, complain, exit_for, printable, say_json, size_text
from haulage.cli.signing import actor
from haulage.engine.counts import Watch
from haulage.ledger.migration_rows import TransferRow
from haulage.ledger.store import Ledger
from haulage.model.errors import HaulageError, Refused
from haulage.model.filters import parse_size
from haulage.model.outcome import RunKind, status_words
from haulage.operations import bulk, migrations
from haulage.operations.home import open_ledger
from haulage.operations.transfers import Ended


def scan(name: str, /, *, filter: str = "", at_once: int = bulk.AT_ONCE, json: Json = False) -> int:
    """List what the transfers of a migration have to move, and judge it; copy nothing.

    Args:
        name: The migration.
        filter: Only some transfers, as in `show`.
        at_once: How many run at the same time.
    """
    return run_interruptibly(_run(name, filter, RunKind.SCAN, at_once, None, json))


def start(
    name: str, /, *, filter: str = "", at_once: int = bulk.AT_ONCE, bandwidth: str | None = None, json: Json = False
) -> int:
    """Copy the transfers of a migration, verified; start it again to go on or to bring them up to date.

    Args:
        name: The migration.
        filter: Only some transfers, as in `show`.
        at_once: How many run at the same time.
        bandwidth: Each of them sends at most this much a second, such as 10M.
    """
    limit = parse_size(bandwidth) if bandwidth else None
    return run_interruptibly(_run(name, filter, RunKind.COPY, at_once, limit, json))


async def _run(name: str, filter: str, kind: RunKind, at_once: int, bandwidth: int | None, as_json: bool) -> int:
    if not 1 <= at_once <= bulk.MOST_AT_ONCE:
        raise Refused(f"{at_once} cannot run at once", f"Choose between 1 and {bulk.MOST_AT_ONCE}.")
    ledger = open_ledger()
    try:
        return await _conducted(ledger, name, filter, kind, at_once, bandwidth, as_json)
    finally:
        ledger.close()


async def _conducted(
    ledger: Ledger, name: str, filter: str, kind: RunKind, at_once: int, bandwidth: int | None, as_json: bool
) -> int:
    migration, rows = migrations.table(ledger, name, filter)
    if not rows:
        raise Refused("no transfer is chosen", "Add some, or change --filter.")
    verb = "Scanning" if kind == RunKind.SCAN else "Starting"
    if not as_json:
        sys.stderr.write(f"{verb} {len(rows):,} transfers, {min(at_once, len(rows))} at a time.\n")

    def heard(row: TransferRow, event: str, about: object) -> None:
        if as_json:
            say_json({"event": event, "transfer": row.id, **_facts(about)})
        elif event != "began":
            sys.stdout.write(f"{row.id:>6}  {printable(row.source) or '(all)'}  {_words(about, kind)}\n")
            sys.stdout.flush()

    done = await bulk.run(ledger, migration, rows, kind, actor(), heard, at_once=at_once, bandwidth=bandwidth)
    return _closing(done, as_json)


def _facts(about: object) -> dict[str, Any]:
    match about:
        case Ended():
            facts = {"run": about.run.id, "status": int(about.status), "counts": about.run.counts}
            return {**facts, "status_text": status_words(about.status, about.run.kind), "message": about.run.message}
        case HaulageError():
            return {"code": about.code, "message": about.message, "fix": about.fix}
        case Watch() | _:
            return {}


def _words(about: object, kind: RunKind) -> str:
    if isinstance(about, HaulageError):
        return f"not started: {printable(about.message)}. {printable(about.fix)}"
    if not isinstance(about, Ended):
        return ""
    counts, words = about.run.counts, status_words(about.status, about.run.kind)
    if kind == RunKind.SCAN:
        return f"{words} (run {about.run.id}): {counts['listed']:,} items, {size_text(counts['listed_bytes'])}"
    wrong = counts["failed"] + counts["changed_at_source"]
    return (
        f"{words} (run {about.run.id}): {counts['successful']:,} copied, {counts['unchanged']:,} unchanged, "
        f"{wrong:,} failed; sent {size_text(counts['sent_bytes'])}"
    )


def _closing(done: bulk.Done, as_json: bool) -> int:
    parts = {
        "succeeded": len(done.succeeded),
        "issues": len(done.issues),
        "failed": len(done.failed),
        "paused": len(done.paused),
        "left": len(done.left),
    }
    if as_json:
        say_json({"event": "ended", **parts})
    else:
        sys.stdout.write(", ".join(f"{count:,} {word}" for word, count in parts.items() if count or word != "left"))
        sys.stdout.write(".\n")
    if done.stopped is not None:
        complain(done.stopped, as_json=as_json)
        return exit_for(done.stopped)
    if done.paused:
        return Exit.STOPPED
    return Exit.FAILURES if done.issues or done.failed else Exit.OK
