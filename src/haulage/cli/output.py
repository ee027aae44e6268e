"""What all commands share: exit codes, JSON lines, and how an error is told."""

import sys
from contextlib import suppress
from enum import IntEnum
from typing import Any

import msgspec

from haulage.model.errors import AuthLost, Denied, HaulageError, OutputLost, Refused, RootGone
from haulage.model.outcome import Status
from haulage.model.words import printable, size_text, time_text

__all__ = [
    "EXIT_HELP",
    "Exit",
    "complain",
    "exit_for",
    "exit_for_status",
    "last_words",
    "printable",
    "say_json",
    "size_text",
    "time_text",
]


class Exit(IntEnum):
    """Exit codes of the program."""

    OK = 0
    BUG = 1
    REFUSED = 2
    FAILURES = 3
    AUTHORISATION = 4
    STOPPED = 5
    INTERRUPTED = 130


EXIT_HELP = """Exit codes: 0 everything verified; 2 refused input; 3 finished with listed failures; 4 authorisation;
5 could not finish (unreachable, no space, unusable ledger): run the same command again; 130 interrupted."""


def exit_for(error: HaulageError) -> Exit:
    """The exit code that an error leads to."""
    if isinstance(error, AuthLost | Denied):
        return Exit.AUTHORISATION
    if isinstance(error, Refused | RootGone):
        return Exit.REFUSED
    return Exit.STOPPED


def exit_for_status(status: int) -> Exit:
    """The exit code of a run's status."""
    if status < 200:
        return Exit.OK
    if status == Status.AUTHORISATION_FAILED:
        return Exit.AUTHORISATION
    if status == Status.CANCELED:
        return Exit.INTERRUPTED
    return Exit.FAILURES if status < 300 else Exit.STOPPED


def say_json(document: dict[str, Any]) -> None:
    """One JSON document in one line on standard output."""
    sys.stdout.write(json_text(document))
    sys.stdout.flush()


def json_text(document: dict[str, Any]) -> str:
    """One JSON document in one line."""
    return msgspec.json.encode(document, enc_hook=str).decode() + "\n"


def last_words(text: str) -> None:
    """Say how it ended. Where that cannot be written, it has ended like that all the same, as the exit code says."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OutputLost as lost:
        if not isinstance(lost.__cause__, BrokenPipeError):
            complain(lost, as_json=False)


def complain(error: HaulageError, *, as_json: bool) -> None:
    """Tell of an error: what happened, and what to do. On standard error where standard output takes nothing."""
    if as_json and not isinstance(error, OutputLost):
        with suppress(OutputLost):
            return say_json({"event": "error", "code": error.code, "message": error.message, "fix": error.fix})
    sys.stderr.write(f"haulage: {printable(error.message)}.\n         {printable(error.fix)}\n")
