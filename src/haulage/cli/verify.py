"""`haulage verify`."""

import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from haulage.cli.certificate import check, say_since
from haulage.cli.choices import AS_USUAL, EVERYTHING, FilterOptions, Flag, Json, SideOptions
from haulage.cli.connectors import opened
from haulage.cli.copy import conduct, run_interruptibly
from haulage.cli.output import (
    Exit,
    complain,
    exit_for,
    exit_for_status,
    json_text,
    last_words,
    printable,
    size_text,
)
from haulage.cli.ticker import Ticker, mode
from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger.runs import RunRow
from haulage.model.errors import HaulageError, Refused
from haulage.model.filters import Filters, parse_rate
from haulage.model.outcome import Status
from haulage.operations import certificates, verifying
from haulage.operations.locations import Given
from haulage.operations.transfers import Ended, summary
from haulage.reports.certificate import Covered

AGAIN = "Nothing was written. Run the same command again to verify from the beginning."


def verify(
    source: str,
    destination: str = "",
    /,
    *,
    deep: Flag = False,
    offline: Flag = False,
    key: str | None = None,
    chosen: FilterOptions = EVERYTHING,
    bandwidth: str | None = None,
    reached: SideOptions = AS_USUAL,
    json: Json = False,
) -> int:
    """Compare every item below SOURCE with DESTINATION, as both are now. Nothing is written on either side.

    With the locations and filters of an earlier copy, it also knows what that copy has proven. With a certificate in
    the place of both, that file is checked, then both sides as they are now; with --offline the file alone.

    Args:
        source: Where the files are: file:///folder, s3://bucket/prefix, az://container/prefix or connector:/path.
            Or a certificate's file.
        destination: Where they have to be, written likewise; left out for a certificate.
        deep: Read every file on both sides and compare the bytes, whatever the services say of them.
        offline: Check a certificate's signature, sums and items by themselves: no service is asked.
        key: The public key that has to have signed it, as ed25519:...
        bandwidth: Read at most this much a second, such as 10M.
    """
    if offline:
        if destination:
            raise Refused("--offline checks a certificate alone", "Write haulage verify FILE --offline.")
        return check(Path(source), key, as_json=json)[0]
    limit = parse_rate(bandwidth)
    if not destination:
        if chosen != EVERYTHING:
            raise Refused("a certificate has its own filters", "Leave them out.")
        if Path(source).is_dir() or (":" in source and not Path(source).exists()):
            raise Refused(f"what {source} is to be compared with was not given", "Name the destination too.")
        return _certified(Path(source), key, deep, limit, reached, json)
    if key is not None:
        raise Refused("--key is for a certificate", "Write haulage verify FILE --key KEY.")
    options = Options(chosen.filters(), limit)
    sides = reached.sides(source, destination)
    return run_interruptibly(_verify(*sides, options, deep, json))[0]


def _certified(path: Path, key: str | None, deep: bool, limit: int | None, reached: SideOptions, as_json: bool) -> int:
    """Check a certificate, then each of its transfers at the services themselves."""
    code, statement = check(path, key, as_json=as_json)
    for one in statement.transfers:
        if len(statement.transfers) > 1 and not as_json:
            sys.stdout.write(f"\n{printable(one.source)} to {printable(one.destination)}\n")
            sys.stdout.flush()
        options = Options(msgspec.convert(one.filters, Filters), limit)
        sides = reached.sides(
            _place(one.source, one.source_identity), _place(one.destination, one.destination_identity)
        )
        try:
            code = max(code, _held(path, one, sides, options, deep, as_json))
        except HaulageError as error:  # of one user: the others are looked at all the same
            complain(error, as_json=as_json)
            code = max(code, exit_for(error))
    return code


def _held(path: Path, one: Covered, sides: tuple[Given, Given], options: Options, deep: bool, as_json: bool) -> int:
    """Verify one transfer of a certificate, and compare what is there now with what it says."""
    code, run = run_interruptibly(_verify(*sides, options, deep, as_json))
    if code not in (Exit.OK, Exit.FAILURES):
        return code
    with opened() as ledger:
        found = certificates.since(ledger, path, one, run)
    say_since(found, one.run, as_json=as_json)
    return max(code, Exit.FAILURES if found.gone or found.new else Exit.OK)


