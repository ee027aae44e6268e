"""The program `haulage`: parses, shows, and ends with an exit code that means something."""

import gc
import sys
from typing import Any

import cyclopts

from haulage import __version__
from haulage.cli import streams
from haulage.cli.bug import tell_of_bug
from haulage.cli.output import EXIT_HELP, Exit, complain, exit_for
from haulage.model.errors import HaulageError, OutputLost, Refused

app = cyclopts.App(
    name="haulage",
    help="Copies trees of files between storage services, and proves that everything arrived.",
    help_epilogue=EXIT_HELP,
    version=__version__,
    result_action="return_value",
)
COMMANDS = {  # loaded when they are called; their first lines are told here, so that help needs none of them
    "copy": ("haulage.cli.copy:copy", "Copy everything below SOURCE to DESTINATION, verified."),
    "verify": ("haulage.cli.verify:verify", "Compare every item below SOURCE with DESTINATION; write nothing."),
    "scan": ("haulage.cli.scan:scan", "List one location and judge what a copy of it would meet."),
    "runs": ("haulage.cli.history:runs", "The runs so far, newest first."),
    "log": ("haulage.cli.history:log", "What a run did, item by item."),
    "certificate": ("haulage.cli.certificate:certificate", "Write a signed certificate of what was moved and proven."),
    "report": ("haulage.cli.history:report", "Write a run's report: a page, and tables for other programs."),
    "up": ("haulage.cli.up:up", "Serve the web application on this machine."),
    "sandbox": ("haulage.cli.sandbox:app", "The cloud services, simulated on this machine."),
    "connectors": ("haulage.cli.connectors:app", "Named links to accounts, their keys and tokens sealed."),
    "migrations": ("haulage.cli.migrations:app", "Many users or folders, moved together."),
    "apply": ("haulage.cli.apply:apply", "Make a migration as a file has it; what would change is shown first."),
    "realms": ("haulage.cli.realms:app", "Where connectors' services live: the vendors' own, or a sandbox."),
    "keys": ("haulage.cli.keys:app", "The master key that seals the secrets of connectors."),
}
for name, (place, told) in COMMANDS.items():
    app.command(place, name=name, help=told)


def main(tokens: list[str] | None = None) -> Any:
    """Run the program; never lets a traceback out for an expected error."""
    # Imports and requests leave few cycles behind: without this, an eighth of the CPU time goes to looking for them.
    gc.set_threshold(20_000, 50, 50)
    if tokens is None:
        streams.install()
    as_json = "--json" in (tokens or sys.argv)
    try:
        code = app(tokens, exit_on_error=False, print_error=not as_json)
        sys.stdout.flush()
    except cyclopts.CycloptsError as error:
        if as_json:
            complain(Refused(str(error), "See --help of that command."), as_json=True)
        sys.exit(Exit.REFUSED)
    except OutputLost as error:
        if isinstance(error.__cause__, BrokenPipeError):  # whoever read us has enough
            sys.exit(Exit.OK)
        complain(error, as_json=False)
        sys.exit(exit_for(error))
    except HaulageError as error:
        complain(error, as_json=as_json)
        sys.exit(exit_for(error))
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except Exception as error:  # a bug, whatever it is: told in a sentence, with the traceback in the log
        tell_of_bug(error, as_json=as_json)
        sys.exit(Exit.BUG)
    sys.exit(code if isinstance(code, int) else Exit.OK)


if __name__ == "__main__":
    main()
