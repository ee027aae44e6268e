"""Calls about the files of one domain."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from haulage.services import bearer
from haulage.services.authorisation import Access
from haulage.services.bearer import Judge
from haulage.services.egnyte.refusals import meaning
from haulage.services.transport import Answer, Request, Transport

FILES, CONTENT, CHUNKED = "pubapi/v1/fs", "pubapi/v1/fs-content", "pubapi/v1/fs-content-chunked"
PAGE_BYTES = 64 * 1024 * 1024
QPS, DAY, USED = "X-Accesstoken-Qps-Allotted", "X-Accesstoken-Quota-Allotted", "X-Accesstoken-Quota-Current"
MOST_PACED = 100  # calls a second: faster ones need no order
T = TypeVar("T")


class Calls:
    """Calls to one domain's host. told: what the headers of its answers say of the budget, by the header's name."""

    def __init__(self, access: Access) -> None:
        self._base = f"https://{access.settings['domain']}/"
        self._pacer = access.pacer
        self.told: dict[str, float] = {}
        self.transport = Transport(
            origins=(self._base,),
            judge=Judge("Egnyte", meaning),
            pacer=access.pacer,
            credentials=access.credentials,
            route=access.route,
            spare=self._hear,
        )

    def _hear(self, answer: Answer) -> None:
        """Keep what an answer tells of the budget (Q14), and let calls leave as often as is allowed."""
        before = self.told.get(QPS)
        for name in (QPS, DAY, USED):
            text = answer.headers.get(name, "")
            if text.replace(".", "", 1).isdecimal():
                self.told[name] = float(text)
        allowed = self.told.get(QPS)
        if allowed and allowed != before and allowed <= MOST_PACED:
            self._pacer.at_most(allowed)

    def url(self, api: str, path: str, query: str = "") -> str:
        """The address of a path from the domain's root. Each part is escaped by itself (Q5)."""
        return f"{self._base}{api}{quote(path, safe='/')}" + (f"?{query}" if query else "")

    async def get(self, operation: str, url: str, kind: type[T], *, attempts: int | None = None) -> T:
        """GET, decoded."""
        answer = await self.transport.call(self._request(operation, "GET", url, None, {}, True, attempts))
        return decoded(answer, operation, kind)

    async def ask(self, operation: str, url: str) -> Answer:
        """GET; the answer as it is, which may be empty."""
        return await self.transport.call(self._request(operation, "GET", url, None, {}, True, None))

    async def act(self, operation: str, path: str, body: Mapping[str, Any], *, repeatable: bool = False) -> None:
        """An action on the item at a path. What it answers, if anything, is not needed."""
        headers = {"Content-Type": "application/json"}
        sent = msgspec.json.encode(body)
        url = self.url(FILES, path)
        await self.transport.call(self._request(operation, "POST", url, sent, headers, repeatable, None))

    async def send(
        self, operation: str, url: str, headers: Mapping[str, str], body: bytes | memoryview, *, repeatable: bool
    ) -> Answer:
        """Send content."""
        sent = {"Content-Type": "application/octet-stream", **headers}
        return await self.transport.call(self._request(operation, "POST", url, body, sent, repeatable, None))

    def _request(
        self,
        operation: str,
        method: str,
        url: str,
        body: bytes | memoryview | None,
        headers: Mapping[str, str],
        repeatable: bool,
        attempts: int | None,
    ) -> Request:
        sent = {"Accept": "application/json", **headers}
        return Request(operation, method, url, sent, body, repeatable, PAGE_BYTES, attempts)


def decoded(answer: Answer, operation: str, kind: type[T]) -> T:
    """The answer's body. Raises Mismatch for another shape."""
    return bearer.decoded("Egnyte", answer.body, operation, kind)
