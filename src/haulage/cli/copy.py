"""`haulage copy`, and how every command that runs is run."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from haulage.cli.choices import AS_USUAL, EVERYTHING, FilterOptions, Flag, Json, SideOptions
from haulage.cli.output import complain, exit_for, exit_for_status, json_text, last_words, size_text
from haulage.cli.progress import Display
from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger.store import Ledger
from haulage.model.filters import parse_rate
from haulage.model.outcome import STATUS_TEXT, Status
from haulage.operations import transfers
from haulage.operations.home import open_ledger
from haulage.operations.locations import Given

T = TypeVar("T")
GO_ON = "Run the same command again: it goes on where it stopped."


def run_interruptibly(work: Coroutine[Any, Any, T]) -> T:
    """Run it; Ctrl-C, SIGTERM and a terminal that closes cancel it, so that it can keep what it has.

    Raises KeyboardInterrupt then. A closing terminal that is set to be ignored (nohup) stays so.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if name != signal.SIGHUP or signal.getsignal(name) is not signal.SIG_IGN:
                loop.add_signal_handler(name, task.cancel)
        gc.freeze()  # what start-up made stays for good
        try:
            return loop.run_until_complete(task)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # where it does not run, asyncio's own loop does
        return None
    return uvloop.new_event_loop


def display_for(as_json: bool) -> Display:
    """JSON if asked for, live on a terminal, plain lines elsewhere."""
    return Display("json" if as_json else "live" if sys.stderr.isatty() else "plain")


async def conduct(display: Display, watch: Watch, work: Callable[[Ledger], Awaitable[T]], go_on: str = GO_ON) -> T:
    """Do work on the ledger of this home, shown while it goes on. go_on: told to a person who interrupts it."""
    ledger = open_ledger()
    try:
        async with display.around(watch):
            return await work(ledger)
    except asyncio.CancelledError:
        if display.as_json:
            told = {"event": "error", "code": "interrupted", "message": "interrupted", "fix": go_on}
            last_words(json_text(told))
        else:
            sys.stderr.write(f"Interrupted. {go_on}\n")
        raise
    finally:
        ledger.close()


def copy(
    source: str,
    destination: str,
    /,
    *,
    dry_run: Flag = False,
    chosen: FilterOptions = EVERYTHING,
    bandwidth: str | None = None,
    create: Flag = False,
    accept_emptied: Flag = False,
    reached: SideOptions = AS_USUAL,
    json: Json = False,
) -> int:
    """Copy everything below SOURCE to DESTINATION, verified; run it again to go on or to bring it up to date.

    Args:
        source: Where the files are: file:///folder, s3://bucket/prefix, az://container/prefix or connector:/path.
        destination: Where they go, written likewise. Nothing is ever deleted there, and nothing of others overwritten.
        dry_run: Show what would be done, and do nothing.
        bandwidth: Send at most this much a second, such as 10M.
        create: Make the destination's bucket or container if it is missing.
        accept_emptied: Go on although many files that had content are empty at the source now.
    """
    options = Options(chosen.filters(), parse_rate(bandwidth), dry_run, accept_emptied)
    sides = reached.sides(source, destination)
    return run_interruptibly(_copy(*sides, options, create, json))


async def _copy(source: Given, destination: Given, options: Options, create: bool, as_json: bool) -> int:
    display = display_for(as_json)
    watch = Watch(display.event)
    ended = await conduct(
        display, watch, lambda ledger: transfers.copy(ledger, source, destination, options, watch, create=create)
    )
    if ended.stopped is not None:
        complain(ended.stopped, as_json=as_json)
    told = {"event": "ended", **transfers.summary(ended)}
    last_words(json_text(told) if as_json else ended_text(ended, options.plan_only))
    return exit_for(ended.stopped) if ended.stopped is not None else exit_for_status(ended.status)


def room_text(counts: dict[str, Any]) -> str:
    """Whether it would fit, where the destination tells what is free and something needs it."""
    needed, free = counts.get("needed_bytes", 0), counts.get("free_bytes")
    if free is None:
        return ""
    short = f"{size_text(needed - free)} too much" if needed > free else "it fits"
    return f"{size_text(free)} are free at the destination, {size_text(needed)} are needed: {short}.\n"


def ended_text(ended: transfers.Ended, plan_only: bool) -> str:
    """The last words of a run."""
    counts = ended.run.counts
    if plan_only:
        return (
            f"Would copy {counts['planned']:,} items, {size_text(counts['planned_bytes'])}; "
            f"{counts['unchanged']:,} are unchanged, {counts['skipped']:,} skipped, {counts['unsupported']:,} "
            f"unsupported, {counts['failed']:,} cannot be copied. Nothing was written.\n{room_text(counts)}"
        )
    lines = [
        f"{STATUS_TEXT[Status(ended.status)]} (run {ended.run.id}, status {int(ended.status)}).",
        f"Listed {counts['listed']:,} items, {size_text(counts['listed_bytes'])}: "
        f"{counts['successful']:,} verified at the destination ({counts['adopted']:,} of them were there already), "
        f"{counts['unchanged']:,} unchanged, {counts['skipped']:,} skipped, {counts['unsupported']:,} unsupported, "
        f"{counts['failed']:,} failed, {counts['changed_at_source']:,} changed and {counts['gone_at_source']:,} "
        "gone at the source meanwhile.",
        f"Sent {size_text(counts['sent_bytes'])}"
        + (f", went on from {size_text(counts['resumed_bytes'])} sent before." if counts["resumed_bytes"] else "."),
    ]
    if weak := counts.get("weak", 0):
        lines.append(f"Verified weakly, by size or no strong hash: {weak:,}. haulage verify --deep reads both sides.")
    if kept := counts.get("kept_both", 0):
        lines.append(f"Another file had the name at the destination, both were kept: {kept:,}.")
    if changed := counts.get("destination_changed", 0):
        lines.append(f"Changed at the destination since they were copied, left as they are there: {changed:,}.")
    if counts["removed_at_source"]:
        lines.append(f"Removed at the source since the last run, kept here: {counts['removed_at_source']:,}.")
    lines += [f"Incomplete: {why}" for why in counts["incomplete"]]
    if int(ended.status) >= 102 or kept or changed:
        lines.append(f"What to do about each: haulage report {ended.run.id}")
    return "\n".join(lines) + "\n"
