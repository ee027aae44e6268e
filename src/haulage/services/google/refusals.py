"""What Google's refusals about files mean (Q1): by their reason, else by the status."""

from haulage.model.errors import (
    Blocked,
    Changed,
    Conflict,
    Denied,
    HaulageError,
    QuotaFull,
    SessionGone,
    TooLarge,
    Transient,
)
from haulage.services.bearer import told_json
from haulage.services.google.account import reads, reason
from haulage.services.transport import Answer, Request

DOWNLOAD, CHUNK, STATUS = "DownloadContent", "UploadChunk", "UploadStatus"
SESSION = (CHUNK, STATUS)
EXPORT, LINK, COPY = "ExportFile", "ExportLink", "CopyFile"
MEANINGS: dict[str, type[HaulageError]] = {
    "fileNotDownloadable": Blocked,
    "storageQuotaExceeded": QuotaFull,
    "insufficientFilePermissions": Denied,
    "forbidden": Denied,
    "pageTokenExpired": HaulageError,  # a listing that took too long: nobody's permission is missing
}
_TOO_DEEP = (
    TooLarge,
    "it would lie deeper than the 100 levels of folders that Google takes",
    "Move it higher up at the source, or choose a higher folder as the destination; then run the same command again.",
)
FULL: dict[str, tuple[type[HaulageError], str, str]] = {  # what is told of it, and what to do
    "teamDriveFileLimitExceeded": (
        QuotaFull,
        "the shared drive holds as many items as Google takes, its trash included",
        "Delete there what is not needed, or choose another shared drive; then run the same command again.",
    ),
    "numChildrenInNonRootLimitExceeded": (
        TooLarge,
        "the folder holds as many items as Google takes in one",
        "Divide the folder into several at the source; then run the same command again.",
    ),
    "teamDriveHierarchyTooDeep": _TOO_DEEP,
    "myDriveHierarchyDepthLimitExceeded": _TOO_DEEP,
}
KEPT_BACK = {  # what is told of it, and what to do
    "cannotDownloadFile": (
        "its owner does not allow this account to download, print or copy it",
        "Have its owner allow that, or copy it with the owner's own account.",
    ),
    "cannotDownloadAbusiveFile": (
        "Google took it for malware or spam, and hands it out to nobody who does not insist",
        "Its owner can look at it in Google Drive, and download it there at their own risk.",
    ),
    "downloadQuotaExceeded": (
        "it was downloaded too often of late, and Google hands it out to nobody for a while",
        "Run the same command again tomorrow.",
    ),
}
DAILY_WALL = "User rate limit exceeded."  # Q12: with the full stop, and in small letters
A_DAY = "Google takes 750 GB a day from one user: run the same command again tomorrow; it goes on where it stopped."


class TooLargeToExport(HaulageError):
    """More than 10 MB: it has to be had another way."""


class IdInUse(Conflict):
    """A file has the id that was to be given: it is the one that an earlier request made."""


class BytesMissing(SessionGone):
    """The session has fewer bytes than it was thought to have: it can be asked how many (Q9)."""


def meaning(request: Request, answer: Answer) -> HaulageError | None:
    """What an answer about files means; None where it is what was asked for, or the plain status says it all."""
    told = reason(answer)
    message = f"Google: {request.operation} was refused ({told or answer.status})"
    if request.operation in SESSION:
        if answer.status in (404, 410):
            return SessionGone(message)
        if answer.status == 503 and b"upload offset" in answer.body:
            return BytesMissing(f"{message}: bytes before these are missing")
    if answer.status == 503 and request.operation == COPY:
        return Transient(message)  # it may have been made; sent again, there would be two
    if answer.status == 409:
        return IdInUse(message)
    if answer.status == 416 and request.operation == DOWNLOAD:
        return Changed(f"{message}: it has become shorter")
    if told == "userRateLimitExceeded" and _message(answer) == DAILY_WALL:
        return QuotaFull(f"{message}: the day's upload limit is reached", A_DAY)
    if request.operation == EXPORT and told == "exportSizeLimitExceeded":
        return TooLargeToExport(message)
    if answer.status == 403 and (found := _by_reason(told, message)) is not None:
        return found
    return reads(request, answer)


def _by_reason(told: str, message: str) -> HaulageError | None:
    """What a reason alone means, whatever was asked for."""
    if told in KEPT_BACK:
        return Blocked(*KEPT_BACK[told])
    if told in FULL:
        kind, why, fix = FULL[told]
        return kind(f"{message}: {why}", fix)
    return MEANINGS[told](message) if told in MEANINGS else None


def _message(answer: Answer) -> str:
    error = told_json(answer).get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else ""
