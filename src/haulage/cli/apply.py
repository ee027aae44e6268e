"""`haulage apply`: a migration as a file, shown as a plan and then made true."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from haulage.cli.choices import File, Flag, Json
from haulage.cli.connectors import on_terminal, opened, say
from haulage.cli.output import Exit, printable, say_json
from haulage.cli.signing import actor
from haulage.ledger.migration_rows import Cells
from haulage.model import mapping, migration_file
from haulage.model.errors import Refused
from haulage.model.migration_file import Wanted
from haulage.operations import applying, migration_schedules
from haulage.operations.applying import Change, Plan
from haulage.operations.migration_schedules import Schedules

SHOWN = 40


def apply(
    file: File,
    /,
    *,
    plan: Flag = False,
    yes: Flag = False,
    remove: Flag = False,
    person: str = "",
    json: Json = False,
) -> int:
    """Make a migration as a file has it: what would change is shown first. Applied again, it changes nothing.

    Args:
        file: A YAML file as the reference has it under migration files; - for standard input.
        plan: Only show what would change.
        yes: Do it without being asked.
        remove: Take out transfers that the file does not name, if they have not copied anything, and schedules.
        person: In whose name new schedules start, where that is not yours.
    """
    wanted = migration_file.read(read_file(file))
    with opened() as ledger:
        shown = applying.plan(ledger, wanted, remove=remove)
        ends = wanted.source, wanted.destination
        whose = migration_schedules.starter(ledger, *ends, actor(), person) if shown.schedules.add else None
        if json:
            say_json({"event": "plan", **applying.told(shown)})
        else:
            for line in _told(wanted, shown):
                say(line)
        if plan or shown.nothing:
            return Exit.OK
        if not yes and not _agreed(str(file) == "-" or json):
            say("Nothing was changed.")
            return Exit.STOPPED
        applying.apply(ledger, wanted, shown, actor(), remove=remove, person=whose)
    if json:
        say_json({"event": "applied", "migration": wanted.name})
    else:
        say("Done.")
    return Exit.OK


def read_file(file: Path) -> bytes:
    """What is in a file a person gives; a byte too many where it is too large. Raises Refused."""
    if str(file) == "-":
        return sys.stdin.buffer.read(mapping.MOST_BYTES + 1)
    try:
        with file.open("rb") as opened_file:
            return opened_file.read(mapping.MOST_BYTES + 1)
    except OSError as error:
        raise Refused(f"{file} cannot be read ({error.strerror})", "Name a file that there is.") from error


def _agreed(taken: bool) -> bool:
    """Whether a person says yes. taken: standard input or output serve something else."""
    if taken or not on_terminal():
        raise Refused("nobody is there to be asked", "Use --yes to do it, or --plan to see what would change.")
    sys.stderr.write("Do that? Type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() == "yes"


def _told(wanted: Wanted, plan: Plan) -> Iterator[str]:
    yield f"{printable(wanted.name)}: {printable(wanted.source)} to {printable(wanted.destination)}"
    if plan.migration is None:
        yield "  The migration is made."
    if plan.filters is not None:
        yield f"  Its filters change: {plan.filters[0]} becomes {plan.filters[1]}"
    yield from _some("Added", len(plan.add), map(_row, plan.add))
    yield from _some("Changed", len(plan.change), map(_change, plan.change))
    yield from _some("Removed", len(plan.remove), (f"{row_id} {_row(one)}" for row_id, one in plan.remove.items()))
    rest = "Left as they are, for the file does not name them (--remove takes them out)"
    yield from _some(rest, len(plan.left), (f"{row_id} {_row(one)}" for row_id, one in plan.left.items()))
    yield f"  Unchanged: {plan.unchanged:,}"
    yield from _timed(plan.schedules)
    if plan.nothing:
        yield "Everything is as the file has it."


def _timed(plan: Schedules) -> Iterator[str]:
    yield from _some("Schedules added", len(plan.add), (one.words() for one in plan.add))
    changes = (f"{one.id} {one.before.words()}: becomes {one.after.words()}" for one in plan.change)
    yield from _some("Schedules changed", len(plan.change), changes)
    for title, found in (
        ("Schedules removed", plan.remove),
        ("Schedules left, for the file does not name them", plan.left),
    ):
        yield from _some(title, len(found), (f"{number} {one.words()}" for number, one in found.items()))
    if plan.unchanged:
        yield f"  Schedules unchanged: {plan.unchanged:,}"


def _some(title: str, count: int, lines: Iterable[str]) -> Iterator[str]:
    if not count:
        return
    yield f"  {title}: {count:,}"
    for _, line in zip(range(SHOWN), lines, strict=False):
        yield f"    {line}"
    if count > SHOWN:
        yield f"    and {count - SHOWN:,} more; --json has all of them"


def _row(one: Cells) -> str:
    tags = f" [{printable(', '.join(one.tags))}]" if one.tags else ""
    return f"{_ends(one)}{tags}{f' {printable(one.notes)}' if one.notes else ''}"


def _ends(one: Cells) -> str:
    return f"{printable(one.source) or '(all)'} -> {printable(one.destination) or '(top)'}"


def _change(one: Change) -> str:
    said = [f"{one.id} {_ends(one.before)}:"]
    if one.moves:
        said.append(f"becomes {_ends(one.after)}")
    if one.before.tags != one.after.tags:
        said.append(f"tags {printable(', '.join(one.after.tags)) or '(none)'}")
    if one.before.notes != one.after.notes:
        said.append(f"notes {printable(one.after.notes) or '(none)'}")
    return " ".join(said[:2]) + "".join(f", {one}" for one in said[2:])
