"""Errors for programs, as RFC 9457 problem details: what, why, and what to do."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import Request
from fastapi.responses import Response

from haulage.model.errors import (
    AuthLost,
    Denied,
    Gone,
    HaulageError,
    Missing,
    NotAllowed,
    Refused,
    RootGone,
    SignInRefused,
    TooManyFailures,
    Unreachable,
)

STATUS_OF: tuple[tuple[type[HaulageError], int], ...] = (
    (Missing, 404),
    (NotAllowed, 403),
    (SignInRefused, 401),
    (TooManyFailures, 429),
    (AuthLost, 409),
    (Denied, 409),
    (Gone, 404),
    (RootGone, 409),
    (Unreachable, 502),
    (Refused, 422),
)


def status_of(error: HaulageError) -> int:
    """The status of HTTP that says the same; 503 for what is this server's own matter."""
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), 503)


def _document(status: int, facts: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    body = msgspec.json.encode({"status": status, **facts}, enc_hook=str)
    return Response(body, status, dict(headers or {}), media_type="application/problem+json")


def answer(request: Request, error: HaulageError) -> Response:
    """An error that is known."""
    facts = {"type": f"urn:haulage:{error.code}", "title": error.message, "detail": error.fix, "code": error.code}
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, SignInRefused) else None
    if isinstance(error, TooManyFailures):
        headers = {"Retry-After": str(error.wait_seconds)}
    return _document(status_of(error), {**facts, "request": request.state.request_id}, headers)


def with_facts(status: int, code: str, title: str, detail: str, facts: Mapping[str, Any]) -> Response:
    """What was tried and did not come to its end, with how things stand now."""
    return _document(status, {**facts, "type": f"urn:haulage:{code}", "title": title, "detail": detail, "code": code})


def plain(request: Request, status: int, title: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error of HTTP."""
    return _document(status, {"type": "about:blank", "title": title, "request": request.state.request_id}, headers)


def invalid(request: Request, errors: Sequence[Any]) -> Response:
    """A request that does not fit its description. What was sent is not said again: it may be a secret."""
    told = [{"where": [str(part) for part in one["loc"]], "problem": one["msg"]} for one in errors]
    facts = {"type": "urn:haulage:invalid", "title": "the request does not fit its description", "errors": told}
    if "json" not in request.headers.get("content-type", "json"):  # as curl's -d sends it
        facts["detail"] = "Send the body as JSON, with the header Content-Type: application/json."
    return _document(422, {**facts, "request": request.state.request_id})
