"""The catalogue of codes: what each one means and what to do about it. Reports and the reference read it."""

import msgspec

from haulage.model import errors


class Entry(msgspec.Struct, frozen=True):
    """A code for people. heading: a few words; meaning, fix: a sentence each; retryable: a later run may succeed."""

    code: str
    heading: str
    meaning: str
    fix: str
    retryable: bool = False


def lookup(code: str | None) -> Entry:
    """The entry of a code. One that the catalogue does not know (a newer ledger's) is still told, by its name."""
    name = code or "unexplained"
    return CATALOGUE.get(name) or Entry(name, name, "No explanation is known.", errors.HaulageError.default_fix)


def _error(kind: type[errors.HaulageError], heading: str, meaning: str) -> Entry:
    """The entry of an error of the model, whose fix stands in its class."""
    return Entry(kind.code, heading, meaning, kind.default_fix, kind.retryable)


_ERRORS = (
    _error(errors.HaulageError, "Other error", "Something failed that has no code of its own."),
    _error(
        errors.Transient, "Passing disturbance", "The service or the network failed for a moment, in every attempt."
    ),
    _error(errors.Throttled, "Throttled", "The service asked for fewer calls."),
    _error(errors.OutcomeUnknown, "Answer lost", "A write was sent and its answer never came."),
    _error(errors.Unreachable, "Unreachable", "Nothing answers at the endpoint, or its certificate is refused."),
    _error(errors.AuthLost, "Authorisation refused", "The service refuses the credentials, for everything."),
    _error(
        errors.NeedsReauthorisation, "Authorisation ended", "The connector was revoked, has expired or was left idle."
    ),
    _error(errors.Missing, "Not there", "There is no such thing, or it is somebody else's."),
    _error(errors.NotAllowed, "Not allowed", "The person's role, or the token's scopes, do not allow it."),
    _error(errors.SignInRefused, "Signing in failed", "Name, password, one-time code or token are not right."),
    _error(errors.TooManyFailures, "Too many failures", "Sign-ins failed too often from there."),
    _error(errors.ScopeMissing, "Permission not granted", "The authorisation lacks a scope that is needed."),
    _error(errors.ConsentPending, "Consent pending", "An administrator has yet to consent to the application."),
    _error(errors.NotAdministrator, "Not an administrator", "The service wants an administrator's account."),
    _error(errors.NoLicence, "No storage", "The account has no storage of this kind: a licence is missing."),
    _error(errors.Denied, "Not permitted", "The credentials are good, but do not allow this."),
    _error(errors.Gone, "Not there any more", "The item was listed and then removed."),
    _error(errors.RootGone, "Location missing", "The bucket, container or folder that was named does not exist."),
    _error(errors.Changed, "Changed meanwhile", "The item kept changing at the source while it was copied."),
    _error(errors.Conflict, "Taken at the destination", "Something unexpected is at the destination under this name."),
    _error(errors.NameRefused, "Name not accepted", "The destination takes no such name, and no rule could fit it."),
    _error(errors.TooLarge, "Too large", "The file is larger than the destination takes."),
    _error(errors.QuotaFull, "Destination full", "The destination has no room left."),
    _error(
        errors.Blocked, "Locked at the service", "The service does not hand the item out: archived, locked, flagged."
    ),
    _error(errors.Mismatch, "Content does not match", "What arrived is not what was promised, by its hash."),
    _error(errors.ShortRead, "Wrong length", "The source gave fewer or more bytes than it had listed."),
    _error(errors.SessionGone, "Upload forgotten", "The destination no longer knows an upload that was under way."),
    _error(errors.Refused, "Refused", "What was asked for cannot be accepted."),
    _error(errors.AlreadyRunning, "Already running", "Another process is running the same transfer."),
    _error(errors.LedgerUnusable, "Ledger unusable", "The ledger cannot be read or written."),
    _error(errors.DiskFull, "Disk full", "No space is left where the ledger, the log or a local destination lies."),
    _error(errors.DiskFailed, "Disk failed", "The disk or share under a local destination reported an error."),
    _error(errors.OutputLost, "Output lost", "What the program tells could not be written to standard output."),
    _error(errors.LeaseLost, "Taken over", "Another process has taken this run over."),
)

