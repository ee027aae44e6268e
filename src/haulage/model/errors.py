"""The closed family of errors. Each is a value: a code, what it means for the engine, and what to do about it."""

from typing import ClassVar

LONGEST_MESSAGE = 1000
"""Characters: an answer of somebody's server may be quoted, but not at length (S19)."""


class HaulageError(Exception):
    """Base of all errors that are expected to happen.

    code: stable word for machines and reports. fix: one sentence, what the person can do. item_only: True when
    it concerns one item and the run goes on; False when nothing else can succeed either. side: "source" or
    "destination", set by whoever knows at which end it happened. answer: a setting and the value that would do,
    where only a person can say whether it is right (a host key that was never seen).
    """

    code: ClassVar[str] = "error"
    default_fix: ClassVar[str] = "See the log of the run for details."
    item_only: ClassVar[bool] = True
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 3]}..."
        self.fix = fix or self.default_fix
        self.side: str | None = None
        self.answer: tuple[str, str] | None = None


class Transient(HaulageError):
    """It may work the next time: a reset, a time-out, a 5xx answer to something that took no effect."""

    code = "transient"
    default_fix = "Run the same command again; if it stays, check the service's status and the network."
    retryable = True


class Throttled(HaulageError):
    """The service asked us to wait. wait_seconds: exactly what it asked for; None when it did not say."""

    code = "throttled"
    default_fix = "Nothing to do: Haulage waits and goes on."
    retryable = True

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class OutcomeUnknown(HaulageError):
    """A write may or may not have taken effect. Ask the service (by key, revision, hash) before anything else."""

    code = "outcome_unknown"
    default_fix = "Run the same command again: it asks the destination what arrived."
    retryable = True


class Unreachable(HaulageError):
    """Nothing answers at the endpoint, or its certificate is refused."""

    code = "unreachable"
    default_fix = "Check the endpoint address, the network and that the server runs."
    item_only = False
    retryable = True


class AuthLost(HaulageError):
    """The credentials are refused, for everything."""

    code = "authorisation"
    default_fix = "Check the key, secret or token, then run the same command again."
    item_only = False


class NeedsReauthorisation(AuthLost):
    """The connector's authorisation has ended: revoked, expired, left idle."""

    code = "needs_reauthorisation"
    default_fix = "Run `haulage connectors reauthorize NAME`; what waits for it goes on from where it stood."


class ScopeMissing(AuthLost):
    """The authorisation does not include something that is needed; the message names it."""

    code = "auth_scope"
    default_fix = "Add the permission to the application's registration, then authorise again and grant all of it."


class ConsentPending(AuthLost):
    """An administrator has yet to consent to the application."""

    code = "consent_pending"
    default_fix = "Let an administrator consent to the application, then authorise again."


class NotAdministrator(AuthLost):
    """The service wants an administrator's account, and this is none."""

    code = "not_administrator"
    default_fix = "Sign in as an administrator, or choose the service for a single user."


class NoLicence(AuthLost):
    """The account is good, but it has no storage of this kind."""

    code = "no_licence"
    default_fix = "Assign a licence that includes the storage to the account, or sign in with another account."


class Denied(HaulageError):
    """The credentials are good, but do not allow this."""

    code = "permission"
    default_fix = "Grant the account access to this item, then run the same command again."


class Gone(HaulageError):
    """It is not there (any more)."""

    code = "gone"
    default_fix = "Nothing to copy: it was removed at the source. Check that this was intended."


class RootGone(HaulageError):
    """The bucket, container or folder that was named does not exist."""

    code = "root_missing"
    default_fix = "Check the spelling of the location."
    item_only = False

    buckets_fix = "Check the spelling of the location; a destination bucket can be made with --create."


class Changed(HaulageError):
    """It is no longer the revision that was listed."""

    code = "changed_at_source"
    default_fix = "It was changed while the run was going on: run the same command again to copy the new version."


class Conflict(HaulageError):
    """A write's precondition failed: something is there that was not expected, or no longer what was expected."""

    code = "conflict"
    default_fix = "Something else wrote this item at the destination. Nothing was overwritten; compare the two."


class NameRefused(HaulageError):
    """The destination does not accept this name, and no rule could fit it."""

    code = "name_refused"
    default_fix = "Rename the item at the source, then run the same command again."


class TooLarge(HaulageError):
    """Larger than the destination takes."""

    code = "too_large"
    default_fix = "Split the file or choose a destination that takes files of this size."


class QuotaFull(HaulageError):
    """The destination has no room left."""

    code = "quota"
    default_fix = "Free or buy space at the destination, then run the same command again."
    item_only = False


class Blocked(HaulageError):
    """The service will not hand the item out: archived, locked, flagged."""

    code = "blocked"
    default_fix = "Restore or unlock the item at the service, then run the same command again."


class Mismatch(HaulageError):
    """What arrived is not what was promised: a short or long body, or another hash."""

    code = "hash"
    default_fix = "The bytes did not match what the service promised, three times. Check the item at its service."
    retryable = True


class ShortRead(Mismatch):
    """The source's body ended early or was too long."""

    code = "short_read"
    default_fix = "The source gave fewer or more bytes than it promised. Check that the item can be read there."


class SessionGone(HaulageError):
    """An upload in parts is no longer known at the destination: start it anew, after looking whether it is there."""

    code = "session_gone"
    retryable = True


class Refused(HaulageError):
    """Input that cannot be accepted: a location that does not parse, a destination inside its source."""

    code = "refused"
    default_fix = "Correct the command and run it again."
    item_only = False


class AlreadyRunning(Refused):
    """The same transfer is being run by another process."""

    code = "already_running"
    default_fix = "Wait for the other run, or stop it, then run the same command again."


class LedgerUnusable(HaulageError):
    """The ledger cannot be read or written."""

    code = "ledger"
    default_fix = "Restore the ledger from a backup, or move it away to start a new one."
    item_only = False


class DiskFull(HaulageError):
    """No space where the ledger, the log or a local destination lives."""

    code = "disk_full"
    default_fix = "Free space on that disk, then run the same command again: it goes on where it stopped."
    item_only = False


class DiskFailed(HaulageError):
    """The disk or share under the ledger or a local destination fails to write or sync: never asked again."""

    code = "disk_failed"
    default_fix = "Check the health of that disk or share (the system's log), then run the same command again."
    item_only = False


class OutputLost(HaulageError):
    """Standard output cannot be written any more: its reader is gone, or the disk that it goes to is full."""

    code = "output"
    default_fix = "Send it where it can be written, then run the same command again: it goes on where it stopped."
    item_only = False


class LeaseLost(HaulageError):
    """Another worker owns this work now; nothing may be committed any more."""

    code = "lease_lost"
    item_only = False


class Missing(Refused):
    """There is no such thing, or it is somebody else's: the answer is the same."""

    code = "not_there"
    default_fix = "See the list of what there is."


class NotAllowed(Refused):
    """The role, or the token's scopes, do not allow it."""

    code = "not_allowed"
    default_fix = "Ask an administrator of this installation."


class SignInRefused(HaulageError):
    """Name, password, code or token are not right; which of them is not told."""

    code = "sign_in"
    default_fix = "Check the name, the password and, where you use one, the code."
    item_only = False


class TooManyFailures(HaulageError):
    """Sign-ins failed too often. wait_seconds: how long to wait."""

    code = "too_many_failures"
    default_fix = "Wait as long as the message says, then try again."
    item_only = False

    def __init__(self, message: str, fix: str | None = None, wait_seconds: int = 0) -> None:
        super().__init__(message, fix)
        self.wait_seconds = wait_seconds
