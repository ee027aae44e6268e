"""What services with JSON and bearer tokens share: one transport, one way to decode, one way to read plain statuses."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from haulage.model.errors import Conflict, Denied, Gone, HaulageError, Mismatch, Throttled, Transient
from haulage.services.authorisation import Access
from haulage.services.transport import Answer, Request, TokenRefused, Transport, retry_after_seconds

T = TypeVar("T")
Reads = Callable[[Request, Answer], HaulageError | None]
"""A service's own reading of an answer that is no success; None leaves it to the plain statuses."""

LARGEST_TOLD = 300


class Judge:
    """What an answer means, by the service's own words first and by its status else."""

    def __init__(self, title: str, reads: Reads) -> None:
        self._title = title
        self._reads = reads

    def __call__(self, request: Request, answer: Answer) -> HaulageError | None:
        """None when it is what was asked for."""
        if 200 <= answer.status < 300:
            if answer.body[:1] == b"{" and not answer.body.rstrip().endswith(b"}"):
                return Transient(f"{self._title}: the answer to {request.operation} is cut off")
            return None
        if (error := self._reads(request, answer)) is not None:
            return error
        told = f"{self._title}: {request.operation} was answered with {answer.status}"
        if answer.status == 401:
            return TokenRefused(told)
        if answer.status in (429, 503):
            return Throttled(told, retry_after_seconds(answer.headers))
        if answer.status in (408, 425) or (answer.status >= 500 and answer.status != 501):
            return Transient(told)
        kinds: dict[int, type[HaulageError]] = {403: Denied, 404: Gone, 410: Gone, 409: Conflict, 412: Conflict}
        return kinds.get(answer.status, HaulageError)(told)


class Api:
    """Calls to one service's JSON interface with a connector's tokens.

    hosts: host names that tokens may go to. headers: sent along with every call.
    """

    def __init__(
        self, title: str, access: Access, hosts: tuple[str, ...], reads: Reads, headers: Mapping[str, str] | None = None
    ) -> None:
        self.transport = Transport(
            origins=tuple(f"https://{host}/" for host in hosts),
            judge=Judge(title, reads),
            pacer=access.pacer,
            credentials=access.credentials,
            route=access.route,
        )
        self._title = title
        self._headers = dict(headers or {})

    async def get(self, operation: str, url: str, kind: type[T], headers: Mapping[str, str] | None = None) -> T:
        """GET, decoded. Raises what the judge says, and Mismatch for an answer of another shape."""
        return decoded(self._title, await self._call(operation, "GET", url, None, headers or {}), operation, kind)

    async def post(
        self,
        operation: str,
        url: str,
        kind: type[T],
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> T:
        """POST of JSON, decoded likewise."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        told = await self._call(operation, "POST", url, msgspec.json.encode(body), sent, repeatable)
        return decoded(self._title, told, operation, kind)

    async def form(self, operation: str, url: str, values: Mapping[str, str]) -> None:
        """POST of a form whose answer's body does not matter."""
        sent = urlencode(values).encode()
        await self._call(operation, "POST", url, sent, {"Content-Type": "application/x-www-form-urlencoded"})

    async def close(self) -> None:
        """Let go of connections."""
        await self.transport.close()

    async def _call(
        self,
        operation: str,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        repeatable: bool = True,
    ) -> bytes:
        sent = {"Accept": "application/json", **self._headers, **headers}
        request = Request(operation, method, url, sent, body, repeatable=repeatable)
        return (await self.transport.call(request)).body


def decoded(title: str, body: bytes, operation: str, kind: type[T]) -> T:
    """An answer's body. title: the service's. Raises Mismatch for another shape, and Transient for what is no JSON."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        why = str(error)[:LARGEST_TOLD]
        raise Mismatch(f"{title}: the answer to {operation} has an unexpected form ({why})") from error
    except msgspec.DecodeError as error:  # a gateway's page, or the beginning of an answer: it did not come from there
        why = str(error)[:LARGEST_TOLD]
        raise Transient(f"{title}: the answer to {operation} is no whole JSON ({why})") from error


def told_json(answer: Answer) -> dict[str, Any]:
    """An answer's JSON object; empty where it is none."""
    try:
        found = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
