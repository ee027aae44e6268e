"""The command line: every command and option, as the program itself declares them."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from cyclopts import App

from docs.generator.markdown import code, codes, page, plain, table
from haulage.cli.main import app
from haulage.cli.output import Exit, exit_for_status
from haulage.model.outcome import UNENDED, Status

EXITS = {
    Exit.OK: "Everything is verified, or was there already.",
    Exit.BUG: "An unexpected error: the log in the state folder has the details.",
    Exit.REFUSED: "What was asked for cannot be accepted: a wrong option, a location that is not there.",
    Exit.FAILURES: "Finished, with failures that the log and the report list.",
    Exit.AUTHORISATION: "The credentials were refused, or do not allow it.",
    Exit.STOPPED: "Could not finish: unreachable, no space, an unusable ledger. Run the same command again.",
    Exit.INTERRUPTED: "Stopped by Ctrl-C or SIGTERM. Run the same command again.",
}
"""What each exit code says."""

VALUES = {
    **{"include": "GLOB", "exclude": "GLOB", "than": "AGE", "bandwidth": "SIZE", "set": "FIELD=VALUE"},
    **{"endpoint": "URL", "profile": "NAME", "limit": "COUNT", "output": "FOLDER"},
}
"""How the value of an option is called, by the option's last word; else by that word itself."""


def commands(root: App = app, above: tuple[str, ...] = ("haulage",)) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command that does something, with its words."""
    for name in root:
        if not name.startswith("-"):
            command = root[name]
            words = (*above, name)
            if command.default_command is not None:
                yield words, command
            yield from commands(command, words)


def arguments(command: App) -> list[Any]:
    """What a command takes, as it is shown to people."""
    return [one for one in command.assemble_argument_collection(parse_docstring=True) if one.show]


def summary(command: App) -> str:
    """Its help without the part that explains arguments."""
    lines = []
    for line in cleandoc(command.help or "").splitlines():
        if line.strip() in ("Args:", "Parameters"):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def _positional(argument: Any) -> bool:
    return argument.index is not None


def _shown(argument: Any) -> str:
    if _positional(argument) or argument.hint is bool:
        return codes(argument.names)
    last = argument.names[0].rpartition("-")[2]
    return codes(f"{name} {VALUES.get(last, last.upper())}" for name in argument.names)


def _default(argument: Any) -> str:
    value = argument.field_info.default
    return code(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def _section(words: tuple[str, ...], command: App) -> str:
    taken = arguments(command)
    usage = [*words, *(one.names[0] for one in taken if _positional(one)), "[OPTIONS]"]
    rows = [[_shown(one), plain(one.parameter.help or ""), _default(one)] for one in taken]
    parts = [f"## {' '.join(words)}", f"```text\n{' '.join(usage)}\n```", plain(summary(command))]
    return "\n\n".join([*parts, table(["", "", "Default"], rows)] if rows else parts)


def exit_codes() -> str:
    """The table of exit codes."""
    rows = []
    for exit_code in Exit:
        statuses = [status for status in Status if status not in UNENDED and exit_for_status(status) == exit_code]
        rows.append([code(int(exit_code)), plain(EXITS[exit_code]), codes(int(status) for status in statuses)])
    return table(["Exit code", "Meaning", "Run statuses that lead to it"], rows)


def render() -> str:
    """The page."""
    sections = [_section(words, command) for words, command in commands()]
    intro = (
        "Every command shows this with `--help`. Options that take a folder, a size or an age say so; `last` may "
        "stand for a run's number. Names in the output have their control and direction characters written out."
    )
    return page("Command line", intro, *sections, "## Exit codes", exit_codes())
