"""What answers of the Microsoft identity platform and of Graph look like."""

from datetime import UTC, datetime
from typing import Any

from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.frame.wire import Answer, Call, json_answer

LOGIN = "login.microsoftonline.com"
LOGIN_HOSTS = f"{LOGIN} login.microsoft.com login.windows.net sts.windows.net"
GRAPH = "graph.microsoft.com"
GRAPH_KIND = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
STATUSES = {"invalid_client": 401, "temporarily_unavailable": 503, "server_error": 500}


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def request_ids(call: Call) -> tuple[str, str]:
    """The id of a call, and the client's own id of it, which is echoed."""
    made = f"00000000-0000-4000-8000-{call.event.number:012x}"
    return made, call.headers.get("client-request-id", made)


def graph_headers(call: Call) -> dict[str, str]:
    """What every answer of Graph carries."""
    made, client = request_ids(call)
    return {"request-id": made, "client-request-id": client, "x-ms-ags-diagnostic": '{"ServerInfo":{"Ring":"1"}}'}


def graph_answer(call: Call, document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A JSON document of Graph."""
    return json_answer(document, status, {**graph_headers(call), **(headers or {})}, GRAPH_KIND)


def graph_error(
    call: Call, status: int, code: str, message: str, inner: str = "", headers: dict[str, str] | None = None
) -> Answer:
    """An error of Graph. inner: the code of the innerError, if it has one."""
    made, client = request_ids(call)
    about: dict[str, Any] = {"code": inner} if inner else {}
    about |= {"date": f"{_at(call.event.time):%Y-%m-%dT%H:%M:%S}", "request-id": made, "client-request-id": client}
    error = {"error": {"code": code, "message": message, "innerError": about}}
    return graph_answer(call, error, status, headers)


def login_error(
    call: Call,
    error: str,
    number: int,
    text: str,
    suberror: str = "",
    claims: str = "",
    headers: dict[str, str] | None = None,
) -> Answer:
    """An error of the token endpoint and its like: status, wording and fields as Microsoft's."""
    made, client = request_ids(call)
    stamp = f"{_at(call.event.time):%Y-%m-%d %H:%M:%SZ}"
    document: dict[str, Any] = {
        "error": error,
        "error_description": f"{described(number, text)} Trace ID: {made} Correlation ID: {client} Timestamp: {stamp}",
        "error_codes": [number],
        "timestamp": stamp,
        "trace_id": made,
        "correlation_id": client,
        "error_uri": f"https://{LOGIN}/error?code={number}",
    }
    document |= {"suberror": suberror} if suberror else {}
    document |= {"claims": claims} if claims else {}
    return json_answer(document, STATUSES.get(error, 400), {"Cache-Control": "no-store, no-cache", **(headers or {})})


def described(number: int, text: str) -> str:
    """An error's text as Microsoft begins it."""
    return f"AADSTS{number}: {text}"


def cid(ids: Ids, *names: object) -> str:
    """A personal account's id: 16 hexadecimal digits."""
    return ids.hex("cid", *names, count=16)
