"""What Egnyte's refusals about files mean (Q1, Q2, Q10): by the gateway's header, else by status and text."""

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
    TooLarge,
)
from haulage.services.bearer import told_json
from haulage.services.egnyte.account import reads
from haulage.services.transport import Answer, Request

DOWNLOAD, CHUNK, MAKE = "download", "upload chunk", "add folder"
UPLOAD_ID = "X-Egnyte-Upload-Id"
STATUSES: dict[int, type[HaulageError]] = {
    413: TooLarge,
    423: Blocked,
    507: QuotaFull,
    596: NameRefused,  # the gateway itself takes such a path for none of the API's
}
LONGEST_WORDS = 200


class Exists(Conflict):
    """Something is there already: the same status as a missing permission, told apart by its text (Q10)."""


def words(answer: Answer) -> str:
    """What an error says, in whichever of the forms that Egnyte has for it."""
    told = told_json(answer)
    for name in ("errorMessage", "message"):
        if isinstance(told.get(name), str):
            return str(told[name])[:LONGEST_WORDS]
    for name in ("formErrors", "errors", "Errors"):
        first = told[name][0] if isinstance(told.get(name), list) and told[name] else None
        if isinstance(first, dict):
            return str(first.get("msg") or first.get("description") or "")[:LONGEST_WORDS]
    return ""


def meaning(request: Request, answer: Answer) -> HaulageError | None:
    """What an answer about files means; None where the plain status says it all."""
    if (error := reads(request, answer)) is not None:
        return error
    said = words(answer)
    message = f"Egnyte: {request.operation} was refused ({said or answer.status})"
    if answer.status == 403:
        return _forbidden(said.lower(), message)
    if answer.status == 400:
        return _bad(request, said.lower(), message)
    if answer.status == 404 and UPLOAD_ID in request.headers:
        return SessionGone(message)
    if answer.status == 416 and request.operation == DOWNLOAD:
        return Changed(f"{message}: it has become shorter")
    if (kind := STATUSES.get(answer.status)) is not None:
        return kind(message)
    return None


def _forbidden(said: str, message: str) -> HaulageError:
    if "already exists" in said or "exists at this location" in said:
        return Exists(message)
    return Blocked(message) if "locked" in said else Denied(message)


def _bad(request: Request, said: str, message: str) -> HaulageError:
    if "checksum" in said:
        return Mismatch(message)
    if "chunk" in said and request.operation == CHUNK:
        return SessionGone(message)
    if request.operation == DOWNLOAD or "parent is" in said:  # a folder, or what has a file above it
        return Gone(message)
    return NameRefused(message) if "name" in said or "path" in said else HaulageError(message)
