"""What became of an item in a run, and what became of a run."""

from enum import IntEnum, StrEnum
from typing import Any

import msgspec


class OutcomeKind(StrEnum):
    """What became of an item in a run: exactly one of these."""

    VERIFIED = "verified"
    VERIFIED_WEAK = "verified_weak"
    TRANSFORMED = "transformed"
    MOVED = "moved"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    CHANGED_AT_SOURCE = "changed_at_source"
    GONE_AT_SOURCE = "gone_at_source"


SUCCESSFUL = (OutcomeKind.VERIFIED, OutcomeKind.VERIFIED_WEAK, OutcomeKind.TRANSFORMED, OutcomeKind.MOVED)
WRONG = (OutcomeKind.FAILED, OutcomeKind.CHANGED_AT_SOURCE)


OFFERED = "offered"
"""In the evidence of a failed item: another path at the destination that a person may choose for it."""


class Side(StrEnum):
    """Which end a failure belongs to."""

    SOURCE = "source"
    DESTINATION = "destination"


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of one item, with what it rests on.

    code, message, fix: why and what to do; None for plain success. side: where a failure happened.
    target: the path at the destination, where it differs from `path`. size: bytes.
    evidence: what proves it, JSON ("sha256" of the stream, the destination's own "hashes" and "revision", ...), and
    "began_us" where work on it had a beginning of its own.
    adopted: the content was there already and was compared, not sent.
    """

    item_id: int
    path: str
    kind: OutcomeKind
    size: int = 0
    code: str | None = None
    message: str | None = None
    fix: str | None = None
    side: Side | None = None
    target: str | None = None
    evidence: dict[str, Any] = {}
    adopted: bool = False


class RunKind(StrEnum):
    """What a run does: scan lists and judges, copy moves, verify compares both sides."""

    SCAN = "scan"
    COPY = "copy"
    VERIFY = "verify"


class PassKind(StrEnum):
    """What a pass over a migration does with each transfer.

    cutover: what differs is looked for, copied, and looked for again.
    """

    SCAN = "scan"
    COPY = "copy"
    CUTOVER = "cutover"


class Status(IntEnum):
    """Status codes of a run, kept for people who know them from the predecessor."""

    SUCCESS = 100
    NOTHING_TO_COPY = 101
    UNSUPPORTED_ITEMS = 102
    SOME_UPLOAD_ERRORS = 201
    ONLY_UPLOAD_ERRORS = 202
    SOME_DOWNLOAD_ERRORS = 210
    ONLY_DOWNLOAD_ERRORS = 220
    SOME_ERRORS_BOTH = 211
    ONLY_ERRORS_BOTH = 222
    LISTING_INCOMPLETE = 228
    CANCELED = 230
    ALREADY_RUNNING = 250
    QUOTA_EXCEEDED = 260
    RUNNING = 300
    PAUSED = 310
    PAUSED_REAUTHORISE = 311
    PAUSED_NO_SPACE = 312
    GENERAL_FAILURE = 400
    AUTHORISATION_FAILED = 402
    CRASHED = 404
    CANNOT_CONNECT = 410
    INVALID_ROOT = 411
    UNKNOWN = 500
    QUEUED = 600
    QUEUED_AGAIN = 601
    PRECHECKS = 620


QUEUED = (Status.QUEUED, Status.QUEUED_AGAIN)
UNENDED = (*QUEUED, Status.PRECHECKS, Status.RUNNING)
"""Statuses of what waits for its turn or goes on: no end of a run."""

STATUS_TEXT = {
    Status.SUCCESS: "Success",
    Status.NOTHING_TO_COPY: "Success, nothing needed copying",
    Status.UNSUPPORTED_ITEMS: "Success, some items cannot be copied",
    Status.SOME_UPLOAD_ERRORS: "Some problems: upload errors",
    Status.ONLY_UPLOAD_ERRORS: "Some problems: no file copied, upload errors",
    Status.SOME_DOWNLOAD_ERRORS: "Some problems: download errors",
    Status.ONLY_DOWNLOAD_ERRORS: "Some problems: no file copied, download errors",
    Status.SOME_ERRORS_BOTH: "Some problems: upload and download errors",
    Status.ONLY_ERRORS_BOTH: "Some problems: no file copied, upload and download errors",
    Status.LISTING_INCOMPLETE: "Some problems: the listing is incomplete",
    Status.CANCELED: "Canceled",
    Status.ALREADY_RUNNING: "Already running",
    Status.QUOTA_EXCEEDED: "Storage quota exceeded",
    Status.RUNNING: "Running",
    Status.PAUSED: "Paused",
    Status.PAUSED_REAUTHORISE: "Paused: a connector has to be authorised again",
    Status.PAUSED_NO_SPACE: "Paused: no space",
    Status.GENERAL_FAILURE: "Failed",
    Status.AUTHORISATION_FAILED: "Failed: the connector's authorisation was refused",
    Status.CRASHED: "Crashed or was killed",
    Status.CANNOT_CONNECT: "Failed: could not connect",
    Status.INVALID_ROOT: "Failed: the root path is not there",
    Status.UNKNOWN: "Failed: something unexpected ended it",
    Status.QUEUED: "Queued",
    Status.QUEUED_AGAIN: "Queued again",
    Status.PRECHECKS: "Running prechecks",
}
_NOT_ALIKE = range(Status.SOME_UPLOAD_ERRORS, Status.ONLY_ERRORS_BOTH + 1)


def status_words(status: int, kind: str) -> str:
    """A status code in words; a verification copies nothing, so its errors are no errors of a copy."""
    if kind == RunKind.VERIFY and status in _NOT_ALIKE:
        return "Some problems: not everything is at the destination as it is at the source"
    return STATUS_TEXT[Status(status)] if status in set(Status) else f"Status {status}"
