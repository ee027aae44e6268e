"""What Google's refusals about files mean (Q1): by their reason, else by the status."""

from haulage.model.errors import (
    Blocked,
    Changed,
    Conflict,
    Denied,
    HaulageError,
    NameRefused,
    QuotaFull,
    SessionGone,
)
from haulage.services.bearer import told_json
from haulage.services.google.account import reads, reason
from haulage.services.transport import Answer, Request

DOWNLOAD, CHUNK, STATUS = "DownloadContent", "UploadChunk", "UploadStatus"
SESSION = (CHUNK, STATUS)
MEANINGS: dict[str, type[HaulageError]] = {
    "cannotDownloadFile": Blocked,
    "cannotDownloadAbusiveFile": Blocked,
    "downloadQuotaExceeded": Blocked,
    "fileNotDownloadable": Blocked,
    "storageQuotaExceeded": QuotaFull,
    "teamDriveFileLimitExceeded": QuotaFull,
    "numChildrenInNonRootLimitExceeded": NameRefused,
    "teamDriveHierarchyTooDeep": NameRefused,
    "myDriveHierarchyDepthLimitExceeded": NameRefused,
}
DAILY_WALL = "User rate limit exceeded."  # Q12: with the full stop, and in small letters
A_DAY = "Google takes 750 GB a day from one user: run the same command again tomorrow; it goes on where it stopped."


class IdInUse(Conflict):
    """A file has the id that was to be given: it is the one that an earlier request made."""


def meaning(request: Request, answer: Answer) -> HaulageError | None:
    """What an answer about files means; None where it is what was asked for, or the plain status says it all."""
    told = reason(answer)
    message = f"Google: {request.operation} was refused ({told or answer.status})"
    if request.operation in SESSION:
        if answer.status in (404, 410):
            return SessionGone(message)
        if answer.status == 503 and b"upload offset" in answer.body:
            return SessionGone(f"{message}: bytes before these are missing")
    if answer.status == 409:
        return IdInUse(message)
    if answer.status == 416 and request.operation == DOWNLOAD:
        return Changed(f"{message}: it has become shorter")
    if told == "userRateLimitExceeded" and _message(answer) == DAILY_WALL:
        return QuotaFull(f"{message}: the day's upload limit is reached", A_DAY)
    if (kind := MEANINGS.get(told)) is not None:
        return kind(message)
    if answer.status == 403 and told in ("insufficientFilePermissions", "forbidden"):
        return Denied(message)
    return reads(request, answer)


def _message(answer: Answer) -> str:
    error = told_json(answer).get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else ""
