"""What Box's refusals about files mean (Q5): by their code, else by the status."""

from typing import Any

from haulage.model.errors import (
    Blocked,
    Changed,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    QuotaFull,
    SessionGone,
    ShortRead,
    TooLarge,
    Transient,
)
from haulage.services.bearer import Judge, told_json
from haulage.services.box.account import reads
from haulage.services.transport import Answer, NotReady, Request, retry_after_seconds

DOWNLOAD, BYTES, PART, PARTS, COMMIT, ABORT = (
    "GetContent", "DownloadContent", "UploadPart", "ListParts", "CommitUpload", "AbortUpload",
)  # fmt: skip
SESSION = (PART, PARTS, COMMIT, ABORT)
MEANINGS: dict[str, type[HaulageError]] = {
    "not_found": Gone,
    "trashed": Gone,
    "item_name_invalid": NameRefused,
    "item_name_too_long": NameRefused,
    "storage_limit_exceeded": QuotaFull,
    "file_size_limit_exceeded": TooLarge,
    "request_entity_too_large": TooLarge,
    "bad_digest": Mismatch,
    "access_denied_insufficient_permissions": Denied,
    "operation_blocked_temporary": Transient,
    "name_temporarily_reserved": Transient,
    "precondition_failed": Conflict,
    "parts_mismatch": SessionGone,
    "invalid_part_size": ShortRead,
    "session_expired": SessionGone,
    "upload_failed": SessionGone,
}
BLOCKED = {
    "access_denied_item_locked": (
        "the file is locked",
        "Have whoever locked it at Box unlock it, then run the same command again.",
    ),
    "forbidden_by_policy": (
        "a policy of the enterprise forbids it",
        "Have an administrator of Box look at its policies (Shield, malware), then run the same command again.",
    ),
}
"""What is kept back, in words, and what to do."""


class NameInUse(Conflict):
    """Something has the name already. there: what it is, as far as that is told (type, id, ...)."""

    def __init__(self, message: str, there: dict[str, Any]) -> None:
        super().__init__(message)
        self.there = there


class PartThere(Conflict):
    """The session has bytes there already, and takes none again."""


class BoxJudge(Judge):
    """A redirect is what a download is answered with; 202 asks for the same call again (Q9)."""

    def __init__(self) -> None:
        super().__init__("Box", meaning)

    def __call__(self, request: Request, answer: Answer) -> HaulageError | None:
        if answer.status == 302 and request.operation == DOWNLOAD:
            return None
        if answer.status == 202:
            return NotReady(f"Box: {request.operation} is not ready yet", retry_after_seconds(answer.headers) or 1)
        return super().__call__(request, answer)


def meaning(request: Request, answer: Answer) -> HaulageError | None:
    """What an answer about files means; None where the plain status says it all."""
    told = told_json(answer)
    code = str(told.get("code", ""))
    message = f"Box: {request.operation} was refused ({code[:60] or answer.status})"
    if answer.status == 409 and code == "item_name_in_use":
        return NameInUse(message, _there(told))
    if request.operation == PART and code == "range_overlaps_existing_part":
        return PartThere(message)
    if request.operation == PART and answer.status == 412:
        return Mismatch(message)
    if request.operation in SESSION and answer.status in (404, 410):
        return SessionGone(message)
    if request.operation == BYTES and answer.status == 416:
        return Changed(f"{message}: it has become shorter")
    if code in BLOCKED:
        why, fix = BLOCKED[code]
        return Blocked(f"Box: {request.operation} was refused: {why}", fix)
    if (kind := MEANINGS.get(code)) is not None:
        return kind(message)
    if answer.status == 503 and retry_after_seconds(answer.headers) is None:
        return Transient(message)
    return reads(request, answer)


def _there(told: dict[str, Any]) -> dict[str, Any]:
    """What stands there: one object, or a list of them (Q6)."""
    about = told.get("context_info")
    found = about.get("conflicts") if isinstance(about, dict) else None
    if isinstance(found, list):
        found = found[0] if found else None
    return found if isinstance(found, dict) else {}
