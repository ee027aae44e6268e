"""Several calls in one request: POST /batch/drive/v3.

Source: developers.google.com/workspace/drive/api/guides/performance#batch-requests (2026-08): at most 100 calls, no
media, and each counts as one.
"""

from collections.abc import Awaitable, Callable
from email.parser import BytesParser
from email.policy import HTTP
from http.client import responses
from urllib.parse import parse_qsl

from multidict import CIMultiDict

from haulage.sandbox.frame.history import Event
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.errors import bad_request

LARGEST_BYTES = 16 << 20
MOST_CALLS, LONGEST_PATH = 100, 8_000
Answers = Callable[[Call], Awaitable[Answer]]


class Inner(Call):
    """One of the calls inside."""

    __slots__ = ()

    def __init__(self, outer: Call, method: str, target: str, headers: dict[str, str], body: bytes, event: Event):
        self._request = outer._request
        self._body = body
        self._faults = {}
        self.method, self.host, self.origin, self.event = method, outer.host, outer.origin, event
        self.path, _, query = target.partition("?")
        self.query = dict(reversed(parse_qsl(query, keep_blank_values=True)))
        self.headers = CIMultiDict(headers)  # type: ignore[assignment]  # read only, as the request's own
        self.headers.setdefault("Authorization", outer.headers.get("Authorization", ""))  # type: ignore[attr-defined]  # likewise
        self.params = {}
        self.caller = None

    async def chunks(self):  # type: ignore[no-untyped-def]  # an asynchronous generator, as in Call
        """The body."""
        yield self._body or b""


class Batch:
    """The handler. answers: gives the answer to one call, as if it had come alone."""

    def __init__(self, world: World, answers: Answers) -> None:
        self._world = world
        self._answers = answers

    def routes(self) -> list[Route]:
        """Its endpoint."""
        hosts = "www.googleapis.com admin.googleapis.com"
        paths = ("/batch/drive/v3", "/batch/admin/directory_v1", "/batch")
        return [Route("POST", hosts, path, "batch", "batch", self.post) for path in paths]

    async def post(self, call: Call) -> Answer:
        """POST /batch/drive/v3"""
        kind = call.headers.get("Content-Type", "")
        if not kind.startswith("multipart/mixed"):
            raise bad_request("The batch request is no multipart/mixed.")
        whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + await call.body(LARGEST_BYTES)
        parts = BytesParser(policy=HTTP).parsebytes(whole).get_payload()
        if not isinstance(parts, list) or not parts:
            raise bad_request("Failed to parse batch request, error: 0 items.")
        if len(parts) > MOST_CALLS:
            raise bad_request(f"The batch request contains too many calls. The limit is {MOST_CALLS}.")
        mark = "batch_" + self._world.ids.base64url("google", "batch", call.event.number, count=24)
        told = []
        for part in parts:
            name = str(part.get("Content-ID", ""))  # type: ignore[union-attr]  # parts are messages
            inner = self._inner(call, bytes(part.get_payload(decode=True)))  # type: ignore[union-attr]  # likewise
            told.append(_part(mark, name, await self._answer(inner)))
        body = b"".join(told) + f"--{mark}--\r\n".encode()
        return Answer(200, {"Content-Type": f"multipart/mixed; boundary={mark}"}, body)

    def _inner(self, outer: Call, text: bytes) -> Inner:
        head, _, body = text.replace(b"\r\n", b"\n").partition(b"\n\n")
        lines = head.decode("utf-8", "replace").strip().split("\n")
        words = lines[0].split()
        if len(words) < 2:
            raise bad_request("Failed to parse batch request, error: no request line.")
        headers = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
        headers = {name.strip(): value.strip() for name, value in headers.items()}
        method, target = words[0].upper(), words[1]
        if target.startswith("http"):
            target = "/" + target.split("/", 3)[3]
        event = Event(
            self._world.history.begin(), outer.event.time, outer.event.service, "", method, outer.host, target,
            agent=outer.event.agent,
        )  # fmt: skip
        return Inner(outer, method, target, headers, body, event)

    async def _answer(self, inner: Inner) -> Answer:
        if len(inner.event.path) > LONGEST_PATH:
            answer = bad_request("The URL of a call inside is too long.").answer
        elif inner.query.get("alt") == "media":
            answer = Answer(302, {"Location": inner.at("www.googleapis.com") + inner.event.path})
        elif inner.path.startswith(("/upload/", "/batch")):
            answer = bad_request("Media uploads are not supported in batch requests.").answer
        else:
            answer = await self._answers(inner)
        inner.event.status = answer.status
        self._world.history.add(inner.event)
        return answer


def _part(mark: str, name: str, answer: Answer) -> bytes:
    body = answer.body if isinstance(answer.body, bytes) else b""
    shown = f"Content-ID: <response-{name.strip()[1:]}\r\n" if name.strip().startswith("<") else ""
    heads = "".join(f"{key}: {value}\r\n" for key, value in answer.headers.items())
    lines = f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}\r\n{heads}Content-Length: {len(body)}\r\n\r\n"
    head = f"--{mark}\r\nContent-Type: application/http\r\n{shown}\r\n{lines}"
    return head.encode() + body + b"\r\n"
