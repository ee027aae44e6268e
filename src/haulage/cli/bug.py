"""What the program does with an error that nobody expected: the traceback goes to the log, a sentence to the person."""

import sys
from contextlib import suppress

from haulage.cli.output import printable, say_json
from haulage.model.errors import OutputLost
from haulage.reports.catalogue import lookup


def tell_of_bug(error: Exception, *, as_json: bool) -> None:
    """Log it and tell where the log lies."""
    from haulage.logs import Log, redact
    from haulage.operations.home import home

    log = Log(home() / "logs")
    first, fix = _first(error), lookup("bug").fix
    log.bug(error, command=sys.argv[1:2])
    message = redact(f"unexpected error: {type(first).__name__}: {first}")[:1000]
    if as_json:
        with suppress(OutputLost):
            return say_json({"event": "error", "code": "bug", "message": message, "fix": fix, "log": str(log.path)})
    sys.stderr.write(f"haulage: {printable(message)}; details are in {printable(str(log.path))}.\n         {fix}\n")


def _first(error: BaseException) -> BaseException:
    """The error inside a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
