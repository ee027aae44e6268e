"""Google's refusals, in the form of Google's JSON interfaces and in that of its OAuth endpoints.

Source: developers.google.com/workspace/drive/api/guides/handle-errors (2026-04).
"""

from typing import Any

from haulage.sandbox.frame.wire import Answer, Refusal, json_answer

KIND = "application/json; charset=UTF-8"
UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)
NO_KEY = "The request is missing a valid API key."
REALM = 'Bearer realm="https://accounts.google.com/"'


def error(
    code: int,
    reason: str,
    message: str,
    *,
    domain: str = "global",
    location: str = "",
    kind: str = "parameter",
    short: str = "",
    status: str = "",
    details: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """An error's answer. location: the parameter (or header: `kind`) at fault. short: the message of errors[0].

    status: the word of google.rpc.Code, which only some errors have.
    """
    first: dict[str, Any] = {"message": short or message, "domain": domain, "reason": reason}
    if location:
        first |= {"location": location, "locationType": kind}
    told: dict[str, Any] = {"code": code, "message": message, "errors": [first]}
    if status:
        told["status"] = status
    if details:
        told["details"] = details
    return json_answer({"error": told}, code, headers, KIND)


def refuse(code: int, reason: str, message: str, **more: Any) -> Refusal:
    """The same, to be raised."""
    return Refusal(error(code, reason, message, **more))


def not_found(file_id: str) -> Refusal:
    """No such file, or none that the caller may see."""
    return refuse(404, "notFound", f"File not found: {file_id}.", location="fileId")


def drive_not_found(drive_id: str) -> Refusal:
    """No such shared drive, or none that the caller may see."""
    return refuse(404, "notFound", f"Shared drive not found: {drive_id}", location="driveId")


def invalid(name: str) -> Refusal:
    """A parameter's value is none that it can have."""
    return refuse(400, "invalid", "Invalid Value", location=name)


def bad_parameter(message: str, name: str) -> Refusal:
    """A parameter is out of its range."""
    return refuse(400, "invalidParameter", message, location=name)


def required(name: str) -> Refusal:
    """A parameter or field is missing."""
    return refuse(400, "required", f"Required parameter: {name}", location=name)


def bad_request(message: str, location: str = "") -> Refusal:
    """What was asked for cannot be."""
    return refuse(400, "badRequest", message, location=location)


def unwritable(name: str) -> Refusal:
    """A field of the body may not be set."""
    return refuse(
        403, "fieldNotWritable", f"The resource body includes fields which are not directly writable: {name}."
    )


def no_file_permission(file_id: str) -> Refusal:
    """The caller sees the file, but may not do this with it."""
    message = f"The user does not have sufficient permissions for file {file_id}."
    return refuse(403, "insufficientFilePermissions", message)


def typed(name: str, kind: str, value: str) -> Refusal:
    """A parameter is not of its type."""
    return typed_answer([(name, kind, value)])


def typed_answer(wrong: list[tuple[str, str, str]]) -> Refusal:
    """Parameters are not of their types: (name with underscores, TYPE_BOOL ..., value)."""
    texts = [f"Invalid value at '{name}' ({kind}), \"{value}\"" for name, kind, value in wrong]
    fields = [{"field": name, "description": text} for (name, _, _), text in zip(wrong, texts, strict=True)]
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": fields}]
    return refuse(400, "invalid", "\n".join(texts), status="INVALID_ARGUMENT", details=details)


def unauthorised() -> Answer:
    """The access token is unknown, expired or revoked."""
    return error(
        401, "authError", UNAUTHENTICATED, short="Invalid Credentials", location="Authorization", kind="header",
        status="UNAUTHENTICATED", headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
    )  # fmt: skip


def anonymous(method: str, *, media: bool) -> Answer:
    """There is no access token at all."""
    if method != "GET":
        return error(
            401, "required", "Login Required.", location="Authorization", kind="header", status="UNAUTHENTICATED",
            headers={"WWW-Authenticate": REALM},
        )  # fmt: skip
    message = NO_KEY if media else UNREGISTERED
    return error(403, "forbidden", message, status="PERMISSION_DENIED")


def scope_missing(scopes: frozenset[str]) -> Answer:
    """The access token does not include what the operation needs."""
    wanted = " ".join(sorted(scopes))
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
        }
    ]
    return error(
        403, "insufficientPermissions", "Request had insufficient authentication scopes.",
        short="Insufficient Permission", status="PERMISSION_DENIED", details=details,
        headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{wanted}"'},
    )  # fmt: skip


def quota(reason: str, message: str, code: int, seconds: str | None) -> Answer:
    """A budget is used up, in the older form."""
    headers = {} if seconds is None else {"Retry-After": seconds}
    return error(code, reason, message, domain="usageLimits", headers=headers)


def quota_new(project: str, limit: str, seconds: str | None) -> Answer:
    """A budget is used up, in the newer form (google.rpc.ErrorInfo)."""
    message = (
        f"Quota exceeded for quota metric 'Queries' and limit '{limit}' of service 'drive.googleapis.com' for "
        f"consumer 'project_number:{project}'."
    )
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
            "metadata": {
                "service": "drive.googleapis.com",
                "quota_metric": "drive.googleapis.com/default",
                "quota_limit": limit,
                "consumer": f"projects/{project}",
            },
        }
    ]
    headers = {} if seconds is None else {"Retry-After": seconds}
    return error(
        403, "rateLimitExceeded", message, domain="usageLimits", status="PERMISSION_DENIED", details=details,
        headers=headers,
    )  # fmt: skip


def oauth_error(code: int, name: str, description: str = "", **more: str) -> Answer:
    """An error of the token endpoint."""
    told = {"error": name, **({"error_description": description} if description else {}), **more}
    return json_answer(told, code, {"Cache-Control": "no-cache, no-store"}, KIND)
