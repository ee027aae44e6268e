"""Dropbox's four styles of calls, its strict arguments, and its errors (dropbox.com/developers/documentation/http)."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from haulage.sandbox.dropbox.refusals import plain
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer

API, CONTENT, NOTIFY = "api.dropboxapi.com", "content.dropboxapi.com", "notify.dropboxapi.com"
HOSTS = {"rpc": API, "upload": CONTENT, "download": CONTENT, "longpoll": NOTIFY}
ARGUMENT = "Dropbox-API-Arg"
SELECT_USER, SELECT_ADMIN = "Dropbox-API-Select-User", "Dropbox-API-Select-Admin"
RPC_KINDS = ("application/json", "text/plain; charset=dropbox-cors-hack")
UPLOAD_KINDS = ("application/octet-stream", "text/plain; charset=dropbox-cors-hack")
PATH_PATTERN = r"(/(.|[\r\n])*)|(ns:[0-9]+(/.*)?)|(id:.*)"
PATH = re.compile(PATH_PATTERN)
ROOTED = re.compile(r"(/(.|[\r\n])*)?|id:.*|(ns:[0-9]+(/.*)?)")
READABLE = re.compile(r"(/(.|[\r\n])*|id:.*)|(rev:[0-9a-f]{9,})|(ns:[0-9]+(/.*)?)")
A = TypeVar("A")


class Arg(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An argument: unknown fields are an error, as at Dropbox."""


class Nothing(Arg):
    """No argument."""


def tagged(tag: str, **more: Any) -> dict[str, Any]:
    """A value of a union."""
    return {".tag": tag, **more}


def nested(*tags: str) -> dict[str, Any]:
    """A union in a union: `nested("path", "not_found")` is `{".tag": "path", "path": {".tag": "not_found"}}`."""
    made = tagged(tags[-1])
    for tag in reversed(tags[:-1]):
        made = {".tag": tag, tag: made}
    return made


def tag_of(value: Any) -> str:
    """The tag of a union's value, written in either way; "" if it is none."""
    found = value.get(".tag", "") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _summary(error: Any) -> str:
    """The tags, joined by slashes."""
    tags = []
    while isinstance(error, dict):
        tag = error.get(".tag", "")
        if tag:
            tags.append(str(tag))
        inner = error.get(tag) if isinstance(error.get(tag), dict) else error.get("reason")
        error = inner if isinstance(inner, dict) and ".tag" in inner else None
    return "/".join(tags)


def problem(call: Call, status: int, error: Any, headers: dict[str, str] | None = None) -> Answer:
    """An error in JSON: 401, 403, 409, 422, 429."""
    dots = "." * (call.event.number % 4)
    return json_answer({"error_summary": f"{_summary(error)}/{dots}", "error": error}, status, headers)


def failure(call: Call, error: Any) -> Refusal:
    """The route's own error, 409, to be raised."""
    return Refusal(problem(call, 409, error))


def bad_input(call: Call, where: str, what: str) -> Refusal:
    """400, in plain text. where: `request body` or the header that has the argument."""
    return Refusal(plain(call, f"{where}: {what}"))


def _decoded(call: Call, where: str, text: bytes, kind: type[A]) -> A:
    try:
        found = msgspec.json.decode(text) if text.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_input(call, where, "could not decode input as JSON") from None
    if found is None and issubclass(kind, Nothing):
        found = {}
    if not isinstance(found, dict):
        raise bad_input(call, where, "expected object, got null" if found is None else "expected object")
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise bad_input(call, where, str(error)) from None


async def _argument(call: Call, kind: type[A], style: str) -> A:
    told = call.headers.get("Content-Type", "")
    if style in ("rpc", "longpoll"):
        body = await call.body()
        if told.replace("; charset=utf-8", "") not in RPC_KINDS and not (not told and not body):
            want = 'expecting one of "application/json", "application/json; charset=utf-8"'
            raise bad_input(call, 'Bad HTTP "Content-Type" header', f"{told!r}, {want}")
        if told and not body:
            raise bad_input(call, "request body", "could not decode input as JSON")
        return _decoded(call, "request body", body, kind)
    if style == "upload" and told not in UPLOAD_KINDS:
        raise bad_input(call, 'Bad HTTP "Content-Type" header', f"{told!r}, expecting application/octet-stream")
    if "arg" in call.query:
        return _decoded(call, 'URL parameter "arg"', call.query["arg"].encode(), kind)
    text = call.headers.get(ARGUMENT)
    where = f'HTTP header "{ARGUMENT}"'
    if text is None:
        raise bad_input(call, where, "missing")
    return _decoded(call, where, text.encode("utf-8", "surrogateescape"), kind)


def check_path(call: Call, path: str, style: str = "rpc", *, form: re.Pattern[str] = PATH, field: str = "path") -> str:
    """The path, if it has the form that it must have. Raises Refusal: 400, not a route's error."""
    if not form.fullmatch(path):
        where = "request body" if style == "rpc" else 'HTTP header "Dropbox-API-Arg"'
        raise bad_input(call, where, f"{field}: {path!r} did not match pattern '{form.pattern}'")
    return path


def route(
    name: str, source: str, kind: type[A], handler: Callable[[Call, A], Awaitable[Any] | Any], scope: str = "",
    style: str = "rpc", **details: Any,
) -> Route:  # fmt: skip
    """A route of the API. handler: gets the argument, gives the result, or an answer of its own."""

    async def handle(call: Call) -> Answer:
        argument = await _argument(call, kind, style)
        made = handler(call, argument)
        if isinstance(made, Awaitable):
            made = await made
        return made if isinstance(made, Answer) else json_answer(made)

    return Route("POST", HOSTS[style], f"/2/{name}", name, source, handle, scope, {"style": style, **details})
