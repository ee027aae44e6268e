"""Dropbox's three styles of calls: arguments and results in JSON, and content up and down (Q7)."""

import json
from typing import Any, TypeVar

import msgspec

from haulage.model.errors import HaulageError
from haulage.services.authorisation import Access
from haulage.services.bearer import Judge, decoded
from haulage.services.dropbox.account import API, reads
from haulage.services.dropbox.refusals import about_files
from haulage.services.transport import Answer, Request, Transport

CONTENT = "https://content.dropboxapi.com/2"
PAGE_BYTES = 64 * 1024 * 1024
T = TypeVar("T")


def _meaning(request: Request, answer: Answer) -> HaulageError | None:
    return about_files(request, answer) or reads(request, answer)


def argument(value: Any) -> str:
    """JSON for a header: everything but printable ASCII is escaped."""
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


class Calls:
    """Calls to one account. headers: for whom they are made, in a team."""

    def __init__(self, access: Access) -> None:
        self.transport = Transport(
            origins=("https://api.dropboxapi.com/", "https://content.dropboxapi.com/"),
            judge=Judge("Dropbox", _meaning),
            pacer=access.pacer,
            credentials=access.credentials,
            route=access.route,
        )
        self.pacer = access.pacer
        self.headers: dict[str, str] = {}

    async def ask(
        self, route: str, argument: Any, kind: type[T], *, repeatable: bool = True, attempts: int | None = None
    ) -> T:
        """A call with JSON in and out."""
        headers = {"Content-Type": "application/json", **self.headers}
        namespace, _, name = route.partition("/")
        operation = name if namespace == "files" else route
        url, body = f"{API}/{route}", msgspec.json.encode(argument)
        request = Request(operation, "POST", url, headers, body, repeatable, PAGE_BYTES, attempts)
        return self.decoded((await self.transport.call(request)).body, operation, kind)

    async def send(
        self, route: str, value: Any, body: bytes | memoryview, kind: type[T], *, repeatable: bool = False
    ) -> T:
        """A call that takes content."""
        headers = {"Content-Type": "application/octet-stream", "Dropbox-API-Arg": argument(value), **self.headers}
        operation = route.partition("/")[2]
        request = Request(operation, "POST", f"{CONTENT}/{route}", headers, body, repeatable)
        return self.decoded((await self.transport.call(request)).body, operation, kind)

    def reading(self, value: Any, start: int, operation: str = "download") -> Request:
        """The request for a file's content from a byte on, or for a document's export."""
        headers = {"Dropbox-API-Arg": argument(value), "Accept-Encoding": "identity", **self.headers}
        if start:
            headers["Range"] = f"bytes={start}-"
        return Request(operation, "POST", f"{CONTENT}/files/{operation}", headers, b"")

    def decoded(self, body: bytes, operation: str, kind: type[T]) -> T:
        """An answer's body. Raises Mismatch for another shape."""
        return decoded("Dropbox", body, operation, kind)