def _place(written: str, identity: str) -> str:
    """A folder of this machine by its whole path: `./folder` was written in another folder than this one, maybe."""
    return identity.removeprefix("file://") if written.startswith(".") else written


async def _verify(source: Given, destination: Given, options: Options, deep: bool, as_json: bool) -> tuple[int, RunRow]:
    display = Ticker(mode(as_json), line, facts)
    watch = Watch(display.event)
    ended = await conduct(
        display,
        watch,
        lambda ledger: verifying.verify(ledger, source, destination, options, watch, deep=deep),
        AGAIN,
    )
    if ended.stopped is not None:
        complain(ended.stopped, as_json=as_json)
    told = {"event": "ended", "deep": deep, **summary(ended)}
    last_words(json_text(told) if as_json else ended_text(ended, deep))
    code = exit_for(ended.stopped) if ended.stopped is not None else exit_for_status(ended.status)
    return code, ended.run


def facts(watch: Watch) -> dict[str, Any]:
    """How far it is, in numbers."""
    counts = watch.counts
    return {
        "listed": counts.listed,
        "listed_bytes": counts.listed_bytes,
        "listing_complete": counts.source_complete and counts.target_complete,
        "successful": counts.successful,
        "successful_bytes": counts.successful_bytes,
        "read_bytes": getattr(counts, "read_bytes", 0),
        "failed": counts.failed + counts.changed_at_source,
        "waits_for": watch.waits_for(),
    }


def line(watch: Watch) -> str:
    """The same in one line for people."""
    counts = facts(watch)
    if not counts["listed"]:
        return "listing"
    compared = f"{counts['successful']:,} of {counts['listed']:,} items verified"
    rate = counts["read_bytes"] / max(time.monotonic() - watch.began, 0.001)
    parts = [compared + ("" if counts["listing_complete"] else " so far")]
    if counts["read_bytes"]:
        parts.append(f"{size_text(counts['read_bytes'])} read, {size_text(rate)}/s")
    if counts["failed"]:
        parts.append(f"{counts['failed']:,} failed")
    return " | ".join(parts)


def ended_text(ended: Ended, deep: bool) -> str:
    """The last words of a verification."""
    counts = ended.run.counts
    told = {"weak": 0, "extra": 0, "extra_bytes": 0, "read_bytes": 0, "by_code": {}, **counts}
    lines = [f"{verdict(ended, told)} (run {ended.run.id}, status {int(ended.status)})."]
    lines.append(
        f"Listed {told['listed']:,} items, {size_text(told['listed_bytes'])}: "
        f"{told['successful'] - told['weak']:,} verified, {told['weak']:,} by their size only, "
        f"{told['skipped']:,} skipped, {told['unsupported']:,} unsupported, {told['failed']:,} failed, "
        f"{told['changed_at_source']:,} changed and {told['gone_at_source']:,} gone at the source meanwhile."
    )
    if told["failed"]:
        lines.append("By code: " + ", ".join(f"{code} {count:,}" for code, count in sorted(told["by_code"].items())))
    if told["read_bytes"]:
        lines.append(f"Read {size_text(told['read_bytes'])}.")
    if told["extra"]:
        lines.append(f"Only at the destination: {told['extra']:,} items, {size_text(told['extra_bytes'])}.")
    lines += [f"Incomplete: {why}" for why in told["incomplete"]]
    if told["weak"] and not deep:
        lines.append("With --deep, what was compared by size only is read on both sides.")
    if int(ended.status) >= Status.UNSUPPORTED_ITEMS or told["weak"]:
        lines.append(f"Each of them: haulage report {ended.run.id}")
    return "\n".join(lines) + "\n"


def verdict(ended: Ended, counts: dict[str, Any]) -> str:
    """One sentence."""
    if ended.stopped is not None:
        return "The verification could not finish"
    if counts["failed"] or counts["changed_at_source"]:
        return "Not everything is at the destination as it is at the source"
    if not (counts["source_complete"] and counts["target_complete"]):
        return "A listing is incomplete, so nothing is proven of what it lacks"
    left = counts["skipped"] + counts["unsupported"] + counts["gone_at_source"]
    if counts["weak"]:
        return "Nothing wrong was found, but not everything could be proven"
    if not counts["successful"]:
        return "Nothing was compared" if left else "There is nothing at the source"
    if left:
        return "All that was compared is at the destination as it is at the source"
    return "Everything is at the destination as it is at the source"
