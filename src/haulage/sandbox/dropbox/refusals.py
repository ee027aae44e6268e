"""How Dropbox says no, before a route is reached (dropbox.com/developers/documentation/http)."""

from typing import Any

from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer

ONE_ACCOUNT = (
    "This API function operates on a single Dropbox account, but the OAuth 2 access token you provided is for an "
    "entire Dropbox Business team.  Since your API app key has team member file access permissions, you can operate on "
    'a team member\'s Dropbox by providing the "Dropbox-API-Select-User" HTTP header or "select_user" URL parameter '
    "to specify the exact user."
)
TEAM_FUNCTION = (
    "This is a DfB team management function, but the OAuth 2 access token you provided is for an individual account."
)


def tagged(call: Call, status: int, tag: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    """An error in JSON whose value is one tag with its fields: 401, 403, 422."""
    dots = "." * (call.event.number % 4)
    return json_answer({"error_summary": f"{tag}/{dots}", "error": {".tag": tag, **more}}, status, headers)


def plain(call: Call, text: str) -> Answer:
    """400: always plain text."""
    name = call.path.strip("/").partition("/")[2]
    told = f'Error in call to API function "{name}": {text}'
    return Answer(400, {"Content-Type": "text/plain; charset=utf-8"}, told.encode())


def wait(call: Call, retry_after: str | None, reason: str = "too_many_requests") -> Answer:
    """429: the time to wait stands in the header and in the body."""
    seconds = int(retry_after) if retry_after and retry_after.isdigit() else 1
    document = {
        "error_summary": f"{reason}/{'.' * (call.event.number % 4)}",
        "error": {"reason": {".tag": reason}, "retry_after": seconds},
    }
    return json_answer(document, 429, {} if retry_after is None else {"Retry-After": retry_after})


async def argument(call: Call) -> dict[str, Any]:
    """The argument of a call in rpc style. Of a route without one: nothing, or the JSON value null. Raises Refusal."""
    body = await call.body()
    if not body and call.headers.get("Content-Type"):
        raise Refusal(plain(call, "request body: could not decode input as JSON"))
    found = await call.json(lambda _: plain(call, "request body: could not decode input as JSON"))
    if found is not None and not isinstance(found, dict):
        raise Refusal(plain(call, "request body: expected object"))
    return found or {}


def only(call: Call, told: dict[str, Any], *names: str) -> dict[str, Any]:
    """The argument, if it has no other fields than these. Raises Refusal."""
    for name in told:
        if name not in names:
            raise Refusal(plain(call, f"request body: unknown field '{name}'"))
    return told
