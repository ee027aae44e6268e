"""What Dropbox's refusals about files mean (Q5): the tags of a 409, from the outermost in."""

from typing import Any

from haulage.model.errors import (
    Blocked,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    QuotaFull,
    RootGone,
    SessionGone,
    Throttled,
    TooLarge,
    Transient,
)
from haulage.services.bearer import told_json
from haulage.services.transport import Answer, Request, retry_after_seconds

SESSION_CALLS = ("upload_session/append_v2", "upload_session/finish")
MEANINGS: dict[str, type[HaulageError]] = {
    "not_found": Gone,
    "not_file": Gone,
    "not_folder": Gone,
    "conflict": Conflict,
    "insufficient_space": QuotaFull,
    "insufficient_quota": QuotaFull,
    "malformed_path": NameRefused,
    "disallowed_name": NameRefused,
    "no_write_permission": Denied,
    "access_restricted": Denied,
    "access_error": Denied,
    "team_folder": Denied,
    "restricted_content": Blocked,
    "unsupported_content_type": Blocked,
    "unsupported_file": Blocked,
    "non_exportable": Blocked,
    "retry_error": Transient,
    "locked": Blocked,
    "content_hash_mismatch": Mismatch,
    "payload_too_large": TooLarge,
    "too_large": TooLarge,
    "closed": SessionGone,
    "reset": SessionGone,
    "internal_error": Transient,
}


class OffsetRefused(SessionGone):
    """The session stands at another byte than was said. at: that byte."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class FolderThere(Conflict):
    """A folder has the name already."""


def tags(error: Any) -> list[str]:
    """The tags of an error, from the outermost in."""
    found: list[str] = []
    while isinstance(error, dict):
        tag = error.get(".tag")
        if tag is None:
            error = error.get("reason")
            continue
        found.append(str(tag))
        error = error.get(str(tag)) or error.get("reason")
    return found


def about_files(request: Request, answer: Answer) -> HaulageError | None:
    """What an answer to a call about files means; None where accounts' rules or the plain status say it."""
    if answer.status not in (409, 422, 429):
        return None
    told = told_json(answer).get("error")
    found = tags(told)
    message = f"Dropbox: {request.operation} was refused ({'/'.join(found)[:80] or answer.status})"
    if answer.status == 429:
        asked = told.get("retry_after") if isinstance(told, dict) else None
        wait = retry_after_seconds(answer.headers)
        return Throttled(message, float(asked) if wait is None and isinstance(asked, int) else wait)
    if answer.status == 422:
        return RootGone(message)
    return meaning(found, message, _offset(told), request.operation in SESSION_CALLS)


def meaning(found: list[str], message: str, offset: int | None = None, in_session: bool = False) -> HaulageError:
    """The error behind the tags. offset: where the session stands, if that is told."""
    if "too_many_write_operations" in found or "too_many_requests" in found:
        return Throttled(message)
    if "incorrect_offset" in found and offset is not None:
        return OffsetRefused(message, offset)
    if in_session and "not_found" in found and "path" not in found:
        return SessionGone(message)
    if found[-2:] == ["conflict", "folder"]:
        return FolderThere(message)
    for tag in found:
        if (kind := MEANINGS.get(tag)) is not None:
            return kind(message)
    return HaulageError(message)


def _offset(error: Any) -> int | None:
    while isinstance(error, dict):
        if isinstance(at := error.get("correct_offset"), int):
            return at
        error = error.get(str(error.get(".tag"))) or error.get("reason")
    return None
