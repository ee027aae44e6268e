"""Calls about files: addresses with their parameters, and bodies decoded."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from haulage.model.errors import HaulageError
from haulage.services import bearer
from haulage.services.authorisation import Access
from haulage.services.bearer import Judge
from haulage.services.google.account import DRIVE
from haulage.services.google.refusals import LINK, SESSION, meaning
from haulage.services.transport import Answer, Request, Transport

ORIGIN = "https://www.googleapis.com"
EDITORS = "https://docs.google.com"  # from where documents of more than 10 MB are exported
UPLOAD = f"{ORIGIN}/upload/drive/v3/files"
ALL_DRIVES = {"supportsAllDrives": "true"}  # Q14: without it nothing in a shared drive is found
JSON_TYPE = "application/json; charset=UTF-8"
PAGE_BYTES = 64 * 1024 * 1024
T = TypeVar("T")


class _Unfinished(Judge):
    """308 says how far an upload has come, and is no redirect there; an address to export from leads on by one."""

    def __call__(self, request: Request, answer: Answer) -> HaulageError | None:
        if answer.status == 308 and request.operation in SESSION:
            return None
        if answer.status in (302, 303, 307) and request.operation == LINK and "Location" in answer.headers:
            return None
        return super().__call__(request, answer)


class Calls:
    """Calls in one person's name."""

    def __init__(self, access: Access) -> None:
        self.transport = Transport(
            origins=(f"{ORIGIN}/", f"{EDITORS}/"),
            judge=_Unfinished("Google", meaning),
            pacer=access.pacer,
            credentials=access.credentials,
            bare_origins=("https://*.googleusercontent.com/",),
            route=access.route,
        )

    async def get(
        self, operation: str, path: str, query: Mapping[str, str], kind: type[T], *, attempts: int | None = None
    ) -> T:
        """GET, decoded. path: below .../drive/v3/."""
        url = address(f"{DRIVE}/{path}", query)
        request = Request(
            operation, "GET", url, {"Accept": "application/json"}, largest_answer=PAGE_BYTES, attempts=attempts
        )
        return decoded(await self.transport.call(request), operation, kind)

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any,
        kind: type[T],
        *,
        repeatable: bool = True,
    ) -> T:
        """Send JSON, decoded. Mostly, repeating it does no harm: what is made brings its id along (Q8)."""
        headers = {"Content-Type": JSON_TYPE, "Accept": "application/json"}
        url = address(f"{DRIVE}/{path}", query)
        sent = msgspec.json.encode(body)
        answer = await self.transport.call(Request(operation, method, url, headers, sent, repeatable))
        return decoded(answer, operation, kind)

    async def delete(self, file_id: str) -> None:
        """Remove a file for good, past the trash."""
        url = address(f"{DRIVE}/files/{quote(file_id, safe='')}", {})
        await self.transport.call(Request("DeleteFile", "DELETE", url))


def address(url: str, query: Mapping[str, str]) -> str:
    """The URL with its parameters."""
    return f"{url}?{urlencode({**query, **ALL_DRIVES}, quote_via=quote)}"


def decoded(answer: Answer, operation: str, kind: type[T]) -> T:
    """The answer's body. Raises Mismatch for another shape."""
    return bearer.decoded("Google", answer.body, operation, kind)
