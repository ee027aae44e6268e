"""What Graph's refusals about files mean (Q2): by its deepest code, else by the status."""

from collections.abc import Mapping
from typing import Any

from haulage.model.errors import (
    Blocked,
    Conflict,
    HaulageError,
    NameRefused,
    NoLicence,
    QuotaFull,
    SessionGone,
    Throttled,
    TooLarge,
)
from haulage.services.bearer import told_json
from haulage.services.transport import Answer, Request, retry_after_seconds

UPLOADING = ("UploadFragment", "GetUploadSession", "CommitUpload")
NO_DRIVE = ("does not have a spo license", "mysite not found", "unable to retrieve user's mysite url")
MEANINGS: dict[str, type[HaulageError]] = {
    "namealreadyexists": Conflict,
    "resourcemodified": Conflict,
    "pathistoolong": NameRefused,
    "invalidpath": NameRefused,
    "maxfilesizeexceeded": TooLarge,
    "quotalimitreached": QuotaFull,
    "insufficientstorage": QuotaFull,
    "malwaredetected": Blocked,
    "virussuspicious": Blocked,
    "resourcelocked": Blocked,
    "accessrestricted": Blocked,
    "uploadsessionnotfound": SessionGone,
}


class SessionRefused(SessionGone):
    """The session is refused: it has expired (Q7), or, where it is new, the file may not be written."""


class Overlap(SessionGone):
    """The service has (a part of) this fragment already, or does not expect it yet."""


def reads(request: Request, answer: Answer) -> HaulageError | None:
    """What Graph's own words mean; None where the plain status says it all."""
    codes, message = _told(answer)
    if any(words in message.lower() for words in NO_DRIVE):
        return NoLicence("Microsoft: this account has no OneDrive or SharePoint")
    told = f"Microsoft: {request.operation} was refused ({codes[-1] if codes else answer.status})"
    if request.operation in UPLOADING:
        if answer.status == 416:
            return Overlap(told)
        if answer.status == 403:
            return SessionRefused(told)
        if answer.status in (401, 404, 410):
            return SessionGone(told)
    if answer.status == 509:
        return Throttled(told, retry_after_seconds(answer.headers))
    if answer.status == 423:
        return Blocked(f"{told}: locked or checked out by somebody")
    if answer.status == 507:
        return QuotaFull(told)
    for code in reversed(codes):
        if (kind := MEANINGS.get(code.lower())) is not None:
            return kind(told)
    return None


def _told(answer: Answer) -> tuple[list[str], str]:
    """The codes, the outermost first, and the message."""
    error: Any = told_json(answer).get("error")
    message = str(error.get("message") or "") if isinstance(error, Mapping) else ""
    codes = []
    while isinstance(error, Mapping):
        if code := error.get("code"):
            codes.append(str(code))
        error = error.get("innerError") or error.get("innererror")
    return codes, message
