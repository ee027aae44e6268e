"""`haulage migrations scan`, `start` and what stops them: the transfers of a migration, run several at a time."""

import sys
from collections.abc import Sequence
from typing import Any

from haulage.cli.choices import Json
from haulage.cli.connectors import opened, say
from haulage.cli.copy import run_interruptibly
from haulage.cli.output import Exit, complain, exit_for, printable, say_json, size_text
from haulage.cli.signing import actor
from haulage.engine.counts import Watch
from haulage.ledger import passes as pass_rows
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.passes import PassRow
from haulage.ledger.store import Ledger
from haulage.model.errors import HaulageError, Refused
from haulage.model.filters import parse_rate
from haulage.model.outcome import PassKind, Status, status_words
from haulage.operations import bulk, migration_table, migrations
from haulage.operations import passes as passing
from haulage.operations.home import open_ledger
from haulage.operations.transfers import Ended


def scan(name: str, /, *, filter: str = "", at_once: int = bulk.AT_ONCE, json: Json = False) -> int:
    """List what the transfers of a migration have to move, and judge it; copy nothing.

    Args:
        name: The migration.
        filter: Only some transfers, as in `show`.
        at_once: How many run at the same time.
    """
    return run_interruptibly(_run(name, filter, PassKind.SCAN, at_once, None, json))


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
    limit = parse_rate(bandwidth)
    return run_interruptibly(_run(name, filter, PassKind.COPY, at_once, limit, json))


def cutover(
    name: str, /, *, filter: str = "", at_once: int = bulk.AT_ONCE, bandwidth: str | None = None, json: Json = False
) -> int:
    """Copy only what changed, and list what differed before and what still differs after.

    Args:
        name: The migration.
        filter: Only some transfers, as in `show`.
        at_once: How many run at the same time.
        bandwidth: Each of them sends at most this much a second, such as 10M.
    """
    limit = parse_rate(bandwidth)
    code = run_interruptibly(_run(name, filter, PassKind.CUTOVER, at_once, limit, json))
    with opened() as ledger:
        migration = migrations.of_name(ledger, name)
        newest = passing.newest(ledger, migration)
        for one in passing.differences(ledger, newest):
            if json:
                say_json(
                    {
                        "event": "difference",
                        "transfer": one.row_id,
                        "when": one.when,
                        "items": one.items,
                        "bytes": one.bytes,
                        "whole": one.whole,
                        "paths": one.paths,
                    }
                )
            elif one.items or not one.whole:
                _say_difference(one)
    return code


def _say_difference(one: passing.Difference) -> None:
    least = "" if one.whole else " at least, since not everything could be listed"
    say(f"{one.row_id:>6}  differed {one.when}: {one.items:,} items{least}, {size_text(one.bytes)}")
    for path in one.paths:
        say(f"        {printable(path)}")
    if one.items > len(one.paths):
        say(f"        and {one.items - len(one.paths):,} more")


def passes(name: str, /, *, json: Json = False) -> None:
    """The passes of a migration: what waits, runs and is paused, which process makes it, and what ended last.

    Args:
        name: The migration.
    """
    with opened() as ledger:
        migration = migrations.of_name(ledger, name)
        found = passing.shown(ledger, migration.id)
    if json:
        for one in found:
            say_json(passing.told(one))
        return
    for one in found:
        say(_standing(one))
    if not found:
        say("Nothing of it was scanned or started yet.")


def pause(name: str, /, *, filter: str = "") -> None:
    """Pause what goes on, whichever process makes it; nothing that waits begins.

    Args:
        name: The migration.
        filter: Only some transfers, as in `show`; the others go on.
    """
    _stop(name, filter, Status.PAUSED)


def cancel(name: str, /, *, filter: str = "") -> None:
    """Cancel what goes on, waits or is paused. What was copied stays.

    Args:
        name: The migration.
        filter: Only some transfers, as in `show`; the others go on.
    """
    _stop(name, filter, Status.CANCELED)


def resume(name: str, /, *, json: Json = False) -> int:
    """Go on with what is paused, or was interrupted, in this process.

    Args:
        name: The migration.
    """
    return run_interruptibly(_resume(name, json))


def _standing(one: passing.Shown) -> str:
    counts = {"running": one.running, "queued": one.waiting, "paused": one.paused, "succeeded": one.succeeded}
    counts |= {"with issues": one.issues, "failed": one.failed, "canceled": one.canceled}
    parts = [f"{count:,} {word}" for word, count in counts.items() if count]
    ended = "ended" if one.row.status == Status.SUCCESS else status_words(one.row.status, one.row.kind)
    state = "interrupted: resume it" if one.interrupted else ended
    if one.row.message:
        state += f" ({printable(one.row.message)})"
    if one.goes_on:
        state += f", by {printable(one.row.owner or '')}"
    return f"{one.row.id:>6}  {one.row.kind.value}  {state}: {', '.join(parts)}"


def _stop(name: str, filter: str, status: Status) -> None:
    with opened() as ledger:
        migration = migrations.of_name(ledger, name)
        if filter:
            chosen = migration_table.shown(ledger, migration.id, filter)
            count = passing.stop_rows(ledger, migration, chosen, status, actor())
            say(f"{'Canceled' if status == Status.CANCELED else 'Paused'} {count:,} transfers.")
            return
        found = [one.row for one in passing.shown(ledger, migration.id) if one.row.ended_us is None]
        able = [one for one in found if status == Status.CANCELED or one.status == Status.RUNNING]
        if not able:
            raise Refused("nothing of this migration runs", "See its passes.")
        for one in able:
            passing.stop(ledger, one, status, actor())
    say(f"{len(able):,} to be {'canceled' if status == Status.CANCELED else 'paused'}.")


