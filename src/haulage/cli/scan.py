"""`haulage scan`."""

from collections.abc import Iterator
from typing import Any

from haulage.cli.choices import EVERYTHING, FilterOptions, Json, Several
from haulage.cli.copy import conduct, run_interruptibly
from haulage.cli.output import complain, exit_for, exit_for_status, json_text, last_words, printable, size_text
from haulage.cli.ticker import Ticker, mode
from haulage.engine.counts import Watch
from haulage.model.filters import Filters
from haulage.model.moments import utc
from haulage.model.outcome import STATUS_TEXT, Status
from haulage.operations import surveying
from haulage.operations.locations import Given
from haulage.operations.transfers import Ended, summary

AGAIN = "Nothing was written. Run the same command again to scan from the beginning."


def scan(
    location: str,
    /,
    *,
    chosen: FilterOptions = EVERYTHING,
    set: Several = (),
    json: Json = False,
) -> int:
    """List everything below LOCATION and tell what is there, and what would not go over as it is. Nothing is copied.

    Args:
        location: What to look at: file:///folder, s3://bucket/prefix, az://container/prefix or connector:/path.
        set: A setting of the service, FIELD=VALUE; secrets as FIELD=env:VARIABLE or FIELD=file:PATH.
    """
    return run_interruptibly(_scan(Given(location, "source", set), chosen.filters(), json))


async def _scan(location: Given, filters: Filters, as_json: bool) -> int:
    display = Ticker(mode(as_json), line, facts)
    watch = Watch(display.event)
    ended = await conduct(display, watch, lambda ledger: surveying.scan(ledger, location, filters, watch), AGAIN)
    if ended.stopped is not None:
        complain(ended.stopped, as_json=as_json)
    told = {"event": "ended", **summary(ended)}
    last_words(json_text(told) if as_json else "".join(f"{one}\n" for one in ended_lines(ended)))
    return exit_for(ended.stopped) if ended.stopped is not None else exit_for_status(ended.status)


def facts(watch: Watch) -> dict[str, Any]:
    """How far it is, in numbers."""
    counts = watch.counts
    return {"listed": counts.listed, "listed_bytes": counts.listed_bytes, "waits_for": watch.waits_for()}


def line(watch: Watch) -> str:
    """The same in one line for people."""
    return f"{watch.counts.listed:,} items, {size_text(watch.counts.listed_bytes)} so far"


def ended_lines(ended: Ended) -> Iterator[str]:
    """What was found, for people."""
    counts, survey = ended.run.counts, ended.run.counts.get("survey") or {}
    yield f"{STATUS_TEXT[Status(ended.status)]} (run {ended.run.id}, status {int(ended.status)})."
    yield from (f"Incomplete: {printable(why)}" for why in counts["incomplete"])
    if not survey:
        return
    yield (
        f"{survey['files']:,} files ({survey['empty_files']:,} empty), {size_text(survey['bytes'])} "
        f"({survey['bytes']:,} bytes); {survey['folders']:,} folders ({survey['empty_folders']:,} empty)."
    )
    if counts["skipped"]:
        yield f"Left out by filters: {counts['skipped']:,}."
    yield from _extensions(survey)
    largest = [f"{size_text(one['bytes']):>10}  {printable(one['path'])}" for one in survey["largest"]]
    yield from _section("Largest files", largest)
    for word in ("oldest", "newest"):
        if survey[word] is not None:
            day = utc(survey[word]["modified_us"])
            told = "of a year that no calendar has" if day is None else f"{day:%Y-%m-%d %H:%M:%S} UTC"
            yield f"{word.capitalize()} file: {told}  {printable(survey[word]['path'])}"
    yield from _section("Deepest", [f"{one['parts']:>6} parts  {printable(one['path'])}" for one in survey["deepest"]])
    longest = [f"{one['bytes']:>6} bytes  {printable(one['path'])}" for one in survey["longest"]]
    yield from _section("Longest paths", longest)
    yield from _problems(survey)
    yield from _destinations(survey["destinations"])
    if counts["unsupported"] or counts["failed"]:
        yield f"Each item that cannot be copied: haulage report {ended.run.id}"


def _section(title: str, lines: list[str], count: int | None = None) -> Iterator[str]:
    """A heading and what belongs under it; nothing where there is nothing."""
    if not lines:
        return
    yield ""
    yield title if count is None else f"{title}: {count:,}"
    yield from (f"  {one}" for one in lines)
    if count is not None and count > len(lines):
        yield f"  ... and {count - len(lines):,} more"


def _extensions(survey: dict[str, Any]) -> Iterator[str]:
    shown = []
    for one in survey["extensions"]:
        name = f".{one['extension']}" if one["extension"] else "without extension"
        shown.append(f"{one['files']:>10,} files {size_text(one['bytes']):>10}  {name}")
    rest = survey["other_extensions"]
    if rest["files"]:
        shown.append(f"{rest['files']:>10,} files {size_text(rest['bytes']):>10}  all others")
    yield from _section("By extension, as much as it is", shown)


def _problems(survey: dict[str, Any]) -> Iterator[str]:
    for name, title in (("uncopyable", "Cannot be copied"), ("unlisted_folders", "Folders that could not be listed")):
        told = [f"{printable(one['path'])}: {printable(one['why'])}" for one in survey[name]["first"]]
        yield from _section(title, told, survey[name]["count"])
    pairs = [f"{printable(one['path'])} = {printable(one['other'])}" for one in survey["duplicates"]["first"]]
    yield from _section("Names that differ only by case or Unicode form", pairs, survey["duplicates"]["count"])


def _destinations(destinations: list[dict[str, Any]]) -> Iterator[str]:
    lines = []
    for one in destinations:
        parts = []
        for name, words in (
            ("fitted", "names would be fitted"),
            ("refused", "names would be refused"),
            ("too_large", "files are too large"),
        ):
            if one[name]["count"]:
                example = printable(one[name]["first"][0]["path"])
                parts.append(f"{one[name]['count']:,} {words} (such as {example})")
        lines.append(f"{one['service']}: {', '.join(parts) or 'everything fits as it is'}")
    yield from _section("As a destination", lines)
