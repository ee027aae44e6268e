"""Box's errors (developer.box.com/guides/api-calls/permissions-and-errors/common-errors)."""

from typing import Any

from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer

HELP = "https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/"
MESSAGES = {
    "not_found": "Not Found",
    "trashed": "Item is trashed",
    "not_trashed": "Item is not trashed",
    "item_name_in_use": "Item with the same name already exists",
    "item_name_invalid": "Item name invalid",
    "item_name_too_long": "Item name too long",
    "access_denied_insufficient_permissions": "Access denied - insufficient permission",
    "access_denied_item_locked": "Access denied - item locked",
    "forbidden_by_policy": "Access denied - forbidden by policy",
    "storage_limit_exceeded": "Account storage limit reached",
    "file_size_limit_exceeded": "File size exceeds the folder owner's file size limit",
    "folder_not_empty": "Cannot delete - folder not empty",
    "cyclical_folder_structure": "Cannot move a folder into itself or one of its own",
    "operation_blocked_temporary": "The operation is blocked by another ongoing operation",
    "name_temporarily_reserved": "The item name is reserved by another processing item; wait and retry",
    "precondition_failed": "The resource has been modified. Please retrieve the resource again and retry",
    "bad_digest": "The specified content-md5 did not match what we received",
    "rate_limit_exceeded": "Request rate limit exceeded, please try again later",
    "session_expired": "The upload session is expired",
    "user_already_collaborator": "User is already a collaborator",
    "unauthorized": "Unauthorized",
    "insufficient_scope": "The request requires higher privileges than provided by the access token.",
}


def problem(
    call: Call, status: int, code: str, message: str = "", info: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:  # fmt: skip
    """An error in Box's form."""
    document: dict[str, Any] = {
        "type": "error",
        "status": status,
        "code": code,
        "help_url": HELP,
        "message": message or MESSAGES.get(code, code.replace("_", " ").capitalize()),
        "request_id": f"{call.event.number:x}0b0x{call.event.number % 997:03x}",
    }
    if info is not None:
        document["context_info"] = info
    return json_answer(document, status, headers)


def refuse(call: Call, status: int, code: str, message: str = "", info: dict[str, Any] | None = None) -> Refusal:
    """The same, to be raised."""
    return Refusal(problem(call, status, code, message, info))


def inner(call: Call, document: dict[str, Any], name: str) -> dict[str, Any]:
    """An object within a document; empty where it is absent or null. Raises Refusal where it is something else."""
    found = document.get(name) or {}
    if not isinstance(found, dict):
        raise wrong(call, name, "is no object")
    return found


def wrong(call: Call, name: str, message: str, *, code: str = "bad_request") -> Refusal:
    """A wrong argument, told as Box does: the name of the argument within context_info."""
    errors = [{"reason": "invalid_parameter", "name": name, "message": message}]
    return refuse(call, 400, code, "Bad Request", {"errors": errors})