async def _resume(name: str, as_json: bool) -> int:
    ledger = open_ledger()
    try:
        migration = migrations.of_name(ledger, name)
        found = [one for one in passing.shown(ledger, migration.id) if one.row.ended_us is None and not one.goes_on]
        if not found:
            raise Refused("nothing of this migration is paused", "See its passes.")
        code = int(Exit.OK)
        for one in found:
            code = max(code, await go_on(ledger, one.row, as_json))
        return code
    finally:
        ledger.close()


async def go_on(ledger: Ledger, row: PassRow, as_json: bool) -> int:
    """Go on with a pass that is paused, or whose process is gone, in this process. Returns the exit code."""
    passing.resume(ledger, row, actor(), server=False)
    done = await bulk.make(ledger, row.id, _heard(row.kind, as_json))
    return _closing(done, passing.show(ledger, row), as_json)


async def _run(name: str, filter: str, kind: PassKind, at_once: int, bandwidth: int | None, as_json: bool) -> int:
    if not 1 <= at_once <= bulk.MOST_AT_ONCE:
        raise Refused(f"{at_once} cannot run at once", f"Choose between 1 and {bulk.MOST_AT_ONCE}.")
    ledger = open_ledger()
    try:
        return await _conducted(ledger, name, filter, kind, at_once, bandwidth, as_json)
    finally:
        ledger.close()


async def _conducted(
    ledger: Ledger, name: str, filter: str, kind: PassKind, at_once: int, bandwidth: int | None, as_json: bool
) -> int:
    migration = migrations.of_name(ledger, name)
    rows = migration_table.shown(ledger, migration.id, filter)
    if not rows:
        raise Refused("no transfer is chosen", "Add some, or change --filter.")
    return await conduct(ledger, migration, rows, kind, as_json, at_once=at_once, bandwidth=bandwidth)


async def conduct(
    ledger: Ledger,
    migration: MigrationRow,
    rows: Sequence[TransferRow | int],
    kind: PassKind,
    as_json: bool,
    *,
    at_once: int = bulk.AT_ONCE,
    bandwidth: int | None = None,
) -> int:
    """Run these transfers, tell of each as it ends, and of all at last. Returns the exit code."""
    begun = passing.begin(ledger, migration, rows, kind, actor(), server=False, at_once=at_once, bandwidth=bandwidth)
    verb, count = "Scanning" if kind == PassKind.SCAN else "Starting", len(rows) - begun.busy
    if not as_json:
        busy = f" {begun.busy:,} more wait or run already." if begun.busy else ""
        sys.stderr.write(f"{verb} {count:,} transfers, {min(at_once, count)} at a time.{busy}\n")
    done = await bulk.make(ledger, begun.id, _heard(kind, as_json))
    return _closing(done, passing.show(ledger, ledger.read(pass_rows.get, begun.id)), as_json)


def _heard(kind: PassKind, as_json: bool) -> bulk.Heard:
    def heard(row: TransferRow, event: str, about: object) -> None:
        if as_json:
            say_json({"event": event, "transfer": row.id, **_facts(about)})
        elif event != "began":
            sys.stdout.write(f"{row.id:>6}  {printable(row.source) or '(all)'}  {_words(about, kind)}\n")
            sys.stdout.flush()

    return heard


def _facts(about: object) -> dict[str, Any]:
    match about:
        case Ended():
            facts = {"run": about.run.id, "status": int(about.status), "counts": about.run.counts}
            return {**facts, "status_text": status_words(about.status, about.run.kind), "message": about.run.message}
        case HaulageError():
            return {"code": about.code, "message": about.message, "fix": about.fix}
        case Watch() | _:
            return {}


def _words(about: object, kind: PassKind) -> str:
    if isinstance(about, HaulageError):
        return f"not started: {printable(about.message)}. {printable(about.fix)}"
    if not isinstance(about, Ended):
        return ""
    counts, words = about.run.counts, status_words(about.status, about.run.kind)
    if kind == PassKind.SCAN:
        return f"{words} (run {about.run.id}): {counts['listed']:,} items, {size_text(counts['listed_bytes'])}"
    wrong = counts["failed"] + counts["changed_at_source"]
    return (
        f"{words} (run {about.run.id}): {counts['successful']:,} copied, {counts['unchanged']:,} unchanged, "
        f"{wrong:,} failed; sent {size_text(counts['sent_bytes'])}"
    )


def _closing(done: bulk.Done, stands: passing.Shown, as_json: bool) -> int:
    """The last words. stands: the pass, with those that somebody paused or canceled before they began."""
    parts = {
        "succeeded": len(done.succeeded),
        "issues": len(done.issues),
        "failed": len(done.failed),
        "paused": stands.paused,
        "left": stands.waiting,
    }
    if as_json:
        say_json({"event": "ended", **parts})
    else:
        told = {**parts, "canceled": stands.canceled}
        always = ("succeeded", "issues", "failed", "paused")
        sys.stdout.write(", ".join(f"{count:,} {word}" for word, count in told.items() if count or word in always))
        sys.stdout.write(".\n")
    if done.stopped is not None:
        complain(done.stopped, as_json=as_json)
        return exit_for(done.stopped)
    if stands.paused or stands.waiting:
        if not as_json:
            sys.stdout.write("Those that wait or are paused go on with: haulage migrations resume\n")
        return Exit.STOPPED
    return Exit.FAILURES if done.issues or done.failed else Exit.OK
