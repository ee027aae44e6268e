"""What the proxy does to which request, and what it saw."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl


@dataclass
class Seen:
    """One request as it came in, and what became of it. Paths and query are raw: nothing decoded, nothing tidied."""

    method: str
    target: str
    headers: dict[str, str]
    time: float
    """Seconds of the monotonic clock when the head was there."""
    connection: int
    """Which of the client's connections, from 1."""
    status: int | None = None
    """The status that the client was sent; None if no answer left."""
    upstream_status: int | None = None
    """What the real server answered; None if it was not asked, or did not answer."""
    bytes_in: int = 0
    """Bytes of the request's body that arrived here."""
    bytes_out: int = 0
    """Bytes of the answer's body that left for the client."""
    seconds: float = 0.0
    rule: "Rule | None" = None
    """The rule that acted on it."""

    def __post_init__(self) -> None:
        self.path, _, self.query_string = self.target.partition("?")
        self.query = dict(parse_qsl(self.query_string, keep_blank_values=True))

    def line(self) -> dict[str, Any]:
        """What goes into a log file."""
        names = (
            "method",
            "target",
            "connection",
            "status",
            "upstream_status",
            "bytes_in",
            "bytes_out",
            "time",
            "seconds",
        )
        return {name: getattr(self, name) for name in names} | {"faulty": self.rule is not None}


@dataclass
class Answer:
    """An answer of the proxy's own."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class End:
    """How a connection breaks, and after how many bytes of the body; None: before the first byte of the head.

    close: FIN, as a server that ends in order. reset: RST. stall: nothing more comes until the client gives up.
    """

    how: Literal["close", "reset", "stall"]
    after: int | None = None


@dataclass
class Rule:
    """Which requests, and what happens to them. Of several rules the first whose turn it is acts; all of them count.

    method, path (a regular expression, searched in the raw path), query (keys that must be there, and their values
    unless None), lacks (keys that must not) and sent (regular expressions by request header, in lower case) say which
    operation. The first `skip` requests of it pass unharmed,
    the next `times` (None: all) do not.
    """

    method: str | None = None
    path: str = ""
    query: Mapping[str, str | None] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    sent: Mapping[str, str] = field(default_factory=dict)
    skip: int = 0
    times: int | None = 1

    # On the way to the server.
    before: Callable[[Seen], object] | None = None
    """Called (in a thread) before the request goes on: the world changes under the client."""
    hold: threading.Event | None = None
    """The request waits until it is set."""
    delay: float = 0.0
    strip: tuple[str, ...] = ()
    """Request headers, in lower case, that the server does not get: ("range",) is a server that ignores ranges.
    A header that the client signed cannot be stripped: the server will refuse."""
    request_body: Callable[[bytes], bytes] | None = None
    """Damage on the way: gets the whole body, gives one of the same length."""
    request_ends: End | None = None

    # Instead of the server's answer.
    answer: Answer | Callable[[Seen], Answer] | None = None
    applied: bool = False
    """With `answer`: the server gets the request all the same, and its own answer is thrown away."""
    repeat: bool = False
    """Not asked again: the client gets the answer of the last request of this operation that was let through."""

    # On the way back.
    after: Callable[[Seen], object] | None = None
    """Called (in a thread) once the server has answered."""
    answer_delay: float = 0.0
    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Headers of the answer that are set, or removed (None)."""
    body: Callable[[bytes], bytes] | None = None
    """Gets the whole body of the answer, gives another."""
    framing: Literal["as_is", "fits", "close", "chunked", "chunked_cut"] = "as_is"
    """as_is: the Content-Length that the server gave, whatever the body is now. fits: a Content-Length that is true.
    close: none, the connection's end is the body's. chunked; chunked_cut: without the chunk that ends it."""
    rate: float | None = None
    """Bytes of the body a second."""
    answer_ends: End | None = None

    matched: int = field(default=0, init=False)
    """How many requests of the operation came."""
    hits: int = field(default=0, init=False)
    """On how many it acted."""
    kept: Answer | None = field(default=None, init=False, repr=False)

    def matches(self, seen: Seen) -> bool:
        """Whether this is a request of the operation."""
        return (
            (self.method is None or self.method == seen.method)
            and re.search(self.path, seen.path) is not None
            and all(key in seen.query and value in (None, seen.query[key]) for key, value in self.query.items())
            and not any(key in seen.query for key in self.lacks)
            and all(re.search(wanted, seen.headers.get(name, "")) for name, wanted in self.sent.items())
        )

    @property
    def due(self) -> bool:
        """Whether the request that was just counted is one to act on."""
        return self.matched > self.skip and (self.times is None or self.hits < self.times)

    @property
    def whole_answer(self) -> bool:
        """Whether the answer's body is needed in one piece."""
        return self.body is not None or self.framing != "as_is"


def rule_of(given: Mapping[str, Any]) -> Rule:
    """A rule from plain JSON, for the command line: {"method": "PUT", "answer": {"status": 503}, "times": 3}."""
    parts = dict(given)
    for name in ("request_ends", "answer_ends"):
        if name in parts:
            parts[name] = End(**parts[name])
    if "answer" in parts:
        parts["answer"] = Answer(**{**parts["answer"], "body": parts["answer"].get("body", "").encode()})
    return Rule(**parts)


def s3_error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in S3's own form."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Answer(status, {"Content-Type": "application/xml", **(headers or {})}, body.encode())


def azure_error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in Azure Blob's own form."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Answer(
        status, {"Content-Type": "application/xml", "x-ms-error-code": code, **(headers or {})}, body.encode()
    )


def dropbox_error(status: int, tag: str) -> Answer:
    """An error in Dropbox's form."""
    error = {"reason": {".tag": tag}} if status == 429 else {".tag": tag}
    body = json.dumps({"error_summary": f"{tag}/..", "error": error}).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


def box_error(status: int, code: str) -> Answer:
    """An error in Box's form."""
    body = json.dumps({"type": "error", "status": status, "code": code, "message": code, "request_id": "r"}).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


def egnyte_error(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in the form of Egnyte's file system."""
    body = json.dumps({"errorMessage": text}).encode()
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, body)


def egnyte_throttle(code: str, retry_after: str = "") -> Answer:
    """What Egnyte's gateway answers by itself."""
    headers = {"Content-Type": "text/html", "X-Mashery-Error-Code": code}
    return Answer(403, headers | ({"Retry-After": retry_after} if retry_after else {}), b"<h1>Developer Over Qps</h1>")


def graph_error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in Microsoft Graph's form."""
    body = json.dumps({"error": {"code": code, "message": code, "innerError": {"code": code}}}).encode()
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, body)


def google_error(status: int, reason: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in the form of Google's JSON APIs."""
    told = {"code": status, "message": reason, "errors": [{"domain": "global", "reason": reason, "message": reason}]}
    body = json.dumps({"error": told}).encode()
    return Answer(status, {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}, body)


def flip(at: int) -> Callable[[bytes], bytes]:
    """One bit of byte `at` (from the end if negative) is the other one; a body that has no such byte is left alone."""

    def damage(body: bytes) -> bytes:
        changed = bytearray(body)
        if -len(changed) <= at < len(changed):
            changed[at] ^= 1
        return bytes(changed)

    return damage


def cut(size: int) -> Callable[[bytes], bytes]:
    """Only the first `size` bytes."""
    return lambda body: body[:size]


def extend(more: bytes) -> Callable[[bytes], bytes]:
    """`more` behind it."""
    return lambda body: body + more
