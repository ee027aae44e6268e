"""Codes and statuses: what can become of an item and of a run, and what to do about it."""

from docs.generator.markdown import code, page, plain, table
from haulage.cli.output import exit_for, exit_for_status
from haulage.model import errors
from haulage.model.outcome import STATUS_TEXT, SUCCESSFUL, OutcomeKind, Status
from haulage.reports.catalogue import CATALOGUE

OUTCOMES = {
    OutcomeKind.VERIFIED: "It is at the destination, and a hash that proves content and order says so.",
    OutcomeKind.VERIFIED_WEAK: "It is there, but only its size, or a hash that cannot prove order, could be compared.",
    OutcomeKind.TRANSFORMED: "The destination rewrote it; both hashes are kept. No service of this version does so.",
    OutcomeKind.MOVED: "It was renamed at the destination instead of being sent. No service of this version does so.",
    OutcomeKind.UNCHANGED: "Both sides are as an earlier run proved them. Counted in the run, not listed in its log.",
    OutcomeKind.SKIPPED: "A rule left it out: a filter, or a person's change at the destination.",
    OutcomeKind.UNSUPPORTED: "It has no content that can be copied: a link, a device.",
    OutcomeKind.FAILED: "It could not be copied or compared; code, cause and remedy stand beside it.",
    OutcomeKind.CHANGED_AT_SOURCE: "It kept changing while it was read, in every attempt.",
    OutcomeKind.GONE_AT_SOURCE: "It was listed, and removed before it was read.",
}
"""What each outcome says."""

STATUSES = {
    Status.SUCCESS: "Every item has a good outcome, and something was copied (or compared).",
    Status.NOTHING_TO_COPY: "Both sides were the same already.",
    Status.UNSUPPORTED_ITEMS: "As 100, and some items are of a kind that cannot be copied: the report lists them.",
    Status.SOME_UPLOAD_ERRORS: "Some items failed at the destination. See the report, then run again.",
    Status.ONLY_UPLOAD_ERRORS: "As 201, and none was copied.",
    Status.SOME_DOWNLOAD_ERRORS: "Some items failed at the source. See the report, then run again.",
    Status.ONLY_DOWNLOAD_ERRORS: "As 210, and none was copied.",
    Status.SOME_ERRORS_BOTH: "Some items failed at the source, some at the destination.",
    Status.ONLY_ERRORS_BOTH: "As 211, and none was copied.",
    Status.LISTING_INCOMPLETE: "A side could not be listed whole, so nothing was concluded from what is absent.",
    Status.CANCELED: "A person stopped it. Run the same command again.",
    Status.ALREADY_RUNNING: "The same transfer is being run by another process.",
    Status.QUOTA_EXCEEDED: "A run that was paused for want of room (312) was ended. Earlier versions ended with it.",
    Status.RUNNING: "It is under way.",
    Status.PAUSED: "A person paused it, or Haulage was stopped: resume it. Or many files that had content are listed as"
    " empty: look at the source, see `mass_anomaly`.",
    Status.PAUSED_REAUTHORISE: "A connector's authorisation has ended. Authorise it again: the run goes on by itself.",
    Status.PAUSED_NO_SPACE: "The destination has too little room, as it said before anything was uploaded or while the"
    " run went on; or a disk of this machine is full. Make room, and run the same command again.",
    Status.GENERAL_FAILURE: "Something else ended it; the run's message says what.",
    Status.AUTHORISATION_FAILED: "The credentials were refused. Correct them, and run the same command again.",
    Status.CRASHED: "Its process was killed or the machine went down. Run the same command again.",
    Status.CANNOT_CONNECT: "Nothing answers at an endpoint, or its certificate is refused.",
    Status.INVALID_ROOT: "The bucket, container or folder that was named is not there.",
    Status.UNKNOWN: "Something that should not happen ended it; the server's log tells more. Start it again.",
    Status.QUEUED: "A transfer of a migration that waits for its turn.",
    Status.QUEUED_AGAIN: "It ended with errors that may pass, and waits to be started again.",
    Status.PRECHECKS: "Its turn has come: both sides are being asked whether they answer.",
}
"""What each status says, and what to do."""


def family(kind: type[errors.HaulageError] = errors.HaulageError) -> list[type[errors.HaulageError]]:
    """The closed family of errors, base first, those of other rooms included."""
    import haulage.connectors.vault
    import haulage.engine.plan  # noqa: F401 - both for the errors that they add

    return [kind, *(one for child in kind.__subclasses__() for one in family(child))]


def error_codes() -> str:
    """The page of codes."""
    kinds = {one.code: one for one in reversed(family())}
    rows = []
    for entry in sorted(CATALOGUE.values(), key=lambda one: one.code):
        kind = kinds.get(entry.code)
        stops = "the run" if kind is not None and not kind.item_only else "the item" if kind is not None else ""
        exit_code = code(int(exit_for(kind("")))) if kind is not None and not kind.item_only else ""
        again = "yes" if entry.retryable else ""
        rows.append([code(entry.code), plain(entry.meaning), plain(entry.fix), stops, exit_code, again])
    intro = (
        "A code stands beside every outcome that needs an explanation, in the log, the report and the JSON. "
        "*Stops* says what ends with the error; where it is the run, the exit code is given. *Again* marks what is "
        "tried three times before it counts, and may work in a later run."
    )
    titles = ["Code", "Meaning", "What to do", "Stops", "Exit code", "Again"]
    return page("Error codes", intro, table(titles, rows))


def statuses() -> str:
    """The page of outcomes and statuses."""
    kinds = [[code(kind), plain(text), "yes" if kind in SUCCESSFUL else ""] for kind, text in OUTCOMES.items()]
    runs = [
        [code(int(status)), plain(STATUS_TEXT[status]), plain(text), code(int(exit_for_status(status)))]
        for status, text in STATUSES.items()
    ]
    return page(
        "Outcomes and status codes",
        "## What became of an item",
        "Each listed item has exactly one of these in a run; they add up to what was listed, or the run ends with an "
        "error. *Successful* are those that counters and reports add up under that word.",
        table(["Outcome", "Meaning", "Successful"], kinds),
        "## What became of a run",
        "A run that was stopped by an error has that error's exit code instead.",
        table(["Status", "Shown as", "Meaning and what to do", "Exit code"], runs),
    )
