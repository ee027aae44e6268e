"""Calls about files in one person's name."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from haulage.services import bearer
from haulage.services.authorisation import Access
from haulage.services.box.account import API, HOSTS
from haulage.services.box.refusals import BoxJudge
from haulage.services.box.traits import CALLS_A_MINUTE, UPLOADS_A_MINUTE
from haulage.services.transport import Answer, Request, Stated, Transport

UPLOAD = "https://upload.box.com/api/2.0"
DOWNLOADS = ("https://dl.boxcloud.com/", "https://*.boxcloud.com/")  # Q9: addresses that are their own permission
NEW_FILE, NEW_VERSION = "UploadFile", "UploadVersion"
STATED = (  # Q15
    Stated(CALLS_A_MINUTE, 60),
    Stated(UPLOADS_A_MINUTE, 60, frozenset({NEW_FILE, NEW_VERSION})),
)
PAGE_BYTES = 64 * 1024 * 1024
T = TypeVar("T")


class Calls:
    """headers: for whom the calls are made, in an enterprise."""

    def __init__(self, access: Access) -> None:
        self.transport = Transport(
            origins=tuple(f"https://{host}/" for host in HOSTS),
            judge=BoxJudge(),
            pacer=access.pacer,
            credentials=access.credentials,
            bare_origins=DOWNLOADS,
            route=access.route,
            stated=STATED,
        )
        self.headers: dict[str, str] = {}

    async def get(self, operation: str, path: str, kind: type[T], *, attempts: int | None = None) -> T:
        """GET, decoded. path: below the API's root, with its query."""
        headers = {"Accept": "application/json", **self.headers}
        url = path if path.startswith("https://") else f"{API}/{path}"
        request = Request(operation, "GET", url, headers, largest_answer=PAGE_BYTES, attempts=attempts)
        return decoded(await self.transport.call(request), operation, kind)

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        body: Any,
        kind: type[T],
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        attempts: int | None = None,
    ) -> T:
        """Send JSON, decoded."""
        sent = {"Content-Type": "application/json", "Accept": "application/json", **self.headers, **(headers or {})}
        url = path if path.startswith("https://") else f"{API}/{path}"
        request = Request(operation, method, url, sent, msgspec.json.encode(body), repeatable, attempts=attempts)
        return decoded(await self.transport.call(request), operation, kind)


def decoded(answer: Answer, operation: str, kind: type[T]) -> T:
    """The answer's body. Raises Mismatch for another shape."""
    return bearer.decoded("Box", answer.body, operation, kind)