_OTHERS = (
    Entry(
        "mass_anomaly",
        "Many files became empty",
        "Many files that had been copied with content are listed as empty now.",
        "Check the source. If the files are meant to be empty, run again with --accept-emptied.",
    ),
    Entry(
        "vault",
        "Vault closed",
        "The secrets of a connector cannot be sealed or opened.",
        "Restore the vault's key file from a backup, or delete the connector and add it again.",
    ),
    Entry(
        "filter",
        "Left out by a filter",
        "The filters of the transfer do not take it.",
        "Change the filters to copy it.",
    ),
    Entry(
        "carried_elsewhere",
        "Copied elsewhere",
        "Several users of the migration see it, or it lies at several places: it is copied once, as what came first.",
        "Nothing is to be done: it is copied once.",
    ),
    Entry(
        "not_a_file",
        "Neither file nor folder",
        "It is a link, a device, a socket or the like, which has no content to copy.",
        "Copy what it stands for by hand.",
    ),
    Entry(
        "destination_changed",
        "Changed at the destination",
        "It was changed at the destination since it was copied, and not at the source.",
        "Nothing was overwritten. Remove it at the destination to have it copied again.",
    ),
    Entry(
        "kept_both",
        "Both kept",
        "Another file had this name at the destination. It was left alone, and ours got a number.",
        "Compare the two, and remove the one that is not needed.",
    ),
    Entry(
        "converted",
        "A document, carried as a file",
        "It is of a service's own kind, which is no file: it was copied as it is, or made a file in a common form.",
        "Open one of each kind at the destination, and look whether it is good enough for whoever works with them.",
    ),
    Entry(
        "removed_since",
        "Removed at the source since an earlier run",
        "It was copied by an earlier run and is not at the source any more. The copy was kept.",
        "Remove it at the destination by hand if it is not wanted any more.",
    ),
    Entry(
        "missing",
        "Missing at the destination",
        "The source has it, and the destination does not.",
        "Run `haulage copy` for the same two locations.",
    ),
    Entry(
        "size",
        "Different size",
        "Both sides have it, with different sizes.",
        "Find out which one is right. A copy replaces only what was not changed at the destination.",
    ),
    Entry(
        "kind",
        "A file here, a folder there",
        "One side has a file under this name, the other a folder or something else.",
        "Find out which one is right, and remove or rename the other.",
    ),
    Entry(
        "size_only",
        "Only the size was compared",
        "The two sides tell no hash that they have in common, and the content was not read.",
        "Run `haulage verify --deep` to have the content of both sides read and compared.",
    ),
    Entry(
        "not_listed",
        "Not found in an incomplete listing",
        "The destination could not be listed whole, and this was not in what was listed.",
        "Run `haulage verify` again.",
        retryable=True,
    ),
    Entry(
        "changed_at_destination",
        "Changed at the destination meanwhile",
        "It kept changing at the destination while it was read.",
        "Verify again when nothing writes there.",
        retryable=True,
    ),
    Entry(
        "extra_at_destination",
        "Only at the destination",
        "The destination has it, and the source does not.",
        "Nothing has to be done, unless the two sides are meant to be equal.",
    ),
    Entry(
        "interrupted",
        "Interrupted",
        "A person or the system stopped the program.",
        "Run the same command again: it goes on where it stopped.",
        retryable=True,
    ),
    Entry(
        "bug",
        "Unexpected error",
        "The program met something that it was not made for. The log holds the details.",
        "Run the same command again: what was proven is kept. If it comes again, report it with the log.",
    ),
)

CATALOGUE: dict[str, Entry] = {entry.code: entry for entry in (*_ERRORS, *_OTHERS)}
"""Every code that can stand in an outcome, an event or an error."""
